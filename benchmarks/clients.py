"""CPU of the client's process per record, ours and others', on the same work.

    python -m benchmarks clients

A list of records with twelve properties is updated, and read, in chunks of 100,
against a server that answers at once (`benchmarks/server.py`). Each way runs in a
process of its own, which counts its user and system time; imports, and a first small
batch, do not count. All ways take turns, in rounds, in an order that changes. A ratio
is that of two ways in one round, and the median over the rounds is what is shown: on
a shared machine one round says little. The official clients take so long that they
get fewer records; their cost per record does not depend on that. Of all ways only ours
sends, and has back, a trace id with each record, by which results are matched.
"""

import asyncio
import gc
import multiprocessing
import random
import statistics
import time

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any

from .records import ids, records
from .server import serving
from .tables import Section, bars, table
from .ways import WAYS


FLOOR, OURS = "aiohttp + orjson, dicts", "hubbatch"
DROPPING, STREAM = "aiohttp + orjson, dropped", "hubbatch, streamed"
SLOW = ("hubspot-api-client", "hubspot-sdk, async")
RELATIVE_TO = {STREAM: DROPPING}


def _work(way: str, verb: str, url: str, count: int, pipe: Connection) -> None:
    inputs: list[Any] = ids(count) if verb == "read" else records(count)
    run = WAYS[way]
    asyncio.run(run(url, verb, inputs[:200]))
    while pipe.recv():
        gc.collect()
        before = time.process_time()
        kept = asyncio.run(run(url, verb, inputs))
        spent = time.process_time() - before
        assert len(kept) == count
        del kept
        pipe.send(spent / count * 1e6)


@contextmanager
def _workers(verb: str, url: str, counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for way, count in counts.items():
        pipes[way], theirs = context.Pipe()
        args = (way, verb, url, count, theirs)
        processes.append(context.Process(target=_work, args=args, daemon=True))
        processes[-1].start()
        theirs.close()  # or nobody would hear that it has ended
    yield pipes
    for pipe in pipes.values():
        pipe.send(False)  # noqa: FBT003 -- no more
    for process in processes:
        process.join()


def measure(
    verb: str, count: int, slow_count: int, rounds: int
) -> dict[str, list[float]]:
    """Give microseconds of CPU per record, by way, of each round."""
    counts = {way: slow_count if way in SLOW else count for way in WAYS}
    spent: dict[str, list[float]] = {way: [] for way in WAYS}
    order = [*WAYS]
    chance = random.Random(1)
    with serving() as url, _workers(verb, url, counts) as pipes:
        for _ in range(rounds):
            chance.shuffle(order)
            for way in order:
                pipes[way].send(True)  # noqa: FBT003 -- one more
                spent[way].append(pipes[way].recv())
    return spent


def ratio(spent: dict[str, list[float]], way: str, other: str) -> float:
    """Give the median of the ratios of two ways, round by round."""
    pairs = zip(spent[way], spent[other], strict=True)
    return statistics.median(one / another for one, another in pairs)


def run(*, quick: bool) -> Section:
    """Measure both verbs."""
    count, slow_count, rounds = (20_000, 1_000, 5) if quick else (100_000, 10_000, 9)
    told = (
        f"{count:,} records with twelve properties ({slow_count:,} for the official "
        f"clients, {version('hubspot-api-client')} and {version('hubspot-sdk')}), "
        f"{rounds} rounds. CPU of the client's process."
    )
    parts, pictures = [told], {}
    for verb in ("update", "read"):
        spent = measure(verb, count, slow_count, rounds)
        middle = {way: statistics.median(each) for way, each in spent.items()}
        rows = []
        for way in WAYS:
            base = RELATIVE_TO.get(way, FLOOR)
            rows.append(
                (
                    way,
                    f"{middle[way]:.2f}",
                    f"{ratio(spent, way, base):.2f}",
                    f"{ratio(spent, way, OURS):.2f}",
                )
            )
        head = (f"`{verb}`", "µs a record", "x its floor", "x hubbatch")
        parts.append(table(head, rows))
        title = f"CPU of the client per record, batch {verb} (µs)"
        pictures[f"clients-{verb}"] = bars(title, middle, highlight=OURS)
    parts.append(
        "The floor of the stream is the one that drops its answers; of all others, "
        "the one that keeps them as dicts."
    )
    return Section("The whole client", __doc__, "\n\n".join(parts), pictures)

"""CPU of the client's process per record: hubbatch, floors, scripts, other clients.

    python -m benchmarks clients [--quick] [--rounds N] [--also CHECKOUT]

A list of records is created, updated, upserted and read, in chunks of 100, against a
server that answers at once (`benchmarks/server.py`). Each way has a process of its own,
which counts its user and system time, without imports and a first small batch. The
floor sends and decodes plain dicts. The fair script (`benchmarks/fair.py`) does the
work of hubbatch's contract: it checks values, sends trace ids, returns typed results
with datetimes, matched with the inputs and in their order.

All ways take turns, in rounds and in random order. A ratio compares two ways in one
round: the median of the rounds, with the quartiles in brackets. Slow clients get fewer
records; their cost per record does not depend on the number.
"""

import statistics

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version

from .records import WIDTH
from .server import serving
from .tables import Section, bars, table
from .ways import WAYS
from .workers import Ratio, Worker, turns


FLOOR, FAIR, OURS = "aiohttp + orjson, dicts", "fair script", "hubbatch"
DROPPING, STREAM = "aiohttp + orjson, dropped", "hubbatch, streamed"
API_CLIENT = "hubspot-api-client"
SLOW = (API_CLIENT, "hubspot-sdk, async", "httpx + orjson, dicts")
# What `--quick` measures.
QUICK = (FLOOR, FAIR, OURS, API_CLIENT, DROPPING, STREAM)
COUNT = 100_000  # fewer would cost the garbage collector less, so ratios would differ
VERBS = ("update", "upsert", "create", "read")
BEFORE = ", before"  # ends the names of the ways of the second checkout

Costs = Mapping[str, Sequence[float]]  # of each round, by way


def base_of(way: str) -> str:
    """Return the floor of a way."""
    return DROPPING if way.removesuffix(BEFORE) == STREAM else FLOOR


def measure(
    url: str,
    verb: str,
    workers: Mapping[str, Worker],
    *,
    rounds: int,
    count: int,
    width: int = WIDTH,
) -> Costs:
    """Return microseconds of CPU per record."""
    costs: dict[str, list[float]] = {way: [] for way in workers}
    for way in turns([*workers], rounds):
        name = way.removesuffix(BEFORE)
        cost = workers[way].call(
            "ways.measure",
            way=name,
            verb=verb,
            url=url,
            count=count // 10 if name in SLOW else count,
            width=width,
        )
        costs[way].append(cost)
    return costs


def report(verb: str, costs: Costs) -> str:
    """Write the table of a verb."""
    rows = [
        (
            way,
            f"{statistics.median(each):.2f}",
            str(Ratio.of(each, costs[base_of(way)])),
            str(Ratio.of(each, costs[OURS])),
        )
        for way, each in costs.items()
    ]
    head = (f"`{verb}`", "µs a record", "x its floor", "x hubbatch")
    return table(head, rows)


def run(*, quick: bool, rounds: int | None = None, also: str | None = None) -> Section:
    """Measure all verbs; `also` is a second checkout of hubbatch."""
    rounds = rounds or (3 if quick else 11)
    versions = ", ".join(
        f"{name} {version(name)}"
        for name in ("httpx", "hubspot-api-client", "hubspot-sdk")
    )
    text = (
        f"{COUNT:,} records with twelve properties ({COUNT // 10:,} for {versions}), "
        f"{rounds} rounds."
    )
    parts, pictures = [text], {}
    with ExitStack() as stack:
        url = stack.enter_context(serving())
        ways = QUICK if quick else tuple(WAYS)
        workers = {way: stack.enter_context(Worker()) for way in ways}
        if also is not None:
            for way in (OURS, STREAM):
                worker = stack.enter_context(Worker(hubbatch=also))
                workers[way + BEFORE] = worker
        for verb in VERBS:
            costs = measure(url, verb, workers, rounds=rounds, count=COUNT)
            parts.append(report(verb, costs))
            title = f"CPU of the client per record, batch {verb} (µs)"
            middle = {way: statistics.median(each) for way, each in costs.items()}
            pictures[f"clients-{verb}"] = bars(title, middle, highlight=OURS)
    parts.append(
        "The floor of the streams is the one that drops its results; that of all "
        "others is the one that keeps them as dicts."
    )
    return Section("The whole client", __doc__ or "", "\n\n".join(parts), pictures)

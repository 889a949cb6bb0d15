"""Peak memory and speed of streams and collected batches, each in a process of its own.

    python benchmarks/memory.py            the sizes of every day
    python benchmarks/memory.py --full     ten million inputs too

A transport that answers at once stands for HubSpot. It makes its answers in the same
process, of which records a second are a measure too. Peak memory is the process's own
high-water mark, in MB, less the mark after the imports. Compare the rows with one
another, not with other machines.
"""

import argparse
import asyncio
import multiprocessing
import time

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from peaks import peak  # type: ignore[import-not-found] # a script beside

from hubbatch import SimplePublicObject
from hubbatch._http import Answer, Request, Response
from hubbatch._limits.window import RateLimit
from hubbatch._net.auth import Credentials
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._net.listeners import Listeners
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.endpoints import operation_for


PROPERTIES = {f"property_{n}": f"value number {n}" for n in range(12)}
STAMP = "2026-11-23T10:00:00.000Z"
OPERATION = operation_for("objects", "update", "tickets", api_version="v3")


class Instant:
    """HubSpot without a network: every update succeeds at once."""

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        on_sent()
        await asyncio.sleep(0)
        results = [
            {
                "id": given["id"],
                "properties": {**given["properties"], "hs_object_id": given["id"]},
                "createdAt": STAMP,
                "updatedAt": STAMP,
                "archived": False,
            }
            for given in orjson.loads(request.body)["inputs"]
        ]
        envelope = {"status": "COMPLETE", "results": results}
        return Response(200, {}, orjson.dumps(envelope))

    def retire(self) -> None:
        """Keep no connections."""

    async def aclose(self) -> None:
        """Hold nothing."""


def client_state() -> ClientState:
    return ClientState(
        gate=Gate(RateLimit(1_000_000_000, burst=1_000_000_000), 32),
        transport=Instant(),
        credentials=Credentials("token"),
        policy=RetryPolicy(),
        max_concurrency=32,
        listeners=Listeners(()),
    )


def distinct(count: int) -> Iterator[dict[str, Any]]:
    return ({"id": str(n), "properties": PROPERTIES} for n in range(count))


def repeated(count: int) -> Iterator[dict[str, Any]]:
    """Repeat a key in three of ten inputs."""
    ids = (n - n % 10 if n % 10 in (3, 6, 9) else n for n in range(count))
    return ({"id": str(n), "properties": PROPERTIES} for n in ids)


def hot(count: int) -> Iterator[dict[str, Any]]:
    """Give every second input the same key."""
    ids = (0 if n % 2 else n + 1 for n in range(count))
    return ({"id": str(n), "properties": PROPERTIES} for n in ids)


async def stream(inputs: Iterator[dict[str, Any]]) -> int:
    count = 0
    batch: Batch[SimplePublicObject] = Batch(client_state(), OPERATION, inputs)
    async with batch as outcomes:
        async for _ in outcomes:
            count += 1
    return count


async def collect(inputs: Iterator[dict[str, Any]]) -> int:
    batch: Batch[SimplePublicObject] = Batch(client_state(), OPERATION, list(inputs))
    return len((await batch).results)


async def plain(inputs: Iterator[dict[str, Any]]) -> int:
    """Keep what a hand-written script keeps: the inputs and the decoded answers."""
    given, kept, way = list(inputs), [], Instant()
    for first in range(0, len(given), 100):
        body = orjson.dumps({"inputs": given[first : first + 100]})
        answer = await way.send(Request("POST", "/", {}, {}, body), lambda: None)
        assert isinstance(answer, Response)
        kept.extend(orjson.loads(answer.body)["results"])
    return len(kept)


CASES = {
    "stream, distinct keys": (stream, distinct),
    "stream, 30 % repeated keys": (stream, repeated),
    "stream, one key in half of the inputs": (stream, hot),
    "collect": (collect, distinct),
    "plain dicts, collected": (plain, distinct),
}
# A hot key goes one input a request, so fewer of them show the same.
EVERY_DAY = [
    ("stream, distinct keys", 10_000),
    ("stream, distinct keys", 1_000_000),
    ("stream, 30 % repeated keys", 10_000),
    ("stream, 30 % repeated keys", 1_000_000),
    ("stream, one key in half of the inputs", 10_000),
    ("stream, one key in half of the inputs", 50_000),
    ("collect", 100_000),
    ("plain dicts, collected", 100_000),
]
FULL = [
    ("stream, distinct keys", 10_000_000),
    ("stream, 30 % repeated keys", 10_000_000),
]


def measure(case: str, count: int, answer: Any) -> None:
    run, inputs = CASES[case]
    before = peak()
    started = time.perf_counter()
    done = asyncio.run(run(inputs(count)))
    assert done == count
    answer.send((peak() - before, time.perf_counter() - started))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    sizes = EVERY_DAY + (FULL if parser.parse_args().full else [])
    print("| case | inputs | peak MB | records/s |")
    print("|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for case, count in sizes:
        ours, theirs = context.Pipe()
        process = context.Process(target=measure, args=(case, count, theirs))
        process.start()
        theirs.close()  # or nobody would hear that it has ended
        megabytes, seconds = ours.recv()
        process.join()
        rate = count / seconds
        print(f"| {case} | {count:,} | {megabytes:.0f} | {rate:,.0f} |", flush=True)


if __name__ == "__main__":
    main()

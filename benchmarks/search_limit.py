"""How much of HubSpot's five searches a second hubbatch uses, against the simulator.

    python -m benchmarks.search_limit [--seconds 60]

Several clients search side by side, each in a simulator of its own, which counts
strictly: five requests in any second. A request arrives up to 180 ms after it was sent,
and is answered after the time in the first column. A search for all records asks for
one page of 200 after the other ("walks"); `count` needs one request, and many of them
are asked for at a time.

It prints searches a second, the share of the limit, and 429s; it fails if there was a
429, or if 20 counts at a time used less than `LEAST_USED`.
"""

import argparse
import asyncio
import random
import sys

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any, NamedTuple

from hubbatch import HubBatch
from hubbatch.simulator import Simulator


LIMIT = 5
RECORDS = 50_000
JITTER = 0.18
LEAST_USED = 0.8


class Distant:
    """A transport to a server that is further away."""

    def __init__(self, inner: Any, latency: tuple[float, float]) -> None:
        self._inner = inner
        self._latency = latency
        self._random = random.Random(7)

    async def send(self, request: Any, on_sent: Callable[[], None]) -> Any:
        on_sent()
        await asyncio.sleep(self._random.uniform(0, JITTER))
        answer = await self._inner.send(request, lambda: None)
        await asyncio.sleep(self._random.uniform(*self._latency))
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Case(NamedTuple):
    title: str
    latency: tuple[float, float]
    at_a_time: int
    work: Callable[[HubBatch], Awaitable[int]]


async def walk(hub: HubBatch) -> int:
    """Read all records; return their number."""
    return sum([1 async for _ in hub.tickets.search(properties=["subject"])])


async def update(hub: HubBatch) -> int:
    """Update all records that a search finds."""
    found = hub.tickets.search(properties=["subject"])
    changed = ({"id": one.id, "subject": "x"} async for one in found)
    return (await hub.tickets.update(changed)).succeeded


async def count(hub: HubBatch) -> int:
    return await hub.tickets.count()


USUAL, SLOW = (0.2, 0.6), (1.0, 3.0)
CASES = (
    Case("walk", USUAL, 1, walk),
    Case("walk that feeds an update", USUAL, 1, update),
    Case("walks", USUAL, 2, walk),
    Case("counts", USUAL, 20, count),
    Case("counts", SLOW, 20, count),
)


class Seen(NamedTuple):
    searches: int
    refused: int


async def seeded(case: Case, stack: AsyncExitStack) -> Simulator:
    sim = await stack.enter_async_context(Simulator(seed=1))
    for number in range(RECORDS if case.work is not count else 10):
        sim.store.create("tickets", {"subject": f"s{number}"})
    return sim


async def measure(case: Case, sim: Simulator, seconds: float) -> Seen:
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        await hub.tickets.count()  # builds the index
        state: Any = hub._state
        state.transport = Distant(state.transport, case.latency)
        await asyncio.sleep(3)
        sim.requests.clear()

        async def repeat() -> None:
            while True:
                await case.work(hub)

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(repeat() for _ in range(case.at_a_time)))
    searches = [each for each in sim.requests if each.path.endswith("/search")]
    refused = sum(each.status == 429 for each in sim.requests)
    return Seen(len(searches), refused)


async def run(seconds: float) -> bool:
    """Print the table; return whether the limit was broken or left unused."""
    async with AsyncExitStack() as stack:
        sims = [await seeded(case, stack) for case in CASES]
        seen = await asyncio.gather(*map(measure, CASES, sims, [seconds] * len(CASES)))
    print(
        f"{seconds:g} s\n\n"
        "| searches | at a time | answers after | a second | limit used | 429 |\n"
        "|---|---|---|---|---|---|"
    )
    failed = False
    for case, (searches, refused) in zip(CASES, seen, strict=True):
        rate = searches / seconds
        least, most = case.latency
        print(
            f"| {case.title} | {case.at_a_time} | {least:g} to {most:g} s | {rate:.2f} "
            f"| {rate / LIMIT:.0%} | {refused} |"
        )
        unused = case.work is count and rate / LIMIT < LEAST_USED
        failed = failed or bool(refused) or unused
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    if asyncio.run(run(parser.parse_args().seconds)):
        sys.exit("the limit was broken, or too little of it was used")


if __name__ == "__main__":
    main()

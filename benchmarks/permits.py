"""The cost of a limiter: CPU per permit, and how long a burst waits.

    python benchmarks/permits.py [--permits 4000]

The event loop's clock jumps to the next timer, so the CPU is that of the limiters and
of asyncio, and waits are exact. 32 workers take permits under a limit of 190 per 10 s;
each answer takes 200 ms. Then 50 calls arrive at once at an idle limiter.
"""

import argparse
import asyncio
import selectors
import time

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import mean

from aiolimiter import AsyncLimiter

from hubbatch import RateLimit
from hubbatch._net.gate import Gate
from hubbatch._net.permit_queue import Lane


WORKERS = 32
BURST = 50
ANSWER = 0.2  # seconds
ROUNDS = 5
LIMIT = {
    "X-HubSpot-RateLimit-Max": "190",
    "X-HubSpot-RateLimit-Daily-Remaining": "600000",
}

# Returns a context manager that is entered for each request.
Limiter = Callable[[], AbstractAsyncContextManager[None]]


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to its next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.now += (timeout or 0.0) + 1e-7
        return super().select(0)


def hubbatch() -> Limiter:
    gate = Gate(RateLimit(190), 2 * BURST)

    @asynccontextmanager
    async def enter() -> AsyncIterator[None]:
        async with gate.permit(Lane.BULK, lambda: True) as permit:
            assert permit is not None
            permit.sent()
            yield
            permit.answered(LIMIT)

    return enter


def leaky(rate: float, period: float) -> Limiter:
    limiter = AsyncLimiter(rate, period)

    @asynccontextmanager
    async def enter() -> AsyncIterator[None]:
        async with limiter:
            yield

    return enter


def unlimited() -> Limiter:
    @asynccontextmanager
    async def enter() -> AsyncIterator[None]:
        yield

    return enter


SCHEMES: Mapping[str, Callable[[], Limiter]] = {
    "hubbatch": hubbatch,
    "AsyncLimiter(190, 10)": lambda: leaky(190, 10),
    "AsyncLimiter(19, 1)": lambda: leaky(19, 1),
    "no limiter": unlimited,
}


async def bulk(make: Callable[[], Limiter], permits: int) -> float:
    """Return the seconds of CPU that this number of permits takes."""
    limiter = make()
    left = permits

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with limiter():
                await asyncio.sleep(ANSWER)

    begun = time.process_time()
    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return time.process_time() - begun


async def burst(make: Callable[[], Limiter]) -> tuple[float, float]:
    """Return the mean and the longest wait of 50 calls that arrive at once."""
    limiter = make()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    waits = []

    async def call() -> None:
        async with limiter():
            waits.append(loop.time() - begun)
            await asyncio.sleep(ANSWER)

    await asyncio.gather(*(call() for _ in range(BURST)))
    return mean(waits), max(waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permits", type=int, default=4_000)
    permits = parser.parse_args().permits
    best = dict.fromkeys(SCHEMES, float("inf"))
    for _ in range(ROUNDS):  # in turns, so that a slow second affects all of them
        for scheme, make in SCHEMES.items():
            with asyncio.Runner(loop_factory=JumpingLoop) as runner:
                best[scheme] = min(best[scheme], runner.run(bulk(make, permits)))
    print("| limiter | CPU per permit | wait of a burst of 50: mean, longest |")
    print("|---|---|---|")
    for scheme, make in SCHEMES.items():
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            average, longest = runner.run(burst(make))
        cost = (best[scheme] - best["no limiter"]) / permits * 1e6
        print(f"| {scheme} | {cost:.0f} us | {average:.2f} s, {longest:.2f} s |")


if __name__ == "__main__":
    main()

"""The whole limit is used by default, however long HubSpot takes to answer.

A client with the default options works on a scripted HubSpot that counts strictly, on a
clock that jumps. The figures are counts of requests, so they do not depend on the
machine.
"""

import asyncio

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from random import Random
from statistics import median
from typing import Any

import orjson
import pytest

from attrs import define, evolve, field

from hubbatch import HubBatch, RateLimit
from hubbatch._http import Answer, Request, Response
from hubbatch._net.batch import Batch
from hubbatch._net.gate import MAX_IN_FLIGHT
from hubbatch._net.run_options import READY
from hubbatch._wire.endpoints import operation_for


INTERVAL = 10.0
# Two records a request keep the tests fast; the limit counts requests.
UPDATE = evolve(operation_for("objects", "update", "contacts"), max_inputs=2)
REFUSED = orjson.dumps(
    {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
    }
)


def now() -> float:
    return asyncio.get_running_loop().time()


@define(eq=False)
class Strict:
    """A transport to a HubSpot that accepts `limit` requests in any 10 s.

    A request is counted up to 0.2 s after it was sent, and answered `latency` after
    that. Another program uses `others` requests per 10 s until `others_until`.
    """

    latency: tuple[float, float]
    limit: int = 190
    others: float = 0.0
    others_until: float = 0.0
    refuse_at: float | None = None
    random: Random = field(factory=lambda: Random(5))
    accepted: list[float] = field(factory=list)
    paths: Counter[str] = field(factory=Counter)  # of the accepted requests
    refused: list[float] = field(factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    settled: int = 0  # records that were answered
    _window: deque[float] = field(factory=deque)
    _other: asyncio.Task[None] | None = None

    async def send(self, request: Request, on_sent: Any) -> Answer:
        if self._other is None:
            self._other = asyncio.create_task(self._send_others())
        on_sent()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self.random.uniform(0, 0.19))
        answer = self._count(request)
        await asyncio.sleep(self.random.uniform(*self.latency))
        self.in_flight -= 1
        return answer

    def _count(self, request: Request) -> Response:
        if self.refuse_at is not None and now() >= self.refuse_at:
            self.refuse_at = None
        elif self._take():
            self.accepted.append(now())
            self.paths[request.path] += 1
            inputs = orjson.loads(request.body)["inputs"]
            self.settled += len(inputs)
            results = [{"id": item["id"], "properties": {}} for item in inputs]
            body = orjson.dumps({"status": "COMPLETE", "results": results})
            return Response(200, self._headers(), body)
        self.refused.append(now())
        return Response(429, self._headers(), REFUSED)

    def _used(self) -> int:
        while self._window and self._window[0] <= now() - INTERVAL:
            self._window.popleft()
        return len(self._window)

    def _take(self) -> bool:
        if self._used() >= self.limit:
            return False
        self._window.append(now())
        return True

    def _headers(self) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Max": str(self.limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.limit - self._used())),
        }

    async def _send_others(self) -> None:
        while now() < self.others_until:
            self._take()
            await asyncio.sleep(self.random.expovariate(self.others / INTERVAL))

    async def stop(self) -> None:
        """Stop the other program."""
        if self._other is not None:
            self._other.cancel()
            await asyncio.wait([self._other])

    def share(self, begin: float, end: float) -> float:
        """Return the share of the limit that our accepted requests used."""
        ours = sum(begin <= instant < end for instant in self.accepted)
        return ours / (self.limit * (end - begin) / INTERVAL)

    def retire(self) -> None:
        """Keep no connections."""

    async def aclose(self) -> None:
        """Close nothing."""


def endless() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {"id": str(number), "properties": {"city": "x"}}


def client(strict: Strict, **options: Any) -> HubBatch:
    hub = HubBatch("token", **options)
    hub._state.transport = strict
    return hub


async def run_for(
    strict: Strict, seconds: float, *, source: Any = None, call: Any = UPDATE
) -> None:
    """Update records for some seconds with the default options."""
    batch: Batch[Any] = Batch(client(strict)._state, call, source or endless())
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await batch
    await strict.stop()


@pytest.mark.parametrize(
    ("limit", "latency"),
    [
        (190, (0.05, 0.15)),
        (190, (0.25, 0.75)),
        (190, (2.0, 4.6)),
        (190, (2.0, 8.0)),
        (100, (2.0, 6.0)),
        (250, (2.0, 6.0)),
    ],
)
async def test_whole_limit_at_every_latency(
    limit: int, latency: tuple[float, float]
) -> None:
    strict = Strict(latency, limit)
    await run_for(strict, 81)
    assert strict.refused == []
    assert strict.share(20, 80) >= 0.96
    assert strict.most_in_flight <= MAX_IN_FLIGHT


async def test_requests_in_flight_are_the_rate_times_the_latency() -> None:
    """A fast HubSpot never sees more than a burst at a time."""
    strict = Strict((0.05, 0.15))
    await run_for(strict, 30)
    assert strict.most_in_flight <= RateLimit().burst
    slow = Strict((4.0, 6.0))
    await run_for(slow, 30)
    assert 19 * 5 < slow.most_in_flight < MAX_IN_FLIGHT


@pytest.mark.parametrize("latency", [(0.05, 0.15), (2.0, 6.0)])
async def test_inputs_that_are_held_follow_the_requests_in_flight(
    latency: tuple[float, float],
) -> None:
    strict = Strict(latency)
    usual = []

    def million() -> Iterator[dict[str, Any]]:
        for pulled, item in enumerate(endless()):
            held = pulled - strict.settled
            # Twice what is in flight, and what is needed to see that all records fail.
            assert held <= max(100 * (2 * strict.in_flight + READY), 1_100) + 100
            usual.append(held)
            yield item

    call = operation_for("objects", "update", "contacts")
    await run_for(strict, 25, source=million(), call=call)
    assert strict.settled > 20_000
    if latency == (0.05, 0.15):  # two in flight, but for bursts
        assert median(usual) < 2_000


async def _await(batch: Batch[Any]) -> None:
    await batch


async def test_batches_of_one_client_share_the_limit_evenly() -> None:
    """Also with one that began long before, with many requests in flight."""
    strict = Strict((4.0, 6.0))
    state = client(strict)._state
    companies = evolve(operation_for("objects", "update", "companies"), max_inputs=2)
    older: Batch[Any] = Batch(state, UPDATE, endless())
    younger: Batch[Any] = Batch(state, companies, endless())
    tasks = [asyncio.create_task(_await(older))]
    await asyncio.sleep(40)
    tasks.append(asyncio.create_task(_await(younger)))
    await asyncio.sleep(5)
    before = strict.paths.copy()
    await asyncio.sleep(40)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await strict.stop()
    one, other = (strict.paths - before).values()
    assert one + other > 0.94 * 4 * 190
    assert one == pytest.approx(other, rel=0.1)


# ---- disturbances

# HubSpot's answers to contacts, to other records, and slow ones.
LATENCIES = [(0.05, 0.15), (2.0, 4.6), (2.0, 6.0)]
TWO_WINDOWS = 20.4


@pytest.mark.parametrize("latency", LATENCIES)
async def test_whole_limit_two_windows_after_a_429(
    latency: tuple[float, float],
) -> None:
    strict = Strict(latency, refuse_at=40.0)
    await run_for(strict, 40 + 2 * TWO_WINDOWS + 1)
    assert len(strict.refused) == 1
    assert strict.share(40 + TWO_WINDOWS, 40 + 2 * TWO_WINDOWS) >= 0.96


@pytest.mark.parametrize("latency", LATENCIES)
async def test_whole_limit_two_windows_after_another_program_stops(
    latency: tuple[float, float],
) -> None:
    """It has used half of the limit for a minute."""
    strict = Strict(latency, others=95, others_until=60.0)
    await run_for(strict, 60 + 2 * TWO_WINDOWS + 1)
    assert strict.share(30, 60) < 0.6
    assert strict.share(60 + TWO_WINDOWS, 60 + 2 * TWO_WINDOWS) >= 0.96
    assert not any(instant > 60 for instant in strict.refused)


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("others", [10, 40])
async def test_few_429s_beside_another_program_that_stays(
    others: int, latency: tuple[float, float]
) -> None:
    strict = Strict(latency, others=others, others_until=inf)
    await run_for(strict, 200)
    assert sum(instant > 30 for instant in strict.refused) <= 3  # of 3,000
    assert strict.share(30, 200) + others / strict.limit > 0.89

"""When a request may leave: the gate of one account."""

import asyncio

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from math import inf

from aiolimiter import AsyncLimiter
from attrs import define, evolve, frozen

from hubbatch.core.answers import whole_number
from hubbatch.core.pacing import (
    DEFAULT_MAX_REQUESTS,
    LAG,
    RateLimit,
    Slot,
    Window,
    told_limit,
)


# Of so many permits one goes to bulk when both lanes wait.
_BULK_TURN = 4


class Lane(IntEnum):
    """Who waits: a person for one record, or a migration."""

    SINGLE = 0
    BULK = 1


@frozen
class Limits:
    """What the gate knows now.

    Attributes:
        max_requests: how many requests may leave in any `interval` seconds.
        interval: the length of the rolling window, in seconds.
        used: how many of them are taken at the moment.
        held_for: seconds until a 429's hold ends; zero if there is none.
        daily_remaining: what HubSpot said last is left of the day, if it says so.
    """

    max_requests: int
    interval: float
    used: int
    held_for: float
    daily_remaining: int | None


@define(eq=False)
class Permit:
    """Leave to send one request now. Say when it is written, and when answered."""

    _gate: "Gate"
    _slot: Slot

    def sent(self) -> None:
        """The first byte of the request is being written."""
        self._gate.window.sent(self._slot, self._gate.now())
        self._gate.nudge()  # only now is known when the slot comes back

    def answered(self, headers: Mapping[str, str] | None) -> None:
        """An answer came (or, with None, a request that was sent got none)."""
        if headers is not None:
            self._gate.window.answered(self._slot, self._gate.now())
            self._gate.observe(headers)
        self._gate.nudge()


class Gate:
    """Hands out permits: one slot each, in the window, lane by lane, holds first.

    Only one waiter at a time asks the window; the others stand in line behind it.
    """

    def __init__(self, rate_limit: RateLimit | None, max_concurrency: int) -> None:
        self._ceiling = rate_limit
        whole = rate_limit or RateLimit(DEFAULT_MAX_REQUESTS)
        limit = whole.share()
        self.window: Window = Window(limit.max_requests, limit.interval, limit.burst)
        self._share = _pace(limit) if whole.processes > 1 else None
        self._free = max_concurrency
        self._lines: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())
        self._asking = False
        self._turns = 0
        self._held_until = -inf
        self._daily_remaining: int | None = None
        self._nudged = asyncio.Event()
        self.granted: int = 0

    def now(self) -> float:
        """Give the instant on the loop's clock, in seconds."""
        return asyncio.get_running_loop().time()

    @asynccontextmanager
    async def permit(
        self, lane: Lane, wanted: Callable[[], bool]
    ) -> AsyncIterator[Permit | None]:
        """Wait for leave to send, or give None when it is no longer wanted.

        None costs nothing: somebody else has taken the work meanwhile.
        """
        await self._stand_in_line(lane)
        slot: Slot | None = None
        try:
            try:
                if await self._wait_for_window(wanted):
                    slot = self.window.grant(self.now())
                    self.granted += 1
            finally:
                self._asking = False
                self._next()
            yield None if slot is None else Permit(self, slot)
        finally:
            self._free += 1
            if slot is not None:
                self.window.abandon(slot)  # does nothing once it has been sent
                self.nudge()
            self._next()

    def hold(self, seconds: float) -> None:
        """Let nobody out for so long; a hold is never shortened."""
        self._held_until = max(self._held_until, self.now() + seconds)
        self.nudge()

    def nudge(self) -> None:
        """Have the waiter that asks look at the window again."""
        self._nudged.set()

    def observe(self, headers: Mapping[str, str]) -> None:
        """Follow what an answer tells of the limits."""
        told = told_limit(headers)
        if told is not None:
            self.window.max_requests = self._followed(told)
        remaining = whole_number(headers, "X-HubSpot-RateLimit-Daily-Remaining")
        if remaining is not None:
            self._daily_remaining = remaining

    def _followed(self, told: int) -> int:
        """Follow a limit that HubSpot told, under the ceiling if there is one."""
        ceiling = self._ceiling
        if ceiling is None:
            return told
        followed = evolve(ceiling, max_requests=min(told, ceiling.max_requests))
        return followed.share().max_requests

    def limits(self) -> Limits:
        """Show what the gate knows now."""
        now = self.now()
        return Limits(
            self.window.max_requests,
            self.window.interval,
            self.window.used(now),
            max(0.0, self._held_until - now),
            self._daily_remaining,
        )

    async def _wait_for_window(self, wanted: Callable[[], bool]) -> bool:
        if self._share is not None and wanted():
            await self._share.acquire()
        while wanted():
            instant = max(self._held_until, self.window.next_grant(self.now()))
            if instant <= self.now():
                return True
            self._nudged.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if instant == inf else instant):
                    await self._nudged.wait()
        return False

    async def _stand_in_line(self, lane: Lane) -> None:
        place = asyncio.get_running_loop().create_future()
        self._lines[lane].append(place)
        self._next()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was our turn already
                self._asking = False
                self._free += 1
                self._next()
            raise

    def _next(self) -> None:
        """Let the next in line ask, if there is room and nobody else asks."""
        while not self._asking and self._free > 0 and any(self._lines):
            single, bulk = self._lines
            self._turns += 1
            bulk_first = self._turns % _BULK_TURN == 0
            line = bulk if bulk and (bulk_first or not single) else single
            place = line.popleft()
            if not place.done():
                self._asking = True
                self._free -= 1
                place.set_result(None)


def _pace(share: RateLimit) -> AsyncLimiter:
    """Spread a process's share, so that many processes do not leave in step.

    A leaky bucket lets its burst and its rate through in the same window, so the two
    together must fit into the share. The window alone keeps the share exactly.
    """
    window = share.interval + LAG
    burst = min(share.burst, share.max_requests / 4)
    if burst <= 1:  # one at a time, evenly
        return AsyncLimiter(1, window / share.max_requests)
    return AsyncLimiter(burst, burst * window / (share.max_requests - burst))

"""The queue for one window's permits: who waits, who is next, and when.

Calls wait in lanes, one for single calls and one for bulk runs. In a lane the clients
of an account take turns, and the calls of a client are served in order of arrival.
"""

import asyncio

from collections import deque
from collections.abc import Callable, Iterable
from copy import copy
from enum import IntEnum
from math import inf
from typing import Any, Protocol

from attrs import field

from hubbatch._classes import define
from hubbatch._limits.adaptive import LimitTracker
from hubbatch._limits.daily import DailyBudget, Reserve
from hubbatch._limits.window import LAG, RateLimit, Slot, Window
from hubbatch.errors import DailyLimitReached


class Lane(IntEnum):
    """The priority class of a call: single records that a person waits for, or bulk."""

    SINGLE = 0
    BULK = 1


# Every fourth permit goes to bulk if both lanes wait.
_BULK_TURN = 4
_SINGLE_FIRST = (Lane.SINGLE, Lane.BULK)
_BULK_FIRST = (Lane.BULK, Lane.SINGLE)


class Pacer(Protocol):
    """A second limiter on a window, such as one shared between processes.

    The queue acquires a ticket from it for every slot that the window grants.
    """

    async def acquire(self, limit: RateLimit) -> object:
        """Wait until one more request may leave at once; return its ticket.

        `limit` is the known limit for all who share it. If this raises OverloadedError
        or LimiterUnavailable, the next waiter gets the error.
        """

    def sent(self, ticket: Any) -> None:
        """Record that the request with this ticket is being written."""

    def give_back(self, ticket: Any) -> None:
        """Take back the ticket of a request that was not sent after all."""

    def hold(self, seconds: float) -> None:
        """Also hold back all other processes that share the limit."""

    def move(self, shift: float) -> None:
        """Switch to the running loop, whose clock's instants are `shift` later.

        The former loop is closed, and everything that waited in it is gone.
        """

    async def aclose(self) -> None:
        """Close open resources; the pacer can be used again afterwards."""


@define(eq=False)
class Allowance:
    """The room for one client's requests in flight, in one event loop.

    Attributes:
        free: How many more requests may be in flight.
        users: How many calls have a permit or wait for one.
    """

    free: int
    _reserve: Reserve
    _daily: DailyBudget
    users: int = 0

    def has_room(self, *, daily: bool) -> bool:
        """Return whether another request fits and need not wait for the day.

        `daily` says whether the request counts towards the daily limit.
        """
        if self.free <= 0 or not (daily and self._reserve):
            return self.free > 0
        return self._daily.allows(self._reserve, _now()) != "wait"

    def check_day(self) -> None:
        """Check that a call is left today in addition to the reserve.

        Raises:
            DailyLimitReached: If none is left.
        """
        daily = self._daily
        if self._reserve and daily.allows(self._reserve, _now()) == "end":
            raise DailyLimitReached(
                f"The account has {daily.remaining:,} calls left today, and "
                f"daily_reserve keeps {daily.reserved(self._reserve):,}."
            )

    def take(self) -> None:
        """Count one more request as in flight."""
        self.free -= 1
        self._daily.outstanding += 1

    def give_back(self) -> None:
        """Count one request less in flight."""
        self.free += 1
        self._daily.outstanding -= 1


@define(eq=False)
class Waiter:
    """A call that waits for its turn.

    When its turn comes it gets a slot, unless it is no longer wanted. So a waiter that
    is cancelled at that very moment still has the slot that it must give back.
    """

    allowance: Allowance
    wanted: Callable[[], bool]
    slot: Slot | None = field(default=None, init=False)
    turn: asyncio.Future[None] = field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )


class WaitQueue(dict[Allowance, deque[Waiter]]):
    """The waiters of one lane, grouped by client; the first client's turn is next."""

    def add(self, waiter: Waiter) -> None:
        """Append a waiter to those of its client."""
        self.setdefault(waiter.allowance, deque()).append(waiter)

    def first(self, *, daily: bool) -> Waiter | None:
        """Return the next waiter whose client has room; drop finished ones."""
        for allowance, waiters in [*self.items()]:
            while waiters and waiters[0].turn.done():
                waiters.popleft()
            if not waiters:
                del self[allowance]
            elif allowance.has_room(daily=daily):
                return waiters[0]
        return None

    def end_turn(self, allowance: Allowance) -> None:
        """Move a client behind the others."""
        self[allowance] = self.pop(allowance)

    def fail(self, error: Exception) -> None:
        """Raise an error to every waiter."""
        for waiters in self.values():
            for waiter in waiters:
                if not waiter.turn.done():
                    waiter.turn.set_exception(error)
        self.clear()


@define(eq=False)
class PermitQueue:
    """Hands out the slots of one window, one by one.

    A waiter gets its slot at the very moment it may leave, never earlier. So a call
    that arrives late in the higher-priority lane still goes first.

    Attributes:
        tracker: Tracks the limit to keep.
        pacer: The second limiter on the window, if any.
    """

    tracker: LimitTracker
    pacer: Pacer | None = None
    window: Window = field(init=False)
    _lanes: tuple[WaitQueue, WaitQueue] = field(
        factory=lambda: (WaitQueue(), WaitQueue()), init=False
    )
    _turns: int = field(default=0, init=False)
    _granted_at: float = field(default=-inf, init=False)
    _held_until: float = field(default=-inf, init=False)
    # Invariant: after a dispatch, _timer is set if the window, a hold or a 429 alone
    # decides when the next waiter may leave. If it is not set, something else must
    # change first (a waiter, a client's room, a slot, _ticket), and that change wakes
    # the queue, through _soon. A dispatch cancels both.
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)
    _soon: asyncio.Handle | None = field(default=None, init=False)
    # The ticket requested from the pacer. It belongs to no waiter until a slot is
    # granted with it, and it is not saved for later: without a waiter it is given back.
    _ticket: asyncio.Future[object] | None = field(default=None, init=False)
    # The clock of the loop that it belongs to.
    _now: Callable[[], float] = field(
        factory=lambda: asyncio.get_running_loop().time, init=False
    )

    def __attrs_post_init__(self) -> None:
        limit = self.tracker.limit(self._now())
        self.window = Window(limit.max_requests, limit.interval, limit.burst)

    def set_ceiling(self, ceiling: RateLimit | None, pacer: Pacer | None) -> None:
        """Switch to another ceiling and pacer."""
        self.tracker.ceiling, self.pacer = ceiling, pacer
        self.wake()  # it may be a higher one

    def moved(self, shift: float) -> "PermitQueue":
        """Return the queue for the running loop, whose instants are `shift` later.

        Calls that waited in the former loop are gone. Leftovers there may still give
        back slots, but to the former window, which is no longer used.
        """
        self.tracker.move(shift)
        moved = PermitQueue(self.tracker, self.pacer)
        moved.window = copy(self.window)
        moved.window.move(shift, moved._now())
        moved._granted_at = self._granted_at + shift
        moved._held_until = self._held_until + shift
        if self.pacer is not None:
            self.pacer.move(shift)
            self.pacer = None
        return moved

    def absorb(self, other: "PermitQueue") -> None:
        """Add the slots in use in another window of the same limit, and its hold."""
        self.window.absorb(other.window)
        self.hold(other.held_for())

    def record_earlier(self, seconds_ago: Iterable[float]) -> None:
        """Count requests that this program sent before it was restarted."""
        now, counts = self._now(), self.window.interval + LAG
        sent = sorted(now - max(0.0, age) for age in seconds_ago if age < counts)
        if sent:
            self.window.record_earlier(sent)
            self.tracker.record_earlier(sent)

    # ---- the course of a request

    def held_for(self) -> float:
        """Return the seconds until the hold ends; zero if there is none."""
        return max(0.0, self._held_until - self._now())

    def hold(self, seconds: float) -> None:
        """Let no request out for this long; a hold is never shortened."""
        self._held_until = max(self._held_until, self._now() + seconds)
        if self.pacer is not None:
            self.pacer.hold(seconds)

    def sent(self, slot: Slot) -> None:
        """Record that the first byte of a request is being written."""
        now = self._now()
        self.window.sent(slot, now)
        self.tracker.sent(now)
        if self.pacer is not None:
            self.pacer.sent(slot.ticket)
        self.wake_unless_timed()  # only now is it known when the slot comes back

    def answered(
        self, slot: Slot, now: float, *, limit: int | None, left: int | None
    ) -> None:
        """Record an answer and what it reports about the window."""
        self.window.answered(slot, now)
        self.tracker.answered(min(slot.sent_at, now), now, limit=limit, left=left)
        self.wake()  # the slot comes back sooner, or the limit has changed

    def give_back(self, slot: Slot) -> None:
        """Take back the slot of a request that has finished or was not sent."""
        self.window.abandon(slot)  # does nothing once the request was sent
        if slot.sent_at == inf:
            self._give_back_ticket(slot.ticket)

    # ---- waiting

    def add(self, lane: Lane, waiter: Waiter) -> None:
        """Add a call, which then awaits its `turn` and must give its slot back.

        Awaiting the turn raises any error from `wanted` or from the pacer, and
        DailyLimitReached if only the reserve is left for today.
        """
        self._lanes[lane].add(waiter)
        if self._timer is None:
            self._dispatch()

    def wake(self) -> None:
        """Dispatch in the loop's next turn."""
        if self._soon is None and any(self._lanes):
            self._soon = asyncio.get_running_loop().call_soon(self._dispatch)

    def wake_unless_timed(self) -> None:
        """Wake, unless the timer decides when the next waiter may leave."""
        if self._timer is None:
            self.wake()

    def _dispatch(self) -> None:
        """Grant slots to the waiters that may leave now; schedule the next dispatch."""
        for handle in (self._soon, self._timer):
            if handle is not None:
                handle.cancel()
        self._soon = self._timer = None
        try:
            self._grant_slots(self._now())
        except Exception as error:  # noqa: BLE001 -- a bug of ours: no call may hang
            for lane in self._lanes:
                lane.fail(error)

    def _grant_slots(self, now: float) -> None:
        self.window.follow(self.tracker.limit(now))
        while (chosen := self._next_waiter()) is not None:
            opens = max(
                self._held_until,
                self.tracker.not_before(self._granted_at),
                self.window.next_grant(now),
            )
            if opens > now:
                if opens < inf:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_at(opens, self._dispatch)
                break
            if not self._has_ticket():
                return
            self._grant(*chosen, now)
        if self._ticket is not None and (self._ticket.done() or not any(self._lanes)):
            self._drop(self._ticket)

    def _next_waiter(self) -> tuple[WaitQueue, Waiter] | None:
        """Return the next of the waiters that may leave, and its lane."""
        bulk_first = (self._turns + 1) % _BULK_TURN == 0
        daily = self.tracker.family.daily
        for lane in _BULK_FIRST if bulk_first else _SINGLE_FIRST:
            waiters = self._lanes[lane]
            while (waiter := waiters.first(daily=daily)) is not None:
                try:
                    if waiter.wanted():
                        if daily:
                            waiter.allowance.check_day()
                        return waiters, waiter
                    waiter.turn.set_result(None)
                except Exception as error:  # noqa: BLE001 -- raised to this waiter
                    waiter.turn.set_exception(error)
        return None

    def _grant(self, lane: WaitQueue, waiter: Waiter, now: float) -> None:
        future, self._ticket = self._ticket, None
        if future is not None and (error := future.exception()) is not None:
            waiter.turn.set_exception(error)
            return
        self._turns += 1
        self._granted_at = now
        waiter.allowance.take()
        waiter.slot = self.window.grant(now)
        waiter.slot.ticket = future and future.result()
        waiter.turn.set_result(None)
        lane.end_turn(waiter.allowance)

    # ---- the pacer

    def _has_ticket(self) -> bool:
        """Return whether no ticket is missing; request one from the pacer if needed."""
        if self.pacer is None:
            return True
        if self._ticket is None or self._ticket.cancelled():
            limit = self.tracker.limit(self._now())
            self._ticket = asyncio.ensure_future(self.pacer.acquire(limit))
            self._ticket.add_done_callback(self._on_ticket)
        return self._ticket.done()

    def _on_ticket(self, future: asyncio.Future[object]) -> None:
        if not future.cancelled():
            self._dispatch()

    def _drop(self, future: asyncio.Future[object]) -> None:
        """Give back a ticket that has no waiter; its error is dropped."""
        self._ticket = None
        if future.cancel() or future.cancelled() or future.exception() is not None:
            return
        self._give_back_ticket(future.result())

    def _give_back_ticket(self, ticket: object) -> None:
        if self.pacer is not None:
            self.pacer.give_back(ticket)

    async def aclose(self) -> None:
        """Close the pacer, unless a call waits for it.

        Such a call belongs to another client of the account, which will close it.
        """
        for lane in self._lanes:
            lane.first(daily=False)  # drops the finished waiters
        if self.pacer is not None and not any(self._lanes):
            if self._ticket is not None:
                self._drop(self._ticket)
            await self.pacer.aclose()


def _now() -> float:
    return asyncio.get_running_loop().time()

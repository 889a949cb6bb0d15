"""The gate: no request leaves without a permit.

Each client has its own `Gate`, which enforces the limits of its account
(`shared_limit`). A permit is a slot of a window (`permit_queue`) and one of the
client's `max_concurrency` requests in flight.
"""

import asyncio

from collections.abc import Callable, Hashable, Iterable, Mapping

from attrs import Factory, evolve

from hubbatch._classes import define, frozen
from hubbatch._http import (
    DAILY_LIMIT,
    DAILY_REMAINING,
    WINDOW_LIMIT,
    WINDOW_REMAINING,
    whole_number,
)
from hubbatch._limits.daily import DailyBudget, Reserve
from hubbatch._limits.window import RateLimit, Slot

from .permit_queue import Allowance, Lane, PermitQueue, Waiter
from .shared_limit import AccountLimits, SharedLimit, limits_of


# `max_concurrency="auto"`: how many requests of a client are in flight at most.
#
# It is a ceiling, not a target: no request leaves without a slot of the rate limit, so
# the number in flight is the rate times HubSpot's latency (Little's law), and a latency
# of 0.1 s keeps two in flight. Nothing has to be measured or controlled, and a change
# of the latency is followed at once. As at most one window of requests can leave within
# an interval, 200 use HubSpot's usual limit (190 per 10 s) up to a latency of 10 s, and
# its highest one (250) up to 8 s. HubSpot documents no limit of concurrent requests;
# the ceiling bounds the memory, the connections and the requests that are waiting for
# an answer when HubSpot stops answering.
MAX_IN_FLIGHT = 200
_NO_RESERVE = Reserve()


@frozen
class Limits:
    """A snapshot of the rate limits.

    Attributes:
        max_requests: How many requests may leave in any `interval` seconds.
        interval: The length of the rolling window, in seconds.
        used: How many of them are in use.
        held_for: The seconds until a 429's hold ends; zero if there is none.
        daily_remaining: How many of today's calls HubSpot last reported as left; None
            if it does not report that.
        daily_limit: The daily limit of calls; None if HubSpot does not report it.
        used_by_others: How many requests of other processes or programs seem to be in
            the same window; they are already subtracted from `max_requests`.
        families: The limits of calls that HubSpot counts separately, e.g.
            `associations`, once such a call was made.
    """

    max_requests: int
    interval: float
    used: int
    held_for: float
    daily_remaining: int | None
    daily_limit: int | None = None
    used_by_others: int = 0
    families: Mapping[str, "Limits"] = Factory(dict)


@define(eq=False)
class Permit(Waiter):
    """Permission to send one request: entering waits for it, exiting returns it.

    Entering returns None, at no cost, if the request is no longer wanted. This is a
    class because a generator would take three times as many Python calls.
    """

    # Invariant: with a slot, the request is also counted in `allowance`. That one
    # belongs to the loop of the permit, regardless of the loop that the gate is used in
    # by now.
    _lane: Lane
    _gate: "Gate"
    _limits: AccountLimits
    _queue: PermitQueue

    async def __aenter__(self) -> "Permit | None":
        self.allowance.users += 1
        try:
            self._queue.add(self._lane, self)
            waited = not self.turn.done()
            await self.turn
            # After a wait, another worker may have taken the work.
            if self.slot is None or (waited and not self.wanted()):
                return None
        except BaseException:
            self._give_back()
            raise
        self._gate.granted += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def sent(self) -> None:
        """Record that the first byte of the request is being written."""
        self._queue.sent(self._granted)

    def answered(self, headers: Mapping[str, str] | None) -> None:
        """Record an answer; pass None if a request was sent but got no answer."""
        # Called each time, so that the clocks of two loops are compared at a recent
        # instant.
        self._limits.enter()
        if headers is None:
            return
        slot, now = self._granted, _now()
        limit = whole_number(headers, WINDOW_LIMIT)
        left = whole_number(headers, WINDOW_REMAINING)
        self._queue.answered(slot, now, limit=limit, left=left)
        self._limits.daily.answered(
            min(slot.sent_at, now),
            now,
            limit=whole_number(headers, DAILY_LIMIT),
            left=whole_number(headers, DAILY_REMAINING),
            from_hubspot=WINDOW_LIMIT in headers,
        )

    def throttled(self) -> None:
        """Record that the answer was a 429 of the window."""
        now = _now()
        self._queue.tracker.throttled(min(self._granted.sent_at, now), now)

    @property
    def _granted(self) -> Slot:
        assert self.slot is not None  # noqa: S101 -- entering returned the permit
        return self.slot

    def _give_back(self) -> None:
        if self.slot is not None:
            self._queue.give_back(self.slot)
            self.allowance.give_back()
        self.allowance.users -= 1
        # The slot may go to another call, and the freed room to a call in any window.
        self._queue.wake()
        self._limits.wake()


class Gate:
    """Hands out permits to one client, within its concurrency and all limits.

    The rolling windows and the daily budget belong to the account. Clients with the
    same key share them, under the lowest of their ceilings. A client whose limit is
    shared between processes joins no other client until `belong_to` names its account.

    Attributes:
        ceiling: The limit that its windows never exceed.
        granted: How many permits it has handed out.
        allowance: The client's room for requests in flight.
    """

    def __init__(
        self,
        rate_limit: RateLimit | SharedLimit | None,
        max_concurrency: int,
        *,
        reserve: Reserve = _NO_RESERVE,
        key: Hashable = None,
    ) -> None:
        self._shared_limit: SharedLimit | None = None
        if isinstance(rate_limit, SharedLimit):
            self._shared_limit, key = rate_limit, object()
            rate_limit = rate_limit.limit
        self.ceiling: RateLimit | None = rate_limit
        self.granted: int = 0
        self.allowance: Allowance = Allowance(max_concurrency, reserve, DailyBudget())
        self._max_concurrency = max_concurrency
        self._reserve = reserve
        self._key = key
        self._found: Hashable = None  # the key that replaces _key when the gate is idle
        # Invariant: _limits and allowance belong to _loop. In another loop,
        # _account_limits() replaces all three, or raises while _loop is not closed.
        self._limits: AccountLimits | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def permit(
        self, lane: Lane, wanted: Callable[[], bool], family: str = "objects"
    ) -> Permit:
        """Return a context that admits one request while `wanted` returns True.

        Entering raises DailyLimitReached if only the reserve is left for today.
        """
        limits = self._account_limits()
        queue = limits.queue(family)
        return Permit(self.allowance, wanted, lane, self, limits, queue)

    def hold(self, seconds: float, family: str = "objects") -> None:
        """Hold all requests for this long; a hold is never shortened."""
        self._account_limits().queue(family).hold(seconds)

    def limit(self, family: str) -> RateLimit:
        """Return a family's current limit."""
        return self._account_limits().queue(family).tracker.limit(_now())

    def record_earlier(
        self, seconds_ago: Iterable[float], family: str = "objects"
    ) -> None:
        """Count requests that this program sent before it was restarted.

        Their slots become free as if they had been sent here, and HubSpot's headers do
        not make them another program's. Requests that have left the window are ignored;
        one that is dated in the future counts as sent now.
        """
        self._account_limits().queue(family).record_earlier(seconds_ago)

    @property
    def senders(self) -> frozenset[int]:
        """What identifies the requests that its windows count; see `AccountLimits`."""
        return self._account_limits().senders

    @property
    def limit_is_reported(self) -> bool:
        """Whether HubSpot has reported the limit that applies to most calls."""
        return self._account_limits().queue("objects").tracker.is_reported

    def snapshot(self) -> Limits:
        """Return the current limits and their usage."""
        limits, now = self._account_limits(), _now()
        limits.queue("objects")
        families: dict[str, Limits] = {}
        for family, queue in limits.queues.items():
            limit = queue.tracker.limit(now)
            families[family] = Limits(
                limit.max_requests,
                limit.interval,
                queue.window.used(now),
                queue.held_for(),
                limits.daily.remaining,
                limits.daily.limit,
                queue.tracker.others(now),
            )
        return evolve(families.pop("objects"), families=families)

    # ---- a client's life

    def identify(self, key: Hashable) -> None:
        """Share limits with the clients of a discovered key, once the gate is idle.

        A key that was known from the start takes precedence.
        """
        self._found = key if self._key is None else None

    def belong_to(self, key: Hashable) -> None:
        """Share limits with the clients of this key, replacing the initial one."""
        self._key = key

    def day_ends(self, seconds: float) -> None:
        """Record that the account's next day begins in this many seconds."""
        self._account_limits().daily.ends_at = _now() + seconds

    def without_reserve(self) -> "Gate":
        """Return a gate for a call that is important enough to use the reserve."""
        gate = Gate(self.ceiling, 1)
        gate._use(self._account_limits())
        return gate

    def let_go(self) -> None:
        """Keep the windows until they are empty, for the account's next client."""
        if self._limits is not None:
            self._account_limits().remember()

    async def aclose(self) -> None:
        """Leave the account's limits; close the pacers that no other client needs."""
        self.let_go()
        if self._limits is not None:
            self._limits.leave(self)
            await self._limits.aclose()

    def _account_limits(self) -> AccountLimits:
        limits = self._limits
        if limits is not None and self._loop is asyncio.get_running_loop():
            if self._found is None or self.allowance.users:
                return limits
            limits.leave(self)
            self._key, self._found = self._found, None
        own = limits or AccountLimits(shared_limit=self._shared_limit)
        limits = limits_of(self._key, own)
        self._use(limits)
        limits.join(self, self.ceiling)
        return limits

    def _use(self, limits: AccountLimits) -> None:
        self._limits, self._loop = limits, asyncio.get_running_loop()
        self.allowance = Allowance(self._max_concurrency, self._reserve, limits.daily)


def _now() -> float:
    return asyncio.get_running_loop().time()

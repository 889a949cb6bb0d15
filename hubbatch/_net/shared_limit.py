"""Limits that are shared: by the clients of one account, and by processes."""

import asyncio

from collections.abc import Hashable
from copy import copy
from secrets import randbits
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary, WeakValueDictionary

from aiolimiter import AsyncLimiter
from attrs import field

from hubbatch._classes import define
from hubbatch._limits.adaptive import FAMILIES, Family, LimitTracker
from hubbatch._limits.daily import DailyBudget
from hubbatch._limits.window import LAG, RateLimit

from .event_loops import LoopGuard
from .permit_queue import Pacer, PermitQueue


# ---- by processes


@runtime_checkable
class SharedLimit(Protocol):
    """A rate limit that processes keep together, such as `RedisRateLimit`."""

    @property
    def limit(self) -> RateLimit:
        """The limit for all of them together."""
        ...

    def pacer(self, family: str) -> Pacer:
        """Return the limiter for the window of a family; see `FAMILIES`."""
        ...


@define(eq=False)
class LeakyBucket:
    """Spreads a process's fixed share, or a limit per second."""

    _limiter: AsyncLimiter

    async def acquire(self, limit: RateLimit) -> None:  # noqa: ARG002 -- it is fixed
        """Wait until one more request may leave."""
        await self._limiter.acquire()

    def sent(self, ticket: Any) -> None:
        """Do nothing: the bucket has counted the request when it let it out."""

    def give_back(self, ticket: Any) -> None:
        """Do nothing: a leaky bucket cannot take a request back."""

    def hold(self, seconds: float) -> None:
        """Do nothing: no other process shares the bucket."""

    def move(self, shift: float) -> None:  # noqa: ARG002 -- the window remembers
        """Start with an empty bucket; the window keeps the exact record."""
        limiter = self._limiter
        self._limiter = AsyncLimiter(limiter.max_rate, limiter.time_period)

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


def leaky_bucket(family: Family, ceiling: RateLimit | None) -> LeakyBucket | None:
    """Return a bucket to spread a family's requests; None if the window suffices.

    It spreads a process's share, so that many processes do not send in step, and the
    calls of a family with a per-second limit. A leaky bucket lets its burst and its
    rate through in the same window, so the two together must fit into the share. The
    window alone enforces the share exactly.
    """
    limit = family.limit(ceiling)
    if limit.processes == 1 and not family.even:
        return None
    share = limit.share()
    window = share.interval + LAG
    burst = min(share.burst, share.max_requests / 4)
    if burst <= 1:  # one at a time, evenly
        return LeakyBucket(AsyncLimiter(1, window / share.max_requests))
    rate = share.max_requests - burst
    return LeakyBucket(AsyncLimiter(burst, burst * window / rate))


# ---- by clients


@define(eq=False)
class AccountLimits:
    """The limits of one account, for all of its clients in one event loop.

    Attributes:
        daily: The budget of today's calls.
        queues: The queue of each family used so far.
        shared_limit: The limit that processes keep together, if they do.
        senders: Random numbers. Requests that were recorded elsewhere with one of them
            are counted in these windows already.
    """

    daily: DailyBudget = field(factory=DailyBudget)
    queues: dict[str, PermitQueue] = field(factory=dict)
    shared_limit: SharedLimit | None = None
    senders: frozenset[int] = field(factory=lambda: frozenset([randbits(62)]))
    # The ceiling of each client; the lowest applies to all of them.
    _ceilings: WeakKeyDictionary[object, RateLimit | None] = field(
        factory=WeakKeyDictionary, repr=False
    )
    _home: LoopGuard = field(factory=lambda: LoopGuard("this client"), repr=False)

    def enter(self) -> None:
        """Switch to the running loop, keeping the state of the windows and the day.

        Raises:
            RuntimeError: If it is in use in another loop that is not closed.
        """
        shift = self._home.enter()
        if shift is not None:
            self.daily = copy(self.daily)
            self.daily.move(shift)
            self.queues = {
                family: queue.moved(shift) for family, queue in self.queues.items()
            }

    def absorb(self, other: "AccountLimits") -> None:
        """Take over the usage of clients that join with limits of their own.

        The other limits are left empty, in case another client brings them again.
        """
        while other.queues:
            family, queue = other.queues.popitem()
            self.queue(family).absorb(queue)
        self.senders |= other.senders
        other.senders = frozenset([randbits(62)])

    def queue(self, family: str) -> PermitQueue:
        """Return the queue of a family; see `FAMILIES`."""
        queue = self.queues.get(family)
        if queue is None:
            ceiling, shared = self._ceiling(), self.shared_limit
            tracker = LimitTracker(FAMILIES[family], ceiling, shared is not None)
            pacer: Pacer | None = leaky_bucket(tracker.family, ceiling)
            if shared is not None:
                pacer = shared.pacer(family)
            queue = self.queues[family] = PermitQueue(tracker, pacer)
        return queue

    def join(self, client: object, ceiling: RateLimit | None) -> None:
        """Add a client, whose ceiling applies to all from now on."""
        self._ceilings[client] = ceiling
        self._apply_ceiling()

    def leave(self, client: object) -> None:
        """Remove a client, and its ceiling with it unless it was the last one."""
        self._ceilings.pop(client, None)
        if self._ceilings:
            self._apply_ceiling()

    def wake(self) -> None:
        """Wake the queues of all families: a client has room again."""
        for queue in self.queues.values():
            queue.wake_unless_timed()

    def remember(self) -> None:
        """Keep this alive for the length of its windows, for the next client."""
        intervals = [queue.window.interval for queue in self.queues.values()]
        if intervals:
            loop = asyncio.get_running_loop()
            loop.call_later(max(intervals) + LAG, self._forget)

    async def aclose(self) -> None:
        """Close the pacers that no call waits for."""
        for queue in self.queues.values():
            await queue.aclose()

    def _forget(self) -> None:
        # A client that was released without being closed has not closed its pacers.
        if self.shared_limit is not None:
            task = asyncio.get_running_loop().create_task(self.aclose())
            _closing.add(task)
            task.add_done_callback(_closing.discard)

    def _apply_ceiling(self) -> None:
        ceiling = self._ceiling()
        for queue in self.queues.values():
            if ceiling != queue.tracker.ceiling:
                pacer = queue.pacer
                if self.shared_limit is None:
                    pacer = leaky_bucket(queue.tracker.family, ceiling)
                queue.set_ceiling(ceiling, pacer)

    def _ceiling(self) -> RateLimit | None:
        """Return the lowest ceiling; a client without one follows the others."""
        ceilings = filter(None, self._ceilings.values())
        return min(ceilings, key=_requests_per_second, default=None)


# Invariant: a loop has at most one AccountLimits per key, and both are forgotten once
# nothing else refers to them: limits with their last client (see remember()).
_by_loop: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[Hashable, AccountLimits]
] = WeakKeyDictionary()
_closing: set[asyncio.Task[None]] = set()  # asyncio itself refers to tasks weakly


def limits_of(key: Hashable, own: AccountLimits | None = None) -> AccountLimits:
    """Return the limits that the clients with this key share in the running loop.

    The first client contributes its own limits, and those of later ones are absorbed.
    Clients without a key share nothing.

    Raises:
        RuntimeError: If `own` is in use in another loop that is not closed.
    """
    own = own or AccountLimits()
    own.enter()
    if key is None:
        return own
    here = _by_loop.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    limits = here.setdefault(key, own)
    if limits is not own:
        limits.absorb(own)
    return limits


def _requests_per_second(limit: RateLimit) -> float:
    share = limit.share()
    return share.max_requests / share.interval

"""The exact arithmetic of HubSpot's rolling rate limit.

HubSpot counts the requests of the last 10 s ("Usage guidelines"; its recorded headers
show about ten buckets of one second). A leaky bucket either breaks such a limit or
wastes part of it: `AsyncLimiter(190, 10)` lets 379 requests into the first 10 s. So
`Window` keeps a log of slots. A slot becomes free one interval after HubSpot has
certainly counted its request.

Instants are seconds of any monotonic clock.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from math import inf

from attrs import field

from hubbatch._classes import define, frozen
from hubbatch.errors import ConfigurationError


# HubSpot counts a request at most this many seconds after it was written. A limiter
# that only knows when it sent a request cannot use more than interval / (interval +
# LAG).
LAG = 0.2
# HubSpot's lowest limit ("Usage guidelines": free and starter, 100 per 10 s).
DEFAULT_MAX_REQUESTS = 100
INTERVAL = 10.0
BURST = 50


def check_positive(_instance: object, attribute: object, value: object) -> None:
    """Validate that a field is a finite number above zero.

    Raises:
        ConfigurationError: If it is not.
    """
    number = value if isinstance(value, int | float) else -1
    if not 0 < number < inf or number is True:
        name = getattr(attribute, "name", "value")
        raise ConfigurationError(f"{name} must be above zero, not {value!r}")


def _check_count(instance: object, attribute: object, value: object) -> None:
    check_positive(instance, attribute, value)
    if not isinstance(value, int):
        name = getattr(attribute, "name", "value")
        raise ConfigurationError(f"{name} must be a whole number, not {value!r}")


@frozen
class RateLimit:
    """At most `max_requests` in any `interval` seconds.

    Up to `burst` requests leave at once; the rest is spread over the interval.
    `processes` divides the limit among processes that share an account but no clock.

    Raises:
        ConfigurationError: If a value is not above zero, or if `max_requests`, `burst`
            or `processes` is not a whole number.
    """

    max_requests: int = field(default=190, validator=_check_count)
    interval: float = field(default=INTERVAL, validator=check_positive)
    burst: int = field(default=BURST, validator=_check_count)
    processes: int = field(default=1, validator=_check_count)

    @classmethod
    def starter(cls) -> "RateLimit":
        """Return the limit of free and starter accounts: 100 per 10 s and app."""
        return cls(100)

    @classmethod
    def professional(cls) -> "RateLimit":
        """Return the limit of professional accounts: 190 per 10 s and app."""
        return cls(190)

    @classmethod
    def enterprise(cls) -> "RateLimit":
        """Return the limit of enterprise accounts: 190 per 10 s and app."""
        return cls(190)

    @classmethod
    def oauth(cls) -> "RateLimit":
        """Return the limit of public OAuth apps: 110 per 10 s and account."""
        return cls(110)

    @property
    def gap(self) -> float:
        """The shortest even pause between requests that never fills the window."""
        return (self.interval + LAG) / self.max_requests

    def share(self) -> "RateLimit":
        """Return one process's share of the limit, as a limit of its own.

        A share below one request per interval becomes one request per longer interval.
        """
        if self.processes == 1:
            return self
        return RateLimit(
            max(1, self.max_requests // self.processes),
            self.interval * max(1.0, self.processes / self.max_requests),
            max(1, self.burst // self.processes),
        )


@define(eq=False)
class Slot:
    """The slot of one request in a window.

    Invariant: a slot is in one of three states.

    ==========  =========  ===========  ==========================================
    state       `sent_at`  `free_at`    counted by the window in
    ==========  =========  ===========  ==========================================
    granted     inf        inf          `_unsent`
    sent        finite     finite       `_stamped`, until `free_at`
    abandoned   inf        -inf         nothing
    ==========  =========  ===========  ==========================================

    Attributes:
        free_at: The time from which another request may use the slot.
        sent_at: When the request was written.
        ticket: The ticket that a `Pacer` issued for the request, if the window has one.
    """

    free_at: float = inf
    sent_at: float = inf
    ticket: object = None


@define
class Window:
    """Tracks the slots of one rolling window."""

    # Invariant: _unsent counts the granted slots; when they become free is unknown
    # until their requests are written. _stamped holds the free_at of the sent slots,
    # in ascending order; used() drops those that have passed. Together they exceed
    # max_requests only after the limit was lowered or another window was absorbed.
    max_requests: int
    interval: float = INTERVAL
    burst: int = BURST
    _stamped: list[float] = field(factory=list, init=False)
    _unsent: int = field(default=0, init=False)
    _last_grant: float = field(default=-inf, init=False)

    def follow(self, limit: RateLimit) -> None:
        """Switch to another limit; slots in use stay in use."""
        self.max_requests = limit.max_requests
        self.interval = limit.interval
        self.burst = limit.burst

    def used(self, now: float) -> int:
        """Return how many slots are in use."""
        stamped = self._stamped
        if stamped and stamped[0] <= now:
            del stamped[: bisect_right(stamped, now)]
        return self._unsent + len(stamped)

    def next_grant(self, now: float) -> float:
        """Return the time at which the next request may leave; never before `now`.

        The time is infinite while unwritten requests hold every slot.
        """
        used = self.used(now)
        if used < min(self.burst, self.max_requests):
            return now
        oldest = self._stamped[0] if self._stamped else inf
        free = self.max_requests - used
        if free <= 0:
            # After the limit was lowered, more than one slot has to become free.
            return self._stamped[-free] if -free < len(self._stamped) else inf
        # Spread the free slots over the time until the oldest one comes back.
        until = min(oldest, self._last_grant + self.interval)
        return max(now, self._last_grant + (until - self._last_grant) / (free + 1))

    def grant(self, now: float) -> Slot:
        """Take a slot. The caller must have waited until `next_grant`."""
        self._unsent += 1
        self._last_grant = now
        return Slot()

    def sent(self, slot: Slot, now: float) -> None:
        """Record that the request is being written; only the first call counts."""
        if slot.free_at == inf:
            self._unsent -= 1
            slot.sent_at = now
            slot.free_at = now + LAG + self.interval
            insort(self._stamped, slot.free_at)

    def answered(self, slot: Slot, now: float) -> None:
        """Record that the answer arrived, so HubSpot counted the request before now."""
        free_at = now + self.interval
        if free_at < slot.free_at and slot.free_at != inf:
            place = bisect_left(self._stamped, slot.free_at)
            if self._stamped[place : place + 1] == [slot.free_at]:
                del self._stamped[place]
                insort(self._stamped, free_at)
            slot.free_at = free_at

    def abandon(self, slot: Slot) -> None:
        """Free the slot if its request was not sent; otherwise do nothing."""
        if slot.free_at == inf:
            self._unsent -= 1
            slot.free_at = -inf

    def record_earlier(self, sent: Sequence[float]) -> None:
        """Count requests that were sent before this window existed.

        `sent` holds when they were sent, in ascending order.
        """
        freed = [sent_at + LAG + self.interval for sent_at in sent]
        self._stamped = sorted(self._stamped + freed)
        self._last_grant = max(self._last_grant, sent[-1])

    def absorb(self, other: "Window") -> None:
        """Add the slots that are in use in another window of the same limit."""
        self._stamped = sorted(self._stamped + other._stamped)  # noqa: SLF001 -- of its kind

    def move(self, shift: float, now: float) -> None:
        """Switch to another clock, whose instants are `shift` later.

        Nothing will report what became of requests that were not written yet, so they
        count as written now.
        """
        stamped = [free_at + shift for free_at in self._stamped]
        stamped += [now + LAG + self.interval] * self._unsent
        self._stamped, self._unsent = sorted(stamped), 0
        self._last_grant += shift


@define
class Spacing:
    """Spreads requests that carry few inputs, so that each carries more.

    A window lets a burst leave at once. Many callers with one input each would use it
    up in a moment, with a handful of inputs per request, and then wait for the rest of
    the interval. So only `free` such requests leave at once; the others leave one `gap`
    apart, a pace that can be kept up indefinitely.
    """

    free: int = 5
    _due: float = field(default=-inf, init=False)

    def wait(self, now: float, gap: float) -> float:
        """Return the seconds until the next one may leave."""
        return max(0.0, self._due - (self.free - 1) * gap - now)

    def left(self, now: float, gap: float) -> None:
        """Record that a request leaves."""
        self._due = max(self._due, now) + gap

"""The arithmetic of HubSpot's rate limit: a rolling window, exactly.

HubSpot counts the requests of the last 10 s (usage guidelines; the recorded headers
show about ten buckets of a second). A leaky bucket cannot keep such a limit and use
it: `AsyncLimiter(190, 10)` lets 379 requests into the first 10 s. So the window here
is a log of slots, and a slot is free again one interval after HubSpot has counted
its request for certain.
"""

from bisect import bisect_left, bisect_right, insort
from math import inf

from attrs import define, field, frozen

from hubbatch.errors import ConfigurationError


# A request is counted at most this long after it has been written, in seconds. No
# limiter that knows only when it sent can use more than interval / (interval + LAG).
LAG = 0.2
# HubSpot's lowest limit ("usage guidelines": free and starter, 100 per 10 s).
DEFAULT_MAX_REQUESTS = 100
INTERVAL = 10.0
BURST = 50


def check_positive(_instance: object, attribute: object, value: object) -> None:
    """Validate a field that is a number above zero, and finite.

    Raises:
        ConfigurationError: if it is not.
    """
    number = value if isinstance(value, int | float) else -1
    if not 0 < number < inf or number is True:
        name = getattr(attribute, "name", "value")
        raise ConfigurationError(f"{name} must be above zero, not {value!r}")


def _count(instance: object, attribute: object, value: object) -> None:
    check_positive(instance, attribute, value)
    if not isinstance(value, int):
        name = getattr(attribute, "name", "value")
        raise ConfigurationError(f"{name} must be a whole number, not {value!r}")


@frozen
class RateLimit:
    """At most `max_requests` in any `interval` seconds.

    Up to `burst` requests leave at once; beyond it the rest is spread. `processes`
    divides the limit among processes that share an account without a common clock.

    Raises:
        ConfigurationError: for a limit, interval, burst or count not above zero, and
            for a part of a request or of a process.
    """

    max_requests: int = field(default=190, validator=_count)
    interval: float = field(default=INTERVAL, validator=check_positive)
    burst: int = field(default=BURST, validator=_count)
    processes: int = field(default=1, validator=_count)

    @classmethod
    def starter(cls) -> "RateLimit":
        """Give the limit of free and starter accounts: 100 per 10 s and app."""
        return cls(100)

    @classmethod
    def professional(cls) -> "RateLimit":
        """Give the limit of professional accounts: 190 per 10 s and app."""
        return cls(190)

    @classmethod
    def enterprise(cls) -> "RateLimit":
        """Give the limit of enterprise accounts: 190 per 10 s and app."""
        return cls(190)

    @classmethod
    def oauth(cls) -> "RateLimit":
        """Give the limit of public OAuth apps: 110 per 10 s and installing account."""
        return cls(110)

    @property
    def gap(self) -> float:
        """The seconds between requests that may go on leaving evenly for ever."""
        return (self.interval + LAG) / self.max_requests

    def share(self) -> "RateLimit":
        """Give what one of the processes may use, as a limit of its own.

        A share of less than one request an interval is one in a longer interval.
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
    """One request's place in the window.

    `free_at` is the instant from which another may take it; until the request has
    been written, at `sent_at`, nobody can know that instant. `ticket` is what another
    limiter, beneath the window, gave for it.
    """

    free_at: float = inf
    sent_at: float = inf
    ticket: object = None


@define
class Window:
    """The slots of one rolling window. Instants are seconds of any monotonic clock."""

    max_requests: int
    interval: float = INTERVAL
    burst: int = BURST
    _stamped: list[float] = field(factory=list, init=False)  # free_at, ascending
    _unsent: int = field(default=0, init=False)
    _last_grant: float = field(default=-inf, init=False)

    def follow(self, limit: RateLimit) -> None:
        """Keep to another limit from now on; slots that are taken stay so."""
        self.max_requests = limit.max_requests
        self.interval = limit.interval
        self.burst = limit.burst

    def used(self, now: float) -> int:
        """Count the slots that are taken."""
        stamped = self._stamped
        if stamped and stamped[0] <= now:
            del stamped[: bisect_right(stamped, now)]
        return self._unsent + len(stamped)

    def next_grant(self, now: float) -> float:
        """Give the instant at which the next request may leave, `now` at the earliest.

        It is infinite while all slots are with requests that have not been written.
        """
        used = self.used(now)
        if used < min(self.burst, self.max_requests):
            return now
        oldest = self._stamped[0] if self._stamped else inf
        free = self.max_requests - used
        if free <= 0:
            # A limit that was lowered wants more than one slot back.
            return self._stamped[-free] if -free < len(self._stamped) else inf
        # Spread what is free until the oldest slot comes back.
        until = min(oldest, self._last_grant + self.interval)
        return max(now, self._last_grant + (until - self._last_grant) / (free + 1))

    def grant(self, now: float) -> Slot:
        """Take a slot; the caller has waited for `next_grant`."""
        self._unsent += 1
        self._last_grant = now
        return Slot()

    def sent(self, slot: Slot, now: float) -> None:
        """Note that the request is being written now."""
        if slot.free_at == inf:
            self._unsent -= 1
            slot.sent_at = now
            slot.free_at = now + LAG + self.interval
            insort(self._stamped, slot.free_at)

    def answered(self, slot: Slot, now: float) -> None:
        """Note that an answer is there, so the request was counted before now."""
        free_at = now + self.interval
        if free_at < slot.free_at and slot.free_at != inf:
            place = bisect_left(self._stamped, slot.free_at)
            if self._stamped[place : place + 1] == [slot.free_at]:
                del self._stamped[place]
                insort(self._stamped, free_at)
            slot.free_at = free_at

    def abandon(self, slot: Slot) -> None:
        """Give back a slot whose request never left."""
        if slot.free_at == inf:
            self._unsent -= 1
            slot.free_at = -inf

    def absorb(self, other: "Window") -> None:
        """Add the slots that are taken in another window of the same limit."""
        self._stamped = sorted(self._stamped + other._stamped)  # noqa: SLF001 -- of its kind

    def move(self, shift: float, now: float) -> None:
        """Go on by another clock, whose instants are `shift` later.

        Nobody will say what became of requests that have not been written: they are
        taken to be written now.
        """
        stamped = [free_at + shift for free_at in self._stamped]
        stamped += [now + LAG + self.interval] * self._unsent
        self._stamped, self._unsent = sorted(stamped), 0
        self._last_grant += shift


@define
class Spacing:
    """Spreads requests that carry few inputs, so that they carry more.

    A window lets a burst leave at once. Many callers with one input each would use it
    up in a moment, for a handful of inputs a request, and wait for the rest of the
    interval. So of such requests only `free` leave at once, and others one `gap` apart:
    the gap at which they could go on leaving for ever. Instants are seconds of any
    monotonic clock.
    """

    free: int = 5
    _due: float = field(default=-inf, init=False)

    def wait(self, now: float, gap: float) -> float:
        """Give the seconds until the next one may leave."""
        return max(0.0, self._due - (self.free - 1) * gap - now)

    def left(self, now: float, gap: float) -> None:
        """Note that a request leaves."""
        self._due = max(self._due, now) + gap

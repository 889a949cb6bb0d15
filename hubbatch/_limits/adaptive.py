"""The limit that applies now: HubSpot's reported limit, minus other apps' usage.

HubSpot counts some kinds of calls separately; each kind is a `Family` with its own
window. An answer reports the limit of its window (-Max) and how much of it is left
(-Remaining). Usage that is not ours belongs to other apps, and `LimitTracker` leaves
that much free. Many requests are in flight at a time, so a report is compared with the
requests that HubSpot can have counted by the time it counted that request, not with all
those sent by now. The resulting limit therefore does not depend on the order or the
delay of the answers.

Sources: "Usage guidelines" (objects and all other calls: 100, 190 or 250 per 10 s;
search: 5 a second for the whole account, without headers) and the associations guide
(100, 150 or 200 per 10 s, in a window of its own).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from math import ceil, exp, inf, log, sqrt

from attrs import define, evolve, field, frozen

from .window import BURST, DEFAULT_MAX_REQUESTS, INTERVAL, LAG, RateLimit


# After this many seconds, all but a third (1 / e) of the other apps' requests are
# believed to have stopped.
RECOVERY = 40.0
# A 429 takes this share of the limit away, to recover as above. It takes more, the
# fewer of our requests were in the window; but HubSpot may also have meant another
# limit.
_LEAST_CUT, _MOST_CUT = 0.05, 0.5
# Seconds between requests after a 429, until one of them gets another answer.
_PROBING = 1.0


@frozen
class Family:
    """Calls that share one limit.

    Attributes:
        max_requests: The limit to assume before an answer reports one.
        interval: The length of HubSpot's window, in seconds.
        burst: How many may leave at once.
        steps: The possible limits, if they differ from those of most calls.
        even: Whether to spread the calls evenly rather than only count them.
    """

    max_requests: int = DEFAULT_MAX_REQUESTS
    interval: float = INTERVAL
    burst: int = BURST
    steps: tuple[int, ...] = ()
    even: bool = False

    def limit(self, ceiling: RateLimit | None) -> RateLimit:
        """Return the limit to start with, under a ceiling meant for most calls.

        A per-second limit belongs to the account, so the ceiling does not change it;
        only the number of processes that share it does.
        """
        if self.even or ceiling is None:
            own = RateLimit(self.max_requests, self.interval, self.burst)
            return evolve(own, processes=ceiling.processes) if ceiling else own
        return ceiling

    def step(self, limit: int) -> int:
        """Return this family's limit where most calls are limited to `limit`."""
        if not self.steps or limit <= self.steps[0]:
            return limit
        return max(step for step in self.steps if step <= limit)


FAMILIES: Mapping[str, Family] = {
    "objects": Family(),
    # 110 is an OAuth app's limit, which the guide does not mention.
    "associations": Family(steps=(110, 150, 200)),
    # The token endpoint is outside the CRM's windows and gets a few calls an hour.
    "oauth": Family(),
    "search": Family(5, 1.0, burst=1, even=True),
}


@define
class LimitTracker:
    """Tracks the limit of one window.

    Attributes:
        ceiling: The limit that is never exceeded.
        cooperative: Whether all other users of the window share this limit with us, so
            that no room has to be left free for them.
    """

    family: Family
    ceiling: RateLimit | None = None
    cooperative: bool = False
    # The newest report wins, by when its request was sent: _reported is the -Max of
    # the request sent at _reported_at.
    _reported: int | None = field(default=None, init=False)
    _reported_at: float = field(default=-inf, init=False)
    # When each request was sent, in ascending order; it covers every request that can
    # have been in the window with one whose answer still counts.
    _ours: list[float] = field(factory=list, init=False)
    # The highest usage by others, as the logarithm of a share of the limit. It falls by
    # one in RECOVERY seconds, so the maximum over all answers, in whatever order they
    # arrive, is one number.
    _level: float = field(default=-inf, init=False)
    # The last 429; -inf once a request that was sent later got another answer.
    _refused_at: float = field(default=-inf, init=False)
    _cached: tuple[object, RateLimit] | None = field(default=None, init=False)

    @property
    def is_reported(self) -> bool:
        """Whether an answer has reported the limit."""
        return self._reported is not None

    @property
    def total(self) -> int:
        """HubSpot's limit for all users of the window, as far as it is known."""
        if self._reported is not None:
            return self._reported
        limit = self.family.limit(self.ceiling)
        return self.family.step(round(limit.max_requests / self._fraction(limit)))

    def others(self, now: float) -> int:
        """Return how many requests other apps seem to have in the window."""
        others = self.total * exp(min(0.0, self._level - now / RECOVERY))
        # Their number fluctuates by about its square root.
        return ceil(others + sqrt(others)) if others >= 1 else 0

    def limit(self, now: float) -> RateLimit:
        """Return the limit to keep now: within the ceiling, minus other apps' usage."""
        key = self.total, self.others(now), self.ceiling
        if self._cached is None or self._cached[0] != key:
            self._cached = key, self._limit(*key)
        return self._cached[1]

    def _limit(self, total: int, others: int, ceiling: RateLimit | None) -> RateLimit:
        limit = self.family.limit(ceiling)
        fraction = self._fraction(limit)
        highest = total
        if ceiling is not None:
            highest = min(int(total * fraction), limit.max_requests)
        share = evolve(limit, max_requests=max(1, highest)).share()
        if not others:
            return share
        room = max(1, min(int((total - others) * fraction), share.max_requests))
        burst = max(1, share.burst * room // share.max_requests)
        return RateLimit(room, share.interval, burst)

    def _fraction(self, limit: RateLimit) -> float:
        """Return the usable fraction of HubSpot's limit; less for a short interval."""
        return min(1.0, limit.interval / self.family.interval)

    def not_before(self, granted_at: float) -> float:
        """Return the earliest time for the request after one at `granted_at`."""
        return -inf if self._refused_at == -inf else granted_at + _PROBING

    def sent(self, now: float) -> None:
        """Record that one of our requests is being written."""
        ours = self._ours
        ours.append(now)
        # answered() looks only at requests that were sent within the last interval.
        if ours[0] < now - 4 * self.family.interval:
            del ours[: bisect_left(ours, now - 2 * self.family.interval - LAG)]

    def record_earlier(self, sent: Sequence[float]) -> None:
        """Record requests of ours that were sent before this tracker existed."""
        self._ours = sorted([*sent, *self._ours])

    def answered(
        self, sent_at: float, now: float, *, limit: int | None, left: int | None
    ) -> None:
        """Record an answer and the -Max and -Remaining that it reports, if any."""
        if sent_at > self._refused_at:
            self._refused_at = -inf
        if not limit:
            return
        if sent_at >= self._reported_at:
            self._reported, self._reported_at = self.family.step(limit), sent_at
        if left is None or self.cooperative or sent_at <= now - self.family.interval:
            return
        used, ours = limit - left, self._counted(sent_at)
        if used > ours:  # our own requests cannot explain it
            self._record_others(sent_at, used - ours * self._certain)

    def throttled(self, sent_at: float, now: float) -> None:
        """Record a 429: the window was full when HubSpot counted the request."""
        self._refused_at = max(self._refused_at, now)
        if sent_at > now - self.family.interval:
            ours = self._counted(sent_at) * self._certain / self.total
            cut = 0.0 if self.cooperative else 1 - ours
            cut = min(_MOST_CUT, max(_LEAST_CUT, cut))
            self._record_others(sent_at, cut * self.total)

    def move(self, shift: float) -> None:
        """Switch to another clock, whose instants are `shift` later."""
        self._reported_at += shift
        self._refused_at += shift
        self._level += shift / RECOVERY
        self._ours = [sent_at + shift for sent_at in self._ours]

    @property
    def _certain(self) -> float:
        """The fraction of `_counted` that HubSpot did count, if we sent evenly."""
        return self.family.interval / (self.family.interval + 2 * LAG)

    def _counted(self, sent_at: float) -> int:
        """Return how many of our requests can have been in the window with this one."""
        first = bisect_left(self._ours, sent_at - self.family.interval - LAG)
        return bisect_right(self._ours, sent_at + LAG) - first

    def _record_others(self, sent_at: float, others: float) -> None:
        self._level = max(self._level, log(others / self.total) + sent_at / RECOVERY)

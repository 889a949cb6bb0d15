"""The limit that applies now: HubSpot's reported limit, minus other apps' usage.

HubSpot counts some kinds of calls separately; each kind is a `Family` with its own
window. An answer reports the limit of its window (-Max) and how much of it is left
(-Remaining). Usage that is not ours belongs to other apps, and `LimitTracker` leaves
that much free. Many requests are in flight at a time, so a report is compared with the
requests that HubSpot can have counted by the time it counted that request, not with all
those sent by now. The resulting limit therefore does not depend on the order of the
answers; it leaves a little more free when they come late.

Sources: "Usage guidelines" (objects and all other calls: 100, 190 or 250 per 10 s;
search: 5 a second for the whole account, without headers) and the associations guide
(100, 150 or 200 per 10 s, in a window of its own).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from math import ceil, exp, inf, log, sqrt

from attrs import evolve, field

from hubbatch._classes import define, frozen

from .window import BURST, DEFAULT_MAX_REQUESTS, INTERVAL, LAG, RateLimit


# The highest usage by others is remembered, and falls to a third (1 / e) in this many
# seconds. So an app that sends unevenly, or too little to be seen in every report, is
# left its part.
RECOVERY = 40.0
# But no more is left free than the _REPORTS newest reports allow: _DOUBT times what
# they show, fading within seconds (see `_Fading`). So the whole limit is used again two
# windows after another app has stopped, or after a 429 that no other app explains. The
# figures were simulated with apps that use 3 to 75 % of the limit, and with answers
# after 0.2 and 4 s. Faster fading leads to more 429s beside an app that uses little,
# because it is not seen for seconds at a time. Exponential decay is worse at both. One
# report is not enough: after a pause, it may miss an app that was there all the time.
_REPORTS = 8
_DOUBT = 4.0
_HOLD = 5.0
_FADING = 4.5
_UNSEEN = 0.008
# Answers within this many seconds show the usage in time.
_USUAL_DELAY = 0.5
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
        daily: Whether the calls count towards the account's daily limit.
    """

    max_requests: int = DEFAULT_MAX_REQUESTS
    interval: float = INTERVAL
    burst: int = BURST
    steps: tuple[int, ...] = ()
    even: bool = False
    daily: bool = True

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
    # Events guide, and "x-hubspot-rate-limit-exemptions" in the specification.
    "events": Family(1_250, 1.0, even=True, daily=False),
}


@define
class _Peak:
    """The highest of all shares, each of which falls to a third in RECOVERY seconds.

    It is kept as a logarithm, which falls by one in that time. So it is one number, and
    the order in which the shares are recorded does not matter.
    """

    _level: float = field(default=-inf, init=False)

    @property
    def is_empty(self) -> bool:
        """Whether no share was recorded."""
        return self._level == -inf

    def record(self, share: float, at: float) -> None:
        """Record a share that was seen at some time."""
        self._level = max(self._level, log(share) + at / RECOVERY)

    def share(self, at: float) -> float:
        """Return what is left of the highest share."""
        return exp(min(0.0, self._level - at / RECOVERY))

    def move(self, shift: float) -> None:
        """Switch to another clock, whose instants are `shift` later."""
        self._level += shift / RECOVERY


@define
class _Fading:
    """The highest share that recent reports allow, by the time of the newest report.

    A reported share allows anything for _HOLD seconds, and then 1 / (1 / (_DOUBT *
    share) + _FADING * seconds): the more it is, the faster it fades. It is kept as that
    reciprocal, which grows evenly, so the order of the reports does not matter here
    either. A share below _UNSEEN counts as zero.
    """

    _level: float = field(default=inf, init=False)

    def record(self, share: float, at: float) -> None:
        """Record a share that was seen at some time."""
        level = 1 / (_DOUBT * share) - _FADING * (at + _HOLD)
        self._level = min(self._level, level)

    def share(self, at: float) -> float:
        """Return the share that is allowed; 1 for anything."""
        return 1 / max(1.0, self._level + _FADING * at) - _UNSEEN

    def move(self, shift: float) -> None:
        """Switch to another clock, whose instants are `shift` later."""
        self._level -= _FADING * shift


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
    # The usage by others, as shares of the limit. _peak falls with the time, _recent
    # with the reports: by when the requests were sent whose answers show usage by
    # others. _newest has the newest _REPORTS of these instants, in ascending order;
    # the answer to the last of them took _delay.
    _peak: _Peak = field(factory=_Peak, init=False)
    _recent: _Fading = field(factory=_Fading, init=False)
    _newest: list[float] = field(factory=list, init=False)
    _delay: float = field(default=0.0, init=False)
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
        if self._peak.is_empty:
            return 0
        # Without reports for two intervals, those before them no longer count.
        seen_at = max([now - 2 * self.family.interval, *self._newest[:1]])
        share = min(self._peak.share(now), self._recent.share(seen_at))
        others = self.total * share
        if others < 1:
            return 0
        # Their number fluctuates by about its square root; the more, the older it is.
        delay = max(0.0, self._delay - _USUAL_DELAY) / self.family.interval
        return ceil(others + sqrt(others) * (1 + 1.5 * delay))

    def limit(self, now: float) -> RateLimit:
        """Return the limit to keep now: within the ceiling, minus other apps' usage."""
        key = self._reported, self.others(now), self.ceiling
        if self._cached is None or self._cached[0] != key:
            self._cached = key, self._limit(self.total, key[1], self.ceiling)
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
        # HubSpot reports no limit per second. A -Max would be that of its ten seconds.
        if not limit or self.family.even:
            return
        if sent_at >= self._reported_at:
            self._reported, self._reported_at = self.family.step(limit), sent_at
        if left is None or self.cooperative or sent_at <= now - self.family.interval:
            return
        if not self._newest or sent_at >= self._newest[-1]:
            self._delay = now - sent_at
        insort(self._newest, sent_at)
        del self._newest[:-_REPORTS]
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
        self._newest = [sent_at + shift for sent_at in self._newest]
        self._peak.move(shift)
        self._recent.move(shift)
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
        share = others / self.total
        self._peak.record(share, sent_at)
        self._recent.record(share, sent_at)

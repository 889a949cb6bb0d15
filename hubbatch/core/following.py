"""What a window lets us send now, from what HubSpot's answers tell.

An answer tells the limit (-Max) and how much of it is left (-Remaining). What is used
and is not ours is another app's, and that much is left free. Many requests are under
way at a time, so a header is compared with those that HubSpot can have counted when
it counted that very request, not with those that have left by now: late answers, and
answers in any order, then say the same.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from math import ceil, exp, inf, log, sqrt

from attrs import define, evolve, field

from .answers import whole_number
from .families import Family
from .pacing import LAG, RateLimit


# Seconds after which others are believed to have gone, all but a third (1 / e) of them.
RECOVERY = 40.0
# A 429 takes this share of the limit away, to recover like the rest: more, the less of
# ours was in the window, but it may also be another limit that was meant.
_LEAST_CUT, _MOST_CUT = 0.05, 0.5
# Seconds between requests after a 429, until one of them has got another answer.
_PROBING = 1.0


@define
class Follower:
    """Follows one window. Instants are seconds of any monotonic clock.

    Attributes:
        ceiling: what is never exceeded.
        kin: whether others in the window keep this very limit together with us, so
            that room is left for none of them.
    """

    family: Family
    ceiling: RateLimit | None = None
    kin: bool = False
    _told: int | None = field(default=None, init=False)
    _told_at: float = field(default=-inf, init=False)
    _ours: list[float] = field(factory=list, init=False)  # when each was sent
    # What others used, as the logarithm of a share of the limit, at its highest. It
    # falls by one in RECOVERY seconds, so the highest of all answers, in whatever
    # order they come, is one number.
    _level: float = field(default=-inf, init=False)
    _refused_at: float = field(default=-inf, init=False)
    _limit: tuple[object, RateLimit] | None = field(default=None, init=False)

    @property
    def told(self) -> bool:
        """Whether HubSpot has told its limit."""
        return self._told is not None

    @property
    def whole(self) -> int:
        """The limit that HubSpot keeps, for all who share it, as far as is known."""
        if self._told is not None:
            return self._told
        limit = self.family.limit(self.ceiling)
        return self.family.meant(round(limit.max_requests / self._part(limit)))

    def others(self, now: float) -> int:
        """Count the requests that somebody else is thought to have in the window."""
        others = self.whole * exp(min(0.0, self._level - now / RECOVERY))
        # By chance they come and go by about the root of their number.
        return ceil(others + sqrt(others)) if others >= 1 else 0

    def limit(self, now: float) -> RateLimit:
        """Give the limit to keep now: under the ceiling, beside the others."""
        key = self.whole, self.others(now), self.ceiling
        if self._limit is None or self._limit[0] != key:
            self._limit = key, self._made(*key)
        return self._limit[1]

    def _made(self, whole: int, others: int, ceiling: RateLimit | None) -> RateLimit:
        limit = self.family.limit(ceiling)
        part = self._part(limit)
        most = whole if ceiling is None else min(int(whole * part), limit.max_requests)
        share = evolve(limit, max_requests=max(1, most)).share()
        if not others:
            return share
        room = max(1, min(int((whole - others) * part), share.max_requests))
        burst = max(1, share.burst * room // share.max_requests)
        return RateLimit(room, share.interval, burst)

    def _part(self, limit: RateLimit) -> float:
        """Give the part of HubSpot's limit for an interval: for a short one, less."""
        return min(1.0, limit.interval / self.family.interval)

    def not_before(self, granted_at: float) -> float:
        """Give the instant before which nobody leaves after the last who left."""
        return -inf if self._refused_at == -inf else granted_at + _PROBING

    def sent(self, now: float) -> None:
        """Note that a request of ours is being written now."""
        ours = self._ours
        ours.append(now)
        # Every answer that is looked at was sent within the last interval.
        if ours[0] < now - 4 * self.family.interval:
            del ours[: bisect_left(ours, now - 2 * self.family.interval - LAG)]

    def answered(self, sent_at: float, headers: Mapping[str, str], now: float) -> None:
        """Follow what the answer to a request tells that was sent at `sent_at`."""
        if sent_at > self._refused_at:
            self._refused_at = -inf
        most = whole_number(headers, "X-HubSpot-RateLimit-Max")
        if not most:
            return
        if sent_at >= self._told_at:
            self._told, self._told_at = self.family.meant(most), sent_at
        left = whole_number(headers, "X-HubSpot-RateLimit-Remaining")
        if left is not None and not self.kin and sent_at > now - self.family.interval:
            used, ours = most - left, self._counted(sent_at)
            if used > ours:  # nothing of ours can explain it
                self._note(sent_at, used - ours * self._certain)

    def throttled(self, sent_at: float, now: float) -> None:
        """Note a 429: the window was full when the request was counted."""
        self._refused_at = max(self._refused_at, now)
        if sent_at > now - self.family.interval:
            ours = self._counted(sent_at) * self._certain / self.whole
            cut = 0.0 if self.kin else 1 - ours
            cut = min(_MOST_CUT, max(_LEAST_CUT, cut))
            self._note(sent_at, cut * self.whole)

    def move(self, shift: float) -> None:
        """Go on by another clock, whose instants are `shift` later."""
        self._told_at += shift
        self._refused_at += shift
        self._level += shift / RECOVERY
        self._ours = [sent_at + shift for sent_at in self._ours]

    @property
    def _certain(self) -> float:
        """The part of what can have been counted that was, if it was sent evenly."""
        return self.family.interval / (self.family.interval + 2 * LAG)

    def _counted(self, sent_at: float) -> int:
        """Count our requests that may have been in the window with this one."""
        first = bisect_left(self._ours, sent_at - self.family.interval - LAG)
        return bisect_right(self._ours, sent_at + LAG) - first

    def _note(self, sent_at: float, others: float) -> None:
        self._level = max(self._level, log(others / self.whole) + sent_at / RECOVERY)

"""Rate limits: the rolling windows, the daily limit, and their headers."""

from collections import deque
from typing import ClassVar

import attrs


# "Usage guidelines", September 2026: requests per ten-second window and per day. OAuth
# apps have no daily limit. The add-on's 250 is from that page; an older page says 200.
TIERS: dict[str, tuple[int, int | None]] = {
    "starter": (100, 250_000),
    "professional": (190, 625_000),
    "enterprise": (190, 1_000_000),
    "increased": (250, 1_000_000),
    "oauth": (110, None),
}

# "Associations guide": association calls have separate limits and windows. The guide
# does not list OAuth; its figure is assumed.
ASSOCIATION_LIMITS = {
    "starter": 100,
    "professional": 150,
    "enterprise": 150,
    "increased": 200,
    "oauth": 110,
}

# Search guide, 2026: "five requests per second per account", for all apps together.
SEARCHES_PER_SECOND = 5
# Events guide: "1,250 requests per second"; the specification exempts them from the
# daily limit and from the ten-second windows.
EVENTS_PER_SECOND = 1250

INTERVAL = 10


def check_tier(tier: str) -> None:
    """Raise ValueError if the tier is unknown."""
    if tier not in TIERS:
        raise ValueError(f"tier must be one of {', '.join(TIERS)} (got {tier!r})")


def check_limit(limit: int | None) -> None:
    """Raise ValueError if the limit is not a number of requests or None."""
    if limit is not None and (isinstance(limit, bool) or limit < 0):
        raise ValueError(f"limit must be a number of requests (got {limit!r})")


@attrs.define
class RollingWindow:
    """A window of ten seconds, counted in ten counters of one second each.

    Recorded: `Remaining` falls within a second and rises at second boundaries; it is
    never reset to the limit at once. `_counts` holds the requests by whole second;
    `used` drops the seconds that have left the window.
    """

    limit: int
    _counts: dict[int, int] = attrs.field(factory=dict, repr=False)
    policy: ClassVar[str] = "TEN_SECONDLY_ROLLING"
    counts_daily: ClassVar[bool] = True

    def used(self, now: float) -> int:
        """Return the number of requests in the last ten seconds."""
        oldest = int(now // 1) - INTERVAL
        for second in [second for second in self._counts if second <= oldest]:
            del self._counts[second]
        return sum(self._counts.values())

    def take(self, now: float) -> bool:
        """Count a request and return True, or return False if the window is full."""
        if self.used(now) >= self.limit:
            return False
        second = int(now // 1)
        self._counts[second] = self._counts.get(second, 0) + 1
        return True

    def headers(self, now: float) -> dict[str, str]:
        """Return the headers of the window, with the derived ones HubSpot sends."""
        left = max(0, self.limit - self.used(now))
        return {
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(INTERVAL * 1000),
            "X-HubSpot-RateLimit-Max": str(self.limit),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Secondly": str(self.limit // 10),
            # Equal to Remaining // 10 in 644 of 644 recorded answers.
            "X-HubSpot-RateLimit-Secondly-Remaining": str(left // 10),
        }


@attrs.define
class SecondWindow:
    """A window of one second, which sliding over the requests is strictest.

    Recorded: answers to its calls have no headers of a window.
    """

    limit: int
    counts_daily: bool = True
    _times: deque[float] = attrs.field(factory=deque, repr=False)
    policy: ClassVar[str] = "SECONDLY"

    def used(self, now: float) -> int:
        """Return the number of requests in the last second."""
        while self._times and self._times[0] <= now - 1:
            self._times.popleft()
        return len(self._times)

    def take(self, now: float) -> bool:
        """Count a request and return True, or return False if the window is full."""
        if self.used(now) >= self.limit:
            return False
        self._times.append(now)
        return True

    def headers(self, now: float) -> dict[str, str]:  # noqa: ARG002 -- as RollingWindow
        """Return no headers."""
        return {}


@attrs.define
class Day:
    """The daily calls of an account, which all its private apps share.

    `number` is the day being counted, in days since 1970; `limit=None` is no limit.
    """

    limit: int | None
    used: int = 0
    number: int = 0

    def roll_over(self, day: int) -> None:
        """Reset the count if a new day has begun."""
        if day != self.number:
            self.number, self.used = day, 0

    def is_used_up(self) -> bool:
        """Return whether no calls are left."""
        return self.limit is not None and self.used >= self.limit

    def headers(self) -> dict[str, str]:
        """Return the daily headers; none without a limit."""
        if self.limit is None:
            return {}
        return {
            "X-HubSpot-RateLimit-Daily": str(self.limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.limit - self.used)),
        }

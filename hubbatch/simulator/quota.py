"""How many requests an account may send: the rolling window, the day, their headers."""

import attrs


# "Usage guidelines", September 2026: requests a ten-second window and a day. OAuth
# apps have no daily limit. The add-on's 250 is that page's figure; an older page
# says 200.
TIERS: dict[str, tuple[int, int | None]] = {
    "starter": (100, 250_000),
    "professional": (190, 625_000),
    "enterprise": (190, 1_000_000),
    "increased": (250, 1_000_000),
    "oauth": (110, None),
}

# "Associations guide": limits of their own, in windows of their own. OAuth is not in
# that table.
ASSOCIATION_LIMITS = {
    "starter": 100,
    "professional": 150,
    "enterprise": 150,
    "increased": 200,
    "oauth": 110,
}

INTERVAL = 10


def check_tier(tier: str) -> None:
    """Complain of a tier that there is not."""
    if tier not in TIERS:
        raise ValueError(f"tier is one of {', '.join(TIERS)}, not {tier}")


def check_limit(limit: int | None) -> None:
    """Complain of a limit that is no number of requests."""
    if limit is not None and (isinstance(limit, bool) or limit < 0):
        raise ValueError(f"limit is a number of requests, not {limit}")


@attrs.define
class RollingWindow:
    """A window of ten seconds, kept as ten counters of one second each.

    Recorded: `Remaining` creeps down within a second and jumps up at second
    boundaries; it is never reset as a whole.
    """

    limit: int
    _counts: dict[int, int] = attrs.field(factory=dict, repr=False)

    def used(self, now: float) -> int:
        """Count the requests of the last ten seconds."""
        oldest = int(now // 1) - INTERVAL
        for second in [second for second in self._counts if second <= oldest]:
            del self._counts[second]
        return sum(self._counts.values())

    def take(self, now: float) -> bool:
        """Count one request, unless the window is full."""
        if self.used(now) >= self.limit:
            return False
        second = int(now // 1)
        self._counts[second] = self._counts.get(second, 0) + 1
        return True

    def headers(self, now: float) -> dict[str, str]:
        """Say what is left, with the derived figures HubSpot still sends."""
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
class Day:
    """An account's calls of one day, shared by all its private apps."""

    limit: int | None
    used: int = 0
    number: int = 0

    def turn(self, day: int) -> None:
        """Begin anew at midnight."""
        if day != self.number:
            self.number, self.used = day, 0

    def used_up(self) -> bool:
        """Tell whether nothing is left of it."""
        return self.limit is not None and self.used >= self.limit

    def headers(self) -> dict[str, str]:
        """Say what is left of the day."""
        if self.limit is None:
            return {}
        return {
            "X-HubSpot-RateLimit-Daily": str(self.limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.limit - self.used)),
        }

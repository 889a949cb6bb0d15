"""The kinds of calls that HubSpot counts apart, and how it limits each.

Sources: "Usage guidelines" (objects and all other calls: 100, 190 or 250 per 10 s;
search: 5 a second for the whole account, without headers) and the associations guide
(100, 150 or 200 per 10 s, in a window of its own).
"""

from collections.abc import Mapping

from attrs import evolve, frozen

from .pacing import BURST, DEFAULT_MAX_REQUESTS, INTERVAL, RateLimit


@frozen
class Family:
    """Calls that share one limit.

    Attributes:
        max_requests: the limit where nothing is known of the account.
        interval: seconds of the window that HubSpot counts them in.
        burst: how many may leave at once.
        steps: the limits there are, if they are other than those of most calls.
        even: whether the calls are spread evenly instead of counted alone.
    """

    max_requests: int = DEFAULT_MAX_REQUESTS
    interval: float = INTERVAL
    burst: int = BURST
    steps: tuple[int, ...] = ()
    even: bool = False

    def limit(self, ceiling: RateLimit | None) -> RateLimit:
        """Give the limit to begin with, under a ceiling that is meant for most calls.

        A limit per second is the account's whatever the ceiling; only the number of
        processes that share it counts.
        """
        if self.even or ceiling is None:
            own = RateLimit(self.max_requests, self.interval, self.burst)
            return evolve(own, processes=ceiling.processes) if ceiling else own
        return ceiling

    def meant(self, told: int) -> int:
        """Say what a limit means for this family that may be that of most calls."""
        if not self.steps or told <= self.steps[0]:
            return told
        return max(step for step in self.steps if step <= told)


FAMILIES: Mapping[str, Family] = {
    "objects": Family(),
    # 110 is an OAuth app's limit, which the guide does not speak of.
    "associations": Family(steps=(110, 150, 200)),
    # The token endpoint is outside of the CRM's windows; a few calls an hour.
    "oauth": Family(),
    "search": Family(5, 1.0, burst=1, even=True),
}

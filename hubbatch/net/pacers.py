"""Limiters beneath a window: what else must let a request out."""

from typing import Any, Protocol, runtime_checkable

from aiolimiter import AsyncLimiter
from attrs import define

from hubbatch.core.pacing import LAG, RateLimit


class Pacer(Protocol):
    """A limiter beneath one window, such as one that processes share."""

    async def acquire(self, limit: RateLimit) -> object:
        """Wait until one more may leave, at once; give a ticket for it.

        `limit` is what all who share it may use, as far as is known here. An
        OverloadedError or LimiterUnavailable is raised where the next one waits.
        """
        ...

    def sent(self, ticket: Any) -> None:
        """Note that the request with this ticket is being written."""
        ...

    def give_back(self, ticket: Any) -> None:
        """Take back the ticket of a request that was not sent after all."""
        ...

    def hold(self, seconds: float) -> None:
        """Tell others who share it that nobody may leave for so long."""
        ...

    def move(self, shift: float) -> None:
        """Go on in the running loop, whose clock's instants are `shift` later.

        The former loop is closed, and whoever waited in it is gone.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whatever is open; it may be used again."""
        ...


@runtime_checkable
class SharedLimit(Protocol):
    """A rate limit that processes keep together."""

    @property
    def limit(self) -> RateLimit:
        """What they may use, all together."""
        ...

    def pacer(self, family: str) -> Pacer:
        """Make the limiter beneath the window of a family; see `FAMILIES`."""
        ...


@define(eq=False)
class Bucket:
    """A process's fixed share, or a limit per second, by a leaky bucket."""

    _limiter: AsyncLimiter

    async def acquire(self, limit: RateLimit) -> None:  # noqa: ARG002 -- it is fixed
        """Wait until one more may leave."""
        await self._limiter.acquire()

    def sent(self, ticket: Any) -> None:
        """It does not matter when."""

    def give_back(self, ticket: Any) -> None:
        """What has left the bucket is not put back."""

    def hold(self, seconds: float) -> None:
        """Nobody shares it."""

    def move(self, shift: float) -> None:  # noqa: ARG002 -- the window remembers
        """Begin anew: what has left is in the window above, which is exact."""
        limiter = self._limiter
        self._limiter = AsyncLimiter(limiter.max_rate, limiter.time_period)

    async def aclose(self) -> None:
        """Nothing is open."""


def pace(share: RateLimit) -> Bucket:
    """Spread a process's share, so that many processes do not leave in step.

    A leaky bucket lets its burst and its rate through in the same window, so the two
    together must fit into the share. The window alone keeps the share exactly.
    """
    window = share.interval + LAG
    burst = min(share.burst, share.max_requests / 4)
    if burst <= 1:  # one at a time, evenly
        return Bucket(AsyncLimiter(1, window / share.max_requests))
    return Bucket(AsyncLimiter(burst, burst * window / (share.max_requests - burst)))

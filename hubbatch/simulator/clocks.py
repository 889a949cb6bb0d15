"""The simulator's clock, which tests can replace to avoid waiting."""

from collections.abc import Callable

import attrs


@attrs.frozen
class Now:
    """One instant: `at` in monotonic seconds, `ms` in milliseconds since 1970."""

    at: float
    ms: int


@attrs.frozen
class Clock:
    """A monotonic clock and the date at which it started.

    `origin` is the value of `seconds()` at the date `started_ms`.
    """

    seconds: Callable[[], float]
    origin: float
    started_ms: int

    def now(self) -> Now:
        """Return the current instant."""
        at = self.seconds()
        return Now(at, self.started_ms + int((at - self.origin) * 1000))

    def ms(self) -> int:
        """Return the current time in milliseconds since 1970."""
        return self.now().ms

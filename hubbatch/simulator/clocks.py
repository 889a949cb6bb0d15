"""Time as an argument: ten-second windows cost nothing in tests."""

from collections.abc import Callable

import attrs


@attrs.frozen
class Now:
    """One instant on two clocks: seconds for windows, milliseconds since 1970."""

    at: float
    ms: int


@attrs.frozen
class Clock:
    """A monotonic clock, and the date at which it was started."""

    seconds: Callable[[], float]
    origin: float
    started_ms: int

    def now(self) -> Now:
        """Read the clock once."""
        at = self.seconds()
        return Now(at, self.started_ms + int((at - self.origin) * 1000))

    def ms(self) -> int:
        """Return the milliseconds since 1970."""
        return self.now().ms

"""The time that a partial chunk waits for more inputs."""

import asyncio

from collections.abc import Callable

from hubbatch._limits.window import Spacing


class LingerTimer:
    """Delays a partial chunk, so that it can fill from an asynchronous source.

    `gap` returns the seconds between requests at a pace that could be kept up forever;
    it is called only if there is a `spacing`.

    Attributes:
        over: whether the wait is over, so that a partial chunk may leave.
    """

    def __init__(self, seconds: float, spacing: Spacing | None) -> None:
        self.over: bool = False
        self._seconds = seconds
        self._spacing = spacing
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, gap: Callable[[], float], elapsed: Callable[[], None]) -> None:
        """Start the timer unless it is running; call `elapsed` when it expires."""
        if self._timer is None:
            seconds = self._seconds
            if self._spacing is not None:
                seconds = max(seconds, self._spacing.wait(_now(), gap()))
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._expire, elapsed)

    def restart(self, gap: Callable[[], float]) -> None:
        """Record that a chunk has left: the inputs behind it start a new wait."""
        self.over = False
        self.stop()
        if self._spacing is not None:
            self._spacing.left(_now(), gap())

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, elapsed: Callable[[], None]) -> None:
        self._timer = None
        self.over = True
        elapsed()


def _now() -> float:
    return asyncio.get_running_loop().time()

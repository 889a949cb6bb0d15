"""How long a partial chunk waits for more inputs."""

import asyncio

from collections.abc import Callable

from hubbatch._limits.window import Spacing


class LingerTimer:
    """Holds a partial chunk back for a while, for a source that trickles.

    `gap` returns the seconds between requests that could leave evenly for ever; only a
    `spacing` asks for it.

    Attributes:
        over: whether a partial chunk may leave now.
    """

    def __init__(self, seconds: float, spacing: Spacing | None) -> None:
        self.over: bool = False
        self._seconds = seconds
        self._spacing = spacing
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, gap: Callable[[], float], elapsed: Callable[[], None]) -> None:
        """Start the timer if it is not running; call `elapsed` at its end."""
        if self._timer is None:
            seconds = self._seconds
            if self._spacing is not None:
                seconds = max(seconds, self._spacing.wait(_now(), gap()))
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._elapse, elapsed)

    def begin_anew(self, gap: Callable[[], float]) -> None:
        """Note that a chunk has left: inputs behind it wait anew."""
        self.over = False
        self.stop()
        if self._spacing is not None:
            self._spacing.left(_now(), gap())

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _elapse(self, elapsed: Callable[[], None]) -> None:
        self._timer = None
        self.over = True
        elapsed()


def _now() -> float:
    return asyncio.get_running_loop().time()

"""How long a partial chunk waits for more inputs."""

import asyncio

from collections.abc import Callable

from hubbatch._limits.window import Spacing


class Lingering:
    """Holds a partial chunk back for a while, for a source that trickles.

    `gap` gives the seconds between requests that could leave evenly for ever, which
    `spacing` wants to know; `elapsed` is called when the chunk may leave.

    Attributes:
        over: whether what is partial may leave now.
    """

    def __init__(
        self,
        seconds: float,
        spacing: Spacing | None,
        gap: Callable[[], float],
        elapsed: Callable[[], None],
    ) -> None:
        self.over: bool = False
        self._seconds = seconds
        self._spacing = spacing
        self._gap = gap
        self._elapsed = elapsed
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let the time run, if it does not yet."""
        if self._timer is None:
            seconds = self._seconds
            if self._spacing is not None:
                seconds = max(seconds, self._spacing.wait(_now(), self._gap()))
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._elapse)

    def begin_anew(self) -> None:
        """Note that a chunk has left: what it leaves behind waits by itself."""
        self.over = False
        self.stop()
        if self._spacing is not None:
            self._spacing.left(_now(), self._gap())

    def stop(self) -> None:
        """Forget the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _elapse(self) -> None:
        self._timer = None
        self.over = True
        self._elapsed()


def _now() -> float:
    return asyncio.get_running_loop().time()

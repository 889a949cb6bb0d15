"""A clock that advances only when no task can run."""

import asyncio
import selectors


# Every iteration of the loop advances the clock, so that nothing can spin for ever.
TURN = 1e-6


class Deadlock(Exception):
    """Every task waits, and no timer is left to wake one."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to its next timer.

    With `patience` sockets may be used: so many real seconds pass without a byte
    before the clock jumps, and a loop without timers waits for them. Without it such
    a loop is a deadlock, and says so.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self.now = 0.0
        super().__init__(_Selector(self, patience))

    def time(self) -> float:
        return self.now


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop, patience: float) -> None:
        super().__init__()
        self._loop = loop
        self._patience = patience

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        at_once = timeout is not None and timeout <= 0
        ready = super().select(0 if at_once else self._patience)
        if ready or at_once:
            self._loop.now += TURN
        elif timeout is not None:
            self._loop.now += timeout + TURN
        elif self._patience:
            ready = super().select()
        else:
            raise Deadlock
        return ready

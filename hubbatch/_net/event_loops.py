"""Moves objects from one event loop to the next, e.g. between calls of `asyncio.run`.

Sockets, timers and waiting tasks belong to an event loop. Once that loop is closed, a
client continues in the next one and keeps its counts and limits.
"""

import asyncio
import time

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

from attrs import field

from hubbatch._classes import define


@define(eq=False)
class LoopGuard:
    """Keeps an object in one event loop at a time.

    Guarantee: once `enter` has returned, the running loop is the only open loop that
    uses the object. So anything that the owner replaces on a move (when `enter` returns
    a shift) is never touched by two loops.

    Attributes:
        name: the object's name, for messages.
        bound: a part of the object that belongs to the first loop and prevents a move;
            None if it can move.
    """

    name: str
    bound: str | None = None
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    # The same instant on the loop's clock and on the system's clock, which all loops
    # share.
    _clocks: tuple[float, float] = field(default=(0.0, 0.0), init=False)

    def enter(self) -> float | None:
        """Move to the running loop; return None if the object is used there already.

        Otherwise return the seconds to add to times of the former loop's clock.

        Raises:
            RuntimeError: If the former loop is open, or the object cannot move.
        """
        loop = asyncio.get_running_loop()
        former, before = self._loop, self._clocks
        if former is not None and former is not loop:
            self._check(former)
        self._loop = loop
        self._clocks = now = loop.time(), time.monotonic()
        if former is None or former is loop:
            return None
        return (now[0] - before[0]) - (now[1] - before[1])

    def _check(self, former: asyncio.AbstractEventLoop) -> None:
        if not former.is_closed():
            raise RuntimeError(
                f"{self.name} is in use in another event loop, which is not closed. "
                "Create one for each event loop, or send the work to that loop with "
                "asyncio.run_coroutine_threadsafe(). Once that loop is closed, it "
                "moves to the next by itself."
            )
        if self.bound is not None:
            raise RuntimeError(
                f"{self.name} cannot move to another event loop: {self.bound} belongs "
                "to the former one, which is closed. Create both for each event loop, "
                f"or do without {self.bound}."
            )


def close_with_loop(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Return an asynchronous generator that awaits `close` before the loop is closed.

    `asyncio.run` and other runners finalize all asynchronous generators before they
    close the loop. `aclose` the generator to close earlier.
    """

    async def finalizer() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await close()

    generator = finalizer()
    with suppress(StopIteration):
        generator.__anext__().send(None)  # starts it; it suspends immediately
    return generator

"""One event loop after another, as `asyncio.run` for each task has it.

What a client holds belongs to an event loop: sockets, timers, who waits. Once that loop
is closed the client goes on in the next one, with all that it knows.
"""

import asyncio
import time

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

from attrs import define, field


@define(eq=False)
class LoopGuard:
    """The event loop in which something is used: one at a time.

    Attributes:
        name: what is used, as messages call it.
        bound: what else belongs to the first loop, so that it cannot move; None if
            it can.
    """

    name: str
    bound: str | None = None
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    # The same instant by the loop's clock and by the system's, which all loops share.
    _clocks: tuple[float, float] = field(default=(0.0, 0.0), init=False)

    def enter(self) -> float | None:
        """Use it in the running loop; None if that is the loop of before.

        Else return how many seconds to add to instants of the former loop's clock.

        Raises:
            RuntimeError: if the former loop is not closed, or it cannot move.
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
                "Make one for each event loop, or send the work to that loop with "
                "asyncio.run_coroutine_threadsafe(). Once that loop is closed, it "
                "moves to the next by itself."
            )
        if self.bound is not None:
            raise RuntimeError(
                f"{self.name} cannot move to another event loop: {self.bound} belongs "
                "to the former one, which is closed. Make both anew for each event "
                f"loop, or do without {self.bound}."
            )


def close_with_loop(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Have something closed before the running loop is.

    `asyncio.run` and its like end all asynchronous generators before they close the
    loop. This is one. To close earlier, `aclose` it.
    """

    async def held() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await close()

    generator = held()
    with suppress(StopIteration):
        generator.__anext__().send(None)  # begins it; it waits for nothing
    return generator

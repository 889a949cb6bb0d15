"""One call under way at a time, whose end all share who ask meanwhile."""

import asyncio

from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from copy import copy
from typing import Any, Generic, TypeVar

from hubbatch.errors import HubBatchError


T = TypeVar("T")

# The calls that the code which runs now is a part of.
_aboard: ContextVar[tuple[object, ...]] = ContextVar("aboard", default=())


class SingleFlight(Generic[T]):
    """A place for one call.

    Whoever waits for it may be cancelled; the call itself goes on, for the others and
    because what it does (a refreshed token, say) must not be lost half-way.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None
        self._call: object = None

    @property
    def under_way(self) -> bool:
        """Whether a call has begun and not ended."""
        return self._running() is not None

    async def join(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the call that is under way, or for one that is started now.

        Each who waits gets an error of hubbatch as a copy of its own.

        Raises:
            RuntimeError: if the call was cancelled, would wait for itself, or is under
                way in another event loop.
        """
        aboard = _aboard.get()
        task = self._running()
        if task is None:
            # A fresh context: the call belongs to none of those who wait for it.
            context, self._call = Context(), object()
            context.run(_aboard.set, (*aboard, self._call))
            self._task = task = asyncio.create_task(start(), context=context)
            task.add_done_callback(self._landed)
        elif self._call in aboard:
            raise RuntimeError("a call of yours waits for its own end")
        await asyncio.wait([task])
        if task.cancelled():
            raise RuntimeError("it was given up: what it was for is closed")
        error = task.exception()
        if error is None:
            return task.result()
        raise copy(error) if isinstance(error, HubBatchError) else error

    async def aclose(self) -> None:
        """Wait for the call that is under way; cancelled, cancel it too."""
        task = self._running()
        if task is None:
            return
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            await self.cancel()
            raise

    async def cancel(self) -> None:
        """End the call that is under way; who waits for it gets a RuntimeError."""
        task = self._running()
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _running(self) -> asyncio.Task[T] | None:
        """Return the call that is under way; none is in a loop that is closed."""
        if self._task is not None and self._task.get_loop().is_closed():
            self._task = None
        return self._task

    def _landed(self, task: asyncio.Task[T]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # seen, even if all who waited have gone

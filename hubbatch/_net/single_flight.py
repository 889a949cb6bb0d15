"""One running call, shared by all callers that need its result."""

import asyncio

from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from copy import copy
from typing import Any, Generic, TypeVar

from hubbatch.errors import HubBatchError


T = TypeVar("T")

# The shared calls that the running code is part of, outermost first.
_enclosing: ContextVar[tuple[object, ...]] = ContextVar("enclosing", default=())


class SingleFlight(Generic[T]):
    """Runs at most one call at a time; callers that arrive meanwhile share its result.

    The call runs in its own task: cancelling a caller only ends that caller's wait. The
    other callers still get the result, and its effects (a refreshed token, say) are not
    lost halfway.
    """

    # Invariant: `_task` is the running call, or None. `_call` identifies it in the
    # context of the task, so that a call that joins itself raises instead of waiting
    # forever.

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None
        self._call: object = None

    @property
    def running(self) -> bool:
        """Whether a call is running."""
        return self._current() is not None

    async def join(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of the running call; call `start` if none is running.

        Every caller gets its own copy of a `HubBatchError`.

        Raises:
            RuntimeError: If the call was cancelled, would wait for itself, or is
                running in another event loop.
        """
        enclosing = _enclosing.get()
        task = self._current()
        if task is None:
            # A fresh context, because the call belongs to no single caller.
            context, self._call = Context(), object()
            context.run(_enclosing.set, (*enclosing, self._call))
            self._task = task = asyncio.create_task(start(), context=context)
            task.add_done_callback(self._on_done)
        elif self._call in enclosing:
            raise RuntimeError("This call would wait for its own result.")
        await asyncio.wait([task])
        if task.cancelled():
            raise RuntimeError("The call was cancelled, because its owner is closed.")
        error = task.exception()
        if error is None:
            return task.result()
        raise copy(error) if isinstance(error, HubBatchError) else error

    async def aclose(self) -> None:
        """Wait for the running call; if this is cancelled, also cancel the call."""
        task = self._current()
        if task is None:
            return
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            await self.cancel()
            raise

    async def cancel(self) -> None:
        """Cancel the running call; its callers get a RuntimeError."""
        task = self._current()
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _current(self) -> asyncio.Task[T] | None:
        # The task of a closed loop never ends.
        if self._task is not None and self._task.get_loop().is_closed():
            self._task = None
        return self._task

    def _on_done(self, task: asyncio.Task[T]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # retrieved, in case every caller was cancelled

"""The event loop of a client for code without asyncio, in a thread of its own."""

import asyncio
import threading

from collections.abc import Callable, Coroutine
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar


T = TypeVar("T")

Inbox = SimpleQueue[Callable[[], None]]
"""What a waiting thread has to run: steps of its source, or nothing at all."""

# Seconds to wait for the thread's end. A listener or a DNS lookup may hold it up.
_PATIENCE = 2.0


class Background:
    """An event loop in a daemon thread, to which other threads submit coroutines."""

    # Invariant: a call that `wait` has submitted always ends. Calls are submitted under
    # `_lock` and only while `_stopped` is False. `stop` sets it under the same lock
    # before it ends the loop, and `asyncio.run` cancels what is still running.

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._forked = False
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        started = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._run(started),), name="hubbatch", daemon=True
        )
        self._thread.start()
        started.wait()

    async def _run(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        started.set()
        await self._stop.wait()

    def wait(
        self, work: Callable[[], Coroutine[Any, Any, T]], inbox: Inbox | None = None
    ) -> T:
        """Run a coroutine as a task of the loop, and return its result.

        The task has a copy of the caller's context variables. Meanwhile the calling
        thread runs what is put into `inbox`. If it is interrupted, by Ctrl-C for
        instance, the task is cancelled, and the interrupt is raised once it has ended.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "this client was called from its own event loop, which would wait for "
                "itself forever. Listeners, token callables and other callbacks run "
                "there; call the client from another thread"
            )
        call = _Call(work, inbox or SimpleQueue())
        try:
            self._submit(call.start)
            call.wait()
        except BaseException:
            with suppress(RuntimeError):  # stopped: then the loop cancels what is left
                self._submit(call.cancel)
                call.wait_for_end()
            raise
        return call.result()

    def close_soon(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine without waiting for it, unless the loop has stopped."""
        if self._forked:
            return
        with self._lock:
            if not self._stopped:
                self._loop.call_soon_threadsafe(_Call(close, SimpleQueue()).start)

    def stop(self) -> None:
        """Cancel what is running, and stop the loop."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        """Wait for the thread's end, but not forever."""
        self._thread.join(_PATIENCE)

    def forget(self) -> None:
        """Refuse further calls: this is a forked process, which has no such thread."""
        self._forked = True

    def _submit(self, callback: Callable[[], None]) -> None:
        if self._forked:
            raise RuntimeError(
                "this stream or iterator was opened in the parent process, before "
                "os.fork(); call the verb again in this process"
            )
        with self._lock:
            if self._stopped:
                raise RuntimeError("this client is closed")
            self._loop.call_soon_threadsafe(callback)


class _Call(Generic[T]):
    """A coroutine that runs in the loop, and what its waiting thread has to run."""

    # Invariant: `start` and `cancel` run in the loop, `start` first, unless an
    # interrupt came before it was submitted. Once `_ended` is true, no task is running,
    # and a last entry in the inbox wakes the waiting thread.

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, T]], inbox: Inbox
    ) -> None:
        self._work = work
        self._inbox = inbox
        self._task: asyncio.Task[T] | None = None
        self._ended = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work())
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        if self._task is None:
            self._end(None)
        else:
            self._task.cancel()

    def _end(self, _task: asyncio.Task[T] | None) -> None:
        self._ended = True
        self._inbox.put(_wake)

    def wait(self) -> None:
        """Wait for the end of the task, and run what is in the inbox."""
        while not self._ended:
            self._inbox.get()()

    def wait_for_end(self) -> None:
        """Wait for the end of the task, and run nothing any more."""
        while not self._ended:
            self._inbox.get()

    def result(self) -> T:
        """Return the task's result, or raise its error."""
        assert self._task is not None  # noqa: S101 -- it has ended
        return self._task.result()


def _wake() -> None:
    """Do nothing: what matters is that the waiting thread looks again."""

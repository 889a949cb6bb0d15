"""The event loop of a client for code without asyncio, in a thread of its own."""

import asyncio
import threading

from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from queue import SimpleQueue
from typing import Any, Generic, TypeVar


T = TypeVar("T")

Inbox = SimpleQueue[Callable[[], None]]
"""What a waiting thread has to run: steps of its source, or nothing at all."""

CLOSED = "This client is closed. Create a new one."

# Seconds to wait for the thread's end. A listener or a DNS lookup may hold it up.
_STOP_TIMEOUT = 2.0


class Background:
    """An event loop in a daemon thread, to which other threads submit coroutines."""

    # Invariant: a call that `wait` has submitted always ends. Calls are submitted under
    # `_lock` and only while `_stopped` is False. `stop` sets it under the same lock
    # before it ends the loop, and the runner cancels what is still running. What has
    # not ended when the loop has (a task that raised SystemExit ends it at any moment)
    # is in `_calls`, and the thread ends it.

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._forked = False
        self._calls: set[_Call[Any]] = set()
        self._stop = asyncio.Event()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        # Here, so that the caller gets the error if there are too many open files. In
        # an empty context, because the runner keeps the one that it finds.
        self._loop = Context().run(self._runner.get_loop)
        self._thread = threading.Thread(target=self._main, name="hubbatch", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._loop.close()
            raise

    @property
    def stopped(self) -> bool:
        """Whether further calls are refused."""
        return self._stopped

    def _main(self) -> None:
        try:
            with self._runner:
                self._runner.run(self._stop.wait())
        finally:
            with self._lock:
                self._stopped = True
            for call in [*self._calls]:
                call.end()

    def wait(self, work: Callable[[], Awaitable[T]], inbox: Inbox | None = None) -> T:
        """Run a coroutine as a task of the loop, and return its result.

        The task has a copy of the caller's context variables. Meanwhile the calling
        thread runs what is put into `inbox`. If it is interrupted, by Ctrl-C for
        instance, the task is cancelled, and the interrupt is raised once it has ended.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "This client was called from its own event loop, which would wait for "
                "itself forever. Listeners, token callables and other callbacks run "
                "there. Call the client from another thread."
            )
        call = _Call(work, inbox or SimpleQueue())
        self._calls.add(call)
        try:
            self._submit(call.start)
            call.wait()
        except BaseException:
            with suppress(RuntimeError):  # stopped: then the loop cancels what is left
                self._submit(call.cancel)
                call.wait_for_end()
            raise
        finally:
            self._calls.discard(call)
        return call.result()

    def close_soon(self, close: Callable[[], Awaitable[None]]) -> None:
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
        self._thread.join(_STOP_TIMEOUT)

    def forget(self) -> None:
        """Refuse further calls: this is a forked process, which has no such thread."""
        self._forked = True

    def _submit(self, callback: Callable[[], None]) -> None:
        if self._forked:
            raise RuntimeError(
                "This stream or iterator was opened in the parent process, before "
                "os.fork(). Call the verb again in this process."
            )
        with self._lock:
            if self._stopped:
                raise RuntimeError(CLOSED)
            self._loop.call_soon_threadsafe(callback)


class _Call(Generic[T]):
    """A coroutine that runs in the loop, and what its waiting thread has to run."""

    # Invariant: `start` and `cancel` run in the loop, `start` first, unless an
    # interrupt came before it was submitted. `end` runs once no task is running, in the
    # loop or after it. It sets `_ended`, and a last entry in the inbox wakes the
    # waiting thread.
    #
    # `work` is called within the task, so that whatever it raises is the task's error.

    def __init__(self, work: Callable[[], Awaitable[T]], inbox: Inbox) -> None:
        self._work = work
        self._inbox = inbox
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self._result: T
        self._error: BaseException | None = RuntimeError(CLOSED)  # until it is known

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self.end)

    async def _run(self) -> None:
        try:
            self._result = await self._work()
        except BaseException as error:  # noqa: BLE001 -- `result` raises it
            # A SystemExit that left the task would end the loop of all calls.
            self._error = error
        else:
            self._error = None

    def cancel(self) -> None:
        if self._task is None:
            self.end()
        else:
            self._task.cancel()

    def end(self, _task: object = None) -> None:
        """End the wait for this call."""
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
        """Return the result, or raise the error."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # else its traceback would keep it alive
        return self._result


def _wake() -> None:
    """Do nothing: what matters is that the waiting thread looks again."""

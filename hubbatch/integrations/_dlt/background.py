"""An event loop in a thread, one per process, for callers without one."""

import asyncio
import os
import threading

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar


T = TypeVar("T")

# Seconds between two calls of `meanwhile`.
_INTERVAL = 0.2


class Background:
    """An event loop that runs coroutines in its own daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(
            target=self._loop.run_forever, name="hubbatch", daemon=True
        ).start()

    def run(
        self,
        work: Coroutine[Any, Any, T],
        *,
        meanwhile: Callable[[], object] | None = None,
    ) -> T:
        """Run a coroutine in the loop; return its result or raise its exception.

        Args:
            work: The coroutine. It is cancelled if the wait for it is interrupted.
            meanwhile: Called every 0.2 s in the waiting thread.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(_INTERVAL):
                if meanwhile is not None:
                    meanwhile()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def soon(self, call: Callable[[], object]) -> None:
        """Call a function in the loop, without waiting for it."""
        self._loop.call_soon_threadsafe(call)


_lock = threading.Lock()
_running: dict[int, Background] = {}


def background() -> Background:
    """Return the loop of this process; start it on the first call.

    Threads do not survive a fork, so a child process starts its own.
    """
    with _lock:
        here = os.getpid()
        if here not in _running:
            _running[here] = Background()
        return _running[here]

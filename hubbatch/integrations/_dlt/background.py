"""An event loop in a thread, for callers that have none: one for each process."""

import asyncio
import os
import threading

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar


T = TypeVar("T")

# Seconds after which somebody who waits looks whether to go on waiting.
_LOOK = 0.2


class Background:
    """A thread in which coroutines run, beside whatever the other threads do."""

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
        """Run a coroutine there, and wait for what it returns or raises.

        Args:
            work: the coroutine. If the wait for it is interrupted, it is cancelled.
            meanwhile: called every 0.2 s in the thread that waits.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(_LOOK):
                if meanwhile is not None:
                    meanwhile()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def soon(self, call: Callable[[], object]) -> None:
        """Call a function there, and do not wait for it."""
        self._loop.call_soon_threadsafe(call)


_lock = threading.Lock()
_running: dict[int, Background] = {}


def background() -> Background:
    """Give the loop of this process; it is started when it is first asked for.

    A thread does not come along when a process forks, so the child starts its own.
    """
    with _lock:
        here = os.getpid()
        if here not in _running:
            _running[here] = Background()
        return _running[here]

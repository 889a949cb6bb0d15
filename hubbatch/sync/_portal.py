"""The client that runs in the background, and its life in this process."""

import atexit
import ctypes
import os
import threading
import warnings

from collections.abc import Callable
from weakref import WeakSet

from hubbatch.client import HubBatch

from ._background import Background


class Portal:
    """An async client, and the event loop in which it runs.

    The loop starts with the first call. In a forked process, the first call starts a
    new loop with a new client. At the end of the program, what still runs is cancelled.

    Attributes:
        client: the async client of this process.
    """

    def __init__(self, make: Callable[[], HubBatch]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._closing = threading.Lock()
        self._closed = False
        self._background: Background | None = None
        self.client: HubBatch = make()
        _PORTALS.add(self)

    def open(self) -> Background:
        """Return the event loop, and start it if it has not been.

        Raises:
            RuntimeError: If the client is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed")
            if self._background is None:
                self._background = Background()
            return self._background

    def close(self) -> None:
        """Wait for running batches, close the connections, and stop the loop."""
        with self._closing:  # another thread waits for the end too
            background = self._background
            if self._closed or background is None:
                self._closed = True
                return
            try:
                background.wait(self.client.aclose)
            finally:
                self.stop()
                background.join()

    def stop(self) -> Background | None:
        """Refuse further calls, and cancel what is running."""
        with self._lock:
            self._closed = True
        if self._background is not None:
            self._background.stop()
        return self._background

    def forked(self) -> None:
        """Start afresh in a forked process, where the thread of the loop is missing."""
        # Another thread of the parent may have held them.
        self._lock, self._closing = threading.Lock(), threading.Lock()
        if self._background is None:
            return
        self._background.forget()
        # Destroying them would close their connections, and with that remove them from
        # the parent's epoll, which is shared. One more reference keeps them for good.
        for kept in (self.client, self._background):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
        self._background = None
        if not self._closed:
            self.client = self._make()

    def __del__(self) -> None:
        if self.__dict__.get("_background") is not None and not self._closed:
            warnings.warn(
                "a client of HubBatch.sync() was not closed; use it in a `with` block",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            self.stop()


_PORTALS: WeakSet[Portal] = WeakSet()


def _stop_all() -> None:
    """Stop the loops while their threads can still run: later, waiting would hang."""
    stopped = [portal.stop() for portal in [*_PORTALS]]
    for background in stopped:
        if background is not None:
            background.join()


def _forked() -> None:
    for portal in [*_PORTALS]:
        portal.forked()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)

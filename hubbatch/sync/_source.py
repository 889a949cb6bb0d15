"""Iterators of inputs, which are read in the thread that called the verb.

Database cursors and Django's querysets belong to the thread that opened them. That
thread waits for its batch anyway, so it can read them.
"""

import asyncio
import threading

from collections import deque
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from hubbatch._net.source import BlockSource, length

from ._background import Inbox


# Seconds after which a partial block is taken, so that the inputs of a slow iterator do
# not wait for those behind them.
_PATIENCE = 0.02


def readable_from(source: Any, inbox: Inbox) -> Any:
    """Return a source that the event loop can read, whatever thread it belongs to.

    A collection or a table is passed on as it is. Anything else is read in the thread
    that waits on `inbox`. Counting a queryset loads it, here in its own thread.
    """
    if (
        not isinstance(source, Iterable)
        or isinstance(source, AsyncIterable)
        or hasattr(source, "__arrow_c_stream__")
        or length(source) is not None
    ):
        return source
    return CallerSource(iter(source), inbox)


class CallerSource(BlockSource):
    """An iterator that the waiting thread reads when the event loop asks for inputs."""

    # `pull` runs in the event loop and `_fill` in the waiting thread. Only `_wanted`
    # and `_filling` are changed by both, under `_lock`; a deque needs none.
    #
    # Invariant: `_fill` is in the inbox, or runs, if and only if `_filling` is true. It
    # reads the next input only while `_read` has fewer than `_wanted`. So after `pull`
    # has taken the inputs, at most one more is read, the one that was under way.

    def __init__(self, iterator: Iterator[Any], inbox: Inbox) -> None:
        self._iterator = iterator
        self._inbox = inbox
        self._read: deque[Any] = deque()
        self._lock = threading.Lock()
        self._wanted = 0
        self._filling = False
        self._over = False
        self._failure: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._loop: asyncio.AbstractEventLoop
        self._changed = asyncio.Event()
        self._eager = False  # whether `pull` waits for the very next input

    # ---- in the event loop

    async def pull(self, limit: int) -> list[Any]:
        """Return at least one and at most `limit` inputs; an empty list at the end."""
        self._loop = asyncio.get_running_loop()
        self._changed.clear()
        self._ask(limit)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._changed.wait()
            self._eager = True
            while not (self._read or self._over):
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._eager = False
            self._ask(0)
        block = self.rest()
        if not block and self._failure is not None:
            raise self._failure
        return block

    def rest(self) -> list[Any]:
        """Return the inputs that have been read and not returned yet."""
        return [self._read.popleft() for _ in range(len(self._read))]

    def _ask(self, number: int) -> None:
        with self._lock:
            self._wanted = number
            idle = number > 0 and not (self._filling or self._over)
            self._filling = self._filling or idle
        if idle:
            self._inbox.put(self._fill)

    # ---- in the waiting thread

    def shorten(self, error: BaseException) -> None:
        """Keep of the traceback of the iterator's own error only its own frames."""
        if error is self._failure:
            error.with_traceback(self._traceback)

    def _fill(self) -> None:
        """Read as many inputs as the event loop wants."""
        while self._wants_more():
            try:
                self._read.append(next(self._iterator))
            except StopIteration:
                self._over = True
            except Exception as error:  # noqa: BLE001 -- the source's own; `pull` raises it
                self._failure, self._traceback = error, error.__traceback__
                self._over = True
            if self._eager:
                self._notify()
        self._notify()

    def _wants_more(self) -> bool:
        with self._lock:
            self._filling = not self._over and len(self._read) < self._wanted
            return self._filling

    def _notify(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

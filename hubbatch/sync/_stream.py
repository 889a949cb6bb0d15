"""The outcomes of a batch, for code without asyncio."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

from hubbatch._net.batch import Batch
from hubbatch._net.stream import Stream
from hubbatch._outcomes.outcome import Outcome, Summary

from ._background import Background, Inbox
from ._source import CallerSource


R = TypeVar("R")

# Outcomes that are fetched at once: as many as a request has.
_BLOCK = 100


class SyncStream(Iterator[Outcome[R]], Generic[R]):
    """The outcomes of a batch as they become known, not in order.

    Enter it with `with`, once: the batch begins there, and is cancelled if the block is
    left before the last outcome. An iterator of inputs is read in this thread, while it
    waits for outcomes; so the next outcome may have to wait for the next input.

    Memory stays bounded: the batch waits while the consumer is behind. An error that
    ends the batch is raised after the last outcome.
    """

    def __init__(
        self,
        owner: object,
        background: Background,
        batch: Batch[R],
        source: object,
        inbox: Inbox,
    ) -> None:
        self._owner = owner  # a client stops its event loop when it is destroyed
        self._background = background
        self._batch = batch
        self._source = source
        self._inbox = inbox
        self._outcomes: Stream[R] | None = None  # once the batch has begun
        self._block: deque[Outcome[R]] = deque()

    @property
    def summary(self) -> Summary:
        """The counts of the batch, which grow while it runs."""
        return self._batch.summary

    def __enter__(self) -> Self:
        try:
            self._background.wait(self._begin)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._block.clear()
        self._stop()

    async def _begin(self) -> None:
        self._outcomes = await self._batch.__aenter__()

    async def _end(self) -> None:
        if self._outcomes is not None:
            await self._batch.__aexit__(None, None, None)

    def _stop(self) -> None:
        # Without the inbox: the source is not read any more. A loop that was stopped,
        # or is another process's, runs no batch.
        with suppress(RuntimeError):
            self._background.wait(self._end)

    def __next__(self) -> Outcome[R]:
        if not self._block:
            self._fetch()
        if not self._block:
            raise StopIteration
        return self._block.popleft()

    def _fetch(self) -> None:
        stream = self._outcomes
        if stream is None:
            raise RuntimeError(f"{self!r} was not entered; use `with ... as outcomes:`")
        try:
            block = self._background.wait(
                lambda: stream.next_block(_BLOCK), self._inbox
            )
        except BaseException as error:
            if isinstance(self._source, CallerSource):
                self._source.shorten(error)
            raise
        self._block.extend(block)

    def __repr__(self) -> str:
        return repr(self._batch).replace("<Batch", "<SyncStream", 1)

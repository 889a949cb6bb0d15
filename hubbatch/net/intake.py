"""A source of inputs, of whatever kind, pulled block by block."""

import asyncio

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sized
from itertools import islice
from typing import Any


Source = Iterable[Any] | AsyncIterable[Any]

# The event loop has a turn after so many inputs, whatever the source does.
BLOCK = 100
# The same once nothing is sent any more, and the inputs are only kept.
KEPT_BLOCK = 10_000


def length(source: Source) -> int | None:
    """Count the inputs of a collection; None for what comes to an end by itself."""
    if not isinstance(source, Sized) or isinstance(source, Iterator | AsyncIterable):
        return None
    try:
        return len(source)
    except TypeError:  # a progress bar around a generator, say
        return None


def cancelled_from_outside() -> bool:
    """Whether a CancelledError is meant for this task.

    It is not when a source or a token callable awaited something of its own that was
    cancelled; swallowed, that would look like the end of the source.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class SourceReader:
    """Pulls inputs from a source.

    Attributes:
        sized: whether it is a collection, every input of which must be accounted for;
            an iterator is left alone once the batch has ended.
        trickles: whether it may keep us waiting for the next input.
        failure: what the source itself raised, after the inputs it gave before.
    """

    def __init__(self, source: Source) -> None:
        self.trickles: bool = isinstance(source, AsyncIterable)
        self.sized: bool = length(source) is not None
        self.failure: BaseException | None = None
        self._iterator: Iterator[Any] | None = None
        self._stream: AsyncIterator[Any] | None = None
        if isinstance(source, AsyncIterable):
            self._stream = aiter(source)
        else:
            self._iterator = iter(source)
        self._pulled = 0

    async def pull(self, most: int) -> list[Any]:
        """Return the next inputs, at most `most`; none when the source is over."""
        if self._pulled >= BLOCK:
            # Before pulling, so that a cancellation here loses no input.
            self._pulled = 0
            await asyncio.sleep(0)
        block = await self._next() if self._iterator is None else self._take(most)
        self._pulled += len(block)
        return block

    def rest(self) -> list[Any]:
        """Return all that is left of a collection, at once."""
        return self._take(None) if self.sized else []

    async def aclose(self) -> None:
        """Close an asynchronous generator, whose cleaning up may want the loop."""
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()

    async def _next(self) -> list[Any]:
        try:
            return [await anext(self._stream)]  # type: ignore[arg-type] # one of the two is set
        except StopAsyncIteration:
            return []
        except asyncio.CancelledError as error:
            if cancelled_from_outside():
                raise
            self.failure = error
        except Exception as error:  # noqa: BLE001 -- the source's own; the run raises it
            self.failure = error
        return []

    def _take(self, most: int | None) -> list[Any]:
        block: list[Any] = []
        if self.failure is not None:
            return block
        try:
            # Of a failing iterator `extend` keeps what preceded the failure.
            block.extend(islice(self._iterator, most))  # type: ignore[arg-type] # one of the two is set
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the source's own; the run raises it
            self.failure = error
        return block

"""A source of inputs, of whatever kind, pulled block by block."""

import asyncio

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sized
from itertools import islice
from typing import Any


Source = Iterable[Any] | AsyncIterable[Any]

# The event loop has a turn after so many inputs, whatever the source does.
BLOCK = 100


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


class Intake:
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
        """Give the next inputs, at most so many; none when the source is over."""
        if self._pulled >= BLOCK:
            # Before pulling, so that a cancellation here loses no input.
            self._pulled = 0
            await asyncio.sleep(0)
        block = await self._next() if self._iterator is None else self._take(most)
        self._pulled += len(block)
        return block

    def rest(self) -> Iterator[list[Any]]:
        """Give what is left of a collection, at once."""
        while self.sized and (block := self._take(BLOCK)):
            yield block

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

    def _take(self, most: int) -> list[Any]:
        block: list[Any] = []
        if self.failure is not None:
            return block
        try:
            for given in islice(self._iterator, most):  # type: ignore[arg-type] # one of the two is set
                block.append(given)  # noqa: PERF402 -- keeps what precedes a failure
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the source's own; the run raises it
            self.failure = error
        return block

"""The stream of a batch: its outcomes, as they become known."""

import asyncio

from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import (
    Outcome,
    Summary,
    Unsuccessful,
    all_succeeded,
)
from hubbatch._outcomes.queue import Chunk
from hubbatch._wire.calls import Operation
from hubbatch.models import R


# Outcomes that a stream buffers before the run waits for its consumer.
_BUFFER = 1_000
# Lazy outcomes that are created before the event loop gets a turn.
_CREATED_AT_ONCE = 500


class Stream(AsyncIterator[Outcome[R]]):
    """The outcomes of a batch as they become known, not in order.

    Memory stays bounded: the run waits while the consumer is behind. An error that ends
    the batch is raised after the last outcome.

    Attributes:
        summary: The counts, which grow while the batch runs; `Batch.summary` is the
            same object.
    """

    # The bound: the run awaits `ready` before it pulls inputs or takes a chunk, so once
    # `_outcomes` holds _BUFFER outcomes only those of the chunks in flight and of one
    # block of inputs (the invalid ones) are added. A long list
    # of unsent inputs waits in `_lazy`; its outcomes are created as they are
    # consumed, after all of `_outcomes`.
    #
    # `_has_room` is set whenever `_is_full` may have become false, `_arrived` whenever
    # `__anext__` may find an outcome or the end.

    def __init__(self, operation: Operation) -> None:
        self.summary: Summary = Summary()
        self._operation = operation
        self._outcomes: deque[Outcome[R]] = deque()
        self._lazy: deque[Iterator[Outcome[R]]] = deque()
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False  # the consumer has left the block

    async def __anext__(self) -> Outcome[R]:
        while not self._outcomes:
            if self._lazy:
                await self._create_some()
                continue
            if self._task is None or self._task.done():
                await self._finish()
            self._arrived.clear()
            await self._arrived.wait()
        outcome = self._outcomes.popleft()
        if len(self._outcomes) == _BUFFER - 1:  # it was full
            self._has_room.set()
        return outcome

    if not TYPE_CHECKING:  # type checkers report this without our help

        def __iter__(self) -> NoReturn:
            raise TypeError(
                "Outcomes arrive over time. Write `async for outcome in outcomes:`."
            )

    async def next_block(self, limit: int) -> list[Outcome[R]]:
        """Return the next outcomes, at least one; an empty list at the end."""
        block = []
        async for outcome in self:
            block.append(outcome)
            if not self._outcomes or len(block) == limit:
                break
        return block

    async def _create_some(self) -> None:
        await asyncio.sleep(0)  # first, so that a cancellation here loses no outcome
        while self._lazy and not self._outcomes:
            self._outcomes.extend(islice(self._lazy[0], _CREATED_AT_ONCE))
            if not self._outcomes:
                self._lazy.popleft()
                self._has_room.set()

    async def _finish(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            await task  # raises the error that ended the batch, even a cancellation
        raise StopAsyncIteration

    # ---- for the batch

    def start(self, running: Coroutine[Any, Any, None]) -> None:
        """Run the batch as a task, concurrently with the consumer."""
        self._task = asyncio.create_task(running)
        self._task.add_done_callback(lambda _: self._arrived.set())

    async def stop(self) -> None:
        """Cancel the batch if it still runs, and wait for its end."""
        self._closed = True
        self._outcomes.clear()
        self._lazy.clear()
        self._has_room.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                # Retrieve the exception but do not raise it: the consumer has left.
                self._task.exception()
            self._task = None

    async def ready(self) -> None:
        """Wait until there is room for more outcomes."""
        while self._is_full() and not self._closed:
            self._has_room.clear()
            await self._has_room.wait()

    def _is_full(self) -> bool:
        return len(self._outcomes) >= _BUFFER or bool(self._lazy)

    # ---- the outcome sink

    def took(self, inputs: list[Any]) -> None:
        """Ignore the inputs: keeping them would use unbounded memory."""

    def answered(self, chunk: Chunk, matched: MatchedAnswer) -> None:
        """Ignore the answer; only outcomes are streamed."""

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Add the outcomes of a chunk."""
        self.failed(all_succeeded(self._operation.call, chunk, results))

    def failed(self, outcomes: Sequence[Outcome[R]]) -> None:
        """Add outcomes; a long list creates them lazily."""
        if self._closed:
            return
        if isinstance(outcomes, Unsuccessful) and len(outcomes) > _CREATED_AT_ONCE:
            self._lazy.append(iter(outcomes))
        else:
            self._outcomes.extend(outcomes)
        self._arrived.set()

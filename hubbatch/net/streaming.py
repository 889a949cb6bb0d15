"""A batch as a stream: its outcomes as they settle."""

import asyncio

from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from itertools import islice
from typing import Any

from hubbatch.core.calls import Operation
from hubbatch.core.outcomes import Outcome, Unsuccessful, all_succeeded
from hubbatch.core.planning import Chunk
from hubbatch.core.settling import Settlement
from hubbatch.models import R


# A stream holds at most about so many outcomes that nobody has looked at.
_STREAM_AHEAD = 1_000
# The event loop has a turn after so many outcomes that were not made before.
_MADE_AT_ONCE = 500


class Stream(AsyncIterator[Outcome[R]]):
    """The outcomes of a batch as they settle, not in order; memory stays bounded.

    An error that ends the batch is raised after the last outcome.
    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._outcomes: deque[Outcome[R]] = deque()
        # Outcomes that are made as they are looked at, after all others.
        self._later: deque[Iterator[Outcome[R]]] = deque()
        self._arrived = asyncio.Event()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._deaf = False  # nobody will look any more

    async def __anext__(self) -> Outcome[R]:
        while not self._outcomes:
            if self._later:
                await self._make_some()
                continue
            if self._task is None or self._task.done():
                await self._finish()
            self._arrived.clear()
            await self._arrived.wait()
        outcome = self._outcomes.popleft()
        if len(self._outcomes) == _STREAM_AHEAD - 1:  # it was full
            self._wanted.set()
        return outcome

    async def _make_some(self) -> None:
        await asyncio.sleep(0)  # before, so that a cancellation here loses none
        while self._later and not self._outcomes:
            self._outcomes.extend(islice(self._later[0], _MADE_AT_ONCE))
            if not self._outcomes:
                self._later.popleft()
                self._wanted.set()

    async def _finish(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            await task  # raises what ended the batch, a cancellation too
        raise StopAsyncIteration

    # ---- what the engine needs

    def start(self, running: Coroutine[Any, Any, None]) -> None:
        """Let the batch run beside the consumer."""
        self._task = asyncio.create_task(running)
        self._task.add_done_callback(lambda _: self._arrived.set())

    async def stop(self) -> None:
        """End the batch if it still runs, and leave nothing behind."""
        self._deaf = True
        self._outcomes.clear()
        self._later.clear()
        self._wanted.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                # The consumer has left: what ended the batch is not its concern.
                self._task.exception()
            self._task = None

    async def ready(self) -> None:
        """Wait until the consumer wants more."""
        while self._is_full() and not self._deaf:
            self._wanted.clear()
            await self._wanted.wait()

    def _is_full(self) -> bool:
        return len(self._outcomes) >= _STREAM_AHEAD or bool(self._later)

    def took(self, inputs: list[Any]) -> None:
        """Keep nothing of the inputs: that is what bounds the memory."""

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """Keep nothing of the envelope."""

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Hand out a chunk's outcomes."""
        self.failed(all_succeeded(self._operation.call, chunk, results))

    def failed(self, outcomes: Sequence[Outcome[R]]) -> None:
        """Hand out outcomes; those of the rest of a list are made one by one."""
        if self._deaf:
            return
        if isinstance(outcomes, Unsuccessful) and len(outcomes) > _MADE_AT_ONCE:
            self._later.append(iter(outcomes))
        else:
            self._outcomes.extend(outcomes)
        self._arrived.set()

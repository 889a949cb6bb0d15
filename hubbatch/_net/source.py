"""Reads a source of inputs block by block, and times the partial chunks of a slow one.

The run decides when to read: only while the `InputQueue` has room.
"""

import asyncio

from abc import abstractmethod
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from itertools import chain, islice
from typing import Any

from hubbatch._limits.window import Spacing
from hubbatch._wire.calls import Operation
from hubbatch._wire.rows import END_COLUMNS, pair_shaper
from hubbatch.models import BatchResponse


Source = Iterable[Any] | AsyncIterable[Any]


class BlockSource(AsyncIterable[Any]):
    """A source that returns its inputs in blocks. It is read once."""

    @abstractmethod
    async def pull(self, limit: int) -> list[Any]:
        """Return at least one and at most `limit` inputs; an empty list at the end."""

    @abstractmethod
    def rest(self) -> list[Any]:
        """Return the inputs that are in memory and that `pull` has not returned."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        while block := await self.pull(BLOCK):
            for value in block:
                yield value


# Inputs after which the event loop gets a turn, whatever the source does.
BLOCK = 100
# The same, once sending has ended and inputs are only recorded.
KEPT_BLOCK = 10_000


# What an asynchronous iterator returns at its end.
_END = object()
# Iterable, but a single input.
_SINGLE = (str, bytes, bytearray, memoryview)
# The fields by which an input is told from a mapping of inputs.
_FIELDS = frozenset({"id", "properties", "objectId", "from", "to"})
# The fields and columns of a pair of records.
_END_NAMES = frozenset({"inputs", *chain.from_iterable(END_COLUMNS.values())})


def check_source(source: Any, expected: str, operation: Operation) -> Source:
    """Return a source after checking that it is a collection or a stream of inputs.

    `expected` is the beginning of the message: who expects what.

    Raises:
        TypeError: If it is something else. The message says how to write it.
    """
    if source is None:
        raise TypeError(f"{expected}, not None.")
    kind = type(source).__name__
    # Some database cursors can be awaited, and are streams of rows all the same.
    streams = isinstance(source, AsyncIterable)
    if isinstance(source, Coroutine) or (isinstance(source, Awaitable) and not streams):
        raise TypeError(f"{expected}, not a {kind}. Await it first.")
    if isinstance(source, Mapping):
        of_pairs = operation.call.codec.rows is pair_shaper
        instead = (_instead_of_pairs if of_pairs else _instead_of_mapping)(source, kind)
        raise TypeError(f"{expected}, not {instead}")
    if isinstance(source, BatchResponse):
        raise TypeError(f"{expected}, not a {kind}. Pass its `results`.")
    if isinstance(source, _SINGLE) or not (isinstance(source, Iterable) or streams):
        if callable(source):
            raise TypeError(
                f"{expected}, not a {kind}. Call it, and pass what it returns."
            )
        if hasattr(source, "collect"):  # a lazy frame of polars
            raise TypeError(f"{expected}, not a {kind}. Call its collect() first.")
        raise TypeError(f"{expected}, not one {kind}. Put it into a list.")
    return source  # type: ignore[no-any-return] # checked


def _instead_of_pairs(source: Mapping[Any, Any], kind: str) -> str:
    values = [*source.values()]
    if not (values and _END_NAMES.isdisjoint(source)) or any(map(_is_mapping, values)):
        return _instead_of_mapping(source, kind)
    several = any(isinstance(value, list | tuple | set) for value in values)
    loop = "for key, ids in pairs.items() for value in ids"
    if not several:
        loop = "for key, value in pairs.items()"
    return (
        f'a {kind} of them. If it maps ids to ids, pass `[{{"from": key, "to": value}} '
        f"{loop}]`."
    )


def _instead_of_mapping(source: Mapping[Any, Any], kind: str) -> str:
    if "inputs" in source:  # the body of a request
        return f"one {kind}. Pass its `inputs`."
    values = [*source.values()]
    if values and all(isinstance(value, list) for value in values):
        return f"a {kind} of columns. Pass a table, or a list of its rows."
    if not (_FIELDS.isdisjoint(source) and values and all(map(_is_mapping, values))):
        return f"one {kind}. Put it into a list: `[record]`."
    if not any(map(_FIELDS.isdisjoint, values)):
        return f"a {kind} of them. Pass its values: `list(records.values())`."
    return (
        f'a {kind} of them. If its keys are the ids, pass `[{{"id": key, '
        '"properties": value} for key, value in records.items()]`.'
    )


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def length(source: Source) -> int | None:
    """Return the number of inputs of a collection; None for an iterator or stream."""
    if not isinstance(source, Sized) or isinstance(source, Iterator | AsyncIterable):
        return None
    try:
        return len(source)
    except TypeError:  # e.g. a progress bar around a generator
        return None


def cancelled_from_outside() -> bool:
    """Return whether a CancelledError was meant for the current task.

    It was not if a source or a token callable awaited a task of its own that was
    cancelled. Such an error must be reported: if it were swallowed, it would look like
    the end of the source.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class SourceReader:
    """Pulls inputs from a source.

    Attributes:
        sized: whether it is a collection. Every input of a collection gets an outcome;
            an iterator is not read further once the batch has ended.
        lazy: whether it builds its inputs as they are read, as a table does. Its `rest`
            takes no time.
        trickles: whether the next input may take a while (asynchronous sources).
        failure: the exception that the source raised, after it returned some inputs.
    """

    # Invariant: exactly one of `_iterator`, `_blocks` and `_stream` is set.

    def __init__(self, source: Source) -> None:
        self.trickles: bool = isinstance(source, AsyncIterable)
        self.sized: bool = length(source) is not None
        self.failure: BaseException | None = None
        self._iterator: Iterator[Any] | None = None
        self._blocks: BlockSource | None = None
        self._stream: AsyncIterator[Any] | None = None
        if isinstance(source, BlockSource):
            self._blocks = source
        elif isinstance(source, AsyncIterable):
            self._stream = aiter(source)
        else:
            self._iterator = iter(source)
        self.lazy: bool = hasattr(self._iterator, "rest")
        self._pulled = 0

    async def pull(self, limit: int) -> list[Any]:
        """Return the next inputs, at most `limit`; an empty list at the end."""
        if self._pulled >= BLOCK:
            # Before pulling, so that a cancellation here loses no input.
            self._pulled = 0
            await asyncio.sleep(0)
        block = await self._next(limit) if self._iterator is None else self._take(limit)
        self._pulled += len(block)
        return block

    async def pull_unsent(self) -> Sequence[Any]:
        """Return the next inputs, which are only recorded; an empty list at the end."""
        return self.rest() if self.lazy else await self.pull(KEPT_BLOCK)

    def rest(self) -> Sequence[Any]:
        """Return the inputs of a collection, or in memory, that are not pulled yet."""
        if self._blocks is not None:
            return self._blocks.rest()
        if self.lazy and self.failure is None:
            rest: Sequence[Any] = self._iterator.rest()  # type: ignore[union-attr] # a lazy one has it
            return rest
        return self._take(None) if self.sized else []

    async def aclose(self) -> None:
        """Release an iterator; close an asynchronous generator in its event loop."""
        # The traceback of the batch's error may refer to this reader for long; an
        # iterator may hold a query, which occupies its connection.
        if self._iterator is not None:
            self._iterator = iter(())
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()

    async def _next(self, limit: int) -> list[Any]:
        try:
            if self._blocks is not None:
                return await self._blocks.pull(limit)
            value = await anext(self._stream, _END)  # type: ignore[arg-type] # see the invariant
        except asyncio.CancelledError as error:
            if cancelled_from_outside():
                raise
            self.failure = error
        except Exception as error:  # noqa: BLE001 -- the source's own; the run raises it
            self._fail(error)
        else:
            return [] if value is _END else [value]
        return []

    def _fail(self, error: BaseException) -> None:
        self.failure = error
        if isinstance(error, StopAsyncIteration):
            # Raised by the batch, it would end the stream as if nothing had happened.
            # Asynchronous generators convert it in the same way (PEP 525).
            self.failure = RuntimeError("the source raised StopAsyncIteration")
            self.failure.__cause__ = error

    def _take(self, limit: int | None) -> list[Any]:
        block: list[Any] = []
        if self.failure is not None:
            return block
        try:
            # `extend` keeps the inputs that a failing iterator returned before.
            block.extend(islice(self._iterator, limit))  # type: ignore[arg-type] # see the invariant
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the source's own; the run raises it
            self._fail(error)
        return block


class LingerTimer:
    """Delays a partial chunk, so that it can fill from an asynchronous source.

    `gap` returns the seconds between requests at a pace that could be kept up forever;
    it is called only if there is a `spacing`.

    Attributes:
        over: whether the wait is over, so that a partial chunk may leave.
    """

    def __init__(self, seconds: float, spacing: Spacing | None) -> None:
        self.over: bool = False
        self._seconds = seconds
        self._spacing = spacing
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, gap: Callable[[], float], elapsed: Callable[[], None]) -> None:
        """Start the timer unless it is running; call `elapsed` when it expires."""
        if self._timer is None:
            seconds = self._seconds
            if self._spacing is not None:
                seconds = max(seconds, self._spacing.wait(_now(), gap()))
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._expire, elapsed)

    def restart(self, gap: Callable[[], float]) -> None:
        """Record that a chunk has left: the inputs behind it start a new wait."""
        self.over = False
        self.stop()
        if self._spacing is not None:
            self._spacing.left(_now(), gap())

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, elapsed: Callable[[], None]) -> None:
        self._timer = None
        self.over = True
        elapsed()


def _now() -> float:
    return asyncio.get_running_loop().time()


def first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first exception in nested groups that is not a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

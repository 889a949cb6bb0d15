"""Chunks: inputs that are sent together, and the queue that cuts them."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from attrs import Factory, field

from hubbatch._classes import define, immutable
from hubbatch._wire.bodies import Bodies
from hubbatch._wire.inputs import trace_id

from .chunk_state import NEW, ChunkState, Step


_NONE: Mapping[int, Any] = MappingProxyType({})


@immutable(eq=False)
class Chunk:
    """The inputs that are sent in one request, and their history.

    Attributes:
        indices: the index of each input in the batch.
        inputs: the objects that the caller passed.
        keys: a request must not contain a key twice; None for a create.
        bodies: the inputs as JSON.
        traces: by index, the trace ids that the caller chose.
        prefix: all other trace ids consist of this prefix and the index.
        trace_ids: the trace ids of all inputs, if they were kept from encoding them.
        duplicates: by index, other inputs with the same key, which get its answer.
        pages: by index, the pages so far of an answer that has more.
        state: the history of the chunk.
    """

    # Invariant: `indices`, `inputs`, `keys` and `bodies` are columns of equal length,
    # and so is `trace_ids` unless it is empty.
    # Only the queue changes them, in place, and only until a worker takes the chunk.
    # The keys of `traces`, `duplicates` and `pages` are among `indices`. `duplicates`
    # and `pages` are empty while the chunk is in a `FreshInputs`.

    indices: list[int] = Factory(list)
    inputs: list[object] = Factory(list)
    keys: list[str | None] = Factory(list)
    bodies: Bodies = Factory(Bodies)
    traces: dict[int, str] = Factory(dict)
    prefix: str = ""
    trace_ids: list[str] = Factory(list)
    duplicates: Mapping[int, list[tuple[int, object]]] = _NONE
    pages: Mapping[int, list[Any]] = _NONE
    state: ChunkState = NEW

    def __len__(self) -> int:
        return len(self.indices)

    def after(
        self, step: Step, *, now: float = 0.0, survivor: str | None = None
    ) -> "Chunk":
        """Return the chunk after a step; see `ChunkState.after`."""
        return Chunk(
            self.indices,
            self.inputs,
            self.keys,
            self.bodies,
            self.traces,
            self.prefix,
            self.trace_ids,
            self.duplicates,
            self.pages,
            self.state.after(step, now=now, survivor=survivor),
        )

    def add(
        self, index: int, value: object, key: str | None, body: bytes, trace: str | None
    ) -> None:
        """Append one input."""
        self.indices.append(index)
        self.inputs.append(value)
        self.keys.append(key)
        self.bodies.append(body)
        self.trace_ids.clear()
        if trace is not None:
            self.traces[index] = trace

    def extend(self, other: "Chunk") -> None:
        """Append the inputs of another chunk. No worker may have taken either."""
        self.indices.extend(other.indices)
        self.inputs.extend(other.inputs)
        self.keys.extend(other.keys)
        self.bodies.extend(other.bodies)
        self.trace_ids.clear()
        if other.traces:
            self.traces.update(other.traces)

    def trace(self, position: int) -> str:
        """Return the trace id of the input at a position."""
        index = self.indices[position]
        return self.traces.get(index) or trace_id(self.prefix, index)

    @property
    def count(self) -> int:
        """The number of inputs that this chunk decides, duplicates included."""
        if not self.duplicates:
            return len(self.indices)
        return len(self.indices) + sum(map(len, self.duplicates.values()))

    def rows(self) -> Iterator[tuple[int, object, str | None]]:
        """Yield the index, input and key of each input, duplicates included."""
        columns = zip(self.indices, self.inputs, self.keys, strict=True)
        for index, value, key in columns:
            yield index, value, key
            for duplicate, same in self.duplicates.get(index, ()):
                yield duplicate, same, key

    def pick(self, positions: Sequence[int]) -> "Chunk":
        """Return a chunk of the inputs at these positions, with the same state."""
        indices = [self.indices[position] for position in positions]
        return Chunk(
            indices,
            [self.inputs[position] for position in positions],
            [self.keys[position] for position in positions],
            self.bodies.pick(positions),
            _select(indices, self.traces),
            self.prefix,
            [],
            _select(indices, self.duplicates),
            _select(indices, self.pages),
            self.state,
        )

    @property
    def size(self) -> int:
        """The size of its inputs as JSON, in bytes."""
        return self.bodies.size

    def cut(self, max_bytes: int) -> list["Chunk"]:
        """Return parts of at most `max_bytes`; a larger input is a part by itself."""
        if self.size <= max_bytes:
            return [self]
        parts: list[list[int]] = [[]]
        room = max_bytes
        for position, body in enumerate(self.bodies):
            if parts[-1] and len(body) > room:
                parts.append([])
                room = max_bytes
            parts[-1].append(position)
            room -= len(body)
        return [self.pick(positions) for positions in parts]

    def shift(self, count: int) -> "Chunk":
        """Remove the first inputs from a chunk that no worker has taken."""
        first = Chunk(
            self.indices[:count],
            self.inputs[:count],
            self.keys[:count],
            self.bodies.shift(count),
            prefix=self.prefix,
        )
        self.trace_ids.clear()
        for column in (self.indices, self.inputs, self.keys):
            del column[:count]
        if self.traces:
            for index in first.indices:
                if index in self.traces:
                    first.traces[index] = self.traces.pop(index)
        return first


def _select(indices: Iterable[int], by_index: Mapping[int, Any]) -> dict[int, Any]:
    if not by_index:
        return {}
    return {index: by_index[index] for index in indices if index in by_index}


def join(chunks: Iterable[Chunk]) -> Chunk:
    """Join one or more chunks that no worker has taken."""
    first, *others = chunks
    for chunk in others:
        first.extend(chunk)
    return first


@define(eq=False)
class FreshInputs:
    """The fresh inputs in order, to be taken in chunks of `size`.

    It stores the blocks that were appended. If a block is exactly one chunk, `take`
    returns it without copying.
    """

    size: int
    _blocks: deque[Chunk] = field(factory=deque, init=False)
    # How many inputs it holds: the sum of the blocks' lengths.
    count: int = field(default=0, init=False)
    # Whether the caller may have chosen the trace id of one of the inputs.
    _traced: bool = field(default=False, init=False)

    def append(self, block: Chunk) -> None:
        """Append a block; it belongs to the queue from now on."""
        self.count += len(block)
        self._traced = self._traced or bool(block.traces)
        if self._blocks and len(self._blocks[-1]) + len(block) <= self.size:
            self._blocks[-1].extend(block)
        else:
            self._blocks.append(block)

    def indices(self) -> set[int]:
        """Return the indices of all inputs."""
        return {*chain.from_iterable(block.indices for block in self._blocks)}

    def keys(self) -> dict[int, str | None]:
        """Return the keys of all inputs, by index."""
        keys: dict[int, str | None] = {}
        for block in self._blocks:
            keys.update(zip(block.indices, block.keys, strict=True))
        return keys

    def clear(self) -> Chunk:
        """Remove all inputs and return them as one chunk."""
        self._traced = False
        return self._shift(self.count)

    def take(self, max_bytes: int | None = None) -> Chunk:
        """Remove and return the next chunk, of at most `max_bytes` (None: any size)."""
        first = self._take_unique()
        if max_bytes is not None and len(parts := first.cut(max_bytes)) > 1:
            rest = first.pick(range(len(parts[0]), len(first)))
            self._blocks.appendleft(rest)
            self.count += len(rest)
            self._traced = self._traced or bool(rest.traces)
            first = parts[0]
        return first

    def _take_unique(self) -> Chunk:
        """Remove and return the next chunk in which every trace id is unique.

        A caller may choose the same trace id for two inputs, or one that hubbatch
        generates for another input. The second input waits for the next chunk.
        """
        if not self._traced:
            return self._shift(self.size)
        waiting = self.clear()
        chosen: dict[str, int] = {}
        for position in range(len(waiting)):
            chosen.setdefault(waiting.trace(position), position)
            if len(chosen) == self.size:
                break
        positions = [*chosen.values()]
        if positions[-1] == len(positions) - 1:
            first = waiting.shift(len(positions))
        else:
            taken = set(positions)
            first = waiting.pick(positions)
            waiting = waiting.pick([p for p in range(len(waiting)) if p not in taken])
        self.append(waiting)
        return first

    def _shift(self, count: int) -> Chunk:
        """Remove and return the first `count` inputs, or all of them if fewer."""
        first = self._blocks.popleft() if self._blocks else Chunk()
        while len(first) < count and self._blocks:
            first.extend(self._blocks.popleft())
        if len(first) > count:
            rest, first = first, first.shift(count)
            self._blocks.appendleft(rest)
        self.count -= len(first)
        return first

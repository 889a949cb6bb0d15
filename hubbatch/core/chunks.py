"""Inputs that are sent together, and the inputs that have not been sent yet."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from attrs import Factory, define, field, frozen

from .chunk_state import NEW, ChunkState, Step
from .encoding import trace_id


_NONE: Mapping[int, Any] = MappingProxyType({})


@frozen(eq=False)
class Chunk:
    """Inputs that are sent in one request, as columns of equal length, and their state.

    The columns belong to the queue until a worker takes the chunk. From then on no
    column changes.

    Attributes:
        indices: each input's place in the whole batch.
        inputs: the caller's objects.
        keys: what a request must not hold twice; None for a create.
        bodies: the inputs as JSON.
        traces: by index, the trace ids that the caller chose.
        prefix: begins the trace ids of the others; their index follows.
        duplicates: by index, further inputs with the same key, which get its answer.
        pages: by index, the pages so far of an answer that has more.
        state: its history.
    """

    indices: list[int] = Factory(list)
    inputs: list[object] = Factory(list)
    keys: list[str | None] = Factory(list)
    bodies: list[bytes] = Factory(list)
    traces: dict[int, str] = Factory(dict)
    prefix: str = ""
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
        if trace is not None:
            self.traces[index] = trace

    def extend(self, other: "Chunk") -> None:
        """Append the inputs of another chunk; both are still the queue's."""
        self.indices.extend(other.indices)
        self.inputs.extend(other.inputs)
        self.keys.extend(other.keys)
        self.bodies.extend(other.bodies)
        if other.traces:
            self.traces.update(other.traces)

    def trace(self, position: int) -> str:
        """Return the trace id with which the input at a position is sent."""
        index = self.indices[position]
        return self.traces.get(index) or trace_id(self.prefix, index)

    @property
    def count(self) -> int:
        """How many inputs get their outcome from it, duplicates included."""
        if not self.duplicates:
            return len(self.indices)
        return len(self.indices) + sum(map(len, self.duplicates.values()))

    def rows(self) -> Iterator[tuple[int, object, str | None]]:
        """Iterate over index, input and key of all inputs, duplicates included."""
        columns = zip(self.indices, self.inputs, self.keys, strict=True)
        for index, value, key in columns:
            yield index, value, key
            for duplicate, same in self.duplicates.get(index, ()):
                yield duplicate, same, key

    def pick(self, positions: Sequence[int]) -> "Chunk":
        """Return a chunk of some of the inputs, with the same state."""
        indices = [self.indices[position] for position in positions]
        return Chunk(
            indices,
            [self.inputs[position] for position in positions],
            [self.keys[position] for position in positions],
            [self.bodies[position] for position in positions],
            _of(indices, self.traces),
            self.prefix,
            _of(indices, self.duplicates),
            _of(indices, self.pages),
            self.state,
        )

    @property
    def size(self) -> int:
        """The length of its inputs in bytes of JSON."""
        return sum(map(len, self.bodies))

    def cut(self, max_bytes: int) -> list["Chunk"]:
        """Cut it into parts of `max_bytes` at most; a larger input is a part alone."""
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
        """Take the first inputs out of a chunk that is still the queue's."""
        first = Chunk(
            self.indices[:count],
            self.inputs[:count],
            self.keys[:count],
            self.bodies[:count],
            prefix=self.prefix,
        )
        for column in (self.indices, self.inputs, self.keys, self.bodies):
            del column[:count]
        if self.traces:
            for index in first.indices:
                if index in self.traces:
                    first.traces[index] = self.traces.pop(index)
        return first


def _of(indices: Iterable[int], by_index: Mapping[int, Any]) -> dict[int, Any]:
    if not by_index:
        return {}
    return {index: by_index[index] for index in indices if index in by_index}


def join(chunks: Iterable[Chunk]) -> Chunk:
    """Return one chunk of several that no worker has taken; there is at least one."""
    first, *others = chunks
    for chunk in others:
        first.extend(chunk)
    return first


@define(eq=False)
class Queue:
    """Inputs that no worker has taken yet, in the order they came, `size` to a chunk.

    They come in blocks. A block that makes a whole chunk leaves as it came: nothing is
    copied.
    """

    size: int
    _blocks: deque[Chunk] = field(factory=deque, init=False)
    _count: int = field(default=0, init=False)
    # Whether the caller chose the trace ids of some.
    _traced: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return self._count

    def append(self, block: Chunk) -> None:
        """Take in a block; it belongs to the queue from now on."""
        self._count += len(block)
        self._traced = self._traced or bool(block.traces)
        if self._blocks and len(self._blocks[-1]) + len(block) <= self.size:
            self._blocks[-1].extend(block)
        else:
            self._blocks.append(block)

    def indices(self) -> set[int]:
        """Return the indices of all of them."""
        return {*chain.from_iterable(block.indices for block in self._blocks)}

    def keys(self) -> dict[int, str | None]:
        """Return the keys of all of them, by index."""
        keys: dict[int, str | None] = {}
        for block in self._blocks:
            keys.update(zip(block.indices, block.keys, strict=True))
        return keys

    def clear(self) -> Chunk:
        """Take out all of them, as one chunk."""
        self._traced = False
        return self._first(self._count)

    def take(self, max_bytes: int | None = None) -> Chunk:
        """Take out the next chunk, of `max_bytes` at most where that is limited."""
        first = self._take()
        if max_bytes is not None and len(parts := first.cut(max_bytes)) > 1:
            rest = first.pick(range(len(parts[0]), len(first)))
            self._blocks.appendleft(rest)
            self._count += len(rest)
            self._traced = self._traced or bool(rest.traces)
            first = parts[0]
        return first

    def _take(self) -> Chunk:
        """Take out as many as make a chunk in which every trace id is unique.

        A caller's trace id may be another input's too, or equal the one with which an
        input is sent that has none of its own.
        """
        if not self._traced:
            return self._first(self.size)
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

    def _first(self, count: int) -> Chunk:
        """Take out the first `count` inputs, or all if there are fewer."""
        first = self._blocks.popleft() if self._blocks else Chunk()
        while len(first) < count and self._blocks:
            first.extend(self._blocks.popleft())
        if len(first) > count:
            rest, first = first, first.shift(count)
            self._blocks.appendleft(rest)
        self._count -= len(first)
        return first

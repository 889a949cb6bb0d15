"""Inputs that travel together, and inputs that have not left yet."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import Factory, define, field

from .encoding import trace_id


@define(eq=False)
class Chunk:
    """Inputs that travel in one request, as columns of equal length.

    Attributes:
        indices: each input's place in the whole batch.
        inputs: the objects that the caller gave.
        keys: what must not stand twice in a request; None for a create.
        bodies: the inputs as JSON.
        traces: by index, the trace ids that the caller gave.
        prefix: begins the trace ids of the others; their index follows.
        followers: by index, further inputs with the same key, answered with it.
        attempts: how many requests have carried it.
        doubtful: whether one of them may have been processed unseen.
        in_flight: whether one has left and what became of it has not been read yet.
        asked_again: whether it is alone because an answer did not mention it.
        survivor: the id with which HubSpot answered for its only input, if another.
        suspect: whether it is a part of a chunk that was refused for its records.
        once: whether it is a part of a chunk whose retries are used up; it has no
            retries of its own.
        probing: whether its records are looked for before they are created again.
        probes: how often they have been looked for.
        pages: by index, what was answered already where an answer goes on.
        left_at: when the first request left that may have written it, if that is known.
    """

    indices: list[int] = Factory(list)
    inputs: list[object] = Factory(list)
    keys: list[str | None] = Factory(list)
    bodies: list[bytes] = Factory(list)
    traces: dict[int, str] = Factory(dict)
    followers: dict[int, list[tuple[int, object]]] = Factory(dict)
    attempts: int = 0
    doubtful: bool = False
    in_flight: bool = False
    asked_again: bool = False
    survivor: str | None = None
    suspect: bool = False
    once: bool = False
    probing: bool = False
    probes: int = 0
    pages: dict[int, list[Any]] = Factory(dict)
    left_at: float | None = None
    prefix: str = ""

    def __len__(self) -> int:
        return len(self.indices)

    def add(
        self, index: int, given: object, key: str | None, body: bytes, trace: str | None
    ) -> None:
        """Append one input."""
        self.indices.append(index)
        self.inputs.append(given)
        self.keys.append(key)
        self.bodies.append(body)
        if trace is not None:
            self.traces[index] = trace

    def extend(self, other: "Chunk") -> None:
        """Append the inputs of another that has as little history."""
        self.prefix = other.prefix
        self.indices += other.indices
        self.inputs += other.inputs
        self.keys += other.keys
        self.bodies += other.bodies
        if other.traces:
            self.traces |= other.traces

    def trace(self, position: int) -> str:
        """Give the trace id under which the input at a position is sent."""
        index = self.indices[position]
        return self.traces.get(index) or trace_id(self.prefix, index)

    @property
    def count(self) -> int:
        """How many inputs are answered by it, followers included."""
        if not self.followers:
            return len(self.indices)
        return len(self.indices) + sum(map(len, self.followers.values()))

    def everyone(self) -> Iterator[tuple[int, object, str | None]]:
        """Go through index, input and key of all of them, followers included."""
        columns = zip(self.indices, self.inputs, self.keys, strict=True)
        for index, given, key in columns:
            yield index, given, key
            for follower, same in self.followers.get(index, ()):
                yield follower, same, key

    def pick(self, positions: Sequence[int]) -> "Chunk":
        """Make a chunk of some of the inputs, with this one's history."""
        indices = [self.indices[position] for position in positions]
        return Chunk(
            indices,
            [self.inputs[position] for position in positions],
            [self.keys[position] for position in positions],
            [self.bodies[position] for position in positions],
            {index: self.traces[index] for index in indices if index in self.traces},
            {i: self.followers[i] for i in indices if i in self.followers},
            attempts=self.attempts,
            doubtful=self.doubtful,
            asked_again=self.asked_again,
            survivor=self.survivor,
            suspect=self.suspect,
            once=self.once,
            probing=self.probing,
            probes=self.probes,
            pages={i: self.pages[i] for i in indices if i in self.pages},
            left_at=self.left_at,
            prefix=self.prefix,
        )

    @property
    def size(self) -> int:
        """How many bytes its inputs are as JSON."""
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
        """Take the first inputs out."""
        columns = (self.indices, self.inputs, self.keys, self.bodies)
        first = Chunk(*(column[:count] for column in columns))  # type: ignore[arg-type] # mypy joins the columns' types
        first.prefix = self.prefix
        for column in columns:
            del column[:count]
        if self.traces:
            for index in first.indices:
                if index in self.traces:
                    first.traces[index] = self.traces.pop(index)
        return first


def join(chunks: Iterable[Chunk]) -> Chunk:
    """Make one chunk of some that have never been taken."""
    joined = Chunk()
    for chunk in chunks:
        joined.extend(chunk)
    return joined


@define(eq=False)
class Queue:
    """Inputs that have not left yet, in the order they came, `size` to a chunk.

    They come in blocks, and leave as they came where a block makes a chunk: then
    nothing is copied.
    """

    size: int
    _blocks: deque[Chunk] = field(factory=deque, init=False)
    _count: int = field(default=0, init=False)
    # Whether the trace ids of some were chosen by the caller.
    _traced: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return self._count

    def append(self, block: Chunk) -> None:
        """Take in a block; it is the queue's from now on."""
        self._count += len(block)
        self._traced = self._traced or bool(block.traces)
        if self._blocks and len(self._blocks[-1]) + len(block) <= self.size:
            self._blocks[-1].extend(block)
        else:
            self._blocks.append(block)

    def indices(self) -> set[int]:
        """Give the indices of all of them."""
        return {index for block in self._blocks for index in block.indices}

    def keys(self) -> dict[int, str | None]:
        """Return the keys of all of them, by index."""
        keys: dict[int, str | None] = {}
        for block in self._blocks:
            keys.update(zip(block.indices, block.keys, strict=True))
        return keys

    def clear(self) -> Chunk:
        """Give up all of them, as one chunk."""
        self._traced = False
        return self._first(self._count)

    def take(self, max_bytes: int | None = None) -> Chunk:
        """Take out what leaves next, of `max_bytes` at most where that is given."""
        first = self._take()
        if max_bytes is not None and len(parts := first.cut(max_bytes)) > 1:
            rest = first.pick(range(len(parts[0]), len(first)))
            self._blocks.appendleft(rest)
            self._count += len(rest)
            self._traced = self._traced or bool(rest.traces)
            first = parts[0]
        return first

    def _take(self) -> Chunk:
        """Take out as many as make a chunk: no two have the same trace id.

        A caller's trace id may be another input's too, or be the one that an input is
        sent with that has none of its own.
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
        """Take out the first inputs, so many if there are."""
        first = self._blocks.popleft() if self._blocks else Chunk()
        while len(first) < count and self._blocks:
            first.extend(self._blocks.popleft())
        if len(first) > count:
            rest, first = first, first.shift(count)
            self._blocks.appendleft(rest)
        self._count -= len(first)
        return first

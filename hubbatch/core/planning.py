"""Which inputs may leave now: the desk, a pure state machine.

An input is offered, taken in a chunk, perhaps handed back, and settled once; or it is
withdrawn before it was taken. Inputs are kept as columns, not as an object each: that
is what lets a million of them pass.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from attrs import Factory, define, field

from .calls import Repeats


@define(eq=False)
class Chunk:
    """Inputs that travel in one request, as columns of equal length.

    Attributes:
        indices: each input's place in the whole batch.
        inputs: the objects that the caller gave.
        keys: what must not stand twice in a request; None for a create.
        bodies: the inputs as JSON.
        traces: by index, the trace ids that the caller gave; the others are sent
            with their index as one.
        followers: by index, further inputs with the same key, answered with it.
        attempts: how many requests have carried it.
        doubtful: whether one of them may have been processed unseen.
        in_flight: whether one has left and what became of it has not been read yet.
        asked_again: whether it is alone because an answer did not mention it.
        suspect: whether it is a part of a chunk that was refused for its records.
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
    suspect: bool = False
    probing: bool = False
    probes: int = 0
    pages: dict[int, list[Any]] = Factory(dict)
    left_at: float | None = None

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

    def trace(self, position: int) -> str:
        """Give the trace id under which the input at a position is sent."""
        index = self.indices[position]
        return self.traces.get(index) or str(index)

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
            suspect=self.suspect,
            probing=self.probing,
            probes=self.probes,
            pages={i: self.pages[i] for i in indices if i in self.pages},
            left_at=self.left_at,
        )

    def shift(self, count: int) -> "Chunk":
        """Take the first inputs out."""
        columns = (self.indices, self.inputs, self.keys, self.bodies)
        first = Chunk(*(column[:count] for column in columns))  # type: ignore[arg-type] # mypy joins the columns' types
        for column in columns:
            del column[:count]
        if self.traces:
            for index in first.indices:
                if index in self.traces:
                    first.traces[index] = self.traces.pop(index)
        return first


@define
class Desk:
    """Holds what was offered and is not settled yet, `window` inputs and no more.

    `max_inputs` is how many HubSpot takes in one call.
    """

    max_inputs: int
    window: int
    repeats: Repeats
    size: int = field(default=0, init=False)
    _fresh: Chunk = field(factory=Chunk, init=False)
    _again: deque[Chunk] = field(factory=deque, init=False)
    # Keys and the indices of their inputs that are fresh (SHARES), or in flight as
    # well (WAITS).
    _busy: dict[str | None, int] = field(factory=dict, init=False)
    _held: dict[str | None, OrderedDict[int, Chunk]] = field(
        factory=lambda: defaultdict(OrderedDict), init=False
    )
    # Who shares a fresh input, by its index.
    _sharers: dict[int, dict[int, object]] = field(factory=dict, init=False)
    # What was withdrawn is left in the columns until there is so much of it that
    # sweeping pays: `_live` are the fresh ones that shall leave, and of those the
    # `_vacant` only for the sake of who shares them.
    _live: set[int] = field(factory=set, init=False)
    _vacant: set[int] = field(factory=set, init=False)

    @property
    def room(self) -> int:
        """How many more inputs it takes."""
        return max(0, self.window - self.size)

    def waiting(self, *, partial: bool) -> int:
        """Count the chunks that could leave now; `partial` ones only if asked for."""
        full, rest = divmod(len(self._live), self.max_inputs)
        return len(self._again) + full + (partial and rest > 0)

    def offer(self, block: Chunk) -> None:
        """Take in more inputs; the block is the desk's from now on."""
        self.size += len(block)
        if self.repeats is Repeats.INDEPENDENT:
            self._append(block)
        elif len(set(block.keys)) == len(block) and self._busy.keys().isdisjoint(
            block.keys
        ):
            self._busy.update(zip(block.keys, block.indices, strict=True))
            self._append(block)
        else:
            for position in range(len(block)):
                self._offer_one(block.pick([position]))

    def take(self) -> Chunk:
        """Hand out the next chunk: first what came back, then what is fresh."""
        if self._again:
            return self._again.popleft()
        if self._vacant or len(self._live) < len(self._fresh):
            self._sweep()
        taken = self._take_fresh()
        self._live.difference_update(taken.indices)
        if self.repeats is Repeats.SHARES:
            self._release(taken.keys)
            self._add_sharers(taken)
        return taken

    def back(self, chunks: Iterable[Chunk]) -> None:
        """Take back what has to go again, ahead of all that is fresh."""
        self._again.extend(chunks)

    def settle(self, chunk: Chunk) -> None:
        """Forget a chunk, and let the inputs that waited for its keys follow."""
        self.size -= chunk.count
        if self.repeats is not Repeats.WAITS:
            return
        if not self._held:
            self._release(chunk.keys)
            return
        for key in chunk.keys:
            self._let_follow(key)

    def withdraw(self, index: int, key: str | None) -> bool:
        """Take an input out that has never been taken; False if it is not here.

        It takes no longer the more there is on the desk (amortised).
        """
        leader = self._busy.get(key, -1)
        if index in self._live and index not in self._vacant:
            if index in self._sharers:
                self._vacant.add(index)
            else:
                self._strike(index, key)
        elif index in self._held.get(key, ()):
            del self._held[key][index]
            if not self._held[key]:
                del self._held[key]
        elif index in self._sharers.get(leader, ()):
            del self._sharers[leader][index]
            if not self._sharers[leader]:
                del self._sharers[leader]
                if leader in self._vacant:
                    self._vacant.discard(leader)
                    self._strike(leader, key)
        else:
            return False
        self.size -= 1
        if len(self._fresh) > 2 * len(self._live) + self.max_inputs:
            self._sweep()
        return True

    def clear(self) -> list[Chunk]:
        """Give up all that is not in flight."""
        self._sweep()
        self._add_sharers(self._fresh)
        held = chain.from_iterable(queue.values() for queue in self._held.values())
        left = [*self._again, *held]
        if self._fresh:
            left.append(self._fresh)
        self._again = deque()
        self._held.clear()
        self._fresh = Chunk()
        self._live.clear()
        self._busy.clear()
        self.size -= sum(chunk.count for chunk in left)
        return left

    def _strike(self, index: int, key: str | None) -> None:
        """Have a fresh input not leave."""
        self._live.discard(index)
        self._let_follow(key)

    def _let_follow(self, key: str | None) -> None:
        """Give a key to the next that waits for it, or free it."""
        if key not in self._held:
            self._busy.pop(key, None)  # gone already if the desk was cleared
            return
        queue = self._held[key]
        _, follower = queue.popitem(last=False)
        self._append(follower)
        if not queue:
            del self._held[key]

    def _sweep(self) -> None:
        """Leave out what was withdrawn; who shares such an input takes its place."""
        places = enumerate(self._fresh.indices)
        fresh = self._fresh.pick([p for p, index in places if index in self._live])
        self._fresh = fresh
        for position, index in enumerate(fresh.indices):
            if index not in self._vacant:
                continue
            sharers = self._sharers.pop(index)
            heir = next(iter(sharers))
            fresh.indices[position] = heir
            fresh.inputs[position] = sharers.pop(heir)
            if sharers:
                self._sharers[heir] = sharers
            self._busy[fresh.keys[position]] = heir
            self._live.discard(index)
            self._live.add(heir)
        self._vacant.clear()

    def _add_sharers(self, chunk: Chunk) -> None:
        if self._sharers:
            for index in chunk.indices:
                if index in self._sharers:
                    chunk.followers[index] = [*self._sharers.pop(index).items()]

    def _append(self, block: Chunk) -> None:
        fresh = self._fresh
        fresh.indices += block.indices
        fresh.inputs += block.inputs
        fresh.keys += block.keys
        fresh.bodies += block.bodies
        self._live.update(block.indices)
        if block.traces:
            fresh.traces |= block.traces

    def _release(self, keys: Iterable[str | None]) -> None:
        for key in keys:
            self._busy.pop(key, None)  # gone already if the desk was cleared

    def _offer_one(self, single: Chunk) -> None:
        [key], [index] = single.keys, single.indices
        if key not in self._busy:
            self._busy[key] = index
            self._append(single)
        elif self.repeats is Repeats.WAITS:
            self._held[key][index] = single
        else:
            sharers = self._sharers.setdefault(self._busy[key], {})
            sharers[index] = single.inputs[0]

    def _take_fresh(self) -> Chunk:
        """Take what leaves next: no two inputs of it have the same trace id.

        A caller's trace id may be another input's too, or be the index under which
        an input is sent that has none of its own.
        """
        fresh = self._fresh
        if not fresh.traces:
            return fresh.shift(self.max_inputs)
        chosen: dict[str, int] = {}
        for position in range(len(fresh)):
            chosen.setdefault(fresh.trace(position), position)
            if len(chosen) == self.max_inputs:
                break
        positions = [*chosen.values()]
        if positions[-1] == len(positions) - 1:
            return fresh.shift(len(positions))
        taken = set(positions)
        rest = [p for p in range(len(fresh)) if p not in taken]
        self._fresh = fresh.pick(rest)
        return fresh.pick(positions)

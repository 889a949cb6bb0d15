"""Which inputs may be sent now: the input queue, a pure state machine.

An input is put into the queue, taken in a chunk, perhaps requeued, and released once;
or it is withdrawn before it was taken. Inputs are kept as columns, not as one object
each: that is what makes a million of them cheap.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from enum import Enum, auto
from itertools import chain
from typing import assert_never

from attrs import Factory, define, evolve, field

from .calls import Repeats
from .chunk_state import Step
from .chunks import Chunk, Queue, join


__all__ = ["Chunk", "InputQueue", "Place"]


class Place(Enum):
    """Where a chunk is requeued."""

    NEXT = auto()  # ahead of the fresh inputs
    BEHIND = auto()  # behind the full chunks of fresh inputs
    PARKED = auto()  # nowhere, until `unpark`


@define
class InputQueue:
    """Holds the inputs that have no outcome yet, at most `window` of them.

    `max_inputs` is how many HubSpot takes in one call, and `max_bytes` how many bytes
    of inputs, once it has refused more.
    """

    # Invariant: an index is in exactly one of _fresh, _held[key], _duplicates[leader],
    # _again, _later, _parked or a chunk that a worker has taken. `size` counts all of
    # them, `_out` those in the chunks that were taken.

    max_inputs: int
    window: int
    repeats: Repeats
    size: int = field(default=0, init=False)
    max_bytes: int | None = field(default=None, init=False)
    _fresh: Queue = field(
        default=Factory(lambda self: Queue(self.max_inputs), takes_self=True),
        init=False,
    )
    _again: deque[Chunk] = field(factory=deque, init=False)
    _later: deque[Chunk] = field(factory=deque, init=False)
    _parked: list[Chunk] = field(factory=list, init=False)
    _out: int = field(default=0, init=False)
    # The index of the input that has a key: among those that are fresh (SHARES), or
    # among those that are fresh or in flight (WAITS).
    _busy: dict[str | None, int] = field(factory=dict, init=False)
    _held: dict[str | None, OrderedDict[int, Chunk]] = field(
        factory=lambda: defaultdict(OrderedDict), init=False
    )
    # By the index of a fresh input, further inputs with its key that get its answer.
    _duplicates: dict[int, dict[int, object]] = field(factory=dict, init=False)
    # Invariant: withdrawing an input only marks it: it leaves `_live`, the indices of
    # the fresh inputs to send. `_sweep` compacts once marked inputs outnumber live
    # ones, so that `withdraw` is O(1) amortised. `_vacant` are the live ones that were
    # withdrawn and stay for their duplicates. `_live` is None, and all are live, until
    # the first withdrawal.
    _live: set[int] | None = field(default=None, init=False)
    _vacant: set[int] = field(factory=set, init=False)
    # Invariant: None until the first withdrawal; then the key of every input that no
    # worker has taken, by its index, so that `withdraw` need not look at the input.
    _keys: dict[int, str | None] | None = field(default=None, init=False)

    @property
    def room(self) -> int:
        """How many more inputs it has room for."""
        return max(0, self.window - self.size)

    def waiting(self, *, partial: bool) -> int:
        """Count the chunks that could be sent now, a partial one only if asked to."""
        full, rest = divmod(self._count(), self.max_inputs)
        back = len(self._again) + len(self._later)
        return back + full + (partial and rest > 0)

    @property
    def stuck(self) -> bool:
        """Whether inputs are parked, and nothing else waits or is being sent."""
        return bool(self._parked) and not self._out and not self.waiting(partial=True)

    def put(self, block: Chunk) -> None:
        """Add inputs; the block belongs to the queue from now on."""
        self.size += len(block)
        if self._keys is not None:
            self._keys.update(zip(block.indices, block.keys, strict=True))
        if self.repeats is Repeats.INDEPENDENT:
            self._append(block)
            return
        by_key = dict(zip(block.keys, block.indices, strict=True))
        if len(by_key) == len(block) and self._busy.keys().isdisjoint(by_key):
            self._busy |= by_key
            self._append(block)
        else:
            for position in range(len(block)):
                self._put_one(block.pick([position]))

    def next_chunk(self, now: float) -> Chunk:
        """Take out the next chunk."""
        if self._again:
            taken = self._cut(self._again.popleft())
        elif self._later and not self._full():
            taken = self._cut(self._later.popleft())
        else:
            taken = self._take_fresh()
        self._out += taken.count
        return taken.after(Step.TAKE, now=now)

    def limit_bytes(self, max_bytes: int) -> None:
        """Limit chunks to this many bytes of inputs from now on."""
        self.max_bytes = min(self.max_bytes or max_bytes, max_bytes)

    def limit_inputs(self, max_inputs: int) -> None:
        """Limit chunks to this many inputs from now on."""
        self.max_inputs = self._fresh.size = min(self.max_inputs, max_inputs)

    def _cut(self, chunk: Chunk) -> Chunk:
        if self.max_bytes is None:
            return chunk
        first, *rest = chunk.cut(self.max_bytes)
        self._again.extendleft(reversed(rest))
        return first

    def _take_fresh(self) -> Chunk:
        if self._live is not None and (
            self._vacant or len(self._live) < len(self._fresh)
        ):
            self._sweep()
        taken = self._fresh.take(self.max_bytes)
        if self._live is not None:
            self._live.difference_update(taken.indices)
        if self.repeats is Repeats.SHARES:
            self._free(taken.keys)
            taken = self._with_duplicates(taken)
        if self._keys is not None:
            for index, _, _ in taken.rows():
                del self._keys[index]
        return taken

    def requeue(self, chunk: Chunk, place: Place = Place.NEXT) -> None:
        """Take back a chunk to be sent again."""
        self._out -= chunk.count
        match place:
            case Place.NEXT:
                self._again.append(chunk)
            case Place.BEHIND:
                self._later.append(chunk)
            case Place.PARKED:
                self._parked.append(chunk)
            case _:
                assert_never(place)

    def unpark(self) -> None:
        """Requeue the parked chunks."""
        self._again.extend(self._parked)
        self._parked.clear()

    def release(self, chunk: Chunk) -> None:
        """Remove a chunk whose inputs have outcomes, and free their keys."""
        self.size -= chunk.count
        self._out -= chunk.count
        if self.repeats is not Repeats.WAITS:
            return
        if not self._held:
            self._free(chunk.keys)
            return
        for key in chunk.keys:
            self._free_key(key)

    def withdraw(self, index: int) -> bool:
        """Remove an input that no worker has taken; return False if there is none.

        Amortised, it takes the same time for any number of inputs.
        """
        if self._keys is None:
            self._keys = self._all_keys()
        if index not in self._keys:
            return False
        key = self._keys.pop(index)
        leader = self._busy.get(key, -1)
        if index in self._leaving():
            if index in self._duplicates:
                self._vacant.add(index)
            else:
                self._strike(index, key)
        elif key in self._held:
            del self._held[key][index]
            if not self._held[key]:
                del self._held[key]
        else:
            del self._duplicates[leader][index]
            if not self._duplicates[leader]:
                del self._duplicates[leader]
                if leader in self._vacant:
                    self._vacant.discard(leader)
                    self._strike(leader, key)
        self.size -= 1
        if len(self._fresh) > 2 * len(self._leaving()) + self.max_inputs:
            self._sweep()
        return True

    def clear(self) -> list[Chunk]:
        """Take out every chunk that no worker has."""
        self._sweep()
        held = chain.from_iterable(queue.values() for queue in self._held.values())
        left = [*self._again, *self._later, *self._parked]
        self._parked.clear()
        if self._held:
            left.append(join(held))
        if self._fresh:
            left.append(self._with_duplicates(self._fresh.clear()))
        self._again, self._later = deque(), deque()
        self._held.clear()
        self._live = self._keys = None
        self._busy.clear()
        self.size -= sum(chunk.count for chunk in left)
        return left

    def _count(self) -> int:
        return len(self._fresh if self._live is None else self._live)

    def _full(self) -> bool:
        return self._count() >= self.max_inputs

    def _strike(self, index: int, key: str | None) -> None:
        """Mark a fresh input as withdrawn."""
        self._leaving().discard(index)
        self._free_key(key)

    def _free_key(self, key: str | None) -> None:
        """Let the next input with a key follow, or free the key."""
        if key not in self._held:
            self._busy.pop(key, None)  # gone already if the queue was cleared
            return
        queue = self._held[key]
        _, follower = queue.popitem(last=False)
        self._append(follower)
        if not queue:
            del self._held[key]

    def _sweep(self) -> None:
        """Drop the withdrawn inputs; a duplicate of one takes its place."""
        if self._live is None:
            return
        everything = self._fresh.clear()
        places = enumerate(everything.indices)
        fresh = everything.pick([p for p, index in places if index in self._live])
        for position, index in enumerate(fresh.indices):
            if index not in self._vacant:
                continue
            duplicates = self._duplicates.pop(index)
            heir = next(iter(duplicates))
            fresh.indices[position] = heir
            fresh.inputs[position] = duplicates.pop(heir)
            if duplicates:
                self._duplicates[heir] = duplicates
            self._busy[fresh.keys[position]] = heir
            self._live.discard(index)
            self._live.add(heir)
        self._vacant.clear()
        self._fresh.append(fresh)

    def _with_duplicates(self, chunk: Chunk) -> Chunk:
        if not self._duplicates:
            return chunk
        duplicates = {
            index: [*self._duplicates.pop(index).items()]
            for index in chunk.indices
            if index in self._duplicates
        }
        return evolve(chunk, duplicates=duplicates)

    def _append(self, block: Chunk) -> None:
        self._fresh.append(block)
        if self._live is not None:
            self._live.update(block.indices)

    def _all_keys(self) -> dict[int, str | None]:
        """Return the keys of all inputs that no worker has taken."""
        keys = self._fresh.keys()
        duplicates = {
            i: keys[leader] for leader, of in self._duplicates.items() for i in of
        }
        held = {i: key for key, queue in self._held.items() for i in queue}
        return keys | duplicates | held

    def _leaving(self) -> set[int]:
        """Return the live inputs, noted from the first withdrawal on."""
        if self._live is None:
            self._live = self._fresh.indices()
        return self._live

    def _free(self, keys: Iterable[str | None]) -> None:
        forget = self._busy.pop
        for key in keys:
            forget(key, None)  # gone already if the queue was cleared

    def _put_one(self, single: Chunk) -> None:
        [key], [index] = single.keys, single.indices
        if key not in self._busy:
            self._busy[key] = index
            self._append(single)
        elif self.repeats is Repeats.WAITS:
            self._held[key][index] = single
        else:
            duplicates = self._duplicates.setdefault(self._busy[key], {})
            duplicates[index] = single.inputs[0]

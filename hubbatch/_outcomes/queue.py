"""The input queue: which inputs may be sent next.

An input is put into the queue, taken in a chunk, perhaps requeued, and released once;
or it is withdrawn before it is taken. The queue keeps columns instead of one object per
input, which keeps a million inputs cheap.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from itertools import chain, repeat
from typing import Any, assert_never

from attrs import Factory, evolve, field

from hubbatch._classes import define
from hubbatch._wire.calls import Repeats

from .chunk import Chunk, FreshInputs, join
from .chunk_state import Step
from .record_lines import RecordLines


__all__ = ["Chunk", "InputQueue", "Place"]


class Place(Enum):
    """Where a chunk is requeued."""

    NEXT = auto()  # ahead of the fresh inputs
    BEHIND = auto()  # behind the full chunks of fresh inputs
    PARKED = auto()  # set aside until `unpark`


@define
class InputQueue:
    """Holds the inputs that have no outcome yet.

    Attributes:
        max_inputs: the number of inputs that HubSpot accepts in one request.
        window: the number of inputs that the source may fill the queue with.
        repeats: what happens to an input whose key another input already has.
        size: the number of inputs without an outcome, those in flight included.
        max_bytes: the bytes of inputs that HubSpot accepts in one request; None until
            it has refused one as too large.
    """

    # Invariant: an index is in exactly one of _fresh, _held[key], _duplicates[owner],
    # _lines, _next, _behind, _parked or a chunk that a worker has taken. `size` counts
    # all of them, `_taken` those in the chunks that workers have.

    max_inputs: int
    window: int
    repeats: Repeats
    size: int = field(default=0, init=False)
    max_bytes: int | None = field(default=None, init=False)
    _fresh: FreshInputs = field(
        default=Factory(lambda self: FreshInputs(self.max_inputs), takes_self=True),
        init=False,
    )
    _next: deque[Chunk] = field(factory=deque, init=False)
    _behind: deque[Chunk] = field(factory=deque, init=False)
    _parked: list[Chunk] = field(factory=list, init=False)
    _taken: int = field(default=0, init=False)
    # Invariant: a key is in `_owners` while one input with it, the owner, is fresh
    # (SHARES), or is fresh or taken (WAITS). Further inputs with the key go to
    # `_duplicates[owner]` or `_held[key]`. The value is the owner's index (SHARES).
    # With WAITS it may be the index of an earlier owner, and only the key is used.
    _owners: dict[str | None, int] = field(factory=dict, init=False)
    # WAITS: by key, in order, the inputs that wait until their predecessor is released.
    _held: dict[str | None, OrderedDict[int, Chunk]] = field(
        factory=lambda: defaultdict(OrderedDict), init=False
    )
    # CONNECTED: the inputs that wait for others, and those that are fresh or taken.
    _lines: RecordLines = field(factory=RecordLines, init=False)
    # SHARES: by the index of the owner, the inputs that get its answer.
    _duplicates: dict[int, dict[int, object]] = field(factory=dict, init=False)
    # Invariant: `_live` has the indices of the fresh inputs to send. To withdraw a
    # fresh input only removes it from `_live`. `_sweep` compacts `_fresh` once
    # withdrawn inputs outnumber live ones, so `withdraw` takes amortized constant time.
    # A withdrawn owner stays in `_live`, and in `_withdrawn_owners`, until `_sweep`
    # replaces it by a duplicate. None until the first withdrawal: then all are live.
    _live: set[int] | None = field(default=None, init=False)
    _withdrawn_owners: set[int] = field(factory=set, init=False)
    # Invariant: by index, the key of every input that no worker has taken yet, so that
    # `withdraw` need not search for the input. None until the first withdrawal.
    _keys: dict[int, str | None] | None = field(default=None, init=False)

    @property
    def room(self) -> int:
        """The number of inputs that may be put into the queue now."""
        return max(0, self.window - self.size)

    @property
    def missing(self) -> int:
        """The number of inputs that would complete the last chunk of fresh inputs."""
        return self.max_inputs - self._count_fresh() % self.max_inputs

    def waiting(self, *, partial: bool) -> int:
        """Return how many chunks can be taken; `partial` also counts a short one."""
        full, rest = divmod(self._count_fresh(), self.max_inputs)
        requeued = len(self._next) + len(self._behind)
        return requeued + full + (partial and rest > 0)

    @property
    def stuck(self) -> bool:
        """Whether only parked inputs are left and no request is in flight."""
        return bool(self._parked) and not self._taken and not self.waiting(partial=True)

    def put(self, block: Chunk) -> None:
        """Add inputs; the block belongs to the queue from now on."""
        self.size += len(block)
        if self._keys is not None:
            self._keys.update(zip(block.indices, block.keys, strict=True))
        if self.repeats is Repeats.INDEPENDENT:
            self._append(block)
            return
        if self.repeats is Repeats.CONNECTED:
            for position in range(len(block)):
                if (single := self._lines.join(block.pick([position]))) is not None:
                    self._append(single)
            return
        by_key = dict(zip(block.keys, block.indices, strict=True))
        if len(by_key) == len(block) and self._owners.keys().isdisjoint(by_key):
            self._owners |= by_key
            self._append(block)
        else:
            for position in range(len(block)):
                self._put_one(block.pick([position]))

    def next_chunk(self, now: float) -> Chunk:
        """Remove the next chunk from the queue and return it as taken at `now`.

        At least one chunk must be `waiting`.
        """
        if self._next:
            taken = self._cut(self._next.popleft())
        elif self._behind and not self._has_full_chunk():
            taken = self._cut(self._behind.popleft())
        else:
            taken = self._take_fresh()
        self._taken += taken.count
        return taken.after(Step.TAKE, now=now)

    def limit_bytes(self, max_bytes: int) -> None:
        """Lower the size limit of all chunks that are not taken yet."""
        self.max_bytes = min(self.max_bytes or max_bytes, max_bytes)

    def limit_inputs(self, max_inputs: int) -> None:
        """Lower the input limit of chunks of fresh inputs."""
        self.max_inputs = self._fresh.size = min(self.max_inputs, max_inputs)

    def _cut(self, chunk: Chunk) -> Chunk:
        if self.max_bytes is None:
            return chunk
        first, *rest = chunk.cut(self.max_bytes)
        self._next.extendleft(reversed(rest))
        return first

    def _take_fresh(self) -> Chunk:
        if self._live is not None and (
            self._withdrawn_owners or len(self._live) < self._fresh.count
        ):
            self._sweep()
        taken = self._fresh.take(self.max_bytes)
        if self._live is not None:
            self._live.difference_update(taken.indices)
        if self.repeats is Repeats.SHARES:
            self._remove_keys(taken.keys)
            taken = self._with_duplicates(taken)
        if self._keys is not None:
            for index, _, _ in taken.rows():
                del self._keys[index]
        return taken

    def requeue(self, chunk: Chunk, place: Place = Place.NEXT) -> None:
        """Return a taken chunk to the queue, to be sent again."""
        self._taken -= chunk.count
        match place:
            case Place.NEXT:
                self._next.append(chunk)
            case Place.BEHIND:
                self._behind.append(chunk)
            case Place.PARKED:
                self._parked.append(chunk)
            case _:
                assert_never(place)

    def unpark(self) -> None:
        """Move the parked chunks ahead of the fresh inputs."""
        self._next.extend(self._parked)
        self._parked.clear()

    def release(self, chunk: Chunk, results: Sequence[Any] = ()) -> None:
        """Remove a taken chunk whose inputs have outcomes, and release their keys.

        `results` are those of the inputs, if they succeeded.
        """
        self.size -= chunk.count
        self._taken -= chunk.count
        if self.repeats is Repeats.CONNECTED:
            for single in self._lines.leave(chunk, results):
                self._append(single)
        if self.repeats is not Repeats.WAITS:
            return
        if not self._held:
            self._remove_keys(chunk.keys)
            return
        for key in chunk.keys:
            self._pass_key_on(key)

    def withdraw(self, index: int) -> bool:
        """Remove an input; return False if a worker has taken it already.

        A requeued input cannot be withdrawn either, nor one that joins records. This
        takes amortized constant time.
        """
        keys = self._track_keys()
        if index not in keys:
            return False
        key = keys.pop(index)
        owner = self._owners.get(key, -1)
        if index in self._track_live():
            if index in self._duplicates:
                self._withdrawn_owners.add(index)
            else:
                self._mark_withdrawn(index, key)
        elif key in self._held:
            del self._held[key][index]
            if not self._held[key]:
                del self._held[key]
        else:
            del self._duplicates[owner][index]
            if not self._duplicates[owner]:
                del self._duplicates[owner]
                if owner in self._withdrawn_owners:
                    self._withdrawn_owners.discard(owner)
                    self._mark_withdrawn(owner, key)
        self.size -= 1
        if self._fresh.count > 2 * len(self._track_live()) + self.max_inputs:
            self._sweep()
        return True

    def clear(self) -> list[Chunk]:
        """Remove all inputs that no worker has taken, and return them in chunks."""
        self._sweep()
        held = chain.from_iterable(queue.values() for queue in self._held.values())
        removed = [*self._next, *self._behind, *self._parked, *self._lines.clear()]
        self._parked.clear()
        if self._held:
            removed.append(join(held))
        if self._fresh.count:
            removed.append(self._with_duplicates(self._fresh.clear()))
        self._next, self._behind = deque(), deque()
        self._held.clear()
        self._live = self._keys = None
        self._owners.clear()
        self.size -= sum(chunk.count for chunk in removed)
        return removed

    def _count_fresh(self) -> int:
        return self._fresh.count if self._live is None else len(self._live)

    def _has_full_chunk(self) -> bool:
        return self._count_fresh() >= self.max_inputs

    def _mark_withdrawn(self, index: int, key: str | None) -> None:
        """Mark a fresh input without duplicates as withdrawn."""
        self._track_live().discard(index)
        self._pass_key_on(key)

    def _pass_key_on(self, key: str | None) -> None:
        """Pass a key on to the next held input, or remove it if none is held."""
        if key not in self._held:
            self._owners.pop(key, None)  # `clear` may have removed it already
            return
        queue = self._held[key]
        _, successor = queue.popitem(last=False)
        self._append(successor)
        if not queue:
            del self._held[key]

    def _sweep(self) -> None:
        """Remove the withdrawn inputs; a duplicate replaces a withdrawn owner."""
        if self._live is None:
            return
        everything = self._fresh.clear()
        positions = enumerate(everything.indices)
        fresh = everything.pick([p for p, index in positions if index in self._live])
        for position, index in enumerate(fresh.indices):
            if index not in self._withdrawn_owners:
                continue
            duplicates = self._duplicates.pop(index)
            new_owner = next(iter(duplicates))
            fresh.indices[position] = new_owner
            fresh.inputs[position] = duplicates.pop(new_owner)
            if duplicates:
                self._duplicates[new_owner] = duplicates
            self._owners[fresh.keys[position]] = new_owner
            self._live.discard(index)
            self._live.add(new_owner)
        self._withdrawn_owners.clear()
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
            index: keys[owner]
            for owner, same in self._duplicates.items()
            for index in same
        }
        held = {index: key for key, queue in self._held.items() for index in queue}
        return keys | duplicates | held

    def _track_keys(self) -> dict[int, str | None]:
        """Return the keys of the inputs that can be withdrawn."""
        if self.repeats is Repeats.CONNECTED:
            return {}
        if self._keys is None:
            self._keys = self._all_keys()
        return self._keys

    def _track_live(self) -> set[int]:
        """Return `_live`; the first call begins to maintain it."""
        if self._live is None:
            self._live = self._fresh.indices()
        return self._live

    def _remove_keys(self, keys: Iterable[str | None]) -> None:
        # `clear` may have removed one already. A deque of no length runs the map.
        deque(map(self._owners.pop, keys, repeat(None)), maxlen=0)

    def _put_one(self, single: Chunk) -> None:
        [key], [index] = single.keys, single.indices
        if key not in self._owners:
            self._owners[key] = index
            self._append(single)
        elif self.repeats is Repeats.WAITS:
            self._held[key][index] = single
        else:
            duplicates = self._duplicates.setdefault(self._owners[key], {})
            duplicates[index] = single.inputs[0]

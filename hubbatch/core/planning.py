"""Which inputs may leave now: the desk, a pure state machine.

An input is offered, taken in a chunk, perhaps handed back, and settled once; or it is
withdrawn before it was taken. Inputs are kept as columns, not as an object each: that
is what lets a million of them pass.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from itertools import chain

from attrs import Factory, define, field

from .calls import Repeats
from .chunks import Chunk, Queue, join


__all__ = ["Chunk", "Desk"]


@define
class Desk:
    """Holds what was offered and is not settled yet, `window` inputs and no more.

    `max_inputs` is how many HubSpot takes in one call, and `max_bytes` how many bytes
    of inputs, once it has refused more.
    """

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
    _out: int = field(default=0, init=False)  # inputs that were taken and are not back
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
    # `_vacant` only for the sake of who shares them. As long as nothing has been
    # withdrawn all of them shall, and it is None.
    _live: set[int] | None = field(default=None, init=False)
    _vacant: set[int] = field(factory=set, init=False)
    # Invariant: None until the first withdrawal; then the key of every input that has
    # never been taken, by its index, so that the next one is found without its input.
    _keys: dict[int, str | None] | None = field(default=None, init=False)

    @property
    def room(self) -> int:
        """How many more inputs it takes."""
        return max(0, self.window - self.size)

    def waiting(self, *, partial: bool) -> int:
        """Count the chunks that could leave now; `partial` ones only if asked for."""
        full, rest = divmod(self._count(), self.max_inputs)
        back = len(self._again) + len(self._later)
        return back + full + (partial and rest > 0)

    @property
    def stuck(self) -> bool:
        """Whether inputs are parked, and nothing else can leave or is under way."""
        return bool(self._parked) and not self._out and not self.waiting(partial=True)

    def offer(self, block: Chunk) -> None:
        """Take in more inputs; the block is the desk's from now on."""
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
                self._offer_one(block.pick([position]))

    def take(self) -> Chunk:
        """Hand out the next chunk: first what came back, then what is fresh.

        What was deferred follows when no full chunk is fresh.
        """
        if self._again:
            taken = self._cut(self._again.popleft())
        elif self._later and not self._full():
            taken = self._cut(self._later.popleft())
        else:
            taken = self._take_fresh()
        self._out += taken.count
        return taken

    def limit_bytes(self, max_bytes: int) -> None:
        """Cut chunks to this many bytes of inputs from now on, or to fewer."""
        self.max_bytes = min(self.max_bytes or max_bytes, max_bytes)

    def limit_inputs(self, max_inputs: int) -> None:
        """Cut chunks of this many inputs from now on, or of fewer."""
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
            self._release(taken.keys)
            self._add_sharers(taken)
        if self._keys is not None:
            for index, _, _ in taken.everyone():
                del self._keys[index]
        return taken

    def back(self, chunks: Iterable[Chunk]) -> None:
        """Take back what has to go again, ahead of all that is fresh."""
        for chunk in chunks:
            self._out -= chunk.count
            self._again.append(chunk)

    def defer(self, chunk: Chunk) -> None:
        """Take back what goes again behind the full chunks that are fresh."""
        self._out -= chunk.count
        self._later.append(chunk)

    def park(self, chunk: Chunk) -> None:
        """Take back what must not go again before `unpark`."""
        self._out -= chunk.count
        self._parked.append(chunk)

    def unpark(self) -> None:
        """Let what is parked go again."""
        self._again.extend(self._parked)
        self._parked.clear()

    def settle(self, chunk: Chunk) -> None:
        """Forget a chunk, and let the inputs that waited for its keys follow."""
        self.size -= chunk.count
        self._out -= chunk.count
        if self.repeats is not Repeats.WAITS:
            return
        if not self._held:
            self._release(chunk.keys)
            return
        for key in chunk.keys:
            self._let_follow(key)

    def withdraw(self, index: int) -> bool:
        """Take an input out that has never been taken; False if it is not here.

        It takes no longer the more there is on the desk (amortised).
        """
        if self._keys is None:
            self._keys = self._all_keys()
        if index not in self._keys:
            return False
        key = self._keys.pop(index)
        leader = self._busy.get(key, -1)
        if index in self._leaving():
            if index in self._sharers:
                self._vacant.add(index)
            else:
                self._strike(index, key)
        elif key in self._held:
            del self._held[key][index]
            if not self._held[key]:
                del self._held[key]
        else:
            del self._sharers[leader][index]
            if not self._sharers[leader]:
                del self._sharers[leader]
                if leader in self._vacant:
                    self._vacant.discard(leader)
                    self._strike(leader, key)
        self.size -= 1
        if len(self._fresh) > 2 * len(self._leaving()) + self.max_inputs:
            self._sweep()
        return True

    def clear(self) -> list[Chunk]:
        """Give up all that is not in flight."""
        self._sweep()
        held = chain.from_iterable(queue.values() for queue in self._held.values())
        left = [*self._again, *self._later, *self._parked]
        self._parked.clear()
        if self._held:
            left.append(join(held))
        if self._fresh:
            fresh = self._fresh.clear()
            self._add_sharers(fresh)
            left.append(fresh)
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
        """Have a fresh input not leave."""
        self._leaving().discard(index)
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
        if self._live is None:
            return
        everything = self._fresh.clear()
        places = enumerate(everything.indices)
        fresh = everything.pick([p for p, index in places if index in self._live])
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
        self._fresh.append(fresh)

    def _add_sharers(self, chunk: Chunk) -> None:
        if self._sharers:
            for index in chunk.indices:
                if index in self._sharers:
                    chunk.followers[index] = [*self._sharers.pop(index).items()]

    def _append(self, block: Chunk) -> None:
        self._fresh.append(block)
        if self._live is not None:
            self._live.update(block.indices)

    def _all_keys(self) -> dict[int, str | None]:
        """Find the keys of all that has never been taken."""
        keys = self._fresh.keys()
        sharers = {i: keys[leader] for leader, of in self._sharers.items() for i in of}
        held = {i: key for key, queue in self._held.items() for i in queue}
        return keys | sharers | held

    def _leaving(self) -> set[int]:
        """Know which fresh inputs shall leave, from the first withdrawal on."""
        if self._live is None:
            self._live = self._fresh.indices()
        return self._live

    def _release(self, keys: Iterable[str | None]) -> None:
        forget = self._busy.pop
        for key in keys:
            forget(key, None)  # gone already if the desk was cleared

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

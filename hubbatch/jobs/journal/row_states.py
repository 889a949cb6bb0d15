"""The states of rows as a journal stores them: packed, in blocks of consecutive rows.

A block has one byte for the state of each row and eight for the digest of its key. A
write replaces whole blocks. Its cost depends on the number of blocks, hardly on the
number of rows, and not on how the rows were cut into chunks.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from .states import RowState


# The number of rows in a block. With 9 bytes a row, a block fits one page of SQLite.
BLOCK = 400
KEY_BYTES = 8
# The state of a row that is not recorded. It is OPEN.
UNRECORDED = 0xFF
# Stands for a row without a digest.
NO_KEY = bytes(KEY_BYTES)

# The index of a row, its state, and the digest of its key, if one is recorded.
KnownRow = tuple[int, RowState, bytes | None]


@define
class Notes:
    """New states of rows, in the order in which they apply.

    Attributes:
        places: The indices of the rows.
        state: Their state.
        keys: The digests of their keys, in the same order; empty if all of the rows are
            recorded already.
    """

    places: list[int]
    state: RowState
    keys: Sequence[bytes] = ()


@define
class Block:
    """The rows from `number * BLOCK` on.

    Invariant: `keys` has `KEY_BYTES` for each byte of `states`. Both end with the last
    recorded row.
    """

    number: int
    states: bytearray = field(factory=bytearray)
    keys: bytearray = field(factory=bytearray)

    def note(self, at: int, states: bytes, keys: bytes) -> None:
        """Set the states of consecutive rows, and their digests unless `keys` is empty.

        `at` is the position of the first of them in the block.
        """
        missing = at + len(states) - len(self.states)
        if missing > 0:
            self.states.extend(bytes([UNRECORDED]) * missing)
            self.keys.extend(NO_KEY * missing)
        self.states[at : at + len(states)] = states
        if keys:
            self.keys[at * KEY_BYTES : at * KEY_BYTES + len(keys)] = keys

    def rows(self) -> Iterator[KnownRow]:
        """Yield the recorded rows."""
        first = self.number * BLOCK
        for at, state in enumerate(self.states):
            if state != UNRECORDED:
                key = bytes(self.keys[at * KEY_BYTES : (at + 1) * KEY_BYTES])
                yield first + at, RowState(state), None if key == NO_KEY else key


def note_in_blocks(blocks: dict[int, Block], notes: Notes) -> None:
    """Apply notes to the blocks of their rows, which must all be in `blocks`."""
    for start, count in _runs(notes.places):
        first = notes.places[start]
        at = first % BLOCK
        states = bytes([notes.state]) * count
        keys = b"".join(notes.keys[start : start + count])
        blocks[first // BLOCK].note(at, states, keys)


def block_numbers(places: list[int]) -> Iterable[int]:
    """Return the numbers of the blocks that have these rows."""
    if _are_consecutive(places):
        return range(places[0] // BLOCK, places[-1] // BLOCK + 1)
    return {place // BLOCK for place in places}


def pack(rows: Iterable[KnownRow]) -> Iterator[Block]:
    """Yield the blocks of rows that are in ascending order."""
    block: Block | None = None
    for place, state, key in rows:
        number, at = divmod(place, BLOCK)
        if block is None or block.number != number:
            if block is not None:
                yield block
            block = Block(number)
        block.note(at, bytes([state]), key or NO_KEY)
    if block is not None:
        yield block


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the position and length of each run of consecutive rows of one block."""
    if _are_consecutive(places):
        # The usual chunk: only the blocks cut it.
        start = 0
        while start < len(places):
            count = min(BLOCK - places[start] % BLOCK, len(places) - start)
            yield start, count
            start += count
    else:
        for start in range(len(places)):
            yield start, 1


def _are_consecutive(places: list[int]) -> bool:
    if not places:
        return False
    return places == [*range(places[0], places[0] + len(places))]

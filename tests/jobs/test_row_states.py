"""Packed states of rows, against a dictionary that has them one by one."""

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.jobs.journal.row_states import (
    BLOCK,
    Block,
    KnownRow,
    Notes,
    block_numbers,
    note_in_blocks,
    pack,
)
from hubbatch.jobs.journal.states import RowState


def key(place: int) -> bytes:
    return (place + 1).to_bytes(8)


PLACES = st.one_of(
    st.lists(st.integers(0, 3 * BLOCK), unique=True, max_size=9),
    st.builds(
        lambda first, count: [*range(first, first + count)],
        st.integers(0, 2 * BLOCK),
        st.integers(1, BLOCK + 5),
    ),
)
NOTES = st.builds(
    lambda places, state, *, keyed: Notes(
        places, state, [key(place) for place in places] if keyed else ()
    ),
    PLACES,
    st.sampled_from(RowState),
    keyed=st.booleans(),
)


@given(st.lists(NOTES, max_size=6))
def test_blocks_have_what_was_noted_last(noted: list[Notes]) -> None:
    blocks: dict[int, Block] = {}
    states: dict[int, RowState] = {}
    keys: dict[int, bytes] = {}
    for notes in noted:
        for number in block_numbers(notes.places):
            blocks.setdefault(number, Block(number))
        note_in_blocks(blocks, notes)
        states |= dict.fromkeys(notes.places, notes.state)
        keys |= dict(zip(notes.places, notes.keys, strict=False))

    found = [row for number in sorted(blocks) for row in blocks[number].rows()]
    assert found == [
        (place, states[place], keys.get(place)) for place in sorted(states)
    ]
    assert {*blocks} == {place // BLOCK for place in states}


ROWS = st.dictionaries(
    st.integers(0, 3 * BLOCK),
    st.tuples(st.sampled_from(RowState), st.sampled_from((None, key(7)))),
    max_size=20,
)


@given(ROWS)
def test_rows_can_be_packed_and_read_again(
    known: dict[int, tuple[RowState, bytes | None]],
) -> None:
    rows: list[KnownRow] = [(place, *known[place]) for place in sorted(known)]
    packed = [*pack(rows)]

    assert [row for block in packed for row in block.rows()] == rows
    assert all(len(block.keys) == 8 * len(block.states) for block in packed)


def test_a_block_fits_a_page_of_sqlite() -> None:
    """https://www.sqlite.org/fileformat2.html: more than 4061 bytes overflow."""
    assert 9 * BLOCK + 20 <= 4061

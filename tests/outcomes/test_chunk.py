"""Inputs that have not left yet: in order, each once, and without copies."""

from itertools import pairwise

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.chunk import Chunk, FreshInputs
from hubbatch._wire.bodies import Bodies

from .helpers import attempted


def block(first: int, count: int, traces: dict[int, str] | None = None) -> Chunk:
    indices = [*range(first, first + count)]
    return Chunk(
        indices,
        [*map(str, indices)],
        [f"k{index}" for index in indices],
        Bodies([b"%d" % index for index in indices]),
        traces or {},
        trace_ids=[] if traces else [*map(str, indices)],
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 20))
def test_a_chunk_is_cut_by_bytes(sizes: list[int], max_bytes: int) -> None:
    """Nothing is lost; no part is too large that could be smaller, or needless."""
    chunk = Chunk()
    for index, size in enumerate(sizes):
        chunk.add(index, index, None, b"x" * size, None)
    chunk = attempted(chunk, 3)
    parts = chunk.cut(max_bytes)

    assert [index for part in parts for index in part.indices] == chunk.indices
    assert all(part.size <= max_bytes or len(part) == 1 for part in parts)
    assert all(part.state.attempts == 3 for part in parts)
    for part, following in pairwise(parts):
        assert part.size + len(following.bodies[0]) > max_bytes


SIZE = 4
STEPS = st.lists(st.integers(1, 10) | st.just("take") | st.just("clear"))


@given(STEPS)
def test_all_leave_in_order(steps: list[int | str]) -> None:
    queue, given_indices, left = FreshInputs(SIZE), 0, list[int]()
    for step in steps:
        waiting = queue.count
        if isinstance(step, int):
            queue.append(block(given_indices, step))
            given_indices += step
            continue
        chunk = queue.take() if step == "take" else queue.clear()
        assert len(chunk) == (min(waiting, SIZE) if step == "take" else waiting)
        assert chunk.inputs == [*map(str, chunk.indices)]
        assert [*chunk.bodies] == [b"%d" % index for index in chunk.indices]
        assert chunk.keys == [f"k{index}" for index in chunk.indices]
        assert chunk.trace_ids in ([], [*map(str, chunk.indices)])
        left += chunk.indices

    assert queue.indices() == {*range(len(left), given_indices)}
    assert left + queue.clear().indices == [*range(given_indices)]
    assert queue.count == 0


TRACED = st.dictionaries(st.integers(0, 5), st.sampled_from(["x", "y", "1", "7"]))


@given(st.lists(st.tuples(st.integers(1, 6), TRACED)))
def test_no_chunk_has_a_trace_id_twice(
    blocks: list[tuple[int, dict[int, str]]],
) -> None:
    queue, count, traces = FreshInputs(SIZE), 0, dict[int, str]()
    for size, given_traces in blocks:
        own = {count + n: text for n, text in given_traces.items() if n < size}
        traces |= own
        queue.append(block(count, size, own))
        count += size

    left = []
    while queue.count:
        chunk = queue.take()
        shown = [chunk.trace(position) for position in range(len(chunk))]
        assert shown == [traces.get(index, str(index)) for index in chunk.indices]
        assert 0 < len({*shown}) == len(shown) <= SIZE
        assert chunk.trace_ids in ([], shown)
        left += chunk.indices
    assert sorted(left) == [*range(count)]


@pytest.mark.parametrize("size", [SIZE, SIZE - 1])
def test_a_block_that_makes_a_chunk_is_that_chunk(size: int) -> None:
    """Millions of inputs pass, so nothing is copied that need not be."""
    queue, whole = FreshInputs(SIZE), block(0, size)
    queue.append(whole)

    assert queue.take() is whole


def test_small_blocks_are_put_together_as_they_come() -> None:
    """So that one input at a time, from a stream, costs no list each."""
    queue, first = FreshInputs(SIZE), block(0, 1)
    for index in range(SIZE):
        queue.append(first if index == 0 else block(index, 1))

    assert queue.take() is first
    assert first.indices == [0, 1, 2, 3]

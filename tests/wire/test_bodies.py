"""The JSON of inputs, encoded at once or one by one: the same sequence of bodies."""

from typing import Any

import orjson

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.bodies import Bodies


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.integers(0, 99)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    | st.sampled_from([",", "],[", '"}', "\\", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", ",", '"']), inner, max_size=3)
    ),
    max_leaves=6,
)
BLOCKS = st.lists(VALUES.map(orjson.dumps), min_size=1, max_size=5)
# How each block is added: encoded at once, or body by body.
PARTS = st.lists(st.tuples(BLOCKS, st.booleans()), max_size=4)


def made(parts: list[tuple[list[bytes], bool]]) -> tuple[Bodies, list[bytes]]:
    bodies, expected = Bodies(), list[bytes]()
    for block, at_once in parts:
        expected += block
        if at_once:
            bodies.extend(Bodies.of_block(b",".join(block), len(block)))
        else:
            for body in block:
                bodies.append(body)
    return bodies, expected


@given(PARTS)
def test_bodies_are_joined_and_measured_without_being_split(
    parts: list[tuple[list[bytes], bool]],
) -> None:
    bodies, expected = made(parts)

    for _ in range(2):  # as they were encoded, and once they are split
        assert len(bodies) == len(expected)
        assert bodies.joined == b",".join(expected)
        assert bodies.size == sum(map(len, expected))
        assert [*bodies] == expected


@given(PARTS, st.data())
def test_single_bodies_are_found(
    parts: list[tuple[list[bytes], bool]], data: st.DataObject
) -> None:
    bodies, expected = made(parts)
    if expected:
        place = data.draw(st.integers(-len(expected), len(expected) - 1))
        assert bodies[place] == expected[place]
        positions = data.draw(st.lists(st.integers(0, len(expected) - 1), unique=True))
        assert [*bodies.pick(positions)] == [expected[place] for place in positions]
    assert bodies[1:3] == expected[1:3]


@given(PARTS, st.integers(0, 25))
def test_the_first_bodies_are_removed(
    parts: list[tuple[list[bytes], bool]], count: int
) -> None:
    bodies, expected = made(parts)

    assert [*bodies.shift(count)] == expected[:count]
    assert [*bodies] == expected[count:]
    assert len(bodies) == len(expected[count:])

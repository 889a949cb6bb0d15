"""What identifies a row."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import CreateInput, LegacyUpdateInput, UpdateInput
from hubbatch.jobs.row_source import Row, as_source, digest
from tests.outcomes.helpers import UPDATE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("one", "key"),
    [
        ("512", "512"),
        (513, "513"),
        ({"id": 512, "properties": {}}, "512"),
        ({"objectId": 5, "properties": {}}, "5"),
        ({"properties": {}}, None),
        (UpdateInput("512", {}), "512"),
        (LegacyUpdateInput(5, {}), "5"),
        (CreateInput({}), None),
    ],
)
async def test_any_iterable_is_a_source_of_rows(one: Any, key: str | None) -> None:
    async def later() -> AsyncIterator[Any]:
        yield one
        yield one

    expected = [Row(0, key, one), Row(1, key, one)]
    source = as_source([one, one], UPDATE)
    assert [*source] == expected  # type: ignore[misc] # it is not asynchronous
    assert source.fingerprint() is None
    source = as_source(later(), UPDATE)
    assert [row async for row in source] == expected  # type: ignore[union-attr] # it is
    assert source.fingerprint() is None


@given(JSON, JSON)
def test_rows_without_a_key_are_distinguished_by_content(one: Any, other: Any) -> None:
    # Unlike Python's ==, JSON distinguishes 1 from True.
    same = repr(one) == repr(other)
    if same:
        assert digest(Row(0, None, one)) == digest(Row(5, None, other))
    elif one != other:
        assert digest(Row(0, None, one)) != digest(Row(0, None, other))


@given(st.text(), st.text())
def test_rows_with_a_key_are_distinguished_by_it(one: str, other: str) -> None:
    digests = digest(Row(0, one, {"a": 1})), digest(Row(1, other, {"b": 2}))

    assert (digests[0] == digests[1]) == (one == other)
    assert len(digests[0]) == 8


def test_anything_has_a_digest() -> None:
    lone = {"properties": {"a": "\udc80"}}
    assert digest(Row(0, None, lone)) == digest(Row(1, None, lone))
    assert digest(Row(0, "\udc80", {})) != digest(Row(0, "\udc81", {}))
    a, b = CreateInput({"a": date(2026, 1, 1)}), CreateInput({"a": date(2026, 1, 2)})
    assert digest(Row(0, None, a)) != digest(Row(0, None, b))
    assert digest(Row(0, None, {1: 2**70})) == digest(Row(0, None, {1: 2**70}))

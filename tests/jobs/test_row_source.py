"""What identifies a row."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import CreateInput, LegacyUpdateInput, UpdateInput
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import encoder
from hubbatch._wire.property_values import InvalidInput
from hubbatch.jobs.sources.row_source import Row, as_source, digest
from tests.outcomes.helpers import LEGACY, READ, UPDATE, UPSERT


PAIR = operation_for("associations", "create_default", "contacts", "companies")


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


async def test_flat_mappings_become_inputs() -> None:
    local = datetime(2026, 5, 31, 12)  # noqa: DTZ001 -- a time without a zone
    nested = {"ref": "b", "a": {"nested": 1}}
    given_rows = [{"ref": "a", "n": float("nan"), "when": local}, nested]

    async def later() -> AsyncIterator[Any]:
        for row in given_rows:
            yield row

    expected = [
        Row(0, "a", {"id": "a", "properties": {"when": local}}),
        Row(1, None, nested),  # it fails alone, when it is encoded
    ]
    source = as_source(given_rows, UPSERT)
    assert [*source] == expected  # type: ignore[misc] # it is not asynchronous
    source = as_source(later(), UPSERT)
    assert [row async for row in source] == expected  # type: ignore[union-attr] # it is


def test_a_row_with_another_id_column_than_the_first_fails() -> None:
    rows = [{"ref": "R1", "subject": "a"}, {"id": "8", "subject": "b"}]

    [first, second] = as_source(rows, UPSERT)  # type: ignore[misc] # it is not asynchronous

    encoder(UPSERT)(0, first.input)
    assert second.key == "8"
    assert second.input["properties"] == {"subject": "b"}
    with pytest.raises(InvalidInput, match="the first row has its id"):
        encoder(UPSERT)(1, second.input)


@pytest.mark.parametrize(
    ("operation", "table", "row"),
    [
        (UPSERT, {"ref": ["a"], "n": [1]}, {"id": "a", "properties": {"n": 1}}),
        (READ, {"id": ["1"], "n": [1]}, "1"),
        (LEGACY, {"id": ["1"], "n": [1]}, {"objectId": "1", "properties": {"n": 1}}),
        (PAIR, {"from": ["1"], "to": ["2"]}, {"from": {"id": "1"}, "to": {"id": "2"}}),
    ],
)
def test_a_table_is_a_source_of_rows(
    operation: Operation, table: dict[str, Any], row: Any
) -> None:
    source = as_source(pa.table(table), operation)

    assert [found.input for found in source] == [row]  # type: ignore[union-attr]
    assert source.fingerprint() is not None


def test_a_column_of_a_table_is_a_source_of_ids() -> None:
    source = as_source(pa.chunked_array([["1"]]), READ)

    assert [row.input.as_py() for row in source] == ["1"]  # type: ignore[union-attr]


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

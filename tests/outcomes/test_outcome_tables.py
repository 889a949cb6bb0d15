"""Outcomes as an Arrow table, next to the rows that were sent."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from hubbatch import (
    AssociationInput,
    CreateInput,
    RecordInvalid,
    SimplePublicObject,
    SimplePublicUpsertObject,
    UpdateInput,
)
from hubbatch._outcomes.outcome import Outcome, OutcomeStatus
from hubbatch._outcomes.outcome_tables import outcome_table


NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


def succeeded(index: int, value: Any, result: Any = None) -> Outcome[Any]:
    status = OutcomeStatus.SUCCEEDED
    record_id = getattr(result, "id", None)
    return Outcome(
        index, value, status, record_id, result, None, 1, safe_to_resend=True
    )


def failed(index: int, value: Any) -> Outcome[Any]:
    error = RecordInvalid("is bad", category="VALIDATION_ERROR", property_name="a")
    return Outcome(
        index, value, OutcomeStatus.FAILED, None, None, error, 2, safe_to_resend=True
    )


def columns(*inputs: Any) -> dict[str, list[Any]]:
    """Return the columns of inputs, without those of their outcomes."""
    table = outcome_table(map(succeeded, range(9), inputs), "_", records=False)
    every: dict[str, list[Any]] = table.to_pydict()
    return {name: of for name, of in every.items() if not name.startswith("_")}


def test_each_row_stands_next_to_its_outcome() -> None:
    made = SimplePublicUpsertObject("512", {}, new=True)
    outcomes = [
        succeeded(0, {"email": "a@x", "n": 1}, made),
        failed(1, {"email": "b@x", "n": None}),
    ]

    table = outcome_table(outcomes, "outcome_", records=False)

    assert table.to_pydict() == {
        "email": ["a@x", "b@x"],
        "n": [1, None],
        "outcome_index": [0, 1],
        "outcome_status": ["succeeded", "failed"],
        "outcome_id": ["512", None],
        "outcome_new": [True, None],
        "outcome_attempts": [1, 2],
        "outcome_category": [None, "VALIDATION_ERROR"],
        "outcome_message": [None, "is bad"],
        "outcome_property_name": [None, "a"],
    }
    assert table.schema.field("n").type == pa.int64()
    assert table.schema.field("outcome_new").type == pa.bool_()


def test_no_outcome_is_a_table_without_rows() -> None:
    table = outcome_table([], "outcome_", records=True)

    assert table.num_rows == 0
    assert table.schema.names[0] == "outcome_index"
    assert table.schema.names[-1] == "outcome_properties"


@define
class Contact:
    id: str
    email: str | None


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ({"id": 5, "a": "b"}, {"id": 5, "a": "b"}),
        ({"id": 5, "properties": {"a": "b"}}, {"id": 5, "a": "b"}),
        ({"properties": {"a": "b"}}, {"a": "b"}),
        (UpdateInput(5, {"a": "b"}), {"id": 5, "a": "b"}),
        (CreateInput({"a": "b"}), {"a": "b"}),
        (Contact("5", "a@x"), {"id": "5", "email": "a@x"}),
        ({"from": {"id": 1}, "to": {"id": 2}}, {"from": 1, "to": 2}),
        (AssociationInput(1, 2), {"from": 1, "to": 2, "types": []}),
        ("512", {"id": "512"}),
        (512, {"id": 512}),
    ],
)
def test_any_input_is_a_row(value: Any, row: dict[str, Any]) -> None:
    assert columns(value) == {name: [cell] for name, cell in row.items()}


def test_inputs_need_not_have_the_same_columns() -> None:
    assert columns({"a": 1}, {"b": 2, "a": 3}) == {"a": [1, 3], "b": [None, 2]}


class Color(Enum):
    RED = "red"


class Unreadable:
    def __str__(self) -> str:
        raise OSError("no string")


def test_values_without_a_common_type_are_strings() -> None:
    assert columns({"a": 1}, {"a": "x"}, {"a": None}) == {"a": ["1", "x", None]}
    assert columns({"a": Color.RED}) == {"a": ["Color.RED"]}
    assert columns({"a": 10**30}, {"a": float("nan")}) == {"a": [str(10**30), None]}
    assert columns({"a": "\ud800"}) == {"a": ["\\ud800"]}
    assert columns({"a": Unreadable()}) == {"a": ["a Unreadable"]}
    assert columns({"a": NOON}, {"a": float("nan")}) == {"a": [NOON, None]}


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=2),
            st.none() | st.integers() | st.floats() | st.text() | st.booleans(),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_every_row_of_scalars_has_a_table(rows: list[dict[str, Any]]) -> None:
    table = outcome_table(map(succeeded, range(9), rows), "outcome_", records=False)

    assert table.num_rows == len(rows)
    assert table.column("outcome_index").to_pylist() == [*range(len(rows))]
    for name in {name for row in rows for name in row}:
        found = table.column(name).to_pylist()
        for cell, row in zip(found, rows, strict=True):
            value = row.get(name)
            assert (cell is None) == (value is None or value != value)  # noqa: PLR0124


def test_a_column_of_the_rows_is_never_replaced() -> None:
    outcomes = [succeeded(0, {"outcome_id": "mine"})]

    with pytest.raises(ValueError, match=r"'outcome_id' already\. Choose another"):
        outcome_table(outcomes, "outcome_", records=False)
    table = outcome_table(outcomes, "sent_", records=False)
    assert table.column("outcome_id").to_pylist() == ["mine"]


def test_a_read_has_the_properties_of_its_records() -> None:
    found = SimplePublicObject("1", {"email": "a@x", "n": None})
    typed = Contact("2", "b@x")

    table = outcome_table(
        [succeeded(0, "1", found), succeeded(1, "2", typed), failed(2, "3")],
        "outcome_",
        records=True,
    )

    assert table.column("outcome_properties").to_pylist() == [
        {"email": "a@x", "n": None},
        {"email": "b@x", "n": None},
        None,
    ]
    nothing = outcome_table([failed(0, "3")], "outcome_", records=True)
    assert nothing.column("outcome_properties").to_pylist() == [None]

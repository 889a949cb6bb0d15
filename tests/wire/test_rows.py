"""Flat mappings as inputs: the rows of tables, CSV files and queries."""

from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.calls import Operation
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import block_encoder, encoder
from hubbatch._wire.property_values import InvalidInput
from hubbatch._wire.rows import is_missing, is_row, shown_columns
from hubbatch.models import UpsertInput


BERLIN = ZoneInfo("Europe/Berlin")
CREATE = operation_for("objects", "create", "contacts")
READ = operation_for("objects", "read", "contacts", id_property="email")
UPDATE = operation_for("objects", "update", "contacts")
UPSERT = operation_for("objects", "upsert", "contacts", id_property="email")
ARCHIVE = operation_for("objects", "archive", "contacts")
RECONCILED = operation_for("objects", "create", "contacts", reconcile_by="email")
LEGACY_CREATE = operation_for("legacy", "create", "tickets")
LEGACY_UPDATE = operation_for("legacy", "update", "tickets")
LEGACY_READ = operation_for("legacy", "read", "tickets")
LOCAL = datetime(2026, 5, 31, 12)  # noqa: DTZ001 -- a time without a zone


def sent(operation: Operation, value: object) -> Any:
    body = orjson.loads(encoder(operation)(0, value)[1])
    if isinstance(body, dict):
        body.pop("objectWriteTraceId", None)
    return body


def refused(operation: Operation, value: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        encoder(operation)(0, value)
    return caught.value


class NotAvailable:
    """pandas.NA: comparing it yields itself, which is neither true nor false."""

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = None  # type: ignore[assignment] # not needed


NA = type("NAType", (NotAvailable,), {})()
NAT = type("NaTType", (datetime,), {"__ne__": lambda _self, _other: True})(2026, 1, 1)
MISSING = [None, float("nan"), Decimal("nan"), NA, NAT]


# ---- the shape


@pytest.mark.parametrize(
    ("operation", "row", "body"),
    [
        (UPDATE, {"id": 7, "a": 1}, {"id": "7", "properties": {"a": "1"}}),
        (UPDATE, {"a": "", "id": "7"}, {"id": "7", "properties": {"a": ""}}),
        (CREATE, {"a": True, "id": 7}, {"properties": {"a": "true"}}),
        (CREATE, {"a": ["x", "y"]}, {"properties": {"a": "x;y"}}),
        (RECONCILED, {"email": "a@x", "id": 7}, {"properties": {"email": "a@x"}}),
        (
            UPSERT,
            {"email": "a@x", "firstname": "A"},
            {"id": "a@x", "idProperty": "email", "properties": {"firstname": "A"}},
        ),
        (
            UPSERT,
            {"email": "a@x"},
            {"id": "a@x", "idProperty": "email", "properties": {}},
        ),
        (READ, {"email": "a@x", "id": 7, "other": {}}, {"id": "a@x"}),
        (ARCHIVE, {"id": 7, "email": "a@x"}, {"id": "7"}),
        (LEGACY_CREATE, {"id": 7, "a": 1}, [{"name": "a", "value": "1"}]),
        (
            LEGACY_UPDATE,
            {"id": 7, "a": date(1970, 1, 2)},
            {"objectId": 7, "properties": [{"name": "a", "value": "86400000"}]},
        ),
        (LEGACY_READ, {"id": 7, "a": 1}, 7),
    ],
)
def test_a_row_has_an_id_and_properties(
    operation: Operation, row: dict[str, Any], body: Any
) -> None:
    for value in (row, OrderedDict(row), MappingProxyType(row)):
        before = dict(row)
        assert sent(operation, value) == body
        assert row == before


@given(
    st.dictionaries(
        st.text(st.characters(categories=["Ll"]), min_size=1).filter(
            lambda name: name not in ("id", "properties", "associations")
        ),
        st.text() | st.integers() | st.booleans(),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 10**12),
)
def test_a_row_is_its_columns_as_properties(columns: dict[str, Any], id_: int) -> None:
    shaped = {"id": id_, "properties": columns}

    assert encoder(UPDATE)(3, {"id": id_, **columns}) == encoder(UPDATE)(3, shaped)


@pytest.mark.parametrize("value", MISSING)
def test_a_missing_value_leaves_the_property_out(value: object) -> None:
    row = {"id": 7, "a": value, "b": "x"}

    assert sent(UPDATE, row) == {"id": "7", "properties": {"b": "x"}}
    assert "id is missing" in str(refused(UPDATE, {"id": value, "b": "x"}))


@pytest.mark.parametrize("value", [0, "", False, [], [None], {}, date(2026, 1, 1)])
def test_everything_else_is_a_value(value: object) -> None:
    assert not is_missing(value)


def test_hubspots_shape_may_not_have_nan() -> None:
    nan = {"id": 7, "properties": {"a": float("nan")}}

    assert "not a finite number" in str(refused(UPDATE, nan))


@pytest.mark.parametrize("name", ["properties", "idProperty", "objectWriteTraceId"])
def test_an_input_with_a_field_of_hubspots_is_no_row(name: str) -> None:
    assert not is_row({"id": 7, name: "x"})
    assert not is_row({})
    assert not is_row([("id", 7)])
    assert is_row({"id": 7})


def test_a_codec_may_take_no_rows() -> None:
    codec = evolve(UPDATE.call.codec, rows=None)
    operation = evolve(UPDATE, call=evolve(UPDATE.call, codec=codec))
    shaped = {"id": "7", "properties": {"a": "b"}}

    assert "unknown field 'a'" in str(refused(operation, {"id": "7", "a": "b"}))
    assert block_encoder(operation)(0, [{"id": "7", "a": "b"}]) is None
    assert block_encoder(operation)(0, [shaped]) == block_encoder(UPDATE)(0, [shaped])


# ---- hints


@pytest.mark.parametrize(
    ("operation", "value", "why", "field"),
    [
        (UPDATE, {"id": 7, "Properties": {"a": "b"}}, 'use "properties"', "Properties"),
        (UPDATE, {"id": 7, "property": {"a": "b"}}, 'use "properties"', "property"),
        (UPDATE, {"7": {"a": "b"}, "8": {}}, "pass a list of its rows", "7"),
        (UPDATE, {"id": 7, "address": {"city": "x"}}, "flatten it", "address"),
        (UPDATE, {"ID": 7, "a": "b"}, 'no column "id" (it has: ID, a)', "id"),
        (UPSERT, {"Email": "a@x"}, 'no column "email" or "id"', "email"),
        (READ, {"Email": "a@x"}, 'no column "email" or "id"', "email"),
        (UPDATE, {"id": 7.0, "a": "b"}, "with .astype('Int64')", "id"),
        (UPDATE, {"id": " 7", "a": "b"}, "padded with white space", "id"),
        (UPDATE, {"id": 7}, "nothing but an id", "properties"),
        (CREATE, {"id": 7}, "nothing but an id", "properties"),
        (UPSERT, {"id": "a@x"}, "nothing but an id", "properties"),
        (UPDATE, (7, "b"), "dict(zip(names, row))", None),
        (UPDATE, "email", "yields names, not rows", None),
        (UPDATE, {"id": 7, "when": LOCAL}, "timezone=", "when"),
    ],
)
def test_what_is_nearly_a_row_fails_with_a_hint(
    operation: Operation, value: object, why: str, field: str | None
) -> None:
    error = refused(operation, value)

    assert why in str(error)
    assert error.field == field


def test_other_kinds_of_rows_are_converted_by_the_caller() -> None:
    class Record:
        """A row of sqlite3 or asyncpg: it has keys, and is no mapping."""

        def keys(self) -> list[str]:
            raise NotImplementedError

    class Named:
        def _asdict(self) -> dict[str, str]:
            raise NotImplementedError

    assert "dict(row)" in str(refused(UPDATE, Record()))
    assert "row._asdict()" in str(refused(UPDATE, Named()))


def test_a_message_names_a_few_columns() -> None:
    assert shown_columns(["a", "", "b"]) == 'a, "", b'
    assert shown_columns(map(str, range(2_000))).endswith("11, … 2,000 in all")


# ---- the id property among the properties


@pytest.mark.parametrize(
    "value",
    [
        {"properties": {"email": "a@x", "firstname": "A"}},
        {"id": None, "properties": {"email": "a@x", "firstname": "A"}},
        UpsertInput(None, {"email": "a@x", "firstname": "A"}),
    ],
)
def test_an_upsert_finds_its_id_among_the_properties(value: object) -> None:
    assert sent(UPSERT, value) == {
        "id": "a@x",
        "idProperty": "email",
        "properties": {"email": "a@x", "firstname": "A"},
    }


def test_an_upsert_without_an_id_fails() -> None:
    for properties in ({}, {"email": None}):
        error = refused(UPSERT, {"properties": properties})
        assert "the value of 'email' is missing" in str(error)
    assert "id is missing" in str(refused(UPDATE, {"properties": {"email": "a@x"}}))


# ---- time zones


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_time_without_a_zone_is_local(verb: Any) -> None:
    operation = operation_for("objects", verb, "contacts", zone=BERLIN)
    times = {"when": LOCAL, "all": [LOCAL], "utc": LOCAL.replace(tzinfo=UTC)}
    by_id = {"id": 7} if verb == "update" else {}

    for value in ({**by_id, **times}, {**by_id, "properties": times}):
        assert sent(operation, value)["properties"] == {
            "when": "2026-05-31T10:00:00.000Z",
            "all": "2026-05-31T10:00:00.000Z",
            "utc": "2026-05-31T12:00:00.000Z",
        }


def test_the_legacy_api_has_local_times_too() -> None:
    operation = operation_for("legacy", "create", "tickets", zone=BERLIN)

    [pair] = sent(operation, {"when": LOCAL})

    assert pair["value"] == "1780221600000"


@pytest.mark.parametrize(
    "local",
    [
        datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 -- skipped
        datetime(2026, 10, 25, 2, 30),  # noqa: DTZ001 -- repeated
    ],
)
def test_a_local_time_that_is_no_instant_fails(local: datetime) -> None:
    operation = operation_for("objects", "create", "contacts", zone=BERLIN)

    error = refused(operation, {"when": local})

    assert "is skipped or repeated in Europe/Berlin" in str(error)
    assert error.field == "when"


# ---- pairs


@pytest.mark.parametrize("verb", ["create_default", "archive"])
@pytest.mark.parametrize("names", [("from", "to"), ("from_id", "to_id")])
def test_a_pair_may_be_a_row(verb: Any, names: tuple[str, str]) -> None:
    operation = operation_for("associations", verb, "contacts", "companies")
    shaped = {"from": {"id": "1"}, "to": {"id": "2"}}

    row = dict(zip(names, (1, "2"), strict=True))

    assert encoder(operation)(0, row) == encoder(operation)(0, shaped)
    assert encoder(operation)(0, shaped)


def test_a_pair_without_an_id_fails() -> None:
    operation = operation_for("associations", "create_default", "contacts", "companies")

    assert refused(operation, {"from": 1, "to": None}).field == "to"
    assert refused(operation, {"from": 1}).field == "to"
    assert "an input is a mapping" in str(refused(operation, (1, 2)))

"""An input in a failures file is sent as originally intended, or not at all."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from hubbatch import (
    AssociationInput,
    AssociationSpec,
    AssociationTo,
    CreateInput,
    LegacyCreateInput,
    LegacyUpdateInput,
    ListChange,
    ListMember,
    SimplePublicObject,
    UpdateInput,
    UpsertInput,
)
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import encoder
from hubbatch._wire.property_values import InvalidInput, Unsendable
from hubbatch.jobs.outputs.failure_inputs import input_encoder, restore
from hubbatch.jobs.outputs.sinks import json_line


UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
BY_REF = operation_for(
    "objects", "upsert", "tickets", api_version="v3", id_property="ref"
)
CREATE = operation_for("objects", "create", "tickets", api_version="v3")
READ = operation_for("objects", "read", "tickets", api_version="v3")
LEGACY = operation_for("legacy", "update", "tickets")
ADD = operation_for("lists", "add", "581")
PAIRS = operation_for(
    "associations", "create", "contacts", "companies", api_version="v3"
)


class Stage(Enum):
    NEW = "1"


class Number:
    """Stands for a scalar of numpy."""

    def item(self) -> int:
        return 7


class Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")


def through_a_file(operation: Operation, record: Any, *, legacy: bool = False) -> Any:
    kept = input_encoder(operation, legacy=legacy)(record)
    return restore(msgspec.json.decode(json_line({"input": kept}))["input"])


def sent(operation: Operation, record: Any) -> Any:
    """Return the body that would be sent; None if none would."""
    try:
        key, body, _ = encoder(operation)(0, record)
    except InvalidInput:
        return None
    return key, msgspec.json.decode(body)


ANY = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs"]), max_size=2),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(),
    st.booleans(),
    st.none(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.binary(max_size=3),
    st.sampled_from(
        [Stage.NEW, Number(), Rude(), {"a": 1}, Unsendable("no"), object()]
    ),
    st.lists(st.one_of(st.text("ab;", max_size=2), st.none(), st.dates()), max_size=3),
    st.sets(st.text("ab", max_size=2), max_size=3),
)
NAMES = st.one_of(st.text("ab", max_size=2), st.just(5), st.just("\udc80"))


@given(ANY, st.dictionaries(NAMES, ANY, max_size=3))
@example("1", {"closed": datetime.fromisoformat("2026-05-31 12:00")})
@example("1", {"size": float("nan")})
@example("1", {"blob": b"x"})
@example(Decimal(5), {})
@example("1", {5: None})
def test_an_update_means_the_same_after_a_file(
    record_id: Any, properties: dict[Any, Any]
) -> None:
    """Above all, an input that was refused before is refused again."""
    record = {"id": record_id, "properties": properties}

    assert sent(UPDATE, through_a_file(UPDATE, record)) == sent(UPDATE, record)


@given(ANY, st.dictionaries(st.text("ab", min_size=1, max_size=2), ANY, max_size=3))
@example(-(2**63) - 1, {})
@example(2**64, {})
@example(10**5000, {})
def test_every_other_shape_means_the_same_after_a_file(
    key: Any, properties: dict[str, Any]
) -> None:
    named = [{"name": name, "value": value} for name, value in properties.items()]
    pair = {"from": {"id": key}, "to": {"id": "2"}, "types": [TYPE]}
    for operation, record in (
        (BY_REF, UpsertInput(key, properties)),
        (UPDATE, UpdateInput(key, properties, "ref")),
        (CREATE, CreateInput(properties)),
        (CREATE, {"properties": MappingProxyType(properties)}),
        (READ, key),
        (READ, {"id": key}),
        (PAIRS, pair),
    ):
        assert sent(operation, through_a_file(operation, record)) == sent(
            operation, record
        )
    for record in (
        LegacyUpdateInput(key, properties),
        {"objectId": key, "properties": named},
        {"objectId": key, "properties": properties},
    ):
        back = through_a_file(LEGACY, record, legacy=True)
        assert sent(LEGACY, back) == sent(LEGACY, record)


SPEC = AssociationSpec("HUBSPOT_DEFINED", 16)
TYPE = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}
LINKED = [{"to": {"id": "5"}, "types": [TYPE]}]


@dataclass
class Ticket:
    id: str
    subject: str | None
    due: date | None = None


@pytest.mark.parametrize(
    ("operation", "made", "shape"),
    [
        (
            UPDATE,
            UpdateInput("7", {"a": "b"}, "ref"),
            {"id": "7", "properties": {"a": "b"}, "idProperty": "ref"},
        ),
        (
            BY_REF,
            UpsertInput("7", {}, object_write_trace_id="t"),
            {"id": "7", "properties": {}, "objectWriteTraceId": "t"},
        ),
        (CREATE, CreateInput({"a": 1}), {"properties": {"a": 1}}),
        (
            CREATE,
            CreateInput({}, [AssociationTo("5", [SPEC]), *LINKED]),  # type: ignore[list-item] # as some do
            {"properties": {}, "associations": LINKED * 2},
        ),
        (
            LEGACY,
            LegacyUpdateInput(7, {"a": "b"}),
            {"objectId": 7, "properties": {"a": "b"}},
        ),
        (CREATE, LegacyCreateInput({"a": "b"}), {"properties": {"a": "b"}}),
        (
            PAIRS,
            AssociationInput("1", "2", [SPEC]),
            {"from": {"id": "1"}, "to": {"id": "2"}, "types": [TYPE]},
        ),
        (PAIRS, AssociationInput(1, 2), {"from": {"id": 1}, "to": {"id": 2}}),
        (
            UPDATE,
            Ticket("7", None, date(2026, 5, 31)),
            {"id": "7", "properties": {"subject": None, "due": "2026-05-31"}},
        ),
        (
            CREATE,
            Ticket("7", "x"),
            {"properties": {"subject": "x", "due": None}},
        ),
        (READ, "7", "7"),
        (READ, {"id": "7"}, {"id": "7"}),
        (ADD, ListMember("7"), {"id": "7"}),
        (ADD, ListChange("7", changed=True), {"id": "7"}),
        (ADD, SimplePublicObject("7", {"email": "a@b.c"}), {"id": "7"}),
    ],
)
def test_inputs_are_kept_in_hubspots_shape(
    operation: Operation, made: object, shape: object
) -> None:
    assert input_encoder(operation, legacy=False)(made) == shape


def test_values_are_kept_as_they_are_sent() -> None:
    kept = input_encoder(UPDATE, legacy=False)(
        {
            "id": 2**70,
            "properties": {
                "number": Decimal("1.50"),
                "day": date(2026, 9, 14),
                "at": datetime(2026, 9, 14, tzinfo=UTC),
                "stage": Stage.NEW,
                "several": {"b", "a"},
                "big": 5,
                "none": None,
            },
        }
    )

    assert kept == {
        "id": str(2**70),
        "properties": {
            "number": "1.50",
            "day": "2026-09-14",
            "at": "2026-09-14T00:00:00.000Z",
            "stage": "1",
            "several": "a;b",
            "big": 5,
            "none": None,
        },
    }


@pytest.mark.parametrize(
    "record",
    [
        {"objectId": 1, "properties": "text"},
        {"objectId": 1, "properties": ["text", {"name": "a"}]},
        {"objectId": 1, "properties": [{"name": 5, "value": "x"}]},
        {"objectId": 1, "properties": [{"name": "a", "value": "x", "more": 1}]},
        {"id": 1, "properties": {}, "other": Decimal(5)},
        "no id at all",
        None,
    ],
)
def test_what_is_no_input_stays_none(record: Any) -> None:
    assert sent(LEGACY, record) is None
    assert sent(LEGACY, through_a_file(LEGACY, record, legacy=True)) is None


def test_what_cannot_be_sent_is_marked_and_shown() -> None:
    local = datetime.fromisoformat("2026-05-31 12:00")
    kept = input_encoder(UPDATE, legacy=False)(
        {"id": Unsendable("'A' is gone"), "properties": {"at": local, "x": "a\udc80"}}
    )

    assert kept["id"] == {"unsendable": "'A' is gone"}
    shown = kept["properties"]["at"]["unsendable"]
    assert (
        shown == "2026-05-31 12:00:00 cannot be sent: replace it with a value that can"
    )
    assert kept["properties"]["x"]["unsendable"].startswith("a\\udc80 cannot be sent")
    assert input_encoder(UPDATE, legacy=False)(restore(kept)) == kept

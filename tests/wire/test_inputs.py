"""Inputs as JSON: the exact bodies, and the inputs that must not be sent."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import attrs
import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.bodies import Bodies
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import (
    encoder,
    id_property_of,
    make_key,
    request_body,
)
from hubbatch._wire.property_values import InvalidInput
from hubbatch.models import (
    AssociationSpec,
    AssociationTo,
    CreateInput,
    LegacyUpdateInput,
    UpdateInput,
    UpsertInput,
)


VERSIONS = ("v3", "2025-09", "2026-03", "2026-09")

CREATE = operation_for("objects", "create", "tickets", api_version="v3")
UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
UPDATE_BY_REF = operation_for(
    "objects", "update", "tickets", api_version="v3", id_property="ref"
)
UPSERT = operation_for("objects", "upsert", "tickets", api_version="v3")
UPSERT_BY_REF = operation_for(
    "objects", "upsert", "tickets", api_version="v3", id_property="ref"
)
READ = operation_for("objects", "read", "tickets", api_version="v3")
ARCHIVE = operation_for("objects", "archive", "tickets", api_version="v3")
LEGACY = operation_for("legacy", "update", "tickets")


class Encoded(NamedTuple):
    key: str | None
    body: bytes
    trace: str | None


def body_of(operation: Operation, inputs: Sequence[object]) -> bytes:
    bodies = [
        encode(operation, value, index).body for index, value in enumerate(inputs)
    ]
    return request_body(operation, Bodies(bodies))


def encode(operation: Operation, value: object, index: int = 0) -> Encoded:
    return Encoded(*encoder(operation)(index, value))


def refused(operation: Operation, value: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        encode(operation, value)

    return caught.value


# ---- golden bodies of the five calls


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("object_type", ["tickets", "communications"])
def test_update(version: str, object_type: str) -> None:
    operation = operation_for("objects", "update", object_type, api_version=version)
    inputs = [
        UpdateInput("512", {"subject": "Printer", "open": True, "note": None}),
        UpdateInput(513, {"due": datetime(2026, 3, 1, tzinfo=UTC)}, None, "mine"),
        UpdateInput("T-7", {"subject": ""}, id_property="ref"),
    ]
    dicts = [
        {"id": "512", "properties": {"subject": "Printer", "open": True, "note": None}},
        {
            "objectWriteTraceId": "mine",
            "properties": {"due": datetime(2026, 3, 1, tzinfo=UTC)},
            "id": 513,
        },
        {"id": "T-7", "idProperty": "ref", "properties": {"subject": ""}},
    ]
    golden = (
        b'{"inputs":['
        b'{"id":"512","properties":{"subject":"Printer","open":"true"},'
        b'"objectWriteTraceId":"0"},'
        b'{"id":"513","properties":{"due":"2026-03-01T00:00:00.000Z"},'
        b'"objectWriteTraceId":"mine"},'
        b'{"id":"T-7","idProperty":"ref","properties":{"subject":"","ref":"T-7"},'
        b'"objectWriteTraceId":"2"}'
        b"]}"
    )

    assert body_of(operation, inputs) == golden
    assert body_of(operation, dicts) == golden


@pytest.mark.parametrize("version", VERSIONS)
def test_upsert(version: str) -> None:
    operation = operation_for(
        "objects", "upsert", "tickets", api_version=version, id_property="ref"
    )
    inputs = [
        UpsertInput("T-1", {"subject": "Ü"}),
        UpsertInput(2, {"tags": ["a", "b"]}, "hs_external_object_ids", "mine"),
    ]
    dicts = [
        {"id": "T-1", "properties": {"subject": "Ü"}},
        {
            "id": 2,
            "idProperty": "hs_external_object_ids",
            "properties": {"tags": ["a", "b"]},
            "objectWriteTraceId": "mine",
        },
    ]
    golden = (
        '{"inputs":['
        '{"id":"T-1","idProperty":"ref","properties":{"subject":"Ü"},'
        '"objectWriteTraceId":"0"},'
        '{"id":"2","idProperty":"hs_external_object_ids",'
        '"properties":{"tags":"a;b"},"objectWriteTraceId":"mine"}'
        "]}"
    ).encode()

    assert body_of(operation, inputs) == golden
    assert body_of(operation, dicts) == golden


@pytest.mark.parametrize("version", VERSIONS)
def test_read(version: str) -> None:
    operation = operation_for(
        "objects",
        "read",
        "tickets",
        api_version=version,
        id_property="ref",
        properties=("subject", "content"),
        properties_with_history=("hs_pipeline_stage",),
        archived=True,
    )
    golden = (
        b'{"properties":["subject","content","ref"],'
        b'"propertiesWithHistory":["hs_pipeline_stage"],"idProperty":"ref",'
        b'"inputs":[{"id":"T-1"},{"id":"2"},{"id":"T-3"}]}'
    )

    assert body_of(operation, ["T-1", 2, {"id": "T-3"}]) == golden
    assert operation.query == {"archived": "true"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plain_read(version: str) -> None:
    operation = operation_for("objects", "read", "tickets", api_version=version)

    assert body_of(operation, [512]) == (
        b'{"properties":[],"propertiesWithHistory":[],"inputs":[{"id":"512"}]}'
    )


def test_legacy_update() -> None:
    inputs = [
        LegacyUpdateInput(176602, {"status": "CLOSED", "due": date(2018, 4, 4)}),
        LegacyUpdateInput("178218", {"content": "", "left_out": None}),
    ]
    dicts = [
        {
            "objectId": 176602,
            "properties": [
                {"name": "status", "value": "CLOSED"},
                {"name": "due", "value": date(2018, 4, 4)},
            ],
        },
        {"objectId": "178218", "properties": {"content": "", "left_out": None}},
    ]
    golden = (
        b'[{"objectId":176602,"properties":[{"name":"status","value":"CLOSED"},'
        b'{"name":"due","value":"1522800000000"}]},'
        b'{"objectId":178218,"properties":[{"name":"content","value":""}]}]'
    )

    assert body_of(LEGACY, inputs) == golden
    assert body_of(LEGACY, dicts) == golden


def test_create() -> None:
    types = [AssociationSpec("HUBSPOT_DEFINED", 16)]
    inputs = [
        CreateInput({"subject": "a"}, [AssociationTo("77", types)]),
        CreateInput({}, (), "mine"),
    ]
    dicts: list[dict[str, object]] = [
        {
            "properties": {"subject": "a"},
            "associations": [
                {
                    "to": {"id": 77},
                    "types": [
                        {
                            "associationCategory": "HUBSPOT_DEFINED",
                            "associationTypeId": 16,
                        }
                    ],
                }
            ],
        },
        {"properties": {}, "associations": [], "objectWriteTraceId": "mine"},
    ]
    golden = (
        b'{"inputs":[{"properties":{"subject":"a"},"associations":[{"to":{"id":"77"},'
        b'"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":16}]}],'
        b'"objectWriteTraceId":"0"},{"properties":{},"objectWriteTraceId":"mine"}]}'
    )

    assert body_of(CREATE, inputs) == golden
    assert body_of(CREATE, dicts) == golden


def test_archive() -> None:
    assert body_of(ARCHIVE, ["1", 2, {"id": 3}]) == (
        b'{"inputs":[{"id":"1"},{"id":"2"},{"id":"3"}]}'
    )


def test_a_call_without_inputs_has_no_body() -> None:
    operation = operation_for("account", "details", api_version="v3")
    encoded = encode(operation, None)

    assert (encoded.key, encoded.body, encoded.trace) == (None, b"", None)
    assert request_body(operation, Bodies([encoded.body])) == b""


# ---- keys and trace ids


def test_a_key_is_the_id_or_the_value_in_lower_case() -> None:
    assert make_key("AB") == "ab"
    assert id_property_of(make_key("AB")) is None
    assert make_key("A@B.c", "email") == make_key("a@b.C", "email")
    assert make_key("1", "email") != make_key("1", "ref") != make_key("1")
    assert id_property_of(make_key("1", "ref")) == "ref"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("0512", "512"),
        ("000512", "512"),
        ("0", "0"),
        ("000", "0"),
        ("", ""),
        ("0x10", "0x10"),
        ("0-5", "0-5"),
    ],
)
def test_a_number_has_one_key_however_it_is_written(text: str, key: str) -> None:
    """A string that is not a number has one spelling."""
    assert make_key(text) == key
    assert make_key(text, "ref") == f"ref\0{text}"


@pytest.mark.parametrize(
    ("operation", "value", "key"),
    [
        (CREATE, {"properties": {}}, None),
        (UPDATE, UpdateInput("0512", {}), "512"),
        (UPDATE, UpdateInput(512, {}), "512"),
        (LEGACY, LegacyUpdateInput("0512", {}), "512"),
        (LEGACY, LegacyUpdateInput(512, {}), "512"),
        (READ, "0512", "512"),
        (ARCHIVE, {"id": "0512"}, "512"),
        (UPDATE_BY_REF, UpdateInput("0512", {}), make_key("0512", "ref")),
        (UPDATE, UpdateInput(5, {}), "5"),
        (UPDATE_BY_REF, UpdateInput("A", {}), make_key("a", "ref")),
        (UPDATE_BY_REF, UpdateInput("A", {}, "sku"), make_key("a", "sku")),
        (UPSERT, UpsertInput("A", {}, "sku"), make_key("a", "sku")),
        (READ, "5", "5"),
        (ARCHIVE, {"id": 5}, "5"),
        (LEGACY, LegacyUpdateInput("5", {}), "5"),
        (
            operation_for(
                "objects", "read", "tickets", api_version="v3", id_property="ref"
            ),
            "A",
            make_key("a", "ref"),
        ),
    ],
)
def test_keys(operation: Operation, value: object, key: str | None) -> None:
    assert encode(operation, value).key == key


@pytest.mark.parametrize("operation", [CREATE, UPDATE, UPSERT_BY_REF])
def test_the_trace_id_is_the_caller_s_or_the_index(operation: Operation) -> None:
    value: dict[str, object] = {"properties": {}}
    if operation is not CREATE:
        value["id"] = "1"
    ours = encode(operation, value, index=41)
    theirs = encode(operation, {**value, "objectWriteTraceId": "x"}, index=41)

    assert (ours.trace, theirs.trace) == (None, "x")
    assert orjson.loads(ours.body)["objectWriteTraceId"] == "41"
    assert orjson.loads(theirs.body)["objectWriteTraceId"] == "x"


def test_update_and_upsert_take_each_other_s_inputs() -> None:
    assert encode(UPDATE, UpsertInput(1, {"a": "b"})) == encode(
        UPDATE, UpdateInput(1, {"a": "b"})
    )


def test_an_update_by_a_property_keeps_the_value_that_is_written() -> None:
    """The id names the record that has the old value, the property sets a new one."""
    body = orjson.loads(encode(UPDATE_BY_REF, UpdateInput("a", {"ref": "b"})).body)

    assert body["properties"] == {"ref": "b"}


def test_an_upsert_does_not_write_its_key_for_the_caller() -> None:
    body = orjson.loads(encode(UPSERT_BY_REF, UpsertInput("a", {"x": "y"})).body)

    assert body["properties"] == {"x": "y"}


# ---- what must not be sent


@pytest.mark.parametrize(
    ("operation", "value", "why", "field"),
    [
        (UPDATE, "512", "a mapping with id and properties", None),
        (UPDATE, 512, "a mapping with id and properties", None),
        (UPDATE, CreateInput({}), "not type CreateInput", None),
        (UPDATE, LegacyUpdateInput(1, {}), "not type LegacyUpdateInput", None),
        (UPDATE, None, "not type NoneType", None),
        (UPDATE, {}, "id is missing", "id"),
        (UPDATE, {"id": "1"}, "nothing but an id", "properties"),
        (UPDATE, {"id": "1", "idProperty": "a"}, "must be a mapping", "properties"),
        (UPDATE, {"id": "1", "properties": "a"}, "must be a mapping", "properties"),
        (UPDATE, {"id": 1.0, "properties": {}}, "must be str or int", "id"),
        (UPDATE, {"id": "512.0", "properties": {}}, "not a record id", "id"),
        (UPDATE, {"id": 1, "properties": {"a": {}}}, "type dict", "a"),
        (UPDATE, {"id": 1, "properties": {"": "x"}}, "empty name", "properties"),
        (UPDATE, {"id": 1, "properties": {5: "x"}}, "must be a non-empty str", "5"),
        (UPDATE, {"id": 1, "properties": {}, "extra": 1}, "unknown field", "extra"),
        (UPDATE, {"id": 1, "properties": {}, 5: 1}, "unknown field 5", "5"),
        (UPDATE, UpdateInput(1, {}, ""), "must be a name", "idProperty"),
        (
            UPDATE,
            {"id": 1, "properties": {}, "idProperty": 5},
            "must be a name",
            "idProperty",
        ),
        (UPDATE, UpdateInput(1, {}, None, ""), "non-empty str", "objectWriteTraceId"),
        (
            CREATE,
            {"properties": {}, "objectWriteTraceId": 5},
            "non-empty str",
            "objectWriteTraceId",
        ),
        (UPDATE, UpdateInput(1, {"b": "\ud800"}), "UTF-8", "b"),
        (UPDATE, UpdateInput(1, {"b\ud800": "x"}), "UTF-8", "b\ud800"),
        (UPSERT, UpsertInput("\ud800", {}, "ref"), "UTF-8", "id"),
        (
            CREATE,
            CreateInput({}, object_write_trace_id="\ud800"),
            "UTF-8",
            "objectWriteTraceId",
        ),
        (UPSERT, UpsertInput("1", {}), "which unique property", "idProperty"),
        (UPSERT_BY_REF, UpsertInput("", {}), "the value of 'ref' is empty", "id"),
        (CREATE, [], "not type list", None),
        (CREATE, {}, "must be a mapping", "properties"),
        (CREATE, {"id": 1, "properties": {}}, "unknown field 'id'", "id"),
        (CREATE, CreateInput({"a": object()}), "type object", "a"),
        (READ, None, "id is missing", "id"),
        (READ, {}, "id is missing", "id"),
        (READ, {"id": 1, "properties": {}}, "unknown field", "properties"),
        (READ, 1.5, "type float", "id"),
        (READ, "\ud800", "UTF-8", "id"),
        (ARCHIVE, UpdateInput(1, {}), "type UpdateInput", "id"),
        (LEGACY, UpdateInput(1, {}, "ref"), "by id only", "idProperty"),
        (LEGACY, CreateInput({}), "not type CreateInput", None),
        (LEGACY, {"id": 1, "objectId": 1, "properties": {}}, "not both", "id"),
        (LEGACY, LegacyUpdateInput("abc", {}), "must be a number", "objectId"),
        (LEGACY, LegacyUpdateInput("\u0665", {}), "not a record id", "id"),
        (UPDATE, UpdateInput("\uff15\uff11", {}), "not a record id", "id"),
        (LEGACY, LegacyUpdateInput(1, "ab"), "must be a mapping", "properties"),  # type: ignore[arg-type] # the point
        (LEGACY, LegacyUpdateInput(10**30, {}), "too large a number", "objectId"),
        (LEGACY, {"objectId": 1, "properties": ["a"]}, "a list of", "properties"),
        (
            LEGACY,
            {"objectId": 1, "properties": [{"name": "a"}]},
            "a list of",
            "properties",
        ),
        (
            LEGACY,
            {"objectId": 1, "properties": [{"name": ["a"], "value": "b"}]},
            "must be a non-empty str",
            "properties",
        ),
        (
            LEGACY,
            {"objectId": 1, "properties": 2 * [{"name": "a", "value": "b"}]},
            "'a' occurs twice",
            "a",
        ),
    ],
)
def test_a_bad_record(
    operation: Operation, value: object, why: str, field: str | None
) -> None:
    error = refused(operation, value)

    assert why in str(error)
    assert error.field == field


@pytest.mark.parametrize(
    "associations",
    [
        "77",
        {"to": {"id": "77"}},
        5,
        [5],
        ["77"],
        [{"to": "77", "types": []}],
        [{"types": []}],
        [{"to": {"id": "77"}}],
        [{"to": {"id": "77"}, "types": {"associationTypeId": 1}}],
        [{"to": {"id": "77"}, "types": ["HUBSPOT_DEFINED"]}],
        [{"to": {"id": "77"}, "types": [{"associationTypeId": 16}]}],
        [
            {
                "to": {"id": "77"},
                "types": [
                    {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": "x"}
                ],
            }
        ],
        [AssociationTo("77", "HUBSPOT_DEFINED")],  # type: ignore[arg-type] # the point
        [AssociationTo("77", [("HUBSPOT_DEFINED", 16)])],  # type: ignore[list-item] # the point
    ],
    ids=repr,
)
def test_a_bad_association_fails_its_own_record(associations: Any) -> None:
    """HubSpot would answer "Invalid input JSON", and end the batch for all."""
    error = refused(CREATE, {"properties": {}, "associations": associations})

    assert error.field == "associations"


@pytest.mark.parametrize("to", [None, "512.0", 5.0, ""])
def test_an_association_needs_an_id(to: Any) -> None:
    association = {"to": {"id": to}, "types": []}

    assert refused(CREATE, CreateInput({}, [association])).field == "id"  # type: ignore[list-item] # HubSpot's shape
    assert refused(CREATE, CreateInput({}, [AssociationTo(to, [])])).field == "id"


# ---- always


INPUTS: Sequence[tuple[Operation, dict[str, object]]] = [
    (UPDATE_BY_REF, {"id": "a", "properties": {"x": "y"}}),
    (UPDATE_BY_REF, {"id": "a", "properties": {"x": [1, 2], "n": None}}),
    (UPSERT_BY_REF, {"id": 5, "properties": {}}),
    (CREATE, {"properties": {"x": 1}, "associations": ({"to": 5},)}),
    (LEGACY, {"objectId": "5", "properties": [{"name": "a", "value": 1}]}),
    (READ, {"id": 5}),
]


@pytest.mark.parametrize(("operation", "value"), INPUTS)
def test_the_caller_s_objects_are_not_changed(
    operation: Operation, value: dict[str, object]
) -> None:
    before = deepcopy(value)
    try:
        encode(operation, value)
    except InvalidInput:
        assert operation is CREATE  # whose association is wrong

    assert value == before


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VALUES = st.none() | st.booleans() | st.integers() | NAMES | st.lists(st.integers())
IDS = st.integers(1, 10**12) | st.uuids().map(str)


@given(IDS, st.dictionaries(NAMES, VALUES), st.none() | NAMES, st.integers(0, 10**6))
def test_classes_and_dicts_give_the_same_bytes(
    record: str | int, properties: Mapping[str, object], trace: str | None, index: int
) -> None:
    given_dict = {"id": record, "properties": properties, "objectWriteTraceId": trace}
    update = UpdateInput(record, properties, None, trace)
    expected = encode(UPDATE, given_dict, index)

    assert encode(UPDATE, update, index) == expected
    body = orjson.loads(expected.body)
    assert body["id"] == str(record)
    assert body["objectWriteTraceId"] == (trace or str(index))
    assert {type(value) for value in body["properties"].values()} <= {str}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "objectId", "properties", "associations", "to", "types", "name"]
            )
            | st.text(max_size=2),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from([CREATE, UPDATE, UPSERT, UPSERT_BY_REF, READ, ARCHIVE, LEGACY]),
    JSON,
)
def test_anything_is_encoded_or_refused(operation: Operation, value: object) -> None:
    try:
        body: object = orjson.loads(encode(operation, value).body)
    except InvalidInput:
        body = {}

    assert isinstance(body, dict)


def test_a_subclass_of_an_input_class_is_an_input() -> None:
    """It is not taken for a class of the user's, whose fields are properties."""

    @attrs.frozen
    class Audited(UpdateInput):
        author: str = ""

    _, body, _ = encoder(UPDATE)(0, Audited("512", {"subject": "x"}))
    assert orjson.loads(body)["properties"] == {"subject": "x"}

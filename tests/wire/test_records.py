"""HubSpot's JSON as attrs values and back; shapes as HubSpot has been seen to send."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.record_decoder import (
    structure_object,
    structure_objects,
    structure_upsert_object,
    structure_upsert_objects,
)
from hubbatch._wire.records import (
    camel_case,
    structure_context,
    structure_errors,
    structure_legacy_object,
    structure_response,
    unstructure,
)
from hubbatch.models import (
    BatchResponse,
    ErrorDetail,
    LegacyObject,
    LegacyProperty,
    PropertyCreate,
    PropertyOption,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    ValueWithTimestamp,
)


MADE = datetime(2024, 8, 15, 17, 9, 13, 648000, UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATER = datetime(2024, 8, 15, 17, 9, 13, 910000, UTC)

TICKET: dict[str, Any] = {
    "id": "1145814089",
    "properties": {"subject": "Printer", "hs_pipeline": "0", "content": None},
    "propertiesWithHistory": {
        "hs_pipeline_stage": [
            {
                "value": "2",
                "timestamp": "2024-08-15T17:09:13.910Z",
                "sourceType": "CRM_UI",
                "sourceId": "userId:42",
                "sourceLabel": "Ada",
                "updatedByUserId": 42,
            },
            {
                "value": "1",
                "timestamp": "2024-08-15T17:09:13.648Z",
                "sourceType": "INTEGRATION",
            },
        ]
    },
    "createdAt": "2024-08-15T17:09:13.648Z",
    "updatedAt": "2024-08-15T17:09:13.910Z",
    "archived": True,
    "archivedAt": "2024-08-15T17:09:13.910Z",
    "objectWriteTraceId": "549b1c2a9350",
    "url": "https://app.hubspot.com/contacts/62515/record/0-5/1145814089",
    "warnings": [{"category": "W", "message": "m", "context": {"a": "b"}}],
}


def read_ticket(**changes: Any) -> SimplePublicObject:
    return structure_object({**TICKET, **changes})


def test_every_field_of_a_record() -> None:
    assert read_ticket() == SimplePublicObject(
        id="1145814089",
        properties={"subject": "Printer", "hs_pipeline": "0", "content": None},
        created_at=MADE,
        updated_at=LATER,
        archived=True,
        archived_at=LATER,
        properties_with_history={
            "hs_pipeline_stage": [
                ValueWithTimestamp("2", LATER, "CRM_UI", "userId:42", "Ada", 42),
                ValueWithTimestamp("1", MADE, "INTEGRATION"),
            ]
        },
        object_write_trace_id="549b1c2a9350",
        url="https://app.hubspot.com/contacts/62515/record/0-5/1145814089",
        warnings=[{"category": "W", "message": "m", "context": {"a": "b"}}],
    )


@pytest.mark.parametrize("new", [True, False])
def test_an_upsert_s_record_says_whether_it_is_new(*, new: bool) -> None:
    record = structure_upsert_object({"id": "1", "properties": {}, "new": new})

    assert record == SimplePublicUpsertObject("1", {}, new=new)
    assert unstructure(record) == {"id": "1", "properties": {}, "new": new}


@pytest.mark.parametrize("missing", [{}, dict.fromkeys(TICKET)], ids=["absent", "null"])
def test_what_is_missing_is_none(missing: dict[str, None]) -> None:
    bare = {**missing, "id": "7"}

    assert structure_object(bare) == SimplePublicObject("7", {})
    assert structure_upsert_object(bare) == SimplePublicUpsertObject("7", {}, new=None)


def test_unknown_fields_are_ignored() -> None:
    assert read_ticket(brandNew={"x": 1}) == read_ticket()


def test_an_id_may_be_a_number() -> None:
    assert read_ticket(id=7).id == "7"


@pytest.mark.parametrize(
    "wrong", [{"id": None}, {"id": True}, {"id": ["7"]}, {"id": 1.5}]
)
def test_without_an_id_it_is_no_record(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="an id of type"):
        read_ticket(**wrong)


@pytest.mark.parametrize("wrong", ["x", ["x"], 5])
def test_properties_that_are_no_mapping_are_no_record(wrong: Any) -> None:
    with pytest.raises(TypeError, match="properties of type"):
        read_ticket(properties=wrong)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2024-08-15T17:09:13.648Z", MADE),
        ("2024-08-15T17:09:13Z", MADE.replace(microsecond=0)),
        ("2024-08-15T17:09:13.648123Z", MADE.replace(microsecond=648123)),
        ("2024-08-15T19:09:13.648+02:00", MADE),
        ("2024-08-15T17:09:13.648", MADE),
        ("2024-08-15", datetime(2024, 8, 15, tzinfo=UTC)),
        (1723741753648, MADE),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
        (2**62, None),
        ("", None),
        ("yesterday", None),
        (None, None),
        (True, None),
        (1.5, None),
        ({}, None),
        ([], None),
    ],
)
@pytest.mark.parametrize("name", ["createdAt", "updatedAt", "archivedAt"])
def test_timestamps(name: str, raw: object, value: datetime | None) -> None:
    """With and without milliseconds, or as a number; what cannot be read is None."""
    record = read_ticket(**{name: raw})
    fields = {"createdAt": record.created_at, "updatedAt": record.updated_at}
    read = fields.get(name, record.archived_at)

    assert read == value
    assert read is None or read.tzinfo is not None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({}, ValueWithTimestamp(None)),
        ({"value": None, "updatedByUserId": None}, ValueWithTimestamp(None)),
        ({"value": "x", "timestamp": 0}, ValueWithTimestamp("x", EPOCH)),
        ({"value": 5, "sourceId": 6}, ValueWithTimestamp("5", source_id="6")),
        ({"value": "x", "updatedByUserId": "42"}, ValueWithTimestamp("x")),
        ({"value": "x", "fresh": 1}, ValueWithTimestamp("x")),
    ],
)  # fmt: skip
def test_a_value_of_a_history(raw: object, value: ValueWithTimestamp) -> None:
    read = read_ticket(propertiesWithHistory={"a": [raw], "b": None, "c": []})

    assert read.properties_with_history == {"a": [value], "b": [], "c": []}


# ---- envelopes and errors

NOT_VALID = (
    'Property values were not valid: [{"isValid":false,"message":"Property \\"missing'
    '\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"missing"}]'
)
PARTIAL: dict[str, Any] = {
    "completedAt": "2024-08-15T17:09:13.910Z",
    "status": "COMPLETE",
    "startedAt": "2024-08-15T17:09:13.648Z",
    "requestedAt": "2024-08-15T17:09:13.648Z",
    "results": [TICKET],
    "links": {"self": "https://api.hubapi.com/x"},
    "numErrors": 2,
    "errors": [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": NOT_VALID,
            "context": {"objectWriteTraceId": ["549b1c2a9351"]},
        },
        {
            "status": "error",
            "id": "e-1",
            "category": "OBJECT_NOT_FOUND",
            "subCategory": "crm.objects.NOT_THERE",
            "message": "Could not get some TICKET objects",
            "context": {"ids": ["5", "6"]},
            "links": {"help": "https://developers.hubspot.com"},
            "errors": [
                {
                    "message": "gone",
                    "code": "GONE",
                    "in": "id",
                    "subCategory": "x.Y",
                    "context": {"propertyName": ["id"]},
                }
            ],
        },
    ],
}


def read_response(**changes: Any) -> BatchResponse[SimplePublicObject | None]:
    return structure_response({**PARTIAL, **changes}, structure_objects)


def test_every_field_of_an_answer_with_errors() -> None:
    assert read_response() == BatchResponse(
        status="COMPLETE",
        results=[read_ticket()],
        num_errors=2,
        errors=[
            StandardError(
                status="error",
                category="VALIDATION_ERROR",
                message=NOT_VALID,
                context={"objectWriteTraceId": ["549b1c2a9351"]},
            ),
            StandardError(
                status="error",
                category="OBJECT_NOT_FOUND",
                message="Could not get some TICKET objects",
                sub_category="crm.objects.NOT_THERE",
                id="e-1",
                context={"ids": ["5", "6"]},
                links={"help": "https://developers.hubspot.com"},
                errors=(
                    ErrorDetail(
                        message="gone",
                        code="GONE",
                        in_="id",
                        context={"propertyName": ["id"]},
                        sub_category="x.Y",
                    ),
                ),
            ),
        ],
        requested_at=MADE,
        started_at=MADE,
        completed_at=LATER,
        links={"self": "https://api.hubapi.com/x"},
    )


@pytest.mark.parametrize(
    "rest",
    [{}, dict.fromkeys(PARTIAL), {"unheardOf": 1}],
    ids=["absent", "null", "new"],
)
def test_an_envelope_of_results_alone(rest: dict[str, Any]) -> None:
    answer = structure_response({**rest, "results": []}, structure_objects)

    assert answer == BatchResponse()


def test_num_errors_are_counted_where_hubspot_does_not() -> None:
    without = {name: PARTIAL[name] for name in PARTIAL if name != "numErrors"}

    assert structure_response(without, structure_objects).num_errors == 2
    assert read_response(numErrors="many").num_errors == 2
    assert read_response(numErrors=7).num_errors == 7


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "CANCELED", "UNHEARD_OF"])
def test_a_status_is_kept(status: str) -> None:
    assert read_response(status=status).status == status


@pytest.mark.parametrize(
    ("raw", "context"),
    [
        (None, None),
        ("text as in old APIs", "text as in old APIs"),
        ({"ids": ["5", 6]}, {"ids": ["5", "6"]}),
        ({"expire time": "2026-03-10"}, {"expire time": ["2026-03-10"]}),
        ({"count": 5}, {"count": ["5"]}),
        ({"ids": None, "id": [None, "7"]}, {"ids": [], "id": ["7"]}),
        ({"deep": {"a": 1}}, {"deep": ["{'a': 1}"]}),
        (["5"], "['5']"),
        (5, "5"),
        ({}, {}),
    ],
)
def test_a_context_is_a_mapping_of_lists_or_a_text(
    raw: object, context: object
) -> None:
    assert structure_context(raw) == context
    [error] = structure_errors([{"context": raw, "errors": [{"context": raw}]}])
    assert (error.context, error.errors[0].context) == (context, context)


@pytest.mark.parametrize("sub_category", ["a.B", {"name": "x"}, None, 5])
def test_a_sub_category_is_a_text_or_an_object(sub_category: object) -> None:
    raw = {"subCategory": sub_category, "errors": [{"subCategory": sub_category}]}
    [error] = structure_errors([raw])

    assert error.sub_category == sub_category
    assert error.errors[0].sub_category == sub_category


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (None, []),
        ("down", []),
        ({}, []),
        ([None, "down", 5], [StandardError(), StandardError(message="down"),
                             StandardError(message="5")]),
        ([{}], [StandardError()]),
        ([{"message": {"text": 1}}], [StandardError(message="{'text': 1}")]),
        ([{"links": "x", "errors": "x"}], [StandardError()]),
        ([{"errors": ["gone", None, {"in": "id"}]}],
         [StandardError(errors=(ErrorDetail("gone"), ErrorDetail(),
                                ErrorDetail(in_="id")))]),
    ],
)  # fmt: skip
def test_errors_of_any_shape(raw: object, errors: list[StandardError]) -> None:
    assert structure_errors(raw) == errors


@pytest.mark.parametrize("results", [{}, "x", 5, True], ids=repr)
def test_results_that_are_no_list(results: object) -> None:
    with pytest.raises(TypeError):
        read_response(results=results)


@pytest.mark.parametrize("odd", [None, "x", {}, {"properties": {}}, []], ids=repr)
def test_results_that_are_no_records(odd: object) -> None:
    """Each is None in its place; the others are what they are."""
    fine = {"id": "7", "properties": {}}
    results = read_response(results=[fine, odd, fine]).results

    assert [one and one.id for one in results] == ["7", None, "7"]


# ---- crm-objects/v1

LEGACY: dict[str, Any] = {
    "objectType": "TICKET",
    "portalId": 62515,
    "objectId": 176602,
    "properties": {
        "content": {
            "versions": [
                {
                    "name": "content",
                    "value": "Closed.",
                    "timestamp": 1522872562016,
                    "source": "API",
                    "sourceVid": [],
                },
                {"name": "content", "value": "Open.", "timestamp": 1522870759430},
            ],
            "value": "Closed.",
            "timestamp": 1522872562016,
            "source": "API",
            "sourceId": None,
        },
        "hs_lastmodifieddate": {
            "value": "0",
            "timestamp": 0,
            "source": "CALCULATED",
            "sourceId": "x",
        },
    },
    "isDeleted": False,
}
CLOSED = datetime(2018, 4, 4, 20, 9, 22, 16000, UTC)
OPENED = datetime(2018, 4, 4, 19, 39, 19, 430000, UTC)


def test_every_field_of_a_legacy_record() -> None:
    assert structure_legacy_object(LEGACY) == LegacyObject(
        object_type="TICKET",
        portal_id=62515,
        object_id=176602,
        properties={
            "content": LegacyProperty(
                "Closed.",
                CLOSED,
                "API",
                None,
                [
                    LegacyProperty("Closed.", CLOSED, "API"),
                    LegacyProperty("Open.", OPENED),
                ],
            ),
            "hs_lastmodifieddate": LegacyProperty(
                "0", datetime(1970, 1, 1, tzinfo=UTC), "CALCULATED", "x"
            ),
        },
        is_deleted=False,
    )


@pytest.mark.parametrize("missing", [{}, dict.fromkeys(LEGACY)], ids=["absent", "null"])
def test_a_bare_legacy_record(missing: dict[str, None]) -> None:
    bare = {**missing, "objectId": "5", "unheardOf": 1}

    assert structure_legacy_object(bare) == LegacyObject(None, None, 5)


def test_a_bare_legacy_property() -> None:
    read = structure_legacy_object({"objectId": 5, "properties": {"a": {}}})

    assert read.properties == {"a": LegacyProperty(None)}


def test_a_legacy_record_is_written_as_hubspot_does() -> None:
    """Without what only versions have: their name again, and `sourceVid`."""
    written = unstructure(structure_legacy_object(LEGACY))
    golden = deepcopy(LEGACY)
    for version in golden["properties"]["content"]["versions"]:
        version.pop("name")
        version.pop("sourceVid", None)
        version["source"] = version.get("source")
        version["sourceId"] = None

    assert written == golden
    assert structure_legacy_object(written) == structure_legacy_object(LEGACY)


# ---- and back


def test_names() -> None:
    assert camel_case("id") == "id"
    assert camel_case("in_") == "in"
    assert camel_case("object_write_trace_id") == "objectWriteTraceId"


def test_an_answer_is_written_as_hubspot_does() -> None:
    assert unstructure(read_response()) == PARTIAL
    assert orjson.loads(orjson.dumps(unstructure(read_response()))) == PARTIAL


def test_a_success_says_nothing_of_errors() -> None:
    success = {name: PARTIAL[name] for name in ("status", "results", "startedAt")}

    assert unstructure(structure_response(success, structure_objects)) == success


def test_a_response_of_legacy_records_is_written_too() -> None:
    merged = BatchResponse(results=[structure_legacy_object(LEGACY)])

    assert unstructure(merged) == {
        "status": "COMPLETE",
        "results": [unstructure(structure_legacy_object(LEGACY))],
    }


TEXTS = st.text(max_size=5)
INSTANTS = st.none() | st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))]),
    min_value=datetime(1800, 1, 1),  # noqa: DTZ001 -- hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
).map(lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000))
CONTEXTS = st.none() | TEXTS | st.dictionaries(TEXTS, st.lists(TEXTS))
HISTORY = st.builds(
    ValueWithTimestamp,
    st.none() | TEXTS,
    INSTANTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | st.integers(0, 2**31),
)
RECORD_FIELDS = (
    TEXTS,
    st.dictionaries(TEXTS, st.none() | TEXTS),
    INSTANTS,
    INSTANTS,
    st.none() | st.booleans(),
    INSTANTS,
    st.none() | st.dictionaries(TEXTS, st.lists(HISTORY, max_size=2)),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | st.just([{"category": "W"}]),
)
RECORDS = st.builds(SimplePublicObject, *RECORD_FIELDS)
UPSERTED = st.builds(
    SimplePublicUpsertObject, *RECORD_FIELDS, new=st.none() | st.booleans()
)
DETAILS = st.builds(
    ErrorDetail, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS, CONTEXTS
)
ERRORS = st.builds(
    StandardError,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS | st.dictionaries(TEXTS, TEXTS),
    st.none() | TEXTS,
    CONTEXTS,
    st.none() | st.dictionaries(TEXTS, TEXTS, min_size=1),
    st.lists(DETAILS, max_size=2).map(tuple),
)


def responses(records: Any) -> st.SearchStrategy[BatchResponse[Any]]:
    return st.builds(
        BatchResponse,
        st.sampled_from(["COMPLETE", "PENDING", "CANCELED"]),
        st.lists(records, max_size=2),
        st.just(0),
        st.lists(ERRORS, max_size=2),
        INSTANTS,
        INSTANTS,
        INSTANTS,
        st.dictionaries(TEXTS, TEXTS),
    )


@given(responses(RECORDS))
def test_a_response_survives_the_round_trip(response: BatchResponse[Any]) -> None:
    response.num_errors = len(response.errors)
    wire = orjson.loads(orjson.dumps(unstructure(response)))

    assert structure_response(wire, structure_objects) == response


@given(responses(UPSERTED))
def test_an_upsert_s_response_does_too(response: BatchResponse[Any]) -> None:
    response.num_errors = len(response.errors)
    wire = orjson.loads(orjson.dumps(unstructure(response)))

    assert structure_response(wire, structure_upsert_objects) == response


def test_an_answer_of_nothing_but_errors() -> None:
    for missing in ({"results": None}, {}):
        raw = {name: PARTIAL[name] for name in PARTIAL if name != "results"} | missing
        response = structure_response(raw, structure_objects)

        assert response.results == []
        assert len(response.errors) == len(PARTIAL["errors"])
    with pytest.raises(KeyError):
        structure_response({"status": "COMPLETE"}, structure_objects)


def test_what_is_within_another_class_is_written_too() -> None:
    """A class is taught before all that is in it: it may be named by a text."""
    small = PropertyOption("Small", "s")
    size = PropertyCreate("size", "Size", "g", "enumeration", "select", options=[small])

    assert unstructure(size)["options"] == [unstructure(small)]
    assert unstructure(small) == {"label": "Small", "value": "s", "hidden": False}

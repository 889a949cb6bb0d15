"""The strict decoder and the lenient reader agree wherever both can read a record."""

import pickle

from collections.abc import Callable
from copy import copy, deepcopy
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import pytest

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from hubbatch._wire.record_decoder import (
    decode_objects,
    decode_upsert_objects,
    structure_all_objects,
    structure_object,
    structure_objects,
    structure_upsert_object,
    structure_upsert_objects,
)
from hubbatch._wire.records import UNREADABLE, each, structure_response
from hubbatch.models import (
    BatchResponse,
    SimplePublicObject,
    SimplePublicUpsertObject,
    ValueWithTimestamp,
)


MADE = "2024-08-15T17:09:13.648Z"
PLAIN: dict[str, Any] = {
    "id": "1",
    "properties": {"subject": "a"},
    "createdAt": MADE,
    "updatedAt": MADE,
    "archived": False,
}
HISTORY = {"subject": [{"value": "b", "timestamp": MADE}]}
VERSION = {
    "value": "b",
    "timestamp": MADE,
    "sourceType": "CRM_UI",
    "sourceId": "userId:1",
    "sourceLabel": "x",
    "updatedByUserId": 1,
}
TIMES: st.SearchStrategy[Any] = (
    st.sampled_from(
        [
            *(MADE, "2024-08-15", "2024-08-15T17:09:13+02:00", "soon", None, 1, []),
            *("2024-08-15T17:09:13", "2024-08-15T17:09:13.6489999Z"),
            *("2024-08-15T17:09:13.9999999Z", "2016-12-31T23:59:60Z"),
            *("2024-08-15t17:09:13z", "2024-08-15 17:09:13Z", "0000-00-00T00:00:00Z"),
            *("2024-08-15T24:00:00Z", "20240815T170913Z", ""),
        ]
    )
    | st.datetimes(timezones=st.sampled_from([UTC])).map(datetime.isoformat)
    | st.text("0123456789-:.TZ+ ", max_size=25)
)
VERSIONS: st.SearchStrategy[Any] = st.builds(
    lambda changes: {**VERSION, **changes},
    st.fixed_dictionaries(
        {},
        optional={
            "value": st.sampled_from([None, "", 1, []]),
            "timestamp": TIMES,
            "sourceType": st.sampled_from([None, "API", 2]),
            "sourceId": st.sampled_from([None, 3]),
            "sourceLabel": st.none(),
            "updatedByUserId": st.sampled_from([None, 2**63, 1.0, "1", True]),
            "future": st.just([]),
        },
    ),
) | st.sampled_from([{}, None, "text"])
HISTORIES: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(["subject", "content"]),
    st.lists(VERSIONS, max_size=2) | st.none(),
    max_size=2,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["1", "2", 3, None, 1.5, True]),
    "properties": st.sampled_from(
        [{}, {"a": None}, {"a": 1}, {"a": []}, {"": "é\0"}, None, [], "text"]
    ),
    "createdAt": TIMES,
    "updatedAt": TIMES,
    "archivedAt": TIMES,
    "archived": st.sampled_from([True, None, "yes"]),
    "propertiesWithHistory": HISTORIES | st.sampled_from([None, [], "text"]),
    "objectWriteTraceId": st.sampled_from(["0", None, [], 5]),
    "url": st.sampled_from(["https://app.hubspot.com", None, {}]),
    "warnings": st.sampled_from([[{"message": "m"}], [{}, 1], [], None, "w"]),
    "new": st.sampled_from([True, False, None, 1]),
    "future": st.none(),
}
RECORDS = st.builds(
    lambda changes, missing: {
        name: value for name, value in {**PLAIN, **changes}.items() if name != missing
    },
    st.fixed_dictionaries({}, optional=FIELDS),
    st.none() | st.sampled_from([*PLAIN]),
)
ANSWERS = st.one_of(
    st.lists(RECORDS, max_size=4),
    st.builds(lambda record, count: [record] * count, RECORDS, st.integers(1, 3)),
    st.lists(RECORDS | st.none() | st.just("text") | st.just([]) | st.just({})),
)


ENVELOPES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"results": ANSWERS | st.sampled_from([None, {}, "text"])},
    optional={
        "status": st.sampled_from(["COMPLETE", "PENDING", "", None, 1]),
        "numErrors": st.sampled_from([0, 2, None, 1.0, True, "1", -1, 2**63]),
        "errors": st.sampled_from(
            [[{"category": "C", "context": {"ids": ["1"]}}], ["text"], [], None, {}]
        ),
        "requestedAt": TIMES,
        "startedAt": TIMES,
        "completedAt": TIMES,
        "links": st.sampled_from([{"a": "b"}, {"a": 1}, {}, None, []]),
        "future": st.sampled_from([{"x": [1]}, None]),
    },
)


def or_error(read: Callable[[Any], Any], raw: Any) -> Any:
    try:
        return read(raw)
    except UNREADABLE:
        return "unreadable"


DECODERS = [
    (decode_objects, structure_object),
    (decode_upsert_objects, structure_upsert_object),
]


@pytest.mark.parametrize(("decode", "lenient"), DECODERS)
@given(envelope=ENVELOPES)
@example(envelope={"results": [PLAIN, {**PLAIN, "propertiesWithHistory": HISTORY}]})
@example(envelope={"results": [PLAIN], "numErrors": 1.0})
@example(envelope={"results": [PLAIN], "startedAt": "2024-08-15T17:09:13"})
def test_a_decoded_answer_is_what_the_lenient_reader_returns(
    envelope: Any, decode: Callable[[bytes], Any], lenient: Callable[[Any], Any]
) -> None:
    expected = or_error(partial(structure_response, structure=each(lenient)), envelope)

    assert decode(orjson.dumps(envelope)) in (None, expected)


@pytest.mark.parametrize(("decode", "lenient"), DECODERS)
@given(answer=ANSWERS)
@example(answer=[PLAIN, {**PLAIN, "url": "x"}])
@example(answer=[{"id": "12"}, {"id": "34"}])
@example(answer=[{**PLAIN, "id": 1}, PLAIN])
@example(answer=[{**PLAIN, "propertiesWithHistory": HISTORY}])
def test_a_record_that_does_not_fit_is_read_leniently(
    answer: list[Any], decode: Callable[[bytes], Any], lenient: Callable[[Any], Any]
) -> None:
    """One that cannot be read is None, and does not affect the others."""
    expected = [or_error(lenient, raw) for raw in answer]
    decoded = decode(orjson.dumps({"results": answer, "status": "PENDING"}))

    assert decoded.status == "PENDING"
    assert decoded.results == [None if raw == "unreadable" else raw for raw in expected]


@pytest.mark.parametrize("last_id", ["7", 2])
def test_histories_are_read_like_other_fields(last_id: str | int) -> None:
    """Every record has them if they are asked for, and one may have an odd value."""
    histories: list[Any] = [HISTORY, {"a": [VERSION, {}], "b": []}, {}]
    answer = [
        {**PLAIN, "id": id_, "propertiesWithHistory": history}
        for id_, history in zip(["0", "1", last_id], histories, strict=True)
    ]
    decoded = decode_objects(orjson.dumps({"results": answer}))

    assert decoded is not None
    assert decoded.results == [*map(structure_object, answer)]
    assert decoded.results[1].properties_with_history == {
        "a": [
            ValueWithTimestamp(
                "b",
                datetime(2024, 8, 15, 17, 9, 13, 648000, UTC),
                *("CRM_UI", "userId:1", "x", 1),
            ),
            ValueWithTimestamp(None),
        ],
        "b": [],
    }


@pytest.mark.parametrize("count", [0, 1, 100])
def test_any_number_of_records(count: int) -> None:
    answer = [{**PLAIN, "id": str(place), "new": True} for place in range(count)]
    body = orjson.dumps({"results": answer})
    decoded, upserted = decode_objects(body), decode_upsert_objects(body)

    assert decoded is not None
    assert upserted is not None
    assert [one.id for one in decoded.results] == [*map(str, range(count))]
    assert decoded.results == structure_objects(answer)
    assert structure_all_objects(answer) == decoded.results
    assert [one.new for one in upserted.results] == [True] * count
    assert upserted.results == structure_upsert_objects(answer)


def test_the_usual_answer_is_decoded() -> None:
    answer = {
        "status": "PENDING",
        "results": [PLAIN],
        "requestedAt": MADE,
        "startedAt": MADE,
        "completedAt": MADE,
        "links": {"a": "b"},
        "unknown": 1,
    }
    made = datetime(2024, 8, 15, 17, 9, 13, 648000, UTC)
    record = SimplePublicObject("1", {"subject": "a"}, made, made, archived=False)

    assert decode_objects(orjson.dumps(answer)) == BatchResponse(
        "PENDING", [record], 0, [], made, made, made, {"a": "b"}
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"results":[]} x',
        b'{"results":["\\ud800"]}',
        b'{"a":"\xff"}',
    ],
)
def test_what_is_no_usual_answer_is_not_decoded(body: bytes) -> None:
    assert decode_objects(body) is None


def test_a_record_that_cannot_be_read_fails_a_whole_list() -> None:
    with pytest.raises(UNREADABLE):
        structure_all_objects([PLAIN, {"properties": {}}])


# ---- the records


RECORD = SimplePublicUpsertObject(
    "1",
    {"subject": "a", "content": None},
    datetime(2024, 8, 15, 17, 9, 13, 648000, UTC),
    properties_with_history={
        "subject": [ValueWithTimestamp("b", datetime(2024, 8, 15, tzinfo=UTC))],
        "content": [ValueWithTimestamp(None, source_type="CRM_UI")],
    },
    warnings=[{"category": "W"}],
    new=True,
)


def test_a_record_is_compared_copied_and_pickled() -> None:
    pickled = pickle.loads(pickle.dumps(RECORD))  # noqa: S301 -- our own
    for copied in (copy(RECORD), deepcopy(RECORD), pickled):
        assert copied == RECORD
        assert type(copied) is SimplePublicUpsertObject
    assert deepcopy(RECORD).properties is not RECORD.properties
    other = replace(RECORD, id="2")
    assert (other.id, other.properties, RECORD.id) == ("2", RECORD.properties, "1")
    assert other != RECORD


def test_a_record_prints_what_it_has() -> None:
    record = SimplePublicObject("1", {"subject": "a"}, url="https://x.example")

    assert repr(record) == (
        "SimplePublicObject(id='1', properties={'subject': 'a'}, "
        "url='https://x.example')"
    )
    assert "new=True" in repr(RECORD)
    assert "archived" not in repr(RECORD)


def test_a_record_as_a_dict_is_hubspots_json() -> None:
    written = RECORD.to_dict()

    assert written == {
        "id": "1",
        "properties": {"subject": "a", "content": None},
        "createdAt": MADE,
        "propertiesWithHistory": {
            "subject": [{"value": "b", "timestamp": "2024-08-15T00:00:00.000Z"}],
            "content": [{"sourceType": "CRM_UI"}],
        },
        "warnings": [{"category": "W"}],
        "new": True,
    }
    assert structure_upsert_object(written) == RECORD
    written["properties"]["subject"] = "changed"
    written["warnings"][0]["category"] = "changed"
    assert RECORD.properties["subject"] == "a"
    assert RECORD.warnings == [{"category": "W"}]

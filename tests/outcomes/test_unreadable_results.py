"""One result that cannot be read, or one text that is none, spoils one record only."""

import json  # it writes what orjson refuses to

from typing import Any

import orjson
import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from hubbatch._http import Response
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.verdicts import Answered, Refused, Retryable
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.records import read_json, unstructure

from .helpers import CREATE, READ, UPDATE, UPSERT, chunk_of, respond, some_chunk


def record(n: int, *, traced: bool = True, **more: object) -> dict[str, Any]:
    trace = {"objectWriteTraceId": str(n)} if traced else {}
    return {"id": str(100 + n), "properties": {"ref": f"r{100 + n}"}, **trace, **more}


def pair(n: int) -> dict[str, Any]:
    return {"from": {"id": str(n)}, "to": {"id": str(50 + n)}}


def old_pair(n: int) -> dict[str, Any]:
    return {**pair(n), "type": "x"}


def typed(n: int) -> dict[str, Any]:
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}
    return {**pair(n), "types": [kind]}


def limit(n: int) -> dict[str, Any]:
    return {"category": "USER_DEFINED", "typeId": n, "maxToObjectIds": 5}


def definition(n: int) -> dict[str, Any]:
    kinds = {"type": "string", "fieldType": "text"}
    return {"name": f"p{n}", "label": "P", "groupName": "g", **kinds}


def ends(verb: Any) -> Operation:
    return operation_for(
        "associations", verb, "contacts", "companies", api_version="v3"
    )


CREATES_V3 = operation_for("v3_associations", "create", "contacts", "companies")
READS_V3 = operation_for("v3_associations", "read", "contacts", "companies")
LIMITS = operation_for(
    "association_limits", "create", "contacts", "companies", api_version="v3"
)
DEFINITIONS = operation_for("properties", "create", "tickets", api_version="v3")
SCHEMAS = operation_for("schemas", "read", api_version="2026-03")
MEMBERSHIPS = operation_for("memberships", "read", "0-1", api_version="v3")
SPLITS = operation_for("deal_splits", "read", api_version="v3")
OLD = operation_for("legacy", "read", "tickets")
OLD_UPDATES = operation_for("legacy", "update", "tickets")
PLURAL = {"to": [{"toObjectId": 7, "associationTypes": []}]}

# Each call, its inputs, and HubSpot's result for one of them.
FAMILIES: dict[str, tuple[Operation, Any, Any]] = {
    "create": (CREATE, lambda n: {"properties": {"a": str(n)}}, record),
    "update": (UPDATE, lambda n: {"id": str(100 + n), "properties": {}}, record),
    "upsert": (UPSERT, lambda n: {"id": f"r{100 + n}", "properties": {}}, record),
    "read": (READ, lambda n: str(100 + n), lambda n: record(n, traced=False)),
    "default": (ends("create_default"), pair, pair),
    "typed": (
        ends("create"),
        typed,
        lambda n: {"fromObjectId": n, "toObjectId": 50 + n, "labels": []},
    ),
    "associated": (
        ends("read"),
        str,
        lambda n: {"from": {"id": str(n)}, "to": [{"toObjectId": 7}]},
    ),
    "v3 pairs": (CREATES_V3, old_pair, old_pair),
    "v3 associated": (READS_V3, str, lambda n: {"from": {"id": n}, "to": [{"id": 7}]}),
    "limits": (LIMITS, limit, limit),
    "definitions": (DEFINITIONS, definition, definition),
    "schemas": (
        SCHEMAS,
        lambda n: f"2-{n}",
        lambda n: {
            "id": f"2-{n}",
            "objectTypeId": f"2-{n}",
            "name": f"car{n}",
            "fullyQualifiedName": f"p1_car{n}",
        },
    ),
    "memberships": (
        MEMBERSHIPS,
        str,
        lambda n: {"objectTypeId": "0-1", "recordId": n, "recordListMemberships": []},
    ),
    "splits": (SPLITS, str, lambda n: {"id": str(n), "splits": []}),
    "v1 read": (OLD, lambda n: n, lambda n: {"objectId": n, "properties": {}}),
    "v1 update": (
        OLD_UPDATES,
        lambda n: {"objectId": n, "properties": []},
        lambda n: {"objectId": n, "properties": {}},
    ),
}
NAMES = st.sampled_from(
    [
        *("id", "properties", "objectWriteTraceId", "createdAt", "archived", "new"),
        *("url", "warnings", "propertiesWithHistory", "paging", "from", "to", "labels"),
        *("fromObjectId", "toObjectId", "typeId", "category", "name", "options"),
        *("objectId", "versions", "value", "timestamp", "recordId", "splits"),
        *("recordListMemberships", "objectTypeId", "associations", "ref", "email"),
        *("next", "after", "hs_additional_emails", "labels"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(["", "\ud800", "a\udfffb", "x" * 5000, "9" * 5000, "1e999"])
    | st.text(max_size=3)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=8,
)


def body_of(operation: Operation, results: list[Any]) -> bytes:
    raw: Any = {"status": "COMPLETE", "results": results}
    if operation is OLD:
        raw = {str(place): one for place, one in enumerate(results)}
    elif operation is OLD_UPDATES:
        raw = results
    return json.dumps(raw).encode()


def chunk_for(operation: Operation, make: Any) -> Chunk:
    return chunk_of(operation, [make(n) for n in (1, 2, 3)], first=1)


@given(
    st.sampled_from(sorted(FAMILIES)),
    ANYTHING,
    st.none() | st.dictionaries(NAMES, ANYTHING, max_size=3),
)
@example("update", None, None)
@example("update", None, {"objectWriteTraceId": ["x"]})
@example("upsert", None, {"properties": {"ref": 5}})
@example("associated", None, {"paging": 5})
@example("associated", None, {"paging": []})
@example("create", None, {"warnings": [None]})
@example("read", None, {"id": "\ud800"})
def test_a_spoiled_result_spoils_its_own_record_only(
    family: str,
    garbage: Any,
    changes: dict[str, Any] | None,
) -> None:
    """The second of three: `null`, any JSON, or a result with wrong fields."""
    operation, given_as, answered_as = FAMILIES[family]
    chunk = chunk_for(operation, given_as)
    results = [answered_as(n) for n in (1, 2, 3)]
    # The names by which the second could pass for another stay its own.
    keep = {"id", "objectWriteTraceId", "from", "to", "fromObjectId", "typeId", "name"}
    keep |= {"toObjectId", "objectId", "recordId", "objectTypeId", "properties"}
    fields = {
        name: value
        for name, value in (changes or {}).items()
        if name not in keep or not isinstance(value, str | int | dict | list)
    }
    results[1] = garbage if changes is None else {**results[1], **fields}
    verdict = classify(operation, chunk, respond(200, body_of(operation, results)))

    assert isinstance(verdict, Answered)
    matched = verdict.matched
    assert {0, 2}.isdisjoint([*matched.open, *matched.failed])
    assert matched.results[0] is not None
    assert matched.results[2] is not None
    # What is kept can be written to any file.
    for result in filter(None, [*matched.results, *matched.loose]):
        orjson.dumps(unstructure(result), default=str, option=orjson.OPT_NON_STR_KEYS)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_null_among_the_results_leaves_its_input_open(family: str) -> None:
    """It is never taken for "there is no such record"."""
    operation, given_as, answered_as = FAMILIES[family]
    chunk = chunk_for(operation, given_as)
    results = [answered_as(1), None, answered_as(3)]
    verdict = classify(operation, chunk, respond(200, body_of(operation, results)))

    assert isinstance(verdict, Answered)
    assert (verdict.matched.open, verdict.matched.failed) == ([1], {})


def test_what_cannot_be_read_may_be_any_input_s() -> None:
    """So there is no success of all the others by their number."""
    chunk = some_chunk(CREATE, 2)
    nameless = [{"id": "8", "properties": {}}, {"id": "9", "properties": {}}]
    all_read = classify(CREATE, chunk, respond(201, {"results": nameless}))
    one_not = classify(CREATE, chunk, respond(201, {"results": [*nameless, None]}))

    assert isinstance(all_read, Answered)
    assert all_read.matched.open == []
    assert isinstance(one_not, Retryable)


# ---- texts that are none


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (rb"\ud800", "\N{REPLACEMENT CHARACTER}"),
        (rb"a\udfffb", "a\N{REPLACEMENT CHARACTER}b"),
        (b"a\xffb", "a\N{REPLACEMENT CHARACTER}b"),
        (rb"\ud83d\ude00 \ud83d", "\N{GRINNING FACE} \N{REPLACEMENT CHARACTER}"),
    ],
)
@pytest.mark.parametrize("operation", [CREATE, UPDATE, UPSERT, READ])
def test_half_a_character_is_replaced_and_its_record_succeeds(
    operation: Operation, written: bytes, read_as: str
) -> None:
    """HubSpot names the record, so it was written; what it shows is not all there."""
    traced = operation is not READ
    results = [record(n, traced=traced) for n in range(100)]
    results[7]["properties"]["subject"] = "@@"
    body = orjson.dumps({"results": results}).replace(b"@@", written)
    verdict = classify(operation, some_chunk(operation, 100), respond(200, body))

    assert isinstance(verdict, Answered)
    assert (verdict.matched.open, verdict.matched.failed) == ([], {})
    assert verdict.matched.results[7].properties["subject"] == read_as


def test_names_of_properties_are_texts_too() -> None:
    raw = read_json(rb'{"\ud800":[{"\udc00":"\ud800"},null,1.5,true]}')

    assert raw == {"\N{REPLACEMENT CHARACTER}": [raw_of(), None, 1.5, True]}


def raw_of() -> dict[str, str]:
    return {"\N{REPLACEMENT CHARACTER}": "\N{REPLACEMENT CHARACTER}"}


@given(ANYTHING)
def test_json_is_read_as_it_was_written_but_for_what_is_no_text(raw: Any) -> None:
    told = read_json(json.dumps(raw).encode())

    repr(told).encode()
    if isinstance(raw, str):
        assert len(told) == len(raw)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a":"\\ud800"', b"\xff\xfe", b"<html>", b"[1,]"]
)
def test_what_is_no_json_is_still_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(body)


@pytest.mark.parametrize("status", [200, 207, 400, 404, 409, 500])
@pytest.mark.parametrize("operation", [READ, UPDATE, CREATE])
def test_an_answer_that_is_nested_without_end(
    operation: Operation, status: int
) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    for body in (
        deep,
        b'{"results":%b}' % deep,
        b'{"message":"m","context":%b}' % deep,
    ):
        verdict = classify(operation, some_chunk(operation, 2), respond(status, body))

        assert isinstance(verdict, Retryable)
        assert verdict.maybe_processed


def test_a_refusal_with_half_a_character_has_its_words() -> None:
    """They are HubSpot's, so nothing was written, and they can be written down."""
    body = rb'{"message":"no \ud800","category":"VALIDATION_ERROR"}'
    headers = {"X-HubSpot-Correlation-Id": "c\udcff"}
    verdict = classify(UPDATE, some_chunk(UPDATE, 2), Response(400, headers, body))

    assert isinstance(verdict, Refused)
    assert not verdict.written
    assert verdict.error.message == "no \N{REPLACEMENT CHARACTER}"
    assert verdict.error.correlation_id == "c\N{REPLACEMENT CHARACTER}"


# ---- where no record may be left out


def test_a_page_of_a_list_is_read_whole_or_not_at_all() -> None:
    """No input asks for a record of it, so none could be missed."""
    pages = operation_for("object_pages", "list", "tickets", api_version="v3")
    body = {"results": [record(1), None]}

    assert isinstance(
        classify(pages, chunk_of(pages, [None]), respond(200, body)), Retryable
    )


def test_results_of_a_call_that_has_none_are_an_answer_to_another() -> None:
    archives = operation_for("objects", "archive", "tickets", api_version="v3")
    chunk = some_chunk(archives, 2)
    ours = classify(archives, chunk, respond(200, {"results": [record(0), record(1)]}))
    others = classify(
        archives, chunk, respond(200, {"results": [record(0), record(5)]})
    )
    pairs = ends("archive")
    of_pairs = chunk_of(pairs, [pair(1)])

    assert isinstance(ours, Answered)
    assert ours.matched.open == []
    assert isinstance(others, Retryable)
    assert isinstance(
        classify(pairs, of_pairs, respond(200, {"results": [None]})), Retryable
    )

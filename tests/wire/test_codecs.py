"""Codecs: inputs, answers, and the matching of one with the other."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.paging import next_pages, turn_pages
from hubbatch._outcomes.verdicts import Answered, EndpointNotFound, Refused, Retryable
from hubbatch._wire.calls import Operation, ResultShape
from hubbatch._wire.codecs import definitions, documents
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import encoder, renames
from hubbatch._wire.property_values import InvalidInput
from hubbatch._wire.records import unstructure
from hubbatch.models import (
    AssociationInput,
    AssociationSpec,
    MultiAssociatedObjectWithLabel,
    PropertyCreate,
    PropertyOption,
    PublicAssociationMultiWithLabel,
)
from tests.outcomes.helpers import chunk_of, respond


def pairs(verb: Any, version: str = "v3") -> Operation:
    return operation_for(
        "associations", verb, "contacts", "companies", api_version=version
    )


def v1(verb: Any) -> Operation:
    return operation_for("legacy", verb, "tickets")


def limits(verb: Any) -> Operation:
    return operation_for("association_limits", verb, "a", "b", api_version="v3")


def properties(verb: Any) -> Operation:
    return operation_for("properties", verb, "tickets", api_version="v3")


V3 = operation_for("v3_associations", "create", "contacts", "companies")
SPLITS = operation_for("deal_splits", "upsert", api_version="v3")
LISTS = operation_for("memberships", "read", "0-1", api_version="v3")
SPEC = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}
ENDS = {"from": {"id": "1"}, "to": {"id": 2}}
SCHEMAS = operation_for("schemas", "read", api_version="v3")
LIMIT = {"category": "WORK", "typeId": 1, "maxToObjectIds": 2}
SHARE = {"ownerId": 1, "percentage": 100}
BROKEN: Any = 5


class OwnStr(str):
    __slots__ = ()


OPTION = {"label": "A", "value": "a"}
SIZE = dict.fromkeys(("name", "label", "groupName"), "x") | {
    "type": "string",
    "fieldType": "text",
}


def settled(operation: Operation, inputs: Sequence[Any], body: object) -> MatchedAnswer:
    verdict = classify(operation, chunk_of(operation, inputs), respond(207, body))
    assert isinstance(verdict, Answered)
    return verdict.matched


# ---- inputs


@pytest.mark.parametrize(
    ("operation", "value", "body"),
    [
        (
            pairs("create"),
            {**ENDS, "types": [SPEC]},
            {"from": {"id": "1"}, "to": {"id": "2"}, "types": [SPEC]},
        ),
        (
            pairs("archive"),
            {"from": {"id": 1}, "to": ({"id": 2}, {"id": "3"})},
            {"from": {"id": "1"}, "to": [{"id": "2"}, {"id": "3"}]},
        ),
        (properties("read"), {"name": "size"}, {"name": "size"}),
        (
            properties("create"),
            {**SIZE, "hidden": None, "options": ({**OPTION, "displayOrder": -1},)},
            {**SIZE, "hidden": None, "options": [{**OPTION, "displayOrder": -1}]},
        ),
        (
            properties("create"),
            PropertyCreate(
                *("x", "x", "x", "string", "text"), options=[PropertyOption("A", "a")]
            ),
            {**SIZE, "options": [{**OPTION, "hidden": False}]},
        ),
        (
            properties("create"),
            {
                **SIZE,
                "name": OwnStr("x"),
                "options": [{**OPTION, "label": OwnStr("A")}],
            },
            {**SIZE, "options": [OPTION]},
        ),
        (SPLITS, {"id": 1, "splits": [SHARE]}, {"id": 1, "splits": [SHARE]}),
        (v1("archive"), {"objectId": "7"}, 7),
        (v1("read"), "0512", 512),
        (v1("read"), 2**63 - 1, 2**63 - 1),
        (
            v1("create"),
            {"properties": {"a": "x"}, "associations": []},
            [{"name": "a", "value": "x"}],
        ),
        (
            v1("update"),
            {"id": 1, "idProperty": None, "properties": {}},
            {"objectId": 1, "properties": []},
        ),
        (
            limits("purge"),
            {"category": "WORK", "typeId": 1},
            {"category": "WORK", "typeId": 1},
        ),
    ],
)
def test_inputs_in_hubspots_own_shape(
    operation: Operation, value: object, body: object
) -> None:
    assert orjson.loads(encoder(operation)(0, value)[1]) == body


@pytest.mark.parametrize(
    ("operation", "value", "message", "field"),
    [
        (pairs("create"), ENDS, "needs its types", "types"),
        (pairs("create"), {**ENDS, "types": None}, "needs its types", "types"),
        (pairs("create"), {**ENDS, "types": "x"}, "are a list", "associations"),
        (pairs("create"), {**ENDS, "types": [{}]}, "a category", "associations"),
        (pairs("create"), {**ENDS, "type": "x"}, "unknown field 'type'", "type"),
        (pairs("create"), 5, "an input is a mapping", None),
        (pairs("create_default"), {"to": {"id": 1}}, "from must be", "from"),
        (pairs("create_default"), {**ENDS, "types": []}, "unknown field", "types"),
        (pairs("archive"), {**ENDS, "to": []}, "to is empty", "to"),
        (pairs("archive"), {**ENDS, "to": [5]}, "to must be", "to"),
        (pairs("archive"), {**ENDS, "to": {"id": "1.0"}}, "to: id is not", "to"),
        (
            pairs("archive"),
            AssociationInput(1, 2, [AssociationSpec("x", 1)]),
            "no types",
            "types",
        ),
        (pairs("read"), {"id": 1, "after": "x"}, "unknown field 'after'", "after"),
        (V3, {**ENDS, "type": 5}, "type must be a name", "type"),
        (V3, AssociationInput(1, 2), "an input is a mapping", None),
        (
            pairs("create"),
            {**ENDS, "types": [{**SPEC, "associationCategory": "DEFINED"}]},
            "one of HUBSPOT_DEFINED, ",
            "associations",
        ),
        (properties("create"), {**SIZE, "type": "text"}, "type is one of bool", "type"),
        (
            properties("create"),
            {**SIZE, "fieldType": "string"},
            "fieldType is one of .*, not 'string'",
            "fieldType",
        ),
        (properties("create"), {**SIZE, "label": ""}, "label must be", "label"),
        (properties("create"), {**SIZE, "colour": "x"}, "unknown field", "colour"),
        (
            properties("create"),
            {**SIZE, "description": "\ud800"},
            "UTF-8",
            "description",
        ),
        (properties("create"), {**SIZE, "hidden": "yes"}, "must be a bool", "hidden"),
        (properties("create"), {**SIZE, "formField": 1}, "be a bool", "formField"),
        (properties("create"), {**SIZE, "description": []}, "a str", "description"),
        (
            properties("create"),
            {**SIZE, "displayOrder": 2**31},
            "displayOrder is too large",
            "displayOrder",
        ),
        (
            properties("create"),
            {**SIZE, "displayOrder": True},
            "displayOrder must be an int",
            "displayOrder",
        ),
        (properties("create"), {**SIZE, "options": "a;b"}, "be a list", "options"),
        (properties("create"), {**SIZE, "options": {}}, "be a list", "options"),
        (properties("create"), {**SIZE, "options": ["a"]}, "a mapping", "options"),
        (
            properties("create"),
            {**SIZE, "options": [{"label": "A", "value": 1}]},
            "options: value must be a non-empty str",
            "options",
        ),
        (
            properties("create"),
            {**SIZE, "options": [{**OPTION, "hidden": "no"}]},
            "options: hidden must be a bool",
            "options",
        ),
        (
            properties("create"),
            {**SIZE, "options": [{**OPTION, "displayOrder": -(2**31) - 1}]},
            "options: displayOrder is too large",
            "options",
        ),
        (
            properties("create"),
            {**SIZE, "options": [{**OPTION, "colour": "x"}]},
            "unknown field 'colour'",
            "options",
        ),
        (
            properties("create"),
            {**SIZE, "options": [{"label": "\ud800", "value": "a"}]},
            "as JSON",
            None,
        ),
        (
            properties("create"),
            PropertyCreate("a", "b", "c", "bool", "radio", options=BROKEN),
            "be a list",
            "options",
        ),
        (
            properties("create"),
            PropertyCreate("a", "b", "c", "bool", "radio", options=[BROKEN]),
            "a mapping",
            "options",
        ),
        (properties("archive"), " ", "a non-empty str", "name"),
        (properties("read"), 5, "a non-empty str", "name"),
        (LISTS, {"id": 1}, "unknown field 'id'", "id"),
        (LISTS, {}, "id is missing", "id"),
        (SPLITS, {"id": "x", "splits": []}, "a number", "id"),
        (SPLITS, {"id": 2**63, "splits": []}, "too large", "id"),
        (SPLITS, {"id": "1", "splits": [5]}, "an input is a mapping", None),
        (SPLITS, {"id": "1", "splits": [{**SHARE, "ownerId": "1"}]}, "int", "ownerId"),
        (
            SPLITS,
            {"id": "1", "splits": [{**SHARE, "ownerId": 2**31}]},
            "ownerId is too large",
            "ownerId",
        ),
        (
            SPLITS,
            {"id": "1", "splits": [{**SHARE, "percentage": float("inf")}]},
            "percentage must be a number",
            "percentage",
        ),
        (
            SPLITS,
            {"id": "1", "splits": [{**SHARE, "percentage": 10**5000}]},
            "percentage is too large a number",
            "percentage",
        ),
        (
            pairs("create"),
            {**ENDS, "types": [{**SPEC, "associationTypeId": 2**31}]},
            "a type id",
            "associations",
        ),
        (v1("create"), [{"name": "a"}], "a list of", "properties"),
        (v1("create"), [{"name": "a", "value": "\ud800"}], "UTF-8", "a"),
        (v1("read"), "x", "id must be a number", "id"),
        (v1("read"), 2**63, "id is too large", "id"),
        (v1("read"), "9" * 5_000, "id is too large", "id"),
        (v1("update"), {"objectId": 2**63}, "objectId is too large", "objectId"),
        (
            v1("update"),
            {"id": 1, "idProperty": "ref", "properties": {}},
            "by id only",
            "idProperty",
        ),
        (
            v1("create"),
            {"properties": {}, "associations": [5]},
            "takes no associations",
            "associations",
        ),
    ],
)
def test_inputs_that_must_not_be_sent(
    operation: Operation, value: object, message: str, field: str | None
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        encoder(operation)(0, value)
    assert caught.value.field == field


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_pair_and_its_way_back_have_one_key_unless_they_are_archived(
    one: int, other: int
) -> None:
    """HubSpot answers with both directions, so they never travel in one request.

    Archives have no results, and equal keys share a request: these are two.
    """

    def keys(operation: Operation) -> list[str | None]:
        encode = encoder(operation)
        both = ((one, other), (other, one))
        return [encode(0, AssociationInput(a, b))[0] for a, b in both]

    there, back = keys(pairs("create_default"))
    assert there == back
    away, home = keys(pairs("archive"))
    assert (away == home) == (one == other)


# ---- answers


@pytest.mark.parametrize(
    ("operation", "inputs", "body"),
    [
        (v1("create"), [{"properties": {}}], {}),
        (v1("update"), [{"id": 1, "properties": {}}], {"results": []}),
        (v1("read"), [1], []),
        (v1("read"), [1], {"1": {}}),
        (pairs("read"), [1], {"results": [{"from": {}, "to": []}]}),
        (pairs("create_default"), [ENDS], {"results": [{"from": {"id": 1}}]}),
        (properties("read"), ["size"], {"results": [{"label": "x"}]}),
        (LISTS, [], {"results": 5}),
        (SCHEMAS, ["0-3"], {"results": [{"name": "DEAL"}]}),
        (limits("create"), [LIMIT], {"results": [{"typeId": 1}]}),
        (
            operation_for("account", "details", api_version="v3"),
            [None],
            {"portalId": None},
        ),
        (
            operation_for("object_pages", "list", "tickets", api_version="v3"),
            [None],
            {},
        ),
        (
            operation_for("property_lists", "read", "tickets", api_version="v3"),
            [None],
            {"results": [{}]},
        ),
    ],
)
def test_answers_that_are_not_what_was_asked_for(
    operation: Operation, inputs: list[Any], body: object
) -> None:
    verdict = classify(operation, chunk_of(operation, inputs), respond(200, body))
    assert isinstance(verdict, Retryable)


@pytest.mark.parametrize("operation", [v1("archive"), pairs("archive")])
@pytest.mark.parametrize("body", [b"", {}, {"status": "COMPLETE", "results": []}])
def test_every_shape_of_an_archives_answer(operation: Operation, body: object) -> None:
    """Dated associations answer with an envelope, v4 and v1 with nothing at all."""
    inputs = [7] if operation.object_type == "tickets" else [ENDS]
    for status in (200, 204):
        verdict = classify(
            operation, chunk_of(operation, inputs), respond(status, body)
        )
        if not body and status == 200 and operation.object_type != "tickets":
            assert isinstance(verdict, Retryable)  # an envelope without results is none
        else:
            assert isinstance(verdict, Answered)
            assert verdict.matched.open == []


def test_an_answer_without_inputs_names_none() -> None:
    for codec in (documents.ACCOUNT, documents.PAGE, definitions.LISTS):
        assert isinstance(codec.results, ResultShape)
        assert codec.results.key_of(object()) is None


def error(message: str, **context: list[str]) -> dict[str, object]:
    told: dict[str, object] = {"category": "VALIDATION_ERROR", "message": message}
    return {**told, "context": context} if context else told


def test_errors_that_name_an_end_of_several_pairs() -> None:
    """As many errors as open pairs, or it is not certain which are meant."""
    inputs = [AssociationInput(1, n) for n in (2, 3, 4)]
    result = {"from": {"id": "1"}, "to": {"id": "4"}}
    told = error("CONTACT=1 is not valid")
    both = settled(
        pairs("create_default"), inputs, {"results": [result], "errors": [told, told]}
    )
    one = settled(
        pairs("create_default"), inputs, {"results": [result], "errors": [told]}
    )
    assert (sorted(both.failed), both.open) == ([0, 1], [])
    assert (sorted(one.failed), one.open) == ([], [0, 1])
    assert one.results[2] is not None


def test_errors_of_an_archive_name_ends_too() -> None:
    inputs = [AssociationInput(1, 2), AssociationInput(3, 4)]
    told = error("4x is not a valid ID", id=["4"])
    named = settled(
        pairs("archive", "2026-03"),
        inputs,
        {"status": "COMPLETE", "results": [], "errors": [told], "numErrors": 1},
    )
    other = settled(
        pairs("archive", "2026-03"),
        inputs,
        {
            "status": "COMPLETE",
            "results": [],
            "errors": [told, error("no")],
            "numErrors": 2,
        },
    )
    assert (sorted(named.failed), named.open) == ([1], [])
    assert (sorted(other.failed), other.open) == ([1], [0])


@pytest.mark.parametrize("context", [None, "5", {"fromObjectId": ["9"]}])
def test_an_error_without_ids_is_no_result(context: object) -> None:
    """Only for the records that it names is it one."""
    none = {
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": "No company is associated with it.",
        "context": context,
    }
    found = {"from": {"id": "1"}, "to": [{"toObjectId": 7}]}
    told = settled(
        pairs("read"), ["1", "2"], {"results": [found], "errors": [none, none]}
    )
    assert told.results[1] is None


def test_a_property_is_known_by_its_name_in_any_case() -> None:
    told = settled(
        properties("read"),
        ["Size", "colour"],
        {"results": [{"name": "size"}], "errors": [error("no", name=["Colour"])]},
    )
    assert (told.results[0].name, sorted(told.failed)) == ("size", [1])


def test_a_schema_is_known_by_its_names_in_any_case() -> None:
    """A type that the answer omits does not exist, unless a result has no input."""
    found = {"id": "2-7", "objectTypeId": "2-7", "name": "car"}
    full = {**found, "fullyQualifiedName": "p1_car"}
    for name in ("2-7", "CAR", "p_car", "P1_Car"):
        told = settled(SCHEMAS, ["nosuch", name], {"results": [full]})
        assert (told.results[1].name, [*told.failed], told.open) == ("car", [0], [])
    twice = settled(SCHEMAS, ["P1_CAR", "2-7", "nosuch"], {"results": [full]})
    assert ([*twice.failed], twice.loose) == ([2], [])
    assert twice.results[0] is twice.results[1] is not None
    same = {**found, "fullyQualifiedName": "car"}
    assert settled(SCHEMAS, ["car", "nosuch"], {"results": [same]}).loose == []
    other = {**found, "objectTypeId": "2-8", "name": None}
    told = settled(SCHEMAS, ["2-7", "wheels", "p2_x"], {"results": [found, other]})
    assert ([*told.failed], told.open, len(told.strangers)) == ([], [1, 2], 1)


def test_a_limit_is_known_by_its_type_id() -> None:
    told = settled(
        limits("create"),
        [LIMIT, {**LIMIT, "typeId": 2}, {**LIMIT, "typeId": 3}],
        {
            "results": [{"category": "WORK", "typeId": 3}],
            "errors": [error("no", typeId=["2"])],
        },
    )
    assert (told.results[2].type_id, [*told.failed], told.open) == (3, [1], [0])


# ---- pages

PAGING = pairs("read").call.results.paging  # type: ignore[union-attr] # it has some


def page(record: int, found: Sequence[int], after: str | None) -> Any:
    paging = None if after is None else {"next": {"after": after}}
    to = [MultiAssociatedObjectWithLabel(str(one)) for one in found]
    return PublicAssociationMultiWithLabel(str(record), to, paging)


@given(
    st.lists(st.lists(st.lists(st.integers(), max_size=3), min_size=1), min_size=1),
)
def test_pages_are_turned_to_the_end_of_each_record(
    records: list[list[list[int]]],
) -> None:
    """Whatever the number of pages: all of them, once, in order."""
    assert PAGING is not None
    ids = [*range(1, len(records) + 1)]
    chunk = chunk_of(pairs("read"), ids)
    done: dict[int, Any] = {}
    for turn in range(max(map(len, records))):
        results = []
        for index, body in zip(chunk.indices, chunk.bodies, strict=True):
            asked = orjson.loads(body)
            assert asked.get("after") == (str(turn) if turn else None)
            pages = records[index]
            after = str(turn + 1) if turn + 1 < len(pages) else None
            results.append(page(index + 1, pages[turn], after))
        failed: dict[int, Any] = {}
        unfinished = turn_pages(PAGING, chunk, results, failed)
        assert not failed
        for position, index in enumerate(chunk.indices):
            if position not in unfinished:
                done[index] = results[position]
        chunk = next_pages(PAGING, chunk, results, unfinished)
    assert not chunk
    assert [
        [int(one.to_object_id) for one in done[index].to] for index in range(len(ids))
    ] == [[one for told in pages for one in told] for pages in records]
    assert all(result.paging is None for result in done.values())


def test_a_cursor_that_does_not_move_on() -> None:
    """It would be asked for for ever."""
    assert PAGING is not None
    chunk = chunk_of(pairs("read"), [1, 2])
    first = [page(1, [5], "a"), None]
    onward = next_pages(PAGING, chunk, first, turn_pages(PAGING, chunk, first, {}))
    failed: dict[int, Any] = {}
    assert turn_pages(PAGING, onward, [page(1, [6], "a")], failed) == {}
    assert failed[0].category == "PAGING"


@pytest.mark.parametrize(
    "operation",
    [
        *(pairs("create"), pairs("read"), SPLITS, LISTS, properties("read")),
        *(limits("create"), limits("update"), limits("purge"), SCHEMAS),
    ],
)
def test_a_404_that_speaks_is_about_inputs(operation: Operation) -> None:
    """A page of HTML is about the path."""
    chunk = chunk_of(V3, [{**ENDS, "type": "x"}])
    told = {"status": "error", "message": "x", "category": "OBJECT_NOT_FOUND"}
    assert isinstance(classify(operation, chunk, respond(404, told)), Refused)
    assert isinstance(
        classify(operation, chunk, respond(404, b"<html>")), EndpointNotFound
    )


def test_a_definition_renames_nothing() -> None:
    """Its key is a name, and it has no properties that could be another."""
    key, body, _ = encoder(properties("create"))(0, SIZE)
    assert renames(key, body) is False


def test_another_error_of_a_read_is_a_failure() -> None:
    found = {"from": {"id": "1"}, "to": []}
    told = settled(
        pairs("read"),
        ["1", "2"],
        {"results": [found], "errors": [error("no", id=["2"])]},
    )
    assert sorted(told.failed) == [1]


def test_associations_are_written_as_they_were_read() -> None:
    found = {"from": {"id": "1"}, "to": [{"toObjectId": "2", "associationTypes": []}]}
    told = settled(pairs("read"), ["1"], {"results": [found]})
    assert unstructure(told.results[0]) == found
    usual = {**ENDS, "to": {"id": "2"}, "associationSpec": SPEC}
    made = settled(pairs("create_default"), [ENDS], {"results": [usual]})
    assert unstructure(made.results[0]) == usual

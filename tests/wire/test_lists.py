"""Changes of a list: one result or error for each id, whatever the answer names."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._http import Response
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.verdicts import Answered, Retryable
from hubbatch._wire.calls import Operation
from hubbatch._wire.codecs import lists, settings
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import encoder, request_body
from hubbatch._wire.property_values import InvalidInput
from hubbatch.account_models import (
    ListChange,
    ListMember,
    ObjectList,
    Owner,
    OwnerTeam,
    Pipeline,
    PipelineStage,
)
from hubbatch.errors import RecordNotFound
from hubbatch.models import SimplePublicObject
from tests.outcomes.helpers import chunk_of


ADD = operation_for("lists", "add", "581")
REMOVE = operation_for("lists", "remove", "581")


def matched(operation: Operation, chunk: Chunk, answer: Any) -> MatchedAnswer:
    verdict = classify(operation, chunk, Response(200, {}, orjson.dumps(answer)))
    assert isinstance(verdict, Answered), verdict
    return verdict.matched


def distrusted(chunk: Chunk, answer: Any, operation: Operation = ADD) -> bool:
    verdict = classify(operation, chunk, Response(200, {}, orjson.dumps(answer)))
    return isinstance(verdict, Retryable) and verdict.strange


def fates(found: MatchedAnswer) -> list[Any]:
    """Return, for each input, whether it was changed, or the class of its error."""
    return [
        type(found.failed[position])
        if position in found.failed
        else "open"
        if position in found.open
        else result.changed
        for position, result in enumerate(found.results)
    ]


# ---- requests


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v3", "/crm/v3/lists/581/memberships/add"),
        ("2026-03", "/crm/lists/2026-03/581/memberships/add"),
    ],
)
def test_a_change_is_a_put_of_a_bare_array(version: str, path: str) -> None:
    operation = operation_for("lists", "add", "581", api_version=version)
    chunk = chunk_of(operation, ["101", 102])

    assert (operation.call.method, operation.path) == ("PUT", path)
    assert operation.name == "lists.581.add"
    assert request_body(operation, chunk.bodies) == b'["101","102"]'


@pytest.mark.parametrize(
    "value",
    [
        "7",
        7,
        "007",
        {"id": "7"},
        {"recordId": 7},
        ListMember("7"),
        ListChange("7", changed=True),
        SimplePublicObject("7", {"email": "ada@example.com"}),
    ],
    ids=repr,
)
def test_anything_with_an_id_is_an_input(value: object) -> None:
    assert encoder(ADD)(0, value) == ("7", b'"7"', None)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("ada@example.com", "id must be a number"),
        ({}, "id is missing"),
        ({"email": "ada@example.com"}, "unknown field 'email'"),
        (7.0, "id must be str or int"),
        (None, "id is missing"),
        ("9" * 30, "too large"),
    ],
)
def test_what_is_no_id_of_a_record_is_never_sent(value: object, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        encoder(ADD)(0, value)


# ---- answers


@st.composite
def answers(draw: st.DrawFn) -> tuple[Sequence[str], dict[str, str], dict[str, Any]]:
    """Draw ids, what becomes of each, and an answer that says so, in any form."""
    ids = draw(
        st.lists(st.integers(1, 10**12).map(str), min_size=1, max_size=20, unique=True)
    )
    fate = {
        record: draw(st.sampled_from(["changed", "same", "missing"])) for record in ids
    }
    changed = draw(st.permutations([one for one in ids if fate[one] == "changed"]))
    missing = draw(st.permutations([one for one in ids if fate[one] == "missing"]))
    spelling = draw(
        st.sampled_from(["recordsIdsAdded", "recordIdsAdded", "recordIdsRemoved"])
    )
    as_number = draw(st.booleans())
    answer: dict[str, Any] = {}
    shows_empty = draw(st.booleans())
    for name, listed in ((spelling, changed), ("recordIdsMissing", missing)):
        if listed or shows_empty:
            answer[name] = [int(one) if as_number else one for one in listed]
    return ids, fate, answer


@given(answers())
def test_every_id_gets_what_the_answer_says_in_any_form(
    drawn: tuple[Sequence[str], dict[str, str], dict[str, Any]],
) -> None:
    ids, fate, answer = drawn
    found = matched(ADD, chunk_of(ADD, ids), answer)

    meaning = {"changed": True, "same": False, "missing": RecordNotFound}
    assert fates(found) == [meaning[fate[record]] for record in ids]
    assert (found.loose, found.strangers) == ([], [])
    for position, result in enumerate(found.results):
        assert result is None or result.record_id == ids[position]


@given(answers(), st.sampled_from(["recordIdsMissing", "recordsIdsAdded"]))
def test_an_answer_that_names_a_stranger_says_nothing_about_the_others(
    drawn: tuple[Sequence[str], dict[str, str], dict[str, Any]], name: str
) -> None:
    ids, fate, answer = drawn
    answer[name] = [*answer.get(name, ()), str(10**15)]
    chunk = chunk_of(ADD, [*ids, str(10**14)])  # never named
    named = {"changed", "missing"} & {*fate.values()}

    if not named:
        assert distrusted(chunk, answer)
        return
    meaning = {"changed": True, "same": "open", "missing": RecordNotFound}
    found = matched(ADD, chunk, answer)
    assert fates(found) == [*(meaning[fate[record]] for record in ids), "open"]


def test_both_spellings_in_one_answer_are_one_change() -> None:
    answer = {"recordsIdsAdded": ["1"], "recordIdsAdded": [1]}
    found = matched(ADD, chunk_of(ADD, ["1", "2"]), answer)

    assert fates(found) == [True, False]


def test_an_id_that_was_added_and_is_missing_is_in_doubt() -> None:
    answer = {"recordsIdsAdded": ["1", "2"], "recordIdsMissing": ["1"]}
    found = matched(ADD, chunk_of(ADD, ["1", "2", "3"]), answer)

    assert fates(found) == ["open", True, "open"]


def test_after_a_lost_answer_no_change_is_no_proof_of_membership() -> None:
    chunk = chunk_of(ADD, ["1", "2"]).after(Step.ATTEMPT).after(Step.LEAVE)
    found = matched(ADD, chunk.after(Step.LOSE), {"recordsIdsAdded": ["1"]})

    assert fates(found) == [True, None]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "added",
        {"results": [], "status": "COMPLETE"},
        {"recordsIdsAdded": "1"},
        {"recordsIdsAdded": [{"id": "1"}]},
        {"recordIdsMissing": {"1": True}},
    ],
    ids=repr,
)
def test_the_answer_to_another_call_is_not_trusted(answer: Any) -> None:
    assert distrusted(chunk_of(ADD, ["1", "2"]), answer)


def test_the_body_may_not_be_empty() -> None:
    verdict = classify(REMOVE, chunk_of(REMOVE, ["1"]), Response(200, {}, b""))

    assert isinstance(verdict, Retryable)


def test_a_missing_id_says_so() -> None:
    found = matched(ADD, chunk_of(ADD, ["1", "2"]), {"recordIdsMissing": ["2"]})

    error = found.failed[1]
    assert isinstance(error, RecordNotFound)
    assert error.category == "OBJECT_NOT_FOUND"
    assert "HubSpot has no such record" in str(error)
    assert found.part.num_errors == 1


# ---- documents


def read(codec: Any, raw: Any) -> Any:
    structure = codec.results.structure
    [result] = codec.parts(raw, structure).results
    return result


def test_the_cursor_of_a_page_of_members_is_decoded_once() -> None:
    raw = {
        "total": 2,
        "results": [{"recordId": 1, "membershipTimestamp": "2026-04-01T00:00:00Z"}],
        "paging": {"next": {"after": "AAAAMoEgcAg%3D", "link": "?after=x"}},
    }
    page = read(lists.MEMBERS, raw)

    assert [member.record_id for member in page.items] == ["1"]
    assert page.after == "AAAAMoEgcAg="
    assert lists.members_query(page.after) == {"limit": "250", "after": page.after}
    assert read(lists.MEMBERS, {"results": []}).after is None
    assert lists.members_query(None) == {"limit": "250"}


def test_a_list_is_read_from_its_envelope() -> None:
    raw = {"list": {"listId": 581, "name": "VIP", "processingType": "MANUAL"}}

    assert read(lists.LIST, raw) == ObjectList(
        "581", name="VIP", processing_type="MANUAL"
    )


@pytest.mark.parametrize(("more", "after"), [(True, "20"), (False, None)])
def test_a_search_of_lists_continues_at_its_offset(
    *, more: bool, after: str | None
) -> None:
    listed = {"listId": "1", "additionalProperties": {"hs_list_size": 2}}
    page = read(lists.FOUND, {"lists": [listed], "offset": 20, "hasMore": more})

    assert page.after == after
    assert page.items == [ObjectList("1", additional_properties={"hs_list_size": "2"})]


def test_the_search_of_a_list_is_its_body() -> None:
    options = lists.search_options("VIP", "0-1", "20")
    operation = operation_for("list_search", "find", options=options)
    chunk = chunk_of(operation, [None])

    assert (operation.call.method, operation.path) == ("POST", "/crm/v3/lists/search")
    assert orjson.loads(request_body(operation, chunk.bodies)) == {
        "query": "VIP",
        "offset": 20,
        "count": 500,
        "additionalProperties": [],
        "objectTypeId": "0-1",
    }
    assert "objectTypeId" not in lists.search_options("VIP", None, None)


def test_owners_have_teams_and_may_lack_a_user() -> None:
    raw = {
        "results": [
            {
                "id": 31871817,
                "email": "ada@example.com",
                "type": "PERSON",
                "userId": None,
                "userIdIncludingInactive": 7,
                "teams": [{"id": 1, "name": "Sales", "primary": True}],
            },
            {"id": "2"},
        ],
        "paging": {"next": {"after": "2"}},
    }
    page = read(settings.OWNERS, raw)

    assert page.after == "2"
    assert page.items == [
        Owner(
            "31871817",
            email="ada@example.com",
            type="PERSON",
            user_id_including_inactive=7,
            teams=[OwnerTeam("1", name="Sales", primary=True)],
        ),
        Owner("2"),
    ]
    assert settings.owners_query("ada@example.com", "2") == {
        "limit": "100",
        "email": "ada@example.com",
        "after": "2",
    }


def test_pipelines_have_stages_with_metadata() -> None:
    metadata = {"isClosed": "false", "probability": 0.2}
    stage = {"id": "1", "label": "New", "displayOrder": 0, "metadata": metadata}
    raw = {"results": [{"id": "default", "stages": [stage, {"id": 2}]}]}

    strings = {"isClosed": "false", "probability": "0.2"}
    assert read(settings.PIPELINES, raw).items == [
        Pipeline(
            "default",
            stages=[
                PipelineStage("1", label="New", display_order=0, metadata=strings),
                PipelineStage("2"),
            ],
        )
    ]

"""Outcomes, and the one response that a batch comes back with."""

import pickle

from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import pytest

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import (
    Outcome,
    OutcomeStatus,
    Summary,
    all_succeeded,
    not_sent_error,
    succeeded,
    unknown_error,
    unsuccessful,
)
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.response import Collector, CombinedResponse, merge
from hubbatch._wire.endpoints import OBJECT_CALLS, Operation
from hubbatch._wire.inputs import encoder
from hubbatch.errors import BatchFailed, OutcomeUnknown, RecordInvalid
from hubbatch.models import (
    BatchResponse,
    LegacyObject,
    SimplePublicObject,
    StandardError,
)

from .helpers import (
    ARCHIVE,
    CREATE,
    LEGACY,
    READ,
    UPDATE,
    UPSERT,
    attempted,
    chunk_of,
    some_inputs,
)


def collect(operation: Operation, count: int) -> tuple[Collector[Any], list[Any]]:
    collector: Collector[Any] = Collector(operation)
    inputs = some_inputs(operation, count)
    collector.took(inputs)
    return collector, inputs


_index_of = attrgetter("index")


def chunk_at(operation: Operation, inputs: list[Any], *indices: int) -> Chunk:
    every = chunk_of(operation, inputs)
    return attempted(every.pick(indices), 1)


def records(*ids: int) -> list[Any]:
    return [SimplePublicObject(str(n), {}) for n in ids]


def fail(
    collector: Collector[Any], operation: Operation, index: int, status: str = "failed"
) -> None:
    error = RecordInvalid("no", category="VALIDATION_ERROR")
    collector.failed(
        [
            unsuccessful(
                operation.call,
                index,
                collector.inputs[index],
                error,
                OutcomeStatus(status),
                attempts=1,
            )
        ]
    )


# ---- single outcomes


@given(st.integers(1, 5), st.integers(0, 3), st.sampled_from([UPDATE, UPSERT, LEGACY]))
def test_outcomes_made_together(count: int, copies: int, operation: Any) -> None:
    """They are those made one by one, and who shares an input has its result."""
    chunk = chunk_of(operation, some_inputs(operation, count), first=3)
    duplicates: list[tuple[int, object]]
    duplicates = [(100 + n, f"same {n}") for n in range(copies)]
    chunk = attempted(evolve(chunk, duplicates={3: duplicates}), 2)
    results: list[Any] = [*records(*range(1, count + 1))]
    if operation is LEGACY:
        results = [LegacyObject(None, None, one.id, {}) for one in results]

    told = dict(zip(chunk.indices, results, strict=True))
    told |= {100 + n: results[0] for n in range(copies)}
    assert sorted(all_succeeded(operation.call, chunk, results), key=_index_of) == [
        succeeded(operation.call, index, given, told[index], 2, key)
        for index, given, key in sorted(chunk.rows())
    ]


def test_results_that_are_too_few_are_a_mistake() -> None:
    """No input may be lost without a word."""
    chunk = chunk_of(UPDATE, some_inputs(UPDATE, 2))

    with pytest.raises(ValueError, match="1 results for 2 inputs"):
        all_succeeded(UPDATE.call, chunk, records(1))


@pytest.mark.parametrize("verb", ["create", "read", "update", "upsert", "archive"])
@pytest.mark.parametrize("status", ["failed", "unknown", "not_sent"])
def test_what_is_safe_to_resend(verb: Any, status: str) -> None:
    """Anything but a create that may have been written."""
    told = unsuccessful(
        OBJECT_CALLS[verb], 0, "x", unknown_error("why"), OutcomeStatus(status)
    )

    assert told.safe_to_resend is not (verb == "create" and status == "unknown")


def test_a_success() -> None:
    [record] = records(5)

    assert succeeded(UPDATE.call, 3, "given", record, 2, "9") == Outcome(
        3,
        "given",
        OutcomeStatus.SUCCEEDED,
        id="5",
        result=record,
        error=None,
        attempts=2,
        safe_to_resend=True,
    )
    assert not succeeded(CREATE.call, 0, "given", record, 1, None).safe_to_resend


@pytest.mark.parametrize(
    ("result", "key", "id_"),
    [
        (None, "9", "9"),
        (None, "ref\0r9", None),
        (None, None, None),
        (LegacyObject(None, None, 7), "9", "7"),
    ],
)
def test_the_id_is_what_is_known(result: Any, key: str | None, id_: str | None) -> None:
    assert succeeded(UPDATE.call, 0, "x", result, 1, key).id == id_


def test_a_status_is_its_text() -> None:
    assert [*OutcomeStatus] == ["succeeded", "failed", "unknown", "not_sent"]


def test_errors_of_our_own() -> None:
    unknown, unsent = unknown_error("why"), not_sent_error("why")

    assert type(unknown) is OutcomeUnknown
    assert (unknown.category, unknown.origin) == ("OUTCOME_UNKNOWN", "hubbatch")
    assert (unsent.category, unsent.origin) == ("NOT_SENT", "hubbatch")


def test_a_summary_counts() -> None:
    summary = Summary(inputs=9, succeeded=2)
    for status in ("failed", "failed", "unknown", "not_sent"):
        summary.count(OutcomeStatus(status), 1)

    assert (summary.failed, summary.unknown, summary.not_sent) == (2, 1, 1)
    assert summary.settled == 6


# ---- collecting


def test_results_are_in_the_order_of_the_inputs() -> None:
    collector, inputs = collect(UPDATE, 5)
    collector.succeeded(chunk_at(UPDATE, inputs, 3, 4), records(103, 104))
    collector.succeeded(chunk_at(UPDATE, inputs, 2, 0), records(102, 100))
    fail(collector, UPDATE, 1)
    response = collector.response()

    assert [result.id for result in response.results] == ["100", "102", "103", "104"]
    assert [outcome.index for outcome in response.outcomes] == [0, 1, 2, 3, 4]
    assert [outcome.input for outcome in response.outcomes] == inputs
    assert [str(o.status)[0] for o in response.outcomes] == ["s", "f", "s", "s", "s"]
    assert (response.succeeded, len(response.failures)) == (4, 1)


def test_outcomes_are_a_sequence() -> None:
    collector, inputs = collect(UPDATE, 3)
    collector.succeeded(chunk_at(UPDATE, inputs, 0, 1, 2), records(100, 101, 102))
    outcomes = collector.response().outcomes

    assert len(outcomes) == 3
    assert outcomes[1].input is inputs[1]
    assert outcomes[-1].id == "102"
    assert [outcome.index for outcome in outcomes[::-1]] == [2, 1, 0]
    assert [outcome.index for outcome in outcomes[1:9]] == [1, 2]
    assert outcomes[0] in outcomes
    assert repr(outcomes) == "<3 outcomes>"
    with pytest.raises(IndexError):
        outcomes[3]


def test_attempts_are_told() -> None:
    collector, inputs = collect(UPDATE, 2)
    first, second = (chunk_at(UPDATE, inputs, index) for index in range(2))
    second = attempted(second, 2)
    collector.succeeded(first, records(100))
    collector.succeeded(second, records(101))

    assert [outcome.attempts for outcome in collector.response().outcomes] == [1, 3]


def test_equal_reads_have_equal_outcomes() -> None:
    collector: Collector[Any] = Collector(READ)
    inputs = ["100", "101", 100]
    collector.took(inputs)
    chunk = evolve(chunk_of(READ, inputs[:2]), duplicates={0: [(2, 100)]})
    chunk = attempted(chunk, 2)
    collector.succeeded(chunk, records(100, 101))
    response = collector.response()

    assert [outcome.id for outcome in response.outcomes] == ["100", "101", "100"]
    assert [outcome.attempts for outcome in response.outcomes] == [2, 2, 2]
    assert response.outcomes[2].input == 100
    assert response.succeeded == 3


@pytest.mark.parametrize(
    ("operation", "id_"),
    [
        (ARCHIVE, "100"),
        (UPDATE, "100"),
        (LEGACY, "100"),
        (UPSERT, None),
        (CREATE, None),
    ],
)
def test_a_success_without_a_result(operation: Operation, id_: str | None) -> None:
    collector, inputs = collect(operation, 1)
    collector.succeeded(chunk_at(operation, inputs, 0), [None])
    response = collector.response()
    [outcome] = response.outcomes

    assert (outcome.status, outcome.id, outcome.result) == ("succeeded", id_, None)
    assert (response.results, response.succeeded) == ([], 1)


def test_an_id_is_that_of_the_request_whatever_became_of_the_input() -> None:
    """A caller may fill one dict again and again; what was sent stands."""
    collector: Collector[Any] = Collector(ARCHIVE)
    reused: dict[str, Any] = {"id": "100"}
    inputs = []
    chunk = Chunk()
    for index, text in enumerate(["100", "0101", "102"]):
        reused["id"] = text
        inputs.append(reused)
        key, body, trace = encoder(ARCHIVE)(index, reused)
        chunk.add(index, reused, key, body, trace)
    reused.clear()
    collector.took(inputs)
    collector.succeeded(chunk, [None] * 3)
    outcomes = collector.response().outcomes

    assert [outcome.id for outcome in outcomes] == ["100", "101", "102"]
    assert all(outcome.input is reused for outcome in outcomes)


def test_equal_archives_have_the_same_id() -> None:
    collector: Collector[Any] = Collector(ARCHIVE)
    inputs = ["100", 101, "0100"]
    collector.took(inputs)
    chunk = evolve(chunk_of(ARCHIVE, inputs[:2]), duplicates={0: [(2, "0100")]})
    collector.succeeded(chunk, [None, None])

    assert [o.id for o in collector.response().outcomes] == ["100", "101", "100"]


def test_what_is_not_settled_yet_is_not_made_up() -> None:
    """Asked early and asked again later, a response counts what was noted by then."""
    collector, inputs = collect(ARCHIVE, 3)
    collector.succeeded(chunk_at(ARCHIVE, inputs, 2), [None])
    response = collector.response()

    assert (response.succeeded, len(response.unknown)) == (1, 2)
    assert [outcome.status.value for outcome in response.outcomes] == [
        "unknown",
        "unknown",
        "succeeded",
    ]
    assert response.results == []
    assert collector.response().succeeded == 1
    with pytest.raises(BatchFailed, match="2 of 3 records"):
        response.raise_for_failures()


def test_the_envelope_is_merged_and_errors_stand_in_order() -> None:
    """In the order of the inputs, whichever chunk was answered first."""
    collector, inputs = collect(UPDATE, 4)
    first, second = chunk_at(UPDATE, inputs, 0, 1), chunk_at(UPDATE, inputs, 2, 3)
    at = [datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in range(4)]
    e1, e2 = (StandardError(message=text) for text in "12")
    parts: list[BatchResponse[Any]] = [
        BatchResponse("COMPLETE", [], 1, [e1], None, at[0], at[2], {"a": "x"}),
        BatchResponse("PENDING", [], 2, [e2, e1], at[1], at[1], at[3], {"b": "y"}),
    ]
    loose = records(8, 9)
    for chunk, part, extra in ((second, parts[1], 1), (first, parts[0], 0)):
        matched = MatchedAnswer(part, [None, None], {}, [], [loose[extra]])
        collector.answered(chunk, matched)
        collector.succeeded(chunk, [None, None])
    response = collector.response()

    assert response.to_dict() == {
        "status": "PENDING",
        "results": [
            {"id": "8", "properties": {}},
            {"id": "9", "properties": {}},
        ],
        "numErrors": 3,
        "errors": [{"message": "1"}, {"message": "2"}],
        "requestedAt": "2026-01-01T00:00:01.000Z",
        "startedAt": "2026-01-01T00:00:00.000Z",
        "completedAt": "2026-01-01T00:00:03.000Z",
        "links": {"a": "x", "b": "y"},
    }


def test_a_batch_of_nothing() -> None:
    response = Collector[Any](READ).response()

    assert (response.status, response.results, [*response.outcomes]) == (
        "COMPLETE",
        [],
        [],
    )
    assert (response.succeeded, response.failures) == (0, [])
    assert response.to_dict() == {"status": "COMPLETE", "results": []}
    response.raise_for_failures()


def test_failures_and_their_parts() -> None:
    collector, inputs = collect(UPDATE, 5)
    collector.succeeded(chunk_at(UPDATE, inputs, 4), records(104))
    for index, status in enumerate(["unknown", "failed", "not_sent", "failed"][::-1]):
        fail(collector, UPDATE, index, status)
    response = collector.response()

    assert [outcome.index for outcome in response.failures] == [0, 1, 2, 3]
    assert [outcome.index for outcome in response.failed] == [0, 2]
    assert [outcome.index for outcome in response.unknown] == [3]
    assert [outcome.index for outcome in response.not_sent] == [1]
    assert response.succeeded + len(response.failures) == 5


def test_what_nobody_spoke_of_is_unknown_and_never_a_success() -> None:
    collector, inputs = collect(UPDATE, 2)
    collector.succeeded(chunk_at(UPDATE, inputs, 1), records(101))
    response = collector.response()

    assert response.succeeded == 1
    [lost] = response.failures
    assert (lost.index, lost.status) == (0, "unknown")
    assert "please report" in str(lost.error)


def test_raise_for_failures_raises_copies() -> None:
    collector, inputs = collect(UPDATE, 3)
    collector.succeeded(chunk_at(UPDATE, inputs, 1), records(101))
    fail(collector, UPDATE, 0)
    fail(collector, UPDATE, 2)
    response = collector.response()
    with pytest.raises(BatchFailed, match="2 of 3 records") as caught:
        response.raise_for_failures()

    kept = [outcome.error for outcome in response.failures]
    raised = caught.value.exceptions
    assert [type(error) for error in raised] == [RecordInvalid, RecordInvalid]
    assert all(error.__traceback__ is None for error in kept if error)
    assert not {id(error) for error in raised} & {id(error) for error in kept}
    assert [str(error) for error in raised] == [str(error) for error in kept]


def test_raise_for_failures_notes_what_each_error_is_about() -> None:
    collector, inputs = collect(UPDATE, 3)
    collector.succeeded(chunk_at(UPDATE, inputs, 1), records(1))
    for index in (0, 2):
        fail(collector, UPDATE, index)
    response = collector.response()
    kept = response.failures[1].error
    assert kept is not None
    kept.add_note("the caller's own")
    for _ in range(2):  # a second time it says the same
        with pytest.raises(BatchFailed) as caught:
            response.raise_for_failures()
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own
        for error in (caught.value, again):
            assert [one.__notes__ for one in error.exceptions] == [
                ["input 0"],
                ["the caller's own", "input 2"],
            ]
            assert error.total == 2
    assert kept.__notes__ == ["the caller's own"]
    assert not hasattr(response.failures[0].error, "__notes__")


def test_the_note_has_the_id_where_it_is_known() -> None:
    collector, inputs = collect(READ, 1)
    error = RecordInvalid("no")
    status = OutcomeStatus.FAILED
    collector.failed([unsuccessful(READ.call, 0, inputs[0], error, status, key="512")])
    with pytest.raises(BatchFailed) as caught:
        collector.response().raise_for_failures()
    assert caught.value.exceptions[0].__notes__ == ["input 0, id 512"]


def test_a_group_has_the_first_thousand_and_the_total() -> None:
    collector, inputs = collect(UPDATE, 1_500)
    last = range(1_200, 1_500)
    collector.succeeded(chunk_at(UPDATE, inputs, *last), records(*last))
    for index in range(1_200):
        fail(collector, UPDATE, index)
    with pytest.raises(BatchFailed, match="1,200 of 1,500 records did not") as caught:
        collector.response().raise_for_failures()
    assert (len(caught.value.exceptions), caught.value.total) == (1_000, 1_200)
    assert "first 1,000" in str(caught.value)
    assert caught.value.exceptions[-1].__notes__ == ["input 999"]


@given(
    st.lists(st.sampled_from(["COMPLETE", "PENDING", "CANCELED", "ODD"]), max_size=3),
    st.sampled_from(
        [
            ("failed", "VALIDATION_ERROR"),
            ("failed", "INVALID_INPUT"),
            ("failed", "UNAVAILABLE"),
            ("failed", "PAGING"),
            ("unknown", "OUTCOME_UNKNOWN"),
            ("not_sent", "NOT_SENT"),
        ]
    ),
)
def test_the_status_is_canceled_if_anything_lacks_an_answer(
    parts: list[str], ending: tuple[str, str]
) -> None:
    """Whatever the parts say; a refusal is an answer."""
    collector, inputs = collect(UPDATE, 2)
    for status in parts:
        part: Any = BatchResponse(status)
        matched = MatchedAnswer(part, records(1), {}, [], [])
        collector.answered(chunk_at(UPDATE, inputs, 0), matched)
    collector.succeeded(chunk_at(UPDATE, inputs, 0), records(1))
    status, category = ending
    error = RecordInvalid("no", category=category, origin="hubbatch")
    collector.failed(
        [unsuccessful(UPDATE.call, 1, inputs[1], error, OutcomeStatus(status))]
    )
    response = collector.response()
    answered = category in ("VALIDATION_ERROR", "INVALID_INPUT")
    said = merge(BatchResponse(status) for status in parts).status
    assert response.status == (said if answered else "CANCELED")
    assert not response.ok


def test_warnings_are_those_of_the_result() -> None:
    warning = {
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": "date_of_birth was normalized",
        "context": {"propertyName": "date_of_birth", "rawValue": "1"},
    }
    [record] = records(1)
    assert succeeded(UPDATE.call, 0, "x", record, 1, "1").warnings == []
    record.warnings = [warning]
    assert succeeded(UPDATE.call, 0, "x", record, 1, "1").warnings == [warning]
    for odd in ("text", 5, {"a": 1}, [None, "text", 5]):
        record.warnings = odd
        assert succeeded(UPDATE.call, 0, "x", record, 1, "1").warnings == []
    assert succeeded(UPDATE.call, 0, "x", None, 1, "1").warnings == []


def test_a_response_can_be_pickled() -> None:
    """An error that ends a batch carries it, and errors travel between processes."""
    collector, inputs = collect(UPDATE, 2)
    collector.succeeded(chunk_at(UPDATE, inputs, 0), records(100))
    fail(collector, UPDATE, 1)
    again: CombinedResponse[Any] = pickle.loads(pickle.dumps(collector.response()))  # noqa: S301 -- our own

    assert [outcome.id for outcome in again.outcomes] == ["100", None]
    assert again.to_dict() == collector.response().to_dict()


def test_a_legacy_response() -> None:
    collector, inputs = collect(LEGACY, 1)
    record = LegacyObject("TICKET", 62515, 100)
    collector.answered(
        chunk_at(LEGACY, inputs, 0),
        MatchedAnswer(BatchResponse(results=[record]), [record], {}, [], []),
    )
    collector.succeeded(chunk_at(LEGACY, inputs, 0), [record])
    response = collector.response()

    assert response.outcomes[0].id == "100"
    assert response.started_at is None
    assert response.to_dict() == {
        "status": "COMPLETE",
        "results": [
            {
                "objectType": "TICKET",
                "portalId": 62515,
                "objectId": 100,
                "properties": {},
                "isDeleted": None,
            }
        ],
    }


@given(st.data())
def test_every_input_has_the_outcome_that_it_was_given(data: st.DataObject) -> None:
    """In whatever pieces and order the outcomes come."""
    count = data.draw(st.integers(0, 12))
    collector, inputs = collect(UPDATE, count)
    left = data.draw(st.permutations(range(count)))
    expected: dict[int, str | None] = {}
    while left:
        size = data.draw(st.integers(1, len(left)))
        indices, left = left[:size], left[size:]
        if data.draw(st.booleans()):
            ids = [900 + index for index in indices]
            collector.succeeded(chunk_at(UPDATE, inputs, *indices), records(*ids))
            expected |= {index: str(900 + index) for index in indices}
        else:
            for index in indices:
                fail(collector, UPDATE, index)
                expected[index] = None
    response = collector.response()

    assert {o.index: o.id for o in response.outcomes} == expected
    assert response.succeeded == sum(id_ is not None for id_ in expected.values())
    assert response.succeeded + len(response.failures) == count
    assert [r.id for r in response.results] == [
        id_ for _, id_ in sorted(expected.items()) if id_
    ]

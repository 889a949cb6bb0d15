"""Looking up creates whose answers were lost, as the resolver does it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from attrs import define

from hubbatch._outcomes.chunk_state import Certainty
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.effects import Wait
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.recovery import MAX_LOOKUPS, LostWrites, lookup_request
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._outcomes.verdicts import Answered, Refused, Retryable
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import request_body
from hubbatch.errors import APIError, OutcomeUnknown, RecordConflict, RecordNotFound
from hubbatch.models import SimplePublicObject

from .fake_run import FakeRun
from .helpers import chunk_of, respond


CREATE = operation_for(
    "objects", "create", "tickets", api_version="v3", reconcile_by="ref"
)
LOST = Retryable(APIError("bad gateway", status=502), maybe_processed=True)
CONFLICT = APIError("Existing ID: 7", status=409, category="CONFLICT")


def creates(count: int) -> list[dict[str, Any]]:
    return [{"properties": {"ref": f"R{n}", "subject": f"s{n}"}} for n in range(count)]


@define
class Creates(FakeRun):
    """A run of creates, and what HubSpot answers to what it sends."""

    operation: Operation = CREATE

    def lose(self, count: int = 3, now: float = 0.0) -> Chunk:
        """Lose the answer to some creates, and take what is sent next."""
        self.take_in(creates(count))
        self.resolve(self.take(now), LOST, now)
        return self.take(now)

    def find(
        self,
        chunk: Chunk,
        *found: Mapping[str, Any],
        absent: Any = (),
        completed: str | None = None,
        now: float = 0.0,
    ) -> None:
        """Answer a lookup with these records, and those refs as not found."""
        error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": [*absent]}}
        body = {
            "results": [*found],
            "errors": [error] if absent else [],
            "completedAt": completed,
        }
        operation, question = lookup_request(CREATE, chunk)
        verdict = classify(operation, question, respond(207 if absent else 200, body))
        assert isinstance(verdict, Answered)
        self.resolve(chunk, verdict, now)

    @property
    def reasons(self) -> list[str]:
        errors = [outcome.error for outcome in self.notes.unsuccessful]
        assert {*map(type, errors)} == {OutcomeUnknown}
        return [*map(str, errors)]


def record(number: int, **properties: str | None) -> dict[str, Any]:
    written = {"ref": f"R{number}", "subject": f"s{number}", **properties}
    return {"id": str(900 + number), "properties": written}


# ---- the question


def test_the_question_asks_by_the_unique_property_for_all_that_was_written() -> None:
    inputs: Sequence[Any] = [
        {"properties": {"ref": "A", "subject": "x"}},
        {"properties": {"ref": "b", "content": "y"}},
    ]
    operation, question = lookup_request(CREATE, chunk_of(CREATE, inputs, first=40))
    assert operation.path == "/crm/v3/objects/tickets/batch/read"
    assert question.indices == [40, 41]
    assert question.keys == ["ref\0a", "ref\0b"]
    assert orjson.loads(request_body(operation, question.bodies)) == {
        "idProperty": "ref",
        "inputs": [{"id": "A"}, {"id": "b"}],
        "properties": ["content", "ref", "subject"],
        "propertiesWithHistory": [],
    }


def test_a_record_without_the_unique_property_is_never_sent() -> None:
    run = Creates()
    run.take_in(
        [{"properties": {"subject": "x"}}, {"properties": {"ref": ""}}, *creates(1)]
    )
    assert run.statuses == {0: "failed", 1: "failed"}
    assert {o.error and o.error.category for o in run.notes.unsuccessful} == {
        "INVALID_INPUT"
    }
    assert {o.error and o.error.property_name for o in run.notes.unsuccessful} == {
        "ref"
    }
    assert run.take().indices == [2]


# ---- what is there, what is not, what is another's


def test_what_is_there_as_written_has_succeeded() -> None:
    run = Creates()
    chunk = run.lose()
    assert chunk.state.looking_up
    run.find(chunk, record(2), record(0, ref="r0"), record(1))
    assert run.statuses == dict.fromkeys(range(3), "succeeded")
    assert [run.notes.results[n].id for n in range(3)] == ["900", "901", "902"]
    assert run.queue.size == 0


def test_what_is_not_there_is_created_again_with_its_history() -> None:
    run = Creates()
    run.find(run.lose(), record(1), absent=["R0", "R2"])
    again = run.take()
    assert again.indices == [0, 2]
    assert (again.state.certainty, again.state.attempts) == (Certainty.NOT_FOUND, 3)
    assert run.statuses == {1: "succeeded"}


@pytest.mark.parametrize("other", [{"subject": "another's"}, {"subject": None}])
def test_what_is_there_with_another_value_is_not_claimed(
    other: dict[str, str | None],
) -> None:
    run = Creates()
    run.find(run.lose(2), record(0, **other), record(1))
    assert run.statuses == {0: "unknown", 1: "succeeded"}
    assert "differs from this input" in run.reasons[0]


def test_what_the_read_back_leaves_out_is_looked_for_again() -> None:
    run = Creates()
    run.find(run.lose(), record(0))
    left = run.take()
    assert (left.indices, left.state.looking_up) == ([1, 2], True)
    run.find(left, record(1))
    left = run.take()
    assert (left.indices, left.state.looking_up) == ([2], True)
    run.resolve(left, LOST)
    assert run.statuses == {0: "succeeded", 1: "succeeded", 2: "unknown"}
    assert "looked up 2 times, and then: it may have been written" in run.reasons[0]


def test_what_no_read_back_accounts_for_is_unknown() -> None:
    run = Creates()
    chunk = run.lose(4)
    for number in range(MAX_LOOKUPS):
        run.find(chunk, record(number))
        chunk = run.take() if run.queue.waiting(partial=True) else chunk
    assert {**run.statuses} == {
        0: "succeeded",
        1: "succeeded",
        2: "succeeded",
        3: "unknown",
    }
    assert "looked up 3 times, and then: it may have been written" in run.reasons[0]


def test_another_error_than_not_found_proves_nothing() -> None:
    run = Creates()
    chunk = run.lose(2)
    error = {"category": "INTERNAL", "context": {"ids": ["R1"]}}
    operation, question = lookup_request(CREATE, chunk)
    body = {"results": [record(0)], "errors": [error]}
    verdict = classify(operation, question, respond(207, body))
    assert isinstance(verdict, Answered)
    run.resolve(chunk, verdict)
    assert run.statuses == {0: "succeeded", 1: "unknown"}


# ---- a read-back that is refused


@pytest.mark.parametrize("isolate", [True, False])
def test_a_refused_question_is_taken_apart(*, isolate: bool) -> None:
    run = Creates(isolate=isolate)
    run.resolve(run.lose(2), Refused(APIError("no", status=400)))
    assert run.statuses == {}
    run.resolve(run.take(), Refused(APIError("no", status=400)))
    run.find(run.take(), record(1))
    assert run.statuses == {0: "unknown", 1: "succeeded"}
    assert "its lookup was refused" in run.reasons[0]


def test_a_404_for_several_does_not_say_that_none_is_there() -> None:
    run = Creates()
    error = APIError("not found", status=404, category="OBJECT_NOT_FOUND")
    missing = Refused(error)
    run.resolve(run.lose(2), missing)
    run.resolve(run.take(), missing)
    run.find(run.take(), record(1))
    again = run.take()
    assert (again.indices, again.state.looking_up) == ([0], False)
    assert run.statuses == {1: "succeeded"}


@pytest.mark.parametrize("category", [None, "VALIDATION_ERROR", "NOT_FOUND"])
def test_only_hubspots_own_word_shows_that_a_record_is_absent(
    category: str | None,
) -> None:
    """Another 404 may be a proxy's: to create the record again could double it."""
    run = Creates()
    error = APIError("not found", status=404, category=category)
    run.resolve(run.lose(1), Refused(error))
    assert run.statuses == {0: "unknown"}
    assert "its lookup was refused: " in run.reasons[0]


# ---- how long it waits, and what it keeps


def test_each_lookup_waits_twice_as_long_as_the_one_before() -> None:
    run = Creates(policy=RetryPolicy(attempts=4, base=0.5))
    run.take_in(creates(1))
    for _ in range(5):
        run.resolve(run.take(), LOST)
    waits = [effect.seconds for effect in run.effects if isinstance(effect, Wait)]
    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert run.statuses == {0: "unknown"}


def test_the_end_keeps_the_lost_requests_correlation_id() -> None:
    run = Creates(policy=RetryPolicy())
    run.take_in(creates(1))
    chunk = run.take()
    run.end("the batch was cancelled")
    error = APIError("bad gateway", status=502, correlation_id="c-1")
    run.resolve(chunk, Retryable(error, maybe_processed=True))
    assert run.statuses == {0: "unknown"}
    assert run.error(0).correlation_id == "c-1"
    assert "bad gateway" in run.reasons[0]


# ---- whose record it is


def dated(created: str, **properties: str) -> dict[str, Any]:
    return {**record(0, **properties), "createdAt": created}


@pytest.mark.parametrize(
    ("created", "status"),
    [
        ("2026-09-14T12:00:10.000Z", "succeeded"),  # when the request was under way
        ("2026-09-14T11:59:56.000Z", "succeeded"),  # clocks may differ so much
        ("2026-09-14T11:59:54.000Z", "unknown"),
        ("2019-01-01T00:00:00.000Z", "unknown"),
    ],
)
def test_a_record_from_before_the_lost_request_is_not_its_own(
    created: str, status: str
) -> None:
    """The request left 30 s before the answer that was completed at 12:00:30."""
    run = Creates()
    chunk = run.lose(1, now=1_000.0)
    end = "2026-09-14T12:00:30.000Z"
    run.find(chunk, dated(created), completed=end, now=1_030.0)
    assert run.statuses == {0: status}


def test_a_date_of_creation_that_was_written_tells_nothing() -> None:
    """A migration keeps the dates of its records."""
    run = Creates()
    old = "2019-01-01T00:00:00.000Z"
    given = creates(1)
    given[0]["properties"]["createdate"] = old
    run.take_in(given)
    run.resolve(run.take(now=1_000.0), LOST, now=1_000.0)
    chunk = run.take(now=1_000.0)
    end = "2026-09-14T12:00:30.000Z"
    run.find(chunk, dated(old, createdate=old), completed=end, now=1_030.0)
    assert run.statuses == {0: "succeeded"}


def test_no_record_is_given_to_two_inputs() -> None:
    """The second waited for the first, got lost, and finds the first's record."""
    run = Creates()
    run.take_in([*creates(1), *creates(1)])
    first = run.take()
    run.find(question_of(run, first), record(0))
    run.resolve(run.take(), LOST)
    run.find(run.take(), record(0))
    assert run.statuses == {0: "succeeded", 1: "unknown"}


def question_of(run: Creates, chunk: Chunk) -> Chunk:
    run.resolve(chunk, LOST)
    return run.take()


def test_only_the_last_records_are_remembered() -> None:
    """Memory stays bounded: an older one is told by its date."""
    lost = LostWrites(CREATE)
    for number in range(20_001):
        lost.remember([SimplePublicObject(str(number), {})])
    lost.remember([None])
    assert len(lost._known) == 20_000
    assert "0" not in lost._known


# ---- after it was created again


def created_again(run: Creates) -> Chunk:
    run.find(run.lose(1), {"id": "0", "properties": {}}, absent=["R0"])
    again = run.take()
    assert not again.state.looking_up
    return again


def test_a_conflict_with_the_late_first_write_is_looked_at() -> None:
    run = Creates()
    run.resolve(created_again(run), Refused(CONFLICT))
    chunk = run.take()
    assert chunk.state.looking_up
    run.find(chunk, record(0))
    assert run.statuses == {0: "succeeded"}


def test_a_conflict_of_the_first_attempt_is_a_failure() -> None:
    run = Creates()
    run.take_in(creates(1))
    run.resolve(run.take(), Refused(CONFLICT))
    assert run.statuses == {0: "failed"}
    assert type(run.notes.unsuccessful[0].error) is RecordConflict


def test_another_refusal_of_the_second_attempt_is_a_failure() -> None:
    """What is not valid now was not valid before."""
    run = Creates()
    refusal = APIError("invalid", status=400, category="VALIDATION_ERROR")
    run.resolve(created_again(run), Refused(refusal))
    assert run.statuses == {0: "failed"}


def test_conflicts_are_looked_at_so_often_and_no_more() -> None:
    run = Creates()
    chunk = created_again(run)
    for _ in range(MAX_LOOKUPS - 1):
        run.resolve(chunk, Refused(CONFLICT))
        run.find(run.take(), {"id": "0", "properties": {}}, absent=["R0"])
        chunk = run.take()
    run.resolve(chunk, Refused(CONFLICT))
    assert run.statuses == {0: "unknown"}
    assert "looked up 3 times, and then: created again" in run.reasons[0]


def test_what_is_half_written_is_looked_for() -> None:
    """Who owns the value is not claimed, and its neighbours are created again."""
    run = Creates()
    error = APIError("Cannot set PropertyValueCoordinates{...}", status=400)
    run.take_in(creates(2))
    run.resolve(run.take(), Refused(error, written=True))
    chunk = run.take()
    assert chunk.state.looking_up
    run.find(chunk, record(0, subject="theirs"), absent=["R1"])
    assert run.statuses == {0: "unknown"}
    again = run.take()
    assert (again.indices, again.state.looking_up) == ([1], False)


@pytest.mark.parametrize("end", ["end", "give up"])
def test_what_was_looked_for_may_still_be_written_late(end: str) -> None:
    """It is not `not_sent`: the lost request may yet have arrived."""
    run = Creates()
    again = created_again(run)
    if end == "end":
        run.end("the batch was cancelled")
        run.drop(again)
    else:
        locked = Retryable(APIError("Locked", status=423), maybe_processed=False)
        run.resolve(again, locked)
    assert run.statuses == {0: "unknown"}


def test_nothing_is_looked_for_after_the_end() -> None:
    run = Creates()
    run.take_in(creates(1))
    chunk = run.take()
    run.end("the batch was cancelled")
    run.resolve(chunk, LOST)
    assert run.statuses == {0: "unknown"}
    assert run.queue.size == 0


def test_what_is_half_written_is_not_looked_up_after_the_end() -> None:
    run = Creates()
    run.take_in(creates(2))
    chunk = run.take()
    run.end("the batch was cancelled")
    run.resolve(chunk, Refused(CONFLICT, written=True))
    run.check()
    assert run.statuses == {0: "unknown", 1: "unknown"}
    assert "may have written part" in run.reasons[0]


def test_a_read_back_that_is_given_up() -> None:
    run = Creates()
    run.resolve(run.lose(1), LOST)
    assert run.statuses == {0: "unknown"}
    assert "its lookup failed" in run.reasons[0]


def test_equal_values_wait_for_each_other() -> None:
    run = Creates()
    [one] = creates(1)
    run.take_in([one, {"properties": {"ref": "r0"}}])
    first = run.take()
    assert first.indices == [0]
    assert not run.queue.waiting(partial=True)
    run.resolve(first, LOST)
    run.find(run.take(), record(0))
    second = run.take()
    assert second.indices == [1]
    run.resolve(second, Refused(CONFLICT))
    assert run.statuses == {0: "succeeded", 1: "failed"}


def test_not_found_is_the_error_that_is_waited_for() -> None:
    """The tests above rest on it."""
    run = Creates()
    chunk = run.lose(1)
    operation, question = lookup_request(CREATE, chunk)
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["R0"]}}
    verdict = classify(
        operation, question, respond(207, {"results": [], "errors": [error]})
    )
    assert isinstance(verdict, Answered)
    assert type(verdict.matched.failed[0]) is RecordNotFound

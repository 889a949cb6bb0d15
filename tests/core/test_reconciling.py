"""Looking for creates whose answers were lost, as the ledger sees it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from attrs import define, field
from hubbatch.core.concluding import Concluder

from hubbatch.core.accounting import Ledger
from hubbatch.core.encoding import request_body
from hubbatch.core.operations import look_up
from hubbatch.core.planning import Chunk, Desk
from hubbatch.core.reading import classify
from hubbatch.core.reconciling import MOST_PROBES, Reconciler, probe
from hubbatch.core.verdicts import Answered, Refused, Retryable
from hubbatch.errors import APIError, OutcomeUnknown, RecordConflict, RecordNotFound
from hubbatch.models import SimplePublicObject

from .helpers import Notebook, chunk_of, respond


CREATE = look_up("objects", "create", "tickets", api_version="v3", reconcile_by="ref")
LOST = Retryable(APIError("bad gateway", status=502), arrived=True)
CONFLICT = APIError("Existing ID: 7", status=409, category="CONFLICT")


def creates(count: int) -> list[dict[str, Any]]:
    return [{"properties": {"ref": f"R{n}", "subject": f"s{n}"}} for n in range(count)]


@define
class Books:
    """A ledger, and what HubSpot answers to what it sends."""

    isolate: bool = True
    told: Notebook = field(factory=Notebook)
    desk: Desk = field(factory=lambda: Desk(100, 1000, CREATE.call.repeats))
    ledger: Ledger = field(init=False)
    concluder: Concluder = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ledger = Ledger(
            operation=CREATE,
            desk=self.desk,
            emit=self.told,
            freed=lambda: None,
        )
        self.concluder = Concluder(self.ledger, isolate=self.isolate)

    def lose(self, count: int = 3) -> Chunk:
        """Lose the answer to some creates, and take what is sent next."""
        self.ledger.take_in(creates(count))
        self.lost(self.take())
        return self.take()

    def lost(self, chunk: Chunk) -> None:
        """Lose the answer to a chunk of creates."""
        chunk.doubtful = True
        if self.concluder.look_for(chunk):
            self.desk.back([chunk])
        else:
            self.concluder.give_up(chunk, LOST)

    def take(self) -> Chunk:
        chunk = self.desk.take()
        chunk.attempts += 1
        return chunk

    def find(
        self,
        chunk: Chunk,
        *found: Mapping[str, Any],
        absent: Any = (),
        completed: str | None = None,
        now: float = 0.0,
    ) -> None:
        """Answer a question with these records, and those refs as not found."""
        error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": [*absent]}}
        body = {
            "results": [*found],
            "errors": [error] if absent else [],
            "completedAt": completed,
        }
        operation, question = probe(CREATE, chunk)
        verdict = classify(operation, question, respond(207 if absent else 200, body))
        assert isinstance(verdict, Answered)
        self.concluder.settle(chunk, verdict.settlement, now)

    @property
    def reasons(self) -> list[str]:
        assert all(type(o.error) is OutcomeUnknown for o in self.told.unsuccessful)
        return [str(outcome.error) for outcome in self.told.unsuccessful]


def record(number: int, **properties: str | None) -> dict[str, Any]:
    written = {"ref": f"R{number}", "subject": f"s{number}", **properties}
    return {"id": str(900 + number), "properties": written}


# ---- the question


def test_the_question_asks_by_the_unique_property_for_all_that_was_written() -> None:
    inputs: Sequence[Any] = [
        {"properties": {"ref": "A", "subject": "x"}},
        {"properties": {"ref": "b", "content": "y"}},
    ]
    operation, question = probe(CREATE, chunk_of(CREATE, inputs, first=40))
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
    books = Books()
    books.ledger.take_in(
        [{"properties": {"subject": "x"}}, {"properties": {"ref": ""}}, *creates(1)]
    )
    assert books.told.statuses == {0: "failed", 1: "failed"}
    assert {o.error and o.error.category for o in books.told.unsuccessful} == {
        "INVALID_INPUT"
    }
    assert {o.error and o.error.property_name for o in books.told.unsuccessful} == {
        "ref"
    }
    assert books.take().indices == [2]


# ---- what is there, what is not, what is another's


def test_what_is_there_as_written_has_succeeded() -> None:
    books = Books()
    chunk = books.lose()
    assert chunk.probing
    books.find(chunk, record(2), record(0, ref="r0"), record(1))
    assert books.told.statuses == dict.fromkeys(range(3), "succeeded")
    assert [books.told.results[n].id for n in range(3)] == ["900", "901", "902"]
    assert books.desk.size == 0


def test_what_is_not_there_is_created_again_with_its_history() -> None:
    books = Books()
    books.find(books.lose(), record(1), absent=["R0", "R2"])
    again = books.take()
    assert again.indices == [0, 2]
    assert (again.probing, again.doubtful, again.attempts) == (False, False, 3)
    assert books.told.statuses == {1: "succeeded"}


@pytest.mark.parametrize("other", [{"subject": "another's"}, {"subject": None}])
def test_what_is_there_with_another_value_is_not_claimed(
    other: dict[str, str | None],
) -> None:
    books = Books()
    books.find(books.lose(2), record(0, **other), record(1))
    assert books.told.statuses == {0: "unknown", 1: "succeeded"}
    assert "is not what was written" in books.reasons[0]


def test_what_the_read_back_leaves_out_is_looked_for_again() -> None:
    books = Books()
    books.find(books.lose(), record(0))
    left = books.take()
    assert (left.indices, left.probing) == ([1, 2], True)
    books.find(left, record(1))
    left = books.take()
    assert (left.indices, left.probing) == ([2], True)
    books.concluder.give_up(left, LOST)
    assert books.told.statuses == {0: "succeeded", 1: "succeeded", 2: "unknown"}
    assert "looked for 2 times, and then: it may have been written" in books.reasons[0]


def test_what_no_read_back_accounts_for_is_unknown() -> None:
    books = Books()
    chunk = books.lose(4)
    for number in range(MOST_PROBES):
        books.find(chunk, record(number))
        chunk = books.take() if books.desk.waiting(partial=True) else chunk
    assert {**books.told.statuses} == {
        0: "succeeded",
        1: "succeeded",
        2: "succeeded",
        3: "unknown",
    }
    assert "looked for 3 times, and then: it may have been written" in books.reasons[0]


def test_another_error_than_not_found_proves_nothing() -> None:
    books = Books()
    chunk = books.lose(2)
    error = {"category": "INTERNAL", "context": {"ids": ["R1"]}}
    operation, question = probe(CREATE, chunk)
    body = {"results": [record(0)], "errors": [error]}
    verdict = classify(operation, question, respond(207, body))
    assert isinstance(verdict, Answered)
    books.concluder.settle(chunk, verdict.settlement, 0.0)
    assert books.told.statuses == {0: "succeeded", 1: "unknown"}


# ---- a read-back that is refused


@pytest.mark.parametrize("isolate", [True, False])
def test_a_refused_question_is_taken_apart(*, isolate: bool) -> None:
    books = Books(isolate=isolate)
    books.concluder.refuse(books.lose(2), Refused(APIError("no", status=400)))
    assert books.told.statuses == {}
    books.concluder.refuse(books.take(), Refused(APIError("no", status=400)))
    books.find(books.take(), record(1))
    assert books.told.statuses == {0: "unknown", 1: "succeeded"}
    assert "reading it back was refused" in books.reasons[0]


def test_a_404_for_several_does_not_say_that_none_is_there() -> None:
    books = Books()
    missing = Refused(APIError("not found", status=404))
    books.concluder.refuse(books.lose(2), missing)
    books.concluder.refuse(books.take(), missing)
    books.find(books.take(), record(1))
    again = books.take()
    assert (again.indices, again.probing) == ([0], False)
    assert books.told.statuses == {1: "succeeded"}


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
    books = Books()
    chunk = books.lose(1)
    chunk.left_at = 1_000.0
    end = "2026-09-14T12:00:30.000Z"
    books.find(chunk, dated(created), completed=end, now=1_030.0)
    assert books.told.statuses == {0: status}


def test_a_date_of_creation_that_was_written_tells_nothing() -> None:
    """A migration keeps the dates of its records."""
    books = Books()
    old = "2019-01-01T00:00:00.000Z"
    given = creates(1)
    given[0]["properties"]["createdate"] = old
    books.ledger.take_in(given)
    books.lost(books.take())
    chunk = books.take()
    chunk.left_at = 1_000.0
    end = "2026-09-14T12:00:30.000Z"
    books.find(chunk, dated(old, createdate=old), completed=end, now=1_030.0)
    assert books.told.statuses == {0: "succeeded"}


def test_no_record_is_given_to_two_inputs() -> None:
    """The second waited for the first, got lost, and finds the first's record."""
    books = Books()
    books.ledger.take_in([*creates(1), *creates(1)])
    first = books.take()
    books.find(question_of(books, first), record(0))
    books.lost(books.take())
    books.find(books.take(), record(0))
    assert books.told.statuses == {0: "succeeded", 1: "unknown"}


def question_of(books: Books, chunk: Chunk) -> Chunk:
    books.lost(chunk)
    return books.take()


def test_only_the_last_records_are_remembered() -> None:
    """Memory stays bounded: an older one is told by its date."""
    books = Books()
    reconciler = Reconciler(CREATE, books.ledger)
    for number in range(20_001):
        reconciler.remember([SimplePublicObject(str(number), {})])
    reconciler.remember([None])
    assert len(reconciler._given_out) == 20_000
    assert "0" not in reconciler._given_out


# ---- after it was created again


def created_again(books: Books) -> Chunk:
    books.find(books.lose(1), {"id": "0", "properties": {}}, absent=["R0"])
    again = books.take()
    assert not again.probing
    return again


def test_a_conflict_with_the_late_first_write_is_looked_at() -> None:
    books = Books()
    books.concluder.refuse(created_again(books), Refused(CONFLICT))
    chunk = books.take()
    assert chunk.probing
    books.find(chunk, record(0))
    assert books.told.statuses == {0: "succeeded"}


def test_a_conflict_of_the_first_attempt_is_a_failure() -> None:
    books = Books()
    books.ledger.take_in(creates(1))
    books.concluder.refuse(books.take(), Refused(CONFLICT))
    assert books.told.statuses == {0: "failed"}
    assert type(books.told.unsuccessful[0].error) is RecordConflict


def test_another_refusal_of_the_second_attempt_is_a_failure() -> None:
    """What is not valid now was not valid before."""
    books = Books()
    refusal = APIError("invalid", status=400, category="VALIDATION_ERROR")
    books.concluder.refuse(created_again(books), Refused(refusal))
    assert books.told.statuses == {0: "failed"}


def test_conflicts_are_looked_at_so_often_and_no_more() -> None:
    books = Books()
    chunk = created_again(books)
    for _ in range(MOST_PROBES - 1):
        books.concluder.refuse(chunk, Refused(CONFLICT))
        books.find(books.take(), {"id": "0", "properties": {}}, absent=["R0"])
        chunk = books.take()
    books.concluder.refuse(chunk, Refused(CONFLICT))
    assert books.told.statuses == {0: "unknown"}
    assert "looked for 3 times, and then: created again" in books.reasons[0]


def test_what_is_half_written_is_looked_for() -> None:
    """Who owns the value is not claimed, and its neighbours are created again."""
    books = Books()
    error = APIError("Cannot set PropertyValueCoordinates{...}", status=400)
    books.ledger.take_in(creates(2))
    books.concluder.refuse(books.take(), Refused(error, written=True))
    chunk = books.take()
    assert chunk.probing
    books.find(chunk, record(0, subject="theirs"), absent=["R1"])
    assert books.told.statuses == {0: "unknown"}
    again = books.take()
    assert (again.indices, again.probing) == ([1], False)


@pytest.mark.parametrize("end", ["end", "give up"])
def test_what_was_looked_for_may_still_be_written_late(end: str) -> None:
    """It is not `not_sent`: the lost request may yet have arrived."""
    books = Books()
    again = created_again(books)
    if end == "end":
        books.ledger.end("the batch was cancelled")
        books.ledger.drop(again)
    else:
        locked = Retryable(APIError("Locked", status=423), arrived=False)
        books.concluder.give_up(again, locked)
    assert books.told.statuses == {0: "unknown"}


def test_nothing_is_looked_for_after_the_end() -> None:
    books = Books()
    books.ledger.take_in(creates(1))
    chunk = books.take()
    books.ledger.end("the batch was cancelled")
    books.lost(chunk)
    assert books.told.statuses == {0: "unknown"}
    assert books.desk.size == 0


def test_a_read_back_that_is_given_up() -> None:
    books = Books()
    books.concluder.give_up(books.lose(1), LOST)
    assert books.told.statuses == {0: "unknown"}
    assert "could not be read back" in books.reasons[0]


def test_equal_values_wait_for_each_other() -> None:
    books = Books()
    [one] = creates(1)
    books.ledger.take_in([one, {"properties": {"ref": "r0"}}])
    first = books.take()
    assert first.indices == [0]
    assert not books.desk.waiting(partial=True)
    books.lost(first)
    books.find(books.take(), record(0))
    second = books.take()
    assert second.indices == [1]
    books.concluder.refuse(second, Refused(CONFLICT))
    assert books.told.statuses == {0: "succeeded", 1: "failed"}


def test_not_found_is_the_error_that_is_waited_for() -> None:
    """The tests above rest on it."""
    books = Books()
    chunk = books.lose(1)
    operation, question = probe(CREATE, chunk)
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["R0"]}}
    verdict = classify(
        operation, question, respond(207, {"results": [], "errors": [error]})
    )
    assert isinstance(verdict, Answered)
    assert type(verdict.settlement.failed[0]) is RecordNotFound

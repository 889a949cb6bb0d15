"""The ledger: whatever happens to chunks, every input has one outcome."""

from collections.abc import Mapping
from typing import Any

import pytest

from attrs import define, field
from hubbatch.core.concluding import Concluder
from hypothesis import given
from hypothesis import strategies as st

from hubbatch.core import outcomes
from hubbatch.core.accounting import Ledger
from hubbatch.core.collecting import Collector
from hubbatch.core.operations import Operation, look_up
from hubbatch.core.outcomes import Outcome
from hubbatch.core.planning import Chunk, Desk
from hubbatch.core.reading import classify
from hubbatch.core.stopping import FailureWatch
from hubbatch.core.verdicts import (
    Answered,
    EndpointNotFound,
    Refused,
    Retryable,
    Throttled,
)
from hubbatch.errors import (
    APIError,
    HubBatchError,
    OutcomeUnknown,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)

from .helpers import (
    ARCHIVE,
    CREATE,
    LEGACY,
    OPERATIONS,
    READ,
    UPDATE,
    UPSERT,
    Notebook,
    respond,
    some_inputs,
)


@define
class Books:
    """A ledger over a desk, and what it told."""

    operation: Operation
    isolate: bool = True
    frees: int = 0
    told: Notebook = field(factory=Notebook)
    desk: Desk = field(init=False)
    ledger: Ledger = field(init=False)
    concluder: Concluder = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.desk = Desk(100, 1000, self.operation.call.repeats)
        self.ledger = Ledger(
            operation=self.operation,
            desk=self.desk,
            emit=self.told,
            freed=self.on_freed,
        )
        self.concluder = Concluder(self.ledger, isolate=self.isolate)

    def on_freed(self) -> None:
        self.frees += 1

    def begin(self, count: int = 3) -> Chunk:
        """Take inputs in, and one chunk of them out."""
        self.ledger.take_in(some_inputs(self.operation, count))
        return self.take()

    def take(self) -> Chunk:
        chunk = self.desk.take()
        chunk.attempts += 1
        return chunk

    def answer(self, chunk: Chunk, body: object, status: int = 200) -> None:
        verdict = classify(self.operation, chunk, respond(status, body))
        assert isinstance(verdict, Answered)
        self.concluder.settle(chunk, verdict.settlement, 0.0)

    @property
    def statuses(self) -> dict[int, str]:
        return self.told.statuses

    def error(self, index: int) -> RecordError:
        [error] = [o.error for o in self.told.unsuccessful if o.index == index]
        assert error is not None
        return error

    def check(self) -> None:
        """All that was taken in has its outcome, and nothing is held any more."""
        summary = self.ledger.summary
        statuses = [*self.statuses.values()]
        assert [*self.statuses] == [*range(summary.inputs)]
        assert summary.settled == summary.inputs
        assert {
            name: getattr(summary, name)
            for name in ("succeeded", "failed", "unknown", "not_sent")
        } == {
            name: statuses.count(name)
            for name in ("succeeded", "failed", "unknown", "not_sent")
        }
        assert self.desk.size == 0


def refusal(**options: Any) -> Refused:
    error = APIError("no", status=400, category="VALIDATION_ERROR")
    return Refused(error, **options)


def results(*ids: int) -> Mapping[str, Any]:
    return {"results": [{"id": str(n), "properties": {}} for n in ids]}


# ---- taking in


def test_good_inputs_wait_at_the_desk() -> None:
    books = Books(UPDATE)
    chunk = books.begin(3)

    assert chunk.indices == [0, 1, 2]
    assert books.told.inputs == some_inputs(UPDATE, 3)
    assert (books.ledger.summary.inputs, books.ledger.summary.settled) == (3, 0)


def test_a_bad_record_fails_on_the_spot_and_stops_nobody() -> None:
    books = Books(UPDATE)
    inputs = [
        {"id": "1", "properties": {"a": "b"}},
        {"id": "512.0", "properties": {}},
        {"id": "2", "properties": {"due": float("nan")}},
        {"id": "3", "properties": {}},
    ]
    books.ledger.take_in(inputs[:2])
    books.ledger.take_in(inputs[2:])
    outcomes = books.told.unsuccessful

    assert books.statuses == {1: "failed", 2: "failed"}
    assert books.take().indices == [0, 3]
    assert all(outcome.input is inputs[outcome.index] for outcome in outcomes)
    assert all(type(outcome.error) is RecordInvalid for outcome in outcomes)
    assert {books.error(n).category for n in (1, 2)} == {"INVALID_INPUT"}
    assert {books.error(n).origin for n in (1, 2)} == {"hubbatch"}
    assert [books.error(n).property_name for n in (1, 2)] == ["id", "due"]
    assert {outcome.attempts for outcome in outcomes} == {0}
    assert all(outcome.safe_to_resend for outcome in outcomes)


class Hostile(dict[str, object]):
    """A record whose own methods raise, as a lazy row of a closed cursor does."""

    def get(self, *_: object) -> Any:
        raise ConnectionError("the cursor is closed")


@pytest.mark.parametrize("operation", [CREATE, UPDATE, READ, LEGACY])
def test_an_input_that_cannot_be_read_stops_nobody(operation: Operation) -> None:
    books = Books(operation)
    [fine] = some_inputs(operation, 1)
    books.ledger.take_in([Hostile(), fine])

    assert books.statuses == {0: "failed"}
    assert books.error(0).category == "INVALID_INPUT"
    assert "the cursor is closed" in books.error(0).message
    assert books.take().indices == [1]


def test_a_block_of_bad_records_alone() -> None:
    books = Books(READ)
    books.ledger.take_in([None, ""])
    books.check()

    assert books.statuses == {0: "failed", 1: "failed"}
    assert books.desk.waiting(partial=True) == 0


# ---- answers


def test_a_full_answer() -> None:
    books = Books(UPDATE)
    books.answer(books.begin(3), results(102, 100, 101))
    books.check()

    assert [books.told.results[n].id for n in range(3)] == ["100", "101", "102"]
    assert len(books.told.settlements) == 1
    assert books.frees == 1


def test_an_answer_with_errors() -> None:
    books = Books(UPDATE)
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["101", "102"]}}
    books.answer(books.begin(3), {**results(100), "errors": [error]}, 207)
    books.check()

    assert books.statuses == {0: "succeeded", 1: "failed", 2: "failed"}
    assert type(books.error(1)) is RecordNotFound
    assert {outcome.id for outcome in books.told.unsuccessful} == {"101", "102"}


def test_an_answer_of_errors_alone() -> None:
    books = Books(READ)
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["100", "101"]}}
    books.answer(books.begin(2), {"results": [], "errors": [error]}, 207)
    books.check()

    assert books.statuses == {0: "failed", 1: "failed"}


@pytest.mark.parametrize("operation", [READ, UPDATE, UPSERT])
def test_what_an_answer_leaves_out_is_asked_for_once_more_alone(
    operation: Operation,
) -> None:
    books = Books(operation)
    chunk = books.begin(3)
    names = [
        str(given["id"] if isinstance(given, dict) else given) for given in chunk.inputs
    ]
    first = {"id": names[0], "properties": {"ref": names[0]}}
    books.answer(chunk, {"results": [first]})

    assert books.statuses == {0: "succeeded"}
    singles = [books.take(), books.take()]
    assert [single.indices for single in singles] == [[1], [2]]
    assert all(single.asked_again and single.attempts == 2 for single in singles)
    assert books.desk.size == 2
    for single, number in zip(singles, (101, 102), strict=True):
        books.answer(single, results(number))
    books.check()


def test_what_an_answer_leaves_out_of_a_create_is_unknown() -> None:
    books = Books(CREATE)
    body = {"results": [{"id": "1", "properties": {}, "objectWriteTraceId": "0"}]}
    books.answer(books.begin(2), body, 201)
    books.check()

    assert books.statuses == {0: "succeeded", 1: "unknown"}
    assert type(books.error(1)) is OutcomeUnknown
    assert not books.told.unsuccessful[0].safe_to_resend


def test_what_was_asked_for_again_is_unknown_at_last() -> None:
    books = Books(READ)
    chunk = books.begin(2)
    chunk.asked_again = True
    books.answer(chunk, results(100))
    books.check()

    assert books.statuses == {0: "succeeded", 1: "unknown"}


def test_nothing_is_parked_after_the_end() -> None:
    books = Books(UPDATE)
    chunk = books.begin(2)
    books.ledger.end("the batch was cancelled")
    books.ledger.park(chunk)
    books.check()

    assert books.statuses == {0: "not_sent", 1: "not_sent"}


def test_nothing_is_asked_for_again_after_the_end() -> None:
    books = Books(READ)
    chunk = books.begin(2)
    books.ledger.end("the batch was cancelled")
    books.answer(chunk, results(100))
    books.check()

    assert books.statuses == {0: "succeeded", 1: "not_sent"}


@pytest.mark.parametrize("operation", [READ, ARCHIVE])
def test_equal_keys_share_one_answer(operation: Operation) -> None:
    books = Books(operation)
    books.ledger.take_in(["100", 100, {"id": "100"}, "101"])
    chunk = books.take()
    assert (len(chunk), chunk.count) == (2, 4)
    if operation is READ:
        books.answer(chunk, results(101, 100))
    else:
        books.answer(chunk, b"", 204)
    books.check()

    assert set(books.statuses.values()) == {"succeeded"}


def test_equal_keys_share_an_error() -> None:
    books = Books(READ)
    books.ledger.take_in(["100", "101", "100"])
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["100"]}}
    books.answer(books.take(), {**results(101), "errors": [error]}, 207)
    books.check()

    assert books.statuses == {0: "failed", 1: "succeeded", 2: "failed"}


def test_a_second_write_to_a_record_follows_the_first() -> None:
    books = Books(UPDATE)
    books.ledger.take_in(2 * some_inputs(UPDATE, 1))
    first = books.take()
    assert (first.indices, books.desk.waiting(partial=True)) == ([0], 0)
    books.answer(first, results(100))
    books.answer(books.take(), results(100))
    books.check()


# ---- asked for again, and still in doubt


def asked_again(operation: Operation) -> tuple[Books, Chunk]:
    """Have an answer leave the last of three inputs out, and take that one again."""
    books = Books(operation)
    chunk = books.begin(3)
    named = [str(chunk.inputs[n]["id"]) for n in (0, 1)]  # type: ignore[index] # dicts
    body = [
        {"id": text, "properties": {"ref": text}, "objectWriteTraceId": str(n)}
        for n, text in enumerate(named)
    ]
    books.answer(chunk, {"results": body})
    single = books.take()
    assert (single.indices, single.doubtful) == ([2], True)
    return books, single


NOT_TAKEN = {
    "423": Retryable(APIError("locked", status=423), arrived=False),
    "429": Throttled(10.0),
}


@pytest.mark.parametrize("operation", [UPDATE, UPSERT])
@pytest.mark.parametrize("verdict", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_what_an_answer_left_out_stays_in_doubt(
    operation: Operation, verdict: Any
) -> None:
    """The first request may have written it: `not_sent` would be a guess."""
    books, single = asked_again(operation)
    books.concluder.give_up(single, verdict)
    books.check()

    assert books.statuses == {0: "succeeded", 1: "succeeded", 2: "unknown"}


@pytest.mark.parametrize("operation", [UPDATE, UPSERT])
def test_what_an_answer_left_out_stays_in_doubt_at_the_end(
    operation: Operation,
) -> None:
    books, single = asked_again(operation)
    books.ledger.end("the batch was ended by PermissionDeniedError")
    books.ledger.drop(single)
    books.check()

    assert books.statuses == {0: "succeeded", 1: "succeeded", 2: "unknown"}


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        (("900", "900"), "succeeded"),
        (("900", "102"), "succeeded"),
        (("900", "901"), "unknown"),
        (("102",), "succeeded"),
    ],
)
def test_another_record_is_believed_once_two_answers_name_it(
    answers: tuple[str, ...], status: str
) -> None:
    """One such answer may be to another request, whatever was left out before."""
    books, single = asked_again(UPDATE)
    for place, answered in enumerate(answers):
        taken = single if place == 0 else books.take()
        books.answer(taken, {"results": [{"id": answered, "properties": {}}]})
    books.check()

    assert books.statuses[2] == status
    assert books.desk.waiting(partial=True) == 0


def test_who_created_what_an_answer_left_out_is_not_known() -> None:
    books, single = asked_again(UPSERT)
    body = {"id": "9", "properties": {"ref": "r102"}, "new": False}
    books.answer(single, {"results": [body]})
    books.check()

    assert books.told.results[2].new is None


# ---- too many failures


def watched(number: int) -> tuple[Books, list[str]]:
    books = Books(UPDATE)
    stopped: list[str] = []

    def stop(error: HubBatchError) -> None:
        stopped.append(str(error))
        books.ledger.end("the batch was ended")

    books.ledger.watch = FailureWatch("tickets", number=number)
    books.ledger.stop = stop
    return books, stopped


def missing(*ids: int) -> Mapping[str, Any]:
    context = {"ids": [str(n) for n in ids]}
    error = {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": context}
    return {**results(100), "errors": [error]}


def test_too_many_failures_stop_once_and_all_are_accounted_for() -> None:
    books, stopped = watched(1)
    chunk = books.begin(5)
    books.ledger.take_in(some_inputs(CREATE, 2))  # no ids: they fail on the spot
    assert [text.split(",")[0] for text in stopped] == ["2 of 2 records failed"]
    books.answer(chunk, missing(101, 102, 103, 104), 207)
    books.check()

    assert len(stopped) == 1
    assert books.ledger.watch is None


def test_successes_are_told_to_the_watch() -> None:
    books, stopped = watched(1)
    books.answer(books.begin(3), missing(101, 102), 207)
    books.check()

    assert stopped == [
        "2 of 3 records failed, the last: gone (tickets). Nothing further was sent."
    ]


def test_what_was_taken_in_with_the_last_straw_is_not_sent() -> None:
    books, stopped = watched(0)
    books.ledger.take_in([{"properties": {}}, *some_inputs(UPDATE, 2)])
    assert len(stopped) == 1
    books.ledger.end("the batch was ended")
    books.check()

    assert books.statuses == {0: "failed", 1: "not_sent", 2: "not_sent"}


# ---- refusals


def test_a_refused_chunk_is_halved() -> None:
    books = Books(UPDATE)
    books.concluder.refuse(books.begin(5), refusal())

    assert [books.take().indices for _ in range(2)] == [[0, 1], [2, 3, 4]]
    assert books.ledger.summary.isolating == 2
    assert books.desk.size == 5
    assert books.frees == 1


def test_alone_a_refused_input_failed() -> None:
    books = Books(UPDATE)
    error = APIError(
        "Contact already exists. Existing ID: 7", status=409, correlation_id="c-1"
    )
    books.concluder.refuse(books.begin(1), Refused(error))
    books.check()
    told = books.error(0)

    assert books.statuses == {0: "failed"}
    assert isinstance(told, RecordConflict)
    assert (told.existing_id, told.correlation_id) == ("7", "c-1")
    assert books.told.unsuccessful[0].attempts == 1


def test_without_isolation_all_of_a_refused_chunk_failed() -> None:
    books = Books(UPDATE, isolate=False)
    books.concluder.refuse(books.begin(3), refusal())
    books.check()

    assert set(books.statuses.values()) == {"failed"}
    assert books.ledger.summary.isolating == 0


@pytest.mark.parametrize("because", ["duplicates", "inputs", "bytes"])
@pytest.mark.parametrize("isolate", [True, False])
def test_where_no_record_is_to_blame_none_fails(because: Any, *, isolate: bool) -> None:
    """A refusal for size or for duplicates says nothing about any record."""
    books = Books(UPDATE, isolate=isolate)
    books.concluder.refuse(books.begin(4), refusal(because=because))

    assert books.statuses == {}
    assert [books.take().indices for _ in range(2)] == [[0, 1], [2, 3]]


@pytest.mark.parametrize("count", [1, 3])
def test_a_refusal_that_may_have_written_leaves_all_unknown(count: int) -> None:
    books = Books(CREATE)
    books.concluder.refuse(books.begin(count), refusal(written=True))
    books.check()

    assert set(books.statuses.values()) == {"unknown"}
    assert "half-way" in books.error(0).message


def test_a_chunk_that_is_refused_after_the_end_is_dropped() -> None:
    books = Books(UPDATE)
    chunk = books.begin(3)
    books.ledger.end("the batch was cancelled")
    books.concluder.refuse(chunk, refusal())
    books.check()

    assert set(books.statuses.values()) == {"not_sent"}
    assert books.ledger.summary.isolating == 0


@pytest.mark.parametrize("operation", [UPDATE, UPSERT, ARCHIVE, LEGACY])
def test_parts_of_what_may_have_been_written_stay_in_doubt(
    operation: Operation,
) -> None:
    """HubSpot's own words would say that nothing was written; these are not."""
    books = Books(operation)
    books.concluder.refuse(books.begin(4), refusal(written=True))
    parts = [books.take(), books.take()]

    assert [part.doubtful for part in parts] == [True, True]
    books.concluder.give_up(parts[0], Throttled(10.0))
    books.ledger.end("the batch was ended")
    books.ledger.drop(parts[1])
    books.check()
    assert set(books.statuses.values()) == {"unknown"}


def test_what_a_refused_upsert_wrote_is_not_called_new_or_old() -> None:
    books = Books(UPSERT)
    books.concluder.refuse(books.begin(2), refusal(written=True))
    chunk = books.take()
    books.answer(chunk, {"results": [{"id": chunk.keys[0], "new": False}]})

    [result] = books.told.results.values()
    assert result.new is None


@pytest.mark.parametrize(
    ("operation", "status"),
    [(UPSERT, "unknown"), (UPDATE, "failed"), (ARCHIVE, "failed")],
)
def test_alone_only_what_creates_may_be_half_there(
    operation: Operation, status: str
) -> None:
    books = Books(operation)
    books.concluder.refuse(books.begin(1), refusal(written=True))
    books.check()

    assert books.statuses == {0: status}


def test_without_isolation_a_half_way_refusal_leaves_all_unknown() -> None:
    books = Books(UPDATE, isolate=False)
    books.concluder.refuse(books.begin(3), refusal(written=True))
    books.check()

    assert set(books.statuses.values()) == {"unknown"}


GONE = APIError("not there", status=404, category="OBJECT_NOT_FOUND")
TAKEN = APIError("Existing ID: 7", status=409, category="CONFLICT")
INVALID = APIError("not valid", status=400, category="VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("error", "to", "status"),
    [
        (GONE, {"ref": "new"}, "unknown"),  # the lost request has renamed it
        (GONE, {"ref": "OLD"}, "failed"),
        (GONE, {"subject": "x"}, "failed"),
        (TAKEN, {"subject": "x"}, "unknown"),  # by itself, perhaps
        (INVALID, {"ref": "new"}, "failed"),  # the first was refused likewise
    ],
)
@pytest.mark.parametrize("isolate", [True, False])
def test_a_refusal_after_a_lost_answer(
    error: APIError, to: Mapping[str, str], status: str, *, isolate: bool
) -> None:
    by_ref = look_up(
        "objects", "update", "tickets", api_version="v3", id_property="ref"
    )
    for doubtful, expected in ((True, status), (False, "failed")):
        books = Books(by_ref, isolate=isolate)
        books.ledger.take_in([{"id": "old", "properties": to}])
        chunk = books.take()
        chunk.doubtful = doubtful
        books.concluder.refuse(chunk, Refused(error))
        books.check()

        assert books.statuses == {0: expected}


HALF_WAY = APIError(
    "Cannot set PropertyValueCoordinates{...} on 0. 7 already has that value.",
    status=400,
    category="VALIDATION_ERROR",
)


def test_a_value_of_another_record_is_a_conflict_in_company_too() -> None:
    """What refused the whole chunk half-way names the owner when it is sent alone."""
    books = Books(UPDATE)
    books.concluder.refuse(books.begin(2), Refused(HALF_WAY, written=True))
    while books.desk.waiting(partial=True):
        chunk = books.take()
        if 0 in chunk.indices:
            books.concluder.refuse(chunk, Refused(HALF_WAY, written=True))
        else:
            books.answer(chunk, results(1))
    books.check()

    assert books.statuses == {0: "failed", 1: "succeeded"}
    error = books.error(0)
    assert isinstance(error, RecordConflict)
    assert error.existing_id == "7"


def test_a_value_of_the_record_itself_may_be_of_a_lost_request() -> None:
    books = Books(UPDATE)
    chunk = books.begin(1)
    chunk.doubtful = True
    told = f"Existing ID: {chunk.keys[0]}"
    itself = APIError(told, status=409, category="CONFLICT")
    books.concluder.refuse(chunk, Refused(itself))
    books.check()

    assert books.statuses == {0: "unknown"}


def test_unsplit_a_conflict_leaves_the_others_in_doubt() -> None:
    books = Books(UPDATE, isolate=False)
    chunk = books.begin(2)
    chunk.doubtful = True
    books.concluder.refuse(chunk, Refused(TAKEN))
    books.check()

    assert books.statuses == {0: "unknown", 1: "unknown"}


def test_an_id_is_no_name_that_can_change() -> None:
    books = Books(UPDATE)
    chunk = books.begin(1)
    chunk.doubtful = True
    books.concluder.refuse(chunk, Refused(GONE))
    books.check()

    assert books.statuses == {0: "failed"}


# ---- giving up

NO = APIError("it was not to be", status=503)
GIVE_UPS = {
    "again": Retryable(NO, arrived=False),
    "throttled": Throttled(10.0),
    "missing": EndpointNotFound(APIError("nothing there", status=404)),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("verdict", GIVE_UPS)
def test_what_surely_did_not_arrive(name: str, verdict: str) -> None:
    books = Books(OPERATIONS[name])
    books.concluder.give_up(books.begin(2), GIVE_UPS[verdict])  # type: ignore[arg-type] # one of the three
    books.check()

    status = "failed" if verdict == "missing" else "not_sent"
    reasons = {"again": "not to be", "throttled": "rate limit", "missing": "nothing"}
    assert set(books.statuses.values()) == {status}
    assert reasons[verdict] in books.error(0).message
    assert all(outcome.safe_to_resend for outcome in books.told.unsuccessful)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("verdict", GIVE_UPS)
def test_once_an_attempt_may_have_arrived_it_stays_so(name: str, verdict: str) -> None:
    """A read cannot have written anything: it failed."""
    books = Books(OPERATIONS[name])
    chunk = books.begin(2)
    chunk.doubtful = True
    books.concluder.give_up(chunk, GIVE_UPS[verdict])  # type: ignore[arg-type] # one of the three
    books.check()

    status = "failed" if name == "read" else "unknown"
    assert set(books.statuses.values()) == {status}
    resend = {outcome.safe_to_resend for outcome in books.told.unsuccessful}
    assert resend == {name != "create"}


def test_a_read_that_got_no_answer_says_why() -> None:
    books = Books(READ)
    chunk = books.begin(1)
    chunk.doubtful = True
    books.concluder.give_up(chunk, GIVE_UPS["again"])  # type: ignore[arg-type] # Again
    told = books.error(0)

    assert (told.category, told.origin) == ("UNAVAILABLE", "hubbatch")
    assert "it was not to be" in told.message


# ---- the end


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("doubtful", "in_flight"), [(False, False), (True, False), (False, True)]
)
def test_the_end(name: str, *, doubtful: bool, in_flight: bool) -> None:
    """What waits is not sent; what was under way may have been written."""
    books = Books(OPERATIONS[name])
    under_way = books.begin(2)
    under_way.doubtful, under_way.in_flight = doubtful, in_flight
    books.ledger.take_in(some_inputs(books.operation, 4)[2:])
    books.ledger.end("the batch was cancelled")
    books.ledger.end("another reason")
    assert {*books.statuses} == {2, 3}
    books.ledger.drop(under_way)
    books.check()

    unseen = (doubtful or in_flight) and name != "read"
    first = "unknown" if unseen else "not_sent"
    assert [*books.statuses.values()] == [first, first, "not_sent", "not_sent"]
    assert "the batch was cancelled" in books.error(0).message
    assert "the batch was cancelled" in books.error(3).message


@given(
    st.sampled_from(sorted(OPERATIONS)),
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.lists(
        st.sampled_from(["answer", "part", "refuse", "give up", "end", "drop", "take"]),
        max_size=12,
    ),
    st.booleans(),
)
def test_whatever_happens_every_input_has_one_outcome(
    name: str,
    keys: list[int],
    events: list[str],
    isolate: bool,  # noqa: FBT001 -- a strategy's
) -> None:
    books = Books(OPERATIONS[name], isolate=isolate)
    pool = some_inputs(books.operation, 5)
    books.ledger.take_in([*(pool[key] for key in keys), None])
    for event in [*events, *(500 * ["answer"])]:
        if not books.desk.waiting(partial=True):
            break
        chunk = books.take()
        happen(books, chunk, event)
    books.check()


def happen(books: Books, chunk: Chunk, event: str) -> None:
    match event:
        case "answer" | "part":
            part = chunk if event == "answer" else chunk.pick([0])
            verdict = classify(
                books.operation, chunk, respond(200, complete(books, part))
            )
            if isinstance(verdict, Answered):
                books.concluder.settle(chunk, verdict.settlement, 0.0)
            else:
                books.concluder.give_up(chunk, Retryable(NO, arrived=True))
        case "refuse":
            books.concluder.refuse(chunk, refusal())
        case "give up":
            books.concluder.give_up(chunk, GIVE_UPS["throttled"])  # type: ignore[arg-type] # Throttled
        case "end":
            books.ledger.end("the batch ended")
            books.ledger.drop(chunk)
        case "drop":
            books.ledger.drop(chunk)
        case _:
            books.desk.back([chunk])


def complete(books: Books, chunk: Chunk) -> object:
    """Answer for all inputs of a chunk."""
    if books.operation is LEGACY:
        return [{"objectId": int(key or 0)} for key in chunk.keys]
    return {
        "results": [
            {
                "id": key if key and key.isdecimal() else "900",
                "properties": {"ref": (key or "").partition("\0")[2]},
                "objectWriteTraceId": chunk.trace(position),
            }
            for position, key in enumerate(chunk.keys)
        ]
    }


# ---- what nobody wants any more


@pytest.mark.parametrize("name", OPERATIONS)
def test_withdrawn_input_was_not_sent(name: str) -> None:
    books = Books(OPERATIONS[name])
    inputs = some_inputs(books.operation, 3)
    books.ledger.take_in(inputs)
    books.ledger.withdraw(1, inputs[1])

    assert books.statuses == {1: "not_sent"}
    assert str(books.error(1)) == "NOT_SENT: withdrawn before it was sent"
    assert books.take().indices == [0, 2]
    assert books.frees == 1


def test_input_that_has_left_is_not_withdrawn() -> None:
    books = Books(UPDATE)
    chunk = books.begin()
    books.ledger.withdraw(0, chunk.inputs[0])

    assert (books.statuses, books.frees) == ({}, 0)
    books.ledger.end("over")
    books.ledger.drop(chunk)
    books.check()


def test_input_that_was_changed_since_is_withdrawn() -> None:
    """It is found by its index; nothing is encoded again."""
    books = Books(UPDATE)
    [given] = some_inputs(UPDATE, 1)
    books.ledger.take_in([given])
    given["id"] = None
    books.ledger.withdraw(0, given)

    assert books.told.statuses == {0: "not_sent"}
    assert books.ledger.summary.not_sent == 1
    assert books.desk.size == 0


class Untouchable:
    """An input that nothing may look at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def test_what_is_left_out_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = outcomes.unsuccessful

    def counted(*args: Any, **more: Any) -> Outcome[Any]:
        made.append(args[1])
        return real(*args, **more)

    monkeypatch.setattr(outcomes, "unsuccessful", counted)
    collector: Collector[Any] = Collector(UPDATE)
    desk = Desk(100, 1_000, UPDATE.call.repeats)
    ledger = Ledger(operation=UPDATE, desk=desk, emit=collector, freed=lambda: None)
    ledger.take_in(some_inputs(UPDATE, 3))
    ledger.end("the batch was cancelled")
    rest: list[Any] = [Untouchable() for _ in range(1_000)]
    ledger.leave_out(rest)
    ledger.leave_out([])
    ledger.leave_out(rest[:10])
    response = collector.response()

    assert made == []
    assert ledger.summary.inputs == ledger.summary.not_sent == 1_013
    assert (response.succeeded, len(response.failures)) == (0, 1_013)
    assert len(response.not_sent) == len(response.outcomes) == 1_013
    assert (len(response.failed), len(response.unknown)) == (0, 0)
    assert made == []
    assert response.outcomes[1_000].input is rest[997]
    assert response.not_sent[-1].index == 1_012
    assert response.outcomes[-1].input is rest[9]
    assert made == [1_000, 1_012, 1_012]


def test_a_dropped_chunk_makes_no_outcome_before_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outcomes, "unsuccessful", lambda *_, **__: pytest.fail("made"))
    collector: Collector[Any] = Collector(UPDATE)
    desk = Desk(100, 10_000, UPDATE.call.repeats)
    ledger = Ledger(operation=UPDATE, desk=desk, emit=collector, freed=lambda: None)
    ledger.take_in(some_inputs(UPDATE, 5_000))
    chunk = desk.take()
    chunk.in_flight = True
    ledger.end("the batch was cancelled")
    ledger.drop(chunk)
    response = collector.response()

    assert (len(response.unknown), len(response.not_sent)) == (100, 4_900)

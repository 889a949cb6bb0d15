"""The resolver: what is answered, left out, given up; every input has one outcome."""

from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.chunk_state import Certainty, Role, Step
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.effects import NoteAnswer, Requeue, Succeed, Unpark, Wait
from hubbatch._outcomes.queue import Chunk, Place
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._outcomes.verdicts import (
    Answered,
    EndpointNotFound,
    Fatal,
    Retryable,
    Throttled,
    Unauthorized,
    Verdict,
)
from hubbatch._wire.endpoints import Operation
from hubbatch.errors import APIError, OutcomeUnknown, RecordNotFound

from .fake_run import FakeRun
from .helpers import (
    ARCHIVE,
    CREATE,
    LEGACY,
    OPERATIONS,
    READ,
    UPDATE,
    UPSERT,
    refusal,
    respond,
    results,
    some_inputs,
)


# ---- answers


def test_a_full_answer() -> None:
    run = FakeRun(UPDATE)
    run.answer(run.begin(3), results(102, 100, 101))
    run.check()

    assert [run.notes.results[n].id for n in range(3)] == ["100", "101", "102"]
    assert len(run.notes.answers) == 1
    assert [*map(type, run.effects)] == [Unpark, NoteAnswer, Succeed]


def test_an_answer_with_errors() -> None:
    run = FakeRun(UPDATE)
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["101", "102"]}}
    run.answer(run.begin(3), {**results(100), "errors": [error]}, 207)
    run.check()

    assert run.statuses == {0: "succeeded", 1: "failed", 2: "failed"}
    assert type(run.error(1)) is RecordNotFound
    assert {outcome.id for outcome in run.notes.unsuccessful} == {"101", "102"}


def test_an_answer_of_errors_alone() -> None:
    run = FakeRun(READ)
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["100", "101"]}}
    run.answer(run.begin(2), {"results": [], "errors": [error]}, 207)
    run.check()

    assert run.statuses == {0: "failed", 1: "failed"}


@pytest.mark.parametrize("operation", [READ, UPDATE, UPSERT])
def test_what_an_answer_leaves_out_is_asked_for_once_more_alone(
    operation: Operation,
) -> None:
    run = FakeRun(operation)
    chunk = run.begin(3)
    names = [
        str(given["id"] if isinstance(given, dict) else given) for given in chunk.inputs
    ]
    first = {"id": names[0], "properties": {"ref": names[0]}}
    run.answer(chunk, {"results": [first]})

    assert run.statuses == {0: "succeeded"}
    singles = [run.take(), run.take()]
    assert [single.indices for single in singles] == [[1], [2]]
    assert all(Role.ALONE in single.state.roles for single in singles)
    assert all(single.state.attempts == 2 for single in singles)
    assert run.queue.size == 2
    for single, number in zip(singles, (101, 102), strict=True):
        run.answer(single, results(number))
    run.check()


def test_what_an_answer_leaves_out_of_a_create_is_unknown() -> None:
    run = FakeRun(CREATE)
    body = {"results": [{"id": "1", "properties": {}, "objectWriteTraceId": "0"}]}
    run.answer(run.begin(2), body, 201)
    run.check()

    assert run.statuses == {0: "succeeded", 1: "unknown"}
    assert type(run.error(1)) is OutcomeUnknown
    assert not run.notes.unsuccessful[0].safe_to_resend


def test_what_was_asked_for_again_is_unknown_at_last() -> None:
    run = FakeRun(READ)
    chunk = run.begin(2)
    chunk = chunk.after(Step.LOSE).after(Step.ASK_ALONE)
    run.answer(chunk, results(100))
    run.check()

    assert run.statuses == {0: "succeeded", 1: "unknown"}


def test_nothing_is_parked_after_the_end() -> None:
    run = FakeRun(UPDATE)
    chunk = run.begin(2)
    run.end("the batch was cancelled")
    run.apply([Requeue([chunk], Place.PARKED)])
    run.check()

    assert run.statuses == {0: "not_sent", 1: "not_sent"}


def test_nothing_is_asked_for_again_after_the_end() -> None:
    run = FakeRun(READ)
    chunk = run.begin(2)
    run.end("the batch was cancelled")
    run.answer(chunk, results(100))
    run.check()

    assert run.statuses == {0: "succeeded", 1: "not_sent"}


@pytest.mark.parametrize("operation", [READ, ARCHIVE])
def test_equal_keys_share_one_answer(operation: Operation) -> None:
    run = FakeRun(operation)
    run.take_in(["100", 100, {"id": "100"}, "101"])
    chunk = run.take()
    assert (len(chunk), chunk.count) == (2, 4)
    if operation is READ:
        run.answer(chunk, results(101, 100))
    else:
        run.answer(chunk, b"", 204)
    run.check()

    assert set(run.statuses.values()) == {"succeeded"}


def test_equal_keys_share_an_error() -> None:
    run = FakeRun(READ)
    run.take_in(["100", "101", "100"])
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["100"]}}
    run.answer(run.take(), {**results(101), "errors": [error]}, 207)
    run.check()

    assert run.statuses == {0: "failed", 1: "succeeded", 2: "failed"}


def test_a_second_write_to_a_record_follows_the_first() -> None:
    run = FakeRun(UPDATE)
    run.take_in(2 * some_inputs(UPDATE, 1))
    first = run.take()
    assert (first.indices, run.queue.waiting(partial=True)) == ([0], 0)
    run.answer(first, results(100))
    run.answer(run.take(), results(100))
    run.check()


# ---- asked for again, and still in doubt


def asked_again(operation: Operation) -> tuple[FakeRun, Chunk]:
    """Have an answer leave the last of three inputs out, and take that one again."""
    run = FakeRun(operation)
    chunk = run.begin(3)
    named = [str(chunk.inputs[n]["id"]) for n in (0, 1)]  # type: ignore[index] # dicts
    body = [
        {"id": text, "properties": {"ref": text}, "objectWriteTraceId": str(n)}
        for n, text in enumerate(named)
    ]
    run.answer(chunk, {"results": body})
    single = run.take()
    certainty = single.state.certainty
    assert (single.indices, certainty) == ([2], Certainty.MAYBE_WRITTEN)
    return run, single


NOT_TAKEN = {
    "423": Retryable(APIError("locked", status=423), maybe_processed=False),
    "429": Throttled(10.0),
}


@pytest.mark.parametrize("operation", [UPDATE, UPSERT])
@pytest.mark.parametrize("verdict", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_what_an_answer_left_out_stays_in_doubt(
    operation: Operation, verdict: Any
) -> None:
    """The first request may have written it: `not_sent` would be a guess."""
    run, single = asked_again(operation)
    run.resolve(single, verdict)
    run.check()

    assert run.statuses == {0: "succeeded", 1: "succeeded", 2: "unknown"}


@pytest.mark.parametrize("operation", [UPDATE, UPSERT])
def test_what_an_answer_left_out_stays_in_doubt_at_the_end(
    operation: Operation,
) -> None:
    run, single = asked_again(operation)
    run.end("the batch was ended by PermissionDeniedError")
    run.drop(single)
    run.check()

    assert run.statuses == {0: "succeeded", 1: "succeeded", 2: "unknown"}


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
    run, single = asked_again(UPDATE)
    for place, answered in enumerate(answers):
        taken = single if place == 0 else run.take()
        run.answer(taken, {"results": [{"id": answered, "properties": {}}]})
    run.check()

    assert run.statuses[2] == status
    assert run.queue.waiting(partial=True) == 0


def test_who_created_what_an_answer_left_out_is_not_known() -> None:
    run, single = asked_again(UPSERT)
    body = {"id": "9", "properties": {"ref": "r102"}, "new": False}
    run.answer(single, {"results": [body]})
    run.check()

    assert run.notes.results[2].new is None


# ---- giving up

NO = APIError("it was not to be", status=503)
GIVE_UPS: dict[str, Verdict] = {
    "again": Retryable(NO, maybe_processed=False),
    "throttled": Throttled(10.0),
    "missing": EndpointNotFound(APIError("nothing there", status=404)),
}


def answering(operation: Operation) -> FakeRun:
    """Return a run whose first input HubSpot has answered: the endpoint exists."""
    run = FakeRun(operation, max_inputs=2)
    run.take_in(some_inputs(operation, 4)[2:3])
    answer_all(run, run.take())
    assert run.statuses == {0: "succeeded"}
    return run


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("verdict", GIVE_UPS)
def test_what_surely_did_not_arrive(name: str, verdict: str) -> None:
    run = answering(OPERATIONS[name])
    run.resolve(run.begin(2), GIVE_UPS[verdict])
    run.check()

    status = "failed" if verdict == "missing" else "not_sent"
    reasons = {"again": "not to be", "throttled": "rate limit", "missing": "nothing"}
    assert run.statuses == {0: "succeeded", 1: status, 2: status}
    assert reasons[verdict] in run.error(1).message
    assert all(outcome.safe_to_resend for outcome in run.notes.unsuccessful)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("verdict", GIVE_UPS)
def test_once_an_attempt_may_have_arrived_it_stays_so(name: str, verdict: str) -> None:
    """A read cannot have written anything: it failed."""
    run = answering(OPERATIONS[name])
    run.resolve(run.begin(2).after(Step.LOSE), GIVE_UPS[verdict])
    run.check()

    status = "failed" if name == "read" else "unknown"
    assert run.statuses == {0: "succeeded", 1: status, 2: status}
    resend = {outcome.safe_to_resend for outcome in run.notes.unsuccessful}
    assert resend == {name != "create"}


def test_a_path_that_no_chunk_was_answered_on_ends_the_batch() -> None:
    run = FakeRun(UPDATE)
    run.resolve(run.begin(2), GIVE_UPS["missing"])
    run.check()

    assert run.statuses == {0: "not_sent", 1: "not_sent"}
    assert [str(error) for error in run.ended_by] == ["404: nothing there."]


@pytest.mark.parametrize("verdict", [Unauthorized(NO), Fatal(NO)])
def test_other_verdicts_are_not_tried_again(verdict: Verdict) -> None:
    """A token that is refused once may have expired; another one may not have."""
    run = FakeRun(UPDATE, policy=RetryPolicy())
    chunk = run.begin(1)
    if isinstance(verdict, Unauthorized):
        run.resolve(chunk, verdict)
        [wait] = run.effects
        assert isinstance(wait, Wait)
        assert wait.seconds == 0.0
        chunk = run.take()
    run.resolve(chunk, verdict)
    run.check()

    assert run.statuses == {0: "not_sent"}
    assert run.ended_by == [NO]


def test_a_read_that_got_no_answer_says_why() -> None:
    run = FakeRun(READ)
    chunk = run.begin(1).after(Step.LOSE)
    run.resolve(chunk, GIVE_UPS["again"])
    told = run.error(0)

    assert (told.category, told.origin) == ("UNAVAILABLE", "hubbatch")
    assert "it was not to be" in told.message


# ---- whatever happens


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
    run = FakeRun(OPERATIONS[name], isolate=isolate)
    pool = some_inputs(run.operation, 5)
    run.take_in([*(pool[key] for key in keys), None])
    for event in [*events, *(500 * ["answer"])]:
        if not run.has_work:
            break
        happen(run, run.take(), event)
    run.check()


def happen(run: FakeRun, chunk: Chunk, event: str) -> None:
    match event:
        case "answer":
            answer_all(run, chunk)
        case "part":
            answer_all(run, chunk, chunk.pick([0]))
        case "refuse":
            run.resolve(chunk, refusal())
        case "give up":
            run.resolve(chunk, GIVE_UPS["throttled"])
        case "end":
            run.end("the batch ended")
            run.drop(chunk)
        case "drop":
            run.drop(chunk)
        case _:
            run.apply([Requeue([chunk])])


def answer_all(run: FakeRun, chunk: Chunk, part: Chunk | None = None) -> None:
    """Answer for all inputs of a chunk, or for a part of it."""
    body = complete(run, part or chunk)
    verdict = classify(run.operation, chunk, respond(200, body))
    if isinstance(verdict, Answered):
        run.resolve(chunk, verdict)
    else:
        run.resolve(chunk, Retryable(NO, maybe_processed=True))


def complete(run: FakeRun, chunk: Chunk) -> object:
    """Answer for all inputs of a chunk."""
    if run.operation is LEGACY:
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

"""The ledger: what is taken in, left out, withdrawn, dropped and counted."""

from collections.abc import Mapping
from typing import Any

import pytest

from hubbatch._outcomes import outcome as outcomes
from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.failure_limit import FailureLimit
from hubbatch._outcomes.outcome import Outcome
from hubbatch._outcomes.response import Collector
from hubbatch._wire.endpoints import Operation
from hubbatch.errors import RecordInvalid, TooManyFailures

from .fake_run import FakeRun
from .helpers import CREATE, LEGACY, OPERATIONS, READ, UPDATE, results, some_inputs


# ---- taking in


def test_good_inputs_wait_at_the_desk() -> None:
    run = FakeRun(UPDATE)
    chunk = run.begin(3)

    assert chunk.indices == [0, 1, 2]
    assert run.notes.inputs == some_inputs(UPDATE, 3)
    assert (run.summary.inputs, run.summary.settled) == (3, 0)


def test_a_bad_record_fails_on_the_spot_and_stops_nobody() -> None:
    run = FakeRun(UPDATE)
    inputs = [
        {"id": "1", "properties": {"a": "b"}},
        {"id": "512.0", "properties": {}},
        {"id": "2", "properties": {"due": float("nan")}},
        {"id": "3", "properties": {}},
    ]
    run.take_in(inputs[:2])
    run.take_in(inputs[2:])
    outcomes = run.notes.unsuccessful

    assert run.statuses == {1: "failed", 2: "failed"}
    assert run.take().indices == [0, 3]
    assert all(outcome.input is inputs[outcome.index] for outcome in outcomes)
    assert all(type(outcome.error) is RecordInvalid for outcome in outcomes)
    assert {run.error(n).category for n in (1, 2)} == {"INVALID_INPUT"}
    assert {run.error(n).origin for n in (1, 2)} == {"hubbatch"}
    assert [run.error(n).property_name for n in (1, 2)] == ["id", "due"]
    assert {outcome.attempts for outcome in outcomes} == {0}
    assert all(outcome.safe_to_resend for outcome in outcomes)


class Hostile(dict[str, object]):
    """A record whose own methods raise, as a lazy row of a closed cursor does."""

    def get(self, *_: object) -> Any:
        raise ConnectionError("the cursor is closed")


@pytest.mark.parametrize("operation", [CREATE, UPDATE, READ, LEGACY])
def test_an_input_that_cannot_be_read_stops_nobody(operation: Operation) -> None:
    run = FakeRun(operation)
    [fine] = some_inputs(operation, 1)
    run.take_in([Hostile(), fine])

    assert run.statuses == {0: "failed"}
    assert run.error(0).category == "INVALID_INPUT"
    assert "the cursor is closed" in run.error(0).message
    assert run.take().indices == [1]


def test_a_block_of_bad_records_alone() -> None:
    run = FakeRun(READ)
    run.take_in([None, ""])
    run.check()

    assert run.statuses == {0: "failed", 1: "failed"}
    assert run.queue.waiting(partial=True) == 0


# ---- too many failures


def watched(number: int) -> FakeRun:
    return FakeRun(UPDATE, failure_limit=FailureLimit("tickets", number=number))


def stops(run: FakeRun) -> list[str]:
    assert all(isinstance(error, TooManyFailures) for error in run.ended_by)
    return [str(error) for error in run.ended_by]


def missing(*ids: int) -> Mapping[str, Any]:
    context = {"ids": [str(n) for n in ids]}
    error = {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": context}
    return {**results(100), "errors": [error]}


def test_too_many_failures_stop_once_and_all_are_accounted_for() -> None:
    run = watched(1)
    chunk = run.begin(5)
    run.take_in(some_inputs(CREATE, 2))  # no ids: they fail on the spot
    assert [text.split(",")[0] for text in stops(run)] == ["2 of 2 records failed"]
    run.answer(chunk, missing(101, 102, 103, 104), 207)
    run.check()

    assert len(stops(run)) == 1
    assert run.ledger.failure_limit is None


def test_successes_are_told_to_the_watch() -> None:
    run = watched(1)
    run.answer(run.begin(3), missing(101, 102), 207)
    run.check()

    assert stops(run) == [
        "2 of 3 records failed, the last: gone (tickets). Nothing further was sent."
    ]


def test_what_was_taken_in_with_the_last_straw_is_not_sent() -> None:
    run = watched(0)
    run.take_in([{"properties": {}}, *some_inputs(UPDATE, 2)])
    assert len(stops(run)) == 1
    run.check()

    assert run.statuses == {0: "failed", 1: "not_sent", 2: "not_sent"}


# ---- the end


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("doubtful", "in_flight"), [(False, False), (True, False), (False, True)]
)
def test_the_end(name: str, *, doubtful: bool, in_flight: bool) -> None:
    """What waits is not sent; what was under way may have been written."""
    run = FakeRun(OPERATIONS[name])
    under_way = run.begin(2)
    if doubtful:
        under_way = under_way.after(Step.LOSE)
    if in_flight:
        under_way = under_way.after(Step.LEAVE)
    run.take_in(some_inputs(run.operation, 4)[2:])
    run.end("the batch was cancelled")
    run.end("another reason")
    assert {*run.statuses} == {2, 3}
    run.drop(under_way)
    run.check()

    unseen = (doubtful or in_flight) and name != "read"
    first = "unknown" if unseen else "not_sent"
    assert [*run.statuses.values()] == [first, first, "not_sent", "not_sent"]
    assert "the batch was cancelled" in run.error(0).message
    assert "the batch was cancelled" in run.error(3).message


# ---- what nobody wants any more


@pytest.mark.parametrize("name", OPERATIONS)
def test_withdrawn_input_was_not_sent(name: str) -> None:
    run = FakeRun(OPERATIONS[name])
    inputs = some_inputs(run.operation, 3)
    run.take_in(inputs)
    assert run.recorder.withdraw(1, inputs[1])

    assert run.statuses == {1: "not_sent"}
    assert str(run.error(1)) == "NOT_SENT: withdrawn before it was sent."
    assert run.take().indices == [0, 2]
    assert run.queue.size == 2


def test_input_that_has_left_is_not_withdrawn() -> None:
    run = FakeRun(UPDATE)
    chunk = run.begin()

    assert not run.recorder.withdraw(0, chunk.inputs[0])
    assert (run.statuses, run.queue.size) == ({}, 3)
    run.end("over")
    run.drop(chunk)
    run.check()


def test_input_that_was_changed_since_is_withdrawn() -> None:
    """It is found by its index; nothing is encoded again."""
    run = FakeRun(UPDATE)
    [given] = some_inputs(UPDATE, 1)
    run.take_in([given])
    given["id"] = None
    assert run.recorder.withdraw(0, given)

    assert run.notes.statuses == {0: "not_sent"}
    assert run.summary.not_sent == 1
    assert run.queue.size == 0


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
    run = FakeRun(UPDATE, sink=collector)
    run.take_in(some_inputs(UPDATE, 3))
    run.end("the batch was cancelled")
    rest: list[Any] = [Untouchable() for _ in range(1_000)]
    run.recorder.leave_out(rest)
    run.recorder.leave_out([])
    run.recorder.leave_out(rest[:10])
    response = collector.response()

    assert made == []
    assert run.summary.inputs == run.summary.not_sent == 1_013
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
    run = FakeRun(UPDATE, sink=collector)
    run.take_in(some_inputs(UPDATE, 5_000))
    chunk = run.take().after(Step.LEAVE)
    run.end("the batch was cancelled")
    run.drop(chunk)
    response = collector.response()

    assert (len(response.unknown), len(response.not_sent)) == (100, 4_900)

"""The resolver: what becomes of the inputs of a chunk that HubSpot refuses."""

from collections.abc import Mapping
from typing import Any

import pytest

from hubbatch._outcomes.chunk_state import Certainty, Step
from hubbatch._outcomes.verdicts import Refused, Throttled
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.errors import APIError, RecordConflict

from .fake_run import FakeRun
from .helpers import ARCHIVE, CREATE, LEGACY, UPDATE, UPSERT, refusal, results


def test_a_refused_chunk_is_halved() -> None:
    run = FakeRun(UPDATE)
    run.resolve(run.begin(5), refusal())

    assert run.queue.waiting(partial=True) == 2
    assert [run.take().indices for _ in range(2)] == [[0, 1], [2, 3, 4]]
    assert run.summary.isolating == 2
    assert run.queue.size == 5


def test_alone_a_refused_input_failed() -> None:
    run = FakeRun(UPDATE)
    error = APIError(
        "Contact already exists. Existing ID: 7", status=409, correlation_id="c-1"
    )
    run.resolve(run.begin(1), Refused(error))
    run.check()
    told = run.error(0)

    assert run.statuses == {0: "failed"}
    assert isinstance(told, RecordConflict)
    assert (told.existing_id, told.correlation_id) == ("7", "c-1")
    assert run.notes.unsuccessful[0].attempts == 1


def test_without_isolation_all_of_a_refused_chunk_failed() -> None:
    run = FakeRun(UPDATE, isolate=False)
    run.resolve(run.begin(3), refusal())
    run.check()

    assert set(run.statuses.values()) == {"failed"}
    assert run.summary.isolating == 0


@pytest.mark.parametrize("because", ["duplicates", "inputs", "bytes"])
@pytest.mark.parametrize("isolate", [True, False])
def test_where_no_record_is_to_blame_none_fails(because: Any, *, isolate: bool) -> None:
    """A refusal for size or for duplicates says nothing about any record."""
    run = FakeRun(UPDATE, isolate=isolate)
    run.resolve(run.begin(4), refusal(because=because))

    assert run.statuses == {}
    assert [run.take().indices for _ in range(2)] == [[0, 1], [2, 3]]


@pytest.mark.parametrize("count", [1, 3])
def test_a_refusal_that_may_have_written_leaves_all_unknown(count: int) -> None:
    run = FakeRun(CREATE)
    run.resolve(run.begin(count), refusal(written=True))
    run.check()

    assert set(run.statuses.values()) == {"unknown"}
    assert "may have written part" in run.error(0).message


def test_a_chunk_that_is_refused_after_the_end_is_dropped() -> None:
    run = FakeRun(UPDATE)
    chunk = run.begin(3)
    run.end("the batch was cancelled")
    run.resolve(chunk, refusal())
    run.check()

    assert set(run.statuses.values()) == {"not_sent"}
    assert run.summary.isolating == 0


@pytest.mark.parametrize("operation", [UPDATE, UPSERT, ARCHIVE, LEGACY])
def test_parts_of_what_may_have_been_written_stay_in_doubt(
    operation: Operation,
) -> None:
    """HubSpot's own words would say that nothing was written; these are not."""
    run = FakeRun(operation)
    run.resolve(run.begin(4), refusal(written=True))
    parts = [run.take(), run.take()]

    certainties = [part.state.certainty for part in parts]
    assert certainties == 2 * [Certainty.MAYBE_WRITTEN]
    run.resolve(parts[0], Throttled(10.0))
    run.end("the batch was ended")
    run.drop(parts[1])
    run.check()
    assert set(run.statuses.values()) == {"unknown"}


def test_what_a_refused_upsert_wrote_is_not_called_new_or_old() -> None:
    run = FakeRun(UPSERT)
    run.resolve(run.begin(2), refusal(written=True))
    chunk = run.take()
    run.answer(chunk, {"results": [{"id": chunk.keys[0], "new": False}]})

    [result] = run.notes.results.values()
    assert result.new is None


@pytest.mark.parametrize(
    ("operation", "status"),
    [(UPSERT, "unknown"), (UPDATE, "failed"), (ARCHIVE, "failed")],
)
def test_alone_only_what_creates_may_be_half_there(
    operation: Operation, status: str
) -> None:
    run = FakeRun(operation)
    run.resolve(run.begin(1), refusal(written=True))
    run.check()

    assert run.statuses == {0: status}


def test_without_isolation_a_half_way_refusal_leaves_all_unknown() -> None:
    run = FakeRun(UPDATE, isolate=False)
    run.resolve(run.begin(3), refusal(written=True))
    run.check()

    assert set(run.statuses.values()) == {"unknown"}


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
    by_ref = operation_for(
        "objects", "update", "tickets", api_version="v3", id_property="ref"
    )
    for doubtful, expected in ((True, status), (False, "failed")):
        run = FakeRun(by_ref, isolate=isolate)
        run.take_in([{"id": "old", "properties": to}])
        chunk = run.take().after(Step.LOSE) if doubtful else run.take()
        run.resolve(chunk, Refused(error))
        run.check()

        assert run.statuses == {0: expected}


HALF_WAY = APIError(
    "Cannot set PropertyValueCoordinates{...} on 0. 7 already has that value.",
    status=400,
    category="VALIDATION_ERROR",
)


def test_a_value_of_another_record_is_a_conflict_in_company_too() -> None:
    """What refused the whole chunk half-way names the owner when it is sent alone."""
    run = FakeRun(UPDATE)
    run.resolve(run.begin(2), Refused(HALF_WAY, written=True))
    while run.queue.waiting(partial=True):
        chunk = run.take()
        if 0 in chunk.indices:
            run.resolve(chunk, Refused(HALF_WAY, written=True))
        else:
            run.answer(chunk, results(1))
    run.check()

    assert run.statuses == {0: "failed", 1: "succeeded"}
    error = run.error(0)
    assert isinstance(error, RecordConflict)
    assert error.existing_id == "7"


def test_a_value_of_the_record_itself_may_be_of_a_lost_request() -> None:
    run = FakeRun(UPDATE)
    chunk = run.begin(1).after(Step.LOSE)
    told = f"Existing ID: {chunk.keys[0]}"
    itself = APIError(told, status=409, category="CONFLICT")
    run.resolve(chunk, Refused(itself))
    run.check()

    assert run.statuses == {0: "unknown"}


def test_unsplit_a_conflict_leaves_the_others_in_doubt() -> None:
    run = FakeRun(UPDATE, isolate=False)
    chunk = run.begin(2).after(Step.LOSE)
    run.resolve(chunk, Refused(TAKEN))
    run.check()

    assert run.statuses == {0: "unknown", 1: "unknown"}


def test_an_id_is_no_name_that_can_change() -> None:
    run = FakeRun(UPDATE)
    chunk = run.begin(1).after(Step.LOSE)
    run.resolve(chunk, Refused(GONE))
    run.check()

    assert run.statuses == {0: "failed"}

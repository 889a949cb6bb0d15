from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.outcome import Outcome, OutcomeStatus, succeeded, unsuccessful
from hubbatch._wire.endpoints import operation_for
from hubbatch.errors import RecordInvalid
from hubbatch.jobs import Row
from hubbatch.jobs.journal.measurements import (
    Example,
    Measures,
    Reason,
    from_octave,
    octave,
)


UPDATE = operation_for("objects", "update", "tickets", api_version="v3").call


def refused(place: int, correlation_id: str | None = "c-1") -> Outcome[object]:
    error = RecordInvalid(
        "secret is no number",
        category="VALIDATION_ERROR",
        code="INVALID_INTEGER",
        property_name="size",
        correlation_id=correlation_id,
        origin="hubspot",
    )
    status = OutcomeStatus.FAILED
    return unsuccessful(UPDATE, place, {}, error, status, attempts=1)


def test_answers_are_sorted_by_how_long_they_took() -> None:
    """A request without an answer is not counted; nor is an unknown one."""
    now = [0.0]
    measures = Measures(lambda: now[0], lambda: 1900.0)
    for index in (0, 100, 200):
        measures.sent(index)
    now[0] = 0.002
    measures.answered(0)
    measures.forget(100)
    measures.answered(100)
    now[0] = 0.004
    measures.answered(200)

    measured = measures.take()

    assert measured.answers == {octave(0.002): 1, octave(0.004): 1}
    assert measured.allowed == 1900.0
    assert not measures.take().answers


def test_reasons_are_counted_and_some_rows_named() -> None:
    measures = Measures()
    fine = succeeded(UPDATE, 99, {}, None, 1, "99")
    measures.count_outcome(fine, Row(99, None, {}))
    for place in range(8):
        measures.count_outcome(refused(place), Row(place, None, {}, place + 2))

    first = measures.take()
    measures.count_outcome(refused(8), Row(8, None, {}))
    second = measures.take()

    reason = Reason("failed", "VALIDATION_ERROR", "INVALID_INTEGER", "size")
    assert (first.reasons, second.reasons) == ({reason: 8}, {reason: 1})
    assert first.examples == [(reason, Example(n, n + 2, "c-1")) for n in range(5)]
    assert second.examples == []
    assert "secret" not in repr((first, second))


@given(st.floats(0, 1e6))
def test_a_time_is_in_its_step(seconds: float) -> None:
    """All times below a millisecond are in the first step."""
    step = octave(seconds)
    assert step >= 0
    assert from_octave(step) <= max(seconds, 0.001) * 1.0001
    assert from_octave(step + 1) > seconds * 0.9999

"""Failures by reason."""

from typing import Any

from hubbatch._outcomes.outcome import (
    Outcome,
    OutcomeStatus,
    succeeded,
    unknown_error,
    unsuccessful,
)
from hubbatch.cli.demo_output import FailureGroup, group_by_reason
from hubbatch.errors import RecordError, RecordInvalid, RecordNotFound
from tests.outcomes.helpers import UPDATE


def failed(index: int, error: RecordError, status: str = "failed") -> Outcome[Any]:
    return unsuccessful(UPDATE.call, index, {}, error, OutcomeStatus(status))


def invalid(name: str, message: str = "no") -> RecordInvalid:
    return RecordInvalid(
        message, category="VALIDATION_ERROR", code="INVALID_LONG", property_name=name
    )


def test_the_most_frequent_reason_comes_first_and_then_the_earliest() -> None:
    gone = RecordNotFound("gone", category="OBJECT_NOT_FOUND")
    outcomes = [
        succeeded(UPDATE.call, 0, {}, None, 1, "5"),
        failed(1, gone),
        failed(2, invalid("amount", "5x was not a valid long.")),
        failed(3, invalid("amount", "7y was not a valid long.")),
        failed(4, unknown_error("lost"), "unknown"),
        failed(5, unknown_error("lost"), "not_sent"),
        failed(6, invalid("price")),
        failed(7, invalid("amount")),
        failed(8, gone),
    ]

    assert group_by_reason(outcomes) == [
        FailureGroup(
            "failed",
            "VALIDATION_ERROR",
            "INVALID_LONG",
            "amount",
            "5x was not a valid long.",
            count=3,
            first=2,
        ),
        FailureGroup(
            "failed", "OBJECT_NOT_FOUND", None, None, "gone", count=2, first=1
        ),
        FailureGroup(
            "unknown", "OUTCOME_UNKNOWN", None, None, "lost", count=1, first=4
        ),
        FailureGroup(
            "not_sent", "OUTCOME_UNKNOWN", None, None, "lost", count=1, first=5
        ),
        FailureGroup(
            "failed",
            "VALIDATION_ERROR",
            "INVALID_LONG",
            "price",
            "no",
            count=1,
            first=6,
        ),
    ]


def test_nothing_failed() -> None:
    assert group_by_reason([]) == []
    assert group_by_reason([succeeded(UPDATE.call, 0, {}, None, 1, "5")]) == []


def test_any_iterable_of_outcomes_will_do() -> None:
    [reason] = group_by_reason(failed(n, invalid("a")) for n in range(3, 6))

    assert (reason.count, reason.first) == (3, 3)

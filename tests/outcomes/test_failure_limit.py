"""When so many records fail that sending the rest does harm."""

from collections.abc import Sequence
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.failure_limit import FailureLimit, parse_max_failures
from hubbatch._outcomes.outcome import Outcome, OutcomeStatus, unsuccessful
from hubbatch.errors import (
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
    TooManyFailures,
)

from .helpers import UPDATE


def outcome(
    status: str = "failed", category: str = "VALIDATION_ERROR", **more: Any
) -> Outcome[Any]:
    error = RecordInvalid("frist_name is no property", category=category, **more)
    return unsuccessful(UPDATE.call, 0, {}, error, OutcomeStatus(status))


def told(
    failure_limit: FailureLimit, outcomes: Sequence[Outcome[Any]]
) -> tuple[int, TooManyFailures] | None:
    """Give how many it took, and the error; None if it was never too much."""
    for count, one in enumerate(outcomes, 1):
        if (error := failure_limit.failed(one)) is not None:
            return count, error
    return None


@pytest.mark.parametrize(
    ("given", "number", "share"),
    [
        ("auto", None, None),
        (0, 0, None),
        (25, 25, None),
        ("5%", None, 0.05),
        ("0%", None, 0.0),
        ("100%", None, 1.0),
        ("2.5 %", None, 0.025),
    ],
)
def test_what_is_meant(given: Any, number: int | None, share: float | None) -> None:
    told = parse_max_failures(given)

    assert told[0] == number
    assert told[1] == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    "wrong",
    [
        -1,
        True,
        5.0,
        "5",
        "",
        "%",
        "many%",
        "-1%",
        "101%",
        "nan%",
        "inf%",
        b"5%",
        [5],
        object(),
    ],
)
def test_what_means_nothing(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"a number of records, a share like '5%'"):
        parse_max_failures(wrong)


@pytest.mark.parametrize("number", [0, 1, 7])
def test_more_than_a_number(number: int) -> None:
    failure_limit = FailureLimit("tickets", number=number)
    failure_limit.succeeded(5_000)

    found = told(failure_limit, [outcome()] * 20)
    assert found is not None
    assert found[0] == number + 1
    assert str(found[1]) == (
        f"{number + 1:,} of {5_001 + number:,} records failed, the last: "
        "frist_name is no property (tickets). Nothing further was sent."
    )


def test_more_than_a_share_of_a_known_total() -> None:
    failure_limit = FailureLimit("tickets", share=0.05, total=200)

    found = told(failure_limit, [outcome()] * 20)
    assert found is not None
    assert found[0] == 11


def test_more_than_a_share_of_what_is_settled() -> None:
    """Of a thousand at least: the first record must not be all there is."""
    failure_limit = FailureLimit("tickets", share=0.05)
    assert told(failure_limit, [outcome()] * 50) is None
    found = told(failure_limit, [outcome()] * 50)
    assert found is not None
    assert found[0] == 1

    later = FailureLimit("tickets", share=0.05)
    later.succeeded(2_000)
    found = told(later, [outcome()] * 200)
    assert found is not None
    failed = found[0]
    assert failed > 0.05 * (2_000 + failed)
    assert failed - 1 <= 0.05 * (2_000 + failed - 1)


def test_a_share_of_nothing_ends_at_the_first() -> None:
    assert told(FailureLimit("tickets", share=0.0), [outcome()]) is not None
    assert told(FailureLimit("tickets", share=1.0, total=3), [outcome()] * 3) is None


def test_a_thousand_for_one_reason() -> None:
    found = told(FailureLimit("tickets"), [outcome()] * 2_000)

    assert found is not None
    assert found[0] == 1_000
    assert str(found[1]) == (
        "The first 1,000 records all failed for the same reason: "
        "frist_name is no property (tickets). Nothing further was sent."
    )


@pytest.mark.parametrize("place", [0, 500, 998])
def test_one_success_among_the_first_prevents_it(place: int) -> None:
    failure_limit = FailureLimit("tickets")
    assert told(failure_limit, [outcome()] * place) is None
    failure_limit.succeeded(1)

    assert told(failure_limit, [outcome()] * 3_000) is None


@pytest.mark.parametrize(
    "other",
    [
        outcome(category="CONFLICT"),
        outcome(code="INVALID_LONG"),
        outcome(property_name="amount"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 999])
def test_another_reason_among_the_first_prevents_it(
    other: Outcome[Any], place: int
) -> None:
    outcomes = [outcome()] * 3_000
    outcomes[place] = other

    assert told(FailureLimit("tickets"), outcomes) is None


def test_unknown_outcomes_count_and_those_not_sent_do_not() -> None:
    unknown, unsent = outcome("unknown"), outcome("not_sent")
    failure_limit = FailureLimit("tickets", number=2)

    assert told(failure_limit, [unsent] * 100) is None
    found = told(failure_limit, [unknown] * 3)
    assert found is not None
    assert found[0] == 3
    assert told(FailureLimit("tickets"), [unknown, *[unsent] * 5_000]) is None


def test_an_outcome_without_an_error_is_no_failure() -> None:
    odd = outcome()
    odd.error = None

    assert told(FailureLimit("tickets", number=0), [odd]) is None


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(0, 10),
)
def test_it_is_said_once_the_number_is_passed_and_not_before(
    fates: list[bool], number: int
) -> None:
    failure_limit = FailureLimit("tickets", number=number)
    failed = 0
    for fine in fates:
        if fine:
            failure_limit.succeeded(1)
            continue
        failed += 1
        assert (failure_limit.failed(outcome()) is not None) == (failed > number)


def test_the_last_message_is_the_one_that_is_told() -> None:
    failure_limit = FailureLimit("tickets", number=1)
    last = unsuccessful(
        UPDATE.call, 1, {}, RecordNotFound("no such ticket"), OutcomeStatus.FAILED
    )

    found = told(failure_limit, [outcome(), last])
    assert found is not None
    assert "2 of 2 records failed, the last: no such ticket" in str(found[1])


# ---- refused together

ERROR = RecordInvalid("frist_name is no property", category="VALIDATION_ERROR")


def alone(index: int, **more: Any) -> Outcome[Any]:
    one = outcome(**more)
    one.index = index
    return one


def test_inputs_that_were_refused_together_count_once_enough_failed_alone() -> None:
    failure_limit = FailureLimit("tickets")
    failure_limit.suspect(range(1_000), ERROR)
    failure_limit.suspect(range(500), ERROR)  # again: they are the same

    found = told(failure_limit, [alone(index) for index in range(0, 200, 2)])
    assert found is not None
    assert found[0] == 50
    assert str(found[1]) == (
        "The first 1,000 records were refused, and each of the 50 that were sent "
        "alone, for the same reason: frist_name is no property (tickets). Nothing "
        "further was sent."
    )


def test_fewer_than_a_thousand_that_were_refused_together_are_not_enough() -> None:
    failure_limit = FailureLimit("tickets")
    failure_limit.suspect(range(999), ERROR)

    found = told(failure_limit, [alone(index) for index in range(999)])
    assert found is None
    assert failure_limit.failed(alone(999)) is not None


@pytest.mark.parametrize("kind", [RecordConflict, RecordNotFound])
def test_what_exists_or_does_not_is_no_reason_to_end(kind: type[RecordError]) -> None:
    expected = unsuccessful(
        UPDATE.call, 0, {}, kind("m", category="X"), OutcomeStatus.FAILED
    )
    assert told(FailureLimit("tickets"), [expected] * 3_000) is None
    assert not FailureLimit("tickets").asks_about(kind("m", category="X"))

    failure_limit = FailureLimit("tickets")
    assert told(failure_limit, [outcome()] * 900) is None
    assert failure_limit.failed(expected) is None
    assert told(failure_limit, [outcome()] * 3_000) is None
    # A number counts all that fails.
    assert told(FailureLimit("tickets", number=1), [expected] * 2) is not None


def test_inputs_that_differ_are_not_suspected_together() -> None:
    failure_limit = FailureLimit("tickets")
    assert failure_limit.asks_about(ERROR)
    failure_limit.suspect([1], ERROR)
    assert failure_limit.asks_about(ERROR)
    assert not failure_limit.asks_about(RecordInvalid("m", category="OTHER"))
    failure_limit.succeeded(1)
    assert not failure_limit.asks_about(ERROR)
    assert not FailureLimit("tickets", number=5).asks_about(ERROR)
    assert not FailureLimit("tickets", share=0.5).asks_about(ERROR)


def test_how_many_inputs_it_has_to_see() -> None:
    assert FailureLimit("tickets").horizon == 1_000
    assert FailureLimit("tickets", number=5).horizon == 0
    assert FailureLimit("tickets", share=0.5).horizon == 0


@given(
    st.lists(st.sampled_from(["fine", "bad", "other", "together"]), max_size=60),
    st.integers(20, 200),
)
def test_it_ends_nothing_in_which_records_differ(fates: list[str], size: int) -> None:
    failure_limit, differs, first = FailureLimit("tickets"), False, 0
    for fate in fates:
        if fate == "fine":
            failure_limit.succeeded(1)
            differs = True
        elif fate == "together":
            failure_limit.suspect(range(first, first + size), ERROR)
            first += size
        else:
            code = "OTHER" if fate == "other" else None
            ended = failure_limit.failed(alone(first, code=code)) is not None
            first += 1
            assert not (ended and differs)
            differs = differs or fate == "other"

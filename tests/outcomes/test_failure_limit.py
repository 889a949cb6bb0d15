"""When so many records fail that sending the rest does harm."""

from collections.abc import Sequence
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.failure_limit import FailureWatch, parse_max_failures
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
    watch: FailureWatch, outcomes: Sequence[Outcome[Any]]
) -> tuple[int, TooManyFailures] | None:
    """Give how many it took, and the error; None if it was never too much."""
    for count, one in enumerate(outcomes, 1):
        if (error := watch.failed(one)) is not None:
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
    watch = FailureWatch("tickets", number=number)
    watch.succeeded(5_000)

    found = told(watch, [outcome()] * 20)
    assert found is not None
    assert found[0] == number + 1
    assert str(found[1]) == (
        f"{number + 1:,} of {5_001 + number:,} records failed, the last: "
        "frist_name is no property (tickets). Nothing further was sent."
    )


def test_more_than_a_share_of_a_known_total() -> None:
    watch = FailureWatch("tickets", share=0.05, total=200)

    found = told(watch, [outcome()] * 20)
    assert found is not None
    assert found[0] == 11


def test_more_than_a_share_of_what_is_settled() -> None:
    """Of a thousand at least: the first record must not be all there is."""
    watch = FailureWatch("tickets", share=0.05)
    assert told(watch, [outcome()] * 50) is None
    found = told(watch, [outcome()] * 50)
    assert found is not None
    assert found[0] == 1

    later = FailureWatch("tickets", share=0.05)
    later.succeeded(2_000)
    found = told(later, [outcome()] * 200)
    assert found is not None
    failed = found[0]
    assert failed > 0.05 * (2_000 + failed)
    assert failed - 1 <= 0.05 * (2_000 + failed - 1)


def test_a_share_of_nothing_ends_at_the_first() -> None:
    assert told(FailureWatch("tickets", share=0.0), [outcome()]) is not None
    assert told(FailureWatch("tickets", share=1.0, total=3), [outcome()] * 3) is None


def test_a_thousand_for_one_reason() -> None:
    found = told(FailureWatch("tickets"), [outcome()] * 2_000)

    assert found is not None
    assert found[0] == 1_000
    assert str(found[1]) == (
        "All of the first 1,000 records failed for one reason: "
        "frist_name is no property (tickets). Nothing further was sent."
    )


@pytest.mark.parametrize("place", [0, 500, 998])
def test_one_success_among_the_first_prevents_it(place: int) -> None:
    watch = FailureWatch("tickets")
    assert told(watch, [outcome()] * place) is None
    watch.succeeded(1)

    assert told(watch, [outcome()] * 3_000) is None


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

    assert told(FailureWatch("tickets"), outcomes) is None


def test_unknown_outcomes_count_and_those_not_sent_do_not() -> None:
    unknown, unsent = outcome("unknown"), outcome("not_sent")
    watch = FailureWatch("tickets", number=2)

    assert told(watch, [unsent] * 100) is None
    found = told(watch, [unknown] * 3)
    assert found is not None
    assert found[0] == 3
    assert told(FailureWatch("tickets"), [unknown, *[unsent] * 5_000]) is None


def test_an_outcome_without_an_error_is_no_failure() -> None:
    odd = outcome()
    odd.error = None

    assert told(FailureWatch("tickets", number=0), [odd]) is None


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(0, 10),
)
def test_it_is_said_once_the_number_is_passed_and_not_before(
    fates: list[bool], number: int
) -> None:
    watch = FailureWatch("tickets", number=number)
    failed = 0
    for fine in fates:
        if fine:
            watch.succeeded(1)
            continue
        failed += 1
        assert (watch.failed(outcome()) is not None) == (failed > number)


def test_the_last_message_is_the_one_that_is_told() -> None:
    watch = FailureWatch("tickets", number=1)
    last = unsuccessful(
        UPDATE.call, 1, {}, RecordNotFound("no such ticket"), OutcomeStatus.FAILED
    )

    found = told(watch, [outcome(), last])
    assert found is not None
    assert "2 of 2 records failed, the last: no such ticket" in str(found[1])


# ---- refused together

ERROR = RecordInvalid("frist_name is no property", category="VALIDATION_ERROR")


def alone(index: int, **more: Any) -> Outcome[Any]:
    one = outcome(**more)
    one.index = index
    return one


def test_inputs_that_were_refused_together_count_once_enough_failed_alone() -> None:
    watch = FailureWatch("tickets")
    watch.suspect(range(1_000), ERROR)
    watch.suspect(range(500), ERROR)  # again: they are the same

    found = told(watch, [alone(index) for index in range(0, 200, 2)])
    assert found is not None
    assert found[0] == 50
    assert str(found[1]) == (
        "The first 1,000 records were refused, and each of the 50 that were sent "
        "alone, for one reason: frist_name is no property (tickets). Nothing further "
        "was sent."
    )


def test_fewer_than_a_thousand_that_were_refused_together_are_not_enough() -> None:
    watch = FailureWatch("tickets")
    watch.suspect(range(999), ERROR)

    found = told(watch, [alone(index) for index in range(999)])
    assert found is None
    assert watch.failed(alone(999)) is not None


@pytest.mark.parametrize("kind", [RecordConflict, RecordNotFound])
def test_what_exists_or_does_not_is_no_reason_to_end(kind: type[RecordError]) -> None:
    expected = unsuccessful(
        UPDATE.call, 0, {}, kind("m", category="X"), OutcomeStatus.FAILED
    )
    assert told(FailureWatch("tickets"), [expected] * 3_000) is None
    assert not FailureWatch("tickets").asks_about(kind("m", category="X"))

    watch = FailureWatch("tickets")
    assert told(watch, [outcome()] * 900) is None
    assert watch.failed(expected) is None
    assert told(watch, [outcome()] * 3_000) is None
    # A number counts all that fails.
    assert told(FailureWatch("tickets", number=1), [expected] * 2) is not None


def test_inputs_that_differ_are_not_suspected_together() -> None:
    watch = FailureWatch("tickets")
    assert watch.asks_about(ERROR)
    watch.suspect([1], ERROR)
    assert watch.asks_about(ERROR)
    assert not watch.asks_about(RecordInvalid("m", category="OTHER"))
    watch.succeeded(1)
    assert not watch.asks_about(ERROR)
    assert not FailureWatch("tickets", number=5).asks_about(ERROR)
    assert not FailureWatch("tickets", share=0.5).asks_about(ERROR)


def test_how_many_inputs_it_has_to_see() -> None:
    assert FailureWatch("tickets").horizon == 1_000
    assert FailureWatch("tickets", number=5).horizon == 0
    assert FailureWatch("tickets", share=0.5).horizon == 0


@given(
    st.lists(st.sampled_from(["fine", "bad", "other", "together"]), max_size=60),
    st.integers(20, 200),
)
def test_it_ends_nothing_in_which_records_differ(fates: list[str], size: int) -> None:
    watch, differs, first = FailureWatch("tickets"), False, 0
    for fate in fates:
        if fate == "fine":
            watch.succeeded(1)
            differs = True
        elif fate == "together":
            watch.suspect(range(first, first + size), ERROR)
            first += size
        else:
            code = "OTHER" if fate == "other" else None
            ended = watch.failed(alone(first, code=code)) is not None
            first += 1
            assert not (ended and differs)
            differs = differs or fate == "other"

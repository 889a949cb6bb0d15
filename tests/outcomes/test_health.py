"""What the error of calls that HubSpot did not answer says, and advises."""

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.health import advise, unavailable
from hubbatch.errors import APIError, HubSpotUnavailable
from hubbatch.models import ErrorDetail


CAUSE = APIError(
    "Bad gateway.",
    status=502,
    category="INTERNAL_ERROR",
    correlation_id="c-1",
    errors=[ErrorDetail("m")],
    context={"ids": ["5"]},
)


def test_it_has_all_that_its_cause_says() -> None:
    error = unavailable("No answer", CAUSE)

    assert vars(error) == {**vars(CAUSE), "advice": "No answer."}


@pytest.mark.parametrize("maybe_written", [True, False])
def test_only_what_was_not_written_is_to_be_tried_again(maybe_written: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    error = unavailable("No answer", CAUSE)
    advise(error, maybe_written=maybe_written)

    assert error.maybe_written is maybe_written
    assert error.advice.startswith("No answer. ")
    assert ("again" in error.advice) is not maybe_written
    assert ("may have been written" in error.advice) is maybe_written


@given(st.text(), st.lists(st.booleans(), min_size=1, max_size=4))
def test_there_is_one_advice_and_a_doubt_stays(text: str, doubts: list[bool]) -> None:
    """A batch may end with the error of a refresh, or of another batch."""
    once, often = HubSpotUnavailable(text), HubSpotUnavailable(text)
    for doubt in doubts:
        advise(often, maybe_written=doubt)
    advise(once, maybe_written=any(doubts))

    assert (often.message, often.maybe_written) == (once.message, any(doubts))

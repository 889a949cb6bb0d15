"""Which inputs an effect is about."""

import pytest

from hubbatch._outcomes.effects import (
    Drop,
    Effect,
    EndBatch,
    Fail,
    HoldAll,
    LimitBytes,
    LimitInputs,
    NoteAnswer,
    NoteSplit,
    Requeue,
    Succeed,
    Unpark,
    Wait,
    chunks_of,
    ended_instead,
)
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import OutcomeStatus, not_sent_error, unknown_error
from hubbatch._outcomes.verdicts import Retryable, Throttled
from hubbatch.errors import APIError
from hubbatch.models import BatchResponse

from .helpers import UPDATE, some_chunk


ONE, OTHER = some_chunk(UPDATE, 2), some_chunk(UPDATE, 1, first=2)
NO = APIError("no")
LOST = unknown_error("lost")
SETTLING: list[Effect] = [
    Succeed(ONE, []),
    Fail(ONE, OutcomeStatus.NOT_SENT, not_sent_error("no")),
    Drop(ONE),
    Wait(ONE, 1.0, Retryable(NO, maybe_processed=False)),
]
# These only tell what happened, or change how chunks are sent.
OTHERS: list[Effect] = [
    NoteAnswer(ONE, MatchedAnswer(BatchResponse(), [], {}, [], []), 1.0),
    NoteSplit(ONE, NO, 2),
    HoldAll(ONE, 1.0, Throttled(1.0)),
    EndBatch(NO),
    Unpark(),
    LimitInputs(1),
    LimitBytes(1),
]


@pytest.mark.parametrize("effect", SETTLING)
def test_an_effect_on_a_chunk_is_about_its_inputs(effect: Effect) -> None:
    assert chunks_of(effect) == [ONE]


def test_an_effect_on_several_chunks_is_about_all_their_inputs() -> None:
    assert chunks_of(Requeue([ONE, OTHER])) == [ONE, OTHER]


@pytest.mark.parametrize("effect", OTHERS)
def test_other_effects_settle_no_input(effect: Effect) -> None:
    """A chunk that they name is in another effect too."""
    assert chunks_of(effect) == []


def test_what_is_not_sent_again_after_the_end_is_dropped_or_unknown() -> None:
    passing = Retryable(NO, maybe_processed=True)

    assert ended_instead(Requeue([ONE]), ONE) == Drop(ONE)
    assert ended_instead(Wait(ONE, 1.0, passing), ONE) == Drop(ONE)
    for effect in (
        Requeue([ONE], error_if_ended=LOST),
        Wait(ONE, 1.0, passing, LOST),
    ):
        assert ended_instead(effect, ONE) == Fail(ONE, OutcomeStatus.UNKNOWN, LOST)

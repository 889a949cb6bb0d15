"""The response against the simplest account of the same: a list with all outcomes."""

import pickle

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.outcome import (
    Outcome,
    OutcomeStatus,
    Unsuccessful,
    not_sent_error,
    succeeded,
    unsuccessful,
)
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.response import Collector
from hubbatch._wire.bodies import Bodies

from .helpers import UPDATE, attempted


CALL = UPDATE.call
STATUSES = [*OutcomeStatus][1:]


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Collector[Any], list[Outcome[Any]]]:
    """Settle inputs in any order and grouping; the last ones are never taken up."""
    count = draw(st.integers(0, 30))
    collector: Collector[Any] = Collector(UPDATE)
    inputs = [object() for _ in range(count)]
    collector.took(inputs)
    expected: dict[int, Outcome[Any]] = {}
    waiting = draw(st.permutations(range(count)))
    if draw(st.booleans()):
        waiting.sort()
    while waiting:
        size = draw(st.integers(1, len(waiting)))
        some, waiting = waiting[:size], waiting[size:]
        keys: list[str | None] = [str(index) for index in some]
        chunk = Chunk(
            some, [inputs[index] for index in some], keys, Bodies([b""] * size)
        )
        chunk = attempted(chunk, draw(st.integers(0, 2)))
        attempts = chunk.state.attempts
        way = draw(st.sampled_from(["results", "together", "apart"]))
        if way == "results":
            results = [draw(st.sampled_from(["r", None])) for _ in some]
            collector.succeeded(chunk, results)
            for index, result in zip(some, results, strict=True):
                known = str(index) if None in results else None
                expected[index] = succeeded(
                    CALL, index, inputs[index], result, attempts, known
                )
            continue
        status, error = draw(st.sampled_from(STATUSES)), not_sent_error("no")
        outcomes = [
            unsuccessful(
                CALL,
                index,
                inputs[index],
                error,
                status,
                attempts=attempts,
                key=str(index),
            )
            for index in some
        ]
        together = Unsuccessful.of(CALL, chunk, status, error)
        assert [*together] == outcomes == [together[n] for n in range(size)]
        assert [*together[1:]] == outcomes[1:]
        collector.failed(together if way == "together" else outcomes)
        expected.update(zip(some, outcomes, strict=True))
    for size in draw(st.lists(st.integers(1, 5), max_size=3)):
        first, rest = len(expected), [object() for _ in range(size)]
        indices, error = range(first, first + size), not_sent_error("ended")
        status = OutcomeStatus.NOT_SENT
        collector.failed(Unsuccessful(CALL, indices, rest, None, status, error))
        for index, one in zip(indices, rest, strict=True):
            expected[index] = unsuccessful(CALL, index, one, error, status)
    return collector, [expected[index] for index in range(len(expected))]


@given(accounts())
def test_every_view_of_the_outcomes(
    account: tuple[Collector[Any], list[Outcome[Any]]],
) -> None:
    collector, expected = account
    response = collector.response()
    amiss = [one for one in expected if one.status != "succeeded"]
    views = {
        "outcomes": expected,
        "failures": amiss,
        **{
            str(status): [one for one in amiss if one.status is status]
            for status in STATUSES
        },
    }
    assert response.succeeded == len(expected) - len(amiss)
    assert response.results == [one.result for one in expected if one.result]
    for name, wanted in views.items():
        shown = getattr(response, name)
        assert len(shown) == len(wanted)
        assert [*shown] == wanted
        assert shown == wanted
        assert shown != [*wanted, None]
        assert [shown[place] for place in range(len(shown))] == wanted
        assert shown[1:-1] == wanted[1:-1]
        assert shown[::-2] == wanted[::-2]
        assert bool(shown) is bool(wanted)


def test_what_a_response_holds_pickles() -> None:
    collector: Collector[Any] = Collector(UPDATE)
    error, status = not_sent_error("ended"), OutcomeStatus.NOT_SENT
    rest = ["a", "b"]
    collector.failed(Unsuccessful(CALL, range(2), rest, None, status, error))
    again = pickle.loads(pickle.dumps(collector.response()))  # noqa: S301 -- our own

    assert [one.input for one in again.not_sent] == ["a", "b"]
    assert again.outcomes != "ab"
    assert repr(again.failures) == "<2 outcomes>"

"""Whether a chunk is sent again, and when."""

from collections.abc import Sequence
from typing import TypeAlias

import attrs
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.retry import RetryPolicy, next_wait
from hubbatch._outcomes.verdicts import EndpointNotFound, Retryable, Throttled
from hubbatch.errors import APIError


ERROR = APIError("no")
Passing: TypeAlias = Retryable | EndpointNotFound | Throttled


def again(retry_after: float = 0.0) -> Retryable:
    return Retryable(ERROR, maybe_processed=False, retry_after=retry_after)


def pauses(
    policy: RetryPolicy, verdicts: Sequence[tuple[Passing, float]], draw: float = 1.0
) -> list[float]:
    """Return the waits until the verdicts are over, or the chunk is given up.

    The first attempt is sent at once.
    """
    told, failures = [0.0], 0
    for verdict, elapsed in verdicts:
        failures += not isinstance(verdict, Throttled)
        wait = next_wait(
            policy,
            verdict,
            failures=failures,
            retry=failures,
            elapsed=elapsed,
            draw=draw,
        )
        if wait is None:
            break
        told.append(wait)
    return told


def test_waits_double_up_to_a_bound_and_end_with_the_attempts() -> None:
    policy = RetryPolicy(attempts=6, base=0.5, max_delay=3.0)

    assert pauses(policy, 9 * [(again(), 0.0)]) == [0.0, 0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_default_is_five_requests() -> None:
    assert pauses(RetryPolicy(), 9 * [(again(), 0.0)]) == [0.0, 0.5, 1.0, 2.0, 4.0]


def test_one_attempt_is_one_request() -> None:
    assert pauses(RetryPolicy(attempts=1), [(again(), 0.0)]) == [0.0]


def test_a_missing_path_is_tried_like_the_rest() -> None:
    assert pauses(RetryPolicy(attempts=2), 9 * [(EndpointNotFound(ERROR), 0.0)]) == [
        0.0,
        0.5,
    ]


def test_a_429_uses_time_and_no_attempts() -> None:
    throttled = [(Throttled(10.0), 10.0 * n) for n in range(1, 40)]
    policy = RetryPolicy(attempts=2, max_elapsed=300.0)

    assert pauses(policy, throttled) == 30 * [0.0]
    assert pauses(policy, [*throttled[:20], (again(), 201.0)]) == [*(21 * [0.0]), 0.5]


@pytest.mark.parametrize(
    ("hold", "elapsed", "kept"),
    [
        (9.0, 0.0, True),
        (9.1, 0.0, False),
        (5.0, 95.0, True),
        (5.0, 95.1, False),
        (86_400.0, 0.0, False),
    ],
)
def test_a_hold_beyond_the_bounds_is_given_up(
    hold: float, elapsed: float, *, kept: bool
) -> None:
    policy = RetryPolicy(max_elapsed=100.0, max_retry_after=9.0)

    told = pauses(policy, [(Throttled(hold), elapsed)])
    assert told == ([0.0, 0.0] if kept else [0.0])


def test_retry_after_is_kept() -> None:
    policy = RetryPolicy(attempts=3, max_retry_after=9.0)

    assert pauses(policy, [(again(7.0), 0.0), (again(9.0), 8.0)]) == [0.0, 7.0, 9.0]
    assert pauses(policy, [(again(9.1), 0.0)]) == [0.0]


def test_a_wait_that_would_end_too_late_is_not_begun() -> None:
    policy = RetryPolicy(base=2.0, max_elapsed=10.0)

    assert pauses(policy, [(again(), 8.0)]) == [0.0, 2.0]
    assert pauses(policy, [(again(), 8.1)]) == [0.0]
    assert pauses(policy, [(again(5.0), 6.0)]) == [0.0]


TIMES = st.floats(0.01, 1000.0)


@given(
    st.builds(RetryPolicy, st.integers(1, 8), TIMES, TIMES, TIMES, TIMES),
    st.lists(
        st.tuples(
            st.builds(Throttled, TIMES)
            | st.builds(again, st.floats(0, 1000.0))
            | st.just(EndpointNotFound(ERROR)),
            st.floats(0, 100.0),
        ),
        max_size=20,
    ),
    st.floats(0, 1),
)
def test_a_policy_is_kept(
    policy: RetryPolicy, events: list[tuple[Passing, float]], share: float
) -> None:
    elapsed = 0.0
    verdicts = []
    for verdict, took in events:
        elapsed += took
        verdicts.append((verdict, elapsed))
    told = pauses(policy, verdicts, share)[1:]
    used = [v for v, _ in verdicts[: len(told)] if not isinstance(v, Throttled)]

    assert len(used) < policy.attempts
    for wait, (verdict, so_far) in zip(told, verdicts, strict=False):
        at_least = getattr(verdict, "retry_after", 0.0)
        if isinstance(verdict, Throttled):
            assert wait == 0.0
        else:
            assert at_least <= wait <= max(at_least, share * policy.max_delay)
            assert at_least <= policy.max_retry_after
        assert so_far + wait <= policy.max_elapsed


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(RetryPolicy)])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_policy_is_of_positive_numbers(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above zero"):
        RetryPolicy(**{name: value})  # type: ignore[arg-type] # the point

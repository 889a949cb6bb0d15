"""What a batch takes: calls, seconds, a share of the day."""

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch._limits.plan import Plan, plan
from hubbatch._limits.window import LAG, RateLimit, Window


@pytest.mark.parametrize(
    ("count", "calls"), [(0, 0), (1, 1), (100, 1), (101, 2), (5_000, 50)]
)
def test_calls(count: int, calls: int) -> None:
    assert plan(count, 100, RateLimit(190), None) == Plan(calls, 0.0, None)


def test_share_of_the_day() -> None:
    assert plan(1_250_000, 100, RateLimit(190), 625_000).share_of_day == 0.02
    assert plan(100, 1, RateLimit(190), 50).share_of_day == 2.0


def test_a_million_records_take_less_than_ten_minutes() -> None:
    assert plan(1_000_000, 100, RateLimit(190), None).seconds == pytest.approx(
        10_000 / 190 * 10.2, rel=0.02
    )


@settings(max_examples=50)
@given(
    st.integers(1, 600),
    st.integers(1, 200),
    st.integers(1, 60),
    st.sampled_from([1.0, 10.0]),
)
def test_seconds_are_those_that_the_window_takes(
    calls: int, most: int, burst: int, interval: float
) -> None:
    limit = RateLimit(most, interval, burst)
    window = Window(most, interval, burst)
    now = 0.0
    for _ in range(calls):
        while (opens := window.next_grant(now)) > now:
            now = opens
        window.sent(window.grant(now), now)
    expected = plan(calls, 1, limit, None).seconds
    assert expected == pytest.approx(now, abs=interval + 2 * LAG, rel=0.02)

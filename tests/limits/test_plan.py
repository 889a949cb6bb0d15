"""What a batch takes: calls, seconds, a share of the day."""

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch._limits.plan import Plan, plan, usual_latency
from hubbatch._limits.window import LAG, RateLimit, Window


def planned(
    count: int,
    max_inputs: int,
    limit: RateLimit,
    daily: int | None = None,
    *,
    object_type: str | None = "tickets",
    concurrency: int = 200,
) -> Plan:
    return plan(
        count,
        max_inputs,
        limit,
        daily,
        object_type=object_type,
        concurrency=concurrency,
    )


@pytest.mark.parametrize(
    ("count", "calls"), [(0, 0), (1, 1), (100, 1), (101, 2), (5_000, 50)]
)
def test_calls(count: int, calls: int) -> None:
    forecast = planned(count, 100, RateLimit(190))
    assert (forecast.calls, forecast.share_of_day) == (calls, None)
    # All of them leave at once.
    assert forecast.seconds == usual_latency("tickets", min(count, 100))


def test_share_of_the_day() -> None:
    assert planned(1_250_000, 100, RateLimit(190), 625_000).share_of_day == 0.02
    assert planned(100, 1, RateLimit(190), 50).share_of_day == 2.0


def test_a_million_records_take_less_than_ten_minutes() -> None:
    assert planned(1_000_000, 100, RateLimit(190)).seconds == pytest.approx(
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
    expected = planned(calls, 1, limit).seconds
    assert expected == pytest.approx(now, abs=interval + 2 * LAG, rel=0.02)


@pytest.mark.parametrize("contacts", ["contacts", "0-1"])
def test_contacts_take_longer(contacts: str) -> None:
    limit = RateLimit(190)
    assert planned(100, 100, limit, object_type=contacts).seconds == pytest.approx(3.3)
    assert planned(100, 100, limit).seconds == pytest.approx(0.3)
    assert planned(10, 100, limit, object_type=contacts).seconds == pytest.approx(0.33)
    assert planned(0, 100, limit, object_type=None) == Plan(0, 0.0, None)


def test_few_requests_in_flight_take_turns() -> None:
    """Where they take longer than the limit: by the latency."""
    limit = RateLimit(190)
    turns = planned(100_000, 100, limit, object_type="contacts", concurrency=8)
    assert turns.seconds == pytest.approx(1_000 / 8 * 3.3)
    many = planned(100_000, 100, limit, object_type="contacts", concurrency=64)
    assert many.seconds == pytest.approx(1_000 / 190 * 10.2 + 3.3, rel=0.06)

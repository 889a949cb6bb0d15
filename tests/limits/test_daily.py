"""The account's day: what is left, what is reserved, when it ends."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._http import (
    DAILY_LIMIT,
    DAILY_REMAINING,
    WINDOW_LIMIT,
    whole_number,
)
from hubbatch._limits.daily import (
    TRUSTED,
    DailyBudget,
    Reserve,
    next_midnight,
    parse_reserve,
)
from hubbatch.errors import ConfigurationError


def reported(left: object, limit: object = 1000) -> dict[str, str]:
    return {
        "X-HubSpot-RateLimit-Daily": str(limit),
        "X-HubSpot-RateLimit-Daily-Remaining": str(left),
    }


def answered(
    day: DailyBudget, sent_at: float, headers: Mapping[str, str], now: float
) -> None:
    """Report what the headers of an answer say, as the gate does."""
    day.answered(
        sent_at,
        now,
        limit=whole_number(headers, DAILY_LIMIT),
        left=whole_number(headers, DAILY_REMAINING),
        from_hubspot=WINDOW_LIMIT in headers,
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [(0, 0), (30, 30), ("5%", 50), ("0.15%", 2), ("100%", 1000), ("0%", 0)],
)
def test_reserve(given: Any, kept: int) -> None:
    assert parse_reserve(given).of(1000) == kept


@pytest.mark.parametrize(
    "given", [-1, 1.5, True, None, "5", "101%", "-1%", "x%", "%", "nan%", [5]]
)
def test_value_that_is_not_a_reserve(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="daily_reserve must be") as caught:
        parse_reserve(given)
    assert repr(given) in str(caught.value)


def test_without_a_reserve_the_day_stops_no_call() -> None:
    day = DailyBudget()
    answered(day, 0.0, reported(0), 0.1)
    assert day.allows(Reserve(), 0.2) == "go"


def test_first_call_is_alone_until_the_day_is_known() -> None:
    day, reserve = DailyBudget(), Reserve(10)
    assert day.allows(reserve, 0.0) == "go"
    day.outstanding = 1
    assert day.allows(reserve, 0.0) == "wait"
    answered(day, 0.0, reported(500), 0.1)
    assert day.allows(reserve, 0.1) == "go"


@pytest.mark.parametrize(
    ("headers", "answers"),
    # A proxy's 502 says nothing; what tells the window alone is an OAuth app's.
    [({}, 3), ({"X-HubSpot-RateLimit-Max": "110"}, 1)],
)
def test_account_without_a_day_is_not_waited_for(
    headers: dict[str, str], answers: int
) -> None:
    day, reserve = DailyBudget(outstanding=5), Reserve(10)
    for _ in range(answers):
        assert day.allows(reserve, 0.1) == "wait"
        answered(day, 0.0, headers, 0.1)
    assert day.allows(reserve, 0.1) == "go"
    answered(day, 1.0, reported(8), 1.1)
    assert day.allows(reserve, 1.1) == "end"


def test_calls_in_flight_count_as_used() -> None:
    day, reserve = DailyBudget(), Reserve(10)
    answered(day, 0.0, reported(12), 0.1)
    for outstanding, allowed in ((0, "go"), (1, "go"), (2, "wait"), (9, "wait")):
        day.outstanding = outstanding
        assert day.allows(reserve, 0.1) == allowed
    answered(day, 0.1, reported(10), 0.2)
    assert day.allows(reserve, 0.2) == "end"


def test_share_of_a_day_whose_limit_is_not_reported() -> None:
    day = DailyBudget()
    answered(day, 0.0, {"X-HubSpot-RateLimit-Daily-Remaining": "200"}, 0.1)
    assert day.reserved(Reserve(share=0.5)) == 100
    assert DailyBudget().reserved(Reserve(share=0.5)) == 0


def test_answers_that_overtake_each_other() -> None:
    """Two calls are in flight; the one that was counted first is answered last."""
    day = DailyBudget()
    answered(day, 0.001, reported(98), 0.3)
    answered(day, 0.0, reported(99), 0.4)
    answered(day, 0.002, reported(100), 0.5)
    assert day.remaining == 98


def test_new_day_is_noticed_by_a_call_sent_after_the_last_report() -> None:
    day = DailyBudget()
    answered(day, 0.0, reported(5), 1.0)
    answered(day, 1.0, reported(1000), 1.5)
    assert day.remaining == 1000
    answered(day, 0.9, reported(3), 2.0)  # sent before midnight
    assert day.remaining == 1000
    answered(day, 1.6, reported(998), 2.0)
    answered(day, 1.55, reported(997), 2.1)
    assert (day.remaining, day.limit) == (997, 1000)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.data())
def test_what_is_left_is_never_more_than_the_truth(
    gaps: list[int], data: st.DataObject
) -> None:
    """One day, one counter, any delays on the way there and back."""
    sent: list[float] = []
    for gap in gaps:
        sent.append((sent[-1] if sent else 0.0) + gap / 100)
    delays = st.floats(0, 0.5)
    counted = [at + data.draw(delays) for at in sent]
    ranks = {at: rank for rank, at in enumerate(sorted(counted), 1)}
    answers = sorted(
        (counted[place] + data.draw(delays), sent[place], 100 - ranks[counted[place]])
        for place in range(len(sent))
    )
    day = DailyBudget()
    for now, sent_at, left in answers:
        answered(day, sent_at, reported(left), now)
        assert day.remaining is not None
        assert day.remaining <= left
        lowest = min(other for at, _, other in answers if at <= now)
        assert day.remaining == lowest


def test_old_report_is_renewed_by_one_call() -> None:
    day, reserve = DailyBudget(), Reserve(10)
    answered(day, 0.0, reported(10), 1.0)
    assert day.allows(reserve, 1.0 + TRUSTED) == "end"
    assert day.allows(reserve, 1.1 + TRUSTED) == "go"
    day.outstanding = 1
    assert day.allows(reserve, 1.1 + TRUSTED) == "wait"
    answered(day, 1.1 + TRUSTED, reported(900), 1.2 + TRUSTED)
    assert day.allows(reserve, 1.2 + TRUSTED) == "go"


def test_report_of_a_day_that_is_over_is_renewed() -> None:
    day, reserve = DailyBudget(), Reserve(10)
    answered(day, 0.0, reported(10), 1.0)
    day.ends_at = 30.0
    assert day.allows(reserve, 29.9) == "end"
    assert day.allows(reserve, 30.0) == "go"
    answered(day, 30.0, reported(10), 30.5)  # of the new day, and used up as well
    assert day.allows(reserve, 31.0) == "end"


def test_headers_that_are_not_numbers() -> None:
    day = DailyBudget()
    answered(day, 0.0, reported("?", "many"), 0.1)
    assert (day.remaining, day.limit) == (None, None)


# ---- midnight


@pytest.mark.parametrize(
    ("now", "zone", "begins"),
    [
        ("2026-11-23T06:00Z", "UTC", "2026-11-24T00:00Z"),
        ("2026-11-23T06:00Z", "America/New_York", "2026-11-23T05:00Z+1d"),
        ("2026-11-23T04:59Z", "America/New_York", "2026-11-23T05:00Z"),
        ("2026-11-23T05:00Z", "America/New_York", "2026-11-24T05:00Z"),
        ("2026-11-23T14:59Z", "Asia/Tokyo", "2026-11-23T15:00Z"),
        # Clocks go forward on the 29th at one o'clock UTC, back on 25 October.
        ("2026-03-28T23:30Z", "Europe/Berlin", "2026-03-29T22:00Z"),
        ("2026-10-24T22:30Z", "Europe/Berlin", "2026-10-25T23:00Z"),
        # In Cairo the 24th of April 2026 begins at one o'clock.
        ("2026-04-23T12:00Z", "Africa/Cairo", "2026-04-23T22:00Z"),
    ],
)
def test_next_midnight(now: str, zone: str, begins: str) -> None:
    instant, _, days = begins.partition("+")
    expected = datetime.fromisoformat(instant) + timedelta(days=1 if days else 0)
    given = next_midnight(datetime.fromisoformat(now), ZoneInfo(zone))
    assert given.astimezone(UTC) == expected
    assert given.utcoffset() == expected.astimezone(ZoneInfo(zone)).utcoffset()


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 -- made aware below
    st.sampled_from(["UTC", "America/Sao_Paulo", "Asia/Kolkata", "Africa/Cairo"]),
)
def test_next_midnight_is_within_a_day_and_begins_another_one(
    naive: datetime, name: str
) -> None:
    now, zone = naive.replace(tzinfo=UTC), ZoneInfo(name)
    begins = next_midnight(now, zone)
    assert timedelta(0) < begins - now <= timedelta(hours=25)
    before = (begins.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone)
    assert before.date() == now.astimezone(zone).date()
    assert begins.date() == before.date() + timedelta(days=1)


def test_next_midnight_by_offset() -> None:
    zone = timezone(timedelta(hours=-5))
    begins = next_midnight(datetime(2026, 11, 23, 6, tzinfo=UTC), zone)
    assert begins.isoformat() == "2026-11-24T00:00:00-05:00"

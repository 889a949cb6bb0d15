"""The time zone in which an account's day ends."""

from datetime import UTC, datetime, timedelta

import pytest

from hubbatch import Account
from hubbatch._net.client_state import time_zone, utc_now


@pytest.mark.parametrize(
    ("account", "hours"),
    [
        (None, 0),
        (Account(1), 0),
        (Account(1, time_zone="America/New_York"), -5),
        (Account(1, time_zone="US/Eastern", utc_offset="+09:00"), -5),
        (Account(1, time_zone="Mars/Olympus", utc_offset="+05:30"), 5.5),
        (Account(1, time_zone="../etc/passwd", utc_offset="-03:00"), -3),
        (Account(1, time_zone="America", utc_offset="-03:00"), -3),
        (Account(1, time_zone="Mars/Olympus", utc_offset="soon"), 0),
        (Account(1, utc_offset="-05:00"), -5),
    ],
)
def test_time_zone(account: Account | None, hours: float) -> None:
    winter = datetime(2026, 11, 23, tzinfo=UTC).astimezone(time_zone(account))
    assert winter.utcoffset() == timedelta(hours=hours)


def test_wall_clock_is_aware() -> None:
    assert utc_now().tzinfo is UTC

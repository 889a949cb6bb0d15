from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._tables.zones import Zone
from hubbatch._wire.property_values import AS_IS, Unsendable
from hubbatch.errors import ConfigurationError


def zone(name: str) -> Zone:
    found = Zone.find(name)
    assert found is not None
    return found


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


BERLIN = zone("Europe/Berlin")


def test_no_name_is_no_zone() -> None:
    assert Zone.find(None) is None


def test_as_is_is_no_zone_for_times_of_a_type() -> None:
    assert Zone.find("as-is") is None
    assert Zone.named("as-is").tz is AS_IS


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe"])
def test_zones_that_there_are_not(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a name like UTC"):
        Zone.find(name)


@given(st.datetimes(local("1990-01-01 00:00"), local("2037-01-01 00:00")))
def test_a_time_is_that_of_the_zones_own_clock_or_none(local: datetime) -> None:
    """Converting to UTC and back returns the same time, or the value is unsendable."""
    given = BERLIN.localize(local)

    there = [
        local.replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(UTC)
        for fold in (0, 1)
    ]
    if isinstance(given, Unsendable):
        assert there[0] != there[1]
        assert str(local) in given.reason
    else:
        assert given.astimezone(UTC) == there[0] == there[1]
        assert given.replace(tzinfo=None) == local


@pytest.mark.parametrize("hour", [local("2026-03-29 02:30"), local("2026-10-25 02:00")])
def test_an_hour_that_comes_twice_or_never_is_not_guessed(hour: datetime) -> None:
    assert isinstance(BERLIN.localize(hour), Unsendable)
    later = BERLIN.localize(hour + timedelta(hours=1))
    assert later.tzinfo is not None


def test_all_but_times_without_a_zone_stays() -> None:
    aware = datetime(2026, 5, 31, tzinfo=UTC)
    for value in (None, "x", 5, aware, aware.date()):
        assert BERLIN.localize(value) is value
    nested = zone("UTC").localize({"a": [local("2026-05-31 00:00"), None], "b": "x"})
    assert nested == {"a": [aware, None], "b": "x"}

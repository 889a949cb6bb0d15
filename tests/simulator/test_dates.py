"""Dates outside the allowed years: HubSpot's refusal, never a server error."""

import pytest

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


def create(world: World, name: str, value: object) -> Response:
    return world.batch("create", [{"properties": {name: value}}], type="deals")


@pytest.mark.parametrize("name", ["closedate", "signed"])
@pytest.mark.parametrize(
    "value",
    [
        "999999999999999",
        "253402300800000",
        "-62135596800001",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59.999999",
        "10000-01-01",
        "2026-02-30",
        "2026-09-14 12:00",
        "20260914T12",
        "2026-W38-1",
        "1e12",
        1e30,
        10**18,
        "١٢٣",
    ],
)
@behaviour("dates-have-bounds")
def test_out_of_range(world: World, name: str, value: object) -> None:
    """Only the years 1 to 9999 are valid, to the millisecond."""
    world.sim.store.define("deals", [Property("signed", "date")])
    response = create(world, name, value)

    assert response.status == 400
    (error,) = response.body["errors"]
    assert error["code"] in {"INVALID_LONG", "INVALID_DATE"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("253402300799999", "9999-12-31T23:59:59.999Z"),
        ("-62135596800000", "0001-01-01T00:00:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("-1", "1969-12-31T23:59:59.999Z"),
        ("2026-09-14T12:00:00+02:00", "2026-09-14T10:00:00Z"),
    ],
)
@behaviour("dates-have-bounds", "dates-in-two-forms")
def test_the_first_and_the_last(world: World, value: str, shown: str) -> None:
    (result,) = create(world, "closedate", value).body["results"]

    assert result["properties"]["closedate"] == shown


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    value=st.integers(-(10**17), 10**17)
    | st.datetimes().map(lambda item: item.isoformat())
    | st.text()
)
@example("0001-01-01T00:00:00+23:59")
@behaviour("dates-have-bounds", "any-body")
def test_no_date_breaks_the_simulator(make_world: MakeWorld, value: object) -> None:
    assert create(make_world(), "closedate", value).status in {201, 400}

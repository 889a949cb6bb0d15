"""Creates with lost answers, and a HubSpot that enforces unique values."""

import asyncio

from typing import Any

import pytest

from attrs import evolve

from hubbatch import OutcomeStatus, RecordConflict
from hubbatch.simulator import Fault, Property, When
from tests.integration.conftest import Portal, unanswered


def cars(count: int, **more: object) -> list[dict[str, Any]]:
    return [
        {"properties": {"plate": f"B-{n}", "note": f"n{n}", **more}}
        for n in range(count)
    ]


def define(portal: Portal) -> None:
    portal.sim.store.define("car", [Property("plate", unique=True), "note"])


def plates(portal: Portal) -> list[str]:
    return sorted(car.properties["plate"] for car in portal.sim.store.all("car"))


CREATES = When(verb="create")
LOSSES = {
    "before": Fault("drop_before", when=CREATES),
    "after": Fault("drop_after_commit", when=CREATES),
    "502": Fault("status", status=502, when=CREATES),
    "truncated": Fault("truncate", when=CREATES),
    "silent": Fault("silent_drop", when=CREATES),
    "noop": Fault("silent_noop", when=CREATES),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_answer(portal: Portal, loss: str) -> None:
    define(portal)
    portal.sim.faults.add(LOSSES[loss])
    async with portal.hub() as hub:
        response = await hub.objects("car").create(cars(120), reconcile_by="plate")
    assert response.succeeded == 120
    assert plates(portal) == sorted(f"B-{n}" for n in range(120))
    stored = {car.id: car.properties["plate"] for car in portal.sim.store.all("car")}
    for outcome in response.outcomes:
        assert stored[str(outcome.id)] == outcome.input["properties"]["plate"]


@pytest.mark.parametrize("loss", LOSSES)
async def test_without_reconcile_by(portal: Portal, loss: str) -> None:
    define(portal)
    portal.sim.faults.add(LOSSES[loss])
    async with portal.hub() as hub:
        made = hub.objects("car").create(cars(5))
        response = await (made if loss == "silent" else unanswered(made))
    assert len(response.unknown) == (1 if loss == "silent" else 5)
    assert len(portal.sim.requests) == 1


@pytest.mark.parametrize("traced", [True, False])
async def test_another_record_has_the_value(portal: Portal, *, traced: bool) -> None:
    """Whether HubSpot refuses the record or the whole chunk, it is another's."""
    define(portal)
    if not traced:
        portal.sim.faults.set(honour_trace_ids=())
    portal.sim.store.create("car", {"plate": "B-1", "note": "theirs"})
    portal.sim.faults.add(LOSSES["before"])
    async with portal.hub() as hub:
        response = await hub.objects("car").create(cars(3), reconcile_by="plate")
    statuses = [outcome.status for outcome in response.outcomes]
    assert statuses == [
        OutcomeStatus.SUCCEEDED,
        OutcomeStatus.UNKNOWN,
        OutcomeStatus.SUCCEEDED,
    ]
    assert plates(portal) == ["B-0", "B-1", "B-2"]


async def test_another_record_has_the_value_and_nothing_was_lost(
    portal: Portal,
) -> None:
    define(portal)
    portal.sim.store.create("car", {"plate": "B-1", "note": "theirs"})
    async with portal.hub() as hub:
        response = await hub.objects("car").create(cars(3), reconcile_by="plate")
    [failure] = response.failures
    assert (failure.index, failure.status) == (1, OutcomeStatus.FAILED)
    assert isinstance(failure.error, RecordConflict)


async def test_half_made_records_are_looked_for(portal: Portal) -> None:
    """A 400 about a unique value leaves a record without it, and names no other."""
    define(portal)
    portal.sim.faults.set(honour_trace_ids=())
    portal.sim.store.create("car", {"plate": "B-1", "note": "theirs"})
    async with portal.hub() as hub:
        response = await hub.objects("car").create(cars(3), reconcile_by="plate")
    assert [outcome.index for outcome in response.unknown] == [1]
    assert response.succeeded == 2
    paths = [received.path.rpartition("/")[2] for received in portal.sim.requests]
    assert paths == ["create", "read", "create"]


async def test_a_late_first_write(portal: Portal) -> None:
    """The second create meets the first, which was written after the lookup."""
    define(portal)

    def late(seen: Any) -> bool:
        if seen.verb == "create" and len(portal.sim.requests) == 2:
            portal.sim.store.create("car", {"plate": "B-0", "note": "n0"})
        return False

    portal.sim.faults.add(LOSSES["before"])
    portal.sim.faults.add(Fault("delay", when=late))
    async with portal.hub() as hub:
        response = await hub.objects("car").create(cars(2), reconcile_by="plate")
    assert response.succeeded == 2
    assert plates(portal) == ["B-0", "B-1"]
    paths = [received.path.rpartition("/")[2] for received in portal.sim.requests]
    assert paths == ["create", "read", "create", "read"]


async def test_values_that_stand_twice(portal: Portal) -> None:
    """The first is created, the later one refused, also after a lost answer."""
    define(portal)
    portal.sim.faults.add(LOSSES["after"])
    given = [*cars(3), *cars(3, note="second")]
    async with portal.hub() as hub:
        response = await hub.objects("car").create(given, reconcile_by="plate")
    assert [outcome.index for outcome in response.failed] == [3, 4, 5]
    assert {car.properties["note"] for car in portal.sim.store.all("car")} == {
        "n0",
        "n1",
        "n2",
    }


@pytest.mark.parametrize("loss", ["before", "after", "502"])
async def test_twins_do_not_share_a_record(portal: Portal, loss: str) -> None:
    """The later answer is lost, and the lookup finds the earlier one's record."""
    define(portal)
    second = When(verb="create", skip=1)
    portal.sim.faults.add(evolve(LOSSES[loss], when=second))
    async with portal.hub() as hub:
        response = await hub.objects("car").create(
            [*cars(1), *cars(1)], reconcile_by="plate"
        )
    assert [str(outcome.status) for outcome in response.outcomes] == [
        "succeeded",
        "unknown",
    ]
    assert plates(portal) == ["B-0"]


async def test_a_record_that_was_there_before_is_not_claimed(portal: Portal) -> None:
    """It has all the values, but it was not written here."""
    define(portal)
    portal.sim.store.create("car", {"plate": "B-0", "note": "n0"})
    await asyncio.sleep(60)
    portal.sim.faults.add(LOSSES["before"])
    async with portal.hub() as hub:
        response = await hub.objects("car").create(cars(2), reconcile_by="plate")
    assert [str(outcome.status) for outcome in response.outcomes] == [
        "unknown",
        "succeeded",
    ]


async def test_a_record_without_the_value_is_not_sent(portal: Portal) -> None:
    define(portal)
    async with portal.hub() as hub:
        response = await hub.objects("car").create(
            [{"properties": {"note": "x"}}], reconcile_by="plate"
        )
    [failure] = response.failures
    assert failure.error is not None
    assert failure.error.category == "INVALID_INPUT"
    assert portal.sim.requests == []


async def test_contacts_are_looked_for_by_address(portal: Portal) -> None:
    """HubSpot keeps addresses in lower case."""
    portal.sim.faults.add(LOSSES["after"])
    given = [{"properties": {"email": "Ada@Example.com", "firstname": "Ada"}}]
    async with portal.hub() as hub:
        response = await hub.contacts.create(given, reconcile_by="email")
    assert response.succeeded == 1
    assert portal.sim.store.count("contacts") == 1

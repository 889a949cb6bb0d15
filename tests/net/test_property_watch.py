"""Reading a property that does not exist is not silent."""

import warnings

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from hubbatch import HubBatch
from hubbatch.simulator import Fault, Simulator, When


DEFINITIONS = "/crm/v3/properties/contacts"
TYPO = (
    'There is no property "frist_name" (did you mean "firstname"?) of contacts that '
    "the token can read."
)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        yield sim


@pytest.fixture
async def hub(sim: Simulator) -> AsyncIterator[HubBatch]:
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        yield hub


@pytest.fixture
def ids(sim: Simulator) -> list[str]:
    people = [{"email": f"p{n}@x.com", "firstname": "Ada"} for n in range(120)]
    return [sim.store.create("contacts", one).id for one in people]


@contextmanager
def warned(*messages: str) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield
    assert [str(one.message) for one in found] == [*messages]


def lookups(sim: Simulator) -> int:
    return sum(received.path == DEFINITIONS for received in sim.requests)


async def test_a_name_that_no_record_has_is_looked_up_once(
    sim: Simulator, hub: HubBatch, ids: list[str]
) -> None:
    with warned(TYPO):
        response = await hub.contacts.read(ids, properties=["frist_name", "lastname"])

    assert response.succeeded == 120
    assert lookups(sim) == 1


async def test_streams_and_lists_warn_at_their_end(
    hub: HubBatch, ids: list[str]
) -> None:
    with warned(TYPO):
        async with hub.contacts.read(ids, properties=["frist_name"]) as outcomes:
            assert sum([1 async for _ in outcomes]) == 120
    with warned(TYPO):
        listed = hub.contacts.list(properties=["frist_name"])
        assert sum([1 async for _ in listed]) == 120


async def test_names_that_some_record_has_cost_nothing(
    sim: Simulator, hub: HubBatch, ids: list[str]
) -> None:
    """A property without a value is null, so it is in the answer."""
    with warned():
        await hub.contacts.read(ids, properties=["firstname", "lastname", "phone"])
        async for _ in hub.contacts.list(properties=["lastname"]):
            pass
        await hub.contacts.read(ids)

    assert lookups(sim) == 0


async def test_without_a_record_nothing_is_known(sim: Simulator, hub: HubBatch) -> None:
    with warned():
        response = await hub.contacts.read(["404"], properties=["frist_name"])
        async for _ in hub.contacts.list(properties=["frist_name"]):
            pass

    assert response.succeeded == 0
    assert lookups(sim) == 0


async def test_a_name_that_exists_is_no_mistake(
    sim: Simulator, hub: HubBatch, ids: list[str]
) -> None:
    record = {
        "id": ids[0],
        "properties": {},
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "archived": False,
    }
    body = {"status": "COMPLETE", "results": [record]}
    sim.faults.add(Fault("status", status=200, body=body, when=When(verb="read")))

    with warned():
        await hub.contacts.read(ids[:1], properties=["phone"])

    assert lookups(sim) == 1


async def test_definitions_that_cannot_be_read_do_not_end_the_batch(
    sim: Simulator, hub: HubBatch, ids: list[str]
) -> None:
    sim.faults.add(Fault("status", status=403, when=When(path=DEFINITIONS)))

    with warned('No record of contacts has "frist_name": check the names.'):
        response = await hub.contacts.read(ids, properties=["frist_name"])

    assert response.succeeded == 120

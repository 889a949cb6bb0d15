"""Tables of pairs to merge, of contacts to delete and of custom events."""

from datetime import UTC, datetime

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hubbatch import HubBatch
from hubbatch.simulator import Simulator


AT = datetime(2026, 1, 20, 21, 14, 16, tzinfo=UTC)


def people(sim: Simulator) -> list[str]:
    create = sim.store.create
    return [create("contacts", {"email": f"p{n}@x.org"}).id for n in range(4)]


async def test_a_table_of_pairs(hubspot_simulator: Simulator) -> None:
    sim = hubspot_simulator
    ids = people(sim)
    pairs = pa.table(
        {
            "objectIdToMerge": [int(ids[1]), int(ids[3])],
            "primaryObjectId": [int(ids[0]), int(ids[2])],
            "score": [0.9, 0.8],
        }
    )

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        response = await hub.contacts.merge(pairs.select([0, 1]))
        unknown = await hub.contacts.merge(pairs)
        with pytest.raises(ValueError, match='no column "objectIdToMerge"'):
            hub.contacts.merge(pairs.select([1])).close()

    assert response.succeeded == 2
    assert sim.store.count("contacts") == 2
    assert "unknown field 'score'" in str(unknown.failures[0].error)


async def test_a_table_of_addresses(hubspot_simulator: Simulator) -> None:
    sim = hubspot_simulator
    people(sim)
    gone = pa.table({"email": ["p1@x.org", "p2@x.org"], "why": ["asked", "asked"]})

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        response = await hub.contacts.gdpr_delete(gone, id_property="email")

    assert response.succeeded == 2
    assert sim.store.count("contacts") == 2


async def test_a_table_of_events(hubspot_simulator: Simulator) -> None:
    sim = hubspot_simulator
    events = pa.table(
        {
            "eventName": [f"pe{sim.store.portal_id}_printed"] * 2,
            "email": ["ada@x.org", "eve@x.org"],
            "occurredAt": [AT, AT],
            "pages": [3, None],
        }
    )

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        response = await hub.events.send(events)

    assert response.succeeded == 2
    assert [event["properties"] for event in sim.store.events] == [{"pages": "3"}, {}]
    assert {event["occurredAt"] for event in sim.store.events} == {
        "2026-01-20T21:14:16.000Z"
    }

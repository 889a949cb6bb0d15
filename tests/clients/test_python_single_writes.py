"""Merges, GDPR deletes and events: HubSpot's Python client and hubbatch agree."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import contacts  # type: ignore[import-untyped]
from hubspot.events import send  # type: ignore[import-untyped]

from hubbatch import EventInput, HubBatch, MergeInput, RecordInvalid, RecordNotFound
from hubbatch.simulator import Simulator


AT = datetime(2026, 1, 20, 21, 14, 16, 512_000, UTC)


@pytest.fixture
def twin() -> Iterator[Simulator]:
    """Return an account that is equal to `hubspot_simulator`, for the other client."""
    with Simulator() as sim:
        yield sim


def theirs(sim: Simulator) -> HubSpot:
    client = HubSpot(access_token=sim.token)
    client.config["host"] = sim.url
    return client


def people(*sims: Simulator) -> list[list[str]]:
    """Create the same contacts in each account; return their ids."""
    return [
        [
            sim.store.create(
                "contacts", {"email": f"p{n}@x.org", "firstname": str(n)}
            ).id
            for n in range(6)
        ]
        for sim in sims
    ]


def state(sim: Simulator) -> list[Mapping[str, Any]]:
    """Return what the account has, without ids and times."""
    names = ("email", "firstname", "hs_additional_emails")
    return [
        {name: record.properties.get(name) for name in names}
        for record in sim.store.all("contacts")
    ]


def bodies(sim: Simulator, path: str, ids: Sequence[str]) -> list[Any]:
    """Return the bodies that were sent, in order; an id is replaced by its number."""
    numbers = {name: f"#{number}" for number, name in enumerate(ids)}
    return sorted(
        sorted((name, numbers.get(item, item)) for name, item in received.body.items())
        for received in sim.requests
        if received.path == path
    )


async def test_merges(hubspot_simulator: Simulator, twin: Simulator) -> None:
    sim = hubspot_simulator
    mine, other = people(sim, twin)
    client = theirs(twin).crm.contacts.basic_api

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        pairs: list[MergeInput | tuple[str, str]] = [
            MergeInput(mine[0], mine[1]),
            (mine[2], mine[3]),
            (mine[4], "77"),
        ]
        response = await hub.contacts.merge(pairs)
    survivors = []
    for primary, merged in ((other[0], other[1]), (other[2], other[3])):
        record = client.merge(
            contacts.PublicMergeInput(
                primary_object_id=primary, object_id_to_merge=merged
            )
        )
        survivors.append(record)
    with pytest.raises(contacts.exceptions.NotFoundException) as missing:
        client.merge(
            contacts.PublicMergeInput(
                primary_object_id=other[4], object_id_to_merge="77"
            )
        )

    assert response.succeeded == len(survivors) == 2
    for outcome, record in zip(response.outcomes, survivors, strict=False):
        assert outcome.id not in mine
        assert record.id not in other
        assert outcome.result is not None
        # Requested by neither, so the same ones come to both.
        assert outcome.result.properties.keys() == record.properties.keys()
    error = response.outcomes[2].error
    assert isinstance(error, RecordNotFound)
    assert error.message in missing.value.body
    assert state(sim) == state(twin)
    path = "/crm/v3/objects/contacts/merge"
    assert bodies(sim, path, mine) == bodies(twin, path, other)


async def test_gdpr_deletes(hubspot_simulator: Simulator, twin: Simulator) -> None:
    sim = hubspot_simulator
    mine, other = people(sim, twin)
    client = theirs(twin).crm.contacts.basic_api

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        by_id = await hub.contacts.gdpr_delete([mine[0]])
        by_email = await hub.contacts.gdpr_delete(
            ["p1@x.org", "unknown@x.org"], id_property="email"
        )
    for name, id_property in (
        (other[0], None),
        ("p1@x.org", "email"),
        ("unknown@x.org", "email"),
    ):
        gone = contacts.PublicGdprDeleteInput(object_id=name, id_property=id_property)
        assert client.purge(gone) is None

    assert by_id.ok
    assert by_email.ok
    assert state(sim) == state(twin)
    path = "/crm/v3/objects/contacts/gdpr-delete"
    assert bodies(sim, path, mine) == bodies(twin, path, other)


async def test_events(hubspot_simulator: Simulator, twin: Simulator) -> None:
    sim = hubspot_simulator
    client = theirs(twin).events.send.batch_api
    name = f"pe{sim.store.portal_id}_printed"

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        events = [
            EventInput(
                name, {"pages": n}, email="ada@x.org", occurred_at=AT, uuid=str(n)
            )
            for n in range(3)
        ]
        response = await hub.events.send(events)
        refused = await hub.events.send([EventInput("printed", utk="u")])
    client.send(
        send.BatchedBehavioralEventHttpCompletionRequest(
            inputs=[
                send.BehavioralEventHttpCompletionRequest(
                    event_name=name,
                    properties={"pages": str(n)},
                    email="ada@x.org",
                    occurred_at=AT,
                    uuid=str(n),
                )
                for n in range(3)
            ]
        )
    )
    with pytest.raises(send.exceptions.ApiException) as raised:
        client.send(
            send.BatchedBehavioralEventHttpCompletionRequest(
                inputs=[
                    send.BehavioralEventHttpCompletionRequest(
                        event_name="printed", properties={}, utk="u"
                    )
                ]
            )
        )

    assert response.succeeded == 3
    [outcome] = refused.failures
    assert isinstance(outcome.error, RecordInvalid)
    assert outcome.error.message in raised.value.body
    ours, others = [[*one.store.events] for one in (sim, twin)]
    for event in (*ours, *others):
        assert datetime.fromisoformat(event["occurredAt"]) == AT
    assert [{**event, "occurredAt": AT} for event in ours] == [
        {**event, "occurredAt": AT} for event in others
    ]

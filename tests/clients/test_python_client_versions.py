"""HubSpot's Python client and hubbatch agree on calls that move with the version."""

import dataclasses
import logging

from typing import Any

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import companies  # type: ignore[import-untyped]
from hubspot.crm.associations import v4  # type: ignore[import-untyped]

from hubbatch import (
    AssociationInput,
    AssociationSpec,
    HubBatch,
    InvalidRequestError,
)
from hubbatch.simulator import Simulator


@pytest.fixture
def theirs(hubspot_simulator: Simulator) -> Any:
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    client = HubSpot(access_token=hubspot_simulator.token)
    client.config |= dict.fromkeys(("host", "base_url"), hubspot_simulator.url)
    return client


def ours(sim: Simulator) -> HubBatch:
    return HubBatch(sim.token, base_url=sim.url)


async def test_associations_of_v4_and_of_2026_03_are_the_same(
    hubspot_simulator: Simulator, theirs: Any
) -> None:
    """Each client reads what the other wrote: HubSpot's with v4, ours with 2026-03."""
    sim = hubspot_simulator
    create = sim.store.create
    tickets = [create("tickets", {"subject": "s"}).id for _ in range(4)]
    people = [create("contacts", {}).id for _ in range(4)]
    api = theirs.crm.associations.v4.batch_api
    spec = v4.AssociationSpec("HUBSPOT_DEFINED", 16)
    api.create(
        "tickets",
        "contacts",
        v4.BatchInputPublicAssociationMultiPost(
            inputs=[
                v4.PublicAssociationMultiPost(
                    [spec], v4.PublicObjectId(t), v4.PublicObjectId(p)
                )
                for t, p in zip(tickets[:2], people[:2], strict=True)
            ]
        ),
    )
    async with ours(sim) as hub:
        pairs = hub.associations("tickets", "contacts")
        made = await pairs.create(
            AssociationInput(t, p, [AssociationSpec("HUBSPOT_DEFINED", 16)])
            for t, p in zip(tickets[2:], people[2:], strict=True)
        )
        gone = await pairs.archive([AssociationInput(tickets[0], people[0])])
        read = await pairs.read(tickets)
    seen = api.get_page(
        "tickets",
        "contacts",
        v4.BatchInputPublicFetchAssociationsBatchRequest(
            inputs=[{"id": ticket} for ticket in tickets]
        ),
    )

    assert made.ok
    assert gone.ok
    linked = {
        one.from_: [to.to_object_id for to in one.to] for one in read.results if one.to
    }
    assert linked == dict(zip(tickets[1:], ([p] for p in people[1:]), strict=True))
    assert linked == {
        one._from.id: [str(to.to_object_id) for to in one.to] for one in seen.results
    }
    roots = {request.path.split("/batch/")[0] for request in sim.requests}
    assert roots == {
        "/crm/v4/associations/tickets/contacts",
        "/crm/associations/2026-03/tickets/contacts",
    }


@dataclasses.dataclass
class Company:
    id: str
    name: str
    phone: str | None = None


async def test_a_single_record_is_the_same_in_a_class_of_ones_own(
    hubspot_simulator: Simulator, theirs: Any
) -> None:
    sim = hubspot_simulator
    made = sim.store.create("companies", {"name": "Acme"}).id
    async with ours(sim) as hub:
        read = await hub.single.companies.read(made, into=Company)
    seen = theirs.crm.companies.basic_api.get_by_id(made, properties=["name", "phone"])

    assert read == Company(
        seen.id, seen.properties["name"], seen.properties.get("phone")
    )


async def test_the_connections_of_users_are_the_same(
    hubspot_simulator: Simulator, theirs: Any
) -> None:
    """HubSpot's client has no such call, so it sends the request as it is."""
    sim = hubspot_simulator
    users = [
        sim.store.owners.add(f"{name}@example.com").user_id for name in ("ada", "bob")
    ]
    async with ours(sim) as hub:
        read = await hub.connection_statuses.read(users)
    answer = theirs.api_request(
        {
            "method": "POST",
            "path": "/crm/extensions/calling/v3/connection-statuses/batch/read",
            "body": {"inputs": [{"id": str(user)} for user in users]},
        }
    ).json()

    assert [one.details for one in read.results] == answer["results"]
    assert [one.user_id for one in read.results] == [*map(str, users)]
    assert [request.body for request in sim.requests] == [sim.requests[0].body] * 2


async def test_both_are_refused_by_domain_and_find_the_same_companies(
    hubspot_simulator: Simulator, theirs: Any
) -> None:
    sim = hubspot_simulator
    ids = [sim.store.create("companies", {"domain": "acme.com"}).id for _ in range(3)]
    sim.store.create("companies", {"domain": "other.com"})
    update = {"id": "acme.com", "idProperty": "domain", "properties": {"phone": "1"}}
    with pytest.raises(companies.ApiException) as refused:
        theirs.crm.companies.batch_api.update(
            companies.BatchInputSimplePublicObjectBatchInput(inputs=[update])
        )
    async with ours(sim) as hub:
        with pytest.raises(InvalidRequestError) as caught:
            await hub.companies.update([update])
        found = [one.id async for one in hub.companies.search({"domain": "acme.com"})]
    seen = theirs.crm.companies.search_api.do_search(
        {
            "filterGroups": [
                {
                    "filters": [
                        {
                            "propertyName": "domain",
                            "operator": "EQ",
                            "value": "acme.com",
                        }
                    ]
                }
            ]
        }
    )

    assert caught.value.message in refused.value.body
    assert sorted(found) == sorted(ids) == sorted(one.id for one in seen.results)

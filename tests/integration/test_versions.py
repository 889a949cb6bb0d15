"""Every call of the table works in every version that HubSpot has."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hubbatch import (
    AssociationInput,
    AssociationLimitInput,
    AssociationSpec,
    DealSplit,
    DealSplitsInput,
    EventInput,
    HubBatch,
    PropertyCreate,
    PublicAssociation,
    UpsertInput,
)
from hubbatch._wire.calls import ApiName, Verb
from hubbatch._wire.endpoints import ENDPOINTS
from hubbatch.simulator import Property
from tests.integration.conftest import Portal


VERSIONS = ("v3", "2025-09", "2026-03", "2026-09", "2027-03-beta")
LINKED = AssociationSpec("HUBSPOT_DEFINED", 16)
LIMIT = AssociationLimitInput("HUBSPOT_DEFINED", 3, 5)
OTHER_WAY = AssociationLimitInput("HUBSPOT_DEFINED", 4, 5)


class World:
    """An account with a record of each kind that the calls are about."""

    def __init__(self, portal: Portal) -> None:
        store = portal.sim.store
        store.define("tickets", [Property("ref", unique=True)])
        self.ticket = store.create("tickets", {"subject": "s", "ref": "r"}).id
        self.contact = store.create("contacts", {}).id
        self.other = store.create("contacts", {}).id
        self.list = store.lists.add("News")
        store.lists.put(self.list, {self.other})
        self.deal = store.create("deals", {}).id
        self.user = store.owners.add("ada@example.com").user_id
        self.pair = AssociationInput(self.ticket, self.contact)
        self.typed = AssociationInput(self.ticket, self.contact, [LINKED])
        self.named = PublicAssociation(self.ticket, self.contact, "ticket_to_contact")

    async def prepare(self, hub: HubBatch) -> None:
        (await pairs(hub).create([self.typed])).raise_for_failures()
        (await limits(hub).create([LIMIT])).raise_for_failures()


def pairs(hub: HubBatch) -> Any:
    return hub.associations("tickets", "contacts")


def old_pairs(hub: HubBatch) -> Any:
    return hub.associations("tickets", "contacts", api_version="v3")


def limits(hub: HubBatch, source: str = "deals", target: str = "contacts") -> Any:
    return hub.associations(source, target).limits


async def first(records: Any) -> Any:
    return await anext(records)


NEW = PropertyCreate("size", "Size", "ticketinformation", "string", "text")
SPLITS = [DealSplit(1, 100)]
Ask = Callable[[HubBatch, World], Awaitable[Any]]
CALLS: dict[tuple[ApiName, Verb], Ask] = {
    ("objects", "create"): lambda hub, _: hub.tickets.create([{"properties": {}}]),
    ("objects", "read"): lambda hub, w: hub.tickets.read([w.ticket]),
    ("objects", "update"): lambda hub, w: hub.tickets.update(
        [{"id": w.ticket, "properties": {"subject": "x"}}]
    ),
    ("objects", "upsert"): lambda hub, _: hub.tickets.upsert(
        [UpsertInput("r", {"subject": "x"})], id_property="ref"
    ),
    ("objects", "archive"): lambda hub, w: hub.tickets.archive([w.ticket]),
    ("object_pages", "list"): lambda hub, _: first(hub.tickets.list()),
    ("searches", "search"): lambda hub, _: first(hub.tickets.search({"ref": "r"})),
    ("associations", "create"): lambda hub, w: pairs(hub).create([w.typed]),
    ("associations", "create_default"): lambda hub, w: pairs(hub).create_default(
        [w.pair]
    ),
    ("associations", "read"): lambda hub, w: pairs(hub).read([w.ticket]),
    ("associations", "archive"): lambda hub, w: pairs(hub).archive([w.pair]),
    ("associations", "archive_labels"): lambda hub, w: pairs(hub).archive_labels(
        [w.typed]
    ),
    ("association_kinds", "read"): lambda hub, _: pairs(hub).kinds(),
    ("association_limits", "create"): lambda hub, _: limits(
        hub, "contacts", "deals"
    ).create([OTHER_WAY]),
    ("association_limits", "update"): lambda hub, _: limits(hub).update([LIMIT]),
    ("association_limits", "purge"): lambda hub, _: limits(hub).purge(
        [AssociationSpec("HUBSPOT_DEFINED", 3)]
    ),
    ("v3_associations", "create"): lambda hub, w: old_pairs(hub).create([w.named]),
    ("v3_associations", "read"): lambda hub, w: old_pairs(hub).read([w.ticket]),
    ("v3_associations", "archive"): lambda hub, w: old_pairs(hub).archive([w.named]),
    ("properties", "create"): lambda hub, _: hub.properties("tickets").create([NEW]),
    ("properties", "read"): lambda hub, _: hub.properties("tickets").read(["ref"]),
    ("properties", "archive"): lambda hub, _: hub.properties("tickets").archive(
        ["ref"]
    ),
    ("property_lists", "read"): lambda hub, _: hub.properties("tickets").list(),
    ("schemas", "read"): lambda hub, _: hub.schemas.read(["tickets"]),
    ("memberships", "read"): lambda hub, w: hub.list_memberships("contacts").read(
        [w.contact]
    ),
    ("deal_splits", "read"): lambda hub, w: hub.deal_splits.read([w.deal]),
    ("deal_splits", "upsert"): lambda hub, w: hub.deal_splits.upsert(
        [DealSplitsInput(w.deal, SPLITS)]
    ),
    ("lists", "add"): lambda hub, w: hub.lists(w.list.id).add([w.contact]),
    ("lists", "remove"): lambda hub, w: hub.lists(w.list.id).remove([w.other]),
    ("lists", "details"): lambda hub, w: hub.lists(w.list.id).add([w.contact]),
    ("lists", "list"): lambda hub, w: first(hub.lists(w.list.id).read()),
    ("list_search", "find"): lambda hub, _: hub.lists.find(name="News"),
    ("owners", "list"): lambda hub, _: hub.owners.list(),
    ("pipelines", "list"): lambda hub, _: hub.pipelines("tickets").list(),
    ("merges", "merge"): lambda hub, w: hub.contacts.merge([(w.contact, w.other)]),
    ("gdpr_deletes", "gdpr_delete"): lambda hub, w: hub.contacts.gdpr_delete(
        [w.contact]
    ),
    ("events", "send"): lambda hub, w: hub.events.send(
        [EventInput("pe62515_seen", {}, object_id=w.contact)]
    ),
    ("connection_statuses", "read"): lambda hub, w: hub.connection_statuses.read(
        [w.user]
    ),
    ("legacy", "create"): lambda hub, _: hub.legacy.tickets.create(
        [{"properties": {"subject": "x"}}]
    ),
    ("legacy", "read"): lambda hub, w: hub.legacy.tickets.read([w.ticket]),
    ("legacy", "update"): lambda hub, w: hub.legacy.tickets.update(
        [{"objectId": w.ticket, "properties": {"subject": "x"}}]
    ),
    ("legacy", "archive"): lambda hub, w: hub.legacy.tickets.archive([w.ticket]),
    ("account", "details"): lambda hub, _: hub.account(),
}
# Tested where clients log in.
ELSEWHERE = {("oauth", "token")}


def test_every_call_of_the_table_is_here() -> None:
    assert CALLS.keys() == ENDPOINTS.keys() - ELSEWHERE


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("call", CALLS, ids=".".join)
async def test_a_call_works_in_every_version(
    portal: Portal, version: str, call: tuple[ApiName, Verb]
) -> None:
    world = World(portal)
    async with portal.hub(api_version=version) as hub:
        await world.prepare(hub)
        before = len(portal.sim.requests)
        result = await CALLS[call](hub, world)

    assert result
    if hasattr(result, "raise_for_failures"):
        result.raise_for_failures()
        assert result.succeeded == 1
    sent = portal.sim.requests[before:]
    # Before its first change of a list, a client reads the list.
    assert len(sent) == 1 + (call[0] == "lists" and call[1] != "list")
    for request in sent:
        assert request.status in {200, 201, 204}
        assert ENDPOINTS[call].api.version(version) in request.path.split("/")
        # No version uses v4, which ends before all others.
        assert "v4" not in request.path.split("/")

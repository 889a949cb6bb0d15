"""Searches over sockets: 25,000 matches, and what the simulator makes of them."""

import asyncio

from collections import Counter
from datetime import date
from math import ceil

import attrs
import pytest

from hubbatch import (
    ALL,
    AssociationInput,
    Filter,
    Filters,
    InvalidRequestError,
    ListError,
    PermissionDeniedError,
)
from hubbatch.simulator import Fault, When
from hubbatch.simulator.faults.conditions import Seen

from .conftest import Portal


@pytest.mark.parametrize("version", ["v3", "2026-03"])
async def test_all_matches_in_the_order_of_their_ids(
    portal: Portal, version: str
) -> None:
    ids = portal.tickets(450)
    portal.sim.store.archive("tickets", ids[0])
    async with portal.hub(api_version=version) as hub:
        found = [one async for one in hub.tickets.search(properties=["subject"])]
        assert await hub.tickets.count() == 449
    assert [one.id for one in found] == sorted(ids[1:], key=int)
    named = {one.id: one.properties["subject"] for one in found}
    assert [named[each] for each in ids[1:]] == [f"s{n}" for n in range(1, 450)]
    assert portal.statuses == [200] * 4


@pytest.mark.slow
async def test_25_000_matches_while_records_are_written(portal: Portal) -> None:
    """Search lags behind, every page begins with writes, and some with errors."""
    sim, name = portal.sim, {"subject": "found"}
    create = sim.store.create
    there = [create("tickets", name).id for _ in range(25_000)]
    archived = [create("tickets", name).id for _ in range(150)]
    created: list[str] = []
    await asyncio.sleep(60)
    sim.faults.set(search_lag=5.0)

    def write(_: Seen) -> bool:
        created.append(create("tickets", name).id)
        if archived:
            sim.store.archive("tickets", archived.pop())
        return False

    sim.faults.add(Fault("status", status=500, when=write))
    for skip, status in ((3, 429), (17, 502), (40, 500), (90, 429)):
        when = When(verb="search", skip=skip)
        sim.faults.add(Fault("status", status=status, when=when))
    async with portal.hub() as hub:
        found = [one.id async for one in hub.tickets.search(name)]
        await asyncio.sleep(6)
        assert await hub.tickets.count(name) == 25_150

    assert found == sorted({*found}, key=int)  # each once
    assert {*there} < {*found}
    assert {*found} & {*created}
    statuses = Counter(portal.statuses)
    assert statuses.pop(200) == ceil(len(found) / 200) + 1
    assert statuses == {429: 2, 502: 1, 500: 1}
    sent = [request.at for request in sim.requests]
    assert all(sixth - first >= 1 for first, sixth in zip(sent, sent[5:], strict=False))


async def test_a_search_feeds_the_verbs(portal: Portal) -> None:
    """It works while the only request that may be in flight is its own or theirs."""
    ids = portal.tickets(450)
    async with portal.hub(max_concurrency=1) as hub:
        tickets = hub.tickets
        response = await tickets.update(
            {"id": one.id, "subject": f"{one.properties['subject']}!"}
            async for one in tickets.search(properties=["subject"])
        )
        assert (response.ok, response.succeeded) == (True, 450)
        assert await tickets.count({"subject": "s7!"}) == 1
        found = (one.id async for one in tickets.search({"subject": "s8!"}))
        async with tickets.archive(found) as outcomes:
            assert [one.status async for one in outcomes] == ["succeeded"]
        assert await tickets.count() == 449
    assert {each.id for each in response.results} == {*ids}


async def test_a_search_that_is_abandoned_sends_no_more(portal: Portal) -> None:
    ids = portal.tickets(450)
    async with portal.hub() as hub:
        async for one in hub.tickets.search():
            assert one.id == min(ids, key=int)
            break
    assert portal.statuses == [200]


async def test_the_operators(portal: Portal) -> None:
    create = portal.sim.store.create
    stages = {"New": "1", "waiting": "2", "Closed": "4"}
    ids = {
        create("tickets", {"subject": name, "hs_pipeline_stage": stage}).id: name
        for name, stage in stages.items()
    }
    async with portal.hub() as hub:

        async def find(*filters: Filter) -> set[str]:
            return {ids[one.id] async for one in hub.tickets.search(filters)}

        stage, today = "hs_pipeline_stage", date(2026, 9, 14)
        assert await find(Filter(stage, "=", 1)) == {"New"}
        assert await find(Filter(stage, "!=", 1)) == {"waiting", "Closed"}
        assert await find(Filter(stage, "in", ["1", 4])) == {"New", "Closed"}
        assert await find(Filter("subject", "in", ["NEW", "Waiting"])) == {
            *("New", "waiting")
        }
        assert await find(Filter("subject", "not in", ["New"])) == {"waiting", "Closed"}
        assert await find(Filter("subject", "contains", "clo*")) == {"Closed"}
        assert await find(Filter("createdate", ">=", today)) == {*stages}
        assert await find(Filter("createdate", "<", today)) == set()
        yesterday = date(2026, 9, 13)
        between = Filter("createdate", "between", yesterday, high_value=today)
        assert await find(between) == set()
        assert await find(Filter("content", "has property")) == set()
        assert await find(Filter("content", "not_has_property")) == {*stages}
        either: list[Filters] = [{stage: 1}, {"subject": "closed"}]
        some = hub.tickets.search(filter_groups=either)
        assert {ids[one.id] async for one in some} == {"New", "Closed"}
        both = hub.tickets.search({stage: 1}, filter_groups=either, query="new")
        assert [ids[one.id] async for one in both] == ["New"]


async def test_the_definitions_are_read_only_where_they_decide(portal: Portal) -> None:
    """Nothing is remembered: a definition may change between two searches."""
    create = portal.sim.store.create
    create("tickets", {"subject": "Printer", "hs_ticket_priority": "HIGH"})
    async with portal.hub() as hub:
        tickets = hub.tickets
        assert await tickets.count([Filter("subject", "in", ["printer"])]) == 1
        assert len(portal.sim.requests) == 1
        priority = Filter("hs_ticket_priority", "in", ["HIGH"])
        assert await tickets.count([priority]) == 1
        assert len(portal.sim.requests) == 3
        search = tickets.search([priority], properties=ALL)
        [one] = [each async for each in search]
        assert len(portal.sim.requests) == 5
    assert {"subject", "content", "closed_date"} <= {*one.properties}


async def test_a_refusal_names_what_hubspot_does_not(portal: Portal) -> None:
    portal.tickets(1)
    async with portal.hub() as hub:
        tickets = hub.tickets
        with pytest.raises(
            InvalidRequestError, match=r"no property 'subjekt'\. Did you mean 'subject'"
        ) as caught:
            await tickets.count({"subjekt": "x"})
        assert (caught.value.status, caught.value.category) == (400, None)
        assert caught.value.correlation_id
        with pytest.raises(InvalidRequestError, match=r"no property 'creatdate'\. Did"):
            await anext(tickets.search(sort="-creatdate"))
        with pytest.raises(InvalidRequestError, match="type string, which GT does not"):
            await tickets.count([Filter("subject", ">", 1)])
        with pytest.raises(InvalidRequestError, match="so send a number instead of 'x"):
            await tickets.count({"hs_object_id": "x"})
        with pytest.raises(InvalidRequestError, match="Unable to infer object type"):
            await hub.objects("cars").count()
        portal.sim.faults.add(Fault("status", status=403))
        with pytest.raises(PermissionDeniedError):
            await tickets.count()


async def test_a_sort_of_ones_own(portal: Portal) -> None:
    ids = portal.tickets(201)
    async with portal.hub() as hub:
        search = hub.tickets.search(sort="-subject", properties=["subject"])
        found = [one.properties["subject"] or "" async for one in search]
        first = [one.id async for one in hub.tickets.search(sort="createdate", limit=3)]
    assert found == sorted((f"s{n}" for n in range(201)), reverse=True)
    assert {*first} < {*ids}


@pytest.mark.slow
async def test_a_sort_ends_at_hubspots_10_000(portal: Portal) -> None:
    portal.tickets(10_001)
    async with portal.hub() as hub:
        search = hub.tickets.search(sort="subject")
        found = {(await anext(search)).id for _ in range(10_000)}
        with pytest.raises(ListError, match="Leave sort= out to read all matches"):
            await anext(search)
    assert len(found) == 10_000


async def test_the_records_of_a_contact(portal: Portal) -> None:
    async with portal.hub() as hub:
        contacts = await hub.contacts.create(
            [{"email": "a@x.com"}, {"email": "b@x.com"}]
        )
        ada, bob = (one.id for one in contacts.results)
        [ticket] = portal.tickets(1)
        await hub.associations("tickets", "contacts").create_default(
            [AssociationInput(ticket, ada)]
        )
        count = hub.tickets.count
        assert await count({"associations.contact": ada}) == 1
        assert await count({"associations.contact": bob}) == 0


async def test_a_search_into_ones_own_class(portal: Portal) -> None:
    @attrs.define
    class Ticket:
        id: int
        subject: str
        content: str | None = None

    [one] = portal.tickets(1)
    async with portal.hub() as hub:
        search = hub.tickets.search({"subject": "s0"}, into=Ticket)
        assert [ticket async for ticket in search] == [Ticket(int(one), "s0")]

"""Every family of calls end to end: each input gets its own true outcome."""

import asyncio

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from hubbatch import (
    ALL,
    AssociationInput,
    AssociationLimitInput,
    AssociationSpec,
    CreateInput,
    DealSplit,
    DealSplitsInput,
    InvalidRequestError,
    LegacyCreateInput,
    LegacyUpdateInput,
    ListError,
    PermissionDeniedError,
    PropertyCreate,
    PropertyOption,
    PublicAssociation,
    RecordConflict,
    RecordInvalid,
    RecordNotFound,
    UpdateInput,
)
from hubbatch.simulator import Fault, Property, When
from tests.integration.conftest import Portal, unanswered


VERSIONS = ["v3", "2025-09", "2026-03", "2026-09", "2027-03-beta"]
versions = pytest.mark.parametrize("version", VERSIONS)
TICKET_TO_CONTACT = AssociationSpec("HUBSPOT_DEFINED", 16)


def statuses(response: Any) -> list[str]:
    return [outcome.status.value for outcome in response.outcomes]


def contacts(portal: Portal, count: int) -> list[str]:
    return [portal.sim.store.create("contacts", {}).id for _ in range(count)]


def sent(portal: Portal, position: int = -1) -> Any:
    return portal.sim.requests[position].body


# ---- associations


async def test_kinds_of_associations(portal: Portal) -> None:
    """It includes the account's labels; a closed client sends nothing."""
    number = portal.sim.store.define_label("contacts", "companies", "Buyer")
    async with portal.hub() as hub:
        pairs = hub.associations("contacts", "companies")
        kinds = await pairs.kinds()
        definitions = await hub.properties("contacts").list()
    assert [one.type_id for one in kinds if one.label == "Buyer"] == [number]
    usual = {one.category for one in kinds if one.label is None}
    assert usual == {"HUBSPOT_DEFINED"}
    assert {"email", "firstname"} <= {one.name for one in definitions}
    for ask in (pairs.kinds, hub.properties("contacts").list):
        with pytest.raises(RuntimeError, match="closed"):
            await ask()


@versions
async def test_associate_and_take_apart(portal: Portal, version: str) -> None:
    """Ids are strings in every version; both shapes of an archive's answer work."""
    tickets, people = portal.tickets(3), contacts(portal, 3)
    pairs = [
        AssociationInput(ticket, int(person))
        for ticket, person in zip(tickets, people, strict=True)
    ]
    async with portal.hub(api_version=version) as hub:
        links = hub.associations("tickets", "contacts")
        made = await links.create(
            [AssociationInput(one.from_, one.to, [TICKET_TO_CONTACT]) for one in pairs]
        )
        usual = await links.create_default(pairs)
        read = await links.read(tickets)
        gone = await links.archive(pairs[:2])
        left = await links.read(tickets)
    assert statuses(made) == ["succeeded"] * 3
    assert [result.to_object_id for result in made.results] == people
    told = [outcome.result for outcome in usual.outcomes]
    assert [result.from_ for result in told if result is not None] == tickets
    assert [[to.to_object_id for to in result.to] for result in read.results] == [
        [person] for person in people
    ]
    assert read.results[0].to[0].association_types[0].type_id == 16
    assert (statuses(gone), gone.results) == (["succeeded"] * 2, [])
    assert [len(result.to) for result in left.results] == [0, 0, 1]
    assert statuses(left) == ["succeeded"] * 3
    assert (left.num_errors, len(left.errors)) == (2, 2)


async def test_labels_come_off_and_the_rest_stays(portal: Portal) -> None:
    [ticket], [person] = portal.tickets(1), contacts(portal, 1)
    label = portal.sim.store.define_label("tickets", "contacts", "Reporter")
    own = AssociationSpec("USER_DEFINED", label)
    async with portal.hub() as hub:
        links = hub.associations("tickets", "contacts")
        await links.create([AssociationInput(ticket, person, [TICKET_TO_CONTACT, own])])
        off = await links.archive_labels([AssociationInput(ticket, person, [own])])
        [read] = (await links.read([ticket])).results
    assert statuses(off) == ["succeeded"]
    assert [one.type_id for one in read.to[0].association_types] == [16]


@versions
async def test_bad_pairs_fail_alone(portal: Portal, version: str) -> None:
    """Errors name one end, in a context or a message; valid pairs share those ends."""
    [ticket, other], [person] = portal.tickets(2), contacts(portal, 1)
    inputs: list[Any] = [
        AssociationInput(ticket, person),
        AssociationInput(ticket, "nobody"),
        AssociationInput(ticket, 404),
        AssociationInput(404, person),
        {"from": {"id": other}, "to": {"id": person}},
        {"from": {"id": other}},
        {"from": other, "to": person},
        AssociationInput(other, person, [TICKET_TO_CONTACT]),
    ]
    async with portal.hub(api_version=version) as hub:
        response = await hub.associations("tickets", "contacts").create_default(inputs)
    fine = {0, 4, 6}
    assert [n for n, told in enumerate(statuses(response)) if told == "succeeded"] == [
        *fine
    ]
    assert statuses(response).count("failed") == 5
    told = {outcome.index: str(outcome.error) for outcome in response.failures}
    assert "nobody is not a valid ID" in told[1]
    assert "404 is not valid" in told[2]
    assert "404 is not valid" in told[3]
    assert "to must be" in told[5]
    assert "takes no types" in told[7]


async def test_an_object_with_itself(portal: Portal) -> None:
    one, other = contacts(portal, 2)
    async with portal.hub() as hub:
        links = hub.associations("contacts", "contacts")
        response = await links.create_default(
            [AssociationInput(one, one), AssociationInput(one, other)]
        )
    assert statuses(response) == ["failed", "succeeded"]
    assert "cannot be associated to itself" in str(response.failures[0].error)


async def test_one_pair_twice_is_two_requests(portal: Portal) -> None:
    """A result does not contain the types."""
    [ticket], [person] = portal.tickets(1), contacts(portal, 1)
    label = portal.sim.store.define_label("tickets", "contacts", "Reporter")
    types = [[TICKET_TO_CONTACT], [AssociationSpec("USER_DEFINED", label)]]
    async with portal.hub() as hub:
        response = await hub.associations("tickets", "contacts").create(
            [AssociationInput(ticket, person, one) for one in types]
        )
    assert [result.labels for result in response.results] == [[], ["Reporter"]]
    assert len(portal.sim.requests) == 2


async def test_reading_turns_every_page(portal: Portal) -> None:
    """Page by page, all open ones in one request; each record gets all of its own."""
    tickets, people = portal.tickets(3), contacts(portal, 7)
    pairs = [AssociationInput(tickets[0], person) for person in people]
    pairs += [AssociationInput(tickets[1], person) for person in people[:3]]
    portal.sim.faults.set(associations_page=2)
    async with portal.hub() as hub:
        links = hub.associations("tickets", "contacts")
        await links.create_default(pairs)
        portal.sim.requests.clear()
        response = await links.read([*tickets, tickets[0]])
        async with links.read(tickets[:1]) as outcomes:
            streamed = [outcome async for outcome in outcomes]
    found = [{to.to_object_id for to in result.to} for result in response.results]
    assert found == [{*people}, {*people[:3]}, set(), {*people}]
    assert len(response.results[0].to) == 7
    assert response.results[0].paging is None
    assert [len(received.body["inputs"]) for received in portal.sim.requests[:4]] == [
        *(3, 2, 1, 1)
    ]
    assert sent(portal, 1)["inputs"][0]["after"] == "2"
    [outcome] = streamed
    assert outcome.result is not None
    assert len(outcome.result.to) == 7
    assert outcome.attempts == 4


async def test_a_page_that_fails_for_a_moment(portal: Portal) -> None:
    [ticket], people = portal.tickets(1), contacts(portal, 3)
    portal.sim.faults.set(associations_page=2)
    async with portal.hub() as hub:
        links = hub.associations("tickets", "contacts")
        await links.create_default([AssociationInput(ticket, one) for one in people])
        when = When(verb="associations/read", skip=1)
        portal.sim.faults.add(Fault("status", status=502, when=when))
        [result] = (await links.read([ticket])).results
    assert {to.to_object_id for to in result.to} == {*people}


async def test_associations_fill_their_calls(portal: Portal) -> None:
    """2,000 to create, 1,000 to read, 100 to archive."""
    [ticket], [person] = portal.tickets(1), contacts(portal, 1)
    create = portal.sim.store.create
    people = [create("contacts", {}).id for _ in range(2_001)]
    pairs = [AssociationInput(ticket, one) for one in people]
    async with portal.hub() as hub:
        links = hub.associations("tickets", "contacts")
        made = await links.create_default(pairs)
        back = await hub.associations("contacts", "tickets").read(people)
        gone = await links.archive(pairs[:201])
    counts: dict[str, list[int]] = {}
    for received in portal.sim.requests:
        verb = received.path.rpartition("/")[2]
        counts.setdefault(verb, []).append(len(received.body["inputs"]))
    assert {verb: sorted(told) for verb, told in counts.items()} == {
        "default": [1, 2_000],
        "read": [1, 1_000, 1_000],
        "archive": [1, 100, 100],
    }
    assert (made.succeeded, back.succeeded, gone.succeeded) == (2_001, 2_001, 201)
    assert person not in people


async def test_the_associations_of_v3(portal: Portal) -> None:
    [ticket, lonely], [person] = portal.tickets(2), contacts(portal, 1)
    pair = PublicAssociation(ticket, person, "ticket_to_contact")
    async with portal.hub(api_version="2026-03") as hub:
        links = hub.associations("tickets", "contacts", api_version="v3")
        made = await links.create(
            [
                pair,
                {"from": {"id": lonely}, "to": {"id": "404"}, "type": pair.type},
                {"from": {"id": lonely}, "to": {"id": person}},
            ]
        )
        read = await links.read([ticket, lonely])
        gone = await links.archive([pair])
        left = await links.read([ticket])
    assert statuses(made) == ["succeeded", "failed", "failed"]
    # HubSpot also returns the reverse direction; the result is the forward one.
    assert [outcome.result for outcome in made.outcomes] == [pair, None, None]
    assert [[to.id for to in result.to] for result in read.results] == [[person], []]
    assert read.results[0].to[0].type == "ticket_to_contact"
    assert (statuses(gone), left.results[0].to) == (["succeeded"], [])
    assert sent(portal, 0)["inputs"][0] == {
        "from": {"id": ticket},
        "to": {"id": person},
        "type": "ticket_to_contact",
    }


async def test_archive_in_hubspots_own_shape(portal: Portal) -> None:
    """One record and several others, in one input."""
    [ticket], people = portal.tickets(1), contacts(portal, 3)
    async with portal.hub() as hub:
        links = hub.associations("tickets", "contacts")
        await links.create_default([AssociationInput(ticket, one) for one in people])
        others = [{"id": one} for one in people[:2]]
        gone = await links.archive([{"from": {"id": ticket}, "to": others}])
        [left] = (await links.read([ticket])).results
    assert statuses(gone) == ["succeeded"]
    assert [to.to_object_id for to in left.to] == people[2:]


async def test_lost_answers_of_associations_are_asked_for_again(portal: Portal) -> None:
    [ticket], [person] = portal.tickets(1), contacts(portal, 1)
    portal.sim.faults.add(Fault("drop_after_commit"))
    async with portal.hub() as hub:
        links = hub.associations("tickets", "contacts")
        made = await links.create_default([AssociationInput(ticket, person)])
    assert (statuses(made), len(portal.sim.requests)) == (["succeeded"], 2)


async def test_an_association_needs_types_that_there_are(portal: Portal) -> None:
    [ticket], [person] = portal.tickets(1), contacts(portal, 1)
    unknown = AssociationSpec("USER_DEFINED", 999)
    async with portal.hub() as hub:
        response = await hub.associations("tickets", "contacts").create(
            [
                AssociationInput(ticket, person),
                AssociationInput(ticket, person, [unknown]),
                AssociationInput(ticket, None, [unknown]),  # type: ignore[arg-type] # that is the point
                AssociationInput(ticket, person, "16"),  # type: ignore[arg-type] # likewise
            ]
        )
    assert statuses(response) == ["failed"] * 4
    assert "needs its types" in str(response.failures[0].error)
    assert "USER_DEFINED associationTypeId=999" in str(response.failures[1].error)
    assert "to: id is missing" in str(response.failures[2].error)


# ---- properties


@versions
async def test_properties(portal: Portal, version: str) -> None:
    size = PropertyCreate(
        name="size",
        label="Size",
        group_name="ticketinformation",
        type="enumeration",
        field_type="select",
        options=[PropertyOption("Small", "s"), PropertyOption("Large", "l", 1)],
    )
    raw = {
        "name": "ref2",
        "label": "Ref",
        "groupName": "ticketinformation",
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": True,
    }
    async with portal.hub(api_version=version) as hub:
        made = await hub.properties("tickets").create(
            [size, raw, {**raw, "name": "subject"}, {"name": "bare"}]
        )
        read = await hub.properties("tickets").read(["size", "REF2", "nosuch"])
        gone = await hub.properties("tickets").archive(["size", "nosuch"])
        again = await hub.properties("tickets").read(["size"], archived=False)
    assert statuses(made) == ["succeeded", "succeeded", "failed", "failed"]
    assert isinstance(made.failures[0].error, RecordConflict)
    assert made.failures[1].error is not None
    assert made.failures[1].error.property_name == "label"
    assert [option.value for option in made.results[0].options] == ["s", "l"]
    assert made.results[1].has_unique_value is True
    assert statuses(read)[0] == "succeeded"
    assert statuses(read)[2] == "failed"
    assert isinstance(read.failures[-1].error, RecordNotFound)
    assert (statuses(gone), statuses(again)) == (["succeeded"] * 2, ["failed"])
    assert made.to_dict()["results"][0]["groupName"] == "ticketinformation"


async def test_a_property_whose_answer_is_lost_is_unknown(portal: Portal) -> None:
    """Sent again, the property would look like another program's."""
    portal.sim.faults.add(Fault("drop_after_commit"))
    one = PropertyCreate("size", "Size", "ticketinformation", "string", "text")
    async with portal.hub() as hub:
        response = await unanswered(hub.properties("tickets").create([one]))
    assert (statuses(response), len(portal.sim.requests)) == (["unknown"], 1)


# ---- association limits and schemas


def limit(type_id: Any, most: Any, category: str = "HUBSPOT_DEFINED") -> Any:
    return AssociationLimitInput(category, type_id, most)


@versions
async def test_association_limits(portal: Portal, version: str) -> None:
    """Set, changed and removed; each refusal belongs to its input."""
    raw = {"category": "HUBSPOT_DEFINED", "typeId": 5, "maxToObjectIds": 2}
    async with portal.hub(api_version=version) as hub:
        limits = hub.associations("deals", "companies").limits
        made = await limits.create(
            [
                limit(341, 5),
                raw,
                limit(999, 5),
                limit(6, 5, "MINE"),
                limit(5, "2"),
                limit(2**31, 5),
                {**raw, "label": "x"},
            ]
        )
        again = await limits.create([limit(341, 6)])
        changed = await limits.update([limit(341, 6), limit(999, 1)])
        gone = await limits.purge(
            [AssociationSpec("HUBSPOT_DEFINED", 341), {**raw, "typeId": "5"}]
        )
        late = await limits.update([limit(341, 7), limit(5, 3)])
    assert statuses(made) == ["succeeded"] * 2 + ["failed"] * 5
    told = [(one.type_id, one.user_enforced_max_to_object_ids) for one in made.results]
    assert told == [(341, 5), (5, 2)]
    assert [out.error and out.error.property_name for out in made.failures[1:]] == [
        "category",
        "maxToObjectIds",
        "typeId",
        "label",
    ]
    assert isinstance(again.failures[0].error, RecordConflict)
    assert statuses(changed) == ["succeeded", "failed"]
    assert changed.results[0].user_enforced_max_to_object_ids == 6
    assert (statuses(gone), gone.results) == (["succeeded", "failed"], [])
    assert statuses(late) == ["failed", "succeeded"]
    assert isinstance(late.failures[0].error, RecordNotFound)
    assert late.outcomes[1].id is None


async def test_two_categories_with_one_type_id(portal: Portal) -> None:
    """Their results are identified by number, so they are sent in order."""
    label = portal.sim.store.define_label("deals", "companies", "Buyer")
    both = [limit(341, 5), limit(341, 4, "USER_DEFINED"), limit(341, 3)]
    async with portal.hub() as hub:
        links = hub.associations("deals", "companies")
        made = await links.limits.create(both)
        changed = await links.limits.update([limit(label, 4, "USER_DEFINED")])
    assert statuses(made) == ["succeeded", "failed", "failed"]
    assert [len(request.body["inputs"]) for request in portal.sim.requests] == [1] * 4
    assert statuses(changed) == ["failed"]


async def test_a_limit_whose_answer_is_lost(portal: Portal) -> None:
    """It is set again: an existing one does not show who set it."""
    portal.sim.faults.add(Fault("drop_after_commit"))
    async with portal.hub() as hub:
        response = await hub.associations("deals", "companies").limits.create(
            [limit(341, 5)]
        )
    assert (statuses(response), len(portal.sim.requests)) == (["unknown"], 2)


@versions
async def test_schemas(portal: Portal, version: str) -> None:
    """By id and by each of its names; unknown types fail."""
    store = portal.sim.store
    car = store.define("car", ["colour"], required=["colour"])
    names = ["DEALS", "0-1", f"P{store.portal_id}_CAR", "p_car", car.id, "404", "a/b"]
    async with portal.hub(api_version=version) as hub:
        response = await hub.schemas.read([*names, 5])  # type: ignore[list-item] # wrong
        bare = await hub.schemas.read(
            ["contacts"],
            include_association_definitions=False,
            include_audit_metadata=False,
            include_property_definitions=False,
        )
    assert statuses(response) == ["succeeded"] * 5 + ["failed"] * 3
    assert [result.object_type_id for result in response.results] == [
        *("0-3", "0-1"),
        *[car.id] * 3,
    ]
    deals, *_, cars = response.results
    assert {one.id for one in deals.associations} >= {"3", "5", "451"}
    assert "dealname" in {one.name for one in deals.properties}
    assert (cars.required_properties, cars.name) == (["colour"], "car")
    assert (cars.labels.plural, deals.created_by_user_id) == ("Cars", 1)  # type: ignore[union-attr] # it has some
    assert deals.created_at is not None
    assert response.outcomes[2].id == car.id
    assert isinstance(response.failures[0].error, RecordNotFound)
    assert "an object type is a str" in str(response.failures[1].error)
    [contact] = bare.results
    assert (contact.properties, contact.associations) == ([], [])
    assert contact.created_at is None
    assert response.to_dict()["results"][4]["objectTypeId"] == car.id


# ---- lists and deal splits


@versions
async def test_memberships(portal: Portal, version: str) -> None:
    one, other = contacts(portal, 2)
    portal.sim.store.put_on_list("contacts", one, 7)
    async with portal.hub(api_version=version) as hub:
        response = await hub.list_memberships("contacts").read(
            [one, int(other), {"recordId": "404", "objectTypeId": "0-1"}]
        )
        wrong = await hub.list_memberships("contacts").read(
            [{"recordId": one, "objectTypeId": "0-2"}]
        )
    assert statuses(response) == ["succeeded", "succeeded", "failed"]
    [first, second] = response.results
    [membership] = first.record_list_memberships
    assert (membership.list_id, second.record_list_memberships) == ("7", [])
    assert membership.first_added_timestamp is not None
    assert response.outcomes[0].id == one
    assert "objectTypeId must be '0-1'" in str(wrong.failures[0].error)


@versions
async def test_deal_splits(portal: Portal, version: str) -> None:
    deals = [portal.sim.store.create("deals", {}).id for _ in range(3)]
    halves = [DealSplit(1, 50), DealSplit(2, 50.0)]
    async with portal.hub(api_version=version) as hub:
        said = await hub.deal_splits.upsert(
            [
                DealSplitsInput(deals[0], halves),
                {"id": deals[1], "splits": [{"ownerId": 3, "percentage": 100}]},
                DealSplitsInput(deals[2], halves[:1]),
                DealSplitsInput("404", halves),
                DealSplitsInput("x", halves),
                DealSplitsInput(deals[2], [DealSplit(1, float("nan"))]),
                {"id": deals[2], "splits": [{"ownerId": "1", "percentage": 100}]},
                {"id": deals[2], "splits": "none"},
            ]
        )
        read = await hub.deal_splits.read([*deals, 404])
    assert statuses(said) == ["succeeded"] * 2 + ["failed"] * 6
    assert [len(result.splits) for result in read.results] == [2, 1, 0]
    assert read.results[1].splits[0].properties["hubspot_owner_id"] == "3"
    assert statuses(read)[-1] == "failed"
    assert read.outcomes[0].id == deals[0]


# ---- calling apps


@versions
async def test_connections_to_calling_apps(portal: Portal, version: str) -> None:
    """An unknown user fails; HubSpot's own words stay as they are."""
    owners = portal.sim.store.owners
    users = [owners.add(f"u{n}@example.com").user_id for n in range(120)]
    inputs: list[Any] = [*users, "404", 5.5, {}]
    mapping = {"id": str(users[0]), "app": 7}
    async with portal.hub(api_version=version) as hub:
        response = await hub.connection_statuses.read(inputs)
        own = await hub.connection_statuses.read([mapping])
        with pytest.raises(InvalidRequestError, match="Some required fields"):
            await hub.connection_statuses.read([{"userId": "404"}])
    assert response.succeeded == 120
    assert sent(portal, 2) == {"inputs": [mapping]}
    assert own.results == response.results[:1]
    first = response.results[0]
    assert first.user_id == response.outcomes[0].id == str(users[0])
    assert first.details == {"userId": users[0], "status": "DISCONNECTED"}
    errors = {outcome.index: outcome.error for outcome in response.failures}
    assert {n: type(error) for n, error in errors.items()} == {
        120: RecordNotFound,
        121: RecordInvalid,
        122: RecordInvalid,
    }
    sizes = [len(request.body["inputs"]) for request in portal.sim.requests]
    assert sizes == [100, 21, 1, 1]


# ---- the list of a type


@versions
async def test_all_records_of_a_type(portal: Portal, version: str) -> None:
    ids = portal.tickets(250)
    async with portal.hub(api_version=version) as hub:
        records = [one async for one in hub.tickets.list(properties=["subject"])]
        portal.sim.store.archive("tickets", ids[0])
        [gone] = [one async for one in hub.tickets.list(archived=True)]
    assert [one.id for one in records] == sorted(ids, key=int)
    named = {one.id: one.properties["subject"] for one in records}
    assert [named[each] for each in ids] == [f"s{n}" for n in range(250)]
    assert (gone.id, gone.archived) == (ids[0], True)
    assert len(portal.sim.requests) == 4


async def test_a_list_that_is_abandoned(portal: Portal) -> None:
    ids = portal.tickets(250)
    async with portal.hub() as hub:
        records = hub.tickets.list()
        first = await anext(records)
        assert first.id == min(ids, key=int)
    assert len(portal.sim.requests) == 1


async def test_a_page_of_a_list_is_asked_for_again(portal: Portal) -> None:
    portal.tickets(3)
    portal.sim.faults.add(Fault("status", status=502))
    async with portal.hub() as hub:
        assert len([one async for one in hub.tickets.list()]) == 3
    assert portal.statuses == [502, 200]


async def test_a_list_that_is_refused(portal: Portal) -> None:
    portal.sim.faults.add(Fault("status", status=403))
    async with portal.hub() as hub:
        with pytest.raises(PermissionDeniedError):
            await anext(hub.tickets.list())
        with pytest.raises(InvalidRequestError, match="Unable to infer object type"):
            await anext(hub.objects("cars").list())


async def test_all_properties_of_a_list(portal: Portal) -> None:
    """The schema is requested once; names too long for a URL go into a body."""
    many = [Property(f"a_rather_long_name_of_a_property_{n}") for n in range(300)]
    portal.tickets(2)
    async with portal.hub() as hub:
        few = [one async for one in hub.tickets.list(properties=ALL)]
        portal.sim.store.define("tickets", many)
        portal.sim.requests.clear()
        long = [one async for one in hub.tickets.list(properties=ALL)]
    assert {"subject", "content", "closed_date"} <= {*few[0].properties}
    assert {one.name for one in many} < {*long[1].properties}
    assert [received.method for received in portal.sim.requests] == [
        "GET",
        "GET",
        "POST",
    ]


async def test_a_page_that_changes_while_it_is_read(portal: Portal) -> None:
    """A record that is gone meanwhile is skipped; another failure ends the list."""
    many = [Property(f"a_rather_long_name_of_a_property_{n}") for n in range(300)]
    portal.sim.store.define("tickets", many)
    ids = portal.tickets(3)

    def archive_one(seen: Any) -> bool:
        if seen.verb == "read":
            portal.sim.store.archive("tickets", ids[0])
        return False

    portal.sim.faults.add(Fault("delay", seconds=0.0, when=archive_one))
    async with portal.hub() as hub:
        listed = [one.id async for one in hub.tickets.list(properties=ALL)]
        portal.sim.faults.clear()
        refused = Fault("status", status=400, times=None, when=When(verb="read"))
        portal.sim.faults.add(refused)
        with pytest.raises(RecordInvalid):
            await anext(hub.tickets.list(properties=ALL))
    assert listed == ids[1:]


async def test_a_list_that_does_not_move_on(portal: Portal) -> None:
    """The same cursor again would loop forever."""
    portal.tickets(1)
    again = {"results": [], "paging": {"next": {"after": "5"}}}
    portal.sim.faults.add(
        Fault("status", status=200, body=orjson.dumps(again).decode(), times=2)
    )
    async with portal.hub() as hub:
        with pytest.raises(ListError, match="page '5' names itself as the next page"):
            await anext(hub.tickets.list())


async def test_all_properties_of_a_read(portal: Portal) -> None:
    ids = portal.tickets(150)
    async with portal.hub() as hub:
        response = await hub.tickets.read([*ids, "404"], properties=ALL)
        async with hub.tickets.read(ids[:1], properties=ALL) as outcomes:
            [outcome] = [one async for one in outcomes]
    assert response.succeeded == 150
    assert outcome.result is not None
    for record in (response.results[0], outcome.result):
        assert {"subject", "content", "closed_date"} <= {*record.properties}
    methods = [received.method for received in portal.sim.requests]
    assert methods == ["GET", "POST", "POST", "GET", "POST"]


async def test_closing_waits_for_a_read_that_still_needs_the_names(
    portal: Portal,
) -> None:
    """A client that is being closed sends the request for the names, and the reads."""
    ids = portal.tickets(1)
    async with portal.hub() as hub:
        reading = asyncio.create_task(hub.tickets.read(ids, properties=ALL))
        await asyncio.sleep(0)
        assert portal.sim.requests == []
        await hub.aclose()
        assert reading.done()
    assert (await reading).succeeded == 1


async def test_a_schema_that_is_refused_ends_the_read(portal: Portal) -> None:
    """Nothing was sent, and every id has its outcome."""
    portal.sim.faults.add(Fault("status", status=403))
    ids = portal.tickets(3)
    async with portal.hub() as hub:
        with pytest.raises(PermissionDeniedError) as caught:
            await hub.tickets.read(ids, properties=ALL)
    assert caught.value.response is not None
    assert statuses(caught.value.response) == ["not_sent"] * 3
    assert len(portal.sim.requests) == 1


# ---- v1


async def test_v1_creates(portal: Portal) -> None:
    """Results are matched by what was written, whatever their order."""
    inputs: list[Any] = [CreateInput({"subject": f"s{n}"}) for n in range(150)]
    inputs += [
        LegacyCreateInput({"subject": "same"}),
        [{"name": "subject", "value": "same"}],
        {"properties": {"subject": "last"}},
        {"properties": {"nosuch": "x"}},
        CreateInput({"subject": "x"}, associations=[object()]),  # type: ignore[list-item] # that is the point
        5,
    ]
    async with portal.hub() as hub:
        response = await hub.legacy.tickets.create(inputs)
    assert statuses(response) == ["succeeded"] * 153 + ["failed"] * 3
    for number, outcome in enumerate(response.outcomes[:150]):
        assert outcome.result is not None
        assert outcome.result.properties["subject"].value == f"s{number}"
        assert outcome.id == str(outcome.result.object_id)
    assert len(response.results) == 153
    assert isinstance(response.failures[0].error, RecordInvalid)
    assert portal.sim.store.count("tickets") == 153


async def test_a_v1_create_that_is_lost_is_unknown(portal: Portal) -> None:
    portal.sim.faults.add(Fault("drop_after_commit"))
    async with portal.hub() as hub:
        response = await unanswered(hub.legacy.tickets.create([LegacyCreateInput({})]))
    assert (statuses(response), len(portal.sim.requests)) == (["unknown"], 1)


async def test_v1_reads(portal: Portal) -> None:
    """A map by id; a missing id was not found."""
    ids = portal.tickets(120)
    portal.sim.store.archive("tickets", ids[1])
    asked: list[Any] = [*ids, 404, {"objectId": 405}, {"id": ids[2]}, "x"]
    async with portal.hub() as hub:
        plain = await hub.legacy.tickets.read(asked, properties=["subject", "content"])
        deleted = await hub.legacy.tickets.read(
            ids[1:2], include_deletes=True, properties_with_history=["subject"]
        )
        nobody = await hub.legacy.tickets.read([404, 405])
    failed = {outcome.index: outcome.error for outcome in plain.failures}
    assert {*failed} == {1, 120, 121, 123}
    assert isinstance(failed[120], RecordNotFound)
    assert failed[120].origin == "hubbatch"
    assert plain.outcomes[122].result == plain.outcomes[2].result
    assert plain.results[0].properties["subject"].value == "s0"
    assert deleted.results[0].is_deleted is True
    assert statuses(nobody) == ["failed", "failed"]
    assert portal.sim.requests[0].query["properties"] == "subject&content"
    assert portal.sim.requests[2].query["includeDeletes"] == "true"


async def test_v1_updates_in_either_shape(portal: Portal) -> None:
    ids = portal.tickets(4)
    async with portal.hub() as hub:
        response = await hub.legacy.tickets.update(
            [
                LegacyUpdateInput(int(ids[0]), {"subject": "a"}),
                UpdateInput(ids[1], {"subject": "b"}),
                {"id": ids[2], "properties": {"subject": "c"}},
                {"objectId": ids[3], "properties": [{"name": "subject", "value": "d"}]},
                UpdateInput("x", {}, id_property="ref"),
            ]
        )
    assert statuses(response) == ["succeeded"] * 4 + ["failed"]
    told = [result.properties["subject"].value for result in response.results]
    assert told == ["a", "b", "c", "d"]
    assert response.status == "COMPLETE"


@pytest.mark.parametrize("name", ["tickets", "products", "line_items"])
async def test_v1_deletes(portal: Portal, name: str) -> None:
    record = portal.sim.store.create(name, {})
    async with portal.hub() as hub:
        response = await getattr(hub.legacy, name).archive([record.id, 404])
    assert statuses(response) == ["succeeded", "succeeded"]
    assert record.archived
    assert sent(portal) == {"ids": [int(record.id), 404]}


# ---- golden bodies: one call of each family and version

PAIR = AssociationInput("1", "2")
TYPED = AssociationInput(1, 2, [TICKET_TO_CONTACT])
SPEC = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}
ENDS = {"from": {"id": "1"}, "to": {"id": "2"}}
SIZE = PropertyCreate("size", "Size", "g", "string", "text", hidden=False)
LIMIT = AssociationLimitInput("HUBSPOT_DEFINED", 3, 5)
LIMITED = {"category": "HUBSPOT_DEFINED", "typeId": 3}
LIMITS = "/crm/associations/{}/definitions/configurations/deals/contacts/batch/{}"
GOLDEN: dict[str, tuple[Any, object, Mapping[str, str]]] = {
    "objects create": (
        lambda hub: hub.contacts.create(
            [CreateInput({"email": "a@b.c"}, object_write_trace_id="mine")]
        ),
        {
            "inputs": [
                {"properties": {"email": "a@b.c"}, "objectWriteTraceId": "mine"},
            ]
        },
        {
            "v3": "/crm/v3/objects/contacts/batch/create",
            "2025-09": "/crm/objects/2025-09/contacts/batch/create",
            "2026-03": "/crm/objects/2026-03/contacts/batch/create",
            "2026-09": "/crm/objects/2026-09/contacts/batch/create",
        },
    ),
    "associations create": (
        lambda hub: hub.associations("tickets", "contacts").create([TYPED]),
        {"inputs": [{**ENDS, "types": [SPEC]}]},
        {
            "v3": "/crm/associations/2026-03/tickets/contacts/batch/create",
            "2025-09": "/crm/associations/2025-09/tickets/contacts/batch/create",
            "2026-03": "/crm/associations/2026-03/tickets/contacts/batch/create",
        },
    ),
    "associations default": (
        lambda hub: hub.associations("tickets", "contacts").create_default([PAIR]),
        {"inputs": [ENDS]},
        {
            "v3": "/crm/associations/2026-03/tickets/contacts/batch/associate/default",
            "2026-03": (
                "/crm/associations/2026-03/tickets/contacts/batch/associate/default"
            ),
        },
    ),
    "associations read": (
        lambda hub: hub.associations("tickets", "contacts").read([1]),
        {"inputs": [{"id": "1"}]},
        {
            "v3": "/crm/associations/2026-03/tickets/contacts/batch/read",
            "2026-03": "/crm/associations/2026-03/tickets/contacts/batch/read",
        },
    ),
    "associations archive": (
        lambda hub: hub.associations("tickets", "contacts").archive([PAIR]),
        {"inputs": [{"from": {"id": "1"}, "to": [{"id": "2"}]}]},
        {
            "v3": "/crm/associations/2026-03/tickets/contacts/batch/archive",
            "2026-03": "/crm/associations/2026-03/tickets/contacts/batch/archive",
        },
    ),
    "associations labels": (
        lambda hub: hub.associations("tickets", "contacts").archive_labels([TYPED]),
        {"inputs": [{**ENDS, "types": [SPEC]}]},
        {
            "v3": "/crm/associations/2026-03/tickets/contacts/batch/labels/archive",
            "2026-03": (
                "/crm/associations/2026-03/tickets/contacts/batch/labels/archive"
            ),
        },
    ),
    "limits create": (
        lambda hub: hub.associations("deals", "contacts").limits.create([LIMIT]),
        {"inputs": [{**LIMITED, "maxToObjectIds": 5}]},
        {
            "v3": LIMITS.format("2026-03", "create"),
            "2025-09": LIMITS.format("2025-09", "create"),
            "2026-03": LIMITS.format("2026-03", "create"),
        },
    ),
    "limits update": (
        lambda hub: hub.associations("deals", "contacts").limits.update([LIMIT]),
        {"inputs": [{**LIMITED, "maxToObjectIds": 5}]},
        {
            "v3": LIMITS.format("2026-03", "update"),
            "2026-09": LIMITS.format("2026-09", "update"),
        },
    ),
    "limits purge": (
        lambda hub: hub.associations("deals", "contacts").limits.purge(
            [AssociationSpec("HUBSPOT_DEFINED", 3)]
        ),
        {"inputs": [LIMITED]},
        {
            "v3": LIMITS.format("2026-03", "purge"),
            "2026-03": LIMITS.format("2026-03", "purge"),
        },
    ),
    "schemas read": (
        lambda hub: hub.schemas.read(
            ["deals", "p62515_Car"], include_audit_metadata=False
        ),
        {
            "includeAssociationDefinitions": True,
            "includeAuditMetadata": False,
            "includePropertyDefinitions": True,
            "inputs": ["0-3", "p62515_Car"],
        },
        {
            "v3": "/crm-object-schemas/v3/schemas/batch/read",
            "2026-03": "/crm-object-schemas/2026-03/schemas/batch/read",
        },
    ),
    "properties create": (
        lambda hub: hub.properties("tickets").create([SIZE]),
        {
            "inputs": [
                {
                    "name": "size",
                    "label": "Size",
                    "groupName": "g",
                    "type": "string",
                    "fieldType": "text",
                    "hidden": False,
                }
            ]
        },
        {
            "v3": "/crm/v3/properties/tickets/batch/create",
            "2026-03": "/crm/properties/2026-03/tickets/batch/create",
        },
    ),
    "properties read": (
        lambda hub: hub.properties("tickets").read(["size"]),
        {
            "archived": False,
            "dataSensitivity": "non_sensitive",
            "inputs": [{"name": "size"}],
        },
        {
            "v3": "/crm/v3/properties/tickets/batch/read",
            "2026-03": "/crm/properties/2026-03/tickets/batch/read",
        },
    ),
    "memberships": (
        lambda hub: hub.list_memberships("CONTACT").read([1]),
        {"inputs": [{"objectTypeId": "0-1", "recordId": "1"}]},
        {
            "v3": "/crm/v3/lists/records/memberships/batch/read",
            "2026-09": "/crm/lists/2026-09/records/memberships/batch/read",
        },
    ),
    "deal splits": (
        lambda hub: hub.deal_splits.upsert([DealSplitsInput("1", [DealSplit(2, 100)])]),
        {"inputs": [{"id": 1, "splits": [{"ownerId": 2, "percentage": 100}]}]},
        {
            "v3": "/crm/objects/v3/deals/splits/batch/upsert",
            "2026-03": "/deal-splits/2026-03/batch/upsert",
        },
    ),
    "v1 create": (
        lambda hub: hub.legacy.products.create([CreateInput({"name": "x"})]),
        [[{"name": "name", "value": "x"}]],
        {
            "v3": "/crm-objects/v1/objects/products/batch-create",
            "2026-03": "/crm-objects/v1/objects/products/batch-create",
        },
    ),
    "v1 read": (
        lambda hub: hub.legacy.line_items.read(["1"]),
        {"ids": [1]},
        {"v3": "/crm-objects/v1/objects/line_items/batch-read"},
    ),
}


@pytest.mark.parametrize(
    ("name", "version"),
    [(name, version) for name, told in GOLDEN.items() for version in told[2]],
)
async def test_golden_bodies(portal: Portal, name: str, version: str) -> None:
    """Byte for byte, but for the order of keys, whatever the outcomes."""
    ask, body, paths = GOLDEN[name]
    async with portal.hub(api_version=version) as hub, ask(hub) as outcomes:
        async for _ in outcomes:
            pass
    received = portal.sim.requests[0]
    assert (received.method, received.path) == ("POST", paths[version])
    assert orjson.dumps(received.body, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        body, option=orjson.OPT_SORT_KEYS
    )

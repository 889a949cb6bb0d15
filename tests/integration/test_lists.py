"""Lists, owners and pipelines, over sockets: many ids, bad days, refusals."""

import asyncio

from collections import Counter
from random import Random
from typing import Any

import pytest

from hubbatch import (
    ConfigurationError,
    HubBatch,
    InvalidRequestError,
    ListChange,
    ListError,
    ListMember,
    PermissionDeniedError,
    RecordNotFound,
)
from hubbatch.simulator import Fault, When
from hubbatch.simulator.crm.lists import RecordList
from hubbatch.simulator.faults.faults import CHAOS
from tests.integration.conftest import Portal


def contacts(portal: Portal, count: int) -> list[str]:
    return [portal.sim.store.create("contacts", {}).id for _ in range(count)]


def newsletter(portal: Portal, **options: Any) -> RecordList:
    return portal.sim.store.lists.add("Newsletter", **options)


def calls(portal: Portal) -> Counter[str]:
    return Counter(f"{one.method} {one.path}" for one in portal.sim.requests)


@pytest.mark.parametrize("version", ["v3", "2026-03"])
async def test_each_id_is_added_once_and_has_an_outcome(
    portal: Portal, version: str
) -> None:
    [first, second, third] = contacts(portal, 3)
    on = newsletter(portal)
    portal.sim.store.lists.put(on, [first])
    async with portal.hub(api_version=version) as hub:
        response = await hub.lists(int(on.id)).add(
            [first, int(second), {"id": third}, "404", second, "?"]
        )
        removed = await hub.lists(on.id).remove([first, "404", third, first])

    assert [one.status.value for one in response.outcomes] == [
        *("succeeded", "succeeded", "succeeded", "failed", "succeeded", "failed")
    ]
    assert [one.result for one in response.outcomes if one.result] == [
        ListChange(first, changed=False),
        ListChange(second, changed=True),
        ListChange(third, changed=True),
        ListChange(second, changed=True),
    ]
    assert response.outcomes[1].id == second
    assert isinstance(response.outcomes[3].error, RecordNotFound)
    assert response.status == "COMPLETE"
    assert removed.succeeded == 3
    assert [*on.members] == [second]


async def test_25_000_ids_on_a_bad_day(portal: Portal) -> None:
    ids = contacts(portal, 24_000)
    on = newsletter(portal)
    portal.sim.store.lists.put(on, ids[:5_000])
    unknown = [str(10**15 + n) for n in range(1_000)]
    inputs = [*ids, *unknown]
    Random(3).shuffle(inputs)
    portal.sim.faults.chaos(0.3, CHAOS)

    async with portal.hub() as hub:
        response = await hub.lists(on.id).add(inputs)
        assert on.members.keys() == {*ids}
        assert {one.input for one in response.failures} == {*unknown}
        assert all(isinstance(one.error, RecordNotFound) for one in response.failures)
        former = {*ids[:5_000]}
        for one in response.outcomes:
            if one.result is not None:
                assert one.result.record_id == one.input
                assert not (one.input in former and one.result.changed)
        assert any(one.changed is None for one in response.results)  # a lost answer

        members = [member async for member in hub.lists(on.id).read()]
        assert {member.record_id for member in members} == {*ids}
        assert len(members) == len(ids)
        gone = await hub.lists(on.id).remove(hub.lists(on.id).read())

    assert gone.ok
    assert gone.succeeded == 24_000
    assert not on.members


async def test_a_client_looks_at_a_list_once(portal: Portal) -> None:
    ids = contacts(portal, 2)
    on = newsletter(portal)
    async with portal.hub() as hub:
        for _ in range(2):
            assert (await hub.lists(on.id).add(ids)).ok
            assert (await hub.lists(on.id).remove(ids)).ok

    assert calls(portal) == {
        "GET /crm/v3/lists/1": 1,
        "PUT /crm/v3/lists/1/memberships/add": 2,
        "PUT /crm/v3/lists/1/memberships/remove": 2,
    }


async def test_a_dynamic_list_takes_no_records_and_the_error_says_why(
    portal: Portal,
) -> None:
    ids = contacts(portal, 2_500)
    on = newsletter(portal, processing="DYNAMIC")
    async with portal.hub() as hub:
        with pytest.raises(InvalidRequestError, match="is dynamic: its filters") as one:
            await hub.lists(on.id).add(ids)
        with pytest.raises(InvalidRequestError, match="MANUAL or SNAPSHOT"):
            await hub.lists(on.id).remove(ids)

    assert len(one.value.response.not_sent) == 2_500
    assert calls(portal) == {"GET /crm/v3/lists/1": 2}


async def test_a_deleted_or_unknown_list_takes_no_records(portal: Portal) -> None:
    ids = contacts(portal, 1)
    on = newsletter(portal)
    on.deleted_on = on.created
    async with portal.hub() as hub:
        with pytest.raises(InvalidRequestError, match="was deleted on 2026-09-14"):
            await hub.lists(on.id).add(ids)
        with pytest.raises(InvalidRequestError, match="does not exist with ID 99"):
            await hub.lists(99).add(ids)
        with pytest.raises(InvalidRequestError, match="does not exist with ID 99"):
            [_ async for _ in hub.lists(99).read()]


@pytest.mark.parametrize(
    ("scopes", "needed"),
    [
        (["crm.objects.contacts.write"], "crm.lists.read"),
        (["crm.objects.contacts.write", "crm.lists.read"], "crm.lists.write"),
        (["crm.lists.read", "crm.lists.write"], "crm.objects.contacts.write"),
    ],
)
async def test_the_error_names_the_scope_that_is_missing(
    portal: Portal, scopes: list[str], needed: str
) -> None:
    ids = contacts(portal, 1)
    on = newsletter(portal)
    token = portal.sim.issue_token(scopes=scopes)
    async with portal.hub(access_token=token) as hub:
        with pytest.raises(PermissionDeniedError, match=needed):
            await hub.lists(on.id).add(ids)


async def test_the_members_of_a_list_are_read_page_by_page(portal: Portal) -> None:
    ids = contacts(portal, 600)
    on = newsletter(portal)
    portal.sim.store.lists.put(on, ids)
    async with portal.hub() as hub:
        members = [member async for member in hub.lists(on.id).read()]

    assert [member.record_id for member in members] == sorted(ids, key=int)
    assert all(type(member) is ListMember for member in members)
    assert all(member.membership_timestamp for member in members)
    assert calls(portal).total() == 3


async def test_a_page_of_members_that_names_itself_ends_the_loop(
    portal: Portal,
) -> None:
    body = {"results": [], "paging": {"next": {"after": "AAA%3D"}}}
    when = When(path="/memberships")
    fault = Fault("status", status=200, body=body, times=None, when=when)
    portal.sim.faults.add(fault)
    async with portal.hub() as hub:
        with pytest.raises(ListError, match=r"lists\.7\.list does not advance"):
            [_ async for _ in hub.lists(7).read()]
    assert [one.query.get("after") for one in portal.sim.requests] == [None, "AAA="]


# ---- find


async def test_a_list_is_found_by_its_whole_name(portal: Portal) -> None:
    add = portal.sim.store.lists.add
    ids = {name: add(name).id for name in ("News", "News 2", "Old news", "NEWS")}
    deals = add("News 2", "0-3").id
    deleted = add("Gone")
    deleted.deleted_on = deleted.created
    async with portal.hub() as hub:
        assert (await hub.lists.find(name="News")).list_id == ids["News"]
        assert (await hub.lists.find(name="old NEWS")).list_id == ids["Old news"]
        found = await hub.lists.find(name="News 2", object_type="deals")
        assert (found.list_id, found.object_type_id) == (deals, "0-3")
        assert repr(hub.lists(found)) == f"<ListRecords {deals!r}>"
        with pytest.raises(ConfigurationError, match=rf"{deals} \(0-3, MANUAL\)"):
            await hub.lists.find(name="news 2")
        with pytest.raises(ConfigurationError, match="2 lists are named 'news'"):
            await hub.lists.find(name="news", object_type="contacts")
        with pytest.raises(RecordNotFound, match="no list is named 'Gone'"):
            await hub.lists.find(name="Gone")
        with pytest.raises(RecordNotFound, match="did you mean 'Old news'"):
            await hub.lists.find(name="ld news")
        for misspelled in ("Newss", "old nwes", " Old news"):
            with pytest.raises(RecordNotFound, match=r"did you mean '(NEWS|Old news)'"):
                await hub.lists.find(name=misspelled)


async def test_a_name_is_found_past_the_first_page(portal: Portal) -> None:
    add = portal.sim.store.lists.add
    for number in range(700):
        add(f"List {number}")
    async with portal.hub() as hub:
        found = await hub.lists.find(name="List 699")
        assert found.name == "List 699"
        assert found.additional_properties["hs_list_size"] == "0"
        portal.sim.store.lists.add("list")
        assert (await hub.lists.find(name="list")).name == "list"
    assert calls(portal) == {"POST /crm/v3/lists/search": 3}


# ---- owners and pipelines


async def test_all_owners_are_listed_or_one_by_its_address(portal: Portal) -> None:
    owners = portal.sim.store.owners
    for number in range(250):
        owners.add(f"o{number}@example.com")
    gone = owners.add("gone@example.com", archived=True)
    async with portal.hub() as hub:
        listed = await hub.owners.list()
        assert [owner.email for owner in listed] == [
            f"o{number}@example.com" for number in range(250)
        ]
        [one] = await hub.owners.list("o7@example.com")
        assert one == listed[7]
        assert await hub.owners.list(email="nobody@example.com") == ()
        [former] = await hub.owners.list(archived=True)
        assert (former.id, former.user_id) == (gone.id, None)
        assert former.user_id_including_inactive == gone.user_id


@pytest.mark.parametrize("version", ["v3", "2026-03"])
async def test_pipelines_come_with_their_stages(portal: Portal, version: str) -> None:
    async with portal.hub(api_version=version) as hub:
        [support] = await hub.pipelines("tickets").list()
        [sales] = await hub.pipelines("deals").list()

    assert support.label == "Support Pipeline"
    assert [stage.label for stage in support.stages][:2] == [
        *("New", "Waiting on contact")
    ]
    assert support.stages[-1].metadata["isClosed"] == "true"
    assert "probability" in sales.stages[0].metadata


async def test_a_closed_client_asks_for_nothing(portal: Portal) -> None:
    hub = portal.hub()
    await hub.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await hub.owners.list()
    with pytest.raises(RuntimeError, match="closed"):
        await hub.pipelines("deals").list()
    with pytest.raises(RuntimeError, match="closed"):
        await hub.lists.find(name="News")
    with pytest.raises(RuntimeError, match="closed"):
        hub.lists(7).read()
    assert not portal.sim.requests


async def test_an_iteration_that_outlives_its_client_says_so(portal: Portal) -> None:
    ids = portal.tickets(300)
    on = portal.sim.store.lists.add("All", "0-5")
    portal.sim.store.lists.put(on, ids)
    async with portal.hub() as hub:
        iterations = [hub.tickets.search(), hub.tickets.list(), hub.lists(on.id).read()]
        for one in iterations:
            await anext(one)
    for one in iterations:
        with pytest.raises(RuntimeError, match="This client is closed"):
            assert [rest async for rest in one]


async def test_a_search_feeds_a_batch_until_its_client_is_closed(
    portal: Portal,
) -> None:
    portal.tickets(450)
    async with portal.hub() as hub:
        found = hub.tickets.search()
        batch = hub.tickets.update(
            {"id": one.id, "content": "x"} async for one in found
        )
        running = asyncio.create_task(batch)
        async with asyncio.timeout(10):
            while not portal.sim.requests:  # noqa: ASYNC110 -- in another thread
                await asyncio.sleep(0.01)
    assert len((await running).results) == 450


# ---- misuse


@pytest.mark.parametrize("wrong", [None, True, 7.0, ["7"]])
def test_the_number_of_a_list_is_a_string_or_an_int(wrong: Any) -> None:
    with pytest.raises(TypeError, match="list_id must be the number of a list"):
        HubBatch("t").lists(wrong)


@pytest.mark.parametrize(
    "wrong", ["Newsletter", "../7", "", "7.0", -7, "\N{SUPERSCRIPT TWO}"]
)
def test_a_name_is_no_number_of_a_list(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"hub\.lists\.find"):
        HubBatch("t").lists(wrong)


async def test_wrong_arguments_are_refused_before_anything_is_sent() -> None:
    hub: Any = HubBatch("t", base_url="http://127.0.0.1:9")
    with pytest.raises(TypeError, match="name must be the name of a list"):
        await hub.lists.find(name=7)
    with pytest.raises(ValueError, match="name must be the name of a list, not ' '"):
        await hub.lists.find(name=" ")
    with pytest.raises(ValueError, match=r"email is empty\. Leave it out to list all"):
        await hub.owners.list(email=" ")
    with pytest.raises(ValueError, match="object type's id"):
        await hub.lists.find(name="News", object_type="cars")
    with pytest.raises(TypeError, match="email must be an e-mail address"):
        await hub.owners.list(7)
    with pytest.raises(TypeError, match="archived must be True or False"):
        await hub.owners.list(archived="no")
    with pytest.raises(ValueError, match="not an object type"):
        hub.pipelines("../deals")
    with pytest.raises(TypeError, match="unexpected keyword argument 'list_id'"):
        hub.lists(7).add([], list_id=8)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("hub.lists.add", r"Name the list first: `hub.lists\(list_id\).add"),
        ("hub.lists.delete", r"hub.lists\(list_id\).remove"),
        ("hub.lists.members", r"hub.lists\(list_id\).read"),
        ("hub.lists.fnd", "Did you mean `find`"),
        ("hub.lists(7).append", "Did you mean `add`"),
        ("hub.lists(7).delete", "Did you mean `remove`"),
        ("hub.lists(7).members", "Did you mean `read`"),
        ("hub.lists(7).ad", "Did you mean `add`"),
        ("hub.owners.get_all", "Did you mean `list`"),
        ("hub.pipelines('deals').lst", "Did you mean `list`"),
        ("hub.owner", "Did you mean `owners`"),
    ],
)
def test_near_misses_get_a_hint(wrong: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=hint):
        eval(wrong, {"hub": HubBatch("t")})  # noqa: S307 -- our own

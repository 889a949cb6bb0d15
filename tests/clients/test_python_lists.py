"""Lists, owners and pipelines: HubSpot's Python client and we see the same."""

from typing import Any
from urllib.parse import unquote

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import lists  # type: ignore[import-untyped]

from hubbatch import HubBatch
from hubbatch.simulator import Simulator
from hubbatch.sync import SyncHubBatch

from .test_python_client import RETRY, client_of


@pytest.fixture
def theirs(portal: Simulator) -> HubSpot:
    return client_of(portal, RETRY)


def ours(portal: Simulator) -> SyncHubBatch:
    return HubBatch.sync(portal.token, base_url=portal.url)


@pytest.mark.parametrize(
    ("verb", "changed"),
    [("add", "records_ids_added"), ("remove", "record_ids_removed")],
)
def test_a_change_is_what_their_answer_says(
    portal: Simulator, theirs: HubSpot, verb: str, changed: str
) -> None:
    store = portal.store
    ids = [record.id for record in store.all("contacts")][:900]
    one, other = store.lists.add("Theirs"), store.lists.add("Ours")
    for of in (one, other):
        store.lists.put(of, ids[:300])
    inputs = [*ids[:600:2], "404", *ids[600:], "405"]

    answer = getattr(theirs.crm.lists.memberships_api, verb)(one.id, inputs)
    done, missing = {*getattr(answer, changed)}, {*answer.record_ids_missing}
    with ours(portal) as hub:
        response = getattr(hub.lists(other.id), verb)(inputs)

    assert one.members.keys() == other.members.keys()
    assert {item.record_id for item in response.results if item.changed} == done
    assert {item.input for item in response.failures} == missing
    assert {item.record_id for item in response.results if not item.changed} == (
        {*inputs} - done - missing
    )
    requests = portal.requests
    assert [
        (one.method, one.body) for one in requests if "memberships" in one.path
    ] == [
        ("PUT", inputs),
        ("PUT", inputs),
    ]


def test_the_members_of_a_list_are_the_same(portal: Simulator, theirs: HubSpot) -> None:
    of = portal.store.lists.add("All")
    portal.store.lists.put(of, [one.id for one in portal.store.all("contacts")])
    members: list[Any] = []
    after = None
    while True:
        more: dict[str, str] = {} if after is None else {"after": after}
        page = theirs.crm.lists.memberships_api.get_page(of.id, limit=250, **more)
        members += page.results
        if page.paging is None:
            break
        after = unquote(page.paging.next.after)

    with ours(portal) as hub:
        found = [*hub.lists(of.id).read()]

    assert [(one.record_id, one.membership_timestamp) for one in found] == [
        (one.record_id, one.membership_timestamp) for one in members
    ]
    assert len(found) == 1_200


def test_a_list_is_found_as_by_their_client(portal: Simulator, theirs: HubSpot) -> None:
    add = portal.store.lists.add
    for name, type_id in (("VIP", "0-2"), ("VIP 2", "0-1"), ("VIP", "0-1")):
        add(name, type_id)
    wanted = theirs.crm.lists.lists_api.get_by_name("VIP", "0-1").list
    request = lists.ListSearchRequest(
        query="VIP", offset=0, count=500, additional_properties=[]
    )
    similar = theirs.crm.lists.lists_api.do_search(request).lists

    with ours(portal) as hub:
        found = hub.lists.find(name="VIP", object_type="contacts")

    for name in ("list_id", "name", "object_type_id", "processing_type", "created_at"):
        assert getattr(found, name) == getattr(wanted, name)
    [same] = [one for one in similar if one.list_id == found.list_id]
    assert found.additional_properties == same.additional_properties


def test_owners_and_pipelines_are_the_same(portal: Simulator, theirs: HubSpot) -> None:
    for number in range(120):
        portal.store.owners.add(f"o{number}@example.com", archived=number % 10 == 0)
    owners = theirs.crm.owners.get_all()
    pipelines = theirs.crm.pipelines.pipelines_api.get_all("deals").results

    with ours(portal) as hub:
        assert [
            (one.id, one.email, one.user_id, one.created_at)
            for one in hub.owners.list()
        ] == [(one.id, one.email, one.user_id, one.created_at) for one in owners]
        assert [
            (one.id, one.label, [(s.id, s.label, s.metadata) for s in one.stages])
            for one in hub.pipelines("deals").list()
        ] == [
            (one.id, one.label, [(s.id, s.label, s.metadata) for s in one.stages])
            for one in pipelines
        ]

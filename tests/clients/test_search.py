"""A search with HubSpot's Python client and with hubbatch finds the same records."""

import time

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import contacts  # type: ignore[import-untyped]

from hubbatch import Filter, Filters, HubBatch, InvalidRequestError
from hubbatch.simulator import Simulator
from hubbatch.sync import SyncHubBatch

from .portal import CONTACTS, PROPERTIES


Groups = list[list[dict[str, Any]]]
PAGE = 200


@pytest.fixture
def hub(portal: Simulator) -> Iterator[SyncHubBatch]:
    with HubBatch.sync(portal.token, base_url=portal.url) as hub:
        yield hub


@pytest.fixture
def theirs(portal: Simulator) -> HubSpot:
    client = HubSpot(access_token=portal.token)
    client.config["host"] = portal.url
    return client


def found(client: HubSpot, groups: Groups, query: str | None) -> tuple[int, list[Any]]:
    """Return the total and all records, by offset; up to five searches a second."""
    records: list[Any] = []
    after: str | None = None
    while True:
        request = contacts.PublicObjectSearchRequest(
            filter_groups=[{"filters": group} for group in groups],
            properties=[*PROPERTIES],
            query=query,
            limit=PAGE,
            after=after,
        )
        answer = client.crm.contacts.search_api.do_search(request)
        records += answer.results
        if answer.paging is None:
            return answer.total, records
        after = answer.paging.next.after
        time.sleep(0.21)


HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
EMAIL = "person5@example.com"


def one(name: str, operator: str, **operands: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **operands}


@pytest.mark.parametrize(
    ("filters", "groups", "query", "count"),
    [
        ({"email": EMAIL}, [[one("email", "EQ", value=EMAIL)]], None, 1),
        (
            [Filter("lifecyclestage", "in", ["lead", "customer"])],
            [[one("lifecyclestage", "IN", values=["lead", "customer"])]],
            None,
            800,
        ),
        (
            [
                Filter("createdate", ">=", HOUR_AGO),
                Filter("lastname", "not_has_property"),
            ],
            [
                [
                    one(
                        "createdate",
                        "GTE",
                        value=str(int(HOUR_AGO.timestamp() * 1000)),
                    ),
                    one("lastname", "NOT_HAS_PROPERTY"),
                ]
            ],
            None,
            300,
        ),
        (
            [Filter("jobtitle", "in", ["Number 7", "NUMBER 8"])],
            [[one("jobtitle", "IN", values=["number 7", "number 8"])]],
            None,
            2,
        ),
        (None, [], "Lovelace", 900),
        (
            {"lifecyclestage": "lead"},
            [[one("lifecyclestage", "EQ", value="lead")]],
            "zoë",
            200,
        ),
    ],
)
def test_the_same_records_are_found(
    portal: Simulator,
    hub: SyncHubBatch,
    theirs: HubSpot,
    filters: Filters,
    groups: Groups,
    query: str | None,
    count: int,
) -> None:
    total, records = found(theirs, groups, query)
    time.sleep(1)
    ours = [*hub.contacts.search(filters, query=query, properties=PROPERTIES)]

    assert total == len(records) == count == hub.contacts.count(filters, query=query)
    assert {one.id: one.properties for one in ours} == {
        one.id: one.properties for one in records
    }
    assert [one.id for one in ours] == sorted((one.id for one in records), key=int)
    assert {received.status for received in portal.requests} == {200}


def test_groups_are_alternatives_in_both(hub: SyncHubBatch, theirs: HubSpot) -> None:
    groups = [
        [one("lifecyclestage", "EQ", value="lead")],
        [one("lastname", "NOT_HAS_PROPERTY")],
    ]
    total, records = found(theirs, groups, None)
    time.sleep(1)

    ours = hub.contacts.search(filter_groups=groups)
    assert sorted(one.id for one in ours) == sorted(one.id for one in records)
    assert total == hub.contacts.count(filter_groups=groups)
    assert 400 < total < CONTACTS


def test_an_unknown_property_is_refused_by_both_and_named_by_one(
    hub: SyncHubBatch, theirs: HubSpot
) -> None:
    with pytest.raises(contacts.ApiException) as refusal:
        found(theirs, [[one("emial", "EQ", value=EMAIL)]], None)
    with pytest.raises(InvalidRequestError, match="Did you mean 'email'"):
        hub.contacts.count({"emial": EMAIL})

    assert refusal.value.status == 400
    assert "There was a problem with the request." in refusal.value.body
    assert "emial" not in refusal.value.body

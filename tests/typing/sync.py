"""A user's program without asyncio, never run: two type checkers read it."""

import dataclasses

from collections.abc import Iterator
from typing import assert_type

from hubbatch import (
    Account,
    CombinedResponse,
    ConnectionStatus,
    Filter,
    HubBatch,
    LabelsBetweenObjectPair,
    LegacyObject,
    Limits,
    ListChange,
    ObjectList,
    Outcome,
    Owner,
    Pipeline,
    Plan,
    Property,
    PublicAssociationMulti,
    PublicAssociationMultiWithLabel,
    RateLimit,
    SimplePublicObject,
    SimplePublicUpsertObject,
    Summary,
    UpdateInput,
    UpsertInput,
)
from hubbatch.sync import SyncContacts, SyncHubBatch, SyncObjects, SyncStream


@dataclasses.dataclass
class Ticket:
    id: str
    subject: str


def rows() -> Iterator[UpdateInput]:
    yield UpdateInput("1", {"subject": "a", "amount": 3})


def write(hub: SyncHubBatch, upserts: list[UpsertInput]) -> None:
    assert_type(hub.tickets, SyncObjects)
    assert_type(hub.contacts, SyncContacts)
    assert_type(hub.contacts.stream.gdpr_delete(["1"]), SyncStream[SimplePublicObject])
    assert_type(hub.deals.merge([("1", 2)]), CombinedResponse[SimplePublicObject])
    assert_type(hub.deals.stream.merge([(1, 2)]), SyncStream[SimplePublicObject])
    hub.events.stream.send([{"eventName": "pe1_x", "utk": "u"}])
    hub.deals.gdpr_delete(["1"])  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert_type(hub.tickets.update(rows()), CombinedResponse[SimplePublicObject])
    assert_type(
        hub.contacts.upsert(upserts, id_property="email", max_failures="5%"),
        CombinedResponse[SimplePublicUpsertObject],
    )
    assert_type(
        hub.associations("contacts", "companies").archive([]),
        CombinedResponse[LabelsBetweenObjectPair],
    )


def read(hub: SyncHubBatch) -> None:
    tickets = hub.objects("tickets")
    assert_type(tickets.read(["1"]), CombinedResponse[SimplePublicObject])
    assert_type(tickets.read(["1"], into=Ticket), CombinedResponse[Ticket])
    assert_type(tickets.list(), Iterator[SimplePublicObject])
    assert_type(tickets.list(into=Ticket), Iterator[Ticket])
    assert_type(tickets.search({"x": 1}), Iterator[SimplePublicObject])
    assert_type(tickets.search(into=Ticket), Iterator[Ticket])
    assert_type(tickets.count([Filter("x", "=", 1)]), int)
    assert_type(
        hub.associations("contacts", "companies").read(["1"]),
        CombinedResponse[PublicAssociationMultiWithLabel],
    )
    assert_type(
        hub.associations("contacts", "companies", api_version="v3").read(["1"]),
        CombinedResponse[PublicAssociationMulti],
    )
    assert_type(hub.legacy.tickets.read(["1"]), CombinedResponse[LegacyObject])
    assert_type(hub.properties("tickets").list(), tuple[Property, ...])
    assert_type(hub.lists(581).add(hub.lists(7).read()), CombinedResponse[ListChange])
    assert_type(hub.lists.find(name="News"), ObjectList)
    assert_type(hub.owners.list(), tuple[Owner, ...])
    assert_type(hub.pipelines("deals").list(), tuple[Pipeline, ...])
    assert_type(hub.single.tickets.read("1"), SimplePublicObject)
    assert_type(hub.single.tickets.read("1", into=Ticket), Ticket)
    users = hub.connection_statuses.read([2506672])
    assert_type(users, CombinedResponse[ConnectionStatus])


def stream(hub: SyncHubBatch) -> None:
    with hub.tickets.stream.read(["1"], into=Ticket) as outcomes:
        assert_type(outcomes, SyncStream[Ticket])
        for outcome in outcomes:
            assert_type(outcome, Outcome[Ticket])
        assert_type(outcomes.summary, Summary)


def main() -> None:
    with HubBatch.sync("token", rate_limit=RateLimit(30), timeout=3) as hub:
        assert_type(hub, SyncHubBatch)
        assert_type(hub.account(), Account)
        assert_type(hub.plan("tickets.update", 3), Plan)
        assert_type(hub.limits, Limits)
        assert_type(hub.run(lambda client: client.account()), Account)

"""A user's program, never run: two type checkers read it."""

import asyncio
import dataclasses

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Annotated, Any, assert_type

import attrs

from hubbatch import (
    ALL,
    Account,
    Accounts,
    AssociationInput,
    AssociationLimitInput,
    Batch,
    BatchFailed,
    BatchResponse,
    CombinedResponse,
    ConnectionStatus,
    Contacts,
    CreateInput,
    DealSplit,
    DealSplitsInput,
    DealToDealSplits,
    EventInput,
    Filter,
    HubBatch,
    LegacyObject,
    LegacyUpdateInput,
    Limits,
    ListChange,
    ListMember,
    OAuth,
    OAuthTokens,
    Objects,
    ObjectSchema,
    Outcome,
    OutcomeStatus,
    OverloadedError,
    Owner,
    Page,
    Pipeline,
    Property,
    PropertyName,
    PublicAssociationDefinitionUserConfiguration,
    PublicAssociationMulti,
    PublicAssociationMultiWithLabel,
    PublicDefaultAssociation,
    RateLimit,
    RecordError,
    RecordIdWithMemberships,
    RetryPolicy,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    Summary,
    TooManyFailures,
    UpdateInput,
    UpsertInput,
    merge,
)


def rows() -> Iterator[UpdateInput]:
    yield UpdateInput("1", {"subject": "a", "amount": 3})


async def stream_of_rows() -> AsyncIterator[dict[str, Any]]:
    yield {"id": "1", "properties": {"subject": "a"}}


async def fresh_token() -> str:
    return "pat-na1-..."


async def collect(hub: HubBatch) -> None:
    updated = await hub.tickets.update(rows())
    assert_type(updated, CombinedResponse[SimplePublicObject])
    assert_type(updated.results, list[SimplePublicObject])
    assert_type(updated.results[0].properties, dict[str, str | None])
    assert_type(updated.num_errors, int)
    assert_type(updated.errors, list[StandardError])
    assert_type(updated.outcomes[0], Outcome[SimplePublicObject])
    assert_type(updated.outcomes[0:2], list[Outcome[SimplePublicObject]])
    assert_type(updated.failures[0].error, RecordError | None)
    assert_type(updated.outcomes[0].status, OutcomeStatus)
    assert_type(updated.outcomes[0].result, SimplePublicObject | None)

    upserted = await hub.contacts.upsert(
        [UpsertInput("a@b.c", {"firstname": "A"})], id_property="email"
    )
    assert_type(upserted.results[0], SimplePublicUpsertObject)
    assert_type(upserted.results[0].new, bool | None)

    legacy = await hub.legacy.tickets.update([LegacyUpdateInput(1, {"subject": "x"})])
    assert_type(legacy, CombinedResponse[LegacyObject])

    links = hub.associations("contacts", "companies")
    linked = await links.create_default([AssociationInput("1", "2")], isolate=False)
    assert_type(linked.results[0], PublicDefaultAssociation)
    found = await links.read(["1"])
    assert_type(found.results[0], PublicAssociationMultiWithLabel)
    older = hub.associations("contacts", "companies", api_version="v3")
    assert_type((await older.read(["1"])).results[0], PublicAssociationMulti)
    limited = await links.limits.create([AssociationLimitInput("WORK", 1, 2)])
    assert_type(limited.results[0], PublicAssociationDefinitionUserConfiguration)
    schemas = await hub.schemas.read(["tickets"], include_audit_metadata=False)
    assert_type(schemas.results[0], ObjectSchema)
    defined = await hub.properties("tickets").read(["subject"])
    assert_type(defined.results[0], Property)
    splits = await hub.deal_splits.upsert([DealSplitsInput(1, [DealSplit(2, 100)])])
    assert_type(splits.results[0], DealToDealSplits)
    users = await hub.connection_statuses.read([2506672, "1", {"userId": 1}])
    assert_type(users.results[0], ConnectionStatus)
    merged = await hub.companies.merge([("1", 2), (3, "4")])
    assert_type(merged.results[0], SimplePublicObject)
    assert_type(hub.contacts, Contacts)
    assert_type(hub.objects("contacts"), Contacts)
    assert_type(hub.objects("2-3456"), Objects)
    gone = await hub.contacts.gdpr_delete(["a@x.org"], id_property="email")
    assert_type(gone.succeeded, int)
    await hub.companies.gdpr_delete(["1"])  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await hub.objects("2-3456").gdpr_delete(["1"])  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await hub.contacts.merge([("1", 2, 3)])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    sent = await hub.events.send([EventInput("pe1_x", {"a": 1}, utk="u")])
    assert_type(sent.ok, bool)
    lists = await hub.list_memberships("contacts").read([1])
    assert_type(lists.results[0], RecordIdWithMemberships)
    newsletter = hub.lists(await hub.lists.find(name="News"))
    changes = await newsletter.add(hub.lists(581).read())
    assert_type(changes.results[0], ListChange)
    assert_type(await newsletter.remove([1]), CombinedResponse[ListChange])
    async for member in newsletter.read():
        assert_type(member, ListMember)
    assert_type(await hub.owners.list("ada@example.com"), tuple[Owner, ...])
    assert_type(await hub.pipelines("deals").list(), tuple[Pipeline, ...])
    async for ticket in hub.tickets.list(properties=ALL):
        assert_type(ticket, SimplePublicObject)
    new = Filter("createdate", ">=", date(2026, 1, 1))
    async for ticket in hub.tickets.search([new, {"propertyName": "x"}], limit=5):
        assert_type(ticket, SimplePublicObject)
    async for page in hub.tickets.search_pages(filter_groups=[[new], {"x": 1}]):
        assert_type(page, Page)
    assert_type(await hub.tickets.count({"hs_pipeline": "0"}), int)
    await hub.tickets.update(
        {"id": ticket.id, "properties": {"subject": "x"}}
        async for ticket in hub.tickets.search(query="printer")
    )

    await hub.deals.read(["1", 2], properties=["dealname"], archived=True)
    await hub.objects("2-3456").create([CreateInput({"ref": "1"})])
    await hub.companies.archive({1, 2, 3})
    await hub.tickets.update(stream_of_rows(), max_failures="5%", linger=1.0)
    assert_type(await hub.account(), Account)
    assert_type(hub.limits, Limits)
    assert_type(merge([updated, updated]), BatchResponse[SimplePublicObject])


async def options(hub: HubBatch) -> None:
    """Every verb takes the same options; a checker refuses any other."""
    links = hub.associations("contacts", "companies")
    await hub.tickets.archive(["1"], isolate=False, max_failures=None, linger=0.5)
    await links.archive_labels([], max_failures=3)
    await links.limits.purge([], max_failures="5%")
    await hub.properties("tickets").archive([], linger=0)
    await hub.legacy.products.archive([1], isolate=True)
    await hub.tickets.update([], chunk_size=5)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await links.create([], isolate="no")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.schemas.read(["tickets"], lane=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await hub.deal_splits.read(["1"], linger="0.1")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.tickets.read(512)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]


async def single(hub: HubBatch) -> None:
    assert_type(hub.single.max_pending, int)
    hub.single.max_pending = 500
    tickets = hub.single.tickets
    assert_type(await tickets.read("512", ["subject"]), SimplePublicObject)
    assert_type(await tickets.read(512, id_property="ref"), SimplePublicObject)
    assert_type(await tickets.read(512, into=Ticket), Ticket)
    assert_type(await tickets.read("r", id_property="ref", into=Ticket), Ticket)
    await tickets.read(512, into=Ticket("a"))  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    assert_type(await tickets.create({"subject": "a"}), SimplePublicObject)
    assert_type(await tickets.update("512", {"amount": 3}), SimplePublicObject)
    upserted = await hub.single.objects("2-3456").upsert("r", {}, id_property="ref")
    assert_type(upserted, SimplePublicUpsertObject)
    await hub.single.contacts.archive(512)
    one, two = await asyncio.gather(tickets.read("1"), tickets.read("2"))
    assert_type((one, two), tuple[SimplePublicObject, SimplePublicObject])
    try:
        await tickets.update("512", {})
    except OverloadedError as error:
        raise RuntimeError from error


@attrs.define
class Ticket:
    subject: str
    due: Annotated[date | None, PropertyName("due_date")] = None
    id: str | None = None


@dataclasses.dataclass
class Company:
    name: str
    id: int | None = None


async def typed(hub: HubBatch) -> None:
    async for listed in hub.tickets.list(into=Ticket):
        assert_type(listed, Ticket)
    async for found in hub.tickets.search(into=Ticket):
        assert_type(found, Ticket)
    await hub.legacy.tickets.update([Ticket("a", id="1")])
    read = await hub.tickets.read(["1"], into=Ticket, id_property="ref")
    assert_type(read, CombinedResponse[Ticket])
    assert_type(read.results[0].due, date | None)
    assert_type(read.outcomes[0].result, Ticket | None)
    companies: Batch[Company] = hub.companies.read([1], into=Company)
    assert_type(companies.response, CombinedResponse[Company] | None)
    assert_type(await companies, CombinedResponse[Company])
    plain = await hub.companies.read([1], into=None)
    assert_type(plain, CombinedResponse[SimplePublicObject])
    async with hub.tickets.read(read.results, into=Ticket) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[Ticket])
    updated = await hub.tickets.update(read.results)
    assert_type(updated, CombinedResponse[SimplePublicObject])
    await hub.companies.create([Company("Acme")])
    await hub.companies.upsert([Company("Acme", 5)], id_property="name")


async def load(account: str) -> str | OAuth:
    async def keep(tokens: OAuthTokens) -> None:
        assert_type(tokens.refresh_token, str)

    if account == "1":
        return "pat-na1-..."
    return OAuth("id", "secret", "refresh", on_refresh=keep, lock=asyncio.Lock)


async def many_accounts() -> None:
    async with Accounts(load, rate_limit=len) as accounts:
        assert_type(await accounts.get("62515"), HubBatch)
        await accounts.forget(62515)
    async with HubBatch(OAuth("id", "secret", "refresh", access_token="x")) as hub:  # noqa: S106
        assert_type(hub, HubBatch)


async def as_tasks(hub: HubBatch) -> None:
    batch: Batch[SimplePublicObject] = hub.tickets.read(["1"])
    assert_type(batch.summary, Summary)
    assert_type(batch.response, CombinedResponse[SimplePublicObject] | None)
    first, second = await asyncio.gather(batch, hub.tickets.archive(["2"]))
    assert_type(first, CombinedResponse[SimplePublicObject])
    assert_type(second, CombinedResponse[SimplePublicObject])
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(hub.contacts.read([1]))
    assert_type(task.result(), CombinedResponse[SimplePublicObject])


async def stream(hub: HubBatch) -> None:
    async with hub.tickets.create([{"properties": {"subject": "a"}}]) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[SimplePublicObject])


async def main() -> None:
    async with HubBatch(
        fresh_token,
        api_version="2026-03",
        rate_limit=RateLimit.professional(),
        retry=RetryPolicy(attempts=3),
        max_concurrency=16,
    ) as hub:
        assert_type(hub, HubBatch)
        assert_type(HubBatch(max_concurrency="auto"), HubBatch)
        try:
            (await hub.tickets.read(["1"])).raise_for_failures()
        except* RecordError as group:
            assert_type(group, ExceptionGroup[RecordError])
        try:
            await collect(hub)
        except BatchFailed as failed:
            assert_type(failed.exceptions[0], RecordError | ExceptionGroup[RecordError])
        except TooManyFailures as error:
            raise RuntimeError from error

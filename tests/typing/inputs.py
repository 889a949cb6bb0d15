"""What may be passed to verbs and what may not, never run: two type checkers read it.

A line with two comments must be refused by both: mypy and basedpyright also refuse a
comment that is not needed, so this file fails once they accept such a line.

Only the call itself, when it runs, refuses a string or a dict of ids: to a checker they
are an iterable of strings.
"""

import dataclasses

from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Mapping
from typing import Any

import attr
import attrs

from hubbatch import (
    ALL,
    AnyRateLimit,
    AssociationInput,
    Batch,
    CreateInput,
    DealSplit,
    DealSplitsInput,
    EventInput,
    HubBatch,
    Id,
    Inputs,
    LegacyCreateInput,
    Listener,
    MergeInput,
    Objects,
    PropertyNames,
    Record,
    SimplePublicObject,
    TokenSource,
    Typed,
    UpdateInput,
    UpsertInput,
)


@attrs.define
class Defined:
    subject: str
    id: str | None = None


@attrs.frozen(kw_only=True, match_args=False)
class Frozen:
    subject: str


@attr.s(auto_attribs=True)
class Classic:
    subject: str


@dataclasses.dataclass
class Plain:
    subject: str
    id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slotted:
    subject: str


class Inherits(Plain):
    pass


class Untyped:
    subject = "a"


class Rows:
    """A collection of the user's own."""

    def __iter__(self) -> Iterator[UpdateInput]:
        yield UpdateInput("1", {})


class Frame:
    """A table, as pandas, polars, pyarrow and DuckDB have it."""

    def to_dict(self) -> list[dict[Hashable, Any]]:
        """Return the rows, with the type that pandas-stubs has for them."""
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


async def stream() -> AsyncIterator[Mapping[str, object]]:
    yield {"id": "1", "properties": {}}


async def accepted(
    hub: HubBatch, anything: Any, rows: Iterable[dict[str, Any]], read: list[Defined]
) -> None:
    tickets = hub.tickets
    await tickets.update([UpdateInput("1", {}), {"id": 2, "properties": {}}])
    await tickets.update([{"id": "1", "properties": {"subject": None, "amount": 3}}])
    await tickets.update(({"id": "1", "subject": "a"},))
    await tickets.update(Rows())
    await tickets.update(Frame())
    await tickets.archive(Frame())
    await tickets.create(Frame().to_dict())
    await tickets.update(Frame().to_dict())
    await tickets.upsert(Frame().to_dict(), id_property="ref")
    await tickets.read(Frame().to_dict())
    await hub.legacy.tickets.update(Frame().to_dict())
    await hub.associations("contacts", "companies").create(Frame().to_dict())
    await tickets.update(deque(rows))
    await tickets.update(row for row in rows)
    await tickets.update(stream())
    await tickets.update(anything)
    await tickets.update([anything])
    await tickets.update([])
    await tickets.update(read)
    await tickets.update({"1": Defined("a")}.values())
    await tickets.update([Defined("a"), Plain("a"), UpdateInput("1", {})])
    await tickets.create([Defined("a"), Frozen(subject="a"), Classic("a")])
    await tickets.create([Plain("a"), Slotted(subject="a"), Inherits("a")])
    await tickets.create([CreateInput({}), {"properties": {}}])
    await tickets.upsert([UpsertInput("1", {}), Plain("a")], id_property="ref")
    await tickets.read(["1", 2, {"id": "3"}, Defined("a", id="4")])
    await tickets.read({"1": "a"}.keys())
    await tickets.read(range(3))
    await tickets.archive(stream())
    await hub.legacy.tickets.create([LegacyCreateInput({}), [{"name": "subject"}]])
    links = hub.associations("contacts", "companies")
    await links.create([AssociationInput(1, "2"), {"from": {}, "to": {}}])
    await hub.properties("tickets").read(["subject", {"name": "content"}])
    await hub.deal_splits.upsert([DealSplitsInput(1, [DealSplit(2, 100)])])
    await hub.contacts.merge([MergeInput("1", 2), ("3", 4), {"primaryObjectId": 5}])
    await hub.contacts.merge([("3", "4")])
    await hub.contacts.merge(iter([(3, 4)]))
    await hub.contacts.gdpr_delete(["1", 2, Defined("a", id="4")])
    await hub.events.send([EventInput("pe1_x", email="a"), {"eventName": "pe1_x"}])


def with_names_of_their_own(
    hub: HubBatch, inputs: Inputs[UpdateInput | Record | Typed], ids: Inputs[Id]
) -> tuple[Batch[SimplePublicObject], Batch[SimplePublicObject]]:
    tickets: Objects = hub.tickets
    return tickets.update(inputs), tickets.read(ids, properties=names(all_of_them=True))


def fields_of(record: Record) -> list[tuple[str, Any]]:
    found = [(name, record[name]) for name in record if name in record]
    return [*found, ("id", record.get("id")), *record.items()]


def names(*, all_of_them: bool) -> PropertyNames:
    return ALL if all_of_them else ["subject"]


def client(token: TokenSource, listener: Listener, limit: AnyRateLimit) -> HubBatch:
    return HubBatch(token, listeners=[listener], rate_limit=limit)


async def refused_as_collections(hub: HubBatch) -> None:
    tickets = hub.tickets
    await tickets.update("512")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update(b"512")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update({"id": "1"})  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    await tickets.update({"1": {"id": "1"}})  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    await tickets.update(UpdateInput("1", {}))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update(Defined("a"))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update(512)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update(None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update(stream)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.create("a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.create({"properties": {}})  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    await tickets.create(Plain("a"))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.upsert("a", id_property="ref")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.upsert({"id": "1"}, id_property="ref")  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    await tickets.archive(512)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.archive(None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.archive(Plain("a", 1))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.legacy.tickets.update("a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.contacts.merge("12")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.events.send("12")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.deal_splits.upsert("a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await hub.properties("tickets").create("a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    links = hub.associations("contacts", "companies")
    await links.create("12")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await links.limits.purge("12")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def refused_as_inputs(
    hub: HubBatch, texts: list[str], numbered: list[dict[int, Any]]
) -> None:
    tickets = hub.tickets
    await tickets.update([Frame()])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update(["512"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update(texts)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update([512])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update([None])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update([("1", {})])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update([[{"id": "1"}]])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update(numbered)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.update([{1: "a"}])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update([Untyped()])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.update([Defined])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.create(["a"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.upsert(texts, id_property="ref")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await tickets.archive([None])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.archive([1.5])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.read([object()])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await tickets.read(["1"], into=3)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    await hub.legacy.tickets.update(["a"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    links = hub.associations("contacts", "companies")
    await links.create(["12"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await links.create([("1", "2")])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await hub.properties("tickets").create([Plain("a")])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    await hub.schemas.read([1])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]


async def refused_names(hub: HubBatch) -> None:
    hub.ticket.read([])  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    hub.single.ticket.read("1")  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

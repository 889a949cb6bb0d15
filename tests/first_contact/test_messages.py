"""Every error message that a user can meet is made of whole sentences."""

import asyncio
import math
import re

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from attrs import define

from hubbatch import (
    Accounts,
    AssociationInput,
    HubBatch,
    HubBatchError,
    OAuth,
    RateLimit,
    RetryPolicy,
)
from hubbatch.jobs import Columns, CsvSource, Job, read_schema
from hubbatch.simulator import Fault
from tests.integration.conftest import Portal
from tests.integration.test_errors import OF_JOBS, OF_LISTS, RAISED


# ---- what reads well

# A capital, a number, or something in code: a name with `_`, `.`, `=` or `/`, a quoted
# value, or the name of an option ("limit must be ...").
_BEGINS = re.compile(r"[A-Z0-9'/]|[a-z]+(?:_\w|\w*=|/v1| must )|[\w-]+\.\w")


def problems(message: str) -> list[str]:
    """Return what is wrong with a message, as its reader would say it."""
    wrong = {
        "it begins in lower case": not _BEGINS.match(message),
        "it has no full stop": not message.endswith("."),
        "it ends twice": message.endswith((". .", "..", "?.", "!.")),
        "a stop inside is doubled": re.search(r"\w\.\.(?:\s|$)", message),
        "a stop is before a bracket": re.search(r"\.[)\]]\.", message),
        "it has aiohttp's words": "ssl:" in message or "[Errno" in message,
        "it says None": re.search(r"(?<!not )(?<!or )(?<!with )\bNone\b", message),
        "it shows a repr": re.search(
            r"<[\w.]+ (?:object|at)|<class|<function|0x[0-9a-f]{6}", message
        ),
        "it shows bytes": re.search(r"\bb['\"]", message),
    }
    return [why for why, is_so in wrong.items() if is_so]


@define
class Ticket:
    """A user's class."""

    id: str
    subject: object


@define
class Meeting:
    """A user's class with a field that no property can have."""

    id: str
    guests: dict[str, str]


# ---- wrong calls, which raise at once


async def awaited(_done: int, _total: int | None) -> None:
    """Do nothing: it is never called."""


HUB: Any = HubBatch("pat-na1-x")
RECORD = {"id": "1", "properties": {"subject": "x"}}
CALLS: dict[str, Callable[[], object]] = {
    "no inputs": lambda: HUB.tickets.update(None),
    "one record": lambda: HUB.tickets.update(RECORD),
    "one string": lambda: HUB.tickets.read("512"),
    "one number": lambda: HUB.tickets.read(512),
    "records by id": lambda: HUB.tickets.update({"1": RECORD}),
    "properties by id": lambda: HUB.tickets.update({"1": {"subject": "x"}}),
    "a body": lambda: HUB.tickets.update({"inputs": [RECORD]}),
    "a function": lambda: HUB.tickets.update(lambda: [RECORD]),
    "pairs as a dict": lambda: HUB.associations("a", "b").create_default({"1": "2"}),
    "a table without ids": lambda: HUB.tickets.update(pa.table({"a": [1]})),
    "a table with one name twice": lambda: HUB.tickets.update(
        pa.table([[1], [2]], names=["id", "id"])
    ),
    "a table with local times": lambda: HUB.tickets.create(
        pa.table({"a": [datetime(2026, 1, 1)]})  # noqa: DTZ001 -- that is the point
    ),
    "an upsert of a table": lambda: HUB.tickets.upsert(pa.table({"a": [1]})),
    "a table of definitions": lambda: HUB.properties("a").create(pa.table({"a": [1]})),
    "a callback that is awaited": lambda: HUB.tickets.update([], progress=awaited),
    "an option of other clients": lambda: HUB.tickets.update([], idProperty="ref"),
    "a verb without a type": lambda: HUB.update,
    "an object type that is unknown": lambda: HUB.spaceships,
    "limits outside a loop": lambda: HUB.limits,
    "a client in a with": HUB.__enter__,
    "a list that is awaited": lambda: HUB.tickets.list().__await__(),
    "an unknown option": lambda: HUB.tickets.update([], chunk_size=50),
    "isolate": lambda: HUB.tickets.update([], isolate="no"),
    "linger": lambda: HUB.tickets.update([], linger="x"),
    "linger below zero": lambda: HUB.tickets.update([], linger=-1),
    "max_failures": lambda: HUB.tickets.update([], max_failures="many"),
    "progress": lambda: HUB.tickets.update([], progress=5),
    "id_property": lambda: HUB.tickets.update([], id_property=5),
    "empty id_property": lambda: HUB.tickets.update([], id_property=""),
    "id_property with a line break": lambda: HUB.tickets.update([], id_property="a\n"),
    "properties": lambda: HUB.tickets.read([], properties="subject"),
    "a property": lambda: HUB.tickets.read([], properties=[None]),
    "archived": lambda: HUB.tickets.read([], archived="yes"),
    "into": lambda: HUB.tickets.read([], into=dict),
    "into an instance": lambda: HUB.tickets.read([], into=Ticket("1", "x")),
    "into an impossible class": lambda: HUB.tickets.read([], into=Meeting),
    "into with history": lambda: HUB.tickets.read(
        [], into=Ticket, properties_with_history=["subject"]
    ),
    "an object type": lambda: HUB.objects("../x"),
    "an object type that is no string": lambda: HUB.objects(5),
    "a verb that there is not": lambda: HUB.payments.archive([]),
    "a type of associations": lambda: HUB.associations("contacts", 5),
    "a version of associations": lambda: HUB.associations("a", "b", api_version="v2"),
    "lists of an unknown type": lambda: HUB.list_memberships("cars"),
    "max_pending": lambda: setattr(HUB.single, "max_pending", 0),
    "a pickled client": lambda: __import__("pickle").dumps(HUB._state),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_wrong_call_says_what_to_write(call: Callable[[], object]) -> None:
    kinds = (TypeError, ValueError, AttributeError, RuntimeError)
    with pytest.raises(kinds) as caught:
        call()
    assert not problems(str(caught.value)), str(caught.value)


# ---- wrong options of the client

OPTIONS: list[dict[str, Any]] = [
    {"access_token": ""},
    {"access_token": 5},
    {"access_token": "two\nlines"},
    {"access_token": "Bearer pat"},
    {"access_token": "'pat'"},
    {"access_token": "pat", "base_url": "hubapi.com"},
    {"access_token": "pat", "base_url": "http://example.com"},
    {"access_token": "pat", "base_url": "https://me:secret@example.com"},
    {"access_token": "pat", "base_url": 5},
    {"access_token": "pat", "api_version": "v4"},
    {"access_token": "pat", "rate_limit": "fast"},
    {"access_token": "pat", "rate_limit": 0},
    {"access_token": "pat", "max_concurrency": 0},
    {"access_token": "pat", "timeout": 0},
    {"access_token": "pat", "retry": 5},
    {"access_token": "pat", "listeners": 5},
    {"access_token": "pat", "session": 5},
    {"access_token": "pat", "daily_reserve": "half"},
    {"access_token": "pat", "trust_env": "yes"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_wrong_option_of_the_client(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN", raising=False)
    with pytest.raises((TypeError, ValueError)) as caught:
        HubBatch(**options)
    assert not problems(str(caught.value)), str(caught.value)


async def _token(_account: str) -> str:
    return "pat"


OTHERS: dict[str, Callable[[], object]] = {
    "no rate": lambda: RateLimit(0),
    "no interval": lambda: RateLimit(10, interval=0),
    "no attempts": lambda: RetryPolicy(attempts=0),
    "no client id": lambda: OAuth("", "b", "c"),
    "expires_at without a zone": lambda: OAuth(
        "a",
        "b",
        "c",
        access_token="d",  # noqa: S106 -- not a secret
        expires_at=datetime(2026, 1, 1),  # noqa: DTZ001 -- that is the point
    ),
    "accounts without load": lambda: Accounts(5),  # type: ignore[arg-type] # that is the point
    "accounts of none": lambda: Accounts(_token, max_open=0),
    "accounts without idle": lambda: Accounts(_token, idle=0),
}


@pytest.mark.parametrize("call", OTHERS.values(), ids=OTHERS)
def test_a_wrong_option_of_something_else(call: Callable[[], object]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert not problems(str(caught.value)), str(caught.value)


# ---- wrong jobs

JOBS: dict[str, Callable[[Path], object]] = {
    "no source": lambda _: Job(HUB, "update", "tickets", None),  # type: ignore[arg-type] # that is the point
    "a verb": lambda _: Job(HUB, "delete", "tickets", []),  # type: ignore[arg-type] # that is the point
    "a kind of file": lambda _: Job(HUB, "update", "tickets", "tickets.txt"),
    "an option of a path": lambda _: Job(HUB, "update", "tickets", [], id_column="a"),
    "an option of columns": lambda where: Job(
        HUB,
        "upsert",
        "tickets",
        CsvSource(where / "a.csv", Columns(verb="update", id_property="ref")),
    ),
    "an option of the verb": lambda _: Job(
        HUB, "create", "tickets", [], id_property="ref"
    ),
    "a limit": lambda _: Job(HUB, "update", "tickets", [], limit=0),
    "an account": lambda _: Job(HUB, "update", "tickets", [], account="mine"),
    "progress": lambda _: Job(HUB, "update", "tickets", [], progress=len),  # type: ignore[arg-type] # that is the point
    "empty": lambda _: Job(HUB, "update", "tickets", "a.csv", empty="x"),  # type: ignore[arg-type] # that is the point
    "a delimiter": lambda _: Job(HUB, "update", "tickets", "a.csv", delimiter=""),
    "an encoding": lambda _: Job(HUB, "update", "tickets", "a.csv", encoding="x"),
    "a time zone": lambda _: Job(HUB, "update", "tickets", "a.csv", timezone="Mars"),
    "a pair of types": lambda _: Job(HUB, "create", "associations.a", []),
    "one path twice": lambda where: Job(
        HUB, "read", "tickets", [], results=where / "a.csv", output=where / "a.csv"
    ),
    "results of an unknown kind": lambda where: Job(
        HUB, "update", "tickets", [], results=where / "a.txt"
    ),
    "output of an update": lambda where: Job(
        HUB, "update", "tickets", [], output=where / "a.csv"
    ),
    "a schema": lambda where: read_schema(where / "none.json"),
}


@pytest.mark.parametrize("make", JOBS.values(), ids=JOBS)
def test_a_wrong_job(make: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError, HubBatchError)) as caught:
        make(tmp_path)
    assert not problems(str(caught.value)), str(caught.value)


FILES: dict[str, str] = {
    "empty": "",
    "no id column": "ref,subject\n1,x\n",
    "too many cells": "id,subject\n1,x,y\n",
    "an open quote": 'id,subject\n1,"x\n',
    "another delimiter": "id;subject\n1;x\n",
    "two columns of one name": "id,a,a\n1,x,y\n",
    "no name": "id,,b\n1,x,y\n",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_wrong_file(content: str, tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(content)
    job = Job(HUB, "update", "tickets", path)
    with pytest.raises(HubBatchError) as caught:
        asyncio.run(job.prepare())
    assert not problems(str(caught.value)), str(caught.value)


# ---- bad records, which fail alone

RECORDS_OF: dict[str, list[Any]] = {
    "update": [
        5,
        None,
        {},
        {"id": "1"},
        {"id": "512.0", "properties": {}},
        {"id": "", "properties": {}},
        {"id": " 1", "properties": {}},
        {"id": True, "properties": {}},
        {"id": "1", "properties": 5},
        {"id": "1", "properties": {"": "x"}},
        {"id": "1", "properties": {5: "x"}},
        {"id": "1", "properties": {"a": math.nan}},
        {"id": "1", "properties": {"a": Decimal("1e999")}},
        {"id": "1", "properties": {"a": datetime(2026, 1, 1)}},  # noqa: DTZ001 -- that is the point
        {"id": "1", "properties": {"a": ["x;y"]}},
        {"id": "1", "properties": {"a": [None]}},
        {"id": "1", "properties": {"a": object}},
        {"id": "1", "properties": {"a": b"x"}},
        {"id": "1", "properties": {"a": "\ud800"}},
        {"id": "1", "properties": {"a": date}},
        {"id": "1", "properties": {}, "idProperty": 5},
        {"id": "1", "properties": {}, "objectWriteTraceId": 5},
    ],
    "upsert": [{"id": "1", "properties": {}}, {"properties": {"a": "1"}}],
    "create": [
        {"properties": {}, "associations": 5},
        {"properties": {}, "associations": [5]},
        {"properties": {}, "associations": [{"to": {"id": "1"}, "types": 5}]},
        {"properties": {}, "associations": [{"to": {"id": "1"}, "types": [5]}]},
    ],
    "read": [None, {"id": None}, 5.5],
}
BAD = [(verb, record) for verb, records in RECORDS_OF.items() for record in records]


@pytest.mark.parametrize(("verb", "record"), BAD, ids=ascii)
async def test_a_bad_record(portal: Portal, verb: str, record: Any) -> None:
    async with portal.hub() as hub:
        response = await getattr(hub.tickets, verb)([record])
    [outcome] = response.failures
    assert not problems(str(outcome.error)), str(outcome.error)


@pytest.mark.parametrize("pair", [{}, {"from": 5, "to": {"id": "1"}}, AssociationInput])
async def test_a_bad_pair(portal: Portal, pair: Any) -> None:
    async with portal.hub() as hub:
        response = await hub.associations("contacts", "companies").create([pair])
    [outcome] = response.failures
    assert not problems(str(outcome.error)), str(outcome.error)


# ---- what HubSpot or the network answers


PROVOKED = {**RAISED, **OF_JOBS, **OF_LISTS}


@pytest.mark.parametrize("provoke", PROVOKED, ids=lambda provoke: provoke.__name__)
async def test_what_ends_a_batch(portal: Portal, provoke: Any) -> None:
    with pytest.raises(HubBatchError) as caught:
        await provoke(portal)
    assert not problems(str(caught.value)), str(caught.value)
    for error in getattr(caught.value, "exceptions", ()):
        assert not problems(str(error)), str(error)


async def closed(portal: Portal) -> Any:
    hub = portal.hub()
    await hub.aclose()
    return await hub.tickets.archive([1])


async def used_twice(portal: Portal) -> Any:
    async with portal.hub() as hub:
        batch = hub.tickets.archive([])
        await batch
        return await batch


async def unknown_host(portal: Portal) -> Any:
    async with portal.hub(base_url="https://api.hubapi.invalid") as hub:
        return await hub.tickets.archive([1])


async def no_tls(portal: Portal) -> Any:
    url = portal.sim.url.replace("http:", "https:")
    async with portal.hub(base_url=url) as hub:
        return await hub.tickets.archive([1])


async def cut_short(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("truncate", None))
    async with portal.hub() as hub:
        return await hub.tickets.archive([1])


async def too_late(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("delay", None, seconds=60))
    async with portal.hub(timeout=0.5) as hub:
        return await hub.tickets.archive([1])


async def a_page(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("proxy", None))
    async with portal.hub() as hub:
        return await hub.tickets.archive([1])


async def a_proxy_that_is_not_there(portal: Portal) -> Any:
    url = "http://api.hubapi.invalid"
    async with portal.hub(trust_env=True, base_url=url, allow_http=True) as hub:
        return await hub.tickets.archive([1])


async def not_unique(portal: Portal) -> Any:
    async with portal.hub() as hub:
        inputs = [{"id": "x", "properties": {"subject": "x"}}]
        return await hub.tickets.update(inputs, id_property="subject")


async def wrong_id_property(portal: Portal) -> Any:
    async with portal.hub() as hub:
        inputs = [{"id": "x", "properties": {"subject": "x"}}]
        response = await hub.tickets.update(inputs, id_property="emial")
        response.raise_for_failures()


async def wrong_secret(portal: Portal) -> Any:
    async with portal.hub(access_token=OAuth("x", "y", "z")) as hub:
        return await hub.tickets.archive([1])


async def day_reserved(portal: Portal) -> Any:
    async with portal.hub(daily_reserve="100%") as hub:
        await hub.tickets.read([1])
        return await hub.tickets.read([1])


async def a_closed_account(portal: Portal) -> Any:
    async def load(_account: str) -> str:
        return portal.sim.token

    accounts = Accounts(load, base_url=portal.sim.url)
    await accounts.aclose()
    return await accounts.get("1")


async def a_single_record(portal: Portal) -> Any:
    async with portal.hub() as hub:
        return await hub.single.tickets.read("404")


AWAITED: list[Callable[[Portal], Awaitable[Any]]] = [
    closed,
    used_twice,
    unknown_host,
    no_tls,
    cut_short,
    too_late,
    a_page,
    a_proxy_that_is_not_there,
    not_unique,
    wrong_id_property,
    wrong_secret,
    day_reserved,
    a_closed_account,
    a_single_record,
]


@pytest.mark.parametrize("provoke", AWAITED, ids=lambda provoke: provoke.__name__)
async def test_what_else_is_raised(
    portal: Portal, provoke: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises((HubBatchError, RuntimeError)) as caught:
        await provoke(portal)
    assert not problems(str(caught.value)), str(caught.value)

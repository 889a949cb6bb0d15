"""`hub.single`: what its calls send, return and refuse."""

import asyncio
import dataclasses

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hubbatch import (
    AssociationSpec,
    AssociationTo,
    ConfigurationError,
    HubBatch,
    OverloadedError,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.single import Single
from tests.net.crm import SECRET, Crm


def on(crm: Crm, **options: Any) -> HubBatch:
    hub = HubBatch(SECRET, **options)
    hub._state.transport = crm
    crm.fill(20)
    return hub


async def use(call: Callable[[Single], Coroutine[Any, Any, Any]]) -> tuple[Crm, Any]:
    crm = Crm(latency=(0, 0))
    async with on(crm) as hub:
        return crm, await call(hub.single)


async def test_create() -> None:
    properties = {"value": "v", "amount": 3}
    to_contact = AssociationTo("7", [AssociationSpec("HUBSPOT_DEFINED", 16)])
    crm, created = await use(lambda hub: hub.tickets.create(properties, [to_contact]))
    [heard] = crm.heard
    assert heard.request.path == "/crm/v3/objects/tickets/batch/create"
    [given] = heard.inputs
    assert given["properties"] == {"value": "v", "amount": "3"}
    [association] = given["associations"]
    assert association["to"] == {"id": "7"}
    assert created.properties["amount"] == "3"


async def test_read() -> None:
    crm, read = await use(lambda hub: hub.contacts.read(5, ["b", "a", "b"]))
    [heard] = crm.heard
    assert heard.request.path == "/crm/v3/objects/contacts/batch/read"
    assert heard.body["properties"] == ["a", "b"]
    assert heard.body["inputs"] == [{"id": "5"}]
    assert read.id == "5"


async def test_read_by_a_unique_property() -> None:
    crm, read = await use(lambda hub: hub.tickets.read("r5", id_property="ref"))
    assert crm.heard[0].body["idProperty"] == "ref"
    assert read.id == "5"


async def test_properties_in_any_order_are_the_same_question() -> None:
    crm = Crm()
    async with on(crm) as hub:
        tickets = hub.single.tickets
        await asyncio.gather(tickets.read(1, ["a", "b"]), tickets.read(1, ("b", "a")))
    assert [len(heard.inputs) for heard in crm.heard] == [1]


@dataclasses.dataclass
class Amount:
    id: str
    value: str = "none"
    amount: int | None = None


async def test_read_into_a_class_of_ones_own() -> None:
    """Its fields are requested next to the names, and callers share the request."""
    crm = Crm(latency=(0, 0))
    async with on(crm) as hub:
        tickets = hub.single.tickets
        await tickets.update(5, {"amount": 3})
        first, second, plain = await asyncio.gather(
            tickets.read(5, into=Amount),
            tickets.read("r5", ["b"], id_property="ref", into=Amount),
            tickets.read(5, ["amount"]),
        )
        shared = await asyncio.gather(*(tickets.read(5, into=Amount) for _ in "ab"))
    assert first == second == Amount("5", "old", amount=3)
    assert plain.properties["amount"] == "3"
    assert crm.heard[1].body["properties"] == ["amount", "value"]
    assert crm.heard[2].body["properties"] == ["amount", "b", "value", "ref"]
    assert shared[0] == shared[1]
    assert shared[0] is not shared[1]
    assert len(crm.heard[-1].inputs) == 1


async def test_a_record_that_does_not_fit_raises_for_its_caller_alone() -> None:
    crm = Crm(latency=(0, 0))
    async with on(crm) as hub:
        tickets = hub.single.tickets
        await tickets.update(5, {"amount": "many"})
        bad, good = await asyncio.gather(
            tickets.read(5, into=Amount),
            tickets.read(6, into=Amount),
            return_exceptions=True,
        )
    assert isinstance(bad, RecordInvalid)
    assert bad.property_name == "amount"
    assert good == Amount("6", "old")
    assert len(crm.heard) == 2


def test_a_class_that_no_property_fits_is_refused_before_anything_is_sent() -> None:
    @dataclasses.dataclass
    class Odd:
        value: dict[str, str]

    read = HubBatch(SECRET).single.tickets.read("5", into=Odd)
    with pytest.raises(TypeError, match="value"):
        read.send(None)


async def test_update() -> None:
    crm, updated = await use(lambda hub: hub.tickets.update("5", {"value": True}))
    [given] = crm.heard[0].inputs
    assert (given["id"], given["properties"]) == ("5", {"value": "true"})
    assert updated.properties["value"] == "true"


async def test_update_by_a_unique_property() -> None:
    crm, updated = await use(
        lambda hub: hub.tickets.update("r5", {"value": "v"}, id_property="ref")
    )
    assert crm.heard[0].inputs[0]["idProperty"] == "ref"
    assert updated.id == "5"


async def test_upsert() -> None:
    _, upserted = await use(
        lambda hub: hub.tickets.upsert("new", {"value": "v"}, id_property="ref")
    )
    assert upserted.new is True


async def test_archive() -> None:
    crm, nothing = await use(lambda hub: hub.tickets.archive(5))
    assert (nothing, crm.archived) == (None, {"5"})


async def test_any_object_type_in_any_version() -> None:
    crm = Crm()
    async with on(crm, api_version="2026-03") as hub:
        await hub.single.objects("2-3456").read(1)
        await hub.single.courses.read(1)
    assert [heard.request.path for heard in crm.heard] == [
        "/crm/objects/2026-03/2-3456/batch/read",
        "/crm/objects/2026-03/0-410/batch/read",
    ]


async def test_errors_are_of_one_record() -> None:
    with pytest.raises(RecordNotFound):
        await use(lambda hub: hub.tickets.read("404"))
    with pytest.raises(RecordInvalid, match="not a record id"):
        await use(lambda hub: hub.tickets.update("512.0", {"value": "v"}))


MISUSE: dict[str, tuple[Callable[[Single], Any], type[Exception], str]] = {
    "one text for properties": (
        lambda hub: hub.tickets.read("1", "subject"),
        TypeError,
        "Expected a collection of property names, not 'subject'",
    ),
    "a property without a name": (
        lambda hub: hub.tickets.update("1", {}, id_property=""),
        ValueError,
        "A property name must not be empty",
    ),
    "no text for a property": (
        lambda hub: hub.tickets.upsert("1", {}, id_property=5),  # type: ignore[arg-type] # the point
        TypeError,
        "A property name must be a str, not 5",
    ),
    "a path": (
        lambda hub: hub.objects("a/b").read("1"),
        ValueError,
        "'a/b' is not an object type",
    ),
}


@pytest.mark.parametrize("name", MISUSE)
async def test_misuse(name: str) -> None:
    call, kind, message = MISUSE[name]
    crm = Crm()
    async with on(crm) as hub:
        with pytest.raises(kind, match=message):
            await call(hub.single)
    assert crm.heard == []


async def test_max_pending() -> None:
    async with on(Crm()) as hub:
        assert hub.single.max_pending == 10_000
        hub.single.max_pending = 1
        first = asyncio.create_task(hub.single.tickets.read(1))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await hub.single.contacts.archive(1)
        assert (await first).id == "1"
        assert (await hub.single.tickets.read(2)).id == "2"


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "5", None])
def test_max_pending_is_a_number_above_zero(number: Any) -> None:
    hub = HubBatch(SECRET)
    with pytest.raises(
        ConfigurationError, match="max_pending must be an int above zero"
    ):
        hub.single.max_pending = number
    assert hub.single.max_pending == 10_000


async def test_closed_client_refuses() -> None:
    crm = Crm()
    hub = on(crm)
    await hub.aclose()
    with pytest.raises(RuntimeError, match="This client is closed"):
        await hub.single.tickets.read(1)
    assert crm.heard == []


def test_refused_in_a_second_loop_while_the_first_is_open() -> None:
    hub = on(Crm(latency=(0, 0)))

    async def read() -> Any:
        return await hub.single.tickets.read(1)

    with asyncio.Runner() as first:
        assert first.run(read()).id == "1"
        with pytest.raises(RuntimeError, match="in use in another event loop"):
            asyncio.run(read())
    assert asyncio.run(read()).id == "1"


def test_repr() -> None:
    assert repr(HubBatch(SECRET).single.tickets) == "<SingleObjects 'tickets'>"

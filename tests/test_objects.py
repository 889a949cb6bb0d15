"""The verbs of object types: what they refuse at once, and what they send."""

import asyncio
import re

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import attrs
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hubbatch import (
    ConfigurationError,
    CreateInput,
    HubBatch,
    LegacyUpdateInput,
    TooManyFailures,
    UpdateInput,
    UpsertInput,
)
from tests.net.crm import SECRET, Crm


VERBS = ("create", "read", "update", "upsert", "archive")


@pytest.fixture
def crm() -> Crm:
    crm = Crm(latency=(0.0, 0.0))
    crm.fill(10)
    return crm


@pytest.fixture
def hub(crm: Crm) -> HubBatch:
    hub = HubBatch(SECRET)
    hub._state.transport = crm
    return hub


def calls(hub: HubBatch) -> Iterator[Callable[[Any], Any]]:
    yield from (getattr(hub.tickets, verb) for verb in VERBS)
    yield hub.legacy.tickets.update


@pytest.mark.parametrize(
    "single",
    [
        "512",
        b"512",
        bytearray(b"512"),
        memoryview(b"512"),
        {"id": "512"},
        CreateInput({}),
        UpdateInput("512", {}),
        UpsertInput("512", {}),
        LegacyUpdateInput(512, {}),
    ],
    ids=lambda single: type(single).__name__,
)
def test_one_input_where_a_collection_belongs(hub: HubBatch, single: Any) -> None:
    name = type(single).__name__
    for call in calls(hub):
        with pytest.raises(TypeError, match=rf"not one {name}\. Put it into a list"):
            call(single)


@pytest.mark.parametrize("wrong", [None, 512, 5.0, object()])
def test_no_collection_at_all(hub: HubBatch, wrong: Any) -> None:
    for call in calls(hub):
        with pytest.raises(TypeError, match="expects an iterable or async iterable"):
            call(wrong)


class Lazy:
    """A lazy frame of polars."""

    def collect(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("nearly", "hint"),
    [
        ({"1": {"a": "b"}, "2": {}}, '[{"id": key, "properties": value} for key'),
        ({"id": ["1"], "a": ["b"]}, "Pass a table, or a list of its rows"),
        ({"id": "1", "a": "b"}, "Put it into a list"),
        ({}, "Put it into a list"),
        (Lazy(), "Call its collect() first"),
    ],
)
def test_what_is_nearly_a_collection_is_refused_with_a_hint(
    hub: HubBatch, nearly: Any, hint: str
) -> None:
    for call in calls(hub):
        with pytest.raises(TypeError, match=re.escape(hint)):
            call(nearly)


def test_unknown_option(hub: HubBatch) -> None:
    for call in calls(hub):
        with pytest.raises(TypeError, match="unexpected keyword"):
            call([], chunk_size=50)  # type: ignore[call-arg] # that is the point


@pytest.mark.parametrize("verb", ["read", "update", "upsert"])
def test_id_property_is_a_name(hub: HubBatch, verb: str) -> None:
    call = getattr(hub.tickets, verb)
    with pytest.raises(TypeError, match="A property name must be a str, not 5"):
        call([], id_property=5)
    with pytest.raises(ValueError, match="must not be empty"):
        call([], id_property="")


@pytest.mark.parametrize("option", ["properties", "properties_with_history"])
def test_properties_are_a_collection_of_names(hub: HubBatch, option: str) -> None:
    read: Any = hub.tickets.read
    for wrong in ("subject", b"subject", 5, None):
        with pytest.raises(TypeError, match="Expected a collection of property names"):
            read([], **{option: wrong})
    with pytest.raises(TypeError, match="must be a str"):
        read([], **{option: [5]})
    with pytest.raises(TypeError, match="must be a str, not None"):
        read([], **{option: [None]})
    with pytest.raises(ValueError, match="A property name must be printable"):
        read([], **{option: ["a\nb"]})
    with pytest.raises(ValueError, match="must not be empty"):
        read([], **{option: [""]})


@pytest.mark.parametrize("wrong", ["no", "", 0, 1, None])
def test_archived_is_a_flag(hub: HubBatch, wrong: Any) -> None:
    """Any string is true, even "false": the wrong records would be read."""
    read: Any = hub.tickets.read
    with pytest.raises(TypeError, match="archived must be True or False, not"):
        read([], archived=wrong)


WRONG_OPTIONS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "linger as a string": ({"linger": "x"}, TypeError),
    "linger below zero": ({"linger": -1}, ValueError),
    "isolate as a string": ({"isolate": "no"}, TypeError),
    "max_failures as a word": ({"max_failures": "many"}, ValueError),
}


@pytest.mark.parametrize(("options", "kind"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_wrong_option_of_any_verb(
    hub: HubBatch, options: dict[str, Any], kind: type[Exception]
) -> None:
    [name] = options
    for call in calls(hub):
        with pytest.raises(kind, match=name):
            call([], **options)


async def test_max_failures_of_every_verb(hub: HubBatch, crm: Crm) -> None:
    for call in calls(hub):
        with pytest.raises(TooManyFailures, match="1 of 1 records failed"):
            await call([object()], max_failures=0)  # type: ignore[call-arg] # it has one
    assert crm.heard == []


async def test_a_thousand_bad_records_are_enough_by_default(
    hub: HubBatch, crm: Crm
) -> None:
    for call in calls(hub):
        with pytest.raises(TooManyFailures, match=r"The first 1,000 records all"):
            await call([object()] * 1_000)
        assert not (await call([object()] * 999)).succeeded
    assert crm.heard == []


async def test_read_asks_for_what_it_is_told(hub: HubBatch, crm: Crm) -> None:
    await hub.tickets.read(
        ["r1"],
        id_property="ref",
        properties=iter(["value"]),
        properties_with_history=("value",),
        archived=True,
    )
    [heard] = crm.heard
    assert heard.body == {
        "properties": ["value", "ref"],
        "propertiesWithHistory": ["value"],
        "idProperty": "ref",
        "inputs": [{"id": "r1"}],
    }
    assert heard.request.query == {"archived": "true"}


@attrs.define
class Valued:
    value: str
    id: str | None = None


async def test_read_into_a_class_asks_for_its_fields(hub: HubBatch, crm: Crm) -> None:
    response = await hub.tickets.read(
        ["r1"], into=Valued, properties=iter(["more", "value"]), id_property="ref"
    )
    assert response.results == [Valued("old", "1")]
    assert crm.heard[0].body["properties"] == ["value", "more", "ref"]


def test_into_is_a_class_whose_fields_can_be_properties(hub: HubBatch) -> None:
    read: Any = hub.tickets.read
    for wrong in ("Ticket", Valued("x"), dict, 5):
        with pytest.raises(TypeError, match="Expected an attrs class or a dataclass"):
            read([], into=wrong)
    with pytest.raises(TypeError, match="which a property cannot have"):
        read([], into=attrs.make_class("Deep", {"x": attrs.field(type=dict)}))
    with pytest.raises(
        ValueError, match="cannot be combined with properties_with_history"
    ):
        read([], into=Valued, properties_with_history=["value"])


async def test_one_of_ones_own_where_a_collection_belongs(hub: HubBatch) -> None:
    for call in calls(hub):
        with pytest.raises(TypeError, match="iterable of inputs, not one Valued"):
            call(Valued("x"))


async def test_reads_with_history_take_half_as_many(hub: HubBatch, crm: Crm) -> None:
    await hub.tickets.read(range(1, 121), properties_with_history=["value"])
    assert sorted(len(heard.inputs) for heard in crm.heard) == [20, 50, 50]


async def test_id_property_is_for_inputs_that_name_none(
    hub: HubBatch, crm: Crm
) -> None:
    inputs: list[UpdateInput] = [
        UpdateInput("r1", {"value": "v1"}),
        UpdateInput("10", {"value": "v2"}, id_property="number"),
    ]
    crm.records["2"]["number"] = "10"
    response = await hub.tickets.update(inputs, id_property="ref")
    assert [outcome.id for outcome in response.outcomes] == ["1", "2"]
    assert [item["idProperty"] for item in crm.heard[0].inputs] == ["ref", "number"]


async def test_every_verb_answers(hub: HubBatch, crm: Crm) -> None:
    [created] = (await hub.tickets.create([CreateInput({"value": "new"})])).results
    [read] = (await hub.tickets.read([created.id])).results
    [updated] = (
        await hub.tickets.update([UpdateInput(created.id, {"value": "newer"})])
    ).results
    [upserted] = (
        await hub.tickets.upsert(
            [UpsertInput("r99", {"value": "v"})], id_property="ref"
        )
    ).results
    archived = await hub.tickets.archive([created.id])
    assert read.properties == {"value": "new"}
    assert updated.properties["value"] == "newer"
    assert upserted.new is True
    assert (archived.succeeded, archived.results) == (1, [])
    assert archived.outcomes[0].id == created.id
    assert {*crm.archived} == {created.id}


async def test_legacy_update_answers(hub: HubBatch) -> None:
    response = await hub.legacy.tickets.update([LegacyUpdateInput(3, {"value": "v"})])
    [result] = response.results
    assert (result.object_id, result.properties["value"].value) == (3, "v")


async def test_options_reach_the_run(hub: HubBatch, crm: Crm) -> None:
    """Without isolation, a refused chunk is one request."""
    crm.traced = False
    bad = {"id": "4", "properties": {"value": "bad"}}
    fine = {"id": "5", "properties": {"value": "v"}}
    response = await hub.tickets.update([bad, fine], isolate=False, linger=5.0)
    assert [len(response.failed), len(crm.heard)] == [2, 1]


async def test_async_source_of_each_verb(hub: HubBatch) -> None:
    async def ids() -> Any:
        for number in (1, 2, 3):
            await asyncio.sleep(0)
            yield number

    response = await hub.tickets.read(ids())
    assert [result.id for result in response.results] == ["1", "2", "3"]


def rows(verb: str) -> list[dict[str, Any]]:
    ids = [{} if verb == "create" else {"id": n} for n in (1, 2)]
    return [{**row, "value": f"v{n}", "gap": None} for n, row in enumerate(ids)]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("make", [list, iter, pa.Table.from_pylist], ids=str)
async def test_every_verb_takes_rows(
    hub: HubBatch, crm: Crm, verb: str, make: Callable[[Any], Any]
) -> None:
    given = rows(verb)
    options = {"id_property": "ref"} if verb == "upsert" else {}

    response = await getattr(hub.tickets, verb)(make(given), **options)

    assert response.ok
    assert [outcome.input for outcome in response.outcomes] == given
    [heard] = crm.heard
    if verb in ("read", "archive"):
        assert heard.inputs == [{"id": "1"}, {"id": "2"}]
    else:
        sent = [item["properties"] for item in heard.inputs]
        assert sent == [{"value": "v0"}, {"value": "v1"}]
    table = response.to_arrow()
    assert table.column("outcome_status").to_pylist() == ["succeeded"] * 2
    assert table.column("outcome_index").to_pylist() == [0, 1]
    assert ("outcome_properties" in table.schema.names) is (verb == "read")


@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
async def test_times_without_a_zone_need_one(
    hub: HubBatch, crm: Crm, verb: str
) -> None:
    noon = datetime(2026, 5, 31, 12)  # noqa: DTZ001 -- a time without a zone
    given = [{**row, "ref": "a", "when": noon} for row in rows(verb)[:1]]
    call = getattr(hub.tickets, verb)
    options = {"id_property": "ref"} if verb == "upsert" else {}

    with pytest.raises(ValueError, match="times in column 'when' have no time zone"):
        call(pa.Table.from_pylist(given), **options)
    with pytest.raises(ConfigurationError, match="Unknown time zone 'Berlin'"):
        call(given, timezone="Berlin", **options)
    assert not crm.heard
    [failed] = (await call(given, **options)).failures
    assert 'timezone="Europe/Berlin"' in failed.error.message

    for source in (given, pa.Table.from_pylist(given)):
        response = await call(source, timezone="Europe/Berlin", **options)
        assert response.ok
        sent = crm.heard[-1].inputs[0]["properties"]["when"]
        assert sent == "2026-05-31T10:00:00.000Z"


async def test_a_column_of_a_table_is_a_collection_of_ids(hub: HubBatch) -> None:
    response = await hub.tickets.read(pa.chunked_array([["1", "2"]]))

    assert response.ok

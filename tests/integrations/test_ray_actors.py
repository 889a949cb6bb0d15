"""An actor without Ray: tables in, outcomes out."""

import asyncio
import importlib
import sys

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from hubbatch import ConfigurationError, HubBatchError, RetryPolicy
from hubbatch._tables.column_mapping import Columns
from hubbatch.integrations._ray.actors import Sender
from hubbatch.integrations._ray.listing import list_records
from hubbatch.integrations._ray.portals import Portals
from hubbatch.integrations._ray.tables import arrow_schema, split_by
from hubbatch.integrations._ray.work import Work, plan
from hubbatch.simulator import Simulator
from hubbatch.simulator.faults.faults import Fault


UNIQUE = "hs_external_object_ids"
VARIABLE = "HS_{portal}"
NAIVE = datetime(2026, 7, 1, 12)  # noqa: DTZ001 -- the point of it


def work(verb: Any = "upsert", **given: Any) -> Work:
    """Return the work that `write` plans."""
    portal_column = given.pop("portal_column", None)
    portal = None if portal_column else given.pop("portal", 62515)
    columns: dict[str, Any] = {"id_property": UNIQUE} if verb == "upsert" else {}
    for name in ("id_column", "id_property", "reconcile_by", "properties"):
        if name in given:
            columns[name] = given.pop(name)
    taken = {
        name: value
        for name, value in columns.items()
        if name in ("id_property", "reconcile_by")
    }
    timezone = given.pop("timezone", None)
    return plan(
        "tickets",
        Columns(verb=verb, **columns),
        portal,
        portal_column,
        {**taken, **given},
        timezone=timezone,
    )


def schema(*names: str) -> Any:
    return pa.schema([(name, pa.string()) for name in names])


@pytest.fixture
def portals(
    hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> dict[int, str]:
    """Two portals with their tokens in the environment."""
    other = hubspot_simulator.open_account(777)
    tokens = {
        62515: hubspot_simulator.token,
        777: hubspot_simulator.issue_token(account=other),
    }
    for portal, token in tokens.items():
        monkeypatch.setenv(f"HS_{portal}", token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", hubspot_simulator.url)
    return tokens


@asynccontextmanager
async def sender(what: Work, **options: Any) -> AsyncIterator[Sender]:
    restarted = options.pop("restarted", False)
    made = Sender(what, Portals(token_env=VARIABLE, **options), 1, lambda: restarted)
    try:
        yield made
    finally:
        await made.aclose()


async def sent(what: Work, rows: Sequence[Mapping[str, Any]], **options: Any) -> Any:
    async with sender(what, **options) as made:
        [told] = [told async for told in made(pa.Table.from_pylist([*rows]))]
    return told.to_pylist()


def writes(simulator: Simulator) -> list[Any]:
    return [one for one in simulator.requests if "/batch/" in one.path]


def mixed(count: int) -> list[dict[str, Any]]:
    return [
        {"portal": (62515, 777)[number % 2], UNIQUE: f"E-{number}", "subject": "s"}
        for number in range(count)
    ]


# ---- writing


async def test_rows_of_two_portals_go_where_they_belong(
    hubspot_simulator: Simulator, portals: dict[int, str]
) -> None:
    told = await sent(work(portal_column="portal"), mixed(250))
    assert len(told) == 250
    assert {(row["portal"], row["input_id"]) for row in told} == {
        (str(row["portal"]), row[UNIQUE]) for row in mixed(250)
    }
    assert {row["status"] for row in told} == {"succeeded"}
    assert all(row["new"] for row in told)
    accounts = hubspot_simulator.apps.accounts
    for portal in portals:
        records = accounts[portal].store.all("tickets")
        ids = {
            row["input_id"]: row["id"] for row in told if row["portal"] == str(portal)
        }
        assert {one.properties[UNIQUE]: one.id for one in records} == ids
    assert len(writes(hubspot_simulator)) == 4
    assert "portal" not in writes(hubspot_simulator)[0].content.decode()


async def test_rows_of_one_record_keep_their_order(
    hubspot_simulator: Simulator, portals: dict[int, str]
) -> None:
    """The last row of a record wins."""
    rows = [
        {"portal": portal, UNIQUE: "E-1", "subject": f"{portal} {number}"}
        for number in range(4)
        for portal in portals
    ]
    await sent(work(portal_column="portal"), rows)
    for portal in portals:
        store = hubspot_simulator.apps.accounts[portal].store
        [record] = store.all("tickets")
        assert record.properties["subject"] == f"{portal} 3"


@pytest.mark.usefixtures("portals")
async def test_bad_row_is_reported_and_stops_no_other() -> None:
    rows = [
        {UNIQUE: "E-1", "subject": "a", "hs_ticket_priority": "HIGH"},
        {UNIQUE: "", "subject": "b", "hs_ticket_priority": "HIGH"},
        {UNIQUE: "E-3", "subject": "c", "hs_ticket_priority": "very high"},
    ]
    good, nameless, wrong = await sent(work(), rows)
    assert good["status"] == "succeeded"
    assert (nameless["status"], nameless["category"]) == ("failed", "INVALID_INPUT")
    assert (wrong["input_id"], wrong["status"]) == ("E-3", "failed")
    assert wrong["property_name"] == "hs_ticket_priority"
    assert "very high was not one of" in wrong["message"]
    assert wrong["category"] == "VALIDATION_ERROR"


@pytest.mark.usefixtures("portals")
async def test_columns_may_be_chosen_and_renamed(hubspot_simulator: Simulator) -> None:
    rows = [{"ref": "E-1", "headline": "a", "other": "x"}]
    what = work(id_column="ref", properties={"headline": "subject"})
    [told] = await sent(what, rows)
    assert (told["input_id"], told["status"]) == ("E-1", "succeeded")
    [record] = hubspot_simulator.store.all("tickets")
    assert record.properties["subject"] == "a"


@pytest.mark.usefixtures("portals")
async def test_properties_may_be_one_column(hubspot_simulator: Simulator) -> None:
    """What was read can be sent back."""
    record = hubspot_simulator.store.create("tickets", {"subject": "a"})
    rows = [{"id": record.id, "properties": {"subject": "b", "content": None}}]
    [told] = await sent(work("update"), rows)
    assert (told["id"], told["status"], told["new"]) == (record.id, "succeeded", None)
    [record] = hubspot_simulator.store.all("tickets")
    assert record.properties["subject"] == "b"


@pytest.mark.usefixtures("portals")
async def test_times_without_a_zone_get_the_configured_one(
    hubspot_simulator: Simulator,
) -> None:
    """A time in an hour that occurs twice fails its row only."""
    hubspot_simulator.store.define("tickets", ["seen"])
    twice = NAIVE.replace(month=10, day=25, hour=2, minute=30)
    rows = [{UNIQUE: "E-1", "seen": NAIVE}, {UNIQUE: "E-2", "seen": twice}]
    good, bad = await sent(work(timezone="Europe/Berlin"), rows)
    assert good["status"] == "succeeded"
    assert (bad["status"], bad["property_name"]) == ("failed", "seen")
    [record] = hubspot_simulator.store.all("tickets")
    assert record.properties["seen"] == "2026-07-01T10:00:00.000Z"


def test_time_without_a_zone_that_is_not_sent_is_no_matter() -> None:
    """Nothing is raised."""
    seen = pa.schema([("id", pa.string()), ("seen", pa.timestamp("us"))])
    for what in (work("archive"), work("update", properties=["id"])):
        assert what.check(seen) is None  # type: ignore[func-returns-value] # that is the point


def test_time_zone_that_does_not_exist_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="Unknown time zone 'Atlantis'"):
        work(timezone="Atlantis")


@pytest.mark.usefixtures("portals")
async def test_archive_takes_ids(hubspot_simulator: Simulator) -> None:
    ids = [hubspot_simulator.store.create("tickets", {}).id for _ in range(3)]
    told = await sent(work("archive"), [{"id": int(one), "x": 1} for one in ids])
    assert [row["input_id"] for row in told] == ids
    assert hubspot_simulator.store.count("tickets") == 0


@pytest.mark.usefixtures("portals")
async def test_create_names_its_rows_by_the_unique_property(
    hubspot_simulator: Simulator,
) -> None:
    rows: list[dict[str, Any]] = [{UNIQUE: "E-1"}, {UNIQUE: None}]
    good, bad = await sent(work("create", reconcile_by=UNIQUE), rows)
    assert (good["input_id"], good["status"]) == ("E-1", "succeeded")
    assert (bad["input_id"], bad["status"]) == (None, "failed")
    assert hubspot_simulator.store.count("tickets") == 1


@pytest.mark.usefixtures("portals")
async def test_empty_table_has_the_columns() -> None:
    async with sender(work()) as made:
        told = await made.send(pa.table({}))
    assert told.num_rows == 0
    assert told.column_names == [
        *("portal", "input_id", "status", "id", "new", "attempts"),
        *("category", "message", "property_name"),
    ]


# ---- what ends a portal


@pytest.mark.usefixtures("portals")
async def test_portal_without_a_token_is_reported_and_stops_no_other(
    hubspot_simulator: Simulator,
) -> None:
    rows = [{"portal": portal, UNIQUE: "E-1"} for portal in (62515, 9, None, 777)]
    told = await sent(work(portal_column="portal"), rows)
    found = {row["portal"]: (row["status"], row["message"]) for row in told}
    assert [found[name][0] for name in ("62515", "777")] == ["succeeded"] * 2
    assert found["9"] == (
        "not_sent",
        "The variable HS_9 is not set where an actor runs.",
    )
    assert found[None][0] == "not_sent"
    assert "portal must be a number" in found[None][1]
    assert len(writes(hubspot_simulator)) == 2


async def test_token_of_another_portal_sends_nothing(
    hubspot_simulator: Simulator,
    portals: dict[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HS_777", portals[62515])
    [told] = await sent(work(portal=777), [{UNIQUE: "E-1"}])
    assert told["status"] == "not_sent"
    assert told["message"] == "The access token for portal 777 belongs to portal 62515."
    assert not writes(hubspot_simulator)


@pytest.mark.parametrize("token", ["pat-na1-wrong", "of another portal"])
async def test_token_that_is_wrong_from_the_start_is_tried_once(
    hubspot_simulator: Simulator,
    portals: dict[int, str],
    monkeypatch: pytest.MonkeyPatch,
    token: str,
) -> None:
    """The portal is stopped, and its later rows have the reason."""
    wrong = portals[62515] if token == "of another portal" else token  # noqa: S105 -- none
    monkeypatch.setenv("HS_777", wrong)
    async with sender(work(portal=777)) as made:
        table = pa.table({UNIQUE: ["E-1"]})
        told = [(await made.send(table)).to_pylist()[0] for _ in range(3)]
    assert {row["status"] for row in told} == {"not_sent"}
    assert told[2]["message"].startswith("Nothing more is sent to portal 777: ")
    assert len(hubspot_simulator.requests) == 1


async def test_portal_may_have_any_name_and_a_token_that_may_not_ask(
    hubspot_simulator: Simulator,
    portals: dict[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HS_import", portals[62515])
    [told] = await sent(work(portal="import"), [{UNIQUE: "E-1"}])
    assert (told["portal"], told["status"]) == ("import", "succeeded")
    refusal = {"status": "error", "category": "MISSING_SCOPES", "message": "no"}
    hubspot_simulator.faults.add(Fault("status", status=403, body=refusal))
    [told] = await sent(work(), [{UNIQUE: "E-2"}])
    assert told["status"] == "succeeded"
    assert [one.status for one in hubspot_simulator.requests].count(403) == 1


async def test_what_hubspot_refuses_for_good_is_not_tried_again(
    hubspot_simulator: Simulator, portals: dict[int, str]
) -> None:
    """Nothing more is sent to the portal; the rows have the reason."""
    async with sender(work(portal_column="portal")) as made:
        table = pa.Table.from_pylist(mixed(4))
        await made.send(table)
        hubspot_simulator.revoke_token(portals[777])
        await made.send(table)
        told = (await made.send(table)).to_pylist()
    statuses = {(row["portal"], row["status"]) for row in told}
    assert statuses == {("62515", "succeeded"), ("777", "not_sent")}
    [reason] = {row["message"] for row in told if row["portal"] == "777"}
    assert reason.startswith(
        "Nothing more is sent to portal 777: AuthenticationError: The access token"
    )
    assert sum(one.status == 401 for one in hubspot_simulator.requests) == 1


@pytest.mark.usefixtures("portals")
async def test_what_may_pass_is_tried_again(hubspot_simulator: Simulator) -> None:
    """An outage of HubSpot ends a batch, but does not stop the portal."""
    retry = RetryPolicy(attempts=1)
    async with sender(work(), retry=retry) as made:
        rows = [{UNIQUE: f"E-{number}"} for number in range(1_000)]
        table = pa.Table.from_pylist(rows)
        await made.send(table.slice(0, 1))
        hubspot_simulator.faults.add(Fault("status", times=10, status=503))
        first = (await made.send(table)).column("status").to_pylist()
        hubspot_simulator.faults.clear()
        second = (await made.send(table)).column("status").to_pylist()
    assert set(first) <= {"unknown", "not_sent"}
    assert set(second) == {"succeeded"}


# ---- after an actor that died


@pytest.mark.usefixtures("portals")
async def test_create_after_a_death_looks_first(hubspot_simulator: Simulator) -> None:
    """What the dead actor created is found; no record is created twice."""
    store = hubspot_simulator.store
    made = [
        store.create("tickets", {UNIQUE: f"E-{n}", "subject": "s"}) for n in range(150)
    ]
    rows = [{UNIQUE: f"E-{number}", "subject": "s"} for number in range(300)]
    told = await sent(work("create", reconcile_by=UNIQUE), rows, restarted=True)
    assert {row["status"] for row in told} == {"succeeded"}
    assert [row["id"] for row in told[:150]] == [record.id for record in made]
    assert store.count("tickets") == 300


@pytest.mark.usefixtures("portals")
async def test_upsert_after_a_death_does_not_say_what_was_new(
    hubspot_simulator: Simulator,
) -> None:
    hubspot_simulator.store.create("tickets", {UNIQUE: "E-0"})
    told = await sent(work(), [{UNIQUE: "E-0"}, {UNIQUE: "E-1"}], restarted=True)
    assert [row["new"] for row in told] == [None, True]


@pytest.mark.usefixtures("portals")
async def test_what_is_not_sent_after_a_death_may_have_been_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HS_777")
    [told] = await sent(work(portal=777), [{UNIQUE: "E-1"}], restarted=True)
    assert told["status"] == "unknown"
    assert "a previous actor, which died, may have sent it" in told["message"]


# ---- reading


@pytest.mark.usefixtures("portals")
async def test_records_are_read_with_their_properties(
    hubspot_simulator: Simulator,
) -> None:
    record = hubspot_simulator.store.create("tickets", {"subject": "a"})
    what = work("read", properties=("subject", "content"))
    what = evolve(
        what,
        columns=Columns(verb="read"),
        options={"properties": ("subject", "content")},
        properties=("subject", "content"),
    )
    found, missing = await sent(what, [{"id": record.id}, {"id": "99"}], restarted=True)
    assert found["properties"] == {"subject": "a", "content": None}
    assert found["createdAt"] == record.created_at
    assert found["archived"] is False
    assert (missing["status"], missing["category"]) == ("failed", "OBJECT_NOT_FOUND")
    assert missing["properties"] is None


@pytest.mark.usefixtures("portals")
def test_all_records_are_listed_in_tables(
    hubspot_simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each page is requested once, however many tables there are."""
    monkeypatch.setattr("hubbatch.integrations._ray.listing._TABLE", 120)
    store = hubspot_simulator.store
    ids = {store.create("tickets", {"subject": "a"}).id for _ in range(250)}
    tables = [
        *list_records(
            pa.table({"portal": ["62515", "777"]}),
            Portals(token_env=VARIABLE),
            "tickets",
            ("subject",),
        )
    ]
    assert [table.num_rows for table in tables] == [120, 120, 10]
    listed = [one for one in hubspot_simulator.requests if "tickets" in one.path]
    assert len(listed) == 4
    rows = [row for table in tables for row in table.to_pylist()]
    assert {row["id"] for row in rows} == ids
    assert {row["portal"] for row in rows} == {"62515"}
    assert {row["properties"]["subject"] for row in rows} == {"a"}


def test_list_that_is_not_whole_raises(
    hubspot_simulator: Simulator, portals: dict[int, str]
) -> None:
    listing = list_records(
        pa.table({"portal": ["62515"]}),
        Portals(token_env=VARIABLE),
        "tickets",
        ("subject",),
    )
    hubspot_simulator.revoke_token(portals[62515])
    with pytest.raises(HubBatchError, match="401"):
        next(listing)


# ---- misuse


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"subject": ["a"]}, f'No column "{UNIQUE}" or "id" \\(has: subject\\)'),
        ({UNIQUE: ["a"]}, 'No column "portal"'),
        (
            {UNIQUE: ["a"], "portal": [777], "seen": [NAIVE]},
            'the times in column "seen" have no time zone',
        ),
    ],
)
@pytest.mark.usefixtures("portals")
async def test_column_that_cannot_be_is_named_before_anything_is_sent(
    table: dict[str, Any],
    match: str,
    hubspot_simulator: Simulator,
) -> None:
    what = work(portal_column="portal") if UNIQUE in table else work()
    async with sender(what) as made:
        with pytest.raises(ConfigurationError, match=match):
            await made.send(pa.table(table))
    assert not hubspot_simulator.requests


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two columns are named 'a'"):
        work().check(schema("a", UNIQUE, "a"))


@pytest.mark.parametrize(
    ("what", "names", "missing"),
    [
        (work("update"), ["x"], "id"),
        (work("update", id_column="x"), ["id"], "x"),
        (work("upsert"), ["x"], UNIQUE),
        (work("update", properties=["y"]), ["id"], "y"),
        (work("create", reconcile_by="u", id_column="x"), ["u"], "x"),
        (work("update"), ["properties", "x"], "id"),
    ],
)
def test_columns_that_are_needed(what: Work, names: list[str], missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f'No column "{missing}"'):
        what.check(schema(*names))


@pytest.mark.parametrize(
    ("what", "names"),
    [
        (work("upsert"), ["id", "x"]),
        (work("create", reconcile_by="u"), ["u"]),
        (work("update", properties=["y"]), ["id", "properties"]),
        (work("archive"), ["id"]),
    ],
)
def test_columns_that_are_enough(what: Work, names: list[str]) -> None:
    """Nothing is raised."""
    assert what.check(schema(*names)) is None  # type: ignore[func-returns-value] # that is the point


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("create", {}), "needs reconcile_by"),
        (("upsert", {}), "needs id_property"),
    ],
)
def test_what_cannot_be_repeated_is_refused(arguments: Any, match: str) -> None:
    verb, options = arguments
    with pytest.raises(ConfigurationError, match=match):
        plan("tickets", Columns(verb=verb), 1, None, options)


@pytest.mark.parametrize(("portal", "column"), [(None, None), (1, "portal")])
def test_portal_or_portal_column_is_required(portal: Any, column: Any) -> None:
    with pytest.raises(ConfigurationError, match="portal or portal_column"):
        plan("tickets", Columns(verb="archive"), portal, column, {})


def test_option_that_the_verb_does_not_take_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="colour"):
        plan("tickets", Columns(verb="archive"), 1, None, {"colour": "red"})


def test_without_ray_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "hubbatch.integrations.ray", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'hubbatch\[ray\]'"):
        importlib.import_module("hubbatch.integrations.ray")


# ---- parting


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))))
def test_parts_have_every_row_once_and_in_order(portals: list[str | None]) -> None:
    """Each value comes once, with its rows in the order of the table."""
    numbers = [*range(len(portals))]
    table = pa.table({"p": pa.array(portals, pa.string()), "n": numbers})
    parts = {
        value: part.column("n").to_pylist() for value, part in split_by(pa, table, "p")
    }
    assert parts == {
        value: [number for number in numbers if portals[number] == value]
        for value in set(portals)
    }


def test_schema_of_pandas_is_arrows() -> None:
    """pandas types with Arrow types; numpy types are tested with Ray."""

    class Kind:
        pyarrow_dtype = pa.timestamp("us")

    class Blocks:
        names = ("seen",)
        types = (Kind(),)

    found = arrow_schema(pa, Blocks)
    assert found == pa.schema([("seen", pa.timestamp("us"))])
    assert arrow_schema(pa, found) is found


def test_categories_are_parted_as_their_values_are() -> None:
    some, more = (
        pa.array(portals, pa.string()).dictionary_encode()
        for portals in (["b", "a", None], ["c", "a"])
    )
    table = pa.table({"p": pa.chunked_array([some, more]), "n": range(5)})
    parts = {
        value: part.column("n").to_pylist() for value, part in split_by(pa, table, "p")
    }
    assert parts == {"a": [1, 4], "b": [0], "c": [3], None: [2]}


@pytest.mark.usefixtures("portals")
async def test_cancelled_sender_stops_its_tasks() -> None:
    async with sender(work()) as made:
        task = asyncio.create_task(
            made.send(pa.Table.from_pylist([{UNIQUE: "E-1"}] * 50))
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left

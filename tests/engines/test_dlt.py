"""Real pipelines of dlt, from DuckDB to the simulator."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
import msgspec
import pyarrow as pa  # type: ignore[import-untyped] # it has none
import pytest

from dlt.pipeline.exceptions import PipelineStepFailed

from hubbatch.integrations.dlt import failures, hubspot, hubspot_adapter, results
from hubbatch.simulator import Fault, Simulator, When


PAGE = Path(__file__).parents[2] / "docs" / "dlt.md"


def pipeline(name: str = "crm", **options: Any) -> Any:
    return dlt.pipeline(name, destination=hubspot(**options))


def query(sql: str) -> Iterator[dict[str, Any]]:
    """Give the rows of a query, as the page of the recipe does."""
    cursor = duckdb.connect().execute(sql)
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(1_000):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


PEOPLE = (
    "SELECT 'p' || i || '@example.com' AS email, 'Person ' || i AS firstname "
    "FROM range({}) t(i)"
)


def people(count: int) -> Any:
    return dlt.resource(
        query(PEOPLE.format(count)),
        name="contacts",
        primary_key="email",
        write_disposition="merge",
    )


def table(name: str, rows: Any) -> Any:
    """Load rows into a warehouse, and give what is in its table then."""
    warehouse = dlt.pipeline("warehouse", destination=dlt.destinations.duckdb("w.db"))
    for _ in range(2):  # loading the same again adds nothing
        warehouse.run(rows(), dataset_name="crm")
    with duckdb.connect("w.db") as connection:
        found = connection.execute(f"SELECT * FROM crm.{name} ORDER BY index")  # noqa: S608 -- our own
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_table_is_upserted_by_its_primary_key(account: Simulator) -> None:
    for _ in range(2):
        pipeline().run(people(1_234))
    contacts = [*account.store.all("contacts")]
    assert len(contacts) == 1_234
    assert {one.properties["firstname"] for one in contacts} == {
        f"Person {i}" for i in range(1_234)
    }


TYPES = """
SELECT 'ann@example.com' AS email, true AS yes, 1.50::DECIMAL(10, 2) AS amount,
    TIMESTAMPTZ '2026-01-01 00:00:00+02' AS at, DATE '2026-02-03' AS day,
    12 AS whole, 0.5::DOUBLE AS half, NULL AS nothing, ['x', 'y'] AS several, '' AS city
"""
NAMES = ["yes", "amount", "at", "day", "whole", "half", "nothing", "several"]


@pytest.mark.parametrize("arrow", [False, True])
def test_values_are_what_hubspot_wants(account: Simulator, *, arrow: bool) -> None:
    """By JSON lines, and by Parquet, which dlt makes of Arrow."""
    account.store.define("contacts", NAMES)
    account.store.create(
        "contacts", {"email": "ann@example.com", "nothing": "as it was"}
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.sql(TYPES).to_arrow_table() if arrow else query(TYPES)
    pipeline().run(dlt.resource(rows, name="contacts", primary_key="email"))
    [contact] = account.store.all("contacts")
    assert {name: contact.properties[name] for name in NAMES} == {
        "yes": "true",
        "amount": "1.50",
        "at": "2025-12-31T22:00:00.000Z",
        "day": "2026-02-03",
        "whole": "12",
        "half": "0.5",
        "nothing": "as it was",
        "several": "x;y",
    }
    assert not contact.properties.get("city")
    [request] = [one for one in account.requests if "/batch/" in one.path]
    assert b"_dlt" not in request.content


NOON = dt.datetime(2026, 7, 1, 12)  # noqa: DTZ001 -- the point of it
ARROW = pytest.mark.parametrize("arrow", [False, True])


def seen(rows: list[dict[str, Any]], *, arrow: bool, zone: bool | None) -> Any:
    given = pa.Table.from_pylist(rows) if arrow else rows
    resource = dlt.resource(given, name="contacts", primary_key="email")
    column: Any = {"data_type": "timestamp"}
    resource.apply_hints(
        columns={"seen": column if zone is None else {**column, "timezone": zone}}
    )
    return resource


@ARROW
def test_time_without_a_zone_is_utc_to_dlt(account: Simulator, *, arrow: bool) -> None:
    account.store.define("contacts", ["seen"])
    rows = [{"email": "a@example.com", "seen": NOON}]
    pipeline().run(seen(rows, arrow=arrow, zone=None))
    [contact] = account.store.all("contacts")
    assert contact.properties["seen"] == "2026-07-01T12:00:00.000Z"


@ARROW
def test_times_that_have_no_zone_want_one(account: Simulator, *, arrow: bool) -> None:
    """Where the clocks go through an hour twice, a row fails alone."""
    account.store.define("contacts", ["seen"])
    twice = NOON.replace(month=10, day=25, hour=2, minute=30)
    rows = [
        {"email": "a@example.com", "seen": NOON},
        {"email": "b@example.com", "seen": twice},
    ]
    with pytest.raises(PipelineStepFailed, match="'seen' have no time zone"):
        pipeline().run(seen(rows, arrow=arrow, zone=False))
    assert not written(account)
    crm = pipeline(timezone="Europe/Berlin")
    crm.run()
    [contact] = account.store.all("contacts")
    assert contact.properties["seen"] == "2026-07-01T10:00:00.000Z"
    [failed] = table("hubspot_failures", lambda: failures(crm))
    assert (failed["category"], failed["property_name"]) == ("INVALID_INPUT", "seen")
    with pytest.raises(PipelineStepFailed, match="Unknown time zone 'Atlantis'"):
        pipeline("two", timezone="Atlantis").run(seen(rows, arrow=arrow, zone=False))


def test_what_became_of_the_rows_is_loaded_into_tables(account: Simulator) -> None:
    rows = [
        {"email": f"p{i}@example.com", "favourite": "none" if i == 7 else None}
        for i in range(300)
    ]
    crm = pipeline()
    info = crm.run(dlt.resource(rows, name="contacts", primary_key="email"))
    [failed] = table("hubspot_failures", lambda: failures(crm))
    assert (failed["index"], failed["input_id"]) == (7, "p7@example.com")
    assert (failed["status"], failed["property_name"]) == ("failed", "favourite")
    assert failed["category"] == "VALIDATION_ERROR"
    assert failed["load_id"] == info.loads_ids[0]
    assert failed["table_name"] == "contacts"
    assert '"favourite":"none"' in failed["input"]
    found = table("hubspot_results", lambda: results(crm, load_ids=info.loads_ids))
    ids = {one.properties["email"]: one.id for one in account.store.all("contacts")}
    assert {one["input_id"]: one["id"] for one in found} == ids
    assert len(found) == 299
    assert all(one["new"] for one in found)
    assert not [*results(crm, load_ids=["another"])]


@pytest.mark.parametrize("by", ["argument", "configuration"])
def test_folder_of_outcomes_is_found_again(
    account: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    folder, given = str(tmp_path / "kept"), {}
    if by == "argument":
        given = {"outcomes": folder}
    else:
        monkeypatch.setenv("DESTINATION__HUBSPOT__OUTCOMES", folder)
    crm = pipeline(**given)
    crm.run(people(3))
    assert len([*results(crm)]) == len([*results(folder)]) == 3
    assert account.store.count("contacts") == 3


def test_update_and_archive_by_ids_of_the_warehouse(account: Simulator) -> None:
    made = [account.store.create("tickets", {"subject": f"T{i}"}) for i in range(150)]
    rows = [{"hs_id": int(one.id), "title": "Changed", "more": "no"} for one in made]
    tickets = dlt.resource(rows[:100], name="support_tickets", primary_key="hs_id")
    gone = dlt.resource(rows[100:], name="closed_tickets", primary_key="hs_id")
    pipeline().run(
        [
            hubspot_adapter(
                tickets,
                verb="update",
                object_type="tickets",
                properties={"title": "subject"},
            ),
            hubspot_adapter(gone, verb="archive", object_type="tickets"),
        ]
    )
    left = account.store.all("tickets")
    assert [one.id for one in left] == [one.id for one in made[:100]]
    assert {one.properties["subject"] for one in left} == {"Changed"}


def test_daily_limit_leaves_the_package_to_the_next_run(account: Simulator) -> None:
    """What was written is not written again."""
    full = Fault("status", times=None, status=429, policy="DAILY", when=When(skip=5))
    account.faults.add(full)
    crm = pipeline()
    with pytest.raises(PipelineStepFailed, match="DailyLimitReached"):
        crm.run(people(2_000))
    assert crm.has_pending_data
    assert 0 < account.store.count("contacts") < 2_000
    account.faults.clear()
    crm.run()
    assert account.store.count("contacts") == 2_000
    assert len(written(account)) == 2_000
    assert len(table("hubspot_results", lambda: results(crm))) == 2_000


def test_wrong_token_is_said_and_not_shown(
    account: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    crm = pipeline(access_token="pat-na1-wrong")  # noqa: S106 -- none
    with pytest.raises(PipelineStepFailed, match="AuthenticationError") as raised:
        crm.run(people(10))
    assert "pat-na1-wrong" not in repr(crm.destination) + str(raised.value)
    right = pipeline()
    right.run()
    assert account.store.count("contacts") == 10
    for token in (b"pat-na1-wrong", account.token.encode()):
        assert token.decode() not in caplog.text
        for path in Path().rglob("*"):
            assert path.is_dir() or token not in path.read_bytes(), path


def test_too_many_failures_fail_the_load_job(account: Simulator) -> None:
    rows = [
        {"email": f"p{i}@example.com", "no_such_name": "secret"} for i in range(3_000)
    ]
    resource = dlt.resource(rows, name="contacts", primary_key="email")
    with pytest.raises(PipelineStepFailed, match="TooManyFailures") as raised:
        pipeline(max_failures="100").run(resource)
    assert "secret" not in str(raised.value)
    assert account.store.count("contacts") == 0


def test_bad_table_is_refused_before_anything_is_sent(account: Simulator) -> None:
    with pytest.raises(PipelineStepFailed, match="primary_key of one column"):
        pipeline().run([{"email": "a@example.com"}], table_name="contacts")
    with pytest.raises(PipelineStepFailed, match="a load cannot replace"):
        pipeline("two").run(people(1), write_disposition="replace")
    with pytest.raises(PipelineStepFailed, match="batch_size must be 0"):
        pipeline("three", batch_size=5).run(people(1))
    assert not written(account)
    nested = [{"email": "a@example.com", "others": [{"email": "b@example.com"}]}]
    with pytest.raises(PipelineStepFailed, match="nested in 'contacts'"):
        pipeline("four", max_table_nesting=1).run(
            dlt.resource(nested, name="contacts", primary_key="email")
        )


class Process:
    """A pipeline in a process of its own, which HubSpot's answers are counted for."""

    def __init__(self, verb: str, rows: int, limit: int = 1_000_000) -> None:
        self.simulator = Simulator(
            limit=limit, latency=0.02, on_request=lambda _: self._came.release()
        )
        self._came = threading.Semaphore(0)
        self._arguments = [sys.executable, str(PIPELINE), verb, str(rows)]

    def start(self) -> subprocess.Popen[str]:
        known = {"ACCESS_TOKEN": self.simulator.token, "BASE_URL": self.simulator.url}
        given = {f"DESTINATION__HUBSPOT__{name}": known[name] for name in known}
        return subprocess.Popen(  # noqa: S603 -- our own
            self._arguments,
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for_requests(self, count: int) -> None:
        for _ in range(count):
            assert self._came.acquire(timeout=120)

    def finish(self) -> None:
        with self.start() as process:
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said


PIPELINE = Path(__file__).with_name("pipeline.py")


@pytest.mark.parametrize("verb", ["upsert", "create"])
def test_process_that_is_killed_goes_on_in_the_next(verb: str) -> None:
    """What a killed process may have written is not made a second time."""
    running = Process(verb, 10_000)
    with running.simulator as account:
        for requests in (10, 35):
            with running.start() as process:
                running.wait_for_requests(requests)
                process.kill()
        running.finish()
        emails = [one.properties["email"] for one in account.store.all("contacts")]
        assert len(emails) == len({*emails}) == 10_000
        # All that was in flight at a kill at most, and looking for it, came again.
        assert len(written(account)) < 10_000 + 2 * 2 * 3_300
        [journal] = Path("dlt").rglob("*.db")
        lines = Path(journal).with_suffix(".results.jsonl").read_bytes().splitlines()
        keys = [msgspec.json.decode(line)["input_id"] for line in lines]
        assert sorted(keys) == sorted(emails)
        assert not Path(journal).with_suffix(".failures.jsonl").read_bytes()


def test_signal_stops_a_load_job_and_the_next_run_goes_on() -> None:
    # 200 chunks take at least 10 seconds, in which dlt notices the signal.
    running = Process("upsert", 20_000, limit=100)
    with running.simulator as account:
        with running.start() as process:
            running.wait_for_requests(15)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
        assert process.returncode != 0
        assert 0 < account.store.count("contacts") < 20_000
        running.finish()
        assert len(written(account)) == account.store.count("contacts") == 20_000


def written(account: Simulator) -> list[str]:
    """List the keys that HubSpot has answered for, as often as it did."""
    return [
        one.get("id") or one["properties"]["email"]
        for request in account.requests
        if "/batch/" in request.path and request.status in (200, 201)
        for one in msgspec.json.decode(request.content)["inputs"]
    ]


@pytest.fixture(params=PAGE.read_text().split("```python\n")[1:], ids=["dlt.md"])
def example(request: pytest.FixtureRequest) -> str:
    return str(request.param).partition("```")[0]


def test_example_of_the_page(account: Simulator, example: str) -> None:
    account.store.define("contacts", ["last_seen"])
    with duckdb.connect("warehouse.db") as warehouse:
        warehouse.execute(
            "CREATE TABLE customers AS SELECT 'p' || i || '@example.com' AS email, "
            "'P' AS firstname, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS last_seen "
            "FROM range(250) t(i)"
        )
    Path("example.py").write_text(example)
    subprocess.run([sys.executable, "example.py"], check=True, timeout=60)
    assert account.store.count("contacts") == 250
    with duckdb.connect("log.db") as log:
        counts = "SELECT count(*) FROM hubspot.hubspot_results"
        assert log.execute(counts).fetchone() == (250,)

"""A load job of dlt, without dlt: one file of rows, run until it finishes."""

import json
import logging

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped] # it has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped] # it has no types
import pytest

from attrs import evolve

from hubbatch.errors import LoadFailed
from hubbatch.integrations._dlt.background import background
from hubbatch.integrations._dlt.jobs import Load, LoadFiles, outcome_rows
from hubbatch.integrations._dlt.tables import read_table
from hubbatch.jobs import Job, JobReport
from hubbatch.simulator import Fault, Simulator, When


TABLE = read_table(
    {
        "name": "contacts",
        "columns": {"email": {"primary_key": True}, "firstname": {}, "favourite": {}},
    }
)
FILE = "contacts.0a1b2c.0.typed-jsonl"


def lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open() as file:
        yield from map(json.loads, file)


def write(folder: Path, *rows: Any, name: str = FILE) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def people(count: int) -> list[dict[str, str]]:
    return [{"email": f"p{i}@example.com", "firstname": "P"} for i in range(count)]


def load(sim: Simulator, path: Path, **more: Any) -> Load:
    options = {"max_failures": "auto", "account": None}
    return Load(
        table=TABLE,
        path=path,
        read=lines,
        files=LoadFiles.of(path.parent / "outcomes", "17.5", path),
        client={
            "access_token": more.pop("token", sim.token),
            "base_url": more.pop("base_url", sim.url),
        },
        options={**options, **more},
    )


def run(given: Load, **options: Any) -> JobReport:
    return background().run(given.run(**options))


def batches(sim: Simulator) -> int:
    return sum("/batch/" in request.path for request in sim.requests)


def test_load_that_dlt_runs_again_sends_nothing_again(
    hubspot_simulator: Simulator, tmp_path: Path
) -> None:
    """Also if the file's name has another retry count."""
    report = run(load(hubspot_simulator, write(tmp_path, *people(250))))
    assert (report.succeeded, report.ended) == (250, "finished")
    assert batches(hubspot_simulator) == 3
    renamed = write(tmp_path, *people(250), name=FILE.replace(".0.", ".1."))
    assert run(load(hubspot_simulator, renamed)).already_finished
    assert batches(hubspot_simulator) == 3
    assert hubspot_simulator.store.count("contacts") == 250
    folder = tmp_path / "outcomes" / "17.5"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())


def test_rows_that_fail_are_counted_in_the_log_and_listed_in_a_file(
    hubspot_simulator: Simulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "hubbatch")
    path = write(tmp_path, *people(3), {"email": "bad", "favourite": "hunter2"})
    report = run(load(hubspot_simulator, path))
    assert (report.succeeded, report.failed) == (3, 1)
    # First the batch logs it, then the load.
    batch, record = caplog.records
    assert "3 succeeded, 1 failed" in batch.getMessage()
    assert "table contacts: 1 of 4 rows did not succeed" in record.getMessage()
    assert "hunter2" not in caplog.text
    [failed] = outcome_rows(tmp_path / "outcomes", "failures")
    assert failed["load_id"] == "17.5"
    assert failed["file_id"] == "0a1b2c"
    assert (failed["table_name"], failed["index"]) == ("contacts", 3)
    assert (failed["status"], failed["input_id"]) == ("failed", "bad")
    assert {"category", "message"} < failed.keys()
    found = [*outcome_rows(tmp_path / "outcomes", "results", ["17.5"])]
    assert sorted(one["input_id"] for one in found) == [
        f"p{i}@example.com" for i in range(3)
    ]
    assert not [*outcome_rows(tmp_path / "outcomes", "results", ["18"])]


def test_line_that_was_torn_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "17.5"
    folder.mkdir()
    results = folder / "contacts.0a1b2c.results.jsonl"
    results.write_bytes(b'{"index": 0, "id": "1"}\n{"index": 1, "i')
    assert [one["index"] for one in outcome_rows(tmp_path, "results")] == [0]


@pytest.mark.parametrize(
    ("fault", "passing", "name"),
    [
        ({"status": 429, "policy": "DAILY"}, True, "DailyLimitReached"),
        ({"status": 403}, False, "PermissionDeniedError"),
    ],
)
def test_load_that_ends_early_resumes_where_it_was(
    hubspot_simulator: Simulator,
    tmp_path: Path,
    fault: dict[str, Any],
    *,
    passing: bool,
    name: str,
) -> None:
    when = When(object_type="contacts", skip=2)
    hubspot_simulator.faults.add(Fault("status", times=None, when=when, **fault))
    path = write(tmp_path, *people(2_000))
    with pytest.raises(LoadFailed, match=f"Table 'contacts': {name}") as raised:
        run(load(hubspot_simulator, path))
    assert raised.value.passing is passing
    assert str(tmp_path / "outcomes") in str(raised.value)
    hubspot_simulator.faults.clear()
    report = run(load(hubspot_simulator, path))
    assert report.resumed
    assert report.succeeded == hubspot_simulator.store.count("contacts") == 2_000
    sent = [one.status for one in hubspot_simulator.requests if "/batch/" in one.path]
    assert sent.count(200) == 20


def test_stopped_load_resumes_where_it_was(
    hubspot_simulator: Simulator, tmp_path: Path
) -> None:
    path = write(tmp_path, *people(500))
    with pytest.raises(LoadFailed, match=r"contacts.0a1b2c: stopped") as raised:
        run(load(hubspot_simulator, path), began=Job.stop)
    assert raised.value.passing
    assert run(load(hubspot_simulator, path)).succeeded == 500


def test_too_many_failures_quote_no_value(
    hubspot_simulator: Simulator, tmp_path: Path
) -> None:
    bad = [{**one, "favourite": "hunter2"} for one in people(300)]
    with pytest.raises(LoadFailed, match="TooManyFailures") as raised:
        run(load(hubspot_simulator, write(tmp_path, *bad), max_failures=10))
    assert "hunter2" not in str(raised.value)
    assert not raised.value.passing


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token": "pat-na1-wrong"}, "AuthenticationError"),
        ({"base_url": "http://example.com"}, "ConfigurationError"),
        (
            {"account": 1},
            "ConfigurationError: The access token belongs to account 62515",
        ),
        ({"max_failures": "many"}, "max_failures"),
    ],
)
def test_errors_that_the_user_must_fix(
    hubspot_simulator: Simulator,
    tmp_path: Path,
    options: dict[str, Any],
    message: str,
) -> None:
    given = load(hubspot_simulator, write(tmp_path, *people(1)), **options)
    with pytest.raises(LoadFailed, match=message) as raised:
        run(given)
    assert not raised.value.passing
    assert "pat-" not in str(raised.value) + repr(given)
    assert not batches(hubspot_simulator)


def test_file_without_rows_of_a_table(
    hubspot_simulator: Simulator, tmp_path: Path
) -> None:
    with pytest.raises(LoadFailed, match=r"row 2: not a row of a table"):
        run(load(hubspot_simulator, write(tmp_path, *people(1), [])))


def test_parquet(hubspot_simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "contacts.0a1b2c.0.parquet"
    rows = [{**one, "_dlt_id": "x"} for one in people(150)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert run(load(hubspot_simulator, path)).succeeded == 150
    assert hubspot_simulator.store.count("contacts") == 150
    assert all(b"_dlt" not in one.content for one in hubspot_simulator.requests)


@pytest.mark.parametrize("kind", ["typed-jsonl", "parquet"])
def test_times_without_a_zone(
    hubspot_simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    """They get the configured zone, whatever the file's format."""
    hubspot_simulator.store.define("contacts", ["seen"])
    rows = [{"email": "a@example.com", "seen": datetime(2026, 7, 1, 12)}]  # noqa: DTZ001 -- the point of it
    path = tmp_path / f"contacts.0a1b2c.0.{kind}"
    pq.write_table(pa.Table.from_pylist(rows), path)
    columns = {"email": {"primary_key": True}, "seen": {"timezone": False}}
    meant = read_table({"name": "contacts", "columns": columns}, "Europe/Berlin")
    given = load(hubspot_simulator, path)
    report = run(evolve(given, table=meant, read=lambda _: iter(rows)))
    assert report.succeeded == 1
    [contact] = hubspot_simulator.store.all("contacts")
    assert contact.properties["seen"] == "2026-07-01T10:00:00.000Z"

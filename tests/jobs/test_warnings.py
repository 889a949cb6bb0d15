"""HubSpot's warnings, and answers that never come: what a job reports."""

import asyncio

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbatch import HubBatch, HubSpotUnavailable, RetryPolicy
from hubbatch.jobs import Job, read_status, write_report
from hubbatch.jobs.journal.measurements import WARNING, Measures, Reason
from hubbatch.simulator import Fault, When
from tests.jobs.conftest import Desk, Table, people


SECRET_VALUE = "a value that no journal may have"  # noqa: S105 -- no password


def warning(name: str) -> dict[str, Any]:
    return {
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": f"{name} was normalized",
        "context": {"propertyName": name, "rawValue": SECRET_VALUE},
    }


def answer(*records: tuple[str, list[Any]]) -> str:
    """Return HubSpot's answer to updates of these records, with their warnings."""
    results = [
        {"id": one, "properties": {}, **({"warnings": given} if given else {})}
        for one, given in records
    ]
    return msgspec.json.encode({"status": "COMPLETE", "results": results}).decode()


async def test_a_job_counts_them_over_all_its_runs(desk: Desk, tmp_path: Path) -> None:
    ids = [desk.sim.store.create("tickets", {}).id for _ in range(3)]
    rows = [{"id": one, "properties": {"subject": "x"}} for one in ids]
    two = [warning("closed_date"), warning("subject")]
    body = answer((ids[0], two), (ids[1], []), (ids[2], [warning("subject")]))
    desk.sim.faults.add(
        Fault("status", status=200, body=body, when=When(verb="update"))
    )
    results = tmp_path / "results.jsonl"

    job = desk.job("update", "tickets", Table(rows), results=results)
    report = await job.run()

    assert (report.succeeded, report.warnings) == (3, 3)
    assert job.summary.warnings == 3
    assert read_status(desk.journal).warnings == 3
    lines = [msgspec.json.decode(line) for line in results.read_bytes().splitlines()]
    assert [line.get("warnings") for line in lines] == [2, None, 1]
    write_report(desk.journal, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Warnings from HubSpot" in page
    assert "NORMALIZED" in page
    assert "Why rows did not succeed" not in page
    again = await desk.job("update", "tickets", Table(rows), results=results).run()
    assert (again.already_finished, again.warnings) == (True, 3)
    for path in (desk.journal, results, tmp_path / "report.html"):
        assert SECRET_VALUE.encode() not in path.read_bytes()


async def test_a_job_without_any_shows_none(desk: Desk, tmp_path: Path) -> None:
    report = await desk.job(
        "upsert", "contacts", Table(people(range(3))), id_property="email"
    ).run()
    assert (report.succeeded, report.warnings) == (3, 0)
    write_report(desk.journal, tmp_path / "report.html")
    assert "warn" not in (tmp_path / "report.html").read_text("utf-8").lower()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (warning("a"), Reason(WARNING, "PROPERTY_VALUE_NORMALIZED", "", "a")),
        (
            {"category": "X", "context": {"propertyName": ["b"]}},
            Reason(WARNING, "X", "", "b"),
        ),
        ({"category": 5, "context": "text"}, Reason(WARNING)),
        ({"context": {"propertyName": []}}, Reason(WARNING)),
        ({}, Reason(WARNING)),
    ],
)
def test_a_warning_is_counted_by_what_it_is_about(
    given: dict[str, Any], reason: Reason
) -> None:
    measures = Measures()
    measures.count_warnings([given, given])
    assert measures.take().reasons == {reason: 2}


@pytest.mark.parametrize("verb", ["create", "upsert"])
async def test_a_job_whose_only_chunk_gets_no_answer_can_resume(
    desk: Desk, verb: str
) -> None:
    """It has not finished, even with few rows."""
    rows = people(range(3))
    given = [{"properties": one["properties"]} for one in rows]
    source = Table(given if verb == "create" else rows)
    options = {} if verb == "create" else {"id_property": "email"}
    desk.sim.faults.add(Fault("status", None, status=502, when=When(verb=verb)))
    report = await desk.job(verb, "contacts", source, **options).run()

    assert isinstance(report.error, HubSpotUnavailable)
    assert report.error.maybe_written
    assert (report.ended, report.resumable) == ("HubSpotUnavailable", True)
    assert (report.unknown, report.inputs) == (3, 3)
    desk.sim.faults.clear()
    again = await desk.job(verb, "contacts", source, **options).run()
    assert again.ended == "finished"
    # A create that may have been written is never sent again.
    assert (again.succeeded, again.unknown) == ((0, 3) if verb == "create" else (3, 0))


async def test_an_await_of_a_dead_port_is_no_success(desk: Desk) -> None:
    port = await _free_port()
    rows = [{"id": str(n), "properties": {"subject": "x"}} for n in range(1, 150)]
    hub = HubBatch(
        "token-of-nobody",
        base_url=f"http://127.0.0.1:{port}",
        retry=RetryPolicy(attempts=2, base=0.001),
    )
    async with hub:
        with pytest.raises(HubSpotUnavailable) as caught:
            await hub.tickets.update(rows)
        job = Job(hub, "update", "tickets", rows, journal=desk.journal)
        with pytest.raises(HubSpotUnavailable):  # it cannot ask for the portal
            await job.run()
    error = caught.value
    assert (error.maybe_written, error.status) == (False, None)
    assert (error.response.status, error.response.ok) == ("CANCELED", False)
    assert len(error.response.not_sent) == error.summary.not_sent == 149


async def _free_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port

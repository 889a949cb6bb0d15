import asyncio

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbatch import ConfigurationError, JournalError
from hubbatch.jobs import Columns, Export, open_source, read_status
from hubbatch.jobs.report.review import read_report
from hubbatch.simulator import Fault, When

from .conftest import Desk


def seed(desk: Desk, count: int) -> list[str]:
    create = desk.sim.store.create
    return [create("tickets", {"subject": f"s{n}"}).id for n in range(count)]


def export(desk: Desk, name: str = "all.csv", **options: Any) -> Export:
    options = {"journal": desk.journal, "properties": ["subject"], **options}
    return Export(desk.hub, "tickets", desk.where / name, **options)


def lines(desk: Desk, name: str = "all.csv") -> list[str]:
    return (desk.where / name).read_text().splitlines()


def pages(desk: Desk) -> list[str]:
    asked = [one for one in desk.sim.requests if one.path.endswith("/objects/tickets")]
    return [one.query.get("after", "") for one in asked]


async def test_all_records_are_read_page_by_page(desk: Desk) -> None:
    ids = seed(desk, 250)

    job = export(desk)
    done = await job.run()

    assert (done.inputs, done.succeeded, done.requests) == (250, 250, 3)
    assert (done.ended, done.portal_id, done.resumable) == ("finished", 62515, False)
    header, *rows = lines(desk)
    assert header == "id,subject"
    assert sorted(row.split(",")[0] for row in rows) == sorted(ids)
    status = read_status(desk.journal)
    assert (status.verb, status.succeeded, status.finished) == ("list", 250, True)
    assert sum(one.rows for one in read_report(desk.journal).moments) == 250
    assert job.finished is False


async def test_a_finished_export_asks_nothing(desk: Desk) -> None:
    seed(desk, 3)
    await export(desk).run()
    asked = len(desk.sim.requests)

    again = export(desk)
    done = await again.run()

    assert (done.already_finished, done.succeeded) == (True, 3)
    assert again.finished
    assert len(desk.sim.requests) == asked
    with pytest.raises(RuntimeError, match="has run already"):
        await again.run()


async def test_a_finished_export_whose_file_is_gone_is_refused(desk: Desk) -> None:
    """It must not look finished."""
    seed(desk, 3)
    await export(desk).run()
    (desk.where / "all.csv").unlink()

    with pytest.raises(
        JournalError, match=r"all\.csv no longer exists, but the journal"
    ):
        await export(desk).run()

    done = await export(desk, journal=desk.where / "other.db").run()
    assert (done.succeeded, len(lines(desk))) == (3, 4)


@pytest.mark.parametrize("name", ["all.csv", "all.jsonl", "all.parquet"])
async def test_what_was_not_asked_for_is_not_written(desk: Desk, name: str) -> None:
    """HubSpot returns properties of its own, which no create and no update accepts."""
    seed(desk, 2)
    await export(desk, name).run()

    source: Any = open_source(desk.where / name, Columns(verb="create"))
    rows = [*source]

    assert [{*row.input["properties"]} for row in rows] == [{"subject"}] * 2


async def test_it_resumes_at_the_page_where_it_stopped(desk: Desk) -> None:
    """No record is read twice or left out, however the run ended."""
    ids = seed(desk, 350)
    gone = Fault("status", status=403, when=When(verb="list", skip=1), times=1)
    desk.sim.faults.add(gone)
    first = await export(desk).run()
    with (desk.where / "all.csv").open("a") as file:
        file.write("half a li")  # as after a kill

    class Stopping(Export):
        def _write(self, page: Any) -> bool:
            self.stop()
            return super()._write(page)

    second = await Stopping(
        desk.hub,
        "tickets",
        desk.where / "all.csv",
        journal=desk.journal,
        properties=["subject"],
    ).run()
    third = await export(desk).run()

    assert (first.ended, first.succeeded) == ("PermissionDeniedError", 100)
    assert (second.ended, second.succeeded, second.resumed) == ("stopped", 200, True)
    assert (third.ended, third.succeeded, third.requests) == ("finished", 350, 5)
    assert sorted(row.split(",")[0] for row in lines(desk)[1:]) == sorted(ids)
    cursors = pages(desk)
    assert len(cursors) == 5
    assert len({*cursors}) == 4


async def test_a_cancelled_export_resumes(desk: Desk) -> None:
    seed(desk, 150)
    desk.sim.faults.add(Fault("delay", seconds=60, when=When(verb="list", skip=1)))
    task = asyncio.create_task(export(desk).run())
    while len(pages(desk)) < 2:  # noqa: ASYNC110 -- the simulator has no event for it
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert read_status(desk.journal).ended == "cancelled"
    desk.sim.faults.clear()

    assert (await export(desk).run()).succeeded == 150
    assert len(lines(desk)) == 151


async def test_json_lines_in_hubspots_shape(desk: Desk) -> None:
    """Without a journal, and without `properties`."""
    seed(desk, 2)

    done = await export(desk, "all.jsonl", journal=None, properties=()).run()

    records = [msgspec.json.decode(line) for line in lines(desk, "all.jsonl")]
    assert {record["properties"]["subject"] for record in records} == {"s0", "s1"}
    assert not done.resumable


async def test_the_first_records_and_the_archived(desk: Desk) -> None:
    ids = seed(desk, 120)
    desk.sim.store.archive("tickets", ids[5])

    first = await export(desk, "some.csv", journal=None, limit=101).run()
    gone = await export(desk, "gone.csv", journal=None, archived=True).run()
    none = await Export(desk.hub, "deals", desk.where / "d.jsonl").run()

    assert (first.succeeded, gone.succeeded, none.succeeded) == (101, 1, 0)
    assert lines(desk, "gone.csv")[1].startswith(f"{ids[5]},")


async def test_exports_that_are_not_begun(desk: Desk) -> None:
    seed(desk, 1)
    with pytest.raises(ConfigurationError, match="columns of a CSV must be known"):
        export(desk, properties=())
    with pytest.raises(ConfigurationError, match="belongs to account 62515, not 5"):
        await export(desk, account=5).run()
    prepared = export(desk)
    await prepared.prepare()
    await prepared.prepare()
    await prepared.aclose()
    await prepared.aclose()
    with pytest.raises(RuntimeError, match="has run already"):
        await prepared.run()
    await export(desk).run()
    with pytest.raises(JournalError, match="properties was"):
        await export(desk, properties=["content"]).run()
    with pytest.raises(ConfigurationError, match="exists already"):
        await export(desk, journal=desk.where / "other.db").run()


async def test_an_export_of_a_type_that_there_is_not(
    desk: Desk, tmp_path: Path
) -> None:
    done = await Export(desk.hub, "widgets", tmp_path / "w.jsonl").run()
    assert done.ended == "InvalidRequestError"
    with pytest.raises(ValueError, match="not an object type"):
        Export(desk.hub, "../x", tmp_path / "w.jsonl")

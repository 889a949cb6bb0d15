"""Exports of the records that match filters."""

import asyncio

from typing import Any

import pytest

from hubbatch import ConfigurationError, Filter, JournalError, WhereError
from hubbatch.jobs import Export, Where, read_status
from hubbatch.jobs.report.review import read_report
from hubbatch.simulator import Fault, When

from .conftest import Desk


def seed(desk: Desk, count: int) -> list[str]:
    """Have HubSpot know tickets, and return the ids of those about fire, in order."""
    create = desk.sim.store.create
    subjects = ["fire", "water"] * count
    made = [(create("tickets", {"subject": each}).id, each) for each in subjects]
    return sorted((key for key, each in made if each == "fire"), key=int)


def export(desk: Desk, filters: Any = None, **options: Any) -> Export:
    options = {"journal": desk.journal, "properties": ["subject"], **options}
    filters = Where("subject = fire") if filters is None else filters
    return Export(desk.hub, "tickets", desk.where / "x.csv", filters=filters, **options)


def ids(desk: Desk) -> list[str]:
    header, *rows = (desk.where / "x.csv").read_text().splitlines()
    assert header == "id,subject"
    assert all(row.endswith(",fire") for row in rows)
    return [row.split(",")[0] for row in rows]


def asked(desk: Desk, suffix: str) -> list[Any]:
    return [one for one in desk.sim.requests if one.path.endswith(suffix)]


async def test_the_records_that_match_are_read_page_by_page(desk: Desk) -> None:
    matching = seed(desk, 250)
    seen: list[tuple[int, int | None]] = []

    job = export(desk, progress=lambda done, total: seen.append((done, total)))
    done = await job.run()

    assert (done.inputs, done.succeeded, done.requests) == (250, 250, 2)
    assert (done.ended, done.portal_id) == ("finished", 62515)
    assert ids(desk) == matching
    assert job.total == 250
    assert seen == [(0, 250), (200, 250), (250, 250)]
    status = read_status(desk.journal)
    assert (status.verb, status.succeeded) == ("search", 250)
    assert status.title == "read matching tickets"
    assert sum(one.rows for one in read_report(desk.journal).moments) == 250
    # The definitions and the count once, and two pages.
    assert len(asked(desk, "/properties/tickets")) == 1
    assert len(asked(desk, "/search")) == 3


@pytest.mark.parametrize(
    ("filters", "groups"),
    [
        ({"subject": "fire"}, None),
        ([Filter("subject", "=", "fire")], None),
        (None, [[{"propertyName": "subject", "operator": "EQ", "value": "fire"}]]),
        ({"subject": "fire"}, [[Filter("createdate", ">", 0)], {"subject": "x"}]),
    ],
)
async def test_filters_of_a_search(desk: Desk, filters: Any, groups: Any) -> None:
    matching = seed(desk, 2)

    path = desk.where / "x.csv"
    options: Any = {"filters": filters, "filter_groups": groups}
    await Export(desk.hub, "tickets", path, properties=["subject"], **options).run()

    assert ids(desk) == matching


async def test_it_resumes_after_the_last_record(desk: Desk) -> None:
    """No record is read twice or left out, and the total is that of all runs."""
    matching = seed(desk, 450)
    search = When(verb="search", skip=2)
    desk.sim.faults.add(Fault("status", status=403, when=search, times=1))
    first = await export(desk).run()
    with (desk.where / "x.csv").open("a") as file:
        file.write("half a li")  # as after a kill

    resumed = export(desk)
    second = await resumed.run()
    requests = len(desk.sim.requests)
    finished = export(desk)
    third = await finished.run()

    assert (first.ended, first.succeeded) == ("PermissionDeniedError", 200)
    assert (second.ended, second.succeeded, resumed.total) == ("finished", 450, 450)
    assert ids(desk) == matching
    assert (third.already_finished, third.succeeded) == (True, 450)
    assert (finished.total, len(desk.sim.requests)) == (None, requests)


async def test_a_cancelled_export_resumes(desk: Desk) -> None:
    matching = seed(desk, 250)
    search = When(verb="search", skip=2)
    desk.sim.faults.add(Fault("delay", seconds=60, when=search))
    task = asyncio.create_task(export(desk).run())
    while len(asked(desk, "/search")) < 3:  # noqa: ASYNC110 -- the simulator has no event for it
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    desk.sim.faults.clear()

    assert (await export(desk).run()).succeeded == 250
    assert ids(desk) == matching


async def test_the_limit_is_part_of_the_total(desk: Desk) -> None:
    matching = seed(desk, 5)

    job = export(desk, limit=3)
    done = await job.run()

    assert (done.succeeded, job.total) == (3, 3)
    assert ids(desk) == matching[:3]


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
async def test_no_record_matches(desk: Desk, name: str) -> None:
    path = desk.where / name
    job = Export(desk.hub, "tickets", path, filters=Where("subject = fire"))
    done = await job.run()

    assert (done.ended, done.succeeded, job.total) == ("finished", 0, 0)
    assert path.exists()


async def test_a_condition_that_is_wrong_leaves_nothing_behind(desk: Desk) -> None:
    matching = seed(desk, 1)
    with pytest.raises(WhereError, match="Did you mean subject"):
        await export(desk, Where("subjekt = fire")).run()
    assert not asked(desk, "/search")
    assert not (desk.where / "x.csv").exists()

    assert (await export(desk).run()).succeeded == 1
    assert ids(desk) == matching


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        (Where("subject = water"), "where was .*fire.* and is .*water"),
        (Where("subject = fire", timezone="Europe/Berlin"), "timezone was UTC and is"),
        ({"subject": "fire"}, "where was .*filters was not set and is"),
    ],
)
async def test_a_journal_of_another_search_is_refused(
    desk: Desk, now: Any, difference: str
) -> None:
    seed(desk, 1)
    await export(desk).run()

    with pytest.raises(JournalError, match=difference):
        await export(desk, now).run()


async def test_exports_that_are_not_begun(desk: Desk) -> None:
    where = Where("subject = fire")
    with pytest.raises(ConfigurationError, match="cannot search archived records"):
        export(desk, where, archived=True)
    with pytest.raises(ConfigurationError, match="leave out filter_groups"):
        export(desk, where, filter_groups=[{"subject": "x"}])
    with pytest.raises(ConfigurationError, match="no operator 'like'"):
        export(desk, [{"propertyName": "subject", "operator": "like", "value": "x"}])
    with pytest.raises(ConfigurationError, match="at most 5 groups of filters"):
        export(desk, {"subject": "x"}, filter_groups=[{"subject": "x"}] * 6)
    with pytest.raises(TypeError, match="must be a mapping"):
        export(desk, "subject = fire")
    with pytest.raises(TypeError, match="progress must be"):
        export(desk, where, progress=lambda done: done)
    assert not desk.sim.requests


async def test_progress_of_an_export_of_all_has_no_total(desk: Desk) -> None:
    seed(desk, 75)
    seen: list[tuple[int, int | None]] = []
    job = Export(
        desk.hub,
        "tickets",
        desk.where / "x.jsonl",
        progress=lambda done, total: seen.append((done, total)),
    )
    await job.run()

    assert seen == [(0, None), (100, None), (150, None)]
    assert job.total is None

"""What jobs and exports have in common, tested with both."""

import asyncio

from collections.abc import Callable
from typing import Any

import pytest

from hubbatch import ConfigurationError, JournalError, TooManyFailures
from hubbatch.jobs import Export, Job, read_status
from hubbatch.jobs.job_report import describe_end

from .conftest import Desk, Table


Make = Callable[..., Any]


def a_job(desk: Desk, **options: Any) -> Job:
    rows = Table([{"properties": {"subject": f"s{n}"}} for n in range(150)])
    return desk.job("create", "tickets", rows, **options)


def an_export(desk: Desk, **options: Any) -> Export:
    if not desk.sim.store.count("tickets"):
        for n in range(150):
            desk.sim.store.create("tickets", {"subject": f"s{n}"})
    options = {"journal": desk.journal, "properties": ["subject"], **options}
    return Export(desk.hub, "tickets", desk.where / "all.csv", **options)


BOTH = pytest.mark.parametrize("make", [a_job, an_export])


@BOTH
async def test_it_runs_once(desk: Desk, make: Make) -> None:
    one = make(desk)
    assert (one.finished, one.portal_id) == (False, None)
    await one.prepare()
    await one.prepare()
    assert one.portal_id == 62515

    done = await one.run()

    assert (done.inputs, done.succeeded, done.ended) == (150, 150, "finished")
    assert (done.requests, one.summary.requests) == (2, 2)
    with pytest.raises(RuntimeError, match="has run already"):
        await one.run()
    again = make(desk)
    done = await again.run()
    assert (done.already_finished, again.finished, done.resumable) == (
        True,
        True,
        False,
    )
    assert (done.requests, done.succeeded) == (2, 150)


@BOTH
async def test_it_lets_go_of_its_journal(desk: Desk, make: Make) -> None:
    one = make(desk)
    await one.prepare()
    with pytest.raises(JournalError, match="another process"):
        await make(desk).run()
    await one.aclose()
    await one.aclose()
    with pytest.raises(RuntimeError, match="has run already"):
        await one.run()

    assert (await make(desk).run()).ended == "finished"


@BOTH
async def test_a_portal_that_is_not_the_one_lets_go_as_well(
    desk: Desk, make: Make
) -> None:
    with pytest.raises(ConfigurationError, match="belongs to account 62515, not 5"):
        await make(desk, account=5).run()

    assert (await make(desk).run()).ended == "finished"


@BOTH
async def test_stopped_cancelled_and_resumed(desk: Desk, make: Make) -> None:
    """Counts and seconds are totals over all runs."""
    stopped = make(desk)
    stopped.stop()
    first = await stopped.run()
    assert (first.ended, first.resumable, first.error) == ("stopped", True, None)
    running = asyncio.create_task(make(desk).run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    done = await make(desk).run()

    assert (done.succeeded, done.resumed, done.ended) == (150, True, "finished")
    status = read_status(desk.journal)
    assert (status.finished, status.requests) == (True, done.requests)


def test_how_an_end_is_called() -> None:
    """The error that the journal records quotes no value."""
    assert describe_end(None) == ("finished", None)
    said = describe_end(TooManyFailures("property 'x' of 'secret'"))
    assert said == ("TooManyFailures", "more records failed than max_failures allows")
    assert describe_end(JournalError("It is so.")) == ("JournalError", "It is so.")

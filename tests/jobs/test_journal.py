"""The journal's thread: what is written together, what waits, what fails."""

import asyncio
import threading

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from attrs import evolve

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status
from hubbatch.jobs.journal import journal as journal_module
from hubbatch.jobs.journal.group import Group
from hubbatch.jobs.journal.identity import Identity
from hubbatch.jobs.journal.journal import Journal
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.journal.store import Store


JOB = Identity(
    verb="update",
    object_type="tickets",
    source="rows.csv",
    fingerprint="f",
    options={},
    outputs={},
)


KEY = b"12345678"


class Disk:
    """Lets a journal's writes through one by one, or fails them."""

    def __init__(self, journal: Journal) -> None:
        store = journal._store
        assert store is not None
        self.groups: list[Group] = []
        self.may_write = threading.Event()
        self.may_write.set()
        self.broken = False
        self._write = store.write
        store.write = self.write  # type: ignore[method-assign] # that is the point

    def write(self, group: Group, lengths: Any) -> None:
        assert self.may_write.wait(5)
        self.groups.append(group)
        if self.broken:
            raise OSError(5, "Input/output error")
        self._write(group, lengths)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path / "run.db")
    await journal.open(JOB)
    await journal.begin(JOB, 62515)
    yield journal
    if not journal._closed:
        await journal.aclose("finished")


def counts(journal: Journal) -> dict[str, int]:
    assert journal.path is not None
    status = read_status(journal.path)
    return {"sent": status.in_doubt, "succeeded": status.succeeded}


async def test_what_is_safe_is_on_the_disk(journal: Journal) -> None:
    journal.note_states([0], RowState.SENT, [KEY])
    await journal.wait_written()

    assert counts(journal) == {"sent": 1, "succeeded": 0}
    assert await journal.block(0) == [(0, RowState.SENT, KEY)]


async def test_what_comes_up_meanwhile_is_written_together(journal: Journal) -> None:
    disk = Disk(journal)
    disk.may_write.clear()
    waiting = []
    for place in range(5):
        journal.note_states([place], RowState.SENT)
        waiting.append(asyncio.create_task(journal.wait_written()))
        await asyncio.sleep(0)
    journal.note_states([0], RowState.SUCCEEDED)  # the last state counts
    disk.may_write.set()
    await asyncio.gather(*waiting)

    assert [group.counts().total() for group in disk.groups] == [1, 5]
    assert counts(journal) == {"sent": 4, "succeeded": 1}


async def test_nothing_to_write_is_not_written(journal: Journal) -> None:
    disk = Disk(journal)
    journal.flush()
    await journal.ready()
    assert not disk.groups


async def test_who_was_cancelled_while_waiting_does_no_harm(journal: Journal) -> None:
    disk = Disk(journal)
    disk.may_write.clear()
    journal.note_states([0], RowState.SENT)
    task = asyncio.create_task(journal.wait_written())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    disk.may_write.set()
    await journal.wait_written()

    assert counts(journal)["sent"] == 1


async def test_the_source_is_left_alone_while_too_much_is_unwritten(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_MAX_UNWRITTEN", 3)
    disk = Disk(journal)
    for place in range(3):
        journal.note_states([place], RowState.FAILED)
    await journal.ready()
    assert not disk.groups  # there is room
    journal.note_states([3], RowState.FAILED)
    await journal.ready()
    assert [group.counts().total() for group in disk.groups] == [4]


async def test_a_failure_is_reported_once_and_noted_rows_are_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_MAX_UNWRITTEN", 0)
    told: list[JournalError] = []
    journal.on_failure = told.append
    disk = Disk(journal)
    disk.may_write.clear()
    disk.broken = True
    journal.note_states([0], RowState.SENT)
    first = asyncio.create_task(journal.wait_written())
    await asyncio.sleep(0)
    journal.note_states([1], RowState.SENT)
    second = asyncio.create_task(journal.wait_written())
    third = asyncio.create_task(journal.ready())
    await asyncio.sleep(0)
    second_gone = asyncio.create_task(journal.wait_written())
    await asyncio.sleep(0)
    second_gone.cancel()
    disk.may_write.set()
    await asyncio.wait([first, second, third, second_gone])

    assert isinstance(first.exception(), JournalError)
    assert isinstance(second.exception(), JournalError)
    assert third.exception() is None  # `on_failure` ends the batch
    [failure] = told
    assert "cannot be written" in str(failure)
    assert "Input/output error" in str(failure)
    assert failure is journal.failure
    journal.note_states([0], RowState.SUCCEEDED, [KEY])  # it was in flight
    journal.note_states([1], RowState.OPEN)
    journal.flush()
    await journal.ready()
    with pytest.raises(JournalError):
        await journal.wait_written()  # no further row may leave
    disk.broken = False
    await journal.aclose("JournalError")

    assert told == [failure]
    assert journal.unwritten == 0
    status = read_status(journal.path or "")
    assert (status.succeeded, status.in_doubt, status.open) == (1, 0, 1)


async def test_what_is_lost_at_the_end_is_counted(journal: Journal) -> None:
    disk = Disk(journal)
    disk.broken = True
    for place, state in enumerate(RowState):
        journal.note_states([place], state)
    with pytest.raises(
        JournalError, match=r"error\. 2 answered rows are not on disk: "
    ):
        await journal.aclose("finished", finished=True)

    assert journal.unwritten == 2
    status = read_status(journal.path or "")
    assert (status.ended, status.finished) == ("JournalError", False)
    assert "2 answered rows" in (status.message or "")


async def test_a_mistake_of_ours_in_the_thread_is_not_swallowed(
    journal: Journal,
) -> None:
    disk = Disk(journal)
    disk._write = lambda *_: 1 / 0  # type: ignore[assignment] # that is the point
    journal.note_states([0], RowState.SENT)
    with pytest.raises(JournalError, match="division by zero"):
        await journal.wait_written()
    with pytest.raises(JournalError):
        await journal.aclose("finished")


async def test_closing_completes_even_if_its_caller_is_cancelled(
    journal: Journal,
) -> None:
    disk = Disk(journal)
    disk.may_write.clear()
    journal.note_states([0], RowState.SUCCEEDED, [KEY])
    closing = asyncio.create_task(journal.aclose("finished", finished=True))
    await asyncio.sleep(0.01)
    closing.cancel()
    await asyncio.wait([closing])
    disk.may_write.set()
    journal._thread.shutdown(wait=True)

    status = read_status(journal.path or "")
    assert (status.succeeded, status.finished, status.running) == (1, True, False)


async def test_without_a_path_nothing_is_kept() -> None:
    journal = Journal(None)
    assert (await journal.open(JOB)).new
    await journal.begin(JOB, None)
    journal.note_states([0], RowState.SENT)
    await journal.wait_written()
    assert await journal.block(0) == []
    await journal.aclose("finished")


async def test_a_journal_resumes_with_what_it_recorded(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    first = Journal(path)
    assert (await first.open(JOB)).new
    await first.begin(JOB, None)
    first.progress = lambda: (3, 2, 1, 0.5)
    first.note_inputs(4)
    first.note_states([1], RowState.SENT, [KEY])
    await first.aclose("stopped", None)

    second = Journal(path)
    history = await second.open(JOB)
    assert (history.new, history.finished, history.portal_id) == (False, False, None)
    assert (history.inputs, history.counts[RowState.SENT]) == (4, 1)
    assert history.counts[RowState.OPEN] == 3
    assert history.runs["requests"] == 3
    await second.begin(JOB, 62515)
    await second.aclose("finished", "message", finished=True)

    status = read_status(path)
    assert (status.portal_id, status.runs, status.message) == (62515, 2, "message")
    assert (status.requests, status.retries, status.throttled) == (3, 2, 1)


async def test_another_job_is_refused_with_the_differences(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    first = Journal(path)
    await first.open(JOB)
    await first.begin(JOB, None)
    await first.aclose("stopped")

    second = Journal(path)
    with pytest.raises(JournalError, match="of another job: verb was update and is"):
        await second.open(evolve(JOB, verb="archive"))
    await second.aclose()
    assert read_status(path).runs == 1


async def test_a_store_that_was_killed_between_its_beginnings(tmp_path: Path) -> None:
    """The job was recorded, but no run has begun."""
    store = Store.open(tmp_path / "run.db")
    store.create(JOB, 62515)
    store.close()

    status = read_status(tmp_path / "run.db")
    assert (status.runs, status.ended, status.inputs) == (0, None, 0)

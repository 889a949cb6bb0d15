"""A full disk: answers of HubSpot are kept, and no record is created twice.

Real processes and real files, which a limit of the system keeps from growing.
"""

import csv
import subprocess
import sys

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbatch.jobs import JobStatus, read_status
from hubbatch.simulator import Simulator
from tests.processes import TREE, untraced


pytestmark = pytest.mark.slow


ROWS = 3_000
ALL = 2**40


class Cramped:
    """Jobs on one file of rows, with a limit on the size of every file they write."""

    def __init__(self, where: Path, sim: Simulator) -> None:
        self.where = where
        self.sim = sim

    def rows(self, *, key: int = 0, value: int = 0, bad: bool = False) -> None:
        """Write rows with keys and values of a length; HubSpot refuses bad ones."""
        with (self.where / "rows.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "subject", "content", "hs_pipeline_stage"])
            for place in range(ROWS):
                name = f"row-{place}".ljust(key, "-")
                content = "x" * value
                writer.writerow([name, place, content, "77" if bad else "1"])

    def run(
        self,
        size: int,
        *,
        returns: bool = False,
        journal: str = "run.db",
        verb: str = "create",
    ) -> dict[str, Any]:
        where = [self.sim.url, self.sim.token, str(self.where), verb, "tickets"]
        command = [sys.executable, "-m", "tests.jobs.cramped", *where, str(size)]
        done = subprocess.run(  # noqa: S603 -- our own
            [*command, "later" if returns else "never", journal],
            cwd=TREE,
            env=untraced(PYTHONPATH=str(TREE)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = msgspec.json.decode(done.stdout)
        known = sum(told[name] for name in ("succeeded", "failed", "unknown"))
        assert told["inputs"] == known + told["not_sent"]
        return told

    def status(self) -> JobStatus:
        status = read_status(self.where / "run.db")
        states = (status.succeeded, status.failed, status.unknown, status.not_sent)
        assert sum(states) + status.in_doubt + status.open == status.inputs
        return status

    def created(self) -> Counter[int]:
        """Return the number of records in HubSpot, by row."""
        records = self.sim.store.all("tickets")
        return Counter(int(record.properties["subject"]) for record in records)

    def results(self) -> list[int]:
        with (self.where / "results.csv").open(newline="") as file:
            return [int(line["index"]) for line in csv.DictReader(file)]

    def failures(self) -> dict[int, str]:
        with (self.where / "failures.jsonl").open("rb") as file:
            lines = [msgspec.json.decode(line) for line in file]
        found = {line["index"]: line["status"] for line in lines}
        assert len(found) == len(lines)
        return found

    def check_whole(self) -> None:
        """Check that every row was created once, and that every file says so."""
        assert self.created() == Counter(range(ROWS))
        assert sorted(self.results()) == [*range(ROWS)]
        assert not self.failures()
        status = self.status()
        assert (status.finished, status.succeeded) == (True, ROWS)


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Cramped]:
    with Simulator(limit=1_000_000, latency=0.15) as sim:
        yield Cramped(tmp_path, sim)


@pytest.mark.parametrize("size", [150_000, 200_000, 300_000, 333_333])
def test_answers_are_kept_until_there_is_room_for_them(
    cramped: Cramped, size: int
) -> None:
    cramped.rows()
    told = cramped.run(size, returns=True)

    assert (told["ended"], told["resumable"]) == ("JournalError", True)
    assert "run.db cannot be written: " in told["error"]
    assert (told["unwritten"], told["unknown"]) == (0, 0)
    status = cramped.status()
    assert (status.in_doubt, status.ended) == (0, "JournalError")
    assert told["succeeded"] == status.succeeded == cramped.created().total() > 0
    assert status.succeeded < ROWS
    assert cramped.run(ALL)["ended"] == "finished"
    cramped.check_whole()


@pytest.mark.parametrize("size", [150_000, 200_000, 300_000, 333_333])
def test_what_finds_no_room_is_counted_and_not_sent_again(
    cramped: Cramped, size: int
) -> None:
    cramped.rows()
    told = cramped.run(size)

    lost = told["unwritten"]
    assert told["ended"] == "JournalError"
    assert lost > 0
    assert f"{lost:,} answered rows are not on disk" in told["error"]
    status = cramped.status()
    assert told["succeeded"] == cramped.created().total() == status.succeeded + lost
    assert status.in_doubt >= lost
    again = cramped.run(ALL)
    assert again["ended"] == "finished"
    assert cramped.created() == Counter(range(ROWS))
    assert again["unknown"] == lost
    failures = cramped.failures()
    assert [*failures.values()] == ["unknown"] * lost
    assert sorted([*cramped.results(), *failures]) == [*range(ROWS)]
    assert cramped.status().unknown == lost


def test_a_disk_that_stays_full_is_resumed_again_and_again(cramped: Cramped) -> None:
    cramped.rows()
    sizes = range(120_000, 520_000, 100_000)
    lost = sum(cramped.run(size)["unwritten"] for size in sizes)

    again = cramped.run(ALL)
    assert again["ended"] == "finished"
    assert again["unknown"] == lost > 0
    assert cramped.created() == Counter(range(ROWS))


def test_a_run_that_finds_no_room_to_begin_changes_nothing(cramped: Cramped) -> None:
    cramped.rows()
    told = cramped.run(20_000)
    assert (told["ended"], told["resumable"]) == ("JournalError", True)
    assert "run.db cannot be written: disk I/O" in told["error"]
    assert not cramped.created()
    assert cramped.run(ALL)["ended"] == "finished"
    cramped.check_whole()


@pytest.mark.parametrize("size", [33_000, 40_000])
def test_a_disk_that_is_still_full_ends_a_resumed_job_early(
    cramped: Cramped, size: int
) -> None:
    cramped.rows()
    cramped.run(200_000)
    told = cramped.run(size)

    assert (told["ended"], told["resumable"]) == ("JournalError", True)
    assert "cannot be written: " in told["error"]
    assert cramped.run(ALL)["ended"] == "finished"
    assert cramped.created() == Counter(range(ROWS))


def test_lines_of_results_that_cannot_be_opened_stay_in_the_journal(
    cramped: Cramped,
) -> None:
    cramped.rows(key=2_000)
    cramped.run(4_000_000)
    results = cramped.where / "results.csv"
    results.rename(cramped.where / "elsewhere")
    results.mkdir()
    told = cramped.run(ALL)
    assert told["ended"] == "JournalError"
    assert "Is a directory" in told["error"]
    results.rmdir()
    (cramped.where / "elsewhere").rename(results)
    assert cramped.run(ALL)["ended"] == "finished"
    cramped.check_whole()


def test_repeatable_rows_are_sent_again(cramped: Cramped) -> None:
    ids = [cramped.sim.store.create("tickets", {}).id for _ in range(ROWS)]
    with (cramped.where / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["id", "subject"], *([one, place] for place, one in enumerate(ids))]
        )
    assert cramped.run(200_000, verb="update")["unwritten"] > 0
    again = cramped.run(ALL, verb="update")

    assert (again["ended"], again["succeeded"]) == ("finished", ROWS)
    assert cramped.created() == Counter(range(ROWS))


# ---- the files of outcomes


@pytest.mark.parametrize("returns", [True, False])
def test_results_that_find_no_room_are_kept_in_the_journal(
    cramped: Cramped, *, returns: bool
) -> None:
    cramped.rows(key=2_000)
    told = cramped.run(4_000_000, returns=returns)

    assert told["ended"] == "JournalError"
    assert "results.csv cannot be written: [Errno 27] File too large" in told["error"]
    assert (told["unwritten"], told["unknown"], told["failed"]) == (0, 0, 0)
    status = cramped.status()
    assert status.in_doubt == 0
    assert status.succeeded == told["succeeded"] == cramped.created().total() < ROWS
    lines = len(cramped.results())
    if returns:
        assert lines == status.succeeded
    else:
        kept = status.succeeded - lines
        assert kept > 0
        assert f"keeps the {kept:,} lines that are missing there" in told["error"]
        assert "results.csv cannot be written" in (status.message or "")
    assert cramped.run(ALL)["ended"] == "finished"
    cramped.check_whole()


def test_failures_that_find_no_room_are_kept_in_the_journal(cramped: Cramped) -> None:
    cramped.rows(value=2_000, bad=True)
    told = cramped.run(4_000_000)

    assert told["ended"] == "JournalError"
    assert "failures.jsonl cannot be written" in told["error"]
    status = cramped.status()
    assert told["failed"] == status.failed > len(cramped.failures())
    assert (status.in_doubt, told["unwritten"]) == (0, 0)
    assert cramped.run(ALL)["ended"] == "finished"
    assert cramped.failures() == dict.fromkeys(range(ROWS), "failed")
    assert not cramped.created()
    requests = sum("/batch/" in received.path for received in cramped.sim.requests)
    assert requests == ROWS / 100


@pytest.mark.parametrize("returns", [True, False])
def test_without_a_journal_what_is_missing_is_counted(
    cramped: Cramped, *, returns: bool
) -> None:
    cramped.rows(key=2_000)
    told = cramped.run(4_000_000, returns=returns, journal="none")

    assert (told["ended"], told["resumable"]) == ("JournalError", False)
    created, lines = cramped.created(), cramped.results()
    assert told["succeeded"] == created.total() < ROWS
    assert len(lines) + told["unwritten"] == created.total()
    assert (told["unwritten"] == 0) is returns
    assert len({*lines}) == len(lines)
    if not returns:
        lack = f"The output files lack {told['unwritten']:,} answered rows"
        assert lack in told["error"]

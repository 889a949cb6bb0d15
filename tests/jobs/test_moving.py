"""Journals that are moved, copied, renamed and opened by others between kills.

Real processes of the command line, real signals; HubSpot is the simulator.
"""

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import orjson
import pytest

from hubbatch.simulator import Simulator
from hubbatch.simulator.received import Received
from tests.processes import TREE, untraced


ROWS = 4_000


class Mover:
    """A create of tickets, its journal, and whatever happens to that."""

    def __init__(self, where: Path, seed: int = 1) -> None:
        self.where = where
        self.chance = Random(seed)
        self.sim = Simulator(
            seed=seed, limit=1_000_000, latency=0.1, on_request=self._count
        )
        self._left = 0
        self._enough = threading.Event()
        with (where / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [["subject"], *([place] for place in range(ROWS))]
            )

    def _count(self, received: Received) -> None:
        if "/batch/" in received.path:
            self._left -= 1
            if self._left <= 0:
                self._enough.set()

    def _environment(self, token: str | None = None) -> dict[str, str]:
        return {
            **untraced(PYTHONPATH=str(TREE)),
            "HUBSPOT_ACCESS_TOKEN": token or self.sim.token,
            "HUBBATCH_BASE_URL": self.sim.url,
        }

    def command(self, *words: object) -> list[str]:
        start = "from hubbatch.cli import main; main()"
        return [sys.executable, "-c", start, *map(str, words)]

    def create(self, journal: Path) -> list[str]:
        """Name the command; the files of outcomes are beside the real journal."""
        folder = Path(os.path.realpath(journal)).parent
        return self.command(
            *("create", "tickets", self.where / "rows.csv", "--journal", journal),
            *("--results", folder / "results.csv", "--max-concurrency", 4),
            *("--failures", folder / "failures.jsonl", "--rate-limit", 1_000_000),
        )

    def run(self, command: list[str], token: str | None = None) -> tuple[int, str]:
        """Run a command to its end; return its status and what it said."""
        done = subprocess.run(  # noqa: S603 -- our own
            command,
            env=self._environment(token),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    @contextmanager
    def start(self, journal: Path, requests: int) -> "Iterator[subprocess.Popen[str]]":
        """Start the job, until so many requests have arrived; at last it is killed."""
        self._enough.clear()
        self._left = requests
        process = subprocess.Popen(  # noqa: S603 -- our own
            self.create(journal),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert self._enough.wait(60), "it has sent too little"
            yield process
        finally:
            process.kill()
            process.communicate()

    def killed(self, journal: Path, requests: int) -> None:
        with self.start(journal, requests):
            pass

    def sent(self, token: str) -> int:
        """Count the batch calls with a token: others may be of a killed process."""
        shown = f"Bearer {token}"
        return sum(
            "/batch/" in received.path and received.headers["Authorization"] == shown
            for received in self.sim.requests
        )

    def check_refused(self, journal: Path, *words: str) -> None:
        """Check that nothing is done with a journal, and why."""
        token = self.sim.issue_token()
        page = self.where / "report.html"
        for command in (
            self.command("status", journal),
            self.command("report", journal, "-o", page),
            self.create(journal),
        ):
            before = contents(journal.parent)
            status, said = self.run(command, token)
            assert status == 2, said
            for word in words:
                assert word in " ".join(said.split()), said
            after = contents(journal.parent)
            after.pop(journal.name + ".lock", None)
            before.pop(journal.name + ".lock", None)
            assert after == before
        assert self.sent(token) == 0

    def created(self) -> Counter[int]:
        records = self.sim.store.all("tickets")
        return Counter(int(record.properties["subject"]) for record in records)

    def check_finished(self, journal: Path) -> None:
        """Let the job end; check that nothing is doubled and all adds up."""
        status, said = self.run(self.create(journal))
        assert status in (0, 1), said
        created = self.created()
        assert max(created.values()) == 1, "a create was doubled"
        folder = Path(os.path.realpath(journal)).parent
        with (folder / "results.csv").open(newline="") as file:
            results = [int(line["index"]) for line in csv.DictReader(file)]
        with (folder / "failures.jsonl").open("rb") as file:
            failures = {one["index"]: one for one in map(orjson.loads, file)}
        assert sorted([*results, *failures]) == [*range(ROWS)]
        assert {one["status"] for one in failures.values()} <= {"unknown"}
        assert {*created} >= {*results}
        status, said = self.run(self.command("status", journal, "--json"))
        told = orjson.loads(said)
        assert (status, told["finished"]) == (0, True)
        assert told["succeeded"] == len(results)
        assert told["unknown"] == len(failures)


def contents(folder: Path) -> dict[str, bytes]:
    """Read the files of a directory; SQLite's shared memory is no content."""
    return {
        one.name: one.read_bytes()
        for one in folder.iterdir()
        if one.is_file() and not one.name.endswith("-shm")
    }


@pytest.fixture
def mover(tmp_path: Path) -> Iterator[Mover]:
    mover = Mover(tmp_path)
    with mover.sim:
        yield mover


def beside(journal: Path, ending: str) -> Path:
    return journal.with_name(journal.name + ending)


def move(journal: Path, folder: Path, *endings: str) -> Path:
    """Move files of a journal, and its files of outcomes, into a new directory."""
    folder.mkdir()
    for ending in endings:
        if beside(journal, ending).exists():
            beside(journal, ending).rename(folder / (journal.name + ending))
    for name in ("results.csv", "failures.jsonl"):
        shutil.copy(journal.parent / name, folder / name)
    return folder / journal.name


def test_after_a_kill_it_can_be_looked_at_and_resumed(mover: Mover) -> None:
    journal = mover.where / "run.db"
    mover.killed(journal, 9)
    before = contents(mover.where)
    page = mover.where / "report.html"
    for _ in range(2):
        status, said = mover.run(mover.command("status", journal))
        assert (status, "killed" in said) == (0, True), said
        status, said = mover.run(mover.command("report", journal, "-o", page))
        assert status == 0, said
        page.unlink()
        assert contents(mover.where) == before
    mover.check_finished(journal)


@pytest.mark.parametrize("requests", [1, 9])
def test_a_journal_that_was_moved_alone_is_refused(mover: Mover, requests: int) -> None:
    journal = mover.where / "run.db"
    mover.killed(journal, requests)
    alone = move(journal, mover.where / "elsewhere", "")
    missing = str(beside(alone, "-wal"))
    mover.check_refused(alone, missing, "is missing", "side by side")
    mover.check_refused(journal, str(beside(journal, "-wal")), "is missing or empty")
    beside(alone, "-wal").touch()
    mover.check_refused(alone, missing, "is empty or damaged")
    beside(journal, "-wal").rename(beside(alone, "-wal"))
    mover.check_finished(alone)


def test_a_copy_of_a_running_journal_alone_is_refused(mover: Mover) -> None:
    journal = mover.where / "run.db"
    with mover.start(journal, 5) as process:
        (mover.where / "copy").mkdir()
        for name in ("run.db", "results.csv", "failures.jsonl"):
            shutil.copy(mover.where / name, mover.where / "copy" / name)
        copy = mover.where / "copy" / "run.db"
        status, said = mover.run(mover.command("status", copy))
        assert (status, "is missing" in said) == (2, True), said
        process.communicate(timeout=60)
    assert process.returncode == 0
    mover.check_refused(copy, str(beside(copy, "-wal")), "is missing")
    mover.check_finished(journal)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_journal_that_was_closed_may_be_moved_alone(mover: Mover, name: str) -> None:
    journal = mover.where / "run.db"
    with mover.start(journal, 9) as process:
        process.send_signal(getattr(signal, name))
        process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name)
    assert not beside(journal, "-wal").exists()
    moved = move(journal, mover.where / "elsewhere", "")
    mover.check_finished(moved)
    mover.check_finished(move(moved, mover.where / "again", ""))


def test_one_journal_runs_once_by_whatever_name(mover: Mover) -> None:
    journal = mover.where / "run.db"
    (mover.where / "linked").symlink_to(mover.where, target_is_directory=True)
    (mover.where / "symbolic.db").symlink_to(journal)
    with mover.start(journal, 2) as process:
        process.send_signal(signal.SIGSTOP)
        (mover.where / "hard.db").hardlink_to(journal)
        beside(journal, ".lock").unlink()
        for other in (
            journal,
            mover.where / "linked" / "run.db",
            mover.where / "symbolic.db",
            Path(os.path.relpath(journal)),
        ):
            status, said = mover.run(mover.create(other))
            assert (status, "is locked" in said) == (2, True), said
        status, said = mover.run(mover.create(mover.where / "hard.db"))
        assert (status, "is locked" in said) == (2, True), said
    for other in (mover.where / "symbolic.db", mover.where / "linked" / "run.db"):
        mover.killed(other, 2)
    mover.check_refused(mover.where / "hard.db", "hard.db-wal", "is missing")
    mover.check_finished(Path(os.path.relpath(journal)))


def befall(mover: Mover, journal: Path, folder: Path) -> Path:
    """Let something happen to a journal; give where it is afterwards."""
    then = mover.chance.choice(["move", "alone", "copy", "look", "open", "backup"])
    if then == "move":
        return move(journal, folder, "", "-wal", "-shm")
    if then == "alone" and beside(journal, "-wal").exists():
        moved = move(journal, folder, "")
        mover.check_refused(moved, "run.db-wal")
        beside(journal, "-wal").rename(beside(moved, "-wal"))
        return moved
    if then == "copy":
        shutil.copytree(journal.parent, folder, symlinks=True)
        return folder / journal.name
    if then == "look":
        before = contents(journal.parent)
        assert mover.run(mover.command("status", journal))[0] == 0
        assert contents(journal.parent) == before
    if then == "open":  # somebody's own tool, which may write
        with closing(sqlite3.connect(journal)) as connection:
            assert [*connection.execute("PRAGMA quick_check")] == [("ok",)]
    if then == "backup":  # SQLite's own copy is whole
        moved = move(journal, folder)
        with (
            closing(sqlite3.connect(journal)) as connection,
            closing(sqlite3.connect(moved)) as copy,
        ):
            connection.backup(copy)
        return moved
    return journal


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [2, 5])
def test_whatever_happens_to_a_journal_no_create_is_doubled(
    tmp_path: Path, seed: int
) -> None:
    mover = Mover(tmp_path, seed)
    chance = mover.chance
    home = tmp_path / "0"
    home.mkdir()
    journal = home / "run.db"
    with mover.sim:
        for turn in range(1, 8):
            name = journal
            if chance.random() < 0.4 and journal.exists():
                name = journal.with_name(f"other{turn}.db")
                name.symlink_to(journal.name)
            how = chance.choice(["kill", "kill", "kill", "stop", "twice"])
            with mover.start(name, chance.randint(1, 5)) as process:
                if chance.random() < 0.4:
                    beside(journal, ".lock").unlink()
                if how == "twice":
                    process.send_signal(signal.SIGSTOP)
                    said = mover.run(mover.create(journal))
                    assert (said[0], "is locked" in said[1]) == (2, True), said
                process.send_signal(signal.SIGTERM if how == "stop" else signal.SIGKILL)
            journal = befall(mover, journal, tmp_path / str(turn))
        mover.check_finished(journal)

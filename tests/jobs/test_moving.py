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
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random

import msgspec
import pytest

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status, write_report
from hubbatch.jobs.journal.job_lock import JobLock
from hubbatch.jobs.journal.journal_reader import look
from hubbatch.jobs.journal.row_states import KnownRow
from hubbatch.jobs.journal.store import Store
from hubbatch.simulator import Simulator
from hubbatch.simulator.server.received import Received
from tests.processes import TREE, untraced


pytestmark = pytest.mark.slow


ROWS = 4_000


class Mover:
    """A create of tickets, and its journal, to which things happen."""

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
        start = "from hubbatch_entry import main; main()"
        return [sys.executable, "-c", start, *map(str, words)]

    def create(self, journal: Path) -> list[str]:
        """Return the command; the output files are beside the real journal."""
        folder = Path(os.path.realpath(journal)).parent
        return self.command(
            *("create", "tickets", self.where / "rows.csv", "--journal", journal),
            *("--results", folder / "results.csv", "--max-concurrency", 4),
            *("--failures", folder / "failures.jsonl", "--rate-limit", 1_000_000),
        )

    def run(self, command: list[str], token: str | None = None) -> tuple[int, str]:
        """Run a command to its end; return its status and its output."""
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
        """Start the job, wait for a number of requests, and kill it at the end."""
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

    def wait(self, requests: int) -> None:
        """Wait for a number of further requests."""
        self._enough.clear()
        self._left = requests
        assert self._enough.wait(60), "it has sent too little"

    def killed(self, journal: Path, requests: int) -> None:
        with self.start(journal, requests):
            pass

    def sent(self, token: str) -> int:
        """Count the batch calls with a token: others may be a killed process's."""
        shown = f"Bearer {token}"
        return sum(
            "/batch/" in received.path and received.headers["Authorization"] == shown
            for received in self.sim.requests
        )

    def check_refused(self, journal: Path, *words: str) -> None:
        """Check that readers and jobs refuse a journal, say why, and change nothing."""
        page = self.where / "report.html"
        before = contents(journal.parent)
        for call in (
            lambda: read_status(journal),
            lambda: write_report(journal, page),
            lambda: Store.open(journal),
        ):
            with pytest.raises(JournalError) as refused:
                call()
            for word in words:
                assert word in str(refused.value)
            assert contents(journal.parent) == before
            assert not page.exists()

    def check_command_refused(self, journal: Path, *words: str) -> None:
        """Check the same with the command; it sends nothing."""
        token = self.sim.issue_token()
        self.check_refused(journal, *words)
        status, said = self.run(self.create(journal), token)
        assert status == 2, said
        for word in words:
            assert word in " ".join(said.split()), said
        assert self.sent(token) == 0
        self.check_refused(journal, *words)

    def created(self) -> Counter[int]:
        records = self.sim.store.all("tickets")
        return Counter(int(record.properties["subject"]) for record in records)

    def check_finished(self, journal: Path) -> None:
        """Let the job finish; check that nothing is doubled and the counts agree."""
        status, said = self.run(self.create(journal))
        assert status in (0, 1), said
        created = self.created()
        assert max(created.values()) == 1, "a create was doubled"
        folder = Path(os.path.realpath(journal)).parent
        with (folder / "results.csv").open(newline="") as file:
            results = [int(line["index"]) for line in csv.DictReader(file)]
        with (folder / "failures.jsonl").open("rb") as file:
            failures = {one["index"]: one for one in map(msgspec.json.decode, file)}
        assert sorted([*results, *failures]) == [*range(ROWS)]
        assert {one["status"] for one in failures.values()} <= {"unknown"}
        assert {*created} >= {*results}
        found = read_status(journal)
        assert found.finished
        assert (found.succeeded, found.unknown) == (len(results), len(failures))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a directory, without SQLite's shared memory."""
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


def known(journal: Path) -> list[KnownRow]:
    """Return the rows that a journal knows, with their states."""
    return look(journal, lambda one: one.block(0, ROWS))


def move(journal: Path, folder: Path, *endings: str) -> Path:
    """Move files of a journal, and its output files, to a new directory."""
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
    status, said = mover.run(mover.command("status", journal))
    assert (status, "killed" in said) == (0, True), said
    assert contents(mover.where) == before
    for _ in range(2):
        assert read_status(journal).running is False
        write_report(journal, page)
        page.unlink()
        assert contents(mover.where) == before
    mover.check_finished(journal)


@pytest.mark.parametrize("requests", [1, 9])
def test_a_journal_that_was_moved_alone_is_refused(mover: Mover, requests: int) -> None:
    journal = mover.where / "run.db"
    mover.killed(journal, requests)
    alone = move(journal, mover.where / "elsewhere", "")
    missing = str(beside(alone, "-wal"))
    mover.check_command_refused(alone, missing, "is missing", "side by side")
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
        mover.check_refused(copy, str(beside(copy, "-wal")), "is missing")
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
            mover.where / "hard.db",
            Path(os.path.relpath(journal)),
        ):
            lock = JobLock(other)
            with pytest.raises(JournalError, match="is locked"):
                lock.acquire()
        status, said = mover.run(mover.create(mover.where / "hard.db"))
        assert (status, "is locked" in said) == (2, True), said
    for other in (mover.where / "symbolic.db", mover.where / "linked" / "run.db"):
        mover.killed(other, 2)
    mover.check_refused(mover.where / "hard.db", "hard.db-wal", "is missing")
    mover.check_finished(Path(os.path.relpath(journal)))


def mishap(mover: Mover, journal: Path, folder: Path) -> Path:
    """Do something to a journal; return its path afterwards."""
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
        read_status(journal)
        assert contents(journal.parent) == before
    if then == "open":  # another tool, which may write
        with closing(sqlite3.connect(journal)) as connection:
            assert [*connection.execute("PRAGMA quick_check")] == [("ok",)]
    if then == "backup":  # SQLite's own copy is complete
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
                # On a slow machine the job may have ended since, and its lock is gone.
                if chance.random() < 0.4:
                    beside(journal, ".lock").unlink(missing_ok=True)
                if how == "twice" and process.poll() is None:
                    process.send_signal(signal.SIGSTOP)
                    lock = JobLock(journal)
                    with pytest.raises(JournalError, match="is locked"):
                        lock.acquire()
                process.send_signal(signal.SIGTERM if how == "stop" else signal.SIGKILL)
            journal = mishap(mover, journal, tmp_path / str(turn))
        mover.check_finished(journal)


# ---- other programs at a running journal


class Others(threading.Thread):
    """Programs that write to a journal and checkpoint it while a job runs."""

    STATEMENTS = (
        "ANALYZE",
        "CREATE TABLE IF NOT EXISTS mine (number INT)",
        "INSERT OR IGNORE INTO answer VALUES (-1, 0)",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(FULL)",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    )

    def __init__(self, journal: Path, seed: int) -> None:
        super().__init__(daemon=True)
        self.done: Counter[str] = Counter()
        self.enough = threading.Event()
        self._journal = journal
        self._chance = Random(seed)
        self._open: list[sqlite3.Connection] = []

    def run(self) -> None:
        while not self.enough.is_set():
            # Each with a new connection, whose figures for the -wal are its own. None
            # is closed: closing the last one would complete the file.
            connection = sqlite3.connect(
                self._journal, isolation_level=None, timeout=0, check_same_thread=False
            )
            self._open.append(connection)
            statement = self._chance.choice(self.STATEMENTS)
            with suppress(sqlite3.OperationalError):  # locked at the moment
                connection.execute(statement).fetchall()
                self.done[statement] += 1
            self.enough.wait(self._chance.uniform(0, 0.02))

    def stop(self) -> None:
        self.enough.set()
        self.join()

    def close(self) -> None:
        for connection in self._open:
            connection.close()


@pytest.mark.timeout(300)
def test_other_programs_do_not_make_the_file_of_a_run_look_whole(mover: Mover) -> None:
    journal = mover.where / "run.db"
    done: Counter[str] = Counter()
    for kill in range(3):
        with mover.start(journal, 2):
            others = Others(journal, kill)
            others.start()
            mover.wait(4)
            if kill:  # what they do after the kill may complete it
                others.stop()
        others.stop()
        done += others.done
        copies = []
        for name, endings in (("alone", [""]), ("both", ["", "-wal"])):
            folder = mover.where / f"{name}{kill}"
            folder.mkdir()
            for ending in endings:
                if beside(journal, ending).exists():
                    shutil.copy(beside(journal, ending), folder / f"run.db{ending}")
            copies.append(folder / "run.db")
        others.close()
        alone, both = copies
        expected = known(both)
        assert expected
        Store.open(both).close()
        assert known(both) == expected
        if kill:
            mover.check_refused(alone, "is missing")
        else:
            with suppress(JournalError):
                assert known(alone) == expected
    assert {*done} == {*Others.STATEMENTS}
    mover.check_finished(journal)

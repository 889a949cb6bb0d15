"""One process at a time."""

import os
import shutil
import sqlite3
import subprocess
import sys

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from hubbatch.errors import ConfigurationError, JournalError
from hubbatch.jobs.journal import job_lock
from hubbatch.jobs.journal.job_lock import JobLock, in_use, is_locked


HOLD = """
import sys
from pathlib import Path
from hubbatch.jobs.journal.job_lock import JobLock
lock = JobLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lock, "_PATIENCE", 0.0)
    path = tmp_path / "run.db"
    assert is_locked(path) is False
    assert not [*tmp_path.iterdir()]  # checking changes nothing
    first = JobLock(path)
    first.acquire()

    assert is_locked(path) is True
    with pytest.raises(JournalError, match=r"run\.db is locked: another process"):
        JobLock(path).acquire()
    first.release()
    assert is_locked(path) is False
    JobLock(path).acquire()


def test_a_lock_dies_with_its_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_lock, "_PATIENCE", 0.0)
    path = tmp_path / "run.db"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(  # noqa: S603 -- our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_locked(path) is True
        with pytest.raises(JournalError):
            JobLock(path).acquire()
        holder.kill()
    assert is_locked(path) is False
    JobLock(path).acquire()


def test_without_locks_the_state_is_unknown(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.db.lock").mkdir()

    assert is_locked(tmp_path / "run.db") is None
    with pytest.raises(JournalError, match="cannot be locked"):
        JobLock(tmp_path / "run.db").acquire()


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hubbatch\[jobs\]'"):
        JobLock(tmp_path / "run.db")
    (tmp_path / "run.db.lock").touch()
    assert is_locked(tmp_path / "run.db") is None


# ---- one journal, by whatever name


def other_names(path: Path) -> list[Path]:
    """Return other names of an existing journal, one of each kind."""
    folder = path.parent
    (folder / "linked").symlink_to(folder, target_is_directory=True)
    (folder / "deep").mkdir()
    (folder / "symbolic.db").symlink_to(path)
    (folder / "deep" / "chain.db").symlink_to("../symbolic.db")
    (folder / "hard.db").hardlink_to(path)
    return [
        folder / "linked" / path.name,
        folder / "deep" / ".." / path.name,
        folder / "symbolic.db",
        folder / "deep" / "chain.db",
        folder / "hard.db",
        Path(os.path.relpath(path)),
    ]


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the claim to a journal until it is killed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(  # noqa: S603 -- our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.slow
def test_one_journal_has_one_claim_by_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_lock, "_PATIENCE", 0.0)
    path = tmp_path / "run.db"
    path.touch()
    names = [path, *other_names(path)]
    for name in names:
        with holder(name):
            for other in names:
                assert is_locked(other) is True
                with pytest.raises(JournalError, match="perhaps by another path"):
                    JobLock(other).acquire()
        for other in names:
            assert is_locked(other) is False
    for name in names:  # in the same process too
        mine = JobLock(name)
        mine.acquire()
        for other in names:
            assert is_locked(other) is True
            with pytest.raises(JournalError, match="is locked"):
                JobLock(other).acquire()
        mine.release()
        mine.release()


def test_a_claim_survives_its_lock_file_and_dies_with_its_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_lock, "_PATIENCE", 0.0)
    path = tmp_path / "run.db"
    with holder(path):
        (tmp_path / "run.db.lock").unlink()
        assert is_locked(path) is True
        with pytest.raises(JournalError, match="is locked"):
            JobLock(path).acquire()
        moved = path.rename(tmp_path / "moved.db")
        assert is_locked(moved) is True
        with pytest.raises(JournalError, match="is locked"):
            JobLock(moved).acquire()
    mine = JobLock(moved)
    mine.acquire()  # without waiting
    mine.release()


def test_a_copy_is_another_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_lock, "_PATIENCE", 0.0)
    path = tmp_path / "run.db"
    with holder(path):
        copy = Path(shutil.copy(path, tmp_path / "copy.db"))
        lock = JobLock(copy)
        lock.acquire()
        lock.release()


def test_threads_race_for_one_claim(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    path.touch()
    known = {**job_lock._all_opened}
    names = [path, *other_names(path)]
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        won = 0
        for turn in range(20):
            lock = JobLock(names[(number + turn) % len(names)])
            with suppress(JournalError):
                lock.acquire()
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)
                lock.release()
                won += 1
            is_locked(path)
        return won

    with ThreadPoolExecutor(4) as pool:
        won = [*pool.map(work, range(4))]
    assert sum(won) == len(most) > 0
    assert max(most) == 1
    assert job_lock._all_opened == known


def test_looking_on_does_not_cost_a_process_its_locks(tmp_path: Path) -> None:
    """POSIX drops all of them when any descriptor of the file is closed."""
    path = tmp_path / "run.db"
    lock = JobLock(path)
    lock.acquire()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("BEGIN EXCLUSIVE")
        assert is_locked(path) is True
        with pytest.raises(JournalError):
            JobLock(path).acquire()
        with in_use(path):
            pass
        code = (
            "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0).execute(sys.argv[2])"
        )
        command = [sys.executable, "-c", code, str(path), "SELECT * FROM t"]
        seen = subprocess.run(  # noqa: S603 -- our own
            command, capture_output=True, text=True, check=False
        )
        assert "database is locked" in seen.stderr
    lock.release()


def test_what_cannot_be_opened_cannot_be_claimed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(JournalError, match="cannot be locked"):
        JobLock(tmp_path / "loop").acquire()
    assert is_locked(tmp_path / "loop") in (False, None)
    with in_use(tmp_path / "missing"):
        assert not (tmp_path / "missing").exists()

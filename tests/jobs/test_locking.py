"""One process at a time."""

import subprocess
import sys

from pathlib import Path

import pytest

from hubbatch.errors import ConfigurationError, JournalError
from hubbatch.jobs import locking
from hubbatch.jobs.locking import JobLock, is_locked


HOLD = """
import sys
from pathlib import Path
from hubbatch.jobs.locking import JobLock
lock = JobLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_PATIENCE", 0.0)
    path = tmp_path / "run.db"
    assert is_locked(path) is False
    assert not [*tmp_path.iterdir()]  # looking changes nothing
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
    monkeypatch.setattr(locking, "_PATIENCE", 0.0)
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


def test_where_nothing_can_be_locked_it_cannot_be_told(
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

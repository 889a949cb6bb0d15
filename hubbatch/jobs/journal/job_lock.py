"""The claim to a journal, which one process can hold; it ends with the process.

A claim consists of two locks, because neither is enough on its own:

* a lock on a file next to the journal (`run.db.lock`), on every system;
* a lock on the journal itself, so that a second name of the journal, or deleting the
  lock file, does not let a second job in. Windows does not need this one, because it
  does not allow deleting an open file.

`JobLock` holds both or neither.
"""

import os
import sys
import threading
import time

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from hubbatch.errors import ConfigurationError, JournalError


if sys.platform != "win32":
    import fcntl

# Seconds to wait for a claim, because `is_locked` takes the lock for an instant.
_PATIENCE = 0.5
_PAUSE = 0.05


class JobLock:
    """The claim to one journal, held for as long as a job uses it."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._where = Path(os.path.realpath(journal))
        # Invariant: `_lock` is held and `_claimed` is set, or neither. `_lock` is taken
        # first and released last.
        self._lock = _file_lock(self._where)
        self._claimed: _Opened | None = None

    def acquire(self) -> None:
        """Take the claim. A missing journal is created as an empty file.

        Raises:
            JournalError: If another job holds the claim, in this process or another; or
                if the file cannot be locked.
        """
        if not _taken(self._lock, self._journal, _PATIENCE):
            raise self._refusal()
        try:
            self._claim()
        except OSError as error:
            self._lock.release()
            raise JournalError(f"{self._journal} cannot be locked: {error}") from None
        except BaseException:
            self._lock.release()
            raise

    def _claim(self) -> None:
        opened = _enter(self._where, create=True)
        try:
            self._wait_for(opened)
        except BaseException:
            _leave(opened)
            raise
        self._claimed = opened

    def _wait_for(self, opened: "_Opened") -> None:
        until = time.monotonic() + _PATIENCE
        while not opened.claim():
            if time.monotonic() >= until:
                raise self._refusal()
            time.sleep(_PAUSE)
        known = self._where.stat()
        if (known.st_dev, known.st_ino) != opened.key:
            opened.release()
            raise JournalError(f"{self._journal} was just replaced: try again")

    def release(self) -> None:
        """Release the claim. Close the journal first."""
        if self._claimed is not None:
            self._claimed.release()
            _leave(self._claimed)
            self._claimed = None
        self._lock.release()

    def _refusal(self) -> JournalError:
        return JournalError(
            f"{self._journal} is locked: another process uses it, or another job of "
            "this process, perhaps by another path. Wait until that job ends"
        )


def is_locked(journal: Path) -> bool | None:
    """Return whether a job is using a journal; None if that cannot be determined."""
    where = Path(os.path.realpath(journal))
    claimed = _is_claimed(where)
    if claimed:
        return True
    beside = _is_locked_beside(where)
    return None if beside is False and claimed is None else beside


@contextmanager
def in_use(journal: Path) -> Iterator[None]:
    """Keep a journal open while SQLite reads it.

    When a process closes any descriptor of a file, POSIX drops all of its locks on that
    file, including SQLite's. This process therefore opens each journal once, for any
    number of readers, and closes it after SQLite has.
    """
    try:
        opened = _enter(Path(os.path.realpath(journal)))
    except OSError:  # SQLite reports this error better
        yield
        return
    try:
        yield
    finally:
        _leave(opened)


# ---- the lock on the journal itself


@define(eq=False)
class _Opened:
    """A journal that is open in this process, for one claim and any number of readers.

    Invariant, under `_guard`: `_all_opened` has one entry per open file, by device and
    inode; `users` counts the `_enter` calls without `_leave`, and the last `_leave`
    closes `descriptor`. `claimed` means that this process holds the exclusive lock.
    """

    descriptor: int
    key: tuple[int, int]
    users: int = 0
    claimed: bool = False

    def claim(self) -> bool:
        with _guard:
            if self.claimed or not _locked(self.descriptor, shared=False):
                return False
            self.claimed = True
            return True

    def release(self) -> None:
        with _guard:
            self.claimed = False
            _unlock(self.descriptor)

    def is_claimed(self) -> bool:
        with _guard:
            if self.claimed:
                return True
            if not _locked(self.descriptor, shared=True):
                return True
            _unlock(self.descriptor)
            return False


_guard = threading.Lock()
_all_opened: dict[tuple[int, int], _Opened] = {}  # by (device, inode)


def _enter(path: Path, *, create: bool = False) -> _Opened:
    with _guard:
        try:
            known = path.stat()
        except FileNotFoundError:
            if not create:
                raise
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            known = path.stat()
        key = (known.st_dev, known.st_ino)
        opened = _all_opened.get(key)
        if opened is None:
            opened = _Opened(os.open(path, os.O_RDONLY), key)
            _all_opened[key] = opened
        opened.users += 1
        return opened


def _leave(opened: _Opened) -> None:
    with _guard:
        opened.users -= 1
        if not opened.users:
            del _all_opened[opened.key]
            os.close(opened.descriptor)


if sys.platform == "win32":

    def _locked(descriptor: int, *, shared: bool) -> bool:  # noqa: ARG001
        return True

    def _unlock(descriptor: int) -> None:
        pass

else:

    def _locked(descriptor: int, *, shared: bool) -> bool:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_claimed(where: Path) -> bool | None:
    try:
        opened = _enter(where)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        return opened.is_claimed()
    except OSError:
        return None
    finally:
        _leave(opened)


# ---- the lock file next to it


def _is_locked_beside(where: Path) -> bool | None:
    if not _beside(where).exists():
        return False
    try:
        lock = _file_lock(where)
        free = _taken(lock, where, 0)
    except (ConfigurationError, JournalError):
        return None
    lock.release()
    return not free


def _file_lock(journal: Path) -> Any:
    try:
        from filelock import FileLock  # noqa: PLC0415 -- an extra
    except ImportError:
        raise ConfigurationError(
            "a journal needs filelock: pip install 'hubbatch[jobs]'"
        ) from None
    return FileLock(os.fspath(_beside(journal)), mode=0o600, thread_local=False)


def _beside(journal: Path) -> Path:
    return journal.with_name(journal.name + ".lock")


def _taken(lock: Any, journal: Path, patience: float) -> bool:
    try:
        lock.acquire(timeout=patience, poll_interval=_PAUSE)
    except TimeoutError:
        return False
    except (OSError, NotImplementedError) as error:
        raise JournalError(f"{journal} cannot be locked: {error}") from None
    return True

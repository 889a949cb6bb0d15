"""One process at a time: a lock beside the journal, which dies with its holder."""

import os

from pathlib import Path
from typing import Any

from hubbatch.errors import ConfigurationError, JournalError


# Somebody who only looks whether the lock is taken takes it for an instant.
_PATIENCE = 0.5


class JobLock:
    """The lock of one journal, for as long as a job works with it."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = _file_lock(journal)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            JournalError: if another job has it, in this process or in another.
        """
        if not _taken(self._lock, self._journal, _PATIENCE):
            raise JournalError(
                f"{self._journal} is locked: another process works with it"
            )

    def release(self) -> None:
        """Let go of it."""
        self._lock.release()


def is_locked(journal: Path) -> bool | None:
    """Whether a job works with a journal now; None if that cannot be told."""
    if not _beside(journal).exists():
        return False
    try:
        lock = _file_lock(journal)
        free = _taken(lock, journal, 0)
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
        lock.acquire(timeout=patience, poll_interval=0.05)
    except TimeoutError:
        return False
    except (OSError, NotImplementedError) as error:
        raise JournalError(f"{journal} cannot be locked: {error}") from None
    return True

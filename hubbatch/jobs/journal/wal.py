"""Checks that a journal's file and its `-wal` belong together.

During a run the latest commits are only in the `-wal`. If the file is moved, copied or
restored without it, those commits are missing and rows would be sent twice. The file
alone therefore records whether it needs a `-wal`, and which one.
"""

import os
import sqlite3

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from attrs import frozen

from hubbatch.errors import JournalError


_HEADER = 32  # bytes: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
_MAGIC = (0x377F0682, 0x377F0683)
_SALTS = 2**32


@frozen
class WalState:
    """The state of the `-wal`, as recorded in one view of the database.

    "Checkpoint" is SQLite's term for moving the `-wal` into the file.

    Invariants, wherever a process or a machine stops:

    * The file alone has `salt` None only if it needs no `-wal`: no run has begun, or a
      checkpoint has moved all of the `-wal` into it. Commits of a run also set None,
      but only in the `-wal`: the run pins the view of its last checkpoint, so no
      program can move later commits into the file.
    * Otherwise `salt` is the first salt of its `-wal`, or one less, because SQLite adds
      one whenever it starts the `-wal` over.
    * `checkpoints` starts at a random number and grows by one with each full checkpoint
      of a run. The file together with its `-wal` has the same number as the file alone,
      or one more.

    In the database these are the columns `folds` and `wal` of the table `job`.
    """

    checkpoints: int
    salt: int | None


def wal_of(path: Path) -> Path:
    """Return the path of a journal's `-wal`; SQLite puts it next to the real file."""
    return Path(os.path.realpath(path) + "-wal")


def salt_of(path: Path) -> int | None:
    """Return the first salt of a journal's `-wal`; None if there is no valid one."""
    try:
        with wal_of(path).open("rb") as file:
            header = file.read(_HEADER)
    except OSError:
        return None
    if len(header) < _HEADER or int.from_bytes(header[:4]) not in _MAGIC:
        return None
    return int.from_bytes(header[16:20])


def follows(salt: int, recorded: int) -> bool:
    """Return whether a `-wal` with this salt is the one that the file refers to."""
    return (salt - recorded) % _SALTS in (0, 1)


def has_wal(path: Path) -> bool:
    """Return whether a journal has a `-wal` that is not empty."""
    return _size(wal_of(path)) > 0


def version_of(path: Path) -> tuple[int, ...]:
    """Return a value that changes whenever the file or the `-wal` of a journal does."""
    version = []
    for file in (path, wal_of(path)):
        try:
            known = file.stat()
        except OSError:
            version += [0]
        else:
            version += [known.st_ino, known.st_size, known.st_mtime_ns]
    return tuple(version)


def state_of(connection: sqlite3.Connection) -> WalState | None:
    """Return the state that a connection sees; None if no job has used the journal."""
    [[known]] = connection.execute(
        "SELECT count(*) FROM pragma_table_info('job') WHERE name = 'folds'"
    )
    if not known:
        return None
    for folds, salt in connection.execute("SELECT folds, wal FROM job"):
        return WalState(folds, salt)
    return None


def check_wal(path: Path) -> int | None:
    """Check that a journal's file and its `-wal` belong together. Changes neither.

    Return `checkpoints` of the file alone; None if no job has used it.

    Raises:
        JournalError: If the `-wal` is missing, or belongs to another file.
    """
    alone = _state_alone(path)
    if alone is None:
        if not _size(path) and has_wal(path):  # SQLite would delete the -wal
            raise JournalError(
                f"{wal_of(path)} holds data of a run, but {path} is missing or empty. "
                f"Move the journal back beside it, or delete {wal_of(path).name} to "
                "begin another journal here"
            )
        return None
    if alone.salt is not None:
        _check_salt(path, alone.salt)
    if has_wal(path):
        try:
            with connected(path, "mode=ro") as connection:
                both = state_of(connection)
        except sqlite3.OperationalError as error:
            raise JournalError(
                f"{path} cannot be read together with {wal_of(path).name}: {error}"
            ) from None
        except sqlite3.DatabaseError:
            both = None
        if both is None or both.checkpoints - alone.checkpoints not in (0, 1):
            raise _strange(path)
    return alone.checkpoints


def _check_salt(path: Path, recorded: int) -> None:
    salt = salt_of(path)
    if salt is None:
        state = "is empty or damaged" if wal_of(path).exists() else "is missing"
        raise JournalError(
            f"{path} is not complete: its run has not ended, and {wal_of(path)}, which "
            f"has its latest data, {state}. Was it moved or copied alone? Put "
            "both files side by side again. Without it rows would be sent twice"
        )
    if not follows(salt, recorded):
        raise _strange(path)


def _strange(path: Path) -> JournalError:
    return JournalError(
        f"{wal_of(path)} does not belong to {path}: one of the two is from another "
        "journal, or from another point in time. Put both files back as they were "
        "together. Otherwise rows would be sent twice"
    )


def _state_alone(path: Path) -> WalState | None:
    if not _size(path):
        return None
    try:
        # SQLite reads an immutable file as it is and looks for no -wal.
        with connected(path, "mode=ro&immutable=1") as connection:
            return state_of(connection)
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path} cannot be opened: {error}") from None
    except sqlite3.DatabaseError:
        # Not a journal; or the very first checkpoint was cut off, so nothing was sent.
        return None


def connect(path: Path, query: str) -> sqlite3.Connection:
    """Open a database with the parameters of a SQLite URI (`mode=ro`)."""
    where = f"file:{quote(os.fsencode(path.absolute()))}?{query}"
    return sqlite3.connect(where, uri=True, isolation_level=None)


@contextmanager
def connected(path: Path, query: str) -> Iterator[sqlite3.Connection]:
    """Open a database like `connect`, and close it on exit."""
    with closing(connect(path, query)) as connection:
        yield connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

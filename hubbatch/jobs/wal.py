"""What ties a journal's file to its `-wal`: together they are the journal.

During a run the last commits are in the `-wal` only. The bond lets the file alone say
so, and recognize the `-wal` that belongs to it.
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
class Bond:
    """The bond, as one view of the database has it.

    Invariants, wherever a process or a machine stops:

    * The file alone has `wal` None only if it needs no `-wal`: no run has begun, or
      SQLite has moved all of the `-wal` into it.
      Commits of a run say so in the `-wal`, where the run pins them: a view of its
      own, at the last fold, keeps every program from moving them.
    * Otherwise `wal` is the first salt of its `-wal`, or one less: SQLite adds one
      whenever it starts the `-wal` over.
    * `folds` starts at a random number and grows by one each time that the `-wal` is
      moved into the file during a run. The file together with its `-wal` has the
      number of the file alone, or one more.
    """

    folds: int
    wal: int | None


def wal_of(path: Path) -> Path:
    """Return the path of a journal's `-wal`: SQLite puts it beside the real file."""
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


def follows(salt: int, wal: int) -> bool:
    """Return whether a `-wal` with this salt is the one that `Bond.wal` names."""
    return (salt - wal) % _SALTS in (0, 1)


def has_wal(path: Path) -> bool:
    """Return whether a journal has a `-wal` with content."""
    return _size(wal_of(path)) > 0


def version_of(path: Path) -> tuple[int, ...]:
    """Return what differs when the file or the `-wal` of a journal has changed."""
    version = []
    for one in (path, wal_of(path)):
        try:
            known = one.stat()
        except OSError:
            version += [0]
        else:
            version += [known.st_ino, known.st_size, known.st_mtime_ns]
    return tuple(version)


def bond_of(connection: sqlite3.Connection) -> Bond | None:
    """Return the bond that a connection sees; None if no job has begun the journal."""
    [[known]] = connection.execute(
        "SELECT count(*) FROM pragma_table_info('job') WHERE name = 'folds'"
    )
    if not known:
        return None
    for folds, wal in connection.execute("SELECT folds, wal FROM job"):
        return Bond(folds, wal)
    return None


def check_bond(path: Path) -> int | None:
    """Check that a journal's file and its `-wal` belong together. Change neither.

    Return the `folds` of the file alone; None if no job has begun it.

    Raises:
        JournalError: If the `-wal` is missing, or is not the file's own.
    """
    alone = _bond_alone(path)
    if alone is None:
        if not _size(path) and has_wal(path):  # SQLite would remove it
            raise JournalError(
                f"{wal_of(path)} has what a run wrote, but {path} is missing or empty. "
                f"Move the journal back beside it, or remove {wal_of(path).name} if "
                "another journal is to begin here"
            )
        return None
    if alone.wal is not None:
        _check_salt(path, alone.wal)
    if has_wal(path):
        try:
            with connected(path, "mode=ro") as connection:
                both = bond_of(connection)
        except sqlite3.OperationalError as error:
            raise JournalError(
                f"{path} cannot be read together with {wal_of(path).name}: {error}"
            ) from None
        except sqlite3.DatabaseError:
            both = None
        if both is None or both.folds - alone.folds not in (0, 1):
            raise _strange(path)
    return alone.folds


def _check_salt(path: Path, wal: int) -> None:
    salt = salt_of(path)
    if salt is None:
        state = "is empty or damaged" if wal_of(path).exists() else "is missing"
        raise JournalError(
            f"{path} is not whole: its run has not ended, and {wal_of(path)}, which "
            f"has what that run did last, {state}. Was it moved or copied alone? Put "
            "both files side by side again. Without it rows would be sent twice"
        )
    if not follows(salt, wal):
        raise _strange(path)


def _strange(path: Path) -> JournalError:
    return JournalError(
        f"{wal_of(path)} does not belong to {path}: one of the two is of another "
        "journal, or of another moment. Put both files back as they were together. "
        "Otherwise rows would be sent twice"
    )


def _bond_alone(path: Path) -> Bond | None:
    if not _size(path):
        return None
    try:
        # SQLite takes a file that cannot change as it is, and looks for no -wal.
        with connected(path, "mode=ro&immutable=1") as connection:
            return bond_of(connection)
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path} cannot be opened: {error}") from None
    except sqlite3.DatabaseError:
        # No journal; or the very first fold was cut off, so that nothing was sent.
        return None


def connect(path: Path, how: str) -> sqlite3.Connection:
    """Open a database in the way that SQLite's URI parameter `how` says."""
    where = f"file:{quote(os.fsencode(path.absolute()))}?{how}"
    return sqlite3.connect(where, uri=True, isolation_level=None)


@contextmanager
def connected(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    """Open a database as `connect` does, and close it."""
    with closing(connect(path, how)) as connection:
        yield connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""What a journal on the disk says: one SQLite file, also while a job writes to it."""

import sqlite3

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson

from attrs import astuple

from hubbatch.errors import JournalError

from .identity import Identity
from .job_lock import in_use
from .measurements import WARNING, Example, Reason
from .states import RowState
from .wal import check_bond, connect, has_wal, version_of


T = TypeVar("T")

# So often a view is taken again because the journal has changed meanwhile.
_LOOKS = 10
# "hubj" in ASCII: by it a file is known to be a journal, and not the user's data.
APPLICATION_ID = 0x6875626A
SCHEMA_VERSION = 2
# SQLite's own clock.
NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_RUNS = f"""
SELECT count(*) runs, ifnull(sum(requests), 0) requests,
    ifnull(sum(retries), 0) retries, ifnull(sum(throttled), 0) throttled,
    ifnull(sum(seconds), 0.0) seconds,
    (SELECT ifnull(sum(count), 0) FROM reason WHERE status = '{WARNING}') warnings,
    ifnull(min(started_at), {NOW}) started_at,
    ifnull(max(updated_at), {NOW}) updated_at,
    (SELECT ended FROM run ORDER BY id DESC LIMIT 1) ended,
    (SELECT message FROM run ORDER BY id DESC LIMIT 1) message
FROM run
"""  # noqa: S608 -- nobody's input


class Reader:
    """An open journal, to be looked into. All of it runs in one thread.

    Attributes:
        path: the journal.
        live: whether it may be written meanwhile without spoiling this view.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.live: bool = True
        self._connection = connection

    @classmethod
    def read_only(cls, path: Path) -> Self:
        """Open a journal to look into it, also while a job writes. Change nothing.

        Raises:
            JournalError: If there is none, or its `-wal` is missing.
        """
        check_bond(path)
        # SQLite would create a -wal and leave it behind. A file without one is whole.
        live = has_wal(path)
        try:
            connection = connect(path, "mode=ro" if live else "mode=ro&immutable=1")
        except sqlite3.Error as error:
            raise JournalError(f"{path} cannot be opened: {error}") from None
        store = cls(path, connection)
        store.live = live
        try:
            store.check()
            store._check_begun()
            connection.execute("BEGIN")  # one view of it, whatever is written meanwhile
        except BaseException:
            connection.close()
            raise
        return store

    def check(self) -> None:
        """Make sure that it is a journal, of this version, or nothing yet.

        Raises:
            JournalError: if it is neither.
        """
        try:
            [[application]] = self._connection.execute("PRAGMA application_id")
            [[version]] = self._connection.execute("PRAGMA user_version")
            [[tables]] = self._connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError as error:  # a word about the disk, or a lock
            raise JournalError(f"{self.path} cannot be read: {error}") from None
        except sqlite3.Error as error:
            raise JournalError(f"{self.path} is not a journal: {error}") from None
        if not tables and not application:
            return
        if application != APPLICATION_ID:
            raise JournalError(f"{self.path} is not a journal, but another database")
        if version != SCHEMA_VERSION:
            raise JournalError(
                f"{self.path} was written by another version of hubbatch (format "
                f"{version}, this one reads {SCHEMA_VERSION})"
            )

    def _check_begun(self) -> None:
        if self.is_new():
            raise JournalError(f"{self.path} is not a journal yet: nothing has begun")

    def is_new(self) -> bool:
        """Whether no job has begun it."""
        [[tables]] = self._connection.execute("SELECT count(*) FROM sqlite_master")
        return not tables

    def identity(self) -> Identity:
        """Give the job that it is of."""
        [row] = self._connection.execute(
            "SELECT verb, object_type, source, fingerprint, options FROM job"
        )
        outputs = self._connection.execute("SELECT name, path FROM output")
        return Identity(
            verb=row[0],
            object_type=row[1],
            source=row[2],
            fingerprint=row[3],
            options=orjson.loads(row[4]),
            outputs=dict(outputs.fetchall()),
        )

    def portal_id(self) -> int | None:
        """Give the account that it is of, if that is known."""
        [[portal_id]] = self._connection.execute("SELECT portal_id FROM job")
        return portal_id  # type: ignore[no-any-return] # a column of integers

    def finished(self) -> bool:
        """Whether every row has its final outcome."""
        [[finished]] = self._connection.execute("SELECT finished FROM job")
        return bool(finished)

    def cursor(self) -> str | None:
        """Tell where a list goes on; None at its beginning."""
        [[cursor]] = self._connection.execute("SELECT cursor FROM job")
        return cursor  # type: ignore[no-any-return] # a column of texts

    def inputs(self) -> int:
        """Count the rows that were read."""
        # A row is known as soon as it leaves, which may be before it was counted.
        [[known]] = self._connection.execute(
            "SELECT max(inputs, (SELECT ifnull(max(place) + 1, 0) FROM input)) FROM job"
        )
        return int(known)

    def counts(self) -> dict[RowState, int]:
        """Count the rows by their states; one that was only read is open."""
        found = dict(
            self._connection.execute(
                "SELECT state, count(*) FROM input GROUP BY state"
            ).fetchall()
        )
        counts = {state: found.get(state.value, 0) for state in RowState}
        counts[RowState.OPEN] += self.inputs() - sum(counts.values())
        return counts

    def lengths(self) -> Mapping[str, int]:
        """Give how many bytes of its files of outcomes are certain."""
        return dict(
            self._connection.execute("SELECT name, bytes FROM output").fetchall()
        )

    def block(self, first: int, most: int) -> list[tuple[int, int, int | None]]:
        """Give the next rows from a place on: place, state and digest of the key."""
        return self._connection.execute(
            "SELECT place, state, key FROM input WHERE place >= ? "
            "ORDER BY place LIMIT ?",
            (first, most),
        ).fetchall()

    def runs(self) -> Mapping[str, Any]:
        """Sum up the runs: their figures, and how the last one ended."""
        cursor = self._connection.execute(_RUNS)
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    # ---- what was measured

    def moments(self) -> list[tuple[Any, ...]]:
        """Give the seconds in which something was written, as in the table."""
        return self._connection.execute("SELECT * FROM moment").fetchall()

    def answers(self) -> dict[int, int]:
        """Count the answers by how long they took."""
        return dict(self._connection.execute("SELECT * FROM answer").fetchall())

    def reasons(self) -> list[tuple[Reason, int]]:
        """Count the rows that did not succeed by why, the most frequent first."""
        return [one for one in self._reasons() if one[0].status != WARNING]

    def warnings(self) -> list[tuple[Reason, int]]:
        """Count HubSpot's warnings by what they are about, the most frequent first."""
        return [one for one in self._reasons() if one[0].status == WARNING]

    def _reasons(self) -> list[tuple[Reason, int]]:
        rows = self._connection.execute("SELECT * FROM reason ORDER BY count DESC")
        return [(Reason(*row[:4]), row[4]) for row in rows]

    def examples(self, reason: Reason, most: int) -> list[Example]:
        """Give some rows that did not succeed for a reason."""
        rows = self._connection.execute(
            "SELECT place, line, correlation_id FROM example WHERE status = ? AND "
            "category = ? AND code = ? AND property = ? ORDER BY place LIMIT ?",
            (*astuple(reason), most),
        )
        return [Example(*row) for row in rows]

    def close(self) -> None:
        """Close it; SQLite folds what was written beside it into the file."""
        self._connection.close()


def look(path: Path, see: Callable[[Reader], T]) -> T:
    """Return what `see` finds in a journal, also while a job writes to it.

    Raises:
        JournalError: As `Reader.read_only`, or if it cannot be read.
    """
    with in_use(path):
        for _ in range(_LOOKS):
            before = version_of(path)
            try:
                with closing(Reader.read_only(path)) as journal:
                    found = see(journal)
            except (JournalError, sqlite3.Error) as error:
                if before == version_of(path):
                    raise _refusal(path, error) from None
            else:
                # SQLite keeps a view through a -wal whole; a file alone has none.
                if journal.live or before == version_of(path):
                    return found
    raise JournalError(f"{path} changes too fast to be read: try again")


def _refusal(path: Path, error: Exception) -> JournalError:
    if isinstance(error, JournalError):
        return error
    return JournalError(f"{path} cannot be read: {error}")

"""Reads a journal on disk, even while a job is writing to it."""

import sqlite3

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from attrs import astuple

from hubbatch.errors import JournalError

from .identity import Identity
from .job_lock import in_use
from .measurements import WARNING, Example, Reason
from .row_states import BLOCK, KEY_BYTES, Block, KnownRow, pack
from .states import RowState
from .wal import check_wal, connect, has_wal, version_of


T = TypeVar("T")

# The number of attempts to read a journal that changes while it is read.
_ATTEMPTS = 10
# "hubj" in ASCII: identifies a SQLite file as a journal.
APPLICATION_ID = 0x6875626A
SCHEMA_VERSION = 3
# The format with a table `input`, which has a row for each recorded row of the source.
# Such a journal can be read; the next run converts it.
ROW_PER_PLACE = 2
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
"""  # noqa: S608 -- no input
_RATE = """
SELECT sum(succeeded + amiss), max(second) - min(second) + 1 FROM moment
WHERE run = (SELECT max(id) FROM run)
AND second > (SELECT max(second) - 20 FROM moment WHERE run = (SELECT max(id) FROM run))
"""


class Reader:
    """An open journal. Use it in one thread only.

    Attributes:
        path: The journal.
        live: Whether the view stays consistent while a job writes. It does if there is
            a -wal; without one, the file is read as immutable.
        version: The format of the journal.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.live: bool = True
        self.version: int = SCHEMA_VERSION
        self._connection = connection

    @classmethod
    def read_only(cls, path: Path) -> Self:
        """Open a journal read-only, even while a job is writing to it.

        Raises:
            JournalError: If there is no journal, or its `-wal` is missing.
        """
        check_wal(path)
        if not path.exists():
            raise JournalError(
                f"there is no journal {path}. A job creates the one that --journal "
                "names: check its path"
            )
        # With mode=ro SQLite would create a -wal and not delete it. A file without one
        # is complete.
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
            connection.execute("BEGIN")  # one consistent view, even while a job writes
        except BaseException:
            connection.close()
            raise
        return store

    def check(self) -> None:
        """Check that the file is a journal of this format, or empty.

        Raises:
            JournalError: If it is neither.
        """
        try:
            [[application]] = self._connection.execute("PRAGMA application_id")
            [[version]] = self._connection.execute("PRAGMA user_version")
            [[tables]] = self._connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError as error:  # a problem with the disk, or a lock
            raise JournalError(f"{self.path} cannot be read: {error}") from None
        except sqlite3.Error as error:
            raise JournalError(f"{self.path} is not a journal: {error}") from None
        if not tables and not application:
            return
        if application != APPLICATION_ID:
            raise JournalError(f"{self.path} is another SQLite database, not a journal")
        if version not in (ROW_PER_PLACE, SCHEMA_VERSION):
            raise JournalError(
                f"{self.path} was written by another version of hubbatch, in format "
                f"{version}; this one reads formats {ROW_PER_PLACE} and "
                f"{SCHEMA_VERSION}"
            )
        self.version = version

    def _check_begun(self) -> None:
        if self.is_new():
            raise JournalError(f"{self.path} is not a journal yet: no job has begun it")

    def is_new(self) -> bool:
        """Whether no job has used the journal yet."""
        [[tables]] = self._connection.execute("SELECT count(*) FROM sqlite_master")
        return not tables

    def identity(self) -> Identity:
        """Return the job that the journal belongs to."""
        [row] = self._connection.execute(
            "SELECT verb, object_type, source, fingerprint, options FROM job"
        )
        outputs = self._connection.execute("SELECT name, path FROM output")
        return Identity(
            verb=row[0],
            object_type=row[1],
            source=row[2],
            fingerprint=row[3],
            options=msgspec.json.decode(row[4]),
            outputs=dict(outputs.fetchall()),
        )

    def portal_id(self) -> int | None:
        """Return the id of the account that the journal belongs to, if known."""
        [[portal_id]] = self._connection.execute("SELECT portal_id FROM job")
        return portal_id  # type: ignore[no-any-return] # an INT column

    def finished(self) -> bool:
        """Whether every row has its final outcome."""
        [[finished]] = self._connection.execute("SELECT finished FROM job")
        return bool(finished)

    def cursor(self) -> str | None:
        """Return the cursor of an export's next page; None at the beginning."""
        [[cursor]] = self._connection.execute("SELECT cursor FROM job")
        return cursor  # type: ignore[no-any-return] # a TEXT column

    def inputs(self) -> int:
        """Return the number of rows read."""
        return sum(self.counts().values())

    def total(self) -> int | None:
        """Return the number of rows of the source, if the last run knew it."""
        [[known]] = self._connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = 'total'"
        )
        rows = self._connection.execute("SELECT inputs FROM total") if known else ()
        return next((inputs for [inputs] in rows), None)

    def rate(self) -> float | None:
        """Return the rows per second at the end of the last run; None without data.

        It is an average of some seconds, so that it does not jump.
        """
        [[rows, seconds]] = self._connection.execute(_RATE)
        return rows / seconds if seconds else None

    def counts(self) -> dict[RowState, int]:
        """Return the number of rows in each state; rows without an entry are open."""
        [[inputs]] = self._connection.execute("SELECT inputs FROM job")
        found: Counter[RowState] = Counter()
        for block in self._packed():
            for state in RowState:
                found[state] += block.states.count(state)
            # A row is recorded when it is sent, which may be before it is counted.
            inputs = max(inputs, block.number * BLOCK + len(block.states))
        counts = {state: found[state] for state in RowState}
        counts[RowState.OPEN] += inputs - sum(counts.values())
        return counts

    def lengths(self) -> Mapping[str, int]:
        """Return the number of recorded bytes of each output file, by role."""
        return dict(
            self._connection.execute("SELECT name, bytes FROM output").fetchall()
        )

    def block(self, first: int, limit: int) -> list[KnownRow]:
        """Return the recorded rows from a place on, at most `limit`."""
        rows = (row for block in self._packed(first // BLOCK) for row in block.rows())
        return [*islice((row for row in rows if row[0] >= first), limit)]

    def _packed(self, first: int = 0) -> Iterator[Block]:
        """Yield the blocks of recorded rows in order, from a number on."""
        if self.version == ROW_PER_PLACE:
            yield from pack(self._row_per_place(first * BLOCK))
            return
        blocks = self._connection.execute(
            "SELECT number, states, keys FROM block WHERE number >= ? ORDER BY number",
            (first,),
        )
        for number, states, keys in blocks:
            yield Block(number, bytearray(states), bytearray(keys))

    def _row_per_place(self, first: int) -> Iterator[KnownRow]:
        # The key of a row without an id was a digest of its input, in an encoding that
        # is no longer used. A fingerprint tells whether the source has changed.
        rows = self._connection.execute(
            "SELECT place, state, iif(fingerprint IS NULL, key, NULL) "
            "FROM input, job WHERE place >= ? ORDER BY place",
            (first,),
        )
        for place, state, key in rows:
            digest = None if key is None else key.to_bytes(KEY_BYTES, signed=True)
            yield place, state, digest

    def runs(self) -> Mapping[str, Any]:
        """Return the totals of all runs, and how the last one ended."""
        cursor = self._connection.execute(_RUNS)
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    # ---- measurements

    def moments(self) -> list[tuple[Any, ...]]:
        """Return the rows of the table `moment`, one per second of work."""
        return self._connection.execute("SELECT * FROM moment").fetchall()

    def answers(self) -> dict[int, int]:
        """Return the number of answers by histogram step (see `octave`)."""
        return dict(self._connection.execute("SELECT * FROM answer").fetchall())

    def reasons(self) -> list[tuple[Reason, int]]:
        """Return the reasons for failures with their counts, most frequent first."""
        return [item for item in self._reasons() if item[0].status != WARNING]

    def warnings(self) -> list[tuple[Reason, int]]:
        """Return HubSpot's warnings with their counts, most frequent first."""
        return [item for item in self._reasons() if item[0].status == WARNING]

    def _reasons(self) -> list[tuple[Reason, int]]:
        rows = self._connection.execute("SELECT * FROM reason ORDER BY count DESC")
        return [(Reason(*row[:4]), row[4]) for row in rows]

    def examples(self, reason: Reason, limit: int) -> list[Example]:
        """Return up to `limit` rows that did not succeed for a reason."""
        rows = self._connection.execute(
            "SELECT place, line, correlation_id FROM example WHERE status = ? AND "
            "category = ? AND code = ? AND property = ? ORDER BY place LIMIT ?",
            (*astuple(reason), limit),
        )
        return [Example(*row) for row in rows]

    def close(self) -> None:
        """Close the journal."""
        self._connection.close()


def look(path: Path, read: Callable[[Reader], T]) -> T:
    """Return `read(journal)`, even while a job is writing to the journal.

    Raises:
        JournalError: If there is no journal, or it cannot be read.
    """
    with in_use(path):
        for _ in range(_ATTEMPTS):
            before = version_of(path)
            try:
                with closing(Reader.read_only(path)) as journal:
                    found = read(journal)
            except (JournalError, sqlite3.Error) as error:
                if before == version_of(path):
                    raise _refusal(path, error) from None
            else:
                # A view through a -wal is consistent; a file alone may have changed.
                if journal.live or before == version_of(path):
                    return found
    raise JournalError(f"{path} changed each time it was read: try again")


def _refusal(path: Path, error: Exception) -> JournalError:
    if isinstance(error, JournalError):
        return error
    return JournalError(f"{path} cannot be read: {error}")

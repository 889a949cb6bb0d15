"""A journal on the disk: one SQLite file, written by one connection in one thread.

What is committed survives the process, and with `synchronous=FULL` the machine too.
"""

import sqlite3

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from os import O_CREAT, O_RDWR, close
from os import open as open_file
from pathlib import Path
from secrets import randbits
from typing import Self

import orjson

from attrs import astuple, define, field

from hubbatch.errors import JournalError

from .identity import Identity
from .measurements import Measured
from .reader import APPLICATION_ID, NOW, SCHEMA_VERSION, Reader
from .states import RowState
from .wal import bond_of, check_bond, connect, follows, salt_of, wal_of


_PATIENCE = 5_000  # milliseconds that a reader is waited for
# Bytes of the -wal after which it is moved into the file. SQLite would do so at any
# commit; here the file has to say first that it needs a -wal (see `bond`).
_LARGEST_WAL = 32 * 2**20
_SCHEMA = """
CREATE TABLE job (
    verb TEXT NOT NULL, object_type TEXT NOT NULL, portal_id INT,
    source TEXT NOT NULL, fingerprint TEXT, options TEXT NOT NULL,
    inputs INT NOT NULL, finished INT NOT NULL, cursor TEXT,
    folds INT NOT NULL, wal INT
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    ended TEXT, message TEXT,
    requests INT NOT NULL DEFAULT 0, retries INT NOT NULL DEFAULT 0,
    throttled INT NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE output (
    name TEXT PRIMARY KEY, path TEXT NOT NULL, bytes INT NOT NULL
);
CREATE TABLE unwritten (name TEXT NOT NULL, lines INT NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE input (place INTEGER PRIMARY KEY, state INT NOT NULL, key INT);
CREATE TABLE moment (
    run INT, second INT, requests INT NOT NULL, retries INT NOT NULL,
    throttled INT NOT NULL, succeeded INT NOT NULL, amiss INT NOT NULL,
    allowed REAL NOT NULL, PRIMARY KEY (run, second)
) WITHOUT ROWID;
CREATE TABLE answer (octave INTEGER PRIMARY KEY, count INT NOT NULL);
CREATE TABLE reason (
    status TEXT, category TEXT, code TEXT, property TEXT, count INT NOT NULL,
    PRIMARY KEY (status, category, code, property)
);
CREATE TABLE example (
    status TEXT, category TEXT, code TEXT, property TEXT,
    place INT NOT NULL, line INT, correlation_id TEXT
);
"""
# One statement whatever the number of rows: each one that is stepped through from
# Python gives the interpreter's lock away and has to wait for it again.
_WRITE_STATES = """
INSERT INTO input
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]') FROM json_each(?)
WHERE true ON CONFLICT (place) DO UPDATE SET state = excluded.state
"""
# A commit that is in the -wal says that nothing is missing: the pin keeps it there.
_WRITE_INPUTS = "UPDATE job SET inputs = max(inputs, ?), wal = iif(?, NULL, wal)"
_WRITE_PROGRESS = f"""
UPDATE run SET updated_at = {NOW}, requests = ?, retries = ?, throttled = ?,
    seconds = ? WHERE id = ?
"""  # noqa: S608 -- SQLite's own clock, nobody's input
# Requests, retries and 429 answers are sums since the run began, rows are those of
# the second.
_WRITE_MOMENT = """
INSERT INTO moment VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, second) DO UPDATE SET requests = excluded.requests,
    retries = excluded.retries, throttled = excluded.throttled,
    succeeded = succeeded + excluded.succeeded, amiss = amiss + excluded.amiss,
    allowed = excluded.allowed
"""
_ADD_ANSWERS = """
INSERT INTO answer VALUES (?, ?)
ON CONFLICT (octave) DO UPDATE SET count = count + excluded.count
"""
_ADD_REASONS = """
INSERT INTO reason VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""


@define
class Group:
    """What is written in one transaction.

    Attributes:
        states: new states by the places of their rows.
        keys: the digests of the keys of rows that may be new to the journal.
        lines: what to append to the files of outcomes, by their roles.
        refused: those that a file could not take; the journal keeps them until it can.
        inputs: how many rows have been read.
        progress: requests, retries, 429 answers and seconds of this run.
        measured: what else there is to say of it.
        cursor: where a list goes on, if it has moved.
    """

    states: dict[int, RowState] = field(factory=dict)
    keys: dict[int, int] = field(factory=dict)
    lines: dict[str, list[bytes]] = field(factory=dict)
    inputs: int = 0
    progress: tuple[int, int, int, float] = (0, 0, 0, 0.0)
    measured: Measured = field(factory=Measured)
    cursor: str | None = None
    refused: dict[str, list[bytes]] = field(factory=dict)

    @property
    def answered(self) -> int:
        """Count the rows whose outcome is known."""
        return sum(state in _ANSWERED for state in self.states.values())

    def then(self, later: "Group") -> "Group":
        """Return this together with what came up after it."""
        lines = {name: [*some] for name, some in self.lines.items()}
        for name, some in later.lines.items():
            lines.setdefault(name, []).extend(some)
        return Group(
            self.states | later.states,
            later.keys | self.keys,
            lines,
            max(self.inputs, later.inputs),
            later.progress,
            self.measured.then(later.measured),
            self.cursor if later.cursor is None else later.cursor,
        )


_ANSWERED = (RowState.SUCCEEDED, RowState.FAILED)


class Store(Reader):
    """A journal that a job writes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._run: int | None = None
        self._folds = 0  # of the file alone
        self._folding = False  # the last fold was not whole
        self._pin: sqlite3.Connection | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a journal, or make room for a new one.

        Raises:
            JournalError: if there is something else at this path, or the journal's
                `-wal` is missing.
        """
        folds = check_bond(path)
        try:
            if not path.exists():  # SQLite gives its other files the mode of this one
                close(open_file(path, O_RDWR | O_CREAT, 0o600))
            connection = sqlite3.connect(path, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"{path} cannot be opened: {error}") from None
        store = cls(path, connection)
        try:
            store.check()
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            # Else the -wal stays as large as it ever was.
            connection.execute("PRAGMA journal_size_limit = 0")
            bond = bond_of(connection)
            if bond is not None:
                store._folds = bond.folds if folds is None else folds
        except BaseException:
            connection.close()
            raise
        return store

    def create(self, job: Identity, portal_id: int | None) -> None:
        """Begin the journal of a job."""
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        self._tune()
        self._connection.executescript(
            f"BEGIN IMMEDIATE;{_SCHEMA}"
            f"PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION};"
        )
        self._folds = randbits(40)
        execute(
            "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0, 0, NULL, ?, NULL)",
            (
                job.verb,
                job.object_type,
                portal_id,
                job.source,
                job.fingerprint,
                orjson.dumps(dict(job.options)).decode(),
                self._folds,
            ),
        )
        for name, path in job.outputs.items():
            execute("INSERT INTO output VALUES (?, ?, 0)", (name, path))
        execute("COMMIT")

    def _tune(self) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")

    # ---- a run

    @property
    def begun(self) -> bool:
        """Whether a run has begun since it was opened."""
        return self._run is not None

    def begin_run(self, portal_id: int | None) -> None:
        """Note that a run begins, and on which account.

        From then on the file alone shows that there was a run.

        Raises:
            JournalError: If another program keeps it from being written.
        """
        execute = self._connection.execute
        self._tune()
        execute("BEGIN IMMEDIATE")
        execute(
            "UPDATE job SET portal_id = ifnull(portal_id, ?), wal = NULL", (portal_id,)
        )
        cursor = execute(
            f"INSERT INTO run (started_at, updated_at) VALUES ({NOW}, {NOW})"  # noqa: S608 -- SQLite's own clock
        )
        execute("COMMIT")
        self._run = cursor.lastrowid
        if not self._fold():
            moved = salt_of(self.path) is None
            raise JournalError(
                f"{self.path} cannot be written: another program "
                f"{'has moved it' if moved else 'is reading it'}. Close that program "
                "and run the same command again"
            )

    def _fold(self) -> bool:
        """Move the -wal into the file; return whether all of it was.

        First the file is made to say that it needs a -wal, then the -wal that it does
        not. Where a reader keeps an older view alive, SQLite moves only what that
        reader sees.

        In between, a view of our own is taken and kept until the next fold. No
        checkpoint passes it and the -wal cannot start over, so no other program can
        move a later commit, which says that nothing is missing, into the file.
        """
        execute = self._connection.execute
        bind = "UPDATE job SET folds = ?, wal = ?"
        while True:
            salt = salt_of(self.path)
            if salt is None:
                return False
            execute(bind, (self._folds + 1, salt))
            # FULL waits for readers; once it has waited in vain, only look again.
            mode = "PASSIVE" if self._folding else "FULL"
            self._unpin()
            self._folding = True
            try:
                [[busy, known, moved]] = execute(f"PRAGMA wal_checkpoint({mode})")
            finally:
                self._take_pin()
                execute(bind, (self._folds + 1, None))
            self._folding = bool(busy or known != moved)
            self._folds += not self._folding
            now = salt_of(self.path)
            # Another program may start the -wal over just before the pin is there.
            if self._folding or now is None or follows(now, salt):
                return not self._folding

    def _take_pin(self) -> None:
        if self._pin is None:
            self._pin = connect(self.path, "mode=ro")
        self._pin.execute("BEGIN")
        bond_of(self._pin)  # a view begins with what it reads first

    def _unpin(self) -> None:
        if self._pin is not None and self._pin.in_transaction:
            self._pin.execute("COMMIT")

    @property
    def _pinned(self) -> bool:
        return self._pin is not None and self._pin.in_transaction

    def write(self, group: Group, lengths: Mapping[str, int]) -> None:
        """Write a group: all of it, or nothing."""
        execute = self._connection.execute
        rows = [
            (place, state.value, group.keys.get(place))
            for place, state in group.states.items()
        ]
        execute("BEGIN IMMEDIATE")
        try:
            execute(_WRITE_STATES, (orjson.dumps(rows).decode(),))
            for name, length in lengths.items():
                execute("UPDATE output SET bytes = ? WHERE name = ?", (length, name))
            for name, lines in group.refused.items():
                values = (name, len(lines), b"".join(lines))
                execute("INSERT INTO unwritten VALUES (?, ?, ?)", values)
            execute(_WRITE_INPUTS, (group.inputs, self._pinned))
            if group.cursor is not None:
                execute("UPDATE job SET cursor = ?", (group.cursor,))
            execute(_WRITE_PROGRESS, (*group.progress, self._run))
            self._write_measured(group)
            execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise
        self._fold_large()

    def _fold_large(self) -> None:
        # The group is on the disk; the next one finds out if the disk is full now.
        with suppress(OSError, sqlite3.Error):
            large = wal_of(self.path).stat().st_size > _LARGEST_WAL
            if large or self._folding:
                self._fold()

    def unwritten(self, name: str) -> list[bytes]:
        """Return what a file of outcomes could not take."""
        rows = self._connection.execute(
            "SELECT bytes FROM unwritten WHERE name = ? ORDER BY rowid", (name,)
        )
        return [row[0] for row in rows]

    def count_unwritten(self) -> dict[str, int]:
        """Count the lines that files of outcomes could not take, by their roles."""
        return dict(
            self._connection.execute(
                "SELECT name, sum(lines) FROM unwritten GROUP BY name"
            ).fetchall()
        )

    def written(self, name: str, length: int) -> None:
        """Note that a file of outcomes has taken the rest, and is as long as this."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            execute("UPDATE output SET bytes = ? WHERE name = ?", (length, name))
            execute("DELETE FROM unwritten WHERE name = ?", (name,))
            execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise

    def _write_measured(self, group: Group) -> None:
        *sums, seconds = group.progress
        measured, ended = group.measured, Counter(group.states.values())
        succeeded = ended[RowState.SUCCEEDED]
        amiss = ended.total() - ended[RowState.OPEN] - ended[RowState.SENT] - succeeded
        figures = (*sums, succeeded, amiss, measured.allowed)
        self._connection.execute(_WRITE_MOMENT, (self._run, int(seconds), *figures))
        many = self._connection.executemany
        many(_ADD_ANSWERS, measured.answers.items())
        many(
            _ADD_REASONS,
            [(*astuple(one), count) for one, count in measured.reasons.items()],
        )
        many(
            "INSERT INTO example VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*astuple(one), *astuple(row)) for one, row in measured.examples],
        )

    def end_run(self, ended: str, message: str | None, *, finished: bool) -> None:
        """Note how a run ended."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        execute(
            f"UPDATE run SET updated_at = {NOW}, ended = ?, message = ? WHERE id = ?",  # noqa: S608 -- SQLite's own clock
            (ended, message, self._run),
        )
        bind = "UPDATE job SET finished = ?, wal = iif(?, NULL, wal)"
        execute(bind, (int(finished), self._pinned))
        execute("COMMIT")

    def close(self) -> None:
        """Close it: the -wal is moved into the file, and SQLite removes it.

        Another program that has the journal open without reading only keeps an empty
        -wal. Where the -wal cannot be moved, on a full disk say, both files stay as
        they are.
        """
        try:
            if salt_of(self.path) is None or self.is_new():
                whole = True
            elif whole := self._fold():
                self._unpin()
                # One page, which says that nothing is missing: all else is there.
                execute = self._connection.execute
                [[busy, *_]] = execute("PRAGMA wal_checkpoint(TRUNCATE)")
                whole = not busy
        except sqlite3.Error:
            whole = False
        if whole:
            if self._pin is not None:
                self._pin.close()
            self._connection.close()
            return
        # SQLite leaves the -wal alone while another connection has the journal open.
        with suppress(sqlite3.Error):
            if self._pin is None:
                self._pin = connect(self.path, "mode=ro")
            bond_of(self._pin)
        self._connection.close()
        if self._pin is not None:
            self._pin.close()

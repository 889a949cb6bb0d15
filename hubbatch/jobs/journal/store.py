"""A journal on disk: one SQLite file, written by one connection in one thread.

A commit survives a crash of the process, and with `synchronous=FULL` of the machine.
"""

import sqlite3

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from os import O_CREAT, O_RDWR, close
from os import open as open_file
from pathlib import Path
from secrets import randbits
from typing import Self

import msgspec

from attrs import astuple

from hubbatch.errors import JournalError

from . import departures
from .group import Group
from .identity import Identity
from .journal_reader import (
    APPLICATION_ID,
    NOW,
    ROW_PER_PLACE,
    SCHEMA_VERSION,
    Reader,
)
from .row_states import Block, block_numbers, note_in_blocks
from .states import RowState
from .wal import check_wal, connect, follows, salt_of, state_of, wal_of


_PATIENCE = 5_000  # milliseconds to wait for a reader
# The size of the -wal, in bytes, above which it is checkpointed. SQLite's automatic
# checkpoint could happen at any commit; but the file must first record that it needs a
# -wal (see `wal`).
_LARGEST_WAL = 32 * 2**20
# The number of blocks that are kept in memory between two writes: rows are recorded
# again when their answers arrive.
_CACHED = 64
# The number of rows that one statement inserts; SQLite may limit it to 999 values.
_INSERTED_AT_ONCE = 100
_PACKED_STATES = f"""
CREATE TABLE block ( -- see `row_states`
    number INTEGER PRIMARY KEY, states BLOB NOT NULL, keys BLOB NOT NULL
);
{departures.SCHEMA}
"""
_SCHEMA = f"""
CREATE TABLE job (
    verb TEXT NOT NULL, object_type TEXT NOT NULL, portal_id INT,
    source TEXT NOT NULL, fingerprint TEXT, options TEXT NOT NULL,
    inputs INT NOT NULL, finished INT NOT NULL, cursor TEXT,
    folds INT NOT NULL, -- full checkpoints: WalState.checkpoints
    wal INT -- WalState.salt
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    ended TEXT, message TEXT,
    requests INT NOT NULL DEFAULT 0, retries INT NOT NULL DEFAULT 0,
    throttled INT NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE output (
    name TEXT PRIMARY KEY, path TEXT NOT NULL,
    bytes INT NOT NULL -- on disk before this is committed; more is cut off
);
CREATE TABLE unwritten (name TEXT NOT NULL, lines INT NOT NULL, bytes BLOB NOT NULL);
{_PACKED_STATES}
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
# `wal` is NULL while the pin keeps this commit in the -wal: see `WalState`.
_WRITE_INPUTS = "UPDATE job SET inputs = max(inputs, ?), wal = iif(?, NULL, wal)"
_WRITE_PROGRESS = f"""
UPDATE run SET updated_at = {NOW}, requests = ?, retries = ?, throttled = ?,
    seconds = ? WHERE id = ?
"""  # noqa: S608 -- SQLite's own clock, no input
# Requests, retries and 429 answers are totals since the run began; rows are those of
# the second.
_WRITE_MOMENT = """
INSERT INTO moment VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, second) DO UPDATE SET requests = excluded.requests,
    retries = excluded.retries, throttled = excluded.throttled,
    succeeded = succeeded + excluded.succeeded, amiss = amiss + excluded.amiss,
    allowed = excluded.allowed
"""
_ADD_ANSWERS = """
INSERT INTO answer VALUES {rows}
ON CONFLICT (octave) DO UPDATE SET count = count + excluded.count
"""
_ADD_REASONS = """
INSERT INTO reason VALUES {rows}
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""


def _wall_clock() -> float:
    return datetime.now(UTC).timestamp()


class Store(Reader):
    """A journal that a job writes.

    Invariant: `_checkpoints` is `WalState.checkpoints` of the file alone. `_incomplete`
    is set from before a checkpoint until all of the -wal is in the file. While `_pin`
    is in a transaction, it holds the view of the last checkpoint, which keeps later
    commits in the -wal. Between two transactions, `_blocks` are as on disk.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        clock: Callable[[], float] = _wall_clock,
        senders: Collection[int] = (0,),
    ) -> None:
        super().__init__(path, connection)
        self._departures = departures.Departures(connection, clock, senders)
        self._blocks: dict[int, Block] = {}
        self._wal = wal_of(path)
        self._run: int | None = None
        self._checkpoints = 0
        self._incomplete = False
        self._pin: sqlite3.Connection | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Callable[[], float] = _wall_clock,
        senders: Collection[int] = (0,),
    ) -> Self:
        """Open a journal, or create an empty file for a new one.

        `clock` returns the seconds since 1970. For `senders`, see `Departures`.

        Raises:
            JournalError: If the file is not a journal, or the journal's `-wal` is
                missing.
        """
        checkpoints = check_wal(path)
        try:
            if not path.exists():  # the -wal gets this file's mode
                close(open_file(path, O_RDWR | O_CREAT, 0o600))
            connection = sqlite3.connect(path, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"{path} cannot be opened: {error}") from None
        store = cls(path, connection, clock, senders)
        try:
            store.check()
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            # Truncate the -wal after a checkpoint.
            connection.execute("PRAGMA journal_size_limit = 0")
            state = state_of(connection)
            if state is not None:
                store._checkpoints = (
                    state.checkpoints if checkpoints is None else checkpoints
                )
        except BaseException:
            connection.close()
            raise
        return store

    def create(self, job: Identity, portal_id: int | None) -> None:
        """Create the tables and record the job."""
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        self._tune()
        self._connection.executescript(
            f"BEGIN IMMEDIATE;{_SCHEMA}"
            f"PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION};"
        )
        self._checkpoints = randbits(40)
        execute(
            "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0, 0, NULL, ?, NULL)",
            (
                job.verb,
                job.object_type,
                portal_id,
                job.source,
                job.fingerprint,
                msgspec.json.encode(dict(job.options)).decode(),
                self._checkpoints,
            ),
        )
        for name, path in job.outputs.items():
            execute("INSERT INTO output VALUES (?, ?, 0)", (name, path))
        execute("COMMIT")
        self.version: int = SCHEMA_VERSION

    def _tune(self) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")

    def seconds_ago(self) -> list[float]:
        """Return how many seconds ago each request left that nothing counts yet."""
        return [] if self.version == ROW_PER_PLACE else self._departures.seconds_ago()

    # ---- a run

    @property
    def begun(self) -> bool:
        """Whether a run has begun since the journal was opened."""
        return self._run is not None

    def begin_run(self, portal_id: int | None, total: int | None = None) -> None:
        """Record that a run begins, in which account, and how many rows there are.

        Afterwards the file alone, without its -wal, shows that there was a run. A
        journal of an earlier format is converted.

        Raises:
            JournalError: If another program prevents the checkpoint.
        """
        execute = self._connection.execute
        self._tune()
        execute("BEGIN IMMEDIATE")
        if self.version == ROW_PER_PLACE:
            self._convert()
        self._departures.take_over()
        execute(
            "UPDATE job SET portal_id = ifnull(portal_id, ?), wal = NULL", (portal_id,)
        )
        cursor = execute(
            f"INSERT INTO run (started_at, updated_at) VALUES ({NOW}, {NOW})"  # noqa: S608 -- SQLite's own clock
        )
        # A table of its own, because the job of an older journal has no such column.
        execute("CREATE TABLE IF NOT EXISTS total (inputs INT NOT NULL)")
        execute("DELETE FROM total")
        execute("INSERT INTO total SELECT ?1 WHERE ?1 IS NOT NULL", (total,))
        execute("COMMIT")
        self.version = SCHEMA_VERSION
        self._run = cursor.lastrowid
        if not self._checkpoint():
            moved = salt_of(self.path) is None
            raise JournalError(
                f"{self.path} cannot be written: another program "
                f"{'has moved it' if moved else 'is reading it'}. Close that program "
                "and run the same command again"
            )

    def _convert(self) -> None:
        """Pack the states of rows that an earlier version recorded one by one."""
        execute = self._connection.execute
        for statement in _PACKED_STATES.split(";")[:-1]:
            execute(statement)
        self._connection.executemany(
            "INSERT INTO block VALUES (?, ?, ?)",
            ((block.number, block.states, block.keys) for block in self._packed()),
        )
        execute("DROP TABLE input")
        execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _checkpoint(self) -> bool:
        """Move the -wal into the file; return whether all of it was moved.

        The file first records that it needs its -wal, and after the checkpoint that it
        does not. If a reader holds an older view, SQLite moves only the commits that
        the reader sees.

        In between, this takes a read view of its own (the pin) and holds it until the
        next checkpoint. No checkpoint passes that view and the -wal cannot start over,
        so no other program can move a later commit, which records that nothing is
        missing, into the file.
        """
        execute = self._connection.execute
        bind = "UPDATE job SET folds = ?, wal = ?"
        while True:
            salt = salt_of(self.path)
            if salt is None:
                return False
            execute(bind, (self._checkpoints + 1, salt))
            if salt_of(self.path) != salt:
                # Another program had moved all of the -wal, so this commit has started
                # it over. The commit below may do so once more: record the new salt.
                continue
            # FULL waits for readers; if it has timed out once, only check.
            mode = "PASSIVE" if self._incomplete else "FULL"
            self._unpin()
            self._incomplete = True
            try:
                [[busy, known, moved]] = execute(f"PRAGMA wal_checkpoint({mode})")
            finally:
                self._take_pin()
                execute(bind, (self._checkpoints + 1, None))
            self._incomplete = bool(busy or known != moved)
            self._checkpoints += not self._incomplete
            now = salt_of(self.path)
            # Another program may start the -wal over just before the pin is taken.
            if self._incomplete or now is None or follows(now, salt):
                return not self._incomplete

    def _take_pin(self) -> None:
        if self._pin is None:
            self._pin = connect(self.path, "mode=ro")
        self._pin.execute("BEGIN")
        state_of(self._pin)  # a read transaction begins with the first read

    def _unpin(self) -> None:
        if self._pin is not None and self._pin.in_transaction:
            self._pin.execute("COMMIT")

    @property
    def _pinned(self) -> bool:
        return self._pin is not None and self._pin.in_transaction

    def write(self, group: Group, lengths: Mapping[str, int]) -> None:
        """Write a group in one transaction."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            self._write_states(group)
            self._departures.write(group.requests)
            for name, length in lengths.items():
                execute("UPDATE output SET bytes = ? WHERE name = ?", (length, name))
            for name, lines in group.refused.items():
                values = (name, group.line_counts[name], b"".join(lines))
                execute("INSERT INTO unwritten VALUES (?, ?, ?)", values)
            execute(_WRITE_INPUTS, (group.inputs, self._pinned))
            if group.cursor is not None:
                execute("UPDATE job SET cursor = ?", (group.cursor,))
            execute(_WRITE_PROGRESS, (*group.progress, self._run))
            self._write_measured(group)
            execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            self._blocks.clear()  # they have what was not committed
            raise
        while len(self._blocks) > _CACHED:
            del self._blocks[next(iter(self._blocks))]
        self._checkpoint_if_large()

    def _write_states(self, group: Group) -> None:
        numbers = {
            *chain.from_iterable(block_numbers(notes.places) for notes in group.notes)
        }
        for number in sorted(numbers):
            # The blocks that were used last are at the end.
            block = self._blocks.pop(number, None) or self._read_block(number)
            self._blocks[number] = block
        for notes in group.notes:
            note_in_blocks(self._blocks, notes)
        changed = [self._blocks[number] for number in numbers]
        self._insert(
            "REPLACE INTO block VALUES {rows}",
            [(block.number, block.states, block.keys) for block in changed],
        )

    def _insert(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows with as few statements as possible.

        Stepping through a statement per row from Python would release and re-acquire
        the GIL for each, and the event loop has it most of the time.
        """
        for first in range(0, len(rows), _INSERTED_AT_ONCE):
            some = rows[first : first + _INSERTED_AT_ONCE]
            marks = f"({', '.join('?' * len(some[0]))})"
            self._connection.execute(
                statement.format(rows=", ".join([marks] * len(some))),
                [*chain.from_iterable(some)],
            )

    def _read_block(self, number: int) -> Block:
        known = self._connection.execute(
            "SELECT states, keys FROM block WHERE number = ?", (number,)
        )
        for states, keys in known:
            return Block(number, bytearray(states), bytearray(keys))
        return Block(number)

    def _checkpoint_if_large(self) -> None:
        # The group is on disk; if the disk is full now, the next group finds out.
        with suppress(OSError, sqlite3.Error):
            large = self._wal.stat().st_size > _LARGEST_WAL
            if large or self._incomplete:
                self._checkpoint()

    def unwritten(self, name: str) -> list[bytes]:
        """Return the blocks of lines that could not be appended to an output file."""
        rows = self._connection.execute(
            "SELECT bytes FROM unwritten WHERE name = ? ORDER BY rowid", (name,)
        )
        return [row[0] for row in rows]

    def count_unwritten(self) -> dict[str, int]:
        """Return the number of lines that output files lack, by role."""
        return dict(
            self._connection.execute(
                "SELECT name, sum(lines) FROM unwritten GROUP BY name"
            ).fetchall()
        )

    def written(self, name: str, length: int) -> None:
        """Record that an output file has its lines, and its length in bytes."""
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
        measured, ended = group.measured, group.counts()
        succeeded = ended[RowState.SUCCEEDED]
        not_succeeded = (
            ended.total() - ended[RowState.OPEN] - ended[RowState.SENT] - succeeded
        )
        figures = (*sums, succeeded, not_succeeded, measured.allowed)
        self._connection.execute(_WRITE_MOMENT, (self._run, int(seconds), *figures))
        self._insert(_ADD_ANSWERS, [*measured.answers.items()])
        self._insert(
            _ADD_REASONS,
            [(*astuple(reason), count) for reason, count in measured.reasons.items()],
        )
        self._insert(
            "INSERT INTO example VALUES {rows}",
            [(*astuple(reason), *astuple(row)) for reason, row in measured.examples],
        )

    def end_run(self, ended: str, message: str | None, *, finished: bool) -> None:
        """Record how a run ended."""
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
        """Close the journal after a checkpoint of the -wal, which SQLite then deletes.

        If another program has the journal open without reading it, an empty -wal is
        left. If the -wal cannot be moved, e.g. on a full disk, both files stay as they
        are.
        """
        try:
            if salt_of(self.path) is None or self.is_new():
                whole = True
            elif whole := self._checkpoint():
                self._unpin()
                # This moves one page, which records that no -wal is needed; all else is
                # in the file.
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
        # SQLite does not delete the -wal while another connection has the journal open.
        with suppress(sqlite3.Error):
            if self._pin is None:
                self._pin = connect(self.path, "mode=ro")
            state_of(self._pin)
        self._connection.close()
        if self._pin is not None:
            self._pin.close()

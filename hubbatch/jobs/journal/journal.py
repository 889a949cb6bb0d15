"""The journal of a job: a durable record of the rows sent, and their outcomes.

It identifies rows by their index in the source ("place"), never by chunk: chunks are
cut differently after a refusal or a restart. It does not contain row contents. All disk
IO runs in one thread, and everything noted while a transaction is being written goes
into the next one.
"""

import asyncio
import os
import sqlite3

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

from hubbatch.errors import JournalError
from hubbatch.jobs.outputs.output_files import Output, Sink

from .group import Group
from .identity import Identity
from .job_lock import JobLock
from .measurements import Measures
from .row_states import KnownRow, Notes
from .states import RowState
from .store import Store
from .wal import check_wal


T = TypeVar("T")

# With more unwritten rows than this, no more are taken from the source.
_MAX_UNWRITTEN = 10_000


@define(kw_only=True)
class History:
    """The state that earlier runs recorded in a journal.

    Attributes:
        new: Whether there was no earlier run.
        finished: Whether every row has its final outcome.
        portal_id: The account's id, if known.
        cursor: The cursor of the next page of an export.
        counts: The number of rows in each state.
        seconds_ago: How many seconds ago each of the latest requests left, except those
            that the client's limits count already.
        runs: The totals that `Reader.runs` returns.
    """

    new: bool = True
    finished: bool = False
    portal_id: int | None = None
    cursor: str | None = None
    counts: Mapping[RowState, int] = field(factory=lambda: dict.fromkeys(RowState, 0))
    seconds_ago: Sequence[float] = ()
    runs: Mapping[str, Any] = field(
        factory=lambda: (
            dict.fromkeys(("requests", "retries", "throttled", "warnings"), 0)
            | {"seconds": 0.0}
        )
    )

    @property
    def inputs(self) -> int:
        """The number of rows read."""
        return sum(self.counts.values())


class Journal:
    """Records the progress of a job, and writes its output files in step with it.

    Without a path there is no journal, and only the output files are written.

    Invariants that make it possible to resume without duplicates:

    * Sent rows: a row is SENT on disk before its request leaves (`wait_written`). A
      row that is OPEN on disk has therefore never reached HubSpot, or HubSpot has
      certainly not written it.
    * Output files: lines are on disk before the transaction that records the file's new
      length. A file's bytes beyond that length belong to no recorded outcome and are
      cut off by the next run.
    * One group is written at a time. A group that could not be written
      (`_failed_group`) is merged into the next one, so states reach the disk in the
      order in which they were noted.
    * After the first `failure` no further rows are sent: `wait_written` raises.

    Attributes:
        failure: The error if the journal or a file could not be written; else None.
        on_failure: Called with `failure`, once.
        unwritten: After `aclose`, the number of answered rows that are not on disk.
        on_written: Called when noted rows are on disk.
        progress: Returns the requests, retries, 429 answers and seconds of this run,
            which are written with each group.
        requested: Returns the number of requests that this run has sent or is about to
            send, of any kind. The journal records when they leave.
        clock: Returns the seconds since 1970, for the times of requests.
        senders: Identify the requests that the client's limits count.
        measures: The measurements that are written with each group.
        total: The number of rows of the source, if it is known.
    """

    def __init__(self, path: Path | None, sinks: Iterable[Sink] = ()) -> None:
        self.path = path
        self.outputs: dict[str, Output] = {sink.name: Output(sink) for sink in sinks}
        self.failure: JournalError | None = None
        self.unwritten: int = 0
        self.total: int | None = None
        self.on_failure: Callable[[JournalError], None] = lambda _: None
        self.on_written: Callable[[], None] = lambda: None
        self.progress: Callable[[], tuple[int, int, int, float]] = lambda: (0, 0, 0, 0)
        self.requested: Callable[[], int] = lambda: 0
        self.clock: Callable[[], float] = lambda: 0.0
        self.senders: Collection[int] = (0,)
        self.measures: Measures = Measures()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hubbatch-journal")
        self._lock: JobLock | None = None
        self._store: Store | None = None
        self._new = True
        self._group = Group()
        self._noted = 0  # rows and lines noted since the last group
        self._requested_before = 0  # `requested` at the last group
        self._waiting: list[asyncio.Future[None]] = []
        self._writing = False
        self._closed = False
        self._failed_group: Group | None = None  # used in the thread only

    # ---- before the run

    async def open(self, job: Identity) -> History:
        """Lock the journal and return the state that earlier runs recorded.

        Raises:
            JournalError: If it is locked, damaged or belongs to another job.
            ConfigurationError: If an output file of a new job exists already.
        """
        history = History()
        if self.path is not None:
            history = await self._in_thread(self._open, self.path, job)
        if history.new:
            for output in self.outputs.values():
                output.check_new()
        return history

    def _open(self, path: Path, job: Identity) -> History:
        where = (
            Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
        )
        if not where.is_dir():  # the lock would create one
            raise JournalError(
                f"{path} cannot be opened: there is no directory {where}. Create it"
            )
        if not path.exists():
            check_wal(path)  # before the lock creates it
        lock = JobLock(path)
        lock.acquire()
        self._lock = lock
        self._store = store = Store.open(path, self.clock, self.senders)
        self._new = store.is_new()
        if self._new:
            return History()
        problem = job.problem(store.identity(), path, finished=store.finished())
        if problem is not None:
            raise JournalError(problem)
        if store.finished() and "output" in self.outputs:
            # Users often move results and failures away, but the output is the purpose
            # of a read.
            self.outputs["output"].check_finished(store.lengths().get("output", 0))
        if not store.finished():
            lengths = store.lengths()
            for name, output in self.outputs.items():
                output.check_recorded(lengths.get(name, 0))
        return History(
            new=False,
            finished=store.finished(),
            portal_id=store.portal_id(),
            cursor=store.cursor(),
            counts=store.counts(),
            seconds_ago=store.seconds_ago(),
            runs=store.runs(),
        )

    async def begin(self, job: Identity, portal_id: int | None) -> None:
        """Begin a run. Nothing on disk changes before this is called.

        Raises:
            JournalError: If the journal or an output file cannot be written.
        """
        await self._in_thread(self._begin, job, portal_id)

    def _begin(self, job: Identity, portal_id: int | None) -> None:
        lengths: Mapping[str, int] = {}
        if self._store is not None:
            if self._new:
                self._store.create(job, portal_id)
            self._store.begin_run(portal_id, self.total)
            lengths = self._store.lengths()
        for name, output in self.outputs.items():
            output.open(lengths.get(name, 0))
        self._catch_up()

    def _catch_up(self) -> None:
        """Append the lines that could not be written before to the output files."""
        if self._store is None:
            return
        for name in self._store.count_unwritten():
            output = self.outputs[name]
            if not output.is_open:  # the journal keeps the lines
                continue
            try:
                length = output.append(self._store.unwritten(name), durable=True)
            except OSError as error:
                raise _unwritable(output, error) from None
            self._store.written(name, length)
            output.keep(length)

    async def block(self, first: int, limit: int = 10_000) -> list[KnownRow]:
        """Return the recorded rows from a place on, at most `limit`."""
        if self._store is None:
            return []
        return await self._in_thread(self._store.block, first, limit)

    # ---- during the run: only `wait_written` and `ready` wait

    def note_states(
        self, places: list[int], state: RowState, keys: Sequence[bytes] = ()
    ) -> None:
        """Note the state of rows, with the digests of their keys if they may be new."""
        if self._store is not None or self.outputs:
            self._noted += len(places)
            self._group.notes.append(Notes(places, state, keys))

    def append_lines(self, name: str, lines: bytes, count: int = 1) -> None:
        """Append the lines of `count` rows to an output file."""
        if lines:
            self._noted += count
            self._group.line_counts[name] += count
            self._group.lines.setdefault(name, []).append(lines)

    def note_inputs(self, inputs: int) -> None:
        """Note how many rows have been read."""
        self._group.inputs = inputs

    def note_cursor(self, cursor: str) -> None:
        """Note the cursor of the next page of an export."""
        self._group.cursor = cursor

    def flush(self) -> None:
        """Start writing everything noted so far, unless a group is being written."""
        group = self._group
        idle = not (group.notes or group.lines or self._waiting)
        if self._writing or idle or self._closed:
            return
        waiting, self._waiting = self._waiting, []
        self._group = Group(inputs=group.inputs)
        self._noted = 0
        self._measure(group)
        self._writing = True
        written = asyncio.wrap_future(self._thread.submit(self._write, group))
        written.add_done_callback(partial(self._on_written, waiting))

    def _measure(self, group: Group) -> None:
        group.progress = self.progress()
        group.measured = self.measures.take()
        requested = self.requested()
        group.requests = requested - self._requested_before
        self._requested_before = requested

    async def wait_written(self) -> None:
        """Wait until everything noted so far is on disk.

        Raises:
            JournalError: If it cannot be written.
        """
        if self.failure is not None:
            raise copy(self.failure)
        if self._store is not None:
            await self._flushed()

    async def _flushed(self) -> None:
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        self.flush()
        await written

    async def ready(self) -> None:
        """Wait while too much is unwritten."""
        if self._noted > _MAX_UNWRITTEN and self.failure is None:
            with suppress(JournalError):  # `on_failure` ends the batch
                await self._flushed()

    def _on_written(
        self, waiting: list[asyncio.Future[None]], written: asyncio.Future[None]
    ) -> None:
        self._writing = False
        error = None if written.cancelled() else written.exception()
        if error is not None and self.failure is None:
            self.failure = (
                error if isinstance(error, JournalError) else self._failure(error)
            )
            waiting += self._waiting
            self._waiting = []
            self.on_failure(self.failure)
        for future in waiting:
            if future.done():  # its waiter was cancelled
                continue
            if self.failure is None:
                future.set_result(None)
            else:
                future.set_exception(copy(self.failure))
        if error is None:
            self.on_written()
        self.flush()

    def _write(self, group: Group) -> None:
        """Write a group, preceded by the group that could not be written, if any.

        Lines that could not be appended to an output file are kept in the journal, if
        there is one.

        Raises:
            JournalError: If lines could not be appended to an output file.
            sqlite3.Error: If the journal could not be written; the group is kept in
                memory.
        """
        if self._failed_group is not None:
            group = self._failed_group.then(group)
        self._failed_group = group
        durable = self._store is not None
        lengths: dict[str, int] = {}
        group.refused = {}
        refusal: JournalError | None = None
        for name, lines in group.lines.items():
            try:
                lengths[name] = self.outputs[name].append(lines, durable=durable)
            except OSError as error:
                group.refused[name] = lines
                refusal = refusal or _unwritable(self.outputs[name], error)
        if self._store is not None:
            self._store.write(group, lengths)
        elif refusal is not None:
            raise refusal
        self._failed_group = None
        for name, length in lengths.items():
            self.outputs[name].keep(length)
        if refusal is not None:
            raise refusal

    # ---- after the run

    async def aclose(
        self,
        ended: str | None = None,
        message: str | None = None,
        *,
        finished: bool = False,
    ) -> None:
        """Write the remaining data, record how the run ended, and release everything.

        This completes even if its caller is cancelled.

        Args:
            ended: How the run ended; None if it never began.
            message: The message of the error that ended it, if any.
            finished: Whether every row has its final outcome.

        Raises:
            JournalError: If anything cannot be written.
        """
        self._closed = True
        self._measure(self._group)
        done = self._thread.submit(self._finish, ended, message, finished=finished)
        self._thread.shutdown(wait=False)
        await self._failing(asyncio.shield(asyncio.wrap_future(done)))
        self.on_written()

    def _finish(
        self, ended: str | None, message: str | None, *, finished: bool
    ) -> None:
        try:
            if ended is None or (self._store is not None and not self._store.begun):
                return
            try:
                self._write_last()
            except Exception as error:  # noqa: BLE001 -- whatever it is, outcomes are lost
                lost = self._loss(error)
                if self._store is not None:
                    with suppress(sqlite3.Error):
                        name = type(lost).__name__
                        self._store.end_run(name, str(lost), finished=False)
                raise lost from None
            if self._store is not None:
                self._store.end_run(ended, message, finished=finished)
            if finished:
                for output in self.outputs.values():
                    output.finish()
        finally:
            for output in self.outputs.values():
                output.close()
            if self._store is not None:
                self._store.close()
            if self._lock is not None:
                self._lock.release()

    def _write_last(self) -> None:
        try:
            self._write(self._group)
        except JournalError:
            if self._failed_group is not None:
                raise
        # The journal has the lines that output files lack: try once more.
        self._catch_up()

    def _loss(self, error: Exception) -> JournalError:
        """Return the error that lists what is not on disk and says how to proceed."""
        if self._failed_group is not None:
            self.unwritten = self._failed_group.answered
        cause = error if isinstance(error, JournalError) else self._failure(error)
        if self._failed_group is not None or self._store is None:
            return JournalError(f"{cause} {describe_loss(self.unwritten, self.path)}")
        lines = sum(self._store.count_unwritten().values())
        return JournalError(
            f"{cause} {self.path} keeps the {lines:,} lines that are missing there: "
            "free some space and run the same job again, which writes them"
        )

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        submitted = self._thread.submit(call, *arguments)
        return await self._failing(asyncio.wrap_future(submitted))

    async def _failing(self, done: Awaitable[T]) -> T:
        try:
            return await done
        except (OSError, sqlite3.Error) as error:
            raise self._failure(error) from None

    def _failure(self, error: BaseException) -> JournalError:
        what = self.path or "the output file"
        return JournalError(f"{what} cannot be written: {error}")


def _unwritable(output: Output, error: OSError) -> JournalError:
    return JournalError(f"{output.sink.path} cannot be written: {error}")


def describe_loss(rows: int, path: Path | None) -> str:
    """Describe how many answered rows are not on disk, and the consequences."""
    if not rows:
        return "Every answered row is on disk"
    if path is None:
        return f"The output files lack {rows:,} answered rows"
    return (
        f"{rows:,} answered rows are not on disk: when the job resumes, creates among "
        "them end as unknown, and other rows are sent again"
    )

"""The journal of a job: what has left and what became of it, safe on the disk.

It speaks of rows by their places, never of chunks: those are cut anew after a refusal
or a restart. What rows contain is not in it. All that waits for the disk happens in
one thread, and what comes up meanwhile is written together in the next transaction.
"""

import asyncio
import os
import sqlite3

from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

from hubbatch.errors import JournalError

from .identity import Identity
from .job_lock import JobLock
from .measurements import Measures
from .outputs import Output, Sink
from .states import RowState
from .store import Group, Store
from .wal import check_bond


T = TypeVar("T")

# So many rows may wait to be written before the source is left alone for a while.
_MOST_WAITING = 10_000


@define(kw_only=True)
class History:
    """What earlier runs have left in a journal.

    Attributes:
        new: whether there were none.
        finished: whether every row has its final outcome.
        portal_id: the account, if it is known.
        counts: the rows by their states.
        runs: the sums of `Store.runs`.
        cursor: where a list goes on.
    """

    new: bool = True
    finished: bool = False
    portal_id: int | None = None
    cursor: str | None = None
    counts: Mapping[RowState, int] = field(factory=lambda: dict.fromkeys(RowState, 0))
    runs: Mapping[str, Any] = field(
        factory=lambda: (
            dict.fromkeys(("requests", "retries", "throttled", "warnings"), 0)
            | {"seconds": 0.0}
        )
    )

    @property
    def inputs(self) -> int:
        """How many rows were read."""
        return sum(self.counts.values())


class Journal:
    """Writes down what a job does, and its files of outcomes in step with that.

    Without a path only the files are written.

    Attributes:
        failure: what went wrong when it could not be written; None as long as all is
            well. From then on nothing new may leave. What is noted is kept, and tried
            again with whatever follows.
        on_failure: called with it, once.
        unwritten: how many answered rows are not on the disk after `aclose`.
        on_written: called when what was noted is on the disk.
        progress: called for the figures that go with what is written.
        measures: what else goes with it.
    """

    def __init__(self, path: Path | None, sinks: Iterable[Sink] = ()) -> None:
        self.path = path
        self.outputs: dict[str, Output] = {sink.name: Output(sink) for sink in sinks}
        self.failure: JournalError | None = None
        self.unwritten: int = 0
        self.on_failure: Callable[[JournalError], None] = lambda _: None
        self.on_written: Callable[[], None] = lambda: None
        self.progress: Callable[[], tuple[int, int, int, float]] = lambda: (0, 0, 0, 0)
        self.measures: Measures = Measures()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hubbatch-journal")
        self._lock: JobLock | None = None
        self._store: Store | None = None
        self._new = True
        self._group = Group()
        self._noted = 0  # since the last group
        self._waiting: list[asyncio.Future[None]] = []
        self._writing = False
        self._closed = False
        self._kept: Group | None = None  # what could not be written, in the thread

    # ---- before the run

    async def open(self, job: Identity) -> History:
        """Lock it and see what earlier runs have left.

        Raises:
            JournalError: if it is locked, damaged or of another job.
            ConfigurationError: if a file of outcomes of a new job exists already.
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
        if not where.is_dir():  # the lock would make one
            raise JournalError(
                f"{path} cannot be opened: there is no directory {where}"
            )
        if not path.exists():
            check_bond(path)  # before the lock creates it
        lock = JobLock(path)
        lock.acquire()
        self._lock = lock
        self._store = store = Store.open(path)
        self._new = store.is_new()
        if self._new:
            return History()
        different = "; ".join(job.differences(store.identity()))
        if different:
            raise JournalError(f"{path} is the journal of another job: {different}")
        if store.finished() and "output" in self.outputs:
            # Results and failures are often moved away; a read is for its output.
            self.outputs["output"].check_finished(store.lengths().get("output", 0))
        if not store.finished():
            lengths = store.lengths()
            for name, output in self.outputs.items():
                output.check_kept(lengths.get(name, 0))
        return History(
            new=False,
            finished=store.finished(),
            portal_id=store.portal_id(),
            cursor=store.cursor(),
            counts=store.counts(),
            runs=store.runs(),
        )

    async def begin(self, job: Identity, portal_id: int | None) -> None:
        """Begin a run: nothing has been changed before.

        Raises:
            JournalError: if it, or a file of outcomes, cannot be written.
        """
        await self._in_thread(self._begin, job, portal_id)

    def _begin(self, job: Identity, portal_id: int | None) -> None:
        lengths: Mapping[str, int] = {}
        if self._store is not None:
            if self._new:
                self._store.create(job, portal_id)
            self._store.begin_run(portal_id)
            lengths = self._store.lengths()
        for name, output in self.outputs.items():
            output.open(lengths.get(name, 0))
        self._catch_up()

    def _catch_up(self) -> None:
        """Write to the files what they could not take before."""
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

    async def block(
        self, first: int, most: int = 10_000
    ) -> list[tuple[int, int, int | None]]:
        """Give what is known of the rows from a place on."""
        if self._store is None:
            return []
        return await self._in_thread(self._store.block, first, most)

    # ---- during the run; nothing here waits but `safe` and `ready`

    def note(self, place: int, state: RowState, key: int | None = None) -> None:
        """Note the state of a row."""
        if self._store is not None or self.outputs:
            self._noted += 1
            self._group.states[place] = state
            if key is not None:
                self._group.keys[place] = key

    def say(self, name: str, line: bytes) -> None:
        """Append a line to a file of outcomes."""
        if line:
            self._noted += 1
            self._group.lines.setdefault(name, []).append(line)

    def read(self, inputs: int) -> None:
        """Note how many rows have been read."""
        self._group.inputs = inputs

    def turn(self, cursor: str) -> None:
        """Note where a list goes on."""
        self._group.cursor = cursor

    def flush(self) -> None:
        """Have all that was noted written, with what else comes up until then."""
        group = self._group
        idle = not (group.states or group.lines or self._waiting)
        if self._writing or idle or self._closed:
            return
        waiting, self._waiting = self._waiting, []
        self._group = Group(inputs=group.inputs)
        self._noted = 0
        group.progress = self.progress()
        group.measured = self.measures.take()
        self._writing = True
        written = asyncio.wrap_future(self._thread.submit(self._write, group))
        written.add_done_callback(partial(self._on_written, waiting))

    async def safe(self) -> None:
        """Come back when all that was noted is on the disk.

        Raises:
            JournalError: if it cannot be written.
        """
        if self.failure is not None:
            raise copy(self.failure)
        if self._store is not None:
            await self._written()

    async def _written(self) -> None:
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        self.flush()
        await written

    async def ready(self) -> None:
        """Wait while too much of it has not been written."""
        if self._noted > _MOST_WAITING and self.failure is None:
            with suppress(JournalError):  # which ends the batch in its own way
                await self._written()

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
            if future.done():  # whoever waited was cancelled
                continue
            if self.failure is None:
                future.set_result(None)
            else:
                future.set_exception(copy(self.failure))
        if error is None:
            self.on_written()
        self.flush()

    def _write(self, group: Group) -> None:
        """Write a group, and before it what could not be written until now.

        What a file of outcomes does not take is kept in the journal, if there is one.

        Raises:
            JournalError: If a file of outcomes did not take its lines.
            sqlite3.Error: If the journal did not; then all of it is kept here.
        """
        if self._kept is not None:
            group = self._kept.then(group)
        self._kept = group
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
        self._kept = None
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
        """Write what is left, note how the run ended, and let go of everything.

        `ended` is None for a run that never began. It is done to its end even if
        whoever waits for it is cancelled.

        Raises:
            JournalError: if that cannot be written.
        """
        self._closed = True
        self._group.progress = self.progress()
        self._group.measured = self.measures.take()
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
            except Exception as error:  # noqa: BLE001 -- whatever it is, rows are lost
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
            if self._kept is not None:
                raise
        # The journal has what files of outcomes did not take.
        self._catch_up()

    def _loss(self, error: Exception) -> JournalError:
        """Say what is not on the disk at the end, and what that means."""
        if self._kept is not None:
            self.unwritten = self._kept.answered
        said = error if isinstance(error, JournalError) else self._failure(error)
        if self._kept is not None or self._store is None:
            return JournalError(f"{said}. {lost_words(self.unwritten, self.path)}")
        lines = sum(self._store.count_unwritten().values())
        return JournalError(
            f"{said}. {self.path} keeps the {lines:,} lines that are missing there, "
            "and the same job writes them when it resumes"
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
        what = self.path or "the file of outcomes"
        return JournalError(f"{what} cannot be written: {error}")


def _unwritable(output: Output, error: OSError) -> JournalError:
    return JournalError(f"{output.sink.path} cannot be written: {error}")


def lost_words(rows: int, path: Path | None) -> str:
    """Say how many answered rows are not on the disk, and what becomes of them."""
    if not rows:
        return "Every answered row is on disk"
    if path is None:
        return f"{rows:,} answered rows are missing in the files of outcomes"
    return (
        f"{rows:,} answered rows are not on disk: when the job resumes, creates among "
        "them are unknown, and other rows are sent again"
    )

"""The journal of a job: what has left and what became of it, safe on the disk.

It speaks of rows by their places, never of chunks: those are cut anew after a refusal
or a restart. What rows contain is not in it. All that waits for the disk happens in
one thread, and what comes up meanwhile is written together in the next transaction.
"""

import asyncio
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
from .locking import JobLock
from .measuring import Measures
from .outputs import Output, Sink
from .states import State
from .store import Group, Store


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
    counts: Mapping[State, int] = field(factory=lambda: dict.fromkeys(State, 0))
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
        failure: why nothing can be written any more; None as long as all is well.
        on_failure: called with it, once.
        on_written: called when what was noted is on the disk.
        progress: called for the figures that go with what is written.
        measures: what else goes with it.
    """

    def __init__(self, path: Path | None, sinks: Iterable[Sink] = ()) -> None:
        self.path = path
        self.outputs: dict[str, Output] = {sink.name: Output(sink) for sink in sinks}
        self.failure: JournalError | None = None
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
        self._broken = False  # a group was lost: nothing that follows may be written

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
        if not path.parent.is_dir():  # the lock would make one
            raise JournalError(
                f"{path} cannot be opened: there is no directory {path.parent}"
            )
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

    async def block(
        self, first: int, most: int = 10_000
    ) -> list[tuple[int, int, int | None]]:
        """Give what is known of the rows from a place on."""
        if self._store is None:
            return []
        return await self._in_thread(self._store.block, first, most)

    # ---- during the run; nothing here waits but `safe` and `ready`

    def note(self, place: int, state: State, key: int | None = None) -> None:
        """Note the state of a row."""
        if self._store is not None:
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
        if self._writing or idle or self._closed or self.failure is not None:
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
        if self.failure is None:
            self.on_written()
        self.flush()

    def _write(self, group: Group) -> None:
        try:
            self._write_all(group)
        except BaseException:
            self._broken = True
            raise

    def _write_all(self, group: Group) -> None:
        durable = self._store is not None
        lengths = {
            name: self.outputs[name].append(lines, durable=durable)
            for name, lines in group.lines.items()
        }
        if self._store is not None:
            self._store.write(group, lengths)

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
            if ended is None:
                return
            if self._broken:
                raise JournalError("what came before could not be written")
            self._write(self._group)
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

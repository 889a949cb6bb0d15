"""One export: every record of an object type into a file, page by page."""

import asyncio

from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from copy import copy
from os import PathLike
from pathlib import Path

from hubbatch.client import HubBatch
from hubbatch.core.dialects.documents import Page
from hubbatch.core.operations import Operation, read_operation
from hubbatch.core.outcomes import Summary, succeeded
from hubbatch.errors import HubBatchError, JournalError

from .identity import Identity
from .job import JobReport, Stopped, ending
from .journal import History, Journal
from .options import as_json, check_account, check_limit, check_paths, seen_from
from .portal import find_portal
from .rows import Row
from .sinks import Records
from .states import State


class Export:
    """Read all the records of a type into a file, and go on where that stopped.

    It is used as a `Job` is, and has the same report. HubSpot lists records 100 a
    call, and a page can only be asked for when the one before it has come, so this
    is no faster than HubSpot's answers follow one another.

    Args:
        hub: the client of the account.
        object_type: e.g. `tickets`.
        output: the file, `.csv` or `.jsonl`; a CSV needs `properties`.
        properties: which to read; by default the type's own.
        archived: whether to read the records that are archived, instead.
        journal: the path of a journal. The same export with the same journal goes on
            where it stopped; a finished one asks nothing.
        account: the portal id that the token must be of.
        limit: the most records to take.

    Attributes:
        portal_id: the account, once `prepare` has asked; None if it may not ask.
        operation: the read that it stands for.
    """

    def __init__(
        self,
        hub: HubBatch,
        object_type: str,
        output: str | PathLike[str],
        *,
        properties: Iterable[str] = (),
        archived: bool = False,
        journal: str | PathLike[str] | None = None,
        account: int | str | None = None,
        limit: int | None = None,
    ) -> None:
        self._hub = hub
        self._names = tuple(properties)
        self._archived = archived
        self._account = check_account(account)
        self._limit = check_limit(limit)
        self.operation: Operation = read_operation(
            object_type, api_version="v3", properties=self._names
        )
        self.portal_id: int | None = None
        path = None if journal is None else Path(journal)
        sink = Records(output, self.operation)
        check_paths(path, [sink])
        self._journal = Journal(path, [sink])
        self._identity = Identity(
            verb="list",
            object_type=object_type,
            source="all",
            fingerprint=None,
            options=as_json(
                {"properties": self._names, "archived": archived, "limit": limit}
            ),
            outputs={"output": seen_from(path, sink.path)},
        )
        self._history = History()
        self.summary: Summary = Summary()
        self._clock: Callable[[], float] | None = None
        self._began = 0.0
        self._prepared = self._used = self._stopping = False

    async def prepare(self) -> None:
        """Lock and check the journal and ask which portal it is; `run` does so too.

        Raises:
            JournalError, ConfigurationError, APIError: as `Job.prepare`.
        """
        if self._prepared:
            return
        try:
            self._history = await self._journal.open(self._identity)
            self.portal_id = await find_portal(
                self._hub, self._history, self._account, self._journal.path
            )
        except BaseException:
            self._used = True
            await self._journal.aclose()
            raise
        self._prepared = True
        runs = self._history.runs
        self.summary = Summary(
            inputs=self._history.counts[State.SUCCEEDED],
            succeeded=self._history.counts[State.SUCCEEDED],
            requests=runs["requests"],
            retries=runs["retries"],
            throttled=runs["throttled"],
            seconds=runs["seconds"],
        )

    @property
    def finished(self) -> bool:
        """Whether an earlier run has finished it; known once it is prepared."""
        return self._history.finished

    async def run(self) -> JobReport:
        """Read what is left to be read; once.

        Raises:
            JournalError, ConfigurationError, APIError: as `prepare`.
        """
        if self._used:
            raise RuntimeError("this export has run already; make another")
        await self.prepare()
        self._used = True
        if self._history.finished:
            await self._journal.aclose()
            return self._report("finished", None)
        error: HubBatchError | None = None
        try:
            await self._read()
        except Stopped:
            ended, message = "stopped", None
        except HubBatchError as raised:
            error = raised
            ended, message = ending(error)
        except BaseException as raised:
            cancelled = isinstance(raised, asyncio.CancelledError)
            with suppress(JournalError):
                await self._close("cancelled" if cancelled else type(raised).__name__)
            raise
        else:
            ended, message = ending(None)
        try:
            await self._close(ended, message)
        except JournalError as broken:
            error = error or self._journal.failure or broken
            ended = type(error).__name__
        return self._report(ended, error)

    def stop(self) -> None:
        """Ask for nothing more; `run` comes back when the page under way is written."""
        self._stopping = True

    async def aclose(self) -> None:
        """Let go of a journal that was prepared and not run."""
        if not self._used:
            self._used = True
            await self._journal.aclose()

    # ---- during

    async def _read(self) -> None:
        journal, cursor = self._journal, self._history.cursor
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock() - self.summary.seconds
        before = self._history.runs
        journal.progress = lambda: (
            self.summary.requests - before["requests"],
            self.summary.retries - before["retries"],
            self.summary.throttled - before["throttled"],
            self._elapsed() - before["seconds"],
        )
        journal.measures.allowed = self._allowed
        await journal.begin(self._identity, self.portal_id)
        pages = self._hub.objects(self._identity.object_type).pages(
            properties=self._names,
            archived=self._archived,
            after=cursor,
            took=self._took,
        )
        async with aclosing(pages):
            async for page in pages:
                if self._write(page):
                    return
                await journal.ready()
                if journal.failure is not None:
                    raise copy(journal.failure)
                if self._stopping:
                    raise Stopped("the export was stopped")

    def _write(self, page: Page) -> bool:
        """Write a page down with the cursor of the next; True if that was the last."""
        journal, call = self._journal, self.operation.call
        output = journal.outputs["output"].sink
        for record in page.records:
            place = self.summary.inputs
            if place == self._limit:
                break
            row = Row(place, record.id, record.id)
            outcome = succeeded(call, place, record.id, record, 1, None)
            journal.say("output", output.encode(outcome, row))
            journal.note(place, State.SUCCEEDED)
            self.summary.inputs = self.summary.succeeded = place + 1
        journal.read(self.summary.inputs)
        if page.after is not None:
            journal.turn(page.after)
        journal.flush()
        return page.after is None or self.summary.inputs == self._limit

    def _took(self, taken: Summary) -> None:
        self.summary.requests += taken.requests
        self.summary.retries += taken.retries
        self.summary.throttled += taken.throttled
        self.summary.seconds = self._elapsed()

    def _elapsed(self) -> float:
        return self._clock() - self._began if self._clock else self.summary.seconds

    def _allowed(self) -> float:
        limits = self._hub.limits
        return limits.max_requests / limits.interval * self.operation.max_inputs

    # ---- after

    async def _close(self, ended: str, message: str | None = None) -> None:
        self.summary.seconds = self._elapsed()
        await self._journal.aclose(ended, message, finished=ended == "finished")

    def _report(self, ended: str, error: HubBatchError | None) -> JobReport:
        counts = self.summary
        return JobReport(
            inputs=counts.inputs,
            succeeded=counts.succeeded,
            failed=0,
            unknown=0,
            not_sent=0,
            requests=counts.requests,
            retries=counts.retries,
            throttled=counts.throttled,
            seconds=counts.seconds,
            portal_id=self.portal_id,
            ended=ended,
            error=error,
            resumed=not self._history.new,
            already_finished=self._history.finished,
            resumable=self._journal.path is not None and ended != "finished",
        )

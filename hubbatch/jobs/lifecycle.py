"""The life of everything that a journal makes resumable: one run, however it ends.

What it does in that run (rows to send, pages to read) is its own business; that it
looks at its journal first, asks whose portal it is, can be stopped, counts over all
its runs and says in the end what became of it, is the same for all of them.
"""

import asyncio

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from attrs import evolve

from hubbatch.client import HubBatch
from hubbatch.core.operations import Operation
from hubbatch.core.outcomes import Summary
from hubbatch.errors import ConfigurationError, HubBatchError, JournalError

from .identity import Identity
from .job_report import JobReport, Stopped, ending
from .journal import History, Journal
from .portal import find_portal


class Lifecycle(ABC):
    """What a job and an export have in common.

    Attributes:
        portal_id: the account, once it is prepared; None if the token may not ask.
        operation: the call that it makes.
    """

    def __init__(
        self, hub: HubBatch, operation: Operation, journal: Journal, account: int | None
    ) -> None:
        self.operation: Operation = operation
        self.portal_id: int | None = None
        self._hub = hub
        self._journal = journal
        self._account = account
        self._identity: Identity | None = None
        self._history = History()
        self._summaries: list[Summary] = []  # of what this run has sent
        self._clock: Callable[[], float] | None = None  # while it runs
        self._began = 0.0
        self._seconds = 0.0
        self._used = False
        self._stopping = False

    # ---- what it is, and what it does

    @abstractmethod
    async def _identify(self) -> Identity:
        """Say what must be the same for it to go on."""

    @abstractmethod
    async def _go_on(self, job: Identity, history: History) -> None:
        """Take in what earlier runs have left; what raises here lets go of it all."""

    @abstractmethod
    def _counts(self) -> Mapping[str, int]:
        """Count the rows so far, over all runs, as `Summary` names them."""

    @abstractmethod
    async def _work(self) -> HubBatchError | None:
        """Do what is left; give what ended that early, if hubbatch did.

        Raises:
            Stopped: if it was asked to stop.
        """

    def _in_doubt(self) -> int:
        """Count the rows of earlier runs whose fate nobody has asked for since."""
        return 0

    def _finish(self) -> None:  # noqa: B027 -- most hold nothing back
        """Make final what was held back: nobody will go on with it."""

    # ---- its life

    @property
    def summary(self) -> Summary:
        """The counts so far, over all runs; they grow while it runs."""
        before = self._history.runs
        requests, retries, throttled, seconds = self._progress()
        return Summary(
            **self._counts(),
            requests=before["requests"] + requests,
            retries=before["retries"] + retries,
            throttled=before["throttled"] + throttled,
            isolating=sum(summary.isolating for summary in self._summaries),
            warnings=before["warnings"]
            + sum(summary.warnings for summary in self._summaries),
            seconds=before["seconds"] + seconds,
        )

    @property
    def settled(self) -> Summary:
        """The counts over all runs, should it end now: they add up to the rows read.

        A row that an earlier run left in doubt is `unknown`, and one that is still to
        be sent is `not_sent`.
        """
        counts = self.summary
        unknown = counts.unknown + self._in_doubt()
        known = counts.succeeded + counts.failed + unknown
        return evolve(counts, unknown=unknown, not_sent=counts.inputs - known)

    @property
    def finished(self) -> bool:
        """Whether an earlier run has finished it; known once it is prepared."""
        return self._history.finished

    async def prepare(self) -> None:
        """Lock and check the journal and ask which portal it is; `run` does so too.

        Afterwards `portal_id` is known, before anything is sent. What was finished
        before asks nothing.

        Raises:
            JournalError: if another process has the journal, or it is of another
                job, source or portal; says what differs.
            ConfigurationError: if the token is not of `account`, or that cannot be
                told; or a file of outcomes exists already.
            CheckFailed: if the preflight found what HubSpot would refuse.
            APIError: if HubSpot does not accept the token.
        """
        if self._identity is not None:
            return
        try:
            self._identity = await self._identify()
            self._history = await self._journal.open(self._identity)
            self.portal_id = await find_portal(
                self._hub, self._history, self._account, self._journal.path
            )
            await self._go_on(self._identity, self._history)
        except BaseException:
            self._used = True
            await self._journal.aclose()
            raise

    async def run(self) -> JobReport:
        """Do what is left to be done; once.

        An error of hubbatch that ends it early is in the report, as is a journal that
        cannot be written. What the source raises is raised, after what was under way
        has its outcome.

        Raises:
            JournalError, ConfigurationError, APIError: as `prepare`; JournalError also
                for a row that is not the one that the journal knows.
        """
        if self._used:
            raise RuntimeError("it has run already; make another")
        self._used = True
        await self.prepare()
        if self._history.finished:
            await self._journal.aclose()
            return self._report("finished", None)
        error: HubBatchError | None = None
        try:
            error = await self._begin() or await self._work()
            ended, message = ending(error)
        except Stopped:
            ended, message = "stopped", None
        except BaseException as raised:
            cancelled = isinstance(raised, asyncio.CancelledError)
            try:
                await self._close("cancelled" if cancelled else type(raised).__name__)
            except JournalError as broken:
                raised.add_note(str(broken))
            raise
        try:
            await self._close(ended, message)
        except (JournalError, ConfigurationError) as broken:
            if error is None or isinstance(error, JournalError):
                error = broken  # it says what is lost, too
            ended = type(error).__name__
        return self._report(ended, error)

    def stop(self) -> None:
        """Take up nothing more; `run` comes back when all under way is answered."""
        self._stopping = True

    async def aclose(self) -> None:
        """Let go of a journal that was prepared and not run."""
        if not self._used:
            self._used = True
            await self._journal.aclose()

    # ---- its parts

    async def _begin(self) -> JournalError | None:
        """Begin the run; return why the journal, or a file, cannot be written now."""
        assert self._identity is not None  # noqa: S101 -- it was prepared
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._journal.progress = self._progress
        measures = self._journal.measures
        measures.clock, measures.allowed = self._clock, self._allowed
        try:
            await self._journal.begin(self._identity, self.portal_id)
        except JournalError as error:
            return error
        return None

    def _check_stopping(self) -> None:
        if self._stopping:
            raise Stopped("it was stopped")

    async def _close(self, ended: str, message: str | None = None) -> None:
        finished = ended == "finished"
        if finished or self._journal.path is None:
            self._finish()
        *_, self._seconds = self._progress()
        self._clock = None
        await self._journal.aclose(ended, message, finished=finished)

    def _progress(self) -> tuple[int, int, int, float]:
        """Give requests, retries, 429 answers and seconds of this run."""
        return (
            sum(summary.requests for summary in self._summaries),
            sum(summary.retries for summary in self._summaries),
            sum(summary.throttled for summary in self._summaries),
            self._seconds + (self._clock() - self._began if self._clock else 0.0),
        )

    def _allowed(self) -> float:
        """Give the rows a second that the rate limit allows."""
        limits, family = self._hub.limits, self.operation.call.family
        limits = limits.families.get(family, limits)
        return limits.max_requests / limits.interval * self.operation.max_inputs

    def _report(self, ended: str, error: HubBatchError | None) -> JobReport:
        counts = self.settled
        return JobReport(
            inputs=counts.inputs,
            succeeded=counts.succeeded,
            failed=counts.failed,
            unknown=counts.unknown,
            not_sent=counts.not_sent,
            requests=counts.requests,
            retries=counts.retries,
            throttled=counts.throttled,
            warnings=counts.warnings,
            seconds=counts.seconds,
            portal_id=self.portal_id,
            ended=ended,
            error=error,
            resumed=not self._history.new,
            already_finished=self._history.finished,
            resumable=self._journal.path is not None and ended != "finished",
            unwritten=self._journal.unwritten,
        )

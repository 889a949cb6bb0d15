"""The life cycle of jobs and exports: prepare, run once, report.

A subclass does the work of a run (send rows, read pages). This base reads the journal
first, checks the portal, handles stopping, adds up the counts of all runs and makes the
report.
"""

import asyncio

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from attrs import evolve

from hubbatch._net.outage import patient
from hubbatch._outcomes.outcome import Summary
from hubbatch._wire.endpoints import Operation
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, HubBatchError, JournalError

from .job_report import JobReport, Stopped, describe_end
from .journal.identity import Identity
from .journal.journal import History, Journal
from .portal import find_portal


class Lifecycle(ABC):
    """The base of `Job` and `Export`.

    Attributes:
        portal_id: The account's id. Set by `prepare`; None if the token cannot read it.
        operation: The call that the job makes.
        family: The calls that share a rate limit with those of the job.
        rows_per_request: The maximum number of rows in a request or an answer.
        total: The number of rows; None if it is unknown. Set by `prepare`.
    """

    def __init__(
        self,
        hub: HubBatch,
        operation: Operation,
        journal: Journal,
        account: int | None,
        patience: float,
    ) -> None:
        self.operation: Operation = operation
        self.portal_id: int | None = None
        self.family: str = operation.call.family
        self.rows_per_request: int = operation.max_inputs
        self.total: int | None = None
        self._hub = hub
        self._journal = journal
        self._account = account
        self._patience = patience
        # `_identity` and `_history` are set by `prepare`. `_used` is set when `run` or
        # `aclose` is called or `prepare` fails; from then on neither runs again.
        self._identity: Identity | None = None
        self._history = History()
        self._summaries: list[Summary] = []  # of this run's batches
        self._clock: Callable[[], float] | None = None  # set while it runs
        self._began = 0.0
        self._seconds = 0.0
        self._used = False
        self._stopping = False

    # ---- implemented by subclasses

    @abstractmethod
    async def _identify(self) -> Identity:
        """Return the identity of the job, which must not change between runs."""

    @abstractmethod
    async def _load_history(self, job: Identity, history: History) -> None:
        """Take over the state that earlier runs recorded; raise to abandon the run."""

    @abstractmethod
    def _counts(self) -> Mapping[str, int]:
        """Return the counts of rows so far, over all runs, named as in `Summary`."""

    @abstractmethod
    async def _work(self) -> HubBatchError | None:
        """Do the remaining work; return the hubbatch error that ended it early, if any.

        Raises:
            Stopped: If the caller asked it to stop.
        """

    def _in_doubt(self) -> int:
        """Count the rows of earlier runs whose outcome is still unknown."""
        return 0

    def _finish(self) -> None:  # noqa: B027 -- an export holds nothing back
        """Finalize the outcomes that were held back for another run."""

    # ---- public

    @property
    def summary(self) -> Summary:
        """The counts so far, over all runs. They grow while the job runs."""
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
        """The counts over all runs, as if the job ended now; they add up to `inputs`.

        A row that an earlier run left in doubt counts as `unknown`, and one that has
        not been sent yet as `not_sent`.
        """
        counts = self.summary
        unknown = counts.unknown + self._in_doubt()
        known = counts.succeeded + counts.failed + unknown
        return evolve(counts, unknown=unknown, not_sent=counts.inputs - known)

    @property
    def finished(self) -> bool:
        """Whether an earlier run finished the job. Known after `prepare`."""
        return self._history.finished

    async def prepare(self) -> None:
        """Lock and check the journal, and check the portal; `run` calls this too.

        Afterwards `portal_id` is known, and only reads have been sent to HubSpot. A
        finished job sends no requests at all.

        Raises:
            JournalError: If another process has the journal, or it belongs to another
                job, source or portal; the message says what differs.
            ConfigurationError: If the token does not belong to `account` or that cannot
                be checked, or if an output file of a new job exists already.
            CheckFailed: If the preflight found rows that HubSpot would refuse.
            APIError: If HubSpot does not accept the token, or is unavailable.
        """
        if self._identity is None:
            with patient(self._patience):
                await self._prepare()

    async def _prepare(self) -> None:
        client = self._hub._state  # noqa: SLF001 -- a job is part of the client
        gate, granted = client.gate, client.gate.granted
        self._journal.requested = lambda: gate.granted - granted
        self._journal.clock = lambda: client.today().timestamp()
        try:
            self._identity = await self._identify()
            self._journal.senders = gate.senders
            self._history = await self._journal.open(self._identity)
            # HubSpot still counts what the run before has just sent.
            gate.record_earlier(self._history.seconds_ago, self.family)
            self.portal_id = await find_portal(
                self._hub, self._history, self._account, self._journal.path
            )
            await self._load_history(self._identity, self._history)
        except BaseException:
            self._used = True
            await self._journal.aclose()
            raise

    async def run(self) -> JobReport:
        """Do all remaining work and return the report. Can be called only once.

        A hubbatch error that ends the run early is reported, not raised; so is a
        failure to write the journal. An exception from the source is raised once every
        request in flight has been answered.

        Raises:
            JournalError: As for `prepare`; or if a row differs from the one in the
                journal.
            ConfigurationError, APIError, CheckFailed: As for `prepare`.
            RuntimeError: If the job has been run already.
        """
        if self._used:
            raise RuntimeError("This job has run already. Create a new one.")
        self._used = True
        await self.prepare()
        if self._history.finished:
            await self._journal.aclose()
            return self._report("finished", None)
        error: HubBatchError | None = None
        try:
            with patient(self._patience):
                error = await self._begin() or await self._work()
            ended, message = describe_end(error)
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
                error = broken  # this message also describes the loss
            ended = type(error).__name__
        return self._report(ended, error)

    def stop(self) -> None:
        """Start nothing more; `run` returns once every request is answered."""
        self._stopping = True

    async def aclose(self) -> None:
        """Close the journal of a job that was prepared but not run."""
        if not self._used:
            self._used = True
            await self._journal.aclose()

    # ---- private

    async def _begin(self) -> JournalError | None:
        """Begin the run; return the error if journal or files cannot be written."""
        assert self._identity is not None  # noqa: S101 -- set by `prepare`
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._journal.progress = self._progress
        measures = self._journal.measures
        measures.clock, measures.allowed = self._clock, self._allowed
        try:
            self._journal.total = self.total
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
        """Return the requests, retries, 429 answers and seconds of this run."""
        return (
            sum(summary.requests for summary in self._summaries),
            sum(summary.retries for summary in self._summaries),
            sum(summary.throttled for summary in self._summaries),
            self._seconds + (self._clock() - self._began if self._clock else 0.0),
        )

    def _allowed(self) -> float:
        """Return the rows per second that the rate limit allows."""
        limits = self._hub.limits
        limits = limits.families.get(self.family, limits)
        return limits.max_requests / limits.interval * self.rows_per_request

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

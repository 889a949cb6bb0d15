"""One job: from a source of rows to HubSpot, and the files that say what became."""

import asyncio

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing, suppress
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any

from attrs import frozen

from hubbatch.client import HubBatch
from hubbatch.core.operations import Operation, Verb
from hubbatch.core.outcomes import (
    OutcomeStatus,
    Summary,
    unknown_error,
    unsuccessful,
)
from hubbatch.errors import (
    ConfigurationError,
    HubBatchError,
    JournalError,
    PermissionDeniedError,
    TooManyFailures,
)
from hubbatch.net.batch import Batch
from hubbatch.net.running import Run

from .identity import Identity
from .journal import History, Journal
from .options import (
    MEANING,
    as_json,
    check_account,
    check_limit,
    check_paths,
    find_verb,
    fitting,
    seen_from,
)
from .outputs import Sink, SinkOrPath
from .passage import Passage, Tally
from .resuming import Resumption, first_later, then_later, unhurried
from .rows import Row, Source, as_source
from .sinks import Failures, Records, Results
from .states import FINAL, State


class Stopped(Exception):
    """Somebody asked the job to stop."""


@frozen(kw_only=True)
class JobReport:
    """What became of a job's rows, over all its runs.

    Attributes:
        inputs: rows read; the four counts below add up to it.
        succeeded: rows that succeeded.
        failed: rows that were refused.
        unknown: rows that may or may not have been written.
        not_sent: rows that were surely not written.
        requests: requests sent.
        retries: how many of them repeated an earlier one.
        throttled: how many were answered with 429.
        seconds: how long it ran.
        portal_id: the account, or None if the token was not allowed to ask.
        ended: `finished`; or, where rows may be left: `stopped`, or the name of the
            class of `error`.
        error: what ended it early, if it was an error of hubbatch.
        resumed: whether an earlier run had begun it.
        already_finished: whether an earlier run had finished it, so that nothing was
            sent.
        resumable: whether the same job with the same journal goes on from here.
    """

    inputs: int
    succeeded: int
    failed: int
    unknown: int
    not_sent: int
    requests: int
    retries: int
    throttled: int
    seconds: float
    portal_id: int | None
    ended: str
    error: HubBatchError | None
    resumed: bool
    already_finished: bool
    resumable: bool


class Job:
    """Send every row of a source, once, whatever happens in between.

    Args:
        hub: the client of the account.
        verb: create, read, update, upsert or archive.
        object_type: e.g. `tickets`.
        source: a `Source`, or any iterable or async iterable of inputs.
        id_property: as of the verb.
        properties: which to read.
        reconcile_by: a unique property by which a create that may have been written
            is looked for before it is sent again.
        legacy: whether to use `crm-objects/v1`.
        journal: the path of a journal. The same job with the same journal goes on
            where it stopped; a finished one sends nothing.
        results: a path (`.csv`, `.jsonl`) or a `Sink`: a line per success.
        failures: a path or a `Sink`: a line per row that did not succeed.
        output: a path or a `Sink`: the records that were read.
        max_failures: as of the verb.
        account: the portal id that the token must be of.
        limit: the most rows to take.

    Attributes:
        portal_id: the account, once `run` has asked; None if it may not ask.
        operation: the call that it makes.
    """

    def __init__(
        self,
        hub: HubBatch,
        verb: Verb,
        object_type: str,
        source: Source | Iterable[Any] | AsyncIterable[Any],
        *,
        id_property: str | None = None,
        properties: Iterable[str] = (),
        reconcile_by: str | None = None,
        legacy: bool = False,
        journal: str | PathLike[str] | None = None,
        results: SinkOrPath | None = None,
        failures: SinkOrPath | None = None,
        output: SinkOrPath | None = None,
        max_failures: int | str | None = "auto",
        account: int | str | None = None,
        limit: int | None = None,
    ) -> None:
        self._hub = hub
        self._source = as_source(source)
        self._limit = check_limit(limit)
        self._account = check_account(account)
        options = {
            "id_property": id_property,
            "properties": tuple(properties) or None,
            "reconcile_by": reconcile_by,
        }
        self._verb = find_verb(hub, verb, object_type, legacy=legacy)
        self._given = {
            "max_failures": max_failures,
            **fitting(verb, options, legacy=legacy),
        }
        planned = self._batch([])
        planned.close()
        self.operation: Operation = planned.operation
        self.portal_id: int | None = None
        path = None if journal is None else Path(journal)
        given = {"results": results, "failures": failures, "output": output}
        sinks = [
            _sink(role, sink, self.operation, legacy=legacy)
            for role, sink in given.items()
            if sink is not None
        ]
        check_paths(path, sinks)
        self._journal = Journal(path, sinks)
        self._meaning = {
            **{name: value for name, value in options.items() if name in MEANING},
            "legacy": legacy,
            "limit": limit,
        }
        self._identity: Identity | None = None
        self._history = History()
        self._tally = Tally(self._journal, self.operation)
        self._summaries: list[Summary] = []
        self._retaken = 0  # rows in doubt that are no concern of an earlier run now
        self._run: Run | None = None
        self._clock: Callable[[], float] | None = None  # while it runs
        self._began = 0.0
        self._seconds = 0.0
        self._used = False
        self._stopping = False

    @property
    def summary(self) -> Summary:
        """The counts so far, over all runs; they grow while it runs."""
        counts, before = self._tally.counts, self._history.runs
        requests, retries, throttled, seconds = self._progress()
        return Summary(
            inputs=self._tally.inputs,
            succeeded=counts[OutcomeStatus.SUCCEEDED],
            failed=counts[OutcomeStatus.FAILED],
            unknown=counts[OutcomeStatus.UNKNOWN],
            not_sent=counts[OutcomeStatus.NOT_SENT],
            requests=before["requests"] + requests,
            retries=before["retries"] + retries,
            throttled=before["throttled"] + throttled,
            isolating=sum(summary.isolating for summary in self._summaries),
            seconds=before["seconds"] + seconds,
        )

    @property
    def finished(self) -> bool:
        """Whether an earlier run has finished it; known once it is prepared."""
        return self._history.finished

    async def prepare(self) -> None:
        """Lock and check the journal and ask which portal it is; `run` does so too.

        Afterwards `portal_id` is known, before anything is sent. A finished job asks
        nothing.

        Raises:
            JournalError: if another process has the journal, or it is of another
                job, source or portal; says what differs.
            ConfigurationError: if the token is not of `account`, or that cannot be
                told; or a file of outcomes exists already.
            APIError: if HubSpot does not accept the token.
        """
        if self._identity is not None:
            return
        try:
            fingerprint = await asyncio.to_thread(self._source.fingerprint)
            self._identity = self._identify(fingerprint)
            self._history = await self._journal.open(self._identity)
            await self._find_portal()
        except BaseException:
            self._used = True
            await self._journal.aclose()
            raise
        for output in self._journal.outputs.values():
            if isinstance(output.sink, Failures):
                output.sink.portal_id = self.portal_id
        counts = self._history.counts
        self._tally.inputs = self._history.inputs
        self._tally.counts.update(
            {status: counts[state] for status, state in FINAL.items()}
        )
        self._tally.given_up = sum(
            counts[state] for state in FINAL.values() if state is not State.SUCCEEDED
        )

    async def run(self) -> JobReport:
        """Send what is left to be sent; once.

        An error of hubbatch that ends it early is in the report. What the source
        raises is raised, after what was under way has its outcome.

        Raises:
            JournalError, ConfigurationError, APIError: as `prepare`; JournalError also
                for a row that is not the one that the journal knows.
        """
        if self._used:
            raise RuntimeError("this job has run already; make another")
        self._used = True
        await self.prepare()
        if self._history.finished:
            await self._journal.aclose()
            return self._report("finished", None)
        error: HubBatchError | None = None
        try:
            error = await self._send()
            ended, message = _ending(error)
        except Stopped:
            ended, message = "stopped", None
        except BaseException as raised:
            cancelled = isinstance(raised, asyncio.CancelledError)
            with suppress(JournalError):
                await self._close("cancelled" if cancelled else type(raised).__name__)
            raise
        try:
            await self._close(ended, message)
        except JournalError as broken:
            error = error or broken
            ended = type(error).__name__
        return self._report(ended, error)

    async def _close(self, ended: str, message: str | None = None) -> None:
        finished = ended == "finished"
        if finished or self._journal.path is None:
            self._tally.finish()  # nobody will go on with it
        *_, self._seconds = self._progress()
        self._clock = None
        await self._journal.aclose(ended, message, finished=finished)

    def stop(self) -> None:
        """Take up nothing more; `run` comes back when all under way is answered."""
        self._stopping = True
        if self._run is not None:
            self._run.end(Stopped("the job was stopped"))

    async def aclose(self) -> None:
        """Let go of a journal that was prepared and not run."""
        if not self._used:
            self._used = True
            await self._journal.aclose()

    # ---- before

    def _identify(self, fingerprint: str | None) -> Identity:
        source = self._source
        return Identity(
            verb=self.operation.call.verb,
            object_type=self.operation.object_type,
            source=source.name,
            fingerprint=fingerprint,
            options=as_json(
                {
                    **self._meaning,
                    **{f"the source's {n}": v for n, v in source.options.items()},
                }
            ),
            outputs={
                name: seen_from(self._journal.path, output.sink.path)
                for name, output in self._journal.outputs.items()
            },
        )

    async def _find_portal(self) -> None:
        history, wanted = self._history, self._account
        if history.finished:
            self.portal_id = history.portal_id
        else:
            try:
                self.portal_id = (await self._hub.account()).portal_id
            except PermissionDeniedError:  # the token may write, and not ask this
                self.portal_id = None
        if wanted is not None and self.portal_id != wanted:
            found = self.portal_id or "one that HubSpot does not tell"
            raise ConfigurationError(
                f"the access token is of account {found}, not of {wanted}"
            )
        if history.portal_id not in (None, self.portal_id):
            found = self.portal_id or "one that HubSpot does not tell"
            raise JournalError(
                f"{self._journal.path} is the journal of a job in portal "
                f"{history.portal_id}; the access token is of portal {found}"
            )

    # ---- during

    async def _send(self) -> HubBatchError | None:
        """Take up what is left; give what ended that early."""
        assert self._identity is not None  # noqa: S101 -- it was prepared
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._journal.progress = self._progress
        await self._journal.begin(self._identity, self.portal_id)
        source, limit = self._source, self._limit
        resumption = Resumption(self._journal, source, self._check_stopping)
        if isinstance(source, AsyncIterable):
            async with aclosing(first_later(source, limit)) as later:
                doubted, left = await resumption.pass_by(later)
                async with aclosing(then_later(left, later)) as rest:
                    return await self._send_both(doubted, rest)
        rows = iter(source)
        try:
            some = islice(rows, limit)
            async with aclosing(unhurried(some)) as slowly:
                doubted, left = await resumption.pass_by(slowly)
            return await self._send_both(doubted, chain(left, some))
        finally:
            if isinstance(rows, Generator):
                rows.close()

    async def _send_both(
        self, doubted: Sequence[Row], rows: Iterator[Row] | AsyncIterator[Row]
    ) -> HubBatchError | None:
        """Send first what an earlier run may have sent, then the rest."""
        error = None
        operation = self.operation
        if operation.call.repeatable or operation.read_back is not None:
            if doubted:
                error = await self._pass(iter(doubted), doubted=True)
        else:
            self._leave_unknown(doubted)
        return error or await self._pass(rows)

    def _leave_unknown(self, rows: Sequence[Row]) -> None:
        error = unknown_error("it was sent by a run that ended before the answer came")
        status, call = OutcomeStatus.UNKNOWN, self.operation.call
        for row in rows:
            outcome = unsuccessful(
                call, row.index, row.input, error, status, attempts=1
            )
            self._tally.hold(outcome, row)
        self._tally.counts[status] += len(rows)
        self._retaken += len(rows)

    async def _pass(
        self, rows: Iterator[Row] | AsyncIterator[Row], *, doubted: bool = False
    ) -> HubBatchError | None:
        """Let the engine have rows; give what ended it early, if hubbatch did."""
        self._check_stopping()
        passage, journal = Passage(self._tally), self._journal
        later = isinstance(rows, AsyncIterator)
        batch = self._batch(
            passage.inputs_later(rows) if later else passage.inputs(rows)  # type: ignore[arg-type] # mypy does not narrow by `later`
        )
        written_down = {"journal": passage} if journal.path is not None else {}
        run = batch.begin(passage, ready=journal.ready, doubted=doubted, **written_down)
        self._summaries.append(run.summary)
        self._run = run
        passage.ended = lambda: run.ended is not None
        journal.on_failure = run.end
        if journal.path is not None:
            journal.on_written = lambda: run.teller.of_journal(self._tally.pending)
        try:
            await batch.feed(run)
        except HubBatchError as error:
            if run.ended is passage.failure:
                raise
            return error
        finally:
            self._retaken += run.summary.inputs * doubted
        return None

    def _check_stopping(self) -> None:
        if self._stopping:
            raise Stopped("the job was stopped")

    def _batch(self, inputs: Any) -> Batch[Any]:
        return self._verb(inputs, **self._given)

    # ---- after

    def _progress(self) -> tuple[int, int, int, float]:
        return (
            sum(summary.requests for summary in self._summaries),
            sum(summary.retries for summary in self._summaries),
            sum(summary.throttled for summary in self._summaries),
            self._seconds + (self._clock() - self._began if self._clock else 0.0),
        )

    def _report(self, ended: str, error: HubBatchError | None) -> JobReport:
        counts = self.summary
        doubted = max(0, self._history.counts[State.SENT] - self._retaken)
        unknown = counts.unknown + doubted
        settled = counts.succeeded + counts.failed + unknown
        return JobReport(
            inputs=counts.inputs,
            succeeded=counts.succeeded,
            failed=counts.failed,
            unknown=unknown,
            not_sent=counts.inputs - settled,
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


def _ending(error: HubBatchError | None) -> tuple[str, str | None]:
    if isinstance(error, TooManyFailures):  # its sentence may quote a value
        return type(error).__name__, "more records failed than max_failures allows"
    if error is not None:
        return type(error).__name__, str(error)
    return "finished", None


def _sink(role: str, given: SinkOrPath, operation: Operation, *, legacy: bool) -> Sink:
    if not isinstance(given, str | PathLike):
        return given
    if role == "results":
        return Results(given)
    if role == "output":
        return Records(given, operation)
    return Failures(given, operation, legacy=legacy)

"""A job: sends the rows of a source to HubSpot and records the outcome of each."""

import asyncio

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from copy import copy
from datetime import timedelta
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from hubbatch._net.batch import Batch
from hubbatch._net.progress import ProgressReporter, check_progress
from hubbatch._net.run import Run
from hubbatch._outcomes.outcome import OutcomeStatus, unknown_error, unsuccessful
from hubbatch._tables.column_mapping import JobVerb
from hubbatch._wire.arguments import Table
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, HubBatchError
from hubbatch.models import Property

from .checks.check import CheckReport, check, raise_if_refused
from .checks.schema import ask_schema
from .checks.unknown_properties import check_properties
from .job_report import Stopped
from .journal.identity import Identity
from .journal.journal import History, Journal
from .journal.states import FINAL, RowState
from .lifecycle import Lifecycle
from .options import (
    IDENTITY_OPTIONS,
    as_json,
    check_account,
    check_client,
    check_limit,
    check_options,
    check_paths,
    check_patience,
    find_verb,
    make_sink,
    relative_to_journal,
)
from .outputs.output_files import SinkOrPath
from .outputs.rows_to_fix import RowsToFix
from .outputs.sinks import Failures
from .resume import Resumption, chain_async, take_async, with_loop_turns
from .run_adapter import RunAdapter, Tally
from .sources.job_source import count_rows, open_job_source
from .sources.row_source import Inputs, Row, Source, as_source


class Job(Lifecycle):
    """Send every row of a source to HubSpot.

    With a journal, a job that was stopped, killed or cut off can resume: run the same
    job with the same journal. Rows whose outcome is known are never sent again. Rows
    that were in flight are: repeatable writes are sent again, creates are first looked
    up by `reconcile_by`, and creates without it end as `unknown`.

    Args:
        hub: The client of the account.
        verb: create, read, update, upsert, archive, merge, or (for contacts)
            gdpr_delete. A merge that may have been sent is never sent again.
        object_type: E.g. `tickets`; or `associations.contacts.companies`, with the
            verbs read, create, create_default, archive and archive_labels; or the
            number of a list, `lists.581`, with the verbs add and remove.
        source: The path of a file (see `open_source`), a `Source`, a table (pandas,
            polars, pyarrow, DuckDB), or any iterable or async iterable of inputs.
        id_property: The unique property that the ids are values of, as for the verb. A
            `Source` with `Columns` has it already.
        properties: The properties to read. For the other verbs and a path: the columns
            to send if not all, as names or as a mapping from columns to properties.
        reconcile_by: A unique property. Before a create that may have been written is
            sent again, its record is looked up by this property.
        legacy: Whether to use `crm-objects/v1`.
        id_column: For a path or a table: the column with the ids. By default the column
            with the name of `id_property`, or else `id`.
        empty: For a path: whether an empty cell keeps the property's value (`skip`, the
            default) or clears it (`clear`).
        append: For a path: the columns whose options are added to those that a checkbox
            property has, instead of replacing them.
        encoding: For a path: a Python codec. Default: UTF-8.
        delimiter: For the path of a CSV: one character. Default: detected.
        query: For the path of a SQLite database: a SELECT with an ORDER BY.
        timezone: The time zone of times without one (`"Europe/Berlin"`), as for the
            verb. A Parquet, Excel or Arrow `Source` has one of its own for columns of
            times.
        journal: The path of the journal. If it records that the job is finished,
            nothing is sent.
        results: A path (`.csv`, `.jsonl`) or a `Sink`: one line per success.
        failures: A path (`.jsonl`) or a `Sink`: one line per row that did not succeed.
            For the path of a CSV or Excel file also `.csv`: these rows with all their
            columns and a `reason`, to fix in a spreadsheet and replay.
        output: A path (`.csv`, `.jsonl`, `.parquet`) or a `Sink`: the records that a
            read returned.
        max_failures: The number or share of failures above which the job ends, as for
            the verb.
        account: The portal id that the access token must belong to.
        limit: The maximum number of rows to take from the source.
        patience: For how long HubSpot may be down before the job ends, as a number of
            seconds or a `timedelta`. Meanwhile one request at a time is sent, at most
            30 s apart. By default the job ends once several chunks in a row have used
            up their retries.
        progress: Called as `progress(done, total)`, as for the verbs; `done` includes
            the rows that earlier runs of the job finished.
        preflight: Whether to check every row first (see `check`), and send nothing if
            HubSpot would certainly refuse one; or the property definitions to check
            against, instead of those that HubSpot returns. A resumed job is not checked
            again.

    Attributes:
        portal_id: The account's id. Set by `prepare` and `run`; None if the token
            cannot read it.
        operation: The call that the job makes.
        preflight_report: What the preflight found. None without one, and after a job
            was resumed.

    Raises:
        ConfigurationError: If the verb, an option or a path cannot be used, or if an
            option differs from that of the source.
        TypeError: If `source` is neither a path nor a source nor an iterable, or `hub`
            is not the async client.
    """

    total: int | None

    def __init__(
        self,
        hub: HubBatch,
        verb: JobVerb,
        object_type: str,
        source: str
        | PathLike[str]
        | Source
        | Table
        | Iterable[Any]
        | AsyncIterable[Any],
        *,
        id_property: str | None = None,
        properties: Mapping[str, str] | Iterable[str] = (),
        reconcile_by: str | None = None,
        legacy: bool = False,
        id_column: str | None = None,
        empty: Literal["skip", "clear"] | None = None,
        append: Iterable[str] | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        query: str | None = None,
        timezone: str | None = None,
        journal: str | PathLike[str] | None = None,
        results: SinkOrPath | None = None,
        failures: SinkOrPath | None = None,
        output: SinkOrPath | None = None,
        max_failures: int | str | None = "auto",
        account: int | str | None = None,
        limit: int | None = None,
        patience: float | timedelta | None = None,
        preflight: bool | Iterable[Property] = False,
        progress: Callable[[int, int | None], object] | None = None,
    ) -> None:
        check_client(hub, "Job")
        opened, options = open_job_source(
            source,
            verb,
            object_type,
            call={"id_property": id_property, "reconcile_by": reconcile_by},
            properties=properties,
            legacy=legacy,
            columns={"id_column": id_column, "empty": empty, "append": append},
            file={"encoding": encoding, "delimiter": delimiter, "query": query},
            timezone=timezone,
        )
        self._preflight = preflight
        self.preflight_report: CheckReport | None = None
        self._limit = check_limit(limit)
        portal = check_account(account)
        waits = check_patience(patience)
        check_progress(progress)
        self._reporter = ProgressReporter(progress, self._count_settled)
        self._verb = find_verb(hub, verb, object_type, legacy=legacy)
        self._options = {
            "max_failures": max_failures,
            "progress": progress and (lambda _done, _total: self._reporter.report()),
            **check_options(verb, options, legacy=legacy),
        }
        planned = self._batch([])
        planned.close()
        operation = planned.operation
        self._source = as_source(
            opened, operation, timezone=timezone, id_column=id_column
        )
        path = None if journal is None else Path(journal)
        outputs = {"results": results, "failures": failures, "output": output}
        sinks = [
            make_sink(role, sink, operation, legacy=legacy, source=self._source)
            for role, sink in outputs.items()
            if sink is not None
        ]
        check_paths(path, sinks)
        super().__init__(hub, operation, Journal(path, sinks), portal, waits)
        self._identity_options = {
            **{name: options.get(name) for name in IDENTITY_OPTIONS},
            "legacy": legacy,
            "limit": limit,
        }
        self._tally = Tally(self._journal, self.operation)
        self._resolved = 0  # rows in doubt that this run has taken over
        self._run: Run | None = None

    def stop(self) -> None:
        """Take no more rows; `run` returns once every request has been answered."""
        super().stop()
        if self._run is not None:
            self._run.end(Stopped("the job was stopped"))

    # ---- before the run

    async def _identify(self) -> Identity:
        source = self._source
        return Identity(
            verb=self.operation.call.verb,
            object_type=self.operation.object_type,
            source=source.name,
            fingerprint=await asyncio.to_thread(source.fingerprint),
            options=as_json(
                {
                    **self._identity_options,
                    **{f"the source's {n}": v for n, v in source.options.items()},
                }
            ),
            outputs={
                name: relative_to_journal(self._journal.path, output.final)
                for name, output in self._journal.outputs.items()
            },
        )

    async def _load_history(self, job: Identity, history: History) -> None:
        if self._preflight is not False and history.new:
            await self._check_rows(job.fingerprint)
        if history.new:
            await check_properties(self._hub, self.operation)
        for output in self._journal.outputs.values():
            if isinstance(output.sink, Failures | RowsToFix):
                output.sink.portal_id = self.portal_id
        counts, tally = history.counts, self._tally
        tally.inputs = history.inputs
        tally.counts.update({status: counts[state] for status, state in FINAL.items()})
        tally.given_up = sum(
            counts[state] for state in FINAL.values() if state is not RowState.SUCCEEDED
        )
        rows = await asyncio.to_thread(count_rows, self._source)
        known = [count for count in (rows, self._limit) if count is not None]
        self.total = self._reporter.total = None if rows is None else min(known)
        self._reporter.report()

    async def _check_rows(self, fingerprint: str | None) -> None:
        raw = self._source.inputs if isinstance(self._source, Inputs) else None
        if fingerprint is None and not isinstance(raw, Collection):
            raise ConfigurationError(
                f"a preflight reads the source twice, but {self._source.name} can be "
                "read only once. Pass a file or a list, or run without preflight"
            )
        operation, known = self.operation, self._preflight
        if isinstance(known, bool):
            known = await ask_schema(self._hub, operation)
        report = await check(self._source, operation, known, limit=self._limit)
        self.preflight_report = report
        raise_if_refused(report)

    # ---- the run

    async def _work(self) -> HubBatchError | None:
        source, limit = self._source, self._limit
        resumption = Resumption(self._journal, source, self._check_stopping)
        if isinstance(source, AsyncIterable):
            async with aclosing(take_async(source, limit)) as later:
                doubted, left = await resumption.skip_known(later)
                async with aclosing(chain_async(left, later)) as rest:
                    return await self._send_both(doubted, rest)
        rows = iter(source)
        try:
            some = islice(rows, limit)
            async with aclosing(with_loop_turns(some)) as slowly:
                doubted, left = await resumption.skip_known(slowly)
            return await self._send_both(doubted, chain(left, some))
        finally:
            if isinstance(rows, Generator):
                rows.close()

    async def _send_both(
        self, doubted: Sequence[Row], rows: Iterator[Row] | AsyncIterator[Row]
    ) -> HubBatchError | None:
        """Send the rows that an earlier run may have sent, and then the others."""
        error = None
        operation = self.operation
        if operation.call.retry_safe or operation.read_back is not None:
            if doubted:
                error = await self._run_batch(iter(doubted), doubted=True)
        else:
            self._mark_unknown(doubted)
        return error or await self._run_batch(rows)

    def _mark_unknown(self, rows: Sequence[Row]) -> None:
        error = unknown_error(
            "it was sent by a run that ended before the answer arrived"
        )
        status, call = OutcomeStatus.UNKNOWN, self.operation.call
        for row in rows:
            outcome = unsuccessful(
                call, row.index, row.input, error, status, attempts=1
            )
            self._tally.hold(outcome, row)
        self._tally.counts[status] += len(rows)
        self._resolved += len(rows)

    async def _run_batch(
        self, rows: Iterator[Row] | AsyncIterator[Row], *, doubted: bool = False
    ) -> HubBatchError | None:
        """Send rows as one batch; return the hubbatch error that ended it, if any."""
        self._check_stopping()
        adapter = RunAdapter(self._tally, maybe_sent=doubted)
        journal = self._journal
        if journal.failure is not None:
            return copy(journal.failure)
        later = isinstance(rows, AsyncIterator)
        batch = self._batch(
            adapter.inputs_async(rows) if later else adapter.inputs(rows)  # type: ignore[arg-type] # mypy does not narrow by `later`
        )
        run = batch.begin(
            adapter,
            ready=journal.ready,
            journal=None if journal.path is None else adapter,
            maybe_sent=doubted,
        )
        self._summaries.append(run.summary)
        self._run = run
        adapter.ended = lambda: run.ended is not None
        journal.on_failure = run.end
        if journal.path is not None:
            journal.on_written = lambda: run.events.journal_written(self._tally.pending)
        try:
            await batch.feed(run)
        except HubBatchError as error:
            if run.ended is adapter.failure:
                raise
            return error
        finally:
            self._resolved += run.summary.inputs * doubted
        return None

    def _batch(self, inputs: Any) -> Batch[Any]:
        return self._verb(inputs, **self._options)

    # ---- counts

    def _count_settled(self) -> int:
        return sum(self._tally.counts.values())

    def _counts(self) -> Mapping[str, int]:
        counts = self._tally.counts
        of_status = {str(status): counts[status] for status in OutcomeStatus}
        return {"inputs": self._tally.inputs, **of_status}

    def _in_doubt(self) -> int:
        return max(0, self._history.counts[RowState.SENT] - self._resolved)

    def _finish(self) -> None:
        self._tally.finish()

"""One job: from a source of rows to HubSpot, and the files that say what became."""

import asyncio

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from copy import copy
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any

from hubbatch.client import HubBatch
from hubbatch.core.outcomes import OutcomeStatus, unknown_error, unsuccessful
from hubbatch.errors import ConfigurationError, HubBatchError
from hubbatch.models import Property
from hubbatch.net.batch import Batch
from hubbatch.net.running import Run

from .check import check, checked
from .column_mapping import JobVerb
from .identity import Identity
from .job_report import Stopped
from .journal import History, Journal
from .lifecycle import Lifecycle
from .options import (
    MEANING,
    as_json,
    check_account,
    check_limit,
    check_paths,
    find_verb,
    fitting,
    make_sink,
    seen_from,
)
from .outputs import SinkOrPath
from .resume import Resumption, first_later, then_later, unhurried
from .rows import Inputs, Row, Source, as_source
from .run_adapter import RunAdapter, Tally
from .schema import ask_schema
from .sinks import Failures
from .states import FINAL, RowState


class Job(Lifecycle):
    """Send every row of a source, once, whatever happens in between.

    Args:
        hub: the client of the account.
        verb: create, read, update, upsert or archive.
        object_type: e.g. `tickets`. Or `associations.contacts.companies`, with the
            verbs read, create, create_default, archive and archive_labels.
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
        preflight: whether to look at every row first (see `check`) and to send nothing
            if HubSpot would surely refuse one; or the definitions of the properties
            to go by, instead of asking HubSpot. A job that goes on is not looked at
            again.

    Attributes:
        portal_id: the account, once `run` has asked; None if it may not ask.
        operation: the call that it makes.
    """

    def __init__(
        self,
        hub: HubBatch,
        verb: JobVerb,
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
        preflight: bool | Iterable[Property] = False,
    ) -> None:
        self._source = as_source(source)
        self._preflight = preflight
        self._limit = check_limit(limit)
        portal = check_account(account)
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
        operation = planned.operation
        path = None if journal is None else Path(journal)
        given = {"results": results, "failures": failures, "output": output}
        sinks = [
            make_sink(role, sink, operation, legacy=legacy)
            for role, sink in given.items()
            if sink is not None
        ]
        check_paths(path, sinks)
        super().__init__(hub, operation, Journal(path, sinks), portal)
        self._meaning = {
            **{name: value for name, value in options.items() if name in MEANING},
            "legacy": legacy,
            "limit": limit,
        }
        self._tally = Tally(self._journal, self.operation)
        self._retaken = 0  # rows in doubt that are no concern of an earlier run now
        self._run: Run | None = None

    def stop(self) -> None:
        """Take up nothing more; `run` comes back when all under way is answered."""
        super().stop()
        if self._run is not None:
            self._run.end(Stopped("the job was stopped"))

    # ---- before

    async def _identify(self) -> Identity:
        source = self._source
        return Identity(
            verb=self.operation.call.verb,
            object_type=self.operation.object_type,
            source=source.name,
            fingerprint=await asyncio.to_thread(source.fingerprint),
            options=as_json(
                {
                    **self._meaning,
                    **{f"the source's {n}": v for n, v in source.options.items()},
                }
            ),
            outputs={
                name: seen_from(self._journal.path, output.final)
                for name, output in self._journal.outputs.items()
            },
        )

    async def _go_on(self, job: Identity, history: History) -> None:
        if self._preflight is not False and history.new:
            await self._look_before(job.fingerprint)
        for output in self._journal.outputs.values():
            if isinstance(output.sink, Failures):
                output.sink.portal_id = self.portal_id
        counts, tally = history.counts, self._tally
        tally.inputs = history.inputs
        tally.counts.update({status: counts[state] for status, state in FINAL.items()})
        tally.given_up = sum(
            counts[state] for state in FINAL.values() if state is not RowState.SUCCEEDED
        )

    async def _look_before(self, fingerprint: str | None) -> None:
        given = self._source.inputs if isinstance(self._source, Inputs) else None
        if fingerprint is None and not isinstance(given, Collection):
            raise ConfigurationError(
                f"a preflight reads the source twice, and {self._source.name} can be "
                "read only once"
            )
        operation, known = self.operation, self._preflight
        if isinstance(known, bool):
            known = await ask_schema(self._hub, operation)
        checked(await check(self._source, operation, known, limit=self._limit))

    # ---- during

    async def _work(self) -> HubBatchError | None:
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
        adapter, journal = RunAdapter(self._tally), self._journal
        if journal.failure is not None:
            return copy(journal.failure)
        later = isinstance(rows, AsyncIterator)
        batch = self._batch(
            adapter.inputs_later(rows) if later else adapter.inputs(rows)  # type: ignore[arg-type] # mypy does not narrow by `later`
        )
        run = batch.begin(
            adapter,
            ready=journal.ready,
            journal=None if journal.path is None else adapter,
            doubted=doubted,
        )
        self._summaries.append(run.summary)
        self._run = run
        adapter.ended = lambda: run.ended is not None
        journal.on_failure = run.end
        if journal.path is not None:
            journal.on_written = lambda: run.teller.of_journal(self._tally.pending)
        try:
            await batch.feed(run)
        except HubBatchError as error:
            if run.ended is adapter.failure:
                raise
            return error
        finally:
            self._retaken += run.summary.inputs * doubted
        return None

    def _batch(self, inputs: Any) -> Batch[Any]:
        return self._verb(inputs, **self._given)

    # ---- what is known of it

    def _counts(self) -> Mapping[str, int]:
        counts = self._tally.counts
        of_status = {str(status): counts[status] for status in OutcomeStatus}
        return {"inputs": self._tally.inputs, **of_status}

    def _in_doubt(self) -> int:
        return max(0, self._history.counts[RowState.SENT] - self._retaken)

    def _finish(self) -> None:
        self._tally.finish()

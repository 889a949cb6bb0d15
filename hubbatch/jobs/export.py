"""An export: reads records of an object type into a file, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from copy import copy
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import Any

from hubbatch._net.progress import ProgressReporter, check_progress
from hubbatch._outcomes.outcome import Summary, succeeded
from hubbatch._wire.codecs.documents import Page
from hubbatch._wire.codecs.search import PAGE_SIZE
from hubbatch._wire.endpoints import SEARCHES, operation_for
from hubbatch._wire.filters import Filters, Groups
from hubbatch._wire.filters import filter_groups as parse_groups
from hubbatch._wire.search_request import SearchRequest
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, HubBatchError
from hubbatch.objects import Objects

from .checks.unknown_properties import check_properties
from .journal.identity import Identity
from .journal.journal import History, Journal
from .journal.states import RowState
from .lifecycle import Lifecycle
from .options import (
    as_json,
    check_account,
    check_client,
    check_limit,
    check_paths,
    check_patience,
    make_sink,
    relative_to_journal,
)
from .sources.row_source import Row
from .where import Where


class Export(Lifecycle):
    """Read all records of a type, or those that match, into a file; resume later.

    It is used like a `Job` and returns the same report. HubSpot lists 100 records per
    call, and each page names the next one, so pages are read one after the other. With
    filters, pages come from HubSpot's search, which returns 200 records per call and
    allows five calls per second; what a search promises is said at `Objects.search`.

    Args:
        hub: The client of the account.
        object_type: E.g. `tickets`.
        output: The file, `.csv`, `.jsonl` or `.parquet`; a CSV needs `properties`.
        filters: What the records must match: a `Where`, a mapping of properties to
            values, or a list of `Filter` objects, all of which must hold.
        filter_groups: Lists of filters, one of which must hold.
        properties: The properties to read; by default those that HubSpot returns for
            the type.
        archived: Whether to read archived records instead of active ones. They cannot
            be searched.
        journal: The path of the journal. If it records that the export is finished,
            nothing is requested.
        account: The portal id that the access token must belong to.
        limit: The maximum number of records to read.
        patience: For how long HubSpot may be down before the job ends, as a number of
            seconds or a `timedelta`. Meanwhile one request at a time is sent, at most
            30 s apart. By default the job ends once a request has used up its
            retries.
        progress: Called as `progress(done, total)` at the start, after each page and at
            the end; `done` includes the records of earlier runs, and `total` is None
            without filters.

    Attributes:
        portal_id: The account's id. Set by `prepare`; None if the token cannot read it.
        operation: The read that the export corresponds to.
        total: The number of records that match; None without filters. Set by `prepare`.

    Raises:
        ConfigurationError: If an option, a filter or a path cannot be used.
        TypeError: If `hub` is not the async client, or an argument has the wrong type.
    """

    family: str
    rows_per_request: int
    total: int | None

    def __init__(
        self,
        hub: HubBatch,
        object_type: str,
        output: str | PathLike[str],
        *,
        filters: Where | Filters | None = None,
        filter_groups: Iterable[Filters] | None = None,
        properties: Iterable[str] = (),
        archived: bool = False,
        journal: str | PathLike[str] | None = None,
        account: int | str | None = None,
        limit: int | None = None,
        patience: float | timedelta | None = None,
        progress: Callable[[int, int | None], object] | None = None,
    ) -> None:
        check_client(hub, "Export")
        check_progress(progress)
        self._sought = _what_to_seek(filters, filter_groups)
        if self._sought is not None and archived:
            raise ConfigurationError(
                "HubSpot cannot search archived records: leave out archived or filters"
            )
        self._names = tuple(properties)
        self._archived = archived
        self._limit = check_limit(limit)
        portal = check_account(account)
        waits = check_patience(patience)
        operation = operation_for(
            "objects", "read", object_type, api_version="v3", properties=self._names
        )
        path = None if journal is None else Path(journal)
        sink = make_sink("output", output, operation, legacy=False)
        check_paths(path, [sink])
        super().__init__(hub, operation, Journal(path, [sink]), portal, waits)
        self._identity_options = {
            "properties": self._names,
            "archived": archived,
            "limit": limit,
            **_identity_of(self._sought),
        }
        if self._sought is not None:
            self.family, self.rows_per_request = SEARCHES.family, PAGE_SIZE
        self._groups: Any = None  # set by `prepare`
        self._reporter = ProgressReporter(progress, lambda: self._read)
        self._read = 0  # records, over all runs
        self._taken = Summary()
        self._summaries.append(self._taken)

    async def _identify(self) -> Identity:
        output = self._journal.outputs["output"]
        return Identity(
            verb="list" if self._sought is None else "search",
            object_type=self.operation.object_type,
            source="all" if self._sought is None else "search",
            fingerprint=None,
            options=as_json(self._identity_options),
            outputs={"output": relative_to_journal(self._journal.path, output.final)},
        )

    async def _load_history(self, job: Identity, history: History) -> None:  # noqa: ARG002 -- the base's signature
        self._read = history.counts[RowState.SUCCEEDED]
        if history.finished:
            return
        definitions = None
        groups = self._sought
        if isinstance(groups, Where):
            object_type = self.operation.object_type
            definitions = await self._hub.properties(object_type).list()
            groups = groups.checked_groups(definitions)
        if history.new:
            await check_properties(self._hub, self.operation, definitions)
        if self._sought is None:
            return
        self._groups = groups
        found = await self._objects.count(filter_groups=self._groups)
        self.total = found if self._limit is None else min(found, self._limit)

    @property
    def _objects(self) -> Objects:
        return self._hub.objects(self.operation.object_type)

    def _counts(self) -> Mapping[str, int]:
        return {"inputs": self._read, "succeeded": self._read}

    def _pages(self) -> AsyncGenerator[Page, None]:
        after, took = self._history.cursor, self._took
        if self._sought is None:
            return self._objects.pages(
                properties=self._names, archived=self._archived, after=after, took=took
            )
        return self._objects.search_pages(
            filter_groups=self._groups, properties=self._names, after=after, took=took
        )

    async def _work(self) -> HubBatchError | None:
        journal = self._journal
        self._reporter.total = self.total
        self._reporter.report()
        try:
            async with aclosing(self._pages()) as pages:
                async for page in pages:
                    is_last = self._write(page)
                    self._reporter.report()
                    if is_last:
                        break
                    await journal.ready()
                    if journal.failure is not None:
                        return copy(journal.failure)
                    self._check_stopping()
        except HubBatchError as error:
            return error
        return None

    def _write(self, page: Page) -> bool:
        """Record a page and the cursor of the next; return whether it was the last."""
        journal, call = self._journal, self.operation.call
        room = None if self._limit is None else self._limit - self._read
        rows = [
            Row(place, record.id, record.id)
            for place, record in enumerate(page.records[:room], self._read)
        ]
        outcomes = [
            succeeded(call, row.index, row.input, record, 1, None)
            for row, record in zip(rows, page.records, strict=False)
        ]
        lines, count = journal.outputs["output"].encode_successes(outcomes, rows)
        journal.append_lines("output", lines, count)
        journal.note_states([row.index for row in rows], RowState.SUCCEEDED)
        self._read += len(rows)
        journal.note_inputs(self._read)
        if page.after is not None:
            journal.note_cursor(page.after)
        journal.flush()
        return page.after is None or self._read == self._limit

    def _took(self, taken: Summary) -> None:
        self._taken.requests += taken.requests
        self._taken.retries += taken.retries
        self._taken.throttled += taken.throttled


def _what_to_seek(
    filters: Where | Filters | None, groups: Iterable[Filters] | None
) -> Where | Groups | None:
    """Return what to search for; None to list all records.

    Raises:
        ConfigurationError: If HubSpot would refuse a filter.
    """
    if isinstance(filters, Where):
        if groups is not None:
            raise ConfigurationError(
                "a Where has groups already: write its conditions with `or`, and leave "
                "out filter_groups"
            )
        return filters
    if filters is None and groups is None:
        return None
    return _parsed(filters, groups)


def _parsed(filters: Filters | None, groups: Iterable[Filters] | None) -> Groups:
    try:
        parsed = parse_groups(filters, groups)
        SearchRequest(parsed)  # counts them
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    return parsed


def _identity_of(sought: Where | Groups | None) -> Mapping[str, Any]:
    match sought:
        case None:
            return {}
        case Where():
            return {"where": sought.texts, "timezone": sought.timezone}
        case _:
            return {"filters": [[item.to_json() for item in group] for group in sought]}

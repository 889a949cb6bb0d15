"""An export: reads all records of an object type into a file, page by page."""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from copy import copy
from os import PathLike
from pathlib import Path

from hubbatch._outcomes.outcome import Summary, succeeded
from hubbatch._wire.codecs.documents import Page
from hubbatch._wire.endpoints import operation_for
from hubbatch.client import HubBatch
from hubbatch.errors import HubBatchError

from .identity import Identity
from .journal import History, Journal
from .lifecycle import Lifecycle
from .options import (
    as_json,
    check_account,
    check_client,
    check_limit,
    check_paths,
    make_sink,
    relative_to_journal,
)
from .row_source import Row
from .states import RowState


class Export(Lifecycle):
    """Read all records of a type into a file; resume where an earlier run stopped.

    It is used like a `Job` and returns the same report. HubSpot lists 100 records per
    call, and each page names the next one, so pages are read one after the other.

    Args:
        hub: The client of the account.
        object_type: E.g. `tickets`.
        output: The file, `.csv`, `.jsonl` or `.parquet`; a CSV needs `properties`.
        properties: The properties to read; by default those that HubSpot returns for
            the type.
        archived: Whether to read archived records instead of active ones.
        journal: The path of the journal. If it records that the export is finished,
            nothing is requested.
        account: The portal id that the access token must belong to.
        limit: The maximum number of records to read.

    Attributes:
        portal_id: The account's id. Set by `prepare`; None if the token cannot read it.
        operation: The read that the export corresponds to.

    Raises:
        ConfigurationError: If an option or a path cannot be used.
        TypeError: If `hub` is not the async client.
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
        check_client(hub, "Export")
        self._names = tuple(properties)
        self._archived = archived
        self._limit = check_limit(limit)
        portal = check_account(account)
        operation = operation_for(
            "objects", "read", object_type, api_version="v3", properties=self._names
        )
        path = None if journal is None else Path(journal)
        sink = make_sink("output", output, operation, legacy=False)
        check_paths(path, [sink])
        super().__init__(hub, operation, Journal(path, [sink]), portal)
        self._identity_options = {
            "properties": self._names,
            "archived": archived,
            "limit": limit,
        }
        self._read = 0  # records, over all runs
        self._taken = Summary()
        self._summaries.append(self._taken)

    async def _identify(self) -> Identity:
        output = self._journal.outputs["output"]
        return Identity(
            verb="list",
            object_type=self.operation.object_type,
            source="all",
            fingerprint=None,
            options=as_json(self._identity_options),
            outputs={"output": relative_to_journal(self._journal.path, output.final)},
        )

    async def _load_history(self, job: Identity, history: History) -> None:  # noqa: ARG002 -- the base's signature
        self._read = history.counts[RowState.SUCCEEDED]

    def _counts(self) -> Mapping[str, int]:
        return {"inputs": self._read, "succeeded": self._read}

    async def _work(self) -> HubBatchError | None:
        journal = self._journal
        pages = self._hub.objects(self.operation.object_type).pages(
            properties=self._names,
            archived=self._archived,
            after=self._history.cursor,
            took=self._took,
        )
        try:
            async with aclosing(pages):
                async for page in pages:
                    if self._write(page):
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

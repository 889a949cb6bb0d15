"""One export: every record of an object type into a file, page by page."""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from copy import copy
from os import PathLike
from pathlib import Path

from hubbatch.client import HubBatch
from hubbatch.core.dialects.documents import Page
from hubbatch.core.operations import read_operation
from hubbatch.core.outcomes import Summary, succeeded
from hubbatch.errors import HubBatchError

from .identity import Identity
from .journal import History, Journal
from .lifecycle import Lifecycle
from .options import (
    as_json,
    check_account,
    check_limit,
    check_paths,
    make_sink,
    seen_from,
)
from .rows import Row
from .states import RowState


class Export(Lifecycle):
    """Read all the records of a type into a file, and go on where that stopped.

    It is used as a `Job` is, and has the same report. HubSpot lists records 100 a
    call, and a page can only be asked for when the one before it has come, so this
    is no faster than HubSpot's answers follow one another.

    Args:
        hub: the client of the account.
        object_type: e.g. `tickets`.
        output: the file, `.csv`, `.jsonl` or `.parquet`; a CSV needs `properties`.
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
        self._names = tuple(properties)
        self._archived = archived
        self._limit = check_limit(limit)
        portal = check_account(account)
        operation = read_operation(
            object_type, api_version="v3", properties=self._names
        )
        path = None if journal is None else Path(journal)
        sink = make_sink("output", output, operation, legacy=False)
        check_paths(path, [sink])
        super().__init__(hub, operation, Journal(path, [sink]), portal)
        self._meaning = {
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
            options=as_json(self._meaning),
            outputs={"output": seen_from(self._journal.path, output.final)},
        )

    async def _go_on(self, job: Identity, history: History) -> None:  # noqa: ARG002 -- as a job has it
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
        """Write a page down with the cursor of the next; True if that was the last."""
        journal, call = self._journal, self.operation.call
        output = journal.outputs["output"].sink
        for record in page.records:
            place = self._read
            if place == self._limit:
                break
            row = Row(place, record.id, record.id)
            outcome = succeeded(call, place, record.id, record, 1, None)
            journal.say("output", output.encode(outcome, row))
            journal.note(place, RowState.SUCCEEDED)
            self._read = place + 1
        journal.read(self._read)
        if page.after is not None:
            journal.turn(page.after)
        journal.flush()
        return page.after is None or self._read == self._limit

    def _took(self, taken: Summary) -> None:
        self._taken.requests += taken.requests
        self._taken.retries += taken.retries
        self._taken.throttled += taken.throttled

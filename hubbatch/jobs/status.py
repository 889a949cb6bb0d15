"""The status of a job, read from its journal even while another process runs it."""

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path

from attrs import frozen

from .journal.job_lock import is_locked
from .journal.journal_reader import Reader, look
from .journal.states import RowState
from .titles import title_of


@frozen(kw_only=True)
class JobStatus:
    """The status of a job, from its journal.

    Attributes:
        verb: The verb of the `Job`; `list` for an `Export`.
        object_type: E.g. `tickets`, or `associations.contacts.companies`.
        portal_id: The account's id; None if the token could not read it.
        source: The source's name.
        inputs: Rows read so far; the sum of the next six counts.
        succeeded: Rows that succeeded.
        failed: Rows that were refused.
        unknown: Rows that may have been written; final.
        not_sent: Rows that were not sent; final.
        in_doubt: Rows that were sent and whose outcome is still unknown.
        open: Rows that are still to be sent.
        requests: Requests sent by all runs.
        retries: How many of them repeated an earlier one.
        throttled: How many were answered with 429.
        warnings: Warnings that HubSpot added to records it wrote.
        seconds: The duration of all runs.
        runs: The number of runs.
        finished: Whether every row has its final outcome.
        running: Whether a process is working on the job; None if that cannot be
            determined.
        ended: How the last run ended: `finished`, `stopped`, `cancelled` or the name of
            an error; None if it was killed or is still running.
        message: The message of that error, if any.
        started_at: When the first run began.
        total: Rows of the source; None if the last run did not know it.
        rate: Rows per second, over the last 20 s of work; None if unknown.
        updated_at: When the journal was last written.
        outputs: The output files by role, relative to the journal's folder.
    """

    verb: str
    object_type: str
    portal_id: int | None
    source: str
    inputs: int
    succeeded: int
    failed: int
    unknown: int
    not_sent: int
    in_doubt: int
    open: int
    requests: int
    retries: int
    throttled: int
    warnings: int
    seconds: float
    runs: int
    finished: bool
    running: bool | None
    ended: str | None
    message: str | None
    started_at: datetime
    updated_at: datetime
    outputs: Mapping[str, str]
    total: int | None = None
    rate: float | None = None

    @property
    def settled(self) -> int:
        """Rows that have their final outcome."""
        return self.inputs - self.open - self.in_doubt

    @property
    def seconds_left(self) -> float | None:
        """The time that the other rows need at this rate; None if unknown."""
        if self.total is None or not self.rate:
            return None
        return max(self.total - self.settled, 0) / self.rate

    @property
    def title(self) -> str:
        """A title with the source: `update tickets from tickets.csv`."""
        said = title_of(self.verb, self.object_type)
        return said if self.verb in ("list", "search") else f"{said} from {self.source}"


def read_status(path: str | PathLike[str]) -> JobStatus:
    """Read the status of a job from its journal, even while it runs. Changes nothing.

    Raises:
        JournalError: If there is no journal at this path.
    """
    where = Path(path)
    return look(where, lambda journal: status_of(journal, running=is_locked(where)))


def status_of(journal: Reader, *, running: bool | None) -> JobStatus:
    """Return the status of a job from its open journal."""
    job, counts = journal.identity(), journal.counts()
    runs = {**journal.runs()}
    return JobStatus(
        verb=job.verb,
        object_type=job.object_type,
        portal_id=journal.portal_id(),
        source=job.source,
        outputs=job.outputs,
        inputs=sum(counts.values()),
        succeeded=counts[RowState.SUCCEEDED],
        failed=counts[RowState.FAILED],
        unknown=counts[RowState.UNKNOWN],
        not_sent=counts[RowState.NOT_SENT],
        in_doubt=counts[RowState.SENT],
        open=counts[RowState.OPEN],
        finished=journal.finished(),
        running=running,
        total=journal.total(),
        rate=journal.rate(),
        started_at=datetime.fromisoformat(runs.pop("started_at")),
        updated_at=datetime.fromisoformat(runs.pop("updated_at")),
        **runs,
    )

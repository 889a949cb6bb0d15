"""What a journal says of its job, also while that runs in another process."""

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path

from attrs import frozen

from .job_lock import is_locked
from .reader import Reader, look
from .states import RowState
from .titles import title_of


@frozen(kw_only=True)
class JobStatus:
    """What a journal says of its job.

    Attributes:
        verb: as of the `Job`; `list` of an `Export`.
        object_type: e.g. `tickets`, or `associations.contacts.companies`.
        portal_id: the account; None if the token was not allowed to ask.
        source: the source's name.
        inputs: how many rows were read so far; the next six add up to it.
        succeeded: how many succeeded.
        failed: how many were refused.
        unknown: how many may have been written, for good.
        not_sent: how many were not sent, for good.
        in_doubt: how many have left, and what became of them is not known yet.
        open: how many still have to be sent.
        requests: how many requests all its runs have sent.
        retries: how many of them repeated an earlier one.
        throttled: how many were answered with 429.
        warnings: how many warnings HubSpot added to what it has written.
        seconds: how long all its runs took.
        runs: how often it was started.
        finished: whether every row has its final outcome.
        running: whether a process works on it now; None where that cannot be told.
        ended: how its last run ended: `finished`, `stopped`, `cancelled`, the name of
            an error, or None for one that was killed or still runs.
        message: the sentence of that error, if any.
        started_at: when its first run began.
        updated_at: when something was last written.
        outputs: its files by their roles, seen from the journal's directory.
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

    @property
    def title(self) -> str:
        """What it does, and with which rows: `update tickets from tickets.csv`."""
        said = title_of(self.verb, self.object_type)
        return said if self.verb == "list" else f"{said} from {self.source}"


def read_status(path: str | PathLike[str]) -> JobStatus:
    """Read what a journal says, also while its job runs; nothing is changed.

    Raises:
        JournalError: if there is no journal at this path.
    """
    where = Path(path)
    return look(where, lambda journal: status_of(journal, running=is_locked(where)))


def status_of(journal: Reader, *, running: bool | None) -> JobStatus:
    """Say what an open journal says."""
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
        started_at=datetime.fromisoformat(runs.pop("started_at")),
        updated_at=datetime.fromisoformat(runs.pop("updated_at")),
        **runs,
    )

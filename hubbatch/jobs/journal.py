"""The journal of a job: what has left and what became of it, safe on the disk.

(Skeleton.)
"""

from datetime import datetime
from os import PathLike

from attrs import frozen


@frozen(kw_only=True)
class JobStatus:
    """What a journal says of its job.

    Attributes:
        verb: create, read, update, upsert or archive.
        object_type: e.g. `tickets`.
        portal_id: the account; None if the token was not allowed to ask.
        source: the source's name.
        inputs: how many rows were read so far; the six counts below add up to it.
        succeeded: how many succeeded.
        failed: how many were refused.
        unknown: how many may have been written, for good: the job is finished.
        not_sent: how many were not sent, for good: the job is finished.
        in_doubt: how many have left, and what became of them is not known yet.
        open: how many still have to be sent.
        requests: how many requests all its runs have sent.
        retries: how many of them repeated an earlier one.
        throttled: how many were answered with 429.
        seconds: how long all its runs took.
        runs: how often it was started.
        finished: whether every row has its final outcome.
        running: whether a process works on it now; None where that cannot be told.
        ended: how its last run ended: `finished`, `stopped`, `cancelled`, the name of
            an error, or None for one that was killed or still runs.
        message: the sentence of that error, if any.
        started_at: when its first run began.
        updated_at: when something was last written.
        outputs: its files by their roles.
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
    seconds: float
    runs: int
    finished: bool
    running: bool | None
    ended: str | None
    message: str | None
    started_at: datetime
    updated_at: datetime
    outputs: dict[str, str]


def read_status(path: str | PathLike[str]) -> JobStatus:
    """Read what a journal says, also while its job runs; nothing is changed.

    Raises:
        JournalError: if there is no journal at this path.
    """
    raise NotImplementedError

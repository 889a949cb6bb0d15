"""The report that a job returns, and the record of how it ended."""

from attrs import frozen

from hubbatch.errors import HubBatchError, TooManyFailures


class Stopped(Exception):
    """The caller asked the job to stop."""


@frozen(kw_only=True)
class JobReport:
    """The outcome of a job, over all its runs.

    Attributes:
        inputs: Rows read; the sum of the next four counts.
        succeeded: Rows that succeeded.
        failed: Rows that were refused.
        unknown: Rows that may or may not have been written.
        not_sent: Rows that were certainly not written.
        requests: Requests sent.
        retries: How many of them repeated an earlier one.
        throttled: How many were answered with 429.
        warnings: Warnings that HubSpot added to records it wrote.
        seconds: How long the job ran.
        portal_id: The account; None if the token cannot read its id.
        ended: `finished`; or, if rows may be left, `stopped` or the name of the class
            of `error`.
        error: The hubbatch error that ended it early, if any.
        resumed: Whether an earlier run had begun the job.
        already_finished: Whether an earlier run had finished it, so that nothing was
            sent.
        resumable: Whether the same job with the same journal can resume.
        unwritten: Rows that are counted above but whose outcome is not on disk, e.g.
            because the disk is full. A resumed run starts without those outcomes.
    """

    inputs: int
    succeeded: int
    failed: int
    unknown: int
    not_sent: int
    requests: int
    retries: int
    throttled: int
    warnings: int
    seconds: float
    portal_id: int | None
    ended: str
    error: HubBatchError | None
    resumed: bool
    already_finished: bool
    resumable: bool
    unwritten: int = 0


def describe_end(error: HubBatchError | None) -> tuple[str, str | None]:
    """Return how a run ended, and the message to record in the journal."""
    if isinstance(error, TooManyFailures):  # its message may quote a value
        return type(error).__name__, "more records failed than max_failures allows"
    if error is not None:
        return type(error).__name__, str(error)
    return "finished", None

"""How a job ends: what it hands back, and what its journal keeps of that."""

from attrs import frozen

from hubbatch.errors import HubBatchError, TooManyFailures


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
        warnings: how many warnings HubSpot added to what it has written.
        seconds: how long it ran.
        portal_id: the account, or None if the token was not allowed to ask.
        ended: `finished`; or, where rows may be left: `stopped`, or the name of the
            class of `error`.
        error: what ended it early, if it was an error of hubbatch.
        resumed: whether an earlier run had begun it.
        already_finished: whether an earlier run had finished it, so that nothing was
            sent.
        resumable: whether the same job with the same journal goes on from here.
        unwritten: rows whose outcome is counted above and is not on the disk, because
            it was full, say. A run that resumes does not know it.
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


def ending(error: HubBatchError | None) -> tuple[str, str | None]:
    """Name how a run ended, and what its journal says of that."""
    if isinstance(error, TooManyFailures):  # its sentence may quote a value
        return type(error).__name__, "more records failed than max_failures allows"
    if error is not None:
        return type(error).__name__, str(error)
    return "finished", None

"""One job, from a source of rows to HubSpot, and the files that say what became of it.

(Skeleton.)
"""

from collections.abc import AsyncIterable, Iterable
from os import PathLike
from typing import Any

from attrs import frozen

from hubbatch.client import HubBatch
from hubbatch.core.operations import Operation, Verb
from hubbatch.core.outcomes import Summary
from hubbatch.errors import HubBatchError

from .outputs import SinkOrPath
from .rows import Source


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
        seconds: how long it ran.
        portal_id: the account, or None if the token was not allowed to ask.
        ended: `finished`; or, where rows may be left: `stopped`, or the name of the
            class of `error`.
        error: what ended it early, if it was an error of hubbatch.
        resumed: whether an earlier run had begun it.
        already_finished: whether an earlier run had finished it, so that nothing was
            sent.
        resumable: whether the same job with the same journal goes on from here.
    """

    inputs: int
    succeeded: int
    failed: int
    unknown: int
    not_sent: int
    requests: int
    retries: int
    throttled: int
    seconds: float
    portal_id: int | None
    ended: str
    error: HubBatchError | None
    resumed: bool
    already_finished: bool
    resumable: bool


class Job:
    """Send every row of a source, once, whatever happens in between.

    Args:
        hub: the client of the account.
        verb: create, read, update, upsert or archive.
        object_type: e.g. `tickets`.
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

    Attributes:
        portal_id: the account, once `run` has asked; None if it may not ask.
        operation: the call that it makes.
    """

    portal_id: int | None
    operation: Operation

    def __init__(
        self,
        hub: HubBatch,
        verb: Verb,
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
    ) -> None:
        raise NotImplementedError

    @property
    def summary(self) -> Summary:
        """The counts so far, over all runs; they grow while it runs."""
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        """Whether every row has its final outcome."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Lock and check the journal and ask which portal it is; `run` does so too.

        Afterwards `portal_id` is known, before anything is sent.

        Raises:
            JournalError: if another process has the journal, or it is of another
                job, source or portal; says what differs.
            ConfigurationError: if the token is not of `account`, or that cannot be
                told; or a file of outcomes exists already.
            APIError: if HubSpot does not accept the token.
        """
        raise NotImplementedError

    async def run(self) -> JobReport:
        """Send what is left to be sent; once.

        An error of hubbatch that ends it early is in the report. What the source
        raises is raised, after what was under way has its outcome.

        Raises:
            JournalError, ConfigurationError, APIError: as `prepare`.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """Take up nothing more; `run` comes back when all under way is answered."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Let go of a journal that was prepared and not run."""
        raise NotImplementedError

"""The options of one run, and the hook of its journal."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import Factory

from hubbatch._classes import frozen
from hubbatch._limits.window import Spacing
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.failure_limit import FailureLimit
from hubbatch._outcomes.outcome import Summary
from hubbatch._wire.calls import Operation

from .permit_queue import Lane
from .progress import ProgressCallback, ProgressReporter
from .property_watch import PropertyWatch


class JournalHook(Protocol):
    """Is called before every request with inputs, except lookups of lost creates.

    The outcomes of the inputs go to the outcome sink, not here.
    """

    async def leaving(self, chunk: Chunk) -> None:
        """Record that these inputs may have been sent; return once that is safe.

        Raises:
            HubBatchError: If it cannot be recorded. The request is not sent, and the
                batch ends.
        """
        ...

    def not_written(self, chunk: Chunk) -> None:
        """Record that HubSpot did not process the request."""
        ...


class NoJournalHook:
    """Records nothing."""

    async def leaving(self, chunk: Chunk) -> None:
        """Return at once."""

    def not_written(self, chunk: Chunk) -> None:
        """Do nothing."""


# Returns the operation, completed by data that must be requested first, such as
# property names.
CompleteOperation = Callable[[Operation], Awaitable[Operation]]
Ready = Callable[[], Awaitable[None]]

# How many chunks of a run are ready to be sent, with a worker that waits for a permit:
# enough for a burst to leave without a pause. It is the same for every run, because the
# permits of a client are granted in order of arrival: its runs share them evenly only
# if as many workers of each wait for one.
READY = 8
# Seconds that a partial chunk waits for more inputs from an async source.
LINGER = 0.1


async def always_ready() -> None:
    """Return immediately: a collected batch never waits for its consumer."""


@frozen(kw_only=True)
class RunOptions:
    """The options of one run.

    Attributes:
        lane: the lane in which its requests wait for permits.
        linger: the seconds that a partial chunk waits for more inputs from an
            asynchronous source.
        spacing: makes a partial chunk wait longer, so that requests leave evenly.
        window: how many inputs are held at a time; None means about twice those that
            are under way.
        isolate: whether a refused chunk is split to find its bad records.
        failure_limit: decides when too many inputs have failed.
        ready: waits until the consumer can take more outcomes.
        complete: awaited before anything is pulled or sent; returns the operation.
        journal: called before each request that carries writes.
        progress: called with the number of settled inputs and `total`.
        total: the number of inputs of the source, if it is known.
        maybe_sent: whether an earlier process, which died, may have sent the inputs
            already: creates are looked up first, other writes are repeated.
        watch: notes the properties of the records that a read returns.
    """

    lane: Lane = Lane.BULK
    linger: float = LINGER
    spacing: Spacing | None = None
    window: int | None = None
    isolate: bool = True
    failure_limit: FailureLimit | None = None
    ready: Ready = always_ready
    complete: CompleteOperation | None = None
    journal: JournalHook = Factory(NoJournalHook)
    progress: ProgressCallback | None = None
    total: int | None = None
    maybe_sent: bool = False
    watch: PropertyWatch | None = None

    def reporter(self, summary: Summary) -> ProgressReporter:
        """Return what reports the progress of a run with these counts."""
        return ProgressReporter(self.progress, lambda: summary.settled, self.total)

    def window_for(self, operation: Operation, under_way: int, workers: int) -> int:
        """Return how many inputs to hold while some chunks are under way.

        For each of them another one is held, at least READY or one for each of the
        `workers` that may run; more if the failure limit needs it to decide. A chosen
        `window` comes first.
        """
        if self.window is not None:
            return self.window
        ahead = max(under_way, min(READY, workers))
        window = (under_way + ahead) * operation.max_inputs
        if self.failure_limit is None:
            return window
        return max(window, self.failure_limit.horizon + operation.max_inputs)

"""How one batch runs, besides what it shares with the other batches of its client."""

from collections.abc import Awaitable, Callable

from attrs import Factory, frozen

from hubbatch._limits.window import Spacing
from hubbatch.core.calls import Operation
from hubbatch.core.stopping import FailureWatch

from .journaling import Journal, NoJournal
from .permit_queue import Lane


# Returns the operation again, with what had to be asked for first.
Completing = Callable[[Operation], Awaitable[Operation]]
Ready = Callable[[], Awaitable[None]]

# Seconds that a partial chunk waits for more from a source that trickles.
LINGER = 0.1


async def always_ready() -> None:
    """Never make a batch that is collected wait for its consumer."""


@frozen(kw_only=True)
class RunOptions:
    """The options of one run.

    Attributes:
        lane: where its requests wait for their permits.
        linger: how many seconds a partial chunk waits for more inputs from an
            asynchronous source.
        spacing: makes a partial chunk wait longer, so that requests leave evenly.
        window: how many inputs are held at a time; None: two chunks for each worker.
        isolate: whether a refused chunk is split to find its bad records.
        watch: says when too many inputs have failed.
        ready: waits until the consumer can take more outcomes.
        complete: awaited before anything is pulled or sent; returns the operation.
        journal: learns of every request that carries writes before it leaves.
        doubted: whether all inputs may have been sent before, by a process that is
            gone.
    """

    lane: Lane = Lane.BULK
    linger: float = LINGER
    spacing: Spacing | None = None
    window: int | None = None
    isolate: bool = True
    watch: FailureWatch | None = None
    ready: Ready = always_ready
    complete: Completing | None = None
    journal: Journal = Factory(NoJournal)
    doubted: bool = False

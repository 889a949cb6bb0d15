"""Emit the events of a batch. An event is created only if a listener wants it."""

from collections.abc import Iterable
from typing import Any

from attrs import evolve

from hubbatch._classes import frozen
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.effects import NoteAnswer, NoteSplit, Wait, WaitOut
from hubbatch._outcomes.events import (
    BatchBegun,
    BatchEnded,
    ChunkEvent,
    ChunkIsolated,
    ChunkRetried,
    ChunkSettled,
    ChunkThrottled,
    Event,
    HubSpotDown,
    InputFailed,
    JournalWritten,
)
from hubbatch._outcomes.outcome import Outcome, Summary
from hubbatch._outcomes.verdicts import Throttled
from hubbatch._wire.calls import Operation

from .listeners import Listeners
from .progress import NO_PROGRESS, ProgressReporter


@frozen(kw_only=True)
class EventEmitter:
    """Creates the events of one batch and passes them to the listeners.

    Attributes:
        account: the portal id, if it is known.
        batch: the number of the batch, unique in this process.
        lane: `bulk` or `single`.
        progress: reports the progress to the caller of the batch.
    """

    operation: Operation
    listeners: Listeners
    account: str | None = None
    batch: int = 0
    lane: str = "bulk"
    progress: ProgressReporter = NO_PROGRESS

    def wants(self, kind: type[Event]) -> bool:
        """Return whether events of this kind have any effect."""
        return self.listeners.wants(kind)

    def begun(self) -> None:
        """Emit `BatchBegun`, and report the progress."""
        self._emit(BatchBegun, lane=self.lane)
        self.progress.report()

    def ended(self, summary: Summary, error: BaseException | None) -> None:
        """Report the progress, and emit `BatchEnded` with a copy of the counts."""
        self.progress.report()
        self._emit(
            BatchEnded,
            lane=self.lane,
            summary=evolve(summary),
            error=None if error is None else type(error).__name__,
        )

    def journal_written(self, pending: int) -> None:
        """Emit `JournalWritten`; `pending` rows have no final outcome yet."""
        self._emit(JournalWritten, pending=pending)

    def failed(self, outcomes: Iterable[Outcome[Any]]) -> None:
        """Emit `InputFailed` for each outcome."""
        if not self.wants(InputFailed):
            return
        for outcome in outcomes:
            error = outcome.error
            assert error is not None  # noqa: S101 -- it did not succeed
            self._emit(
                InputFailed,
                index=outcome.index,
                status=str(outcome.status),
                category=error.category,
                code=error.code,
                property_name=error.property_name,
                correlation_id=error.correlation_id,
            )

    def settled(self, answer: NoteAnswer) -> None:
        """Emit `ChunkSettled` with the number of inputs that an answer settles."""
        if not self.wants(ChunkSettled):
            return
        chunk, matched = answer.chunk, answer.matched
        failed = chunk.pick([*matched.failed]).count
        pending = chunk.pick([*matched.open, *matched.unfinished]).count
        self.chunk(
            ChunkSettled,
            chunk,
            succeeded=chunk.count - failed - pending,
            failed=failed,
            seconds=answer.seconds,
        )

    def retried(self, wait: Wait) -> None:
        """Emit `ChunkRetried`."""
        if isinstance(wait.verdict, Throttled):
            details: dict[str, Any] = {"status": 429}
        else:
            error = wait.verdict.error
            details = {
                "status": error.status,
                "category": error.category,
                "correlation_id": error.correlation_id,
            }
        self.chunk(
            ChunkRetried,
            wait.chunk,
            wait=wait.seconds,
            **{"category": None, "correlation_id": None, **details},
        )

    def hubspot_down(self, effect: WaitOut) -> None:
        """Emit `HubSpotDown`."""
        error = effect.error
        self._emit(
            HubSpotDown,
            wait=effect.seconds,
            left=effect.left,
            status=error.status,
            category=error.category,
            correlation_id=error.correlation_id,
        )

    def throttled(self, chunk: Chunk, throttled: Throttled) -> None:
        """Emit `ChunkThrottled`."""
        self.chunk(
            ChunkThrottled,
            chunk,
            retry_after=throttled.retry_after,
            policy=throttled.policy,
        )

    def isolated(self, split: NoteSplit) -> None:
        """Emit `ChunkIsolated`."""
        error = split.error
        self.chunk(
            ChunkIsolated,
            split.chunk,
            parts=split.parts,
            status=error.status,
            category=error.category,
            correlation_id=error.correlation_id,
        )

    def chunk(self, event: type[ChunkEvent], chunk: Chunk, **details: Any) -> None:
        """Emit a chunk event of this class, with these details."""
        if not self.wants(event):
            return
        lookup = self.operation.read_back if chunk.state.looking_up else None
        self._emit(
            event,
            lookup or self.operation,
            first_index=chunk.indices[0],
            inputs=chunk.count,
            **details,
        )

    def _emit(
        self,
        kind: type[Event],
        operation: Operation | None = None,
        **details: Any,
    ) -> None:
        if self.wants(kind):
            self.listeners.notify(
                kind(
                    account=self.account,
                    operation=(operation or self.operation).name,
                    batch=self.batch,
                    **details,
                )
            )

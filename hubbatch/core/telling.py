"""Telling of what happens in a batch, if anybody listens."""

from collections.abc import Iterable
from typing import Any, Protocol

from attrs import evolve, frozen

from .calls import Operation
from .events import (
    BatchBegun,
    BatchEnded,
    ChunkEvent,
    Event,
    InputFailed,
    JournalWritten,
)
from .outcomes import Outcome, Summary
from .planning import Chunk


class Audience(Protocol):
    """Whoever listens."""

    def wants(self, kind: type[Event]) -> bool:
        """Say whether anybody listens to such events; others are not made."""
        ...

    def tell(self, event: Event) -> None:
        """Tell all of an event; nothing that they raise gets out."""
        ...


@frozen(kw_only=True)
class Teller:
    """Makes the events of one batch, as far as anybody listens to them.

    Attributes:
        audience: None if nobody listens.
        account: the portal id, where it is known.
        batch: the number of the batch.
        lane: `bulk` or `single`.
    """

    operation: Operation
    audience: Audience | None = None
    account: str | None = None
    batch: int = 0
    lane: str = "bulk"

    def of_begin(self) -> None:
        """Tell that the batch begins."""
        self._tell(BatchBegun, lane=self.lane)

    def of_chunk(self, event: type[ChunkEvent], chunk: Chunk, **details: Any) -> None:
        """Tell what happened to a chunk."""
        if not self.hears(event):
            return
        looks = self.operation.read_back if chunk.probing else None
        self._tell(
            event,
            looks or self.operation,
            first_index=chunk.indices[0],
            inputs=chunk.count,
            **details,
        )

    def of_failures(self, outcomes: Iterable[Outcome[Any]]) -> None:
        """Tell that inputs did not succeed."""
        if not self.hears(InputFailed):
            return
        for outcome in outcomes:
            error = outcome.error
            assert error is not None  # noqa: S101 -- it did not succeed
            self._tell(
                InputFailed,
                index=outcome.index,
                status=str(outcome.status),
                category=error.category,
                code=error.code,
                property_name=error.property_name,
                correlation_id=error.correlation_id,
            )

    def of_journal(self, pending: int) -> None:
        """Tell how many rows of a journal have no final outcome."""
        self._tell(JournalWritten, pending=pending)

    def of_end(self, summary: Summary, error: BaseException | None) -> None:
        """Tell that the batch is over."""
        self._tell(
            BatchEnded,
            lane=self.lane,
            summary=evolve(summary),
            error=None if error is None else type(error).__name__,
        )

    def hears(self, kind: type[Event]) -> bool:
        """Say whether anybody listens to such events; others need not be told."""
        return self.audience is not None and self.audience.wants(kind)

    def _tell(
        self,
        kind: type[Event],
        operation: Operation | None = None,
        **details: Any,
    ) -> None:
        if self.audience is not None and self.audience.wants(kind):
            self.audience.tell(
                kind(
                    account=self.account,
                    operation=(operation or self.operation).name,
                    batch=self.batch,
                    **details,
                )
            )

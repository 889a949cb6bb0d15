"""Telling of what happens in a batch, if anybody listens."""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from .calls import Operation
from .events import BatchEnded, ChunkEvent, Event, InputFailed
from .outcomes import Outcome, Summary
from .planning import Chunk


@frozen(kw_only=True)
class Teller:
    """Makes the events of one batch.

    Attributes:
        tell: called with each event; None if nobody listens.
        account: the portal id, where it is known.
    """

    operation: Operation
    tell: Callable[[Event], None] | None = None
    account: str | None = None

    def of_chunk(self, event: type[ChunkEvent], chunk: Chunk, **details: Any) -> None:
        """Tell what happened to a chunk."""
        if self.tell is None:
            return
        looks = self.operation.read_back if chunk.probing else None
        self.tell(
            event(
                account=self.account,
                operation=(looks or self.operation).name,
                first_index=chunk.indices[0],
                inputs=chunk.count,
                **details,
            )
        )

    def of_failure(self, outcome: Outcome[Any]) -> None:
        """Tell that an input did not succeed."""
        if self.tell is None or outcome.error is None:
            return
        self.tell(
            InputFailed(
                account=self.account,
                operation=self.operation.name,
                index=outcome.index,
                status=str(outcome.status),
                category=outcome.error.category,
                code=outcome.error.code,
                property_name=outcome.error.property_name,
                correlation_id=outcome.error.correlation_id,
            )
        )

    def of_end(self, summary: Summary, error: BaseException | None) -> None:
        """Tell that the batch is over."""
        if self.tell is None:
            return
        self.tell(
            BatchEnded(
                account=self.account,
                operation=self.operation.name,
                summary=evolve(summary),
                error=None if error is None else type(error).__name__,
            )
        )

"""The ledger of a batch: every input that was taken gets exactly one outcome."""

from collections.abc import Sequence
from typing import Any

from attrs import field

from hubbatch._classes import define
from hubbatch._wire.bodies import Bodies
from hubbatch._wire.calls import BlockEncoder, Encoder, Operation
from hubbatch._wire.inputs import block_encoder, encoder
from hubbatch._wire.property_values import InvalidInput
from hubbatch.errors import RecordError, RecordInvalid, TooManyFailures

from .chunk import Chunk
from .failure_limit import FailureLimit
from .outcome import (
    Outcome,
    OutcomeStatus,
    Summary,
    Unsuccessful,
    not_sent_error,
    unknown_error,
    unsuccessful,
)


@define(eq=False, kw_only=True)
class Ledger:
    """Numbers and encodes the inputs of a batch, and counts their outcomes.

    Attributes:
        failure_limit: ends the batch if too many inputs fail; None if any number may.
        summary: the counts so far.
        ended: the reason why the batch has ended, e.g. "the batch was cancelled"; None
            while it runs.
    """

    # Invariant: `summary.inputs` is the index of the next input. Every method that
    # numbers inputs adds their count to it, so an index is never used twice.

    operation: Operation
    failure_limit: FailureLimit | None = None
    summary: Summary = field(factory=Summary)
    ended: str | None = None
    _encode: Encoder = field(init=False)
    _encode_block: BlockEncoder = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._encode = encoder(self.operation)
        self._encode_block = block_encoder(self.operation)

    # ---- inputs

    def take_in(self, block: list[Any]) -> tuple[Chunk, list[Outcome[Any]]]:
        """Return a block's valid inputs as a chunk, and the outcomes of the others."""
        first = self.summary.inputs
        self.summary.inputs += len(block)
        encoded = self._encode_block(first, block)
        if encoded is None:
            return self._encode_singly(first, block)
        keys, joined, trace_ids = encoded
        return Chunk(
            [*range(first, self.summary.inputs)],
            [*block],
            keys,
            Bodies.of_block(joined, len(block)),
            prefix=self.operation.trace_prefix,
            trace_ids=trace_ids,
        ), []

    def _encode_singly(
        self, first: int, block: list[Any]
    ) -> tuple[Chunk, list[Outcome[Any]]]:
        valid = Chunk(prefix=self.operation.trace_prefix)
        invalid = []
        for index, value in enumerate(block, first):
            try:
                key, body, trace = self._encode(index, value)
            except InvalidInput as error:
                invalid.append(_invalid_outcome(self.operation, index, value, error))
            except Exception as error:  # noqa: BLE001 -- the caller's objects may raise anything
                unreadable = InvalidInput(f"the input cannot be read: {error!r}")
                invalid.append(
                    _invalid_outcome(self.operation, index, value, unreadable)
                )
            else:
                valid.add(index, value, key, body, trace)
        return valid, invalid

    # ---- inputs that are not sent

    def leave_out(self, inputs: Sequence[Any]) -> Unsuccessful:
        """Return the outcomes of inputs that follow once the batch has ended.

        This takes constant time: no input is validated or copied.
        """
        first = self.summary.inputs
        self.summary.inputs += len(inputs)
        indices = range(first, self.summary.inputs)
        return self._not_sent(indices, inputs, str(self.ended))

    def withdraw(self, index: int, value: object) -> Unsuccessful:
        """Return the outcome of an input that its caller has withdrawn."""
        return self._not_sent([index], [value], "withdrawn before it was sent")

    def drop(self, chunk: Chunk) -> Unsuccessful:
        """Return the outcomes of a chunk that is not sent because the batch has ended.

        They are `unknown` if an earlier request may have written the inputs, otherwise
        `not_sent`.
        """
        if chunk.state.maybe_written and self.operation.call.writes:
            lost = unknown_error(f"sent, and then {self.ended}")
            return self.fail(chunk, OutcomeStatus.UNKNOWN, lost)
        error = not_sent_error(str(self.ended))
        return self.fail(chunk, OutcomeStatus.NOT_SENT, error)

    def fail(
        self, chunk: Chunk, status: OutcomeStatus, error: RecordError
    ) -> Unsuccessful:
        """Return the outcomes of a chunk in which no input succeeded."""
        return Unsuccessful.of(self.operation.call, chunk, status, error)

    def _not_sent(
        self, indices: Sequence[int], inputs: Sequence[Any], reason: str
    ) -> Unsuccessful:
        status, error = OutcomeStatus.NOT_SENT, not_sent_error(reason)
        return Unsuccessful(self.operation.call, indices, inputs, None, status, error)

    # ---- counts

    def count_succeeded(self, count: int) -> None:
        """Count inputs that succeeded."""
        self.summary.succeeded += count
        if self.failure_limit is not None:
            self.failure_limit.succeeded(count)

    def count_failed(
        self, outcomes: Sequence[Outcome[Any]], status: OutcomeStatus
    ) -> TooManyFailures | None:
        """Count outcomes of one status; return the error if too many have failed.

        The error is returned only once.
        """
        self.summary.count(status, len(outcomes))
        if self.ended is not None or self.failure_limit is None:
            return None
        for outcome in outcomes:
            exceeded = self.failure_limit.failed(outcome)
            if exceeded is not None:
                self.failure_limit = None
                return exceeded
        return None


def _invalid_outcome(
    operation: Operation, index: int, value: object, error: InvalidInput
) -> Outcome[Any]:
    invalid = RecordInvalid(
        str(error),
        category="INVALID_INPUT",
        property_name=error.field,
        origin="hubbatch",
    )
    return unsuccessful(operation.call, index, value, invalid, OutcomeStatus.FAILED)

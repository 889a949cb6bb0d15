"""The account of a batch: every input that was taken ends in exactly one outcome."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from attrs import Factory, define, field

from hubbatch.errors import (
    HubBatchError,
    RecordError,
    RecordInvalid,
)

from .calls import ColumnEncoder, Encoder, Operation
from .encoding import column_encoder, encoder
from .outcomes import (
    Outcome,
    OutcomeStatus,
    Summary,
    Unsuccessful,
    not_sent_error,
    unknown_error,
    unsuccessful,
)
from .planning import Chunk, Desk
from .settling import Settlement
from .stopping import FailureWatch
from .telling import Teller
from .values import InvalidInput


class Emit(Protocol):
    """Where outcomes go. None of it waits."""

    def took(self, inputs: list[Any]) -> None:
        """Inputs were taken up."""
        ...

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """HubSpot answered for a chunk; the outcomes follow."""
        ...

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Every input of a chunk succeeded."""
        ...

    def failed(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Some inputs did not succeed.

        `Unsuccessful` makes its outcomes when they are looked at. If its indices are
        a range, these inputs were never taken up: the batch had ended before.
        """
        ...


@define(eq=False, kw_only=True)
class Ledger:
    """Keeps the outcomes of a batch, and frees the desk of what has one.

    Attributes:
        freed: called when the desk has changed and more may happen.
        watch: says when too many have failed; then `stop` is called, once.
        teller: tells of what happens.
        ended: why the batch has ended; None while it goes on.
    """

    operation: Operation
    desk: Desk
    emit: Emit
    freed: Callable[[], None]
    watch: FailureWatch | None = None
    stop: Callable[[HubBatchError], None] | None = None
    teller: Teller = Factory(
        lambda self: Teller(operation=self.operation), takes_self=True
    )
    summary: Summary = field(factory=Summary)
    ended: str | None = field(default=None, init=False)
    _encode: Encoder = field(init=False)
    _encode_columns: ColumnEncoder = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._encode = encoder(self.operation)
        self._encode_columns = column_encoder(self.operation)

    def take_in(self, block: list[Any]) -> None:
        """Encode inputs and offer them; what cannot be sent fails on the spot."""
        first = self.summary.inputs
        self.summary.inputs += len(block)
        self.emit.took(block)
        columns = self._encode_columns(first, block)
        if columns is None:
            self._take_in_singly(first, block)
        else:
            indices = [*range(first, self.summary.inputs)]
            prefix = self.operation.trace_prefix
            self.desk.offer(Chunk(indices, [*block], *columns, prefix=prefix))

    def _take_in_singly(self, first: int, block: list[Any]) -> None:
        offered = Chunk(prefix=self.operation.trace_prefix)
        invalid = []
        for index, given in enumerate(block, first):
            try:
                key, body, trace = self._encode(index, given)
            except InvalidInput as error:
                invalid.append(_invalid(self.operation, index, given, error))
            except Exception as error:  # noqa: BLE001 -- the caller's objects may raise anything
                unreadable = InvalidInput(f"the input cannot be read: {error!r}")
                invalid.append(_invalid(self.operation, index, given, unreadable))
            else:
                offered.add(index, given, key, body, trace)
        if invalid:
            self._note(invalid, OutcomeStatus.FAILED)
        if offered:
            self.desk.offer(offered)

    def leave_out(self, inputs: list[Any]) -> None:
        """Account for inputs that are not taken up, because the batch has ended.

        None of them is looked at: it takes no longer the more there are.
        """
        if inputs:
            first = self.summary.inputs
            self.summary.inputs += len(inputs)
            indices = range(first, self.summary.inputs)
            self._note_not_sent(indices, inputs, f"not sent: {self.ended}")

    def withdraw(self, index: int, given: object) -> None:
        """Settle an input that the caller no longer wants, unless it has left."""
        if self.desk.withdraw(index):
            self._note_not_sent([index], [given], "withdrawn before it was sent")
            self.freed()

    def end(self, why: str) -> None:
        """Settle all that is not in flight: it is not sent any more."""
        self.ended = self.ended or why
        for chunk in self.desk.clear():
            self._drop(chunk)
        self.freed()

    def drop(self, chunk: Chunk) -> None:
        """Settle a chunk that was taken, and is not sent (again) after the end."""
        self._drop(chunk)
        self._release(chunk)

    # ---- outcomes

    def send_back(self, chunks: list[Chunk]) -> None:
        """Hand chunks that go once more to the desk."""
        if self.ended is not None:
            for chunk in chunks:
                self.drop(chunk)
            return
        self.desk.back(chunks)
        self.freed()

    def defer(self, chunk: Chunk) -> None:
        """Hand a chunk to the desk that goes once more, after full fresh chunks."""
        self.desk.defer(chunk)
        self.freed()

    def park(self, chunk: Chunk) -> None:
        """Hand a chunk to the desk that must not go again yet; see `Desk.unpark`."""
        if self.ended is not None:
            self.drop(chunk)
            return
        self.desk.park(chunk)
        self.freed()

    def succeed(self, chunk: Chunk, results: list[Any]) -> None:
        """Note that every input of a chunk succeeded, with these results."""
        self.summary.succeeded += chunk.count
        if self.watch is not None:
            self.watch.succeeded(chunk.count)
        self.emit.succeeded(chunk, results)
        self._release(chunk)

    def fail(self, chunk: Chunk, status: OutcomeStatus, error: RecordError) -> None:
        """Note that no input of a chunk succeeded."""
        self._account_for(chunk, status, error)
        self._release(chunk)

    def leave_unknown(
        self, chunk: Chunk, reason: str, correlation_id: str | None = None
    ) -> None:
        """Note that every input of a chunk may have been written."""
        looked = chunk.probes - chunk.probing  # the last was not answered
        if looked:
            times = "once" if looked == 1 else f"{looked} times"
            reason = f"looked for {times}, and then: {reason}"
        error = unknown_error(reason, correlation_id)
        self.fail(chunk, OutcomeStatus.UNKNOWN, error)

    def _drop(self, chunk: Chunk) -> None:
        unseen = maybe_written(chunk) or chunk.in_flight
        if unseen and self.operation.call.writes:
            error: RecordError = unknown_error(f"sent, and then {self.ended}")
            self._account_for(chunk, OutcomeStatus.UNKNOWN, error)
        else:
            error = not_sent_error(f"not sent: {self.ended}")
            self._account_for(chunk, OutcomeStatus.NOT_SENT, error)

    def _account_for(
        self, chunk: Chunk, status: OutcomeStatus, error: RecordError
    ) -> None:
        outcomes = Unsuccessful.of(self.operation.call, chunk, status, error)
        self._note(outcomes, status)

    def _note_not_sent(
        self, indices: Sequence[int], inputs: list[Any], why: str
    ) -> None:
        call, status = self.operation.call, OutcomeStatus.NOT_SENT
        error = not_sent_error(why)
        self._note(Unsuccessful(call, indices, inputs, None, status, error), status)

    def _note(self, outcomes: Sequence[Outcome[Any]], status: OutcomeStatus) -> None:
        """Note outcomes that all have this status."""
        self.emit.failed(outcomes)
        self.summary.count(status, len(outcomes))
        # What the end of the batch keeps from being sent can be any number of inputs:
        # it is counted, and told in BatchEnded only.
        ending = self.ended is not None
        if not (ending and status is OutcomeStatus.NOT_SENT):
            self.teller.of_failures(outcomes)
        if ending or self.watch is None or self.stop is None:
            return
        for outcome in outcomes:
            enough = self.watch.failed(outcome)
            if enough is not None:
                self.watch = None
                self.stop(enough)
                return

    def _release(self, chunk: Chunk) -> None:
        self.desk.settle(chunk)
        self.freed()


def maybe_written(chunk: Chunk) -> bool:
    """Whether an earlier request may have written the inputs of a chunk."""
    # What was looked for and not found may still come of a request that was lost.
    return chunk.doubtful or chunk.probes > 0


def _invalid(
    operation: Operation, index: int, given: object, error: InvalidInput
) -> Outcome[Any]:
    refused = RecordInvalid(
        str(error),
        category="INVALID_INPUT",
        property_name=error.field,
        origin="hubbatch",
    )
    return unsuccessful(operation.call, index, given, refused, OutcomeStatus.FAILED)

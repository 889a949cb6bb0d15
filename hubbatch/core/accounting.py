"""The account of a batch: every input that was taken ends in exactly one outcome."""

from collections.abc import Callable
from typing import Any, Protocol

from attrs import Factory, define, field

from hubbatch.errors import (
    HubBatchError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)

from .blaming import from_api_error
from .calls import Encoder, Operation
from .encoding import encoder, renames
from .events import ChunkIsolated
from .isolating import Density, halve, split
from .outcomes import (
    Outcome,
    OutcomeStatus,
    Summary,
    not_sent_error,
    unknown_error,
    unsuccessful,
)
from .paging import next_pages
from .planning import Chunk, Desk
from .reconciling import Reconciler
from .settling import Settlement
from .stopping import FailureWatch
from .telling import Teller
from .values import InvalidInput
from .verdicts import Again, Missing, Refused, Throttled


NO_ROOM = "HubSpot's rate limit left no room for it"


class Emit(Protocol):
    """Where outcomes go. None of it waits."""

    def took(self, inputs: list[Any]) -> None:
        """Inputs came from the source."""
        ...

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """HubSpot answered for a chunk; the outcomes follow."""
        ...

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Every input of a chunk succeeded."""
        ...

    def failed(self, outcomes: list[Outcome[Any]]) -> None:
        """Some inputs did not succeed."""
        ...


@define(eq=False, kw_only=True)
class Ledger:
    """Turns what happens to chunks into outcomes, and frees the desk of them.

    Attributes:
        freed: called when the desk has changed and more may happen.
        watch: says when too many have failed; then `stop` is called, once.
        isolate: whether a refused chunk is split to find its bad records.
        teller: tells of what happens.
        ended: why the batch has ended; None while it goes on.
    """

    operation: Operation
    desk: Desk
    emit: Emit
    freed: Callable[[], None]
    watch: FailureWatch | None = None
    stop: Callable[[HubBatchError], None] | None = None
    isolate: bool = True
    teller: Teller = Factory(
        lambda self: Teller(operation=self.operation), takes_self=True
    )
    summary: Summary = field(factory=Summary)
    ended: str | None = field(default=None, init=False)
    _encode: Encoder = field(init=False)
    _density: Density = field(factory=Density, init=False)
    _reconciler: Reconciler = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._encode = encoder(self.operation)
        self._reconciler = Reconciler(self.operation, self)

    def take_in(self, block: list[Any]) -> None:
        """Encode inputs and offer them; what cannot be sent fails on the spot."""
        first = self.summary.inputs
        self.summary.inputs += len(block)
        self.emit.took(block)
        offered = Chunk()
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
            self._note(invalid)
        if offered:
            self.desk.offer(offered)

    def withdraw(self, index: int, given: object) -> None:
        """Settle an input that nobody wants any more, unless it has left."""
        try:
            key, *_ = self._encode(index, given)
        except Exception:  # noqa: BLE001 -- the caller has changed it since it was offered
            return  # it leaves as it was
        if self.desk.withdraw(index, key):
            error = not_sent_error("withdrawn before it was sent")
            status = OutcomeStatus.NOT_SENT
            call = self.operation.call
            self._note([unsuccessful(call, index, given, error, status, key=key)])
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

    def settle(self, chunk: Chunk, settlement: Settlement, now: float) -> None:
        """Give each input of an answered chunk its outcome, or ask for it once more."""
        if chunk.probing:
            self._reconciler.settle(chunk, settlement, now)
            return
        self.emit.answered(chunk, settlement)
        if not (settlement.failed or settlement.open or settlement.unfinished):
            self.succeed(chunk, settlement.results)
            return
        amiss = {*settlement.failed, *settlement.open, *settlement.unfinished}
        fine = [position for position in range(len(chunk)) if position not in amiss]
        if fine:
            self.succeed(chunk.pick(fine), [settlement.results[p] for p in fine])
        for position, error in settlement.failed.items():
            self._refused(chunk.pick([position]), error)
        if settlement.open:
            self._settle_open(chunk, settlement.open)
        shape = self.operation.call.results
        if settlement.unfinished and shape is not None and shape.paging is not None:
            onward = next_pages(
                shape.paging, chunk, settlement.results, settlement.unfinished
            )
            self.send_back([onward])

    def _settle_open(self, chunk: Chunk, positions: list[int]) -> None:
        """Ask once more, alone, for what an answer does not account for."""
        if self.operation.call.repeatable and not chunk.asked_again:
            singles = [chunk.pick([position]) for position in positions]
            for single in singles:
                single.asked_again = True
                single.doubtful = True  # the answer may have left out what it wrote
            self.send_back(singles)
            return
        reason = "HubSpot's answer does not account for this input"
        self._reconciler.doubt(chunk.pick(positions), reason)

    def _refused(self, chunk: Chunk, error: RecordError) -> None:
        """Settle what HubSpot refused, one by one or without telling which."""
        conflict = isinstance(error, RecordConflict)
        if chunk.probes and conflict:
            # The value is there now: the lost request may have been written late.
            self._reconciler.doubt(chunk, f"created again, and then: {error}")
        elif maybe_written(chunk) and (
            conflict or (isinstance(error, RecordNotFound) and _renames(chunk))
        ):
            # What is in the way, or gone, may be its own doing.
            self.leave_unknown(chunk, f"it may have been written, and then: {error}")
        else:
            self.fail(chunk, OutcomeStatus.FAILED, error)

    def look_for(self, chunk: Chunk) -> bool:
        """Make creates that may have been written a question, if that can be done."""
        return self._reconciler.look_for(chunk)

    def recall(self, chunk: Chunk) -> None:
        """Take a chunk that is new here for one that may have been sent before."""
        if chunk.attempts == 0:
            chunk.doubtful = True
            self.look_for(chunk)

    def refuse(self, chunk: Chunk, refusal: Refused) -> None:
        """Split a refused chunk to find whom it is about; alone, an input failed."""
        if chunk.suspect:
            self._density.refused(len(chunk))
        call, alone = self.operation.call, len(chunk) == 1
        of_records = refusal.because == "records"
        last = alone or (of_records and not (self.isolate or chunk.probing))
        written = refusal.written and not chunk.probing  # a question writes nothing
        error = from_api_error(refusal.error)
        if chunk.probing and alone:
            self._reconciler.refused(chunk, error)
        elif written and (
            not call.repeatable or (last and (call.creates or not alone))
        ):
            # What is half there is not made whole by making another one.
            reason = f"HubSpot refused it half-way: {refusal.error}"
            self._reconciler.doubt(chunk, reason)
        elif last:
            self._refused(chunk, error)
        else:
            chunk.doubtful |= written
            if self.ended is None:
                self._isolate(chunk, refusal)
            else:
                self.drop(chunk)

    def _isolate(self, chunk: Chunk, refusal: Refused) -> None:
        if refusal.because == "size":
            parts = halve(chunk)
        else:
            parts = split(chunk, refusal.error, self._density)
        for part in parts:
            part.suspect = refusal.because == "records"
        self.summary.isolating += len(parts)
        self.teller.of_chunk(
            ChunkIsolated,
            chunk,
            parts=len(parts),
            status=refusal.error.status,
            category=refusal.error.category,
            correlation_id=refusal.error.correlation_id,
        )
        self.send_back(parts)

    def give_up(self, chunk: Chunk, verdict: Again | Missing | Throttled) -> None:
        """Settle a chunk that is not tried any more."""
        reason = _reason(verdict)
        if chunk.probing:
            reason = f"it may have been written, and could not be read back: {reason}"
        if maybe_written(chunk) and self.operation.call.writes:
            self.leave_unknown(chunk, reason)
        elif isinstance(verdict, Missing):
            self.fail(chunk, OutcomeStatus.FAILED, from_api_error(verdict.error))
        elif chunk.doubtful:
            error = RecordError(reason, category="UNAVAILABLE", origin="hubbatch")
            self.fail(chunk, OutcomeStatus.FAILED, error)
        else:
            self.fail(chunk, OutcomeStatus.NOT_SENT, not_sent_error(reason))

    # ---- outcomes

    def send_back(self, chunks: list[Chunk]) -> None:
        """Hand chunks that go once more to the desk."""
        if self.ended is not None:
            for chunk in chunks:
                self.drop(chunk)
            return
        self.desk.back(chunks)
        self.freed()

    def succeed(self, chunk: Chunk, results: list[Any]) -> None:
        """Note that every input of a chunk succeeded, with these results."""
        self.summary.succeeded += chunk.count
        if chunk.suspect:
            self._density.accepted(len(chunk))
        if self.watch is not None:
            self.watch.succeeded(chunk.count)
        self._reconciler.remember(results)
        self.emit.succeeded(chunk, results)
        self._release(chunk)

    def fail(self, chunk: Chunk, status: OutcomeStatus, error: RecordError) -> None:
        """Note that no input of a chunk succeeded."""
        self._account_for(chunk, status, error)
        self._release(chunk)

    def leave_unknown(self, chunk: Chunk, reason: str) -> None:
        """Note that every input of a chunk may have been written."""
        looked = chunk.probes - chunk.probing  # the last was not answered
        if looked:
            times = "once" if looked == 1 else f"{looked} times"
            reason = f"looked for {times}, and then: {reason}"
        self.fail(chunk, OutcomeStatus.UNKNOWN, unknown_error(reason))

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
        call, attempts = self.operation.call, chunk.attempts
        self._note(
            [
                unsuccessful(
                    call, index, given, error, status, attempts=attempts, key=key
                )
                for index, given, key in chunk.everyone()
            ]
        )

    def _note(self, outcomes: list[Outcome[Any]]) -> None:
        self.emit.failed(outcomes)
        for outcome in outcomes:
            self.summary.count(outcome.status)
            self.teller.of_failure(outcome)
        if self.watch is None or self.stop is None:
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


def _renames(chunk: Chunk) -> bool:
    """Whether an input sets the very property by which it names its record."""
    columns = zip(chunk.keys, chunk.bodies, strict=True)
    return any(renames(key, body) for key, body in columns)


def _reason(verdict: Again | Missing | Throttled) -> str:
    if isinstance(verdict, Throttled):
        return NO_ROOM
    return str(verdict.error)


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

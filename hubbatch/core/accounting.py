"""The account of a batch: every input that was taken ends in exactly one outcome."""

from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, evolve, field

from hubbatch.errors import (
    HubBatchError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)

from .blaming import from_api_error
from .encoding import Encoder, encoder
from .events import BatchEnded, ChunkEvent, ChunkIsolated, Event, InputFailed
from .isolating import Density, halve, split
from .operations import Operation
from .outcomes import (
    Outcome,
    OutcomeStatus,
    Summary,
    not_sent_error,
    unknown_error,
    unsuccessful,
)
from .planning import Chunk, Desk
from .reconciling import MOST_PROBES
from .settling import Settlement, shows
from .stopping import FailureWatch
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
        tell: called with each event; None if nobody listens.
        account: the portal id, for the events.
        isolate: whether a refused chunk is split to find its bad records.
        ended: why the batch has ended; None while it goes on.
    """

    operation: Operation
    desk: Desk
    emit: Emit
    freed: Callable[[], None]
    watch: FailureWatch | None = None
    stop: Callable[[HubBatchError], None] | None = None
    isolate: bool = True
    tell: Callable[[Event], None] | None = None
    account: str | None = None
    summary: Summary = field(factory=Summary)
    ended: str | None = field(default=None, init=False)
    _encode: Encoder = field(init=False)
    _density: Density = field(factory=Density, init=False)

    def __attrs_post_init__(self) -> None:
        self._encode = encoder(self.operation)

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

    def settle(self, chunk: Chunk, settlement: Settlement) -> None:
        """Give each input of an answered chunk its outcome, or ask for it once more."""
        if chunk.probing:
            self._reconcile(chunk, settlement)
            return
        self.emit.answered(chunk, settlement)
        if not settlement.failed and not settlement.open:
            self._succeed(chunk, settlement.results)
            self._release(chunk)
            return
        amiss = {*settlement.failed, *settlement.open}
        fine = [position for position in range(len(chunk)) if position not in amiss]
        if fine:
            self._succeed(chunk.pick(fine), [settlement.results[p] for p in fine])
        self._release(chunk.pick(fine))
        for position, error in settlement.failed.items():
            self._refused_alone(chunk.pick([position]), error)
        if settlement.open:
            self._settle_open(chunk, settlement.open)

    def _settle_open(self, chunk: Chunk, positions: list[int]) -> None:
        """Ask once more, alone, for what an answer does not account for."""
        if self.operation.call.repeatable and not chunk.asked_again:
            singles = [chunk.pick([position]) for position in positions]
            for single in singles:
                single.asked_again = True
                single.doubtful = True  # the answer may have left out what it wrote
            self._send_back(singles)
            return
        reason = "HubSpot's answer does not account for this input"
        self._doubt(chunk.pick(positions), reason)

    def _refused_alone(self, single: Chunk, error: RecordError) -> None:
        """Settle an input that HubSpot refused by itself."""
        if single.probes and isinstance(error, RecordConflict):
            # The value is there now: the lost request may have been written late.
            self._doubt(single, f"created again, and then: {error}")
            return
        self._fail(single, OutcomeStatus.FAILED, error)
        self._release(single)

    def _doubt(self, chunk: Chunk, reason: str) -> None:
        """Settle what may have been written: look for it if that can be done."""
        if self.look_for(chunk):
            self._send_back([chunk])
            return
        self._leave_unknown(chunk, reason)
        self._release(chunk)

    def look_for(self, chunk: Chunk) -> bool:
        """Make creates that may have been written a question, if that can be done."""
        can_look = self.operation.read_back is not None and self.ended is None
        if not can_look or chunk.probes >= MOST_PROBES:
            return False
        chunk.probing, chunk.doubtful = True, True
        chunk.probes += 1
        return True

    def recall(self, chunk: Chunk) -> None:
        """Take a chunk that is new here for one that may have been sent before."""
        if chunk.attempts == 0:
            chunk.doubtful = True
            self.look_for(chunk)

    def _leave_unknown(self, chunk: Chunk, reason: str) -> None:
        if chunk.probes:
            reason = f"looked for {chunk.probes} times, and then: {reason}"
        self._fail(chunk, OutcomeStatus.UNKNOWN, unknown_error(reason))

    def _reconcile(self, chunk: Chunk, settlement: Settlement) -> None:
        """Settle creates that were looked for; what is not there is created again."""
        unique = self.operation.id_property or ""
        found = [
            position
            for position, result in enumerate(settlement.results)
            if result is not None
            and shows(result, chunk.bodies[position], unique=unique)
        ]
        absent = [
            position
            for position, error in settlement.failed.items()
            if isinstance(error, RecordNotFound)
        ]
        unseen = [p for p in settlement.open if p not in found]
        sure = {*found, *absent, *unseen}
        rest = [position for position in range(len(chunk)) if position not in sure]
        if found:
            there = chunk.pick(found)
            self._succeed(there, [settlement.results[p] for p in found])
            self._release(there)
        if absent:
            self._create_again(chunk.pick(absent))
        if unseen:
            reason = "its answer was lost, and reading it back does not account for it"
            self._doubt(chunk.pick(unseen), reason)
        if rest:
            left = chunk.pick(rest)
            reason = (
                "its answer was lost, and what was read back by its unique property "
                "is not what was written"
            )
            self._fail(left, OutcomeStatus.UNKNOWN, unknown_error(reason))
            self._release(left)

    def _refused_probe(self, single: Chunk, refused: RecordError) -> None:
        """Settle a create that was looked for alone, which HubSpot refused."""
        if isinstance(refused, RecordNotFound):
            self._create_again(single)
            return
        reason = f"its answer was lost, and reading it back was refused: {refused}"
        self._fail(single, OutcomeStatus.UNKNOWN, unknown_error(reason))
        self._release(single)

    def _create_again(self, chunk: Chunk) -> None:
        chunk.probing, chunk.doubtful = False, False
        self._send_back([chunk])

    def refuse(self, chunk: Chunk, refusal: Refused) -> None:
        """Split a refused chunk to find whom it is about; alone, an input failed."""
        if chunk.suspect:
            self._density.refused(len(chunk))
        refused = from_api_error(refusal.error)
        if chunk.probing and len(chunk) == 1:
            self._refused_probe(chunk, refused)
        elif refusal.written:
            # What is half there is not made whole by making another one.
            error = unknown_error(f"HubSpot refused it half-way: {refusal.error}")
            self._fail(chunk, OutcomeStatus.UNKNOWN, error)
            self._release(chunk)
        elif len(chunk) == 1:
            self._refused_alone(chunk, refused)
        elif chunk.probes and isinstance(refused, RecordConflict) and not self.isolate:
            self._doubt(chunk, f"created again, and then: {refused}")
        elif refusal.because == "records" and not (self.isolate or chunk.probing):
            self._fail(chunk, OutcomeStatus.FAILED, refused)
            self._release(chunk)
        else:
            self._isolate(chunk, refusal)

    def _isolate(self, chunk: Chunk, refusal: Refused) -> None:
        if refusal.because == "size":
            parts = halve(chunk)
        else:
            parts = split(chunk, refusal.error, self._density)
        for part in parts:
            part.suspect = refusal.because == "records"
        self.summary.isolating += len(parts)
        self.tell_of_chunk(
            ChunkIsolated,
            chunk,
            parts=len(parts),
            status=refusal.error.status,
            category=refusal.error.category,
            correlation_id=refusal.error.correlation_id,
        )
        self._send_back(parts)

    def give_up(self, chunk: Chunk, verdict: Again | Missing | Throttled) -> None:
        """Settle a chunk that is not tried any more."""
        reason = _reason(verdict)
        if chunk.probing:
            reason = f"its answer was lost, and it could not be read back: {reason}"
        if maybe_written(chunk) and self.operation.call.writes:
            self._leave_unknown(chunk, reason)
        elif isinstance(verdict, Missing):
            self._fail(chunk, OutcomeStatus.FAILED, from_api_error(verdict.error))
        elif chunk.doubtful:
            error = RecordError(reason, category="UNAVAILABLE", origin="hubbatch")
            self._fail(chunk, OutcomeStatus.FAILED, error)
        else:
            self._fail(chunk, OutcomeStatus.NOT_SENT, not_sent_error(reason))
        self._release(chunk)

    def _send_back(self, chunks: list[Chunk]) -> None:
        if self.ended is not None:
            for chunk in chunks:
                self.drop(chunk)
            return
        self.desk.back(chunks)
        self.freed()

    def _drop(self, chunk: Chunk) -> None:
        unseen = maybe_written(chunk) or chunk.in_flight
        if unseen and self.operation.call.writes:
            error: RecordError = unknown_error(f"sent, and then {self.ended}")
            self._fail(chunk, OutcomeStatus.UNKNOWN, error)
        else:
            error = not_sent_error(f"not sent: {self.ended}")
            self._fail(chunk, OutcomeStatus.NOT_SENT, error)

    def _succeed(self, chunk: Chunk, results: list[Any]) -> None:
        self.summary.succeeded += chunk.count
        if chunk.suspect:
            self._density.accepted(len(chunk))
        if self.watch is not None:
            self.watch.succeeded(chunk.count)
        self.emit.succeeded(chunk, results)

    def _fail(self, chunk: Chunk, status: OutcomeStatus, error: RecordError) -> None:
        call, attempts = self.operation.call, chunk.attempts
        self._note(
            [
                unsuccessful(
                    call, index, given, error, status, attempts=attempts, key=key
                )
                for index, given, key in chunk.everyone()
            ]
        )

    def tell_of_chunk(
        self, event: type[ChunkEvent], chunk: Chunk, **details: Any
    ) -> None:
        """Tell what happened to a chunk, if anybody listens."""
        if self.tell is not None:
            self.tell(
                event(
                    account=self.account,
                    operation=self.operation.name,
                    first_index=chunk.indices[0],
                    inputs=chunk.count,
                    **details,
                )
            )

    def tell_of_end(self, error: BaseException | None) -> None:
        """Tell that the batch is over, if anybody listens."""
        if self.tell is not None:
            self.tell(
                BatchEnded(
                    account=self.account,
                    operation=self.operation.name,
                    summary=evolve(self.summary),
                    error=None if error is None else type(error).__name__,
                )
            )

    def _tell_of_failure(self, outcome: Outcome[Any]) -> None:
        if self.tell is not None and outcome.error is not None:
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

    def _note(self, outcomes: list[Outcome[Any]]) -> None:
        self.emit.failed(outcomes)
        for outcome in outcomes:
            self.summary.count(outcome.status)
            self._tell_of_failure(outcome)
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

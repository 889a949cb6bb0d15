"""What becomes of the inputs of a chunk that was answered, refused or given up."""

from typing import Any

from attrs import define, field

from hubbatch.errors import RecordConflict, RecordError, RecordNotFound

from .accounting import Ledger, maybe_written
from .blaming import NO_REASON, from_api_error
from .encoding import renames
from .events import ChunkIsolated
from .isolating import Density, halve, split
from .outcomes import OutcomeStatus, known_id, not_sent_error
from .paging import next_pages
from .planning import Chunk
from .reconciling import Reconciler
from .settling import Settlement
from .verdicts import Again, Missing, Refused, Throttled


NO_ROOM = "HubSpot's rate limit left no room for it"


@define(eq=False)
class Concluder:
    """Gives each input its outcome, or lets it go once more.

    Attributes:
        isolate: whether a refused chunk is split to find its bad records.
    """

    ledger: Ledger
    isolate: bool = field(default=True, kw_only=True)
    reconciler: Reconciler = field(init=False)
    _density: Density = field(factory=Density, init=False)

    def __attrs_post_init__(self) -> None:
        self.reconciler = Reconciler(self.ledger.operation, self.ledger)

    def settle(self, chunk: Chunk, settlement: Settlement, now: float) -> None:
        """Give each input of an answered chunk its outcome, or ask for it once more."""
        if chunk.probing:
            self.reconciler.settle(chunk, settlement, now)
            return
        self.ledger.emit.answered(chunk, settlement)
        if not (settlement.failed or settlement.open or settlement.unfinished):
            self._succeed(chunk, settlement.results)
            return
        amiss = {*settlement.failed, *settlement.open, *settlement.unfinished}
        fine = [position for position in range(len(chunk)) if position not in amiss]
        if fine:
            self._succeed(chunk.pick(fine), [settlement.results[p] for p in fine])
        for position, error in settlement.failed.items():
            self._refused(chunk.pick([position]), error)
        if settlement.open:
            self._settle_open(chunk, settlement.open)
        shape = self.ledger.operation.call.results
        if settlement.unfinished and shape is not None and shape.paging is not None:
            onward = next_pages(
                shape.paging, chunk, settlement.results, settlement.unfinished
            )
            self.ledger.send_back([onward])

    def _succeed(self, chunk: Chunk, results: list[Any]) -> None:
        if chunk.suspect:
            self._density.accepted(len(chunk))
        self.reconciler.remember(results)
        self.ledger.succeed(chunk, results)

    def _settle_open(self, chunk: Chunk, positions: list[int]) -> None:
        """Ask once more, alone, for what an answer does not account for."""
        if self.ledger.operation.call.repeatable and not chunk.asked_again:
            singles = [chunk.pick([position]) for position in positions]
            for single in singles:
                single.asked_again = True
                single.doubtful = True  # the answer may have left out what it wrote
            self.ledger.send_back(singles)
            return
        reason = "HubSpot's answer does not account for this input"
        self.reconciler.doubt(chunk.pick(positions), reason)

    def _refused(
        self, chunk: Chunk, error: RecordError, *, wordless: bool = False
    ) -> None:
        """Settle what HubSpot refused, one by one or without telling which."""
        wordless = wordless or error.message == NO_REASON
        lost = self.ledger.operation.call.writes and maybe_written(chunk)
        conflict = isinstance(error, RecordConflict)
        own = conflict and not _is_of_another(chunk, error)
        if chunk.probes and conflict:
            # The value is there now: the lost request may have been written late.
            reason = f"created again, and then: {error}"
            self.reconciler.doubt(chunk, reason, error.correlation_id)
        elif lost and (
            own or wordless or (isinstance(error, RecordNotFound) and _renames(chunk))
        ):
            # What is in the way, or gone, may be its own doing; and what is not
            # explained does not say that an earlier request was refused as well.
            reason = f"it may have been written, and then: {error}"
            self.ledger.leave_unknown(chunk, reason, error.correlation_id)
        else:
            self.ledger.fail(chunk, OutcomeStatus.FAILED, error)

    def look_for(self, chunk: Chunk) -> bool:
        """Make creates that may have been written a question, if that can be done."""
        return self.reconciler.look_for(chunk)

    def recall(self, chunk: Chunk) -> None:
        """Take a chunk that is new here for one that may have been sent before."""
        if chunk.attempts == 0:
            chunk.doubtful = True
            self.look_for(chunk)

    def refuse(self, chunk: Chunk, refusal: Refused) -> None:
        """Split a refused chunk to find whom it is about; alone, an input failed."""
        if chunk.suspect:
            self._density.refused(len(chunk))
        call, alone = self.ledger.operation.call, len(chunk) == 1
        of_records = refusal.because == "records"
        last = alone or (of_records and not (self.isolate or chunk.probing))
        written = refusal.written and not chunk.probing  # a question writes nothing
        error = from_api_error(refusal.error)
        if chunk.probing and alone:
            self.reconciler.refused(chunk, error)
        elif written and (
            not call.repeatable or (last and (call.creates or not alone))
        ):
            # What is half there is not made whole by making another one.
            reason = f"HubSpot refused it half-way: {refusal.error}"
            self.reconciler.doubt(chunk, reason, error.correlation_id)
        elif last:
            self._refused(chunk, error, wordless=refusal.wordless)
        else:
            chunk.doubtful |= written
            if self.ledger.ended is None:
                self._isolate(chunk, refusal)
            else:
                self.ledger.drop(chunk)

    def _isolate(self, chunk: Chunk, refusal: Refused) -> None:
        if refusal.because == "size":
            parts = halve(chunk)
        else:
            parts = split(chunk, refusal.error, self._density)
        for part in parts:
            part.suspect = refusal.because == "records"
        self.ledger.summary.isolating += len(parts)
        self.ledger.teller.of_chunk(
            ChunkIsolated,
            chunk,
            parts=len(parts),
            status=refusal.error.status,
            category=refusal.error.category,
            correlation_id=refusal.error.correlation_id,
        )
        self.ledger.send_back(parts)

    def give_up(self, chunk: Chunk, verdict: Again | Missing | Throttled) -> None:
        """Settle a chunk that is not tried any more."""
        reason, request = _reason(verdict)
        if chunk.probing:
            reason = f"it may have been written, and could not be read back: {reason}"
        if maybe_written(chunk) and self.ledger.operation.call.writes:
            self.ledger.leave_unknown(chunk, reason, request)
        elif isinstance(verdict, Missing):
            self.ledger.fail(chunk, OutcomeStatus.FAILED, from_api_error(verdict.error))
        elif chunk.doubtful:
            error = RecordError(
                reason,
                category="UNAVAILABLE",
                correlation_id=request,
                origin="hubbatch",
            )
            self.ledger.fail(chunk, OutcomeStatus.FAILED, error)
        else:
            error = not_sent_error(reason, request)
            self.ledger.fail(chunk, OutcomeStatus.NOT_SENT, error)


def _is_of_another(chunk: Chunk, error: RecordError) -> bool:
    """Whether the record in the way is surely not the one that the input is for."""
    owner = error.existing_id if isinstance(error, RecordConflict) else None
    known = [known_id(key) for key in chunk.keys]
    return owner is not None and len(known) == 1 and known[0] not in (None, owner)


def _renames(chunk: Chunk) -> bool:
    """Whether an input sets the very property by which it names its record."""
    columns = zip(chunk.keys, chunk.bodies, strict=True)
    return any(renames(key, body) for key, body in columns)


def _reason(verdict: Again | Missing | Throttled) -> tuple[str, str | None]:
    """Say why it is given up, and by what HubSpot's support finds the last request."""
    if isinstance(verdict, Throttled):
        return NO_ROOM, None
    return str(verdict.error), verdict.error.correlation_id

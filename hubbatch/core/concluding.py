"""What becomes of the inputs of a chunk that was answered, refused or given up."""

from typing import Any

from attrs import define, field

from hubbatch.errors import APIError, RecordConflict, RecordError, RecordNotFound

from .accounting import Ledger, maybe_written
from .blaming import NO_REASON, from_api_error
from .encoding import renames, request_body
from .events import ChunkIsolated
from .isolating import Density, halve, sample, split, suspects
from .outcomes import OutcomeStatus, known_id, not_sent_error, unanswered_error
from .paging import next_pages
from .planning import Chunk
from .reconciling import Reconciler
from .settling import Settlement
from .verdicts import Again, Missing, Refused, Throttled


# Of inputs that were refused together, one in this many is sent alone first.
_SAMPLED = 20
# This many inputs of a call that HubSpot cannot read are sent alone first.
_SOUNDINGS = 3

_NO_ROOM = "HubSpot's rate limit left no room for it"


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
        self.ledger.summary.warnings += len(settlement.warnings)
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
            self._settle_open(chunk, settlement)
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

    def _settle_open(self, chunk: Chunk, settlement: Settlement) -> None:
        """Ask once more, alone, for what an answer does not account for."""
        positions, survivor = settlement.open, settlement.survivor
        # Another record stood for it: it is believed if the next answer says so too.
        new = not chunk.asked_again or (survivor and not chunk.survivor)
        if self.ledger.operation.call.repeatable and new:
            singles = [chunk.pick([position]) for position in positions]
            for single in singles:
                single.asked_again, single.survivor = True, survivor
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
        of_records = refusal.because in ("records", "syntax")
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
            if refusal.because == "bytes":
                error.message = self._too_large(chunk, error.message)
            self._refused(chunk, error, wordless=refusal.wordless)
        else:
            chunk.doubtful |= written
            if self.ledger.ended is None:
                self._isolate(chunk, refusal, error)
            else:
                self.ledger.drop(chunk)

    def _isolate(self, chunk: Chunk, refusal: Refused, error: RecordError) -> None:
        desk = self.ledger.desk
        if refusal.because == "inputs":
            desk.limit_inputs(len(chunk) // 2)
            self._send_parts(chunk, halve(chunk), refusal.error)
        elif refusal.because == "bytes":
            # Half of it: below what was refused by little would be refused again.
            max_bytes = chunk.size // 2
            desk.limit_bytes(max_bytes)
            self._send_parts(chunk, chunk.cut(max_bytes), refusal.error)
        elif refusal.because == "duplicates":
            parts = split(chunk, refusal.error, self._density)
            self._send_parts(chunk, parts, refusal.error)
        elif not self._send_sample(chunk, refusal.error, error):
            parts = split(chunk, refusal.error, self._density)
            self._send_parts(chunk, parts, refusal.error, suspect=True)

    def _send_sample(self, chunk: Chunk, refusal: APIError, error: RecordError) -> bool:
        """Send some inputs of a refused chunk alone at first, where all may be bad.

        Whether they are is seen from a few of each chunk, and then the others need not
        be sent at all (see `FailureWatch`).
        """
        watch = self.ledger.watch
        if watch is None or chunk.suspect or chunk.probing:
            return False
        if not watch.asks_about(error):
            return False
        everyone = range(len(chunk))
        named = sorted(suspects(chunk, refusal)) or everyone
        watch.suspect([chunk.indices[p] for p in named], error)
        first = sample(named, max(1, len(named) // _SAMPLED))
        fine = [p for p in everyone if p not in {*named}]
        parts = [chunk.pick(fine)] if fine else []
        parts += [chunk.pick([position]) for position in first]
        later = chunk.pick([position for position in named if position not in first])
        self._send_parts(chunk, parts, refusal, suspect=True, later=later)
        return True

    def sound_out(self, chunk: Chunk, refusal: Refused) -> None:
        """Send some inputs alone, and park the others, of a call that is unreadable.

        If HubSpot reads one of them, or any other chunk, the call is right and a record
        is wrong. No input goes again before that is known.
        """
        everyone = range(len(chunk))
        fresh = len(chunk) > 1 and not chunk.suspect
        first = sample(everyone, _SOUNDINGS) if fresh else []
        parts = [chunk.pick([position]) for position in first]
        rest = [position for position in everyone if position not in first]
        if rest:
            parked = chunk.pick(rest)
            parked.suspect = True
            self.ledger.park(parked)
        if parts:
            self._send_parts(chunk, parts, refusal.error, suspect=True)

    def break_up(self, chunk: Chunk, error: APIError) -> None:
        """Send the halves of a chunk on which HubSpot fails, once each."""
        parts = halve(chunk)
        for part in parts:
            part.once = True
        self._send_parts(chunk, parts, error, suspect=chunk.suspect)

    def _send_parts(
        self,
        chunk: Chunk,
        parts: list[Chunk],
        error: APIError,
        *,
        suspect: bool = False,
        later: Chunk | None = None,
    ) -> None:
        """Send a chunk again in parts, one of them perhaps behind what is fresh."""
        every = [*parts, later] if later else parts
        for part in every:
            part.suspect = suspect
        self.ledger.summary.isolating += len(every)
        self.ledger.teller.of_chunk(
            ChunkIsolated,
            chunk,
            parts=len(every),
            status=error.status,
            category=error.category,
            correlation_id=error.correlation_id,
        )
        if later:
            self.ledger.defer(later)
        self.ledger.send_back(parts)

    def _too_large(self, chunk: Chunk, message: str) -> str:
        request = request_body(self.ledger.operation, chunk.bodies)
        return (
            f"the record has {chunk.size:,} bytes of JSON, and its request of "
            f"{len(request):,} bytes was refused as too large (413): {message}"
        )

    def give_up(self, chunk: Chunk, verdict: Again | Missing | Throttled) -> None:
        """Settle a chunk that is not tried any more."""
        reason, request = _reason(verdict)
        if chunk.probing:
            reason = f"it may have been written, and could not be read back: {reason}"
        if maybe_written(chunk) and self.ledger.operation.call.writes:
            self.ledger.leave_unknown(chunk, reason, request)
        elif isinstance(verdict, Missing) and verdict.error.category is not None:
            self.ledger.fail(chunk, OutcomeStatus.FAILED, from_api_error(verdict.error))
        elif isinstance(verdict, Missing) or chunk.doubtful:
            error = unanswered_error(reason, request)
            error.__cause__ = cause_of(verdict)
            self.ledger.fail(chunk, OutcomeStatus.FAILED, error)
        else:
            error = not_sent_error(reason, request)
            error.__cause__ = cause_of(verdict)
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
        return _NO_ROOM, None
    return str(verdict.error), verdict.error.correlation_id


def cause_of(verdict: Again | Missing | Throttled) -> APIError:
    """Return the error of the request for which a chunk was given up."""
    if isinstance(verdict, Throttled):
        return APIError(_NO_ROOM, status=429)
    return verdict.error

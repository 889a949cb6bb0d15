"""From the verdict on a chunk to what a run has to do: the resolver."""

from collections.abc import Iterator
from typing import Any, assert_never

from attrs import define, field

from hubbatch.errors import (
    APIError,
    HubSpotUnavailable,
    RecordConflict,
    RecordError,
    RecordNotFound,
)

from .blaming import NO_REASON, record_error_from_refusal
from .calls import Operation
from .chunk_state import Role, Step
from .chunks import Chunk
from .effects import (
    Answer,
    Drop,
    Effect,
    EndBatch,
    Fail,
    HoldAll,
    LimitBytes,
    LimitInputs,
    Requeue,
    Split,
    Succeed,
    Unpark,
    Wait,
)
from .encoding import renames, request_body
from .health import Health
from .isolating import Density, halve, sample, split, suspects
from .outcomes import OutcomeStatus, known_id, not_sent_error, unanswered_error
from .paging import next_pages
from .planning import Place
from .reconciling import LostCreates, lost_error
from .retrying import RetryPolicy, next_wait
from .settling import Settlement
from .stopping import FailureWatch
from .unavailable import NO_ANSWER, advise, unavailable
from .verdicts import (
    Answered,
    Blocked,
    EndpointNotFound,
    Fatal,
    Refused,
    Retryable,
    Throttled,
    Unauthorized,
    Verdict,
)


# Of inputs that were refused together, one in this many is sent alone first.
_SAMPLED = 20
# This many inputs of a call that HubSpot cannot read are sent alone first.
_SOUNDINGS = 3

_NO_ROOM = "HubSpot's rate limit left no room for it"

_Passing = Retryable | EndpointNotFound | Throttled


@define(eq=False, kw_only=True)
class Resolver:
    """Decides what becomes of the chunks of one batch.

    Attributes:
        renewable: whether there may be another token after a 401.
        isolate: whether a refused chunk is split to find its bad records.
        watch: notices when too many inputs fail; None if any number may.
    """

    operation: Operation
    policy: RetryPolicy
    renewable: bool
    isolate: bool = True
    watch: FailureWatch | None = None
    _health: Health = field(factory=Health, init=False)
    _lost: LostCreates = field(init=False)
    _density: Density = field(factory=Density, init=False)

    def __attrs_post_init__(self) -> None:
        self._lost = LostCreates(self.operation)

    def resolve(
        self, chunk: Chunk, verdict: Verdict, now: float, *, draw: float
    ) -> list[Effect]:
        """Return what to do about the verdict on a chunk's last attempt, in order.

        Every input of the chunk is in exactly one chunk of the effects that settle it
        (Succeed, Fail, Drop) or send it again (Wait, Requeue).

        `now` is an instant of a monotonic clock, and `draw` a random number from 0 to 1
        for the wait.
        """
        lost = isinstance(verdict, Retryable | Blocked) and verdict.arrived
        chunk = chunk.after(Step.LOSE if lost else Step.NOT_PROCESSED)
        effects = [*self._resolve(chunk, verdict, now, draw)]
        if isinstance(verdict, Answered | Refused) and not self._health.has_settled:
            self._health.has_settled = any(map(_settles, effects))
        return effects

    def recall(self, chunk: Chunk, now: float) -> Chunk:
        """Return a new chunk as one that an earlier process may have sent."""
        if chunk.state.attempts:
            return chunk
        chunk = chunk.after(Step.LOSE)
        return self._lost.look_up(chunk, now) or chunk

    @property
    def unreadable(self) -> APIError | None:
        """HubSpot's last refusal of a call that it could not read."""
        return self._health.unreadable

    def ending(
        self, ended: BaseException | None, *, maybe_written: bool
    ) -> BaseException | None:
        """Return what ends the batch, now that every input has its outcome.

        A batch of which every request was lost or throttled has failed as a whole.
        `maybe_written`: some inputs are `unknown`.
        """
        health = self._health
        if ended is None and health.last_failure and not health.has_settled:
            ended = unavailable(NO_ANSWER, health.last_failure)
        if isinstance(ended, HubSpotUnavailable):
            advise(ended, maybe_written=maybe_written)
        return ended

    def _resolve(
        self, chunk: Chunk, verdict: Verdict, now: float, draw: float
    ) -> Iterator[Effect]:
        match verdict:
            case Answered():
                yield from self._answered(chunk, verdict.settlement, now)
            case Refused():
                yield from self._refused(chunk, verdict, now)
            case Throttled():
                hold = min(verdict.retry_after, self.policy.max_retry_after)
                yield HoldAll(chunk, hold, verdict)
                yield from self._retry(chunk, verdict, now, draw)
            case Unauthorized() if self.renewable and not chunk.state.token_renewed:
                yield Wait(chunk.after(Step.RENEW_TOKEN), 0.0, verdict)
            case Retryable():
                yield from self._retry(chunk, verdict, now, draw)
            case EndpointNotFound() if self._health.has_answered:
                yield from self._retry(chunk, verdict, now, draw)
            case Blocked() if self._health.has_answered:
                again = Retryable(verdict.error, arrived=verdict.arrived)
                yield from self._retry(chunk, again, now, draw)
            case Unauthorized() | EndpointNotFound() | Blocked() | Fatal():
                yield EndBatch(verdict.error)
                yield Drop(chunk)
            case _:
                assert_never(verdict)

    # ---- answers

    def _answered(
        self, chunk: Chunk, settlement: Settlement, now: float
    ) -> Iterator[Effect]:
        self._health.has_answered = True
        self._health.answer(chunk, now)
        if chunk.state.looking_up:
            yield from self._lost.resolve(chunk, settlement, now)
            return
        yield from self._note_readable()
        yield Answer(chunk, settlement, now - chunk.state.sent_at)
        amiss = {*settlement.failed, *settlement.open, *settlement.unfinished}
        if not amiss:
            yield self._succeed(chunk, settlement.results)
            return
        fine = [position for position in range(len(chunk)) if position not in amiss]
        if fine:
            yield self._succeed(chunk.pick(fine), [settlement.results[p] for p in fine])
        for position, error in settlement.failed.items():
            yield self._fail_refused(chunk.pick([position]), error, now)
        if settlement.open:
            yield self._resolve_open(chunk, settlement, now)
        shape = self.operation.call.results
        if settlement.unfinished and shape is not None and shape.paging is not None:
            onward = next_pages(
                shape.paging, chunk, settlement.results, settlement.unfinished
            )
            yield Requeue([onward])

    def _note_readable(self) -> Iterator[Effect]:
        if not self._health.is_readable:
            self._health.is_readable = True
            yield Unpark()

    def _succeed(self, chunk: Chunk, results: list[Any]) -> Effect:
        if chunk.state.role is Role.SUSPECT:
            self._density.accepted(len(chunk))
        self._lost.remember(results)
        return Succeed(chunk, results)

    def _resolve_open(self, chunk: Chunk, settlement: Settlement, now: float) -> Effect:
        """Ask for what an answer does not account for once more, alone."""
        positions, survivor = settlement.open, settlement.survivor
        # HubSpot answered with another record's id. It is believed when the next
        # answer has the same id.
        state = chunk.state
        new = state.role is not Role.ALONE or (survivor and not state.survivor)
        # The answer may have left out an input that it wrote.
        chunk = chunk.after(Step.LOSE)
        if new and self._may_send(chunk):
            alone = chunk.after(Step.ASK_ALONE, survivor=survivor)
            return Requeue([alone.pick([position]) for position in positions])
        reason = "HubSpot's answer does not account for this input"
        return self._lost.doubt(chunk.pick(positions), reason, now)

    def _may_send(self, chunk: Chunk) -> bool:
        return chunk.state.may_send(retry_safe=self.operation.call.retry_safe)

    # ---- refusals

    def _refused(self, chunk: Chunk, refusal: Refused, now: float) -> Iterator[Effect]:
        self._health.refuse(chunk, refusal, now)
        looking_up = chunk.state.looking_up
        unreadable = refusal.because == "syntax"
        if not (refusal.wordless or unreadable or looking_up):
            yield from self._note_readable()
        if unreadable and not (self._health.is_readable or looking_up):
            yield from self._sound_out(chunk, refusal)
        else:
            yield from self._resolve_refused(chunk, refusal, now)

    def _resolve_refused(
        self, chunk: Chunk, refusal: Refused, now: float
    ) -> Iterator[Effect]:
        """Split a refused chunk to find its bad records; alone, an input failed."""
        if chunk.state.role is Role.SUSPECT:
            self._density.refused(len(chunk))
        call, alone = self.operation.call, len(chunk) == 1
        looking_up = chunk.state.looking_up
        of_records = refusal.because in ("records", "syntax")
        last = alone or (of_records and not (self.isolate or looking_up))
        written = refusal.written and not looking_up  # a lookup writes nothing
        error = record_error_from_refusal(refusal.error)
        if looking_up and alone:
            yield self._lost.refuse(chunk, error)
        elif written and (
            not call.retry_safe or (last and (call.creates or not alone))
        ):
            # To create it again would not complete what was written by half.
            reason = f"HubSpot refused it half-way: {refusal.error}"
            yield self._lost.doubt(
                chunk.after(Step.LOSE), reason, now, error.correlation_id
            )
        elif last:
            if refusal.because == "bytes":
                error.message = self._too_large(chunk, error.message)
            yield self._fail_refused(chunk, error, now, wordless=refusal.wordless)
        else:
            chunk = chunk.after(Step.LOSE) if written else chunk
            yield from self._isolate(chunk, refusal, error)

    def _fail_refused(
        self, chunk: Chunk, error: RecordError, now: float, *, wordless: bool = False
    ) -> Effect:
        """Return what becomes of inputs that HubSpot refused, alone or all for one.

        They failed, unless an earlier request may have written them: then a refusal
        that this request explains leaves them `unknown`.
        """
        wordless = wordless or error.message == NO_REASON
        lost = self.operation.call.writes and chunk.state.maybe_written
        conflict = isinstance(error, RecordConflict)
        own = conflict and not _is_of_another(chunk, error)
        if chunk.state.lookups and conflict:
            # The value is there now: the lost request may have been written late.
            reason = f"created again, and then: {error}"
            lost_chunk = chunk.after(Step.LOSE)
            return self._lost.doubt(lost_chunk, reason, now, error.correlation_id)
        if lost and (
            own or wordless or (isinstance(error, RecordNotFound) and _renames(chunk))
        ):
            # The record in the way, or the record that is gone, may be this input's
            # own doing. And a refusal without a reason does not show that an earlier
            # request was refused as well.
            reason = f"it may have been written, and then: {error}"
            lost_by = lost_error(chunk, reason, error.correlation_id)
            return Fail(chunk, OutcomeStatus.UNKNOWN, lost_by)
        return Fail(chunk, OutcomeStatus.FAILED, error)

    # ---- parts of refused chunks

    def _isolate(
        self, chunk: Chunk, refusal: Refused, error: RecordError
    ) -> Iterator[Effect]:
        match refusal.because:
            case "inputs":
                yield LimitInputs(len(chunk) // 2)
                yield from _split(chunk, refusal.error, halve(chunk))
            case "bytes":
                # Half of it: what is a little smaller would be refused as well.
                max_bytes = chunk.size // 2
                yield LimitBytes(max_bytes)
                yield from _split(chunk, refusal.error, chunk.cut(max_bytes))
            case "duplicates":
                parts = split(chunk, refusal.error, self._density)
                yield from _split(chunk, refusal.error, parts)
            case "records" | "syntax":
                suspect = chunk.after(Step.SUSPECT)
                if self._asks_about(chunk, error):
                    yield from self._sample(suspect, refusal.error, error)
                else:
                    parts = split(suspect, refusal.error, self._density)
                    yield from _split(chunk, refusal.error, parts)
            case _:
                assert_never(refusal.because)

    def _asks_about(self, chunk: Chunk, error: RecordError) -> bool:
        """Return whether it matters that all inputs of a chunk may be bad."""
        fresh = chunk.state.role is not Role.SUSPECT and not chunk.state.looking_up
        return fresh and self.watch is not None and self.watch.asks_about(error)

    def _sample(
        self, suspect: Chunk, refusal: APIError, error: RecordError
    ) -> Iterator[Effect]:
        """Send some inputs alone first, where all may be bad.

        Whether they are shows in a few of each chunk, and then the others need not be
        sent at all (see `FailureWatch`).
        """
        assert self.watch is not None  # noqa: S101 -- it asked
        everyone = range(len(suspect))
        named = sorted(suspects(suspect, refusal)) or everyone
        self.watch.suspect([suspect.indices[p] for p in named], error)
        first = sample(named, max(1, len(named) // _SAMPLED))
        fine = [p for p in everyone if p not in {*named}]
        parts = [suspect.pick(fine)] if fine else []
        parts += [suspect.pick([position]) for position in first]
        behind = [position for position in named if position not in first]
        yield from _split(
            suspect, refusal, parts, behind=suspect.pick(behind) if behind else None
        )

    def _sound_out(self, chunk: Chunk, refusal: Refused) -> Iterator[Effect]:
        """Send some inputs alone, and park the others, of a call that is unreadable.

        It is one value of one record, or the call: the first answer will show which.
        If HubSpot reads a single input, or any other chunk, the call is right and a
        record is wrong. Until then no refused input is sent again, and without such an
        answer the batch ends.
        """
        hopeless = self._health.refuse_as_unreadable(chunk, refusal.error)
        if hopeless or not self.isolate:
            yield EndBatch(refusal.error)
            yield Drop(chunk)
            return
        everyone = range(len(chunk))
        fresh = len(chunk) > 1 and chunk.state.role is not Role.SUSPECT
        first = sample(everyone, _SOUNDINGS) if fresh else []
        rest = [position for position in everyone if position not in first]
        suspect = chunk.after(Step.SUSPECT)
        if rest:
            yield Requeue([suspect.pick(rest)], Place.PARKED)
        if first:
            parts = [suspect.pick([position]) for position in first]
            yield from _split(chunk, refusal.error, parts)

    def _too_large(self, chunk: Chunk, message: str) -> str:
        request = request_body(self.operation, chunk.bodies)
        return (
            f"the record has {chunk.size:,} bytes of JSON, and its request of "
            f"{len(request):,} bytes was refused as too large (413): {message}"
        )

    # ---- retries

    def _retry(
        self, chunk: Chunk, verdict: _Passing, now: float, draw: float
    ) -> Iterator[Effect]:
        """Send a chunk again after a wait; settle or halve it if it has no retries."""
        if not isinstance(verdict, Throttled):
            chunk = chunk.after(Step.FAIL)
        if not self._may_send(chunk):
            chunk = self._lost.look_up(chunk, now) or chunk
        arrived = isinstance(verdict, Retryable) and verdict.arrived
        tried = arrived and chunk.state.role is Role.LAST_TRY
        if self._may_send(chunk) and not tried:
            wait = next_wait(
                self.policy,
                verdict,
                failures=chunk.state.failures,
                elapsed=now - chunk.state.taken_at,
                draw=draw,
            )
            if wait is not None:
                yield Wait(chunk, wait, verdict)
                return
        if (
            isinstance(verdict, Retryable)
            and self.operation.call.retry_safe
            and self._health.fails_on(chunk, verdict)
        ):
            if len(chunk) > 1 and self.isolate:
                halves = halve(chunk.after(Step.HALVE))
                yield from _split(chunk, verdict.error, halves)
            else:
                yield self._give_up(chunk, verdict)
            return
        yield self._give_up(chunk, verdict)
        unavailable_now = self._health.give_up(_cause_of(verdict))
        if unavailable_now is not None:
            yield EndBatch(unavailable_now)

    def _give_up(self, chunk: Chunk, verdict: _Passing) -> Effect:
        """Return what becomes of a chunk that has no retries left."""
        reason, request = _reason(verdict)
        state = chunk.state
        if state.looking_up:
            reason = f"it may have been written, and could not be read back: {reason}"
        if state.maybe_written and self.operation.call.writes:
            error: RecordError = lost_error(chunk, reason, request)
            return Fail(chunk, OutcomeStatus.UNKNOWN, error)
        missing = isinstance(verdict, EndpointNotFound)
        cause = _cause_of(verdict)
        if missing and cause.category is not None:
            return Fail(chunk, OutcomeStatus.FAILED, record_error_from_refusal(cause))
        if missing or state.maybe_written:
            error, status = unanswered_error(reason, request), OutcomeStatus.FAILED
        else:
            error, status = not_sent_error(reason, request), OutcomeStatus.NOT_SENT
        error.__cause__ = cause
        return Fail(chunk, status, error)


def _split(
    chunk: Chunk, error: APIError, parts: list[Chunk], behind: Chunk | None = None
) -> Iterator[Effect]:
    """Requeue the parts of a chunk, one of them perhaps behind the fresh inputs."""
    yield Split(chunk, error, len(parts) + (behind is not None))
    if behind is not None:
        yield Requeue([behind], Place.BEHIND)
    yield Requeue(parts)


def _settles(effect: Effect) -> bool:
    """Whether an effect is the outcome of inputs that HubSpot answered for."""
    failed = isinstance(effect, Fail) and effect.status is OutcomeStatus.FAILED
    return failed or isinstance(effect, Succeed)


def _is_of_another(chunk: Chunk, error: RecordError) -> bool:
    """Whether the record in the way is another one than the input's own."""
    owner = error.existing_id if isinstance(error, RecordConflict) else None
    known = [known_id(key) for key in chunk.keys]
    return owner is not None and len(known) == 1 and known[0] not in (None, owner)


def _renames(chunk: Chunk) -> bool:
    """Whether an input sets the very property by which it names its record."""
    columns = zip(chunk.keys, chunk.bodies, strict=True)
    return any(renames(key, body) for key, body in columns)


def _reason(verdict: _Passing) -> tuple[str, str | None]:
    """Return why a chunk is given up, and the correlation id of its last request."""
    if isinstance(verdict, Throttled):
        return _NO_ROOM, None
    return str(verdict.error), verdict.error.correlation_id


def _cause_of(verdict: _Passing) -> APIError:
    """Return the error of the request for which a chunk was given up."""
    if isinstance(verdict, Throttled):
        return APIError(_NO_ROOM, status=429)
    return verdict.error

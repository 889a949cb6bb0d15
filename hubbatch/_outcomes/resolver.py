"""The resolver: from the verdict on a chunk to the effects that a run applies."""

from collections.abc import Iterator
from typing import Any, assert_never

from attrs import field

from hubbatch._classes import define
from hubbatch._wire.calls import Operation
from hubbatch._wire.inputs import renames, request_body
from hubbatch.errors import (
    APIError,
    HubSpotUnavailable,
    RecordConflict,
    RecordError,
    RecordNotFound,
)

from .chunk import Chunk
from .chunk_state import Role, Step
from .effects import (
    Drop,
    Effect,
    EndBatch,
    Fail,
    HoldAll,
    LimitBytes,
    LimitInputs,
    NoteAnswer,
    NoteSplit,
    Requeue,
    Succeed,
    Unpark,
    Wait,
    settles,
)
from .failure_limit import FailureLimit
from .health import NO_ANSWER, Health, advise, unavailable
from .matching import MatchedAnswer
from .outcome import OutcomeStatus, known_id, not_sent_error, unanswered_error
from .paging import next_pages
from .queue import Place
from .record_errors import NO_REASON, record_error_from_refusal
from .recovery import LostWrites, lost_error
from .retry import RetryPolicy, next_wait
from .splitting import BadRecordRate, halve, sample, split, suspects
from .verdicts import (
    Answered,
    Blocked,
    EndpointNotFound,
    Fatal,
    Refused,
    Retryable,
    Temporary,
    Throttled,
    Unauthorized,
    Verdict,
    cause_of,
    reason_of,
)


# One in this many inputs that were refused together is sent alone first.
_SAMPLE_EVERY = 20
# For a call that HubSpot cannot read, this many inputs are sent alone first.
_UNREADABLE_SAMPLE = 3


@define(eq=False, kw_only=True)
class Resolver:
    """Decides what happens next to the chunks of one batch.

    Attributes:
        renewable: whether a new token can be requested after a 401.
        isolate: whether a refused chunk is split to find its bad records.
        failure_limit: ends the batch if too many inputs fail; None for no limit.
        patience: for how many seconds HubSpot may be down before the batch ends.
    """

    # Invariant: the resolver does no IO and calls no code of the run. It remembers only
    # what the answers say about HubSpot (`_health`), which records lost creates cannot
    # have made (`_lost`), and how many inputs are bad (`_bad_rate`, `failure_limit`).
    # What is known about a chunk is in `chunk.state`, which changes only through
    # `Chunk.after`.

    operation: Operation
    policy: RetryPolicy
    renewable: bool
    isolate: bool = True
    failure_limit: FailureLimit | None = None
    patience: float = 0.0
    _health: Health = field(init=False)
    _lost: LostWrites = field(init=False)
    _bad_rate: BadRecordRate = field(factory=BadRecordRate, init=False)

    def __attrs_post_init__(self) -> None:
        self._lost = LostWrites(self.operation)
        self._health = Health(policy=self.policy, patience=self.patience)

    def resolve(
        self, chunk: Chunk, verdict: Verdict, now: float, *, draw: float
    ) -> list[Effect]:
        """Return the effects of the verdict on a chunk's last attempt, in order.

        Every input of the chunk is in exactly one chunk of the effects that settle it
        (Succeed, Fail, Drop) or send it again (Wait, Requeue).

        `now` is a time of the monotonic clock, and `draw` a random number from 0 to 1
        for the wait.
        """
        doubt = isinstance(verdict, Retryable | Blocked) and verdict.maybe_processed
        chunk = chunk.after(Step.LOSE if doubt else Step.CLEAR)
        effects = [*self._resolve(chunk, verdict, now, draw)]
        if isinstance(verdict, Answered | Refused) and not self._health.has_settled:
            self._health.has_settled = any(map(settles, effects))
        return effects

    def recall(self, chunk: Chunk, now: float) -> Chunk:
        """Mark a new chunk as possibly sent already by an earlier process."""
        if chunk.state.attempts:
            return chunk
        chunk = chunk.after(Step.LOSE)
        return self._lost.as_lookup(chunk, now) or chunk

    def fail_probe(self, error: APIError, now: float, *, draw: float) -> Effect | None:
        """Return what to do if HubSpot is down for a request of another call too."""
        return self._health.give_up(Retryable(error, maybe_processed=False), now, draw)

    @property
    def down(self) -> bool:
        """Whether HubSpot is down and the batch waits; see `WaitOut`."""
        return self._health.down

    @property
    def unreadable(self) -> APIError | None:
        """HubSpot's last refusal of a request that it could not read."""
        return self._health.unreadable

    def ending(
        self, ended: BaseException | None, *, maybe_written: bool
    ) -> BaseException | None:
        """Return the error for the batch to raise, now that every input has an outcome.

        `ended` is the error that ended it early, if any. A batch whose requests were
        all lost or throttled has failed as a whole. `maybe_written` says whether some
        inputs are `unknown`.
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
                yield from self._resolve_answer(chunk, verdict.matched, now)
            case Refused():
                yield from self._resolve_refusal(chunk, verdict, now)
            case Throttled():
                hold = min(verdict.retry_after, self.policy.max_retry_after)
                yield HoldAll(chunk, hold, verdict)
                yield from self._retry_or_settle(chunk, verdict, now, draw)
            case Unauthorized() if self.renewable and not chunk.state.token_renewed:
                yield Wait(chunk.after(Step.RENEW_TOKEN), 0.0, verdict)
            case Retryable():
                yield from self._retry_or_settle(chunk, verdict, now, draw)
            case EndpointNotFound() if self._health.has_answered:
                yield from self._retry_or_settle(chunk, verdict, now, draw)
            case Blocked() if self._health.has_answered:
                retryable = Retryable(
                    verdict.error, maybe_processed=verdict.maybe_processed
                )
                yield from self._retry_or_settle(chunk, retryable, now, draw)
            case Unauthorized() | EndpointNotFound() | Blocked() | Fatal():
                yield EndBatch(verdict.error)
                yield Drop(chunk)
            case _:
                assert_never(verdict)

    # ---- answers

    def _resolve_answer(
        self, chunk: Chunk, matched: MatchedAnswer, now: float
    ) -> Iterator[Effect]:
        self._health.has_answered = True
        self._health.answer(chunk, now)
        if chunk.state.looking_up:
            yield from self._lost.resolve(chunk, matched, now)
            return
        yield from self._mark_readable()
        yield NoteAnswer(chunk, matched, now - chunk.state.attempted_at)
        others = {*matched.failed, *matched.open, *matched.unfinished}
        if not others:
            yield self._succeed(chunk, matched.results)
            return
        fine = [position for position in range(len(chunk)) if position not in others]
        if fine:
            yield self._succeed(chunk.pick(fine), [matched.results[p] for p in fine])
        for position, error in matched.failed.items():
            yield self._settle_refused(chunk.pick([position]), error, now)
        if matched.open:
            yield self._resolve_open(chunk, matched, now)
        shape = self.operation.call.results
        if matched.unfinished and shape is not None and shape.paging is not None:
            following = next_pages(
                shape.paging, chunk, matched.results, matched.unfinished
            )
            yield Requeue([following])

    def _mark_readable(self) -> Iterator[Effect]:
        if not self._health.is_readable:
            self._health.is_readable = True
            yield Unpark()

    def _succeed(self, chunk: Chunk, results: list[Any]) -> Effect:
        if Role.SUSPECT in chunk.state.roles:
            self._bad_rate.accepted(len(chunk))
        self._lost.remember(results)
        return Succeed(chunk, results)

    def _resolve_open(self, chunk: Chunk, matched: MatchedAnswer, now: float) -> Effect:
        """Resend the inputs that an answer does not account for, each alone."""
        positions, survivor = matched.open, matched.survivor
        # HubSpot may have answered with another record's id (`survivor`). It is
        # accepted if the next answer has the same id.
        state = chunk.state
        first_time = Role.ALONE not in state.roles
        worth_asking = first_time or (survivor and not state.survivor)
        # HubSpot may have written an input that its answer omits.
        chunk = chunk.after(Step.LOSE)
        if worth_asking and self._may_send(chunk):
            alone = chunk.after(Step.ASK_ALONE, survivor=survivor)
            return Requeue([alone.pick([position]) for position in positions])
        reason = "HubSpot's answer does not account for this input"
        return self._lost.doubt(chunk.pick(positions), reason, now)

    def _may_send(self, chunk: Chunk) -> bool:
        return chunk.state.may_send(retry_safe=self.operation.call.retry_safe)

    # ---- refusals

    def _resolve_refusal(
        self, chunk: Chunk, refusal: Refused, now: float
    ) -> Iterator[Effect]:
        self._health.refuse(chunk, refusal, now)
        looking_up = chunk.state.looking_up
        unreadable = refusal.because == "syntax"
        if not (refusal.wordless or unreadable or looking_up):
            yield from self._mark_readable()
        if unreadable and not (self._health.is_readable or looking_up):
            yield from self._resolve_unreadable(chunk, refusal)
        else:
            yield from self._split_or_fail(chunk, refusal, now)

    def _split_or_fail(
        self, chunk: Chunk, refusal: Refused, now: float
    ) -> Iterator[Effect]:
        """Split a refused chunk to find its bad records; fail a single input."""
        if Role.SUSPECT in chunk.state.roles:
            self._bad_rate.refused(len(chunk))
        call, alone = self.operation.call, len(chunk) == 1
        looking_up = chunk.state.looking_up
        about_records = refusal.because in ("records", "syntax")
        last = alone or (about_records and not (self.isolate or looking_up))
        written = refusal.written and not looking_up  # a lookup writes nothing
        lost = chunk.after(Step.LOSE) if written else chunk
        error = record_error_from_refusal(refusal.error)
        if looking_up and alone:
            yield self._lost.refuse(chunk, refusal.error)
        elif written and (
            not self._may_send(lost) or (last and (call.creates or not alone))
        ):
            # Sending a create again would not complete a partly written record.
            reason = f"HubSpot refused it, but may have written part: {refusal.error}"
            yield self._lost.doubt(lost, reason, now, error.correlation_id)
        elif last:
            if refusal.because == "bytes":
                error.message = self._too_large(chunk, error.message)
            yield self._settle_refused(chunk, error, now, wordless=refusal.wordless)
        else:
            yield from self._isolate(lost, refusal, error)

    def _settle_refused(
        self, chunk: Chunk, error: RecordError, now: float, *, wordless: bool = False
    ) -> Effect:
        """Return the effect on refused inputs that are not split further.

        They failed, or are `unknown` if the refusal may be due to an earlier write of
        them.
        """
        wordless = wordless or error.message == NO_REASON
        written_before = self.operation.call.writes and chunk.state.maybe_written
        conflict = isinstance(error, RecordConflict)
        maybe_own = conflict and not _is_another_record(chunk, error)
        if chunk.state.lookups and conflict:
            # The value exists now: HubSpot may have processed the lost request late.
            reason = f"created again, and then: {error}"
            lost_chunk = chunk.after(Step.LOSE)
            return self._lost.doubt(lost_chunk, reason, now, error.correlation_id)
        gone = isinstance(error, RecordNotFound) and (
            self.operation.call.verb == "gdpr_delete" or _renames(chunk)
        )
        if written_before and (maybe_own or wordless or gone):
            # An earlier request of this input may have created the record it conflicts
            # with, or renamed or deleted the record that is not found. And a refusal
            # without a reason does not show that the earlier one was refused too.
            reason = f"it may have been written, and then: {error}"
            lost_by = lost_error(chunk, reason, error.correlation_id)
            return Fail(chunk, OutcomeStatus.UNKNOWN, lost_by)
        return Fail(chunk, OutcomeStatus.FAILED, error)

    # ---- parts of refused chunks

    def _isolate(
        self, chunk: Chunk, refusal: Refused, error: RecordError
    ) -> Iterator[Effect]:
        innocent = chunk.after(Step.ACQUIT)
        match refusal.because:
            case "inputs":
                yield LimitInputs(len(chunk) // 2)
                yield from _split(chunk, refusal.error, halve(innocent))
            case "bytes":
                # Half, because a slightly smaller chunk would be refused too.
                max_bytes = chunk.size // 2
                yield LimitBytes(max_bytes)
                yield from _split(chunk, refusal.error, innocent.cut(max_bytes))
            case "duplicates":
                parts = split(innocent, refusal.error, self._bad_rate)
                yield from _split(chunk, refusal.error, parts)
            case "records" | "syntax":
                suspect = chunk.after(Step.SUSPECT)
                if self._may_all_be_bad(chunk, error):
                    yield from self._sample(suspect, refusal.error, error)
                else:
                    parts = split(suspect, refusal.error, self._bad_rate)
                    yield from _split(chunk, refusal.error, parts)
            case _:
                assert_never(refusal.because)

    def _may_all_be_bad(self, chunk: Chunk, error: RecordError) -> bool:
        fresh = Role.SUSPECT not in chunk.state.roles and not chunk.state.looking_up
        return (
            fresh
            and self.failure_limit is not None
            and self.failure_limit.asks_about(error)
        )

    def _sample(
        self, suspect: Chunk, refusal: APIError, error: RecordError
    ) -> Iterator[Effect]:
        """Send a sample of the inputs alone first, because all of them may be bad.

        If the sample fails, the limit ends the batch and spares the others (see
        `FailureLimit`). Until then they wait behind the fresh inputs.
        """
        assert self.failure_limit is not None  # noqa: S101 -- `_may_all_be_bad` checked it
        positions = range(len(suspect))
        named = sorted(suspects(suspect, refusal)) or positions
        self.failure_limit.suspect([suspect.indices[p] for p in named], error)
        first = sample(named, max(1, len(named) // _SAMPLE_EVERY))
        fine = [p for p in positions if p not in {*named}]
        parts = [suspect.pick(fine)] if fine else []
        parts += [suspect.pick([position]) for position in first]
        behind = [position for position in named if position not in first]
        yield from _split(
            suspect, refusal, parts, behind=suspect.pick(behind) if behind else None
        )

    def _resolve_unreadable(self, chunk: Chunk, refusal: Refused) -> Iterator[Effect]:
        """Send a sample of the inputs of an unreadable chunk alone, and park the rest.

        Either one value of one record is unreadable, or every request of this call is.
        Once HubSpot reads a single input or any other chunk, a record was at fault, and
        the parked inputs are sent. Without such an answer the batch ends.
        """
        ends = self._health.refuse_as_unreadable(chunk, refusal.error)
        if ends or not self.isolate:
            yield EndBatch(refusal.error)
            yield Drop(chunk)
            return
        positions = range(len(chunk))
        fresh = len(chunk) > 1 and Role.SUSPECT not in chunk.state.roles
        first = sample(positions, _UNREADABLE_SAMPLE) if fresh else []
        rest = [position for position in positions if position not in first]
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

    def _retry_or_settle(
        self, chunk: Chunk, verdict: Temporary, now: float, draw: float
    ) -> Iterator[Effect]:
        """Send a chunk again after a wait; without retries left, halve or settle it."""
        if not isinstance(verdict, Throttled):
            chunk = chunk.after(Step.FAIL)
        self._health.fail(now)
        error_if_ended: RecordError | None = None
        if not self._may_send(chunk):
            error_if_ended = lost_error(chunk, *reason_of(verdict))
            chunk = self._lost.as_lookup(chunk, now) or chunk
        maybe_processed = isinstance(verdict, Retryable) and verdict.maybe_processed
        final = maybe_processed and Role.LAST_TRY in chunk.state.roles
        down = self._health.down  # the chunks take turns (see `WaitOut`)
        if self._may_send(chunk) and not (final or down):
            wait = next_wait(
                self.policy,
                verdict,
                failures=chunk.state.failures,
                retry=chunk.state.failures + chunk.state.looking_up,
                elapsed=now - chunk.state.taken_at,
                draw=draw,
            )
            if wait is not None:
                yield Wait(chunk, wait, verdict, error_if_ended)
                return
        if (
            isinstance(verdict, Retryable)
            and not down
            and self.operation.call.retry_safe
            and self._health.fails_on(chunk, verdict)
        ):
            if len(chunk) > 1 and self.isolate:
                halves = halve(chunk.after(Step.HALVE))
                yield from _split(chunk, verdict.error, halves)
            else:
                yield self._give_up(chunk, verdict)
            return
        outage: Effect | None = None
        if self._may_send(chunk):
            outage = self._health.wait_out(verdict, now, draw, repeats=True)
        if outage is not None:
            yield Requeue([chunk], Place.BEHIND, error_if_ended)
        else:
            yield self._give_up(chunk, verdict)
            outage = self._health.give_up(verdict, now, draw)
        if outage is not None:
            yield outage

    def _give_up(self, chunk: Chunk, verdict: Temporary) -> Effect:
        """Return the effect on a chunk that has no retries left."""
        reason, correlation_id = reason_of(verdict)
        state = chunk.state
        if state.looking_up:
            reason = f"it may have been written, and its lookup failed: {reason}"
        if state.maybe_written and self.operation.call.writes:
            error: RecordError = lost_error(chunk, reason, correlation_id)
            return Fail(chunk, OutcomeStatus.UNKNOWN, error)
        missing = isinstance(verdict, EndpointNotFound)
        cause = cause_of(verdict)
        if missing and cause.category is not None:
            return Fail(chunk, OutcomeStatus.FAILED, record_error_from_refusal(cause))
        if missing or state.maybe_written:
            status = OutcomeStatus.FAILED
            error = unanswered_error(reason, correlation_id)
        else:
            status = OutcomeStatus.NOT_SENT
            error = not_sent_error(reason, correlation_id)
        error.__cause__ = cause
        return Fail(chunk, status, error)


def _split(
    chunk: Chunk, error: APIError, parts: list[Chunk], behind: Chunk | None = None
) -> Iterator[Effect]:
    """Requeue the parts of a chunk, and `behind` after the fresh inputs."""
    yield NoteSplit(chunk, error, len(parts) + (behind is not None))
    if behind is not None:
        yield Requeue([behind], Place.BEHIND)
    yield Requeue(parts)


def _is_another_record(chunk: Chunk, error: RecordError) -> bool:
    """Return whether the existing record named by an error is not the input's own."""
    owner = error.existing_id if isinstance(error, RecordConflict) else None
    known = [known_id(key) for key in chunk.keys]
    return owner is not None and len(known) == 1 and known[0] not in (None, owner)


def _renames(chunk: Chunk) -> bool:
    """Return whether an input changes the property that identifies its record."""
    columns = zip(chunk.keys, chunk.bodies, strict=True)
    return any(renames(key, body) for key, body in columns)

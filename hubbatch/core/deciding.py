"""What to do about a verdict: settle, split, wait and send again, or end the batch."""

from collections.abc import Callable, Generator
from contextlib import suppress
from math import inf
from typing import TypeGuard, assert_never

from attrs import define, field

from hubbatch.errors import APIError, HubBatchError, HubSpotUnavailable

from .accounting import Ledger
from .concluding import Concluder, cause_of
from .events import ChunkRetried, ChunkSettled, ChunkThrottled
from .planning import Chunk
from .retrying import RetryPolicy, waits
from .settling import Settlement
from .unavailable import NO_ANSWER, advise, unavailable
from .verdicts import (
    Again,
    Answered,
    Blocked,
    Ended,
    Missing,
    Refused,
    Throttled,
    Unauthorized,
    Verdict,
    may_have_written,
)


Pauses = Generator[float, tuple[Verdict, float], None]

# So many chunks in a row that use up their retries end the batch.
_UNAVAILABLE_AFTER = 3
# After this many failing parts in a row HubSpot is down, and no more are split.
_FAILING_PARTS = 20
# This many unreadable parts, with no answer in between, end the batch.
_UNREADABLE_PARTS = 3


@define(eq=False)
class Trip:
    """One chunk on its way, from the first attempt to its end.

    Attributes:
        pauses: how long to wait before each attempt (see `waits`), once one has failed.
        chunk: None until it is cut.
        started: when its first attempt began; instants are of any monotonic clock.
        sent: when its last attempt began.
        renewed: whether another token has been asked for after a 401.
        over: whether it was settled, or handed back to the desk.
    """

    pauses: Pauses | None = None
    chunk: Chunk | None = None
    started: float = 0.0
    sent: float = 0.0
    renewed: bool = False
    over: bool = False


@define(eq=False, kw_only=True)
class Judge:
    """Acts on the verdicts of one batch.

    Attributes:
        renewable: whether there may be another token after a 401.
        hold: called with how many seconds nobody may send.
        end: called with what ends the batch.
        unreadable: HubSpot's last word that it cannot read a call.
    """

    concluder: Concluder
    policy: RetryPolicy
    jitter: Callable[[float], float]
    renewable: bool
    hold: Callable[[float], None]
    end: Callable[[HubBatchError], None]
    unreadable: APIError | None = field(default=None, init=False)
    _given_up: int = field(default=0, init=False)  # chunks in a row
    _has_answers: bool = field(default=False, init=False)
    _has_settled: bool = field(default=False, init=False)  # an input, by an answer
    _last: APIError | None = field(default=None, init=False)  # that gave a chunk up
    _answered_at: float = field(default=-inf, init=False)  # the last time
    _failing: int = field(default=0, init=False)  # parts in a row, since then
    _is_readable: bool = field(default=False, init=False)  # HubSpot has read a call
    _unreadable_parts: int = field(default=0, init=False)

    @property
    def ledger(self) -> Ledger:
        """The account of the batch."""
        return self.concluder.ledger

    def decide(self, trip: Trip, verdict: Verdict, now: float) -> float | None:
        """Act on a verdict: give the seconds until the next attempt, None if none."""
        chunk = trip.chunk
        assert chunk is not None  # noqa: S101 -- there was an attempt
        if not (chunk.doubtful or chunk.probes):
            chunk.left_at = trip.sent
        summary = self.ledger.summary
        answered = summary.succeeded + summary.failed
        wait = self._act(trip, chunk, verdict, now)
        if isinstance(verdict, Answered | Refused):
            self._has_settled |= summary.succeeded + summary.failed > answered
        if wait is not None:
            self.ledger.summary.retries += 1
            self._tell_of_retry(chunk, verdict, wait)
        return wait

    def ending(self, ended: BaseException | None) -> BaseException | None:
        """Return what ends the batch, now that each input has its outcome.

        A batch whose every request was lost or throttled has failed as a whole.
        """
        if ended is None and self._last is not None and not self._has_settled:
            ended = unavailable(NO_ANSWER, self._last)
        if isinstance(ended, HubSpotUnavailable):
            advise(ended, maybe_written=self.ledger.summary.unknown > 0)
        return ended

    def _act(
        self, trip: Trip, chunk: Chunk, verdict: Verdict, now: float
    ) -> float | None:
        match verdict:
            case Answered():
                self._has_answers = True
                self._note_answer(chunk, now)
                if not chunk.probing:
                    self._note_readable()
                    self._tell_of_answer(chunk, verdict.settlement, now - trip.sent)
                self.concluder.settle(chunk, verdict.settlement, now)
            case Refused():
                self._note_refusal(chunk, verdict, now)
                self._refuse(chunk, verdict)
            case Throttled():
                self._hold(chunk, verdict)
                return self._again(trip, chunk, verdict, now)
            case Unauthorized() if self.renewable and not trip.renewed:
                trip.renewed = True
                return 0.0
            case Again():
                chunk.doubtful |= verdict.arrived
                return self._again(trip, chunk, verdict, now)
            case Missing() if self._has_answers:
                return self._again(trip, chunk, verdict, now)
            case Blocked() if self._has_answers:
                again = Again(verdict.error, arrived=verdict.arrived)
                return self._act(trip, chunk, again, now)
            case Unauthorized() | Missing() | Blocked() | Ended():
                chunk.doubtful |= may_have_written(verdict)
                self.end(verdict.error)
                self.ledger.drop(chunk)
            case _:
                assert_never(verdict)
        return None

    def _note_answer(self, chunk: Chunk, now: float) -> None:
        self._answered_at, self._failing = now, 0
        if not chunk.probing:  # the creates that it looks for are not settled by it
            self._given_up = 0

    def _note_refusal(self, chunk: Chunk, refusal: Refused, now: float) -> None:
        if refusal.wordless:  # it may be a proxy that refuses everything
            self._last = refusal.error
            return
        self._note_answer(chunk, now)
        if refusal.because != "syntax" and not chunk.probing:
            self._note_readable()

    def _note_readable(self) -> None:
        # Not by a lookup: that HubSpot reads that says nothing about the creates.
        self._is_readable = True
        self.ledger.desk.unpark()

    def _refuse(self, chunk: Chunk, refusal: Refused) -> None:
        unreadable = refusal.because == "syntax" and not self._is_readable
        if not unreadable or chunk.probing:
            self.concluder.refuse(chunk, refusal)
            return
        # One value of one record, or the call: the first answer will show which. Until
        # then nothing that was refused goes again, and without it the batch ends.
        self.unreadable = refusal.error
        self._unreadable_parts += chunk.suspect
        hopeless = self._unreadable_parts >= _UNREADABLE_PARTS
        if hopeless or not self.concluder.isolate:
            self.end(refusal.error)
            self.ledger.drop(chunk)
        else:
            self.concluder.sound_out(chunk, refusal)

    def _hold(self, chunk: Chunk, verdict: Throttled) -> None:
        self.ledger.summary.throttled += 1
        self.hold(min(verdict.retry_after, self.policy.max_retry_after))
        self.ledger.teller.of_chunk(
            ChunkThrottled,
            chunk,
            retry_after=verdict.retry_after,
            policy=verdict.policy,
        )

    def _again(
        self,
        trip: Trip,
        chunk: Chunk,
        verdict: Again | Missing | Throttled,
        now: float,
    ) -> float | None:
        """Say when a chunk goes out once more; settle it if it does not."""
        operation = self.ledger.operation
        lost = chunk.doubtful and not (operation.call.repeatable or chunk.probing)
        if lost and self.concluder.look_for(chunk):
            # The question has attempts of its own.
            lost, trip.pauses, trip.started = False, self._pauses(spent=0), now
        failing = isinstance(verdict, Again) and verdict.arrived
        if not lost and not (chunk.once and failing):
            trip.pauses = trip.pauses or self._pauses()
            with suppress(StopIteration):
                return trip.pauses.send((verdict, now - trip.started))
        if self._is_alone_in_failing(verdict, trip, chunk):
            self._failing += 1
            if len(chunk) > 1 and self.concluder.isolate:
                self.concluder.break_up(chunk, verdict.error)
            else:
                self.concluder.give_up(chunk, verdict)
            return None
        self.concluder.give_up(chunk, verdict)
        self._given_up += 1
        self._last = cause_of(verdict)
        if self._given_up >= _UNAVAILABLE_AFTER:
            told = "Several chunks in a row were given up, the last one for this"
            self.end(unavailable(told, self._last))
        return None

    def _is_alone_in_failing(
        self, verdict: Again | Missing | Throttled, trip: Trip, chunk: Chunk
    ) -> TypeGuard[Again]:
        """Whether HubSpot fails on this chunk while it answers others.

        Then one of its records is why. While HubSpot is down nothing is broken up: no
        other chunk was answered since the first attempt, or part after part fails.
        """
        others = chunk.once or self._answered_at > trip.started
        return (
            isinstance(verdict, Again)
            and verdict.arrived
            and others
            and self._failing < _FAILING_PARTS
            and self.ledger.operation.call.repeatable
        )

    def _pauses(self, spent: int = 1) -> Pauses:
        pauses = waits(self.policy, self.jitter, spent=spent)
        next(pauses)
        return pauses

    def _tell_of_answer(
        self, chunk: Chunk, settlement: Settlement, seconds: float
    ) -> None:
        if not self.ledger.teller.hears(ChunkSettled):
            return
        failed = chunk.pick([*settlement.failed]).count
        pending = [*settlement.open, *settlement.unfinished]
        self.ledger.teller.of_chunk(
            ChunkSettled,
            chunk,
            succeeded=chunk.count - failed - chunk.pick(pending).count,
            failed=failed,
            seconds=seconds,
        )

    def _tell_of_retry(self, chunk: Chunk, verdict: Verdict, wait: float) -> None:
        error = getattr(verdict, "error", None)
        status = 429 if isinstance(verdict, Throttled) else error and error.status
        self.ledger.teller.of_chunk(
            ChunkRetried,
            chunk,
            wait=wait,
            status=status,
            category=error.category if error else None,
            correlation_id=error.correlation_id if error else None,
        )

"""What to do about a verdict: settle, split, wait and send again, or end the batch."""

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import assert_never

from attrs import define, field

from hubbatch.errors import HubBatchError, HubSpotUnavailable

from .accounting import Ledger
from .concluding import NO_ROOM, Concluder
from .events import ChunkRetried, ChunkSettled, ChunkThrottled
from .planning import Chunk
from .retrying import RetryPolicy, waits
from .settling import Settlement
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
)


Pauses = Generator[float, tuple[Verdict, float], None]

# So many chunks in a row that use up their retries end the batch.
_UNAVAILABLE_AFTER = 3


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
    """

    concluder: Concluder
    policy: RetryPolicy
    jitter: Callable[[float], float]
    renewable: bool
    hold: Callable[[float], None]
    end: Callable[[HubBatchError], None]
    _given_up: int = field(default=0, init=False)  # chunks in a row
    _has_answers: bool = field(default=False, init=False)

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
        wait = self._act(trip, chunk, verdict, now)
        if wait is not None:
            self.ledger.summary.retries += 1
            self._tell_of_retry(chunk, verdict, wait)
        return wait

    def _act(
        self, trip: Trip, chunk: Chunk, verdict: Verdict, now: float
    ) -> float | None:
        match verdict:
            case Answered():
                self._has_answers = True
                if not chunk.probing:  # its creates are not settled by it
                    self._given_up = 0
                    self._tell_of_answer(chunk, verdict.settlement, now - trip.sent)
                self.concluder.settle(chunk, verdict.settlement, now)
            case Refused():
                if not chunk.probing:
                    self._given_up = 0
                self.concluder.refuse(chunk, verdict)
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
                chunk.doubtful |= again.arrived
                return self._again(trip, chunk, again, now)
            case Unauthorized() | Missing() | Blocked() | Ended():
                self.end(verdict.error)
                self.ledger.drop(chunk)
            case _:
                assert_never(verdict)
        return None

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
        if not lost:
            trip.pauses = trip.pauses or self._pauses()
            with suppress(StopIteration):
                return trip.pauses.send((verdict, now - trip.started))
        self.concluder.give_up(chunk, verdict)
        self._given_up += 1
        if not operation.call.has_inputs:  # there is one chunk only
            self.end(_unavailable(verdict, "The call was given up; try again later"))
        elif self._given_up >= _UNAVAILABLE_AFTER:
            told = "Several chunks in a row were given up; try again later. The last"
            self.end(_unavailable(verdict, told))
        return None

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


def _unavailable(verdict: Again | Missing | Throttled, told: str) -> HubSpotUnavailable:
    last = None if isinstance(verdict, Throttled) else verdict.error
    return HubSpotUnavailable(
        f"{told}: {last.message if last else NO_ROOM}",
        status=last.status if last else 429,
        category=last.category if last else None,
        correlation_id=last.correlation_id if last else None,
    )

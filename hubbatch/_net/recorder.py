"""Records each outcome of a run in the queue, the counts, the events and the sink."""

from collections.abc import Sequence
from typing import Any, Protocol, assert_never

from hubbatch._classes import define
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.effects import (
    Drop,
    Fail,
    LimitBytes,
    LimitInputs,
    NoteAnswer,
    OutcomeEffect,
    QueueEffect,
    Requeue,
    Succeed,
    Unpark,
    ended_instead,
)
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import Outcome, OutcomeStatus
from hubbatch._outcomes.queue import InputQueue
from hubbatch.errors import TooManyFailures

from .event_emitter import EventEmitter
from .property_watch import PropertyWatch


class OutcomeSink(Protocol):
    """Receives outcomes. Methods must not block."""

    def took(self, inputs: list[Any]) -> None:
        """Receive inputs that were taken from the source, in order."""
        ...

    def answered(self, chunk: Chunk, matched: MatchedAnswer) -> None:
        """Receive HubSpot's answer for a chunk; its outcomes follow."""
        ...

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Receive a chunk whose inputs all succeeded, and their results by position."""
        ...

    def failed(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Receive the outcomes of inputs that did not succeed.

        An `Unsuccessful` creates its outcomes on access. If its indices are a range,
        the sink has not received these inputs by `took`: the batch ended before.
        """
        ...


@define(eq=False, kw_only=True)
class OutcomeRecorder:
    """Records every outcome in the sink, the ledger's counts and the events.

    Attributes:
        watch: notes the properties of the records that a read returns.
        exceeded: the error to end the batch with, once too many inputs have failed.
    """

    # Invariant: each input goes to the sink's `took` once, and then once to `succeeded`
    # or `failed`; or it is left out, and goes only to `failed`. In the call in which
    # its outcome reaches the sink, it is counted and leaves the queue.

    ledger: Ledger
    queue: InputQueue
    sink: OutcomeSink
    events: EventEmitter
    watch: PropertyWatch | None = None
    exceeded: TooManyFailures | None = None

    def take_in(self, block: list[Any]) -> None:
        """Put inputs into the queue; record the outcomes of invalid ones."""
        self.sink.took(block)
        valid, invalid = self.ledger.take_in(block)
        if invalid:
            self._fail(invalid, OutcomeStatus.FAILED)
        if valid:
            self.queue.put(valid)

    def apply(self, effect: OutcomeEffect | QueueEffect) -> None:
        """Apply an effect to the outcomes or the queue."""
        match effect:
            case NoteAnswer():
                self.events.settled(effect)
                self.ledger.summary.warnings += len(effect.matched.warnings)
                self.sink.answered(effect.chunk, effect.matched)
            case Succeed() | Fail() | Drop():
                self._settle(effect)
            case Requeue() if self.ledger.ended is None:
                for chunk in effect.chunks:
                    self.queue.requeue(chunk, effect.place)
            case Requeue():
                for chunk in effect.chunks:
                    self._settle(ended_instead(effect, chunk))
            case Unpark():
                self.queue.unpark()
            case LimitInputs():
                self.queue.limit_inputs(effect.max_inputs)
            case LimitBytes():
                self.queue.limit_bytes(effect.max_bytes)
            case _:
                assert_never(effect)

    def _settle(self, effect: Succeed | Fail | Drop) -> None:
        """Record the outcomes of a chunk that a worker has taken."""
        chunk = effect.chunk
        match effect:
            case Succeed():
                self.sink.succeeded(chunk, effect.results)
                self.ledger.count_succeeded(chunk.count)
                if self.watch is not None:
                    self.watch.note(effect.results)
                self.queue.release(chunk, effect.results)
                return
            case Fail():
                outcomes = self.ledger.fail(chunk, effect.status, effect.error)
                self._fail(outcomes, effect.status)
            case Drop():
                self._drop(chunk)
            case _:
                assert_never(effect)
        self.queue.release(chunk)

    def clear(self) -> None:
        """Record the outcomes of all inputs in the queue, once the batch has ended."""
        for chunk in self.queue.clear():
            self._drop(chunk)

    def leave_out(self, inputs: Sequence[Any]) -> None:
        """Record inputs that are not taken because the batch has ended."""
        if inputs:
            self._fail(self.ledger.leave_out(inputs), OutcomeStatus.NOT_SENT)

    def withdraw(self, index: int, value: object) -> bool:
        """Withdraw an input from the queue; return False if a worker has taken it."""
        withdrawn = self.queue.withdraw(index)
        if withdrawn:
            outcomes = self.ledger.withdraw(index, value)
            self._fail(outcomes, OutcomeStatus.NOT_SENT)
        return withdrawn

    def _drop(self, chunk: Chunk) -> None:
        outcomes = self.ledger.drop(chunk)
        self._fail(outcomes, outcomes.status)

    def _fail(self, outcomes: Sequence[Outcome[Any]], status: OutcomeStatus) -> None:
        self.sink.failed(outcomes)
        ended = self.ledger.ended is not None
        exceeded = self.ledger.count_failed(outcomes, status)
        # When a batch ends, any number of inputs may be left unsent. They have no
        # events of their own; BatchEnded has their count.
        if not (ended and status is OutcomeStatus.NOT_SENT):
            self.events.failed(outcomes)
        self.exceeded = self.exceeded or exceeded

"""A run without a network, a clock or tasks: what the tests of the resolver drive."""

from collections.abc import Iterable
from typing import Any

from attrs import Factory, define, field

from hubbatch._net.event_emitter import EventEmitter
from hubbatch._net.listeners import Listeners
from hubbatch._net.recorder import OutcomeRecorder, OutcomeSink
from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.effects import (
    Drop,
    Effect,
    EndBatch,
    HoldAll,
    NoteSplit,
    Wait,
    WaitOut,
    ended_instead,
)
from hubbatch._outcomes.failure_limit import FailureLimit
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.outcome import Summary
from hubbatch._outcomes.queue import Chunk, InputQueue
from hubbatch._outcomes.resolver import Resolver
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._outcomes.verdicts import Answered, Verdict
from hubbatch._wire.calls import Operation
from hubbatch.errors import RecordError

from .helpers import Notebook, respond, some_inputs


# Every failure gives the chunk up at once, and so does `Throttled(10.0)`.
NO_RETRIES = RetryPolicy(attempts=1, max_retry_after=9.0)


@define
class FakeRun:
    """Applies the effects of a resolver as `Run` does.

    Attributes:
        doubted: whether an earlier process may have sent the inputs.
        waiting: the chunks that their workers send again after a wait.
        effects: all that was applied.
        ended_by: what ended the batch, and what would have.
    """

    operation: Operation
    isolate: bool = True
    failure_limit: FailureLimit | None = None
    policy: RetryPolicy = NO_RETRIES
    max_inputs: int = 100
    doubted: bool = False
    sink: OutcomeSink = Factory(Notebook)
    waiting: list[Chunk] = field(factory=list, init=False)
    effects: list[Effect] = field(factory=list, init=False)
    ended_by: list[Exception] = field(factory=list, init=False)
    queue: InputQueue = field(init=False)
    resolver: Resolver = field(init=False)
    recorder: OutcomeRecorder = field(init=False)

    def __attrs_post_init__(self) -> None:
        repeats = self.operation.call.repeats
        self.queue = InputQueue(self.max_inputs, 10_000, repeats)
        self.resolver = Resolver(
            operation=self.operation,
            policy=self.policy,
            renewable=True,
            isolate=self.isolate,
            failure_limit=self.failure_limit,
        )
        self.recorder = OutcomeRecorder(
            ledger=Ledger(operation=self.operation, failure_limit=self.failure_limit),
            queue=self.queue,
            sink=self.sink,
            events=EventEmitter(operation=self.operation, listeners=Listeners(())),
        )

    # ---- what happens

    def take_in(self, block: list[Any]) -> None:
        self.recorder.take_in(block)
        self._end_if_exceeded()

    def begin(self, count: int = 3) -> Chunk:
        """Take inputs in, and one chunk of them out."""
        self.take_in(some_inputs(self.operation, count))
        return self.take()

    @property
    def has_work(self) -> bool:
        return bool(self.waiting) or self.queue.waiting(partial=True) > 0

    def take(self, now: float = 0.0) -> Chunk:
        """Return the next chunk to send: a worker's own, or one of the queue."""
        if self.waiting:
            return self.waiting.pop(0).after(Step.ATTEMPT, now=now)
        chunk = self.queue.next_chunk(now)
        if self.doubted:
            chunk = self.resolver.recall(chunk, now)
        return chunk.after(Step.ATTEMPT, now=now)

    def resolve(
        self, chunk: Chunk, verdict: Verdict, now: float = 0.0, draw: float = 1.0
    ) -> list[Effect]:
        effects = self.resolver.resolve(chunk, verdict, now, draw=draw)
        self.apply(effects)
        return effects

    def answer(self, chunk: Chunk, body: object, status: int = 200) -> None:
        verdict = classify(self.operation, chunk, respond(status, body))
        assert isinstance(verdict, Answered)
        self.resolve(chunk, verdict)

    def end(self, why: str) -> None:
        self.ledger.ended = self.ledger.ended or why
        self.recorder.clear()
        while self.waiting:
            self.drop(self.waiting.pop())

    def drop(self, chunk: Chunk) -> None:
        self.recorder.apply(Drop(chunk))

    # ---- effects

    def apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            self._apply(effect)
            self._end_if_exceeded()

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Wait() if self.ledger.ended:
                self.recorder.apply(ended_instead(effect, effect.chunk))
            case Wait():
                self.waiting.append(effect.chunk)
            case NoteSplit():
                self.summary.isolating += 0 if self.ledger.ended else effect.parts
            case EndBatch():
                self._end_by(effect.error)
            case HoldAll():
                self.summary.throttled += 1
            case WaitOut():
                self.summary.retries += effect.repeats
            case _:
                self.recorder.apply(effect)

    def _end_by(self, error: Exception) -> None:
        self.ended_by.append(error)
        self.end(f"the batch was ended by {type(error).__name__}: {error}")

    def _end_if_exceeded(self) -> None:
        if self.recorder.exceeded is not None and not self.ledger.ended:
            self._end_by(self.recorder.exceeded)

    # ---- what came of it

    @property
    def ledger(self) -> Ledger:
        return self.recorder.ledger

    @property
    def summary(self) -> Summary:
        return self.ledger.summary

    @property
    def notes(self) -> Notebook:
        assert isinstance(self.sink, Notebook)
        return self.sink

    @property
    def statuses(self) -> dict[int, str]:
        return self.notes.statuses

    def error(self, index: int) -> RecordError:
        [error] = [o.error for o in self.notes.unsuccessful if o.index == index]
        assert error is not None
        return error

    def check(self) -> None:
        """All that was taken in has its outcome, and nothing is held any more."""
        summary = self.summary
        statuses = [*self.statuses.values()]
        assert [*self.statuses] == [*range(summary.inputs)]
        assert summary.settled == summary.inputs
        assert {
            name: getattr(summary, name)
            for name in ("succeeded", "failed", "unknown", "not_sent")
        } == {
            name: statuses.count(name)
            for name in ("succeeded", "failed", "unknown", "not_sent")
        }
        assert self.queue.size == 0
        assert not self.waiting

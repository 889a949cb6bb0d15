"""The resolver, driven through any verdicts in any order that hypothesis finds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from attrs import define, evolve, field
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hubbatch._outcomes.chunk_state import Certainty, Role, Step
from hubbatch._outcomes.effects import Drop, Effect, Fail, Requeue, Succeed, Wait
from hubbatch._outcomes.failure_limit import FailureLimit
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.record_errors import NO_REASON
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._outcomes.verdicts import (
    Answered,
    Blocked,
    EndpointNotFound,
    Fatal,
    Refused,
    Retryable,
    Throttled,
    Unauthorized,
    Verdict,
    may_have_written,
)
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.errors import (
    APIError,
    PermissionDeniedError,
    ProxyError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.models import BatchResponse, SimplePublicObject

from .fake_run import FakeRun
from .helpers import OPERATIONS, some_inputs


RECONCILED = operation_for(
    "objects", "create", "tickets", api_version="v3", reconcile_by="ref"
)
PAGED = operation_for("associations", "read", "contacts", "companies", api_version="v3")
CALLS: Mapping[str, Operation] = {
    **OPERATIONS,
    "reconciled": RECONCILED,
    # More of the walks are of creates: they have the most ways to go.
    "reconciled too": RECONCILED,
    "paged": PAGED,
}


def pool(operation: Operation) -> list[Any]:
    """Return inputs of which some have the same key."""
    if operation is RECONCILED:
        return [{"properties": {"ref": f"R{n}", "subject": "s"}} for n in range(8)]
    if operation is PAGED:
        return [str(100 + n) for n in range(8)]
    return some_inputs(operation, 8)


# ---- verdicts

ERRORS = st.sampled_from(
    [
        APIError("not valid", status=400, category="VALIDATION_ERROR"),
        APIError("not valid", status=400, context={"ids": ["100", "103"]}),
        APIError("Existing ID: 7", status=409, category="CONFLICT"),
        APIError("not there", status=404, category="OBJECT_NOT_FOUND"),
        APIError(NO_REASON, status=400),
    ]
)
LOST = Retryable(APIError("bad gateway", status=502), maybe_processed=True)
MISSING = EndpointNotFound(APIError("nothing there", status=404))
MISSING_OBJECT = EndpointNotFound(APIError("no", status=404, category="OBJECT_X"))
# As `read` makes them: only a refusal of records may have written a part.
REFUSALS: st.SearchStrategy[Refused] = st.one_of(
    st.builds(Refused, ERRORS),
    st.builds(Refused, ERRORS, st.sampled_from(["duplicates", "inputs", "syntax"])),
    st.builds(Refused, ERRORS, st.just("bytes"), wordless=st.booleans()),
)
HALF_WAY = st.builds(
    Refused,
    ERRORS,
    written=st.just(True),  # noqa: FBT003 -- a value
    wordless=st.booleans(),
)
OTHER_VERDICTS: st.SearchStrategy[Verdict] = st.one_of(
    st.sampled_from([Throttled(1.0), Throttled(10.0, "DAILY")]),
    st.sampled_from(
        [LOST, Retryable(APIError("locked", status=423), maybe_processed=False)]
    ),
    st.sampled_from([MISSING, MISSING_OBJECT, Unauthorized(APIError("no"))]),
    st.builds(Blocked, st.just(ProxyError("blocked")), st.booleans()),
    st.just(Fatal(PermissionDeniedError("no scope", status=403))),
)


class FakeResult(SimplePublicObject):
    """A record that stands for any result."""


def failure(kind: str) -> RecordError:
    errors: Mapping[str, Callable[..., RecordError]] = {
        "missing": RecordNotFound,
        "conflict": RecordConflict,
        "invalid": RecordInvalid,
    }
    return errors[kind]("no", category="X")


FATES = ["fine", "fine", "fine", "missing", "conflict", "invalid", "open"]


@st.composite
def answers(draw: st.DrawFn, operation: Operation, chunk: Chunk) -> Answered:
    """Say what became of each input, in an answer or a lookup."""
    fates = FATES
    if chunk.state.looking_up:
        fates = ["fine", "another's", "missing", "missing", "invalid", "open"]
    elif operation is PAGED:
        fates = [*FATES, "goes on", "goes on"]
    chosen = [draw(st.sampled_from(fates)) for _ in chunk.indices]
    return Answered(matched_answer(chunk, chosen, draw(st.sampled_from([None, "900"]))))


def matched_answer(
    chunk: Chunk, fates: Sequence[str], survivor: str | None = None
) -> MatchedAnswer:
    matched = MatchedAnswer(BatchResponse(), [None] * len(chunk), {}, [], [])
    for position, fate in enumerate(fates):
        index = chunk.indices[position]
        match fate:
            case "fine" | "another's" | "goes on":
                value = chunk.inputs[position]
                texts = value["properties"] if isinstance(value, dict) else {}
                shown = texts if fate == "fine" else {}
                matched.results[position] = FakeResult(str(900 + index), {**shown})
                if fate == "goes on":
                    matched.unfinished[position] = "more"
            case "open":
                matched.open.append(position)
            case _:
                matched.failed[position] = failure(fate)
    if len(chunk) == 1 and matched.open:
        matched.survivor = survivor
    return matched


# ---- the walk


@define
class Walk:
    """A run, what is on its way, and what a bystander knows of each input."""

    run: FakeRun
    away: list[Chunk] = field(factory=list)
    now: float = 0.0
    # The inputs whose creates may have been written: they must not be sent again.
    doubted: set[int] = field(factory=set)
    # The inputs of which a request may have been processed, ever.
    lost: set[int] = field(factory=set)
    seen: set[Certainty | Role] = field(factory=set)

    @property
    def retry_safe(self) -> bool:
        return self.run.operation.call.retry_safe

    def take(self) -> None:
        chunk = self.run.take(self.now)
        self._see(chunk)
        if self.run.doubted and chunk.state.attempts == 1:
            self.doubted |= {*places(chunk)}
            self.lost |= {*places(chunk)}
        if not (self.retry_safe or chunk.state.looking_up):
            assert self.doubted.isdisjoint(places(chunk))
        self.away.append(chunk)

    def resolve(self, chunk: Chunk, verdict: Verdict, *, left: bool) -> None:
        if left:
            chunk = chunk.after(Step.LEAVE)
            self._see(chunk)
        self._note(chunk, verdict)
        effects = self.run.resolve(chunk, verdict, self.now)
        self._check(chunk, effects)

    def _note(self, chunk: Chunk, verdict: Verdict) -> None:
        if not chunk.state.looking_up:
            if isinstance(verdict, Answered):
                written = {*places(chunk.pick(verdict.matched.open))}
            else:
                written = {*places(chunk)} if may_have_written(verdict) else set()
            self.doubted |= written
            self.lost |= written
        elif isinstance(verdict, Answered):
            failed = verdict.matched.failed
            absent = [p for p in failed if isinstance(failed[p], RecordNotFound)]
            self.doubted -= {*places(chunk.pick(absent))}
        elif isinstance(verdict, Refused) and len(chunk) == 1:
            not_found = verdict.error.status == 404
            self.doubted -= {*places(chunk)} if not_found else set()

    def _check(self, chunk: Chunk, effects: Sequence[Effect]) -> None:
        """Each input is settled or sent again, once, in a state that allows it."""
        ends = [e.chunk for e in effects if isinstance(e, Succeed | Fail | Drop)]
        again = [e.chunk for e in effects if isinstance(e, Wait)]
        for effect in effects:
            if isinstance(effect, Requeue):
                assert effect.chunks
                again += effect.chunks
        assert all([*ends, *again])
        there = [index for part in [*ends, *again] for index in places(part)]
        assert sorted(there) == sorted(places(chunk))
        for part in again:
            self._see(part)
            state = part.state
            assert state.may_send(retry_safe=self.retry_safe)
            assert state.certainty not in (Certainty.IN_FLIGHT, Certainty.RECREATING)
            assert state.attempts == chunk.state.attempts
            assert self.retry_safe or state.certainty is not Certainty.MAYBE_WRITTEN

    def _see(self, chunk: Chunk) -> None:
        self.seen |= {chunk.state.certainty, *chunk.state.roles}

    def finish(self) -> None:
        """Answer for all that is left, and compare the outcomes with what is known."""
        while self.away or self.run.has_work:
            while self.run.has_work:
                self.take()
            chunk = self.away.pop()
            fates = ["fine"] * len(chunk)
            self.resolve(chunk, Answered(matched_answer(chunk, fates)), left=True)
        if self.run.queue.size:
            assert self.run.queue.stuck
            assert self.run.resolver.unreadable is not None
            self.run.end("the batch was ended: HubSpot cannot read the call")
        self.run.check()
        if self.run.operation.call.writes:
            not_sent = {i for i, s in self.run.statuses.items() if s == "not_sent"}
            assert not_sent.isdisjoint(self.lost)


def places(chunk: Chunk) -> Iterator[int]:
    return (index for index, _, _ in chunk.rows())


def runs(operation: Operation) -> st.SearchStrategy[FakeRun]:
    return st.builds(
        FakeRun,
        st.just(operation),
        isolate=st.sampled_from([True, True, False]),
        failure_limit=st.none()
        | st.builds(FailureLimit, st.just("tickets"))
        | st.builds(FailureLimit, st.just("tickets"), st.integers(0, 3)),
        policy=st.sampled_from(
            [RetryPolicy(attempts=n, max_retry_after=9.0) for n in (1, 2)]
        ),
        max_inputs=st.integers(2, 4),
        doubted=st.booleans() if may_be_doubted(operation) else st.just(False),  # noqa: FBT003 -- a value
    )


def may_be_doubted(operation: Operation) -> bool:
    """Whether an earlier process may have sent the inputs, and this one may too."""
    return operation.call.retry_safe or operation.read_back is not None


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    """Begin a walk with inputs of which some have the same key."""
    operation = CALLS[draw(st.sampled_from(sorted(CALLS)))]
    run = draw(runs(operation))
    one = st.sampled_from(pool(operation))
    run.take_in(draw(st.lists(one, min_size=4, max_size=12)))
    return Walk(run)


class Walks(RuleBasedStateMachine):
    """Takes chunks, and hears any verdict on any of those that are on their way."""

    seen: ClassVar[set[Certainty | Role]] = set()
    walk: Walk

    @initialize(walk=walks())
    def begin(self, walk: Walk) -> None:
        self.walk = walk

    def can_take(self) -> bool:
        return self.walk.run.has_work and len(self.walk.away) < 4

    def is_away(self) -> bool:
        return bool(self.walk.away)

    @rule(data=st.data())
    def come(self, data: st.DataObject) -> None:
        """More inputs come, too late perhaps."""
        run = self.walk.run
        one = st.sampled_from(pool(run.operation))
        inputs = data.draw(st.lists(one, min_size=1, max_size=4))
        if run.ledger.ended:
            run.recorder.leave_out(inputs)
        else:
            run.take_in(inputs)

    @precondition(can_take)
    @rule()
    def take(self) -> None:
        self.walk.take()

    @precondition(is_away)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        chunk = self._one_of_those_away(data)
        answer = data.draw(answers(self.walk.run.operation, chunk))
        self.walk.resolve(chunk, answer, left=True)

    @precondition(is_away)
    @rule(data=st.data())
    def answer_for_all(self, data: st.DataObject) -> None:
        chunk = self._one_of_those_away(data)
        answer = Answered(matched_answer(chunk, ["fine"] * len(chunk)))
        self.walk.resolve(chunk, answer, left=True)

    @precondition(is_away)
    @rule(data=st.data(), refusal=REFUSALS | HALF_WAY)
    def refuse(self, data: st.DataObject, refusal: Refused) -> None:
        chunk = self._one_of_those_away(data)
        if not self.walk.run.operation.call.writes:
            refusal = evolve(refusal, written=False)
        self.walk.resolve(chunk, refusal, left=True)

    @precondition(is_away)
    @rule(data=st.data(), left=st.booleans())
    def lose(self, data: st.DataObject, *, left: bool) -> None:
        self.walk.resolve(self._one_of_those_away(data), LOST, left=left)

    @precondition(is_away)
    @rule(data=st.data(), verdict=OTHER_VERDICTS, left=st.booleans())
    def hear(self, data: st.DataObject, verdict: Verdict, *, left: bool) -> None:
        self.walk.resolve(self._one_of_those_away(data), verdict, left=left)

    def _one_of_those_away(self, data: st.DataObject) -> Chunk:
        away = self.walk.away
        self.walk.now += 1.0
        return away.pop(data.draw(st.integers(0, len(away) - 1)))

    def teardown(self) -> None:
        if hasattr(self, "walk"):
            self.walk.finish()
            self.seen.update(self.walk.seen)


TestWalks = Walks.TestCase
TestWalks.settings = settings(max_examples=200, stateful_step_count=30)


class SeenAllError(Exception):
    """The walk has reached everything: no more of it is needed."""


def test_the_walk_gets_everywhere() -> None:
    """No certainty and no role is left out of what the walk above checks."""

    class Looks(Walks):
        seen: ClassVar[set[Certainty | Role]] = set()

        def teardown(self) -> None:
            super().teardown()
            if self.seen == {*Certainty, *Role}:
                raise SeenAllError

    steady = settings(
        TestWalks.settings,
        max_examples=2_000,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )
    with pytest.raises(SeenAllError):
        run_state_machine_as_test(Looks, settings=steady)

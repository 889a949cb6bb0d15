"""What cannot be repeated is never sent again once HubSpot may have processed it."""

import asyncio

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
import pytest

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch import EventInput, HubBatchError, OutcomeStatus, RetryPolicy
from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._limits.window import RateLimit
from hubbatch._net.batch import Batch
from hubbatch._wire.endpoints import operation_for
from tests.net.crm import LOCKED, client_state, page, refusal, throttled
from tests.net.virtual import VirtualTimeLoop


# By name: whether HubSpot processes the request, and the answer (None: its own).
FATES: dict[str, tuple[bool, Answer | None]] = {
    "fine": (True, None),
    "refused": (False, refusal(400, "It is wrong", "VALIDATION_ERROR")),
    "not connected": (False, NoAnswer(sent=False, reason="connection failed")),
    "throttled": (False, throttled()),
    "secondly": (False, throttled("SECONDLY")),
    "locked": (False, LOCKED),
    "no token": (False, refusal(401, "Who?", "INVALID_AUTHENTICATION")),
    "lost before": (False, NoAnswer(sent=True, reason="connection lost")),
    "lost after": (True, NoAnswer(sent=True, reason="connection lost")),
    "500 before": (False, refusal(500, "internal error")),
    "500 after": (True, refusal(500, "internal error")),
    "502 after": (True, page(502)),
    "cut after": (True, Response(200, {}, b'{"id": "9')),
    "of another after": (True, Response(200, {}, b'{"results": [{"id": "7"}]}')),
}
CERTAIN = ("fine", "refused", "not connected", "throttled", "secondly", "locked")
# These say nothing about whether HubSpot has processed the request.
IN_DOUBT = {*FATES} - {*CERTAIN, "no token"}


@define(eq=False)
class HubSpot:
    """The transport: it processes what it is sent, and answers as fate has it."""

    fates: Sequence[str]
    processed: list[str] = field(factory=list)
    doubted: set[str] = field(factory=set)
    again: set[str] = field(factory=set)
    busy: list[set[str]] = field(factory=list)
    overlaps: list[set[str]] = field(factory=list)
    record: dict[str, str] = field(factory=dict)
    requests: int = 0

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        fate = self.fates[self.requests % len(self.fates)] if self.fates else "fine"
        self.requests += 1
        body = orjson.loads(request.body)
        named = [orjson.dumps(item).decode() for item in body.get("inputs", [body])]
        records = {self._now(name) for name in body.values() if isinstance(name, str)}
        self.overlaps += [one & records for one in self.busy if one & records]
        self.busy.append(records)
        try:
            await asyncio.sleep(0.1)
            if fate != "not connected":
                on_sent()
            self.again |= self.doubted.intersection(named)
            processed, answer = FATES[fate]
            survivor = self._process(named, body) if processed else None
            if fate in IN_DOUBT:
                self.doubted.update(named)
            await asyncio.sleep(0.1)
            return answer or self._answer(survivor)
        finally:
            self.busy.remove(records)

    def _now(self, name: str) -> str:
        while name in self.record:
            name = self.record[name]
        return name

    def _process(self, named: list[str], body: dict[str, Any]) -> str | None:
        self.processed += named
        if "inputs" in body:
            return None
        survivor = str(1_000 + len(self.processed))
        for name in {*map(self._now, body.values())}:
            self.record[name] = survivor
        return survivor

    def _answer(self, survivor: str | None) -> Response:
        if survivor is None:
            return Response(204, {}, b"")
        return Response(200, {}, orjson.dumps({"id": survivor, "properties": {}}))

    def retire(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


def outcomes_of(hubspot: HubSpot, operation: Any, inputs: list[Any]) -> list[Any]:
    """Run a batch on a virtual clock; return the outcomes."""

    async def run() -> list[Any]:
        state = client_state(
            hubspot,
            rate_limit=RateLimit(20, burst=5),
            workers=8,
            policy=RetryPolicy(attempts=4, max_elapsed=300),
        )
        batch: Batch[Any] = Batch(state, operation, inputs, max_failures=None)
        with suppress(HubBatchError):
            await batch
        assert batch.response is not None
        return [*batch.response.outcomes]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(run())


A_FATE = st.sampled_from([*FATES])
SOME = settings(max_examples=150, deadline=None)


def check(hubspot: HubSpot, outcomes: list[Any], count: int) -> None:
    assert len(outcomes) == count
    assert hubspot.again == set()
    assert len({*hubspot.processed}) == len(hubspot.processed)


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Return pairs in any order, no two of which join the same two records."""
    count = draw(st.integers(0, 15))
    pairs = []
    for number in range(2, count + 2):
        other = draw(st.integers(1, number - 1))
        pairs.append(draw(st.permutations([number, other])))
    return [(primary, merged) for primary, merged in draw(st.permutations(pairs))]


@given(fates=st.lists(A_FATE, max_size=12), pairs=forests())
@SOME
def test_no_merge_is_sent_twice(fates: list[str], pairs: list[tuple[int, int]]) -> None:
    hubspot = HubSpot(fates)

    outcomes = outcomes_of(
        hubspot, operation_for("merges", "merge", "contacts"), [*pairs]
    )

    check(hubspot, outcomes, len(pairs))
    assert hubspot.overlaps == []
    for outcome in outcomes:
        if outcome.status is OutcomeStatus.SUCCEEDED:
            assert outcome.result.id == outcome.id


@given(fates=st.lists(A_FATE, max_size=12), count=st.integers(0, 12))
@SOME
def test_no_event_is_sent_twice(fates: list[str], count: int) -> None:
    hubspot = HubSpot(fates)
    operation = operation_for("events", "send")
    events = [EventInput("pe1_x", {"number": n}, utk="u") for n in range(count)]

    outcomes = outcomes_of(hubspot, operation, [*events])

    check(hubspot, outcomes, count)
    accepted = sum(outcome.status is OutcomeStatus.SUCCEEDED for outcome in outcomes)
    unknown = sum(outcome.status is OutcomeStatus.UNKNOWN for outcome in outcomes)
    assert accepted <= len(hubspot.processed) <= accepted + unknown


@pytest.mark.parametrize("fate", sorted(IN_DOUBT))
def test_a_lost_answer_leaves_it_unknown(fate: str) -> None:
    for operation, item in (
        (operation_for("merges", "merge", "contacts"), (1, 2)),
        (operation_for("events", "send"), EventInput("pe1_x", utk="u")),
    ):
        hubspot = HubSpot([fate])

        [outcome] = outcomes_of(hubspot, operation, [item])

        assert outcome.status is OutcomeStatus.UNKNOWN
        assert hubspot.requests == 1

"""Batches under random faults: every outcome is true."""

import asyncio
import random

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from attrs import define

from hubbatch import HubBatchError, HubSpotUnavailable, Outcome, RetryPolicy
from hubbatch._limits.window import RateLimit
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.source import Source
from hubbatch._wire.endpoints import Operation, Verb
from tests.net.crm import FATES, UNIQUE, Crm, client_state, operation


VERBS: Sequence[Verb] = ("update", "upsert", "read", "create", "archive")
RECORDS = 60

Given = Any


@define
class Storm:
    """A batch, the faults that it meets, and the inputs that were pulled."""

    seed: int
    verb: Verb
    random: Random
    crm: Crm
    state: ClientState
    call: Operation
    inputs: list[Given]
    pulled: int = 0

    @classmethod
    def of(cls, seed: int) -> "Storm":
        chance = Random(seed)
        random.seed(seed)  # hubbatch's jitter
        verb = VERBS[seed % len(VERBS)]
        fates = chance.sample(FATES, chance.randint(1, len(FATES)))
        rate = chance.choice([0.0, 0.1, 0.3, 0.5, 0.9])
        crm = Crm(
            chance,
            {fate: rate / len(fates) for fate in fates},
            traced=chance.random() < 0.6,
            echoes=chance.random() < 0.5,
            latency=chance.choice([(0.0, 0.0), (0.01, 0.05), (0.05, 3.0)]),
        )
        crm.fill(RECORDS)
        if chance.random() < 0.3:
            crm.merged = {str(chance.randint(1, RECORDS)) for _ in range(2)}
        max_inputs = chance.choice([2, 5, 20])
        by_ref = verb == "upsert" or (verb != "archive" and chance.random() < 0.3)
        call = operation(
            verb, max_inputs=max_inputs, id_property=UNIQUE if by_ref else None
        )
        workers = chance.choice([1, 3, 8])
        limit = chance.choice([None, RateLimit(20, burst=5), RateLimit(7)])
        policy = RetryPolicy(attempts=chance.choice([1, 2, 5]), max_elapsed=300)
        shared = client_state(crm, rate_limit=limit, workers=workers, policy=policy)
        count = chance.choice([0, 1, 30, 150])
        inputs = [_given(chance, verb, place, by_ref=by_ref) for place in range(count)]
        return cls(seed, verb, chance, crm, shared, call, inputs)

    def batch(self) -> Batch[Any]:
        sources: list[Source] = [
            self.inputs,
            tuple(self.inputs),
            self._generate(self.inputs),
            self._trickle(self.inputs),
            self._flood(self.inputs),
        ]
        source = self.random.choice(sources)
        if isinstance(source, list | tuple):
            self.pulled = len(self.inputs)
        linger = self.random.choice([0.1, 1.0])
        return Batch(self.state, self.call, source, isolate=True, linger=linger)

    def _generate(self, inputs: list[Given]) -> Iterator[Given]:
        for item in inputs:
            self.pulled += 1
            yield item

    async def _trickle(self, inputs: list[Given]) -> AsyncIterator[Given]:
        for item in inputs:
            if self.random.random() < 0.2:
                await asyncio.sleep(self.random.uniform(0, 0.5))
            self.pulled += 1
            yield item

    async def _flood(self, inputs: list[Given]) -> AsyncIterator[Given]:
        for item in inputs:
            self.pulled += 1
            yield item

    # ---- what must hold afterwards

    def check(self, outcomes: Sequence[Outcome[Any]], summary: Any) -> None:
        assert [outcome.index for outcome in outcomes] == [*range(self.pulled)]
        for outcome in outcomes:
            assert outcome.input is self.inputs[outcome.index]
        counts = Counter(outcome.status.value for outcome in outcomes)
        assert counts == +Counter(
            {
                status: getattr(summary, status)
                for status in ("succeeded", "failed", "unknown", "not_sent")
            }
        )
        self.check_engine(summary)
        for outcome in outcomes:
            self._check_one(outcome)
        if self.verb == "archive":
            owned_up = {
                str(outcome.input)
                for outcome in outcomes
                if outcome.status in ("succeeded", "unknown")
            }
            assert self.crm.archived <= owned_up

    def check_engine(self, summary: Any) -> None:
        assert summary.inputs == self.pulled == summary.settled
        assert self.state.gate.granted == len(self.crm.heard) == summary.requests
        assert self.crm.overlaps == []
        assert len(asyncio.all_tasks()) == 1
        self._check_order()

    def _check_order(self) -> None:
        """Repetitions aside, each key was written in the order of the inputs."""
        written = defaultdict(list)
        for key, value in self.crm.writes:
            written[key].append(int(value[1:]))
        for key, places in written.items():
            assert places == sorted(places), key
            if self.verb == "create":
                assert len(places) == 1

    def _check_one(self, outcome: Outcome[Any]) -> None:
        if self.verb == "read":
            if outcome.status == "succeeded":
                assert outcome.result is not None
                wanted = str(outcome.input).lower()
                assert wanted in (outcome.id, outcome.result.properties.get(UNIQUE))
            return
        if self.verb == "archive":
            done = str(outcome.input) in self.crm.archived
        else:
            value = f"v{outcome.index}"
            done = value in [value for _, value in self.crm.writes]
        if outcome.status == "succeeded":
            assert done or (self.verb == "archive" and int(outcome.input) > RECORDS)
        elif done and self.verb != "archive":
            assert outcome.status == "unknown"
        if outcome.error is not None and outcome.error.category == "INVALID_INPUT":
            assert (outcome.status, outcome.attempts) == ("failed", 0)

    def check_last_writes(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Of the inputs for one record, the last that was written stands."""
        last = dict(self.crm.writes)
        records = {self.crm.find(key): value for key, value in self.crm.writes}
        for found, value in records.items():
            assert found is not None
            assert self.crm.records[found]["value"] == value
        stands = {
            outcome.input["id"].lower(): outcome.index
            for outcome in outcomes
            if outcome.status == "succeeded"
        }
        for (_, text), value in last.items():
            assert int(value[1:]) >= stands.get(text, -1)


def _given(chance: Random, verb: Verb, place: int, *, by_ref: bool) -> Given:
    if chance.random() < 0.03:
        return chance.choice([None, {"id": "512.0"}, {"properties": 1}, 1.5])
    hot = chance.random() < 0.3
    number = 7 if hot else chance.randint(1, RECORDS + 5)
    text = f"r{number}" if by_ref else str(number)
    if by_ref and chance.random() < 0.2:
        text = text.upper()
    if verb in ("read", "archive"):
        return text
    value = f"bad{place}" if chance.random() < 0.05 else f"v{place}"
    if verb == "create":
        return {"properties": {"value": value}}
    item = {"id": text, "properties": {"value": value}}
    if verb == "update" and not by_ref and chance.random() < 0.1:
        # Another name of a record: hubbatch cannot know that they are the same.
        item |= {"id": f"r{number}", "idProperty": UNIQUE}
    return item


@pytest.mark.parametrize("seed", range(150))
async def test_a_collected_batch_survives_a_storm(seed: int) -> None:
    storm = Storm.of(seed)
    batch = storm.batch()
    ended: HubBatchError | None = None
    try:
        response = await batch
    except HubBatchError as error:
        ended = error
        response = error.response
    assert ended is None or ended.summary is batch.summary
    assert response is batch.response
    assert response.succeeded + len(response.failures) == storm.pulled
    storm.check(response.outcomes, batch.summary)
    if storm.verb in ("update", "upsert"):
        storm.check_last_writes(response.outcomes)


@pytest.mark.parametrize("seed", range(150, 200))
async def test_a_streamed_batch_survives_a_storm(seed: int) -> None:
    storm = Storm.of(seed)
    outcomes = []
    batch = storm.batch()
    async with batch as stream:
        with suppress(HubSpotUnavailable):
            async for outcome in stream:
                outcomes.append(outcome)
                if storm.random.random() < 0.05:
                    await asyncio.sleep(storm.random.uniform(0, 5))
    outcomes.sort(key=lambda outcome: outcome.index)
    storm.check(outcomes, batch.summary)


@pytest.mark.parametrize("seed", range(200, 260))
async def test_a_batch_cancelled_at_any_time_accounts_for_its_inputs(seed: int) -> None:
    storm = Storm.of(seed)
    batch = storm.batch()
    task = asyncio.create_task(batch)
    await asyncio.sleep(storm.random.expovariate(1))
    task.cancel()
    await asyncio.wait([task])
    assert batch.response is not None
    storm.check(batch.response.outcomes, batch.summary)


@pytest.mark.parametrize("seed", range(260, 300))
async def test_a_stream_left_at_any_time_accounts_for_its_inputs(seed: int) -> None:
    storm = Storm.of(seed)
    batch = storm.batch()
    wanted = storm.random.randint(0, 40)
    async with batch as stream:
        with suppress(HubSpotUnavailable):
            async for _ in stream:
                wanted -= 1
                if wanted < 0:
                    break
    storm.check_engine(batch.summary)

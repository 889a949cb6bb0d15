"""Single calls under random faults and cancellations: each ends once, and truly."""

import asyncio
import random

from collections import defaultdict
from random import Random
from typing import Any

import pytest

from attrs import Factory, define

from hubbatch import (
    APIError,
    HubBatchError,
    OutcomeUnknown,
    RecordError,
    RecordNotFound,
    RetryPolicy,
)
from hubbatch._limits.window import RateLimit
from hubbatch._net.client_state import ClientState
from hubbatch._net.coalescing import CallBatchers
from hubbatch._wire.endpoints import Operation, Verb
from tests.net.crm import FATES, UNAUTHORIZED, UNIQUE, Crm, client_state, operation


RECORDS = 40
VERBS: tuple[Verb, ...] = ("create", "read", "update", "upsert", "archive")


@define
class Caller:
    """One call, and its result or error."""

    number: int
    verb: Verb
    text: str
    task: "asyncio.Task[Any] | None" = None
    result: Any = None
    error: BaseException | None = None
    ends: int = 0

    @property
    def value(self) -> str:
        """What it writes, and nobody else; creates share their keys with updates."""
        return f"{'c' if self.verb == 'create' else 'v'}{self.number}"


@define
class Storm:
    """Callers that come and go, and the faults that they meet."""

    random: Random
    crm: Crm
    state: ClientState
    batchers: CallBatchers
    callers: list[Caller] = Factory(list)

    @classmethod
    def of(cls, seed: int) -> "Storm":
        chance = Random(seed)
        random.seed(seed)  # hubbatch's jitter
        fates = chance.sample(FATES, chance.randint(1, len(FATES)))
        rate = chance.choice([0.0, 0.1, 0.3, 0.6])
        weights = {fate: rate / len(fates) for fate in fates}
        crm = Crm(
            chance,
            weights,
            traced=chance.random() < 0.6,
            echoes=chance.random() < 0.7,
            latency=chance.choice([(0.0, 0.0), (0.01, 0.05), (0.05, 3.0)]),
        )
        crm.fill(RECORDS)
        if chance.random() < 0.3:  # some runs are ended by an error of the account
            crm.script = [*["fine"] * chance.randint(0, 20), UNAUTHORIZED]
        shared = client_state(
            crm,
            rate_limit=chance.choice([None, RateLimit(20, burst=5), RateLimit(7)]),
            workers=chance.choice([1, 3, 8]),
            policy=RetryPolicy(attempts=chance.choice([1, 2, 5]), max_elapsed=300),
        )
        return cls(chance, crm, shared, CallBatchers(shared))

    def _call(self, caller: Caller) -> tuple[Operation, Any]:
        verb, text = caller.verb, caller.text
        unique = UNIQUE if verb == "upsert" else None
        call = operation(verb, max_inputs=5, id_property=unique)
        bad = self.random.random() < 0.03
        properties = {"value": f"bad{caller.number}" if bad else caller.value}
        if verb == "create":
            return call, {"properties": properties}
        if verb in ("read", "archive"):
            return call, text
        return call, {"id": text, "properties": properties}

    async def _live(self, caller: Caller) -> None:
        try:
            caller.result = await self.batchers.call(*self._call(caller))
        except (HubBatchError, asyncio.CancelledError) as error:
            caller.error = error
        caller.ends += 1

    async def rage(self, count: int) -> None:
        leaving: list[asyncio.Task[None]] = []
        for number in range(count):
            verb = self.random.choice(VERBS)
            # Each archived record has one caller: a repeated write must find it.
            low, high = (31, RECORDS) if verb == "archive" else (1, 30)
            places = [self.random.randint(low, high)] * 2 + [low, RECORDS + 3]
            place = self.random.choice(places)
            text = f"r{place}" if verb == "upsert" else str(place)
            caller = Caller(number, verb, text)
            self.callers.append(caller)
            caller.task = asyncio.create_task(self._live(caller))
            if self.random.random() < 0.3:
                leaving.append(asyncio.create_task(self._leave(caller)))
            if self.random.random() < 0.5:
                await asyncio.sleep(self.random.expovariate(20))
        await asyncio.sleep(0)
        if self.random.random() < 0.5:
            await self.state.aclose()
        tasks = [caller.task for caller in self.callers if caller.task]
        await asyncio.wait([*tasks, *leaving])
        await self.state.aclose()
        await asyncio.sleep(0)

    async def _leave(self, caller: Caller) -> None:
        await asyncio.sleep(self.random.choice([0, self.random.expovariate(2)]))
        assert caller.task is not None
        caller.task.cancel()

    # ---- what must hold afterwards

    def check(self) -> None:
        assert len(asyncio.all_tasks()) == 1
        assert (self.batchers._pending.batchers, self.batchers._pending.tasks) == (
            {},
            set(),
        )
        assert (self.batchers._pending.count, self.state._loop_use.active) == (0, 0)
        assert self.state.gate.granted == len(self.crm.heard)
        for caller in self.callers:
            self._check_end(caller)
        self._check_order()

    def _check_end(self, caller: Caller) -> None:
        shown = f"{caller}"
        if caller.ends == 0:  # cancelled before it started
            assert caller.task is not None
            assert caller.task.cancelled(), shown
            return
        assert caller.ends == 1, shown
        left = isinstance(caller.error, asyncio.CancelledError)
        if caller.verb == "read":
            if caller.error is None:
                assert caller.result.id == caller.text, shown
            elif isinstance(caller.error, RecordNotFound):
                assert int(caller.text) > RECORDS or caller.text in self.crm.archived
            return
        if caller.verb == "archive":
            if caller.error is None:
                assert caller.text not in self.crm.records, shown
            return
        done = caller.value in [value for _, value in self.crm.writes]
        if caller.error is None:
            assert done, shown
            assert caller.result.properties["value"] == caller.value, shown
        elif done:
            assert left or isinstance(caller.error, OutcomeUnknown), shown
        assert left or isinstance(caller.error, RecordError | APIError | None), shown

    def _check_order(self) -> None:
        """Repetitions aside, each key was written in the order of the calls."""
        written = defaultdict(list)
        for key, value in self.crm.writes:
            if value.startswith("v"):
                written[key].append(int(value[1:]))
        for key, places in written.items():
            assert places == sorted(places), key
        values = [value for _, value in self.crm.writes if value.startswith("c")]
        assert len({*values}) == len(values)

    def check_errors_are_own(self) -> None:
        errors = [id(caller.error) for caller in self.callers if caller.error]
        assert len({*errors}) == len(errors)


@pytest.mark.parametrize("seed", range(80))
async def test_every_single_call_ends_once_and_truly(seed: int) -> None:
    storm = Storm.of(seed)
    await storm.rage(storm.random.choice([5, 60, 200]))
    storm.check()
    storm.check_errors_are_own()

"""A batch with patience waits while HubSpot is down."""

import asyncio

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import orjson
import pytest

from hubbatch import HubSpotDown, HubSpotUnavailable, RateLimit
from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._net.batch import Batch
from hubbatch._net.listeners import Listeners
from hubbatch._net.outage import PATIENCE
from hubbatch._outcomes.response import Collector
from hubbatch._wire.endpoints import Verb, operation_for
from tests.net.crm import (
    UNIQUE,
    Crm,
    Fate,
    client_state,
    operation,
    refusal,
    updates,
)


ACCOUNT = operation_for("account", "details", api_version="v3")
DETAILS = Response(200, {}, orjson.dumps({"portalId": 62515}))
DOWN = ["refused", "502 before", "502 after", "dropped before"]
HALF_AN_HOUR = 1800.0


class Falling(Crm):
    """A HubSpot that is down for a while; `probes` are the requests of its account."""

    def __init__(self, fate: Fate, *, falls: float, rises: float) -> None:
        super().__init__(latency=(0.2, 0.4))
        self.fill(30_000)
        self.fate, self.falls, self.rises = fate, falls, rises
        self.probes: list[float] = []
        self.details = DETAILS
        self.most_probing = 0  # after the first minute

    @property
    def is_down(self) -> bool:
        return self.falls <= asyncio.get_running_loop().time() < self.rises

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        if "account-info" not in request.path:
            if self.is_down and self.during(60, self.rises):
                self.most_probing = max(self.most_probing, self._now_flying + 1)
            return await super().send(request, on_sent)
        self.probes.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)
        on_sent()
        return NoAnswer(sent=True, reason="reset") if self.is_down else self.details

    def _fate(self) -> Fate:
        return self.fate if self.is_down else super()._fate()

    def during(self, first: float, last: float) -> list[float]:
        """Return when requests with inputs came, between two times."""
        return [heard.at for heard in self.heard if first <= heard.at < last]


def patient(
    crm: Falling,
    inputs: Any,
    verb: Verb = "update",
    *,
    patience: float = HALF_AN_HOUR,
    reconcile_by: str | None = None,
    listener: Callable[[Any], None] = lambda _: None,
) -> Batch[Any]:
    call = operation(verb)
    if reconcile_by is not None:
        call = operation_for(
            "objects", verb, "tickets", api_version="v3", reconcile_by=reconcile_by
        )
    state = client_state(crm, rate_limit=RateLimit(100), workers=20)
    state.account_operation = ACCOUNT
    state.listeners = Listeners([listener])
    PATIENCE.set(patience)
    return Batch(state, call, inputs, max_failures=None)


def creates(count: int) -> list[dict[str, Any]]:
    return [{"properties": {"value": f"v{n}", UNIQUE: f"new{n}"}} for n in range(count)]


def counts(batch: Batch[Any]) -> dict[str, int]:
    summary = batch.summary
    names = ("succeeded", "failed", "unknown", "not_sent")
    return {name: value for name in names if (value := getattr(summary, name))}


@pytest.mark.parametrize("fate", DOWN)
async def test_a_batch_outlives_an_outage(fate: str) -> None:
    crm = Falling(fate, falls=5, rises=1000)
    batch = patient(crm, updates(20_000))
    await batch
    assert counts(batch) == {"succeeded": 20_000}
    assert not crm.overlaps
    assert batch.summary.requests == len(crm.heard)
    assert batch.summary.retries > 30


@pytest.mark.parametrize("fate", DOWN)
async def test_one_request_at_a_time_probes_and_then_full_speed_resumes(
    fate: str,
) -> None:
    crm = Falling(fate, falls=5, rises=1000)
    await patient(crm, updates(20_000))
    probes = crm.during(60, 1000)
    assert 30 < len(probes) < 200
    waits = [later - at for at, later in pairwise(probes)]
    assert max(waits) < 31
    assert crm.most_probing == 1
    [up, *_] = crm.during(1000, 1100)
    assert len(crm.during(up, up + 3)) > 20


async def test_an_outage_at_the_start_is_waited_out() -> None:
    crm = Falling("refused", falls=0, rises=700)
    batch = patient(crm, updates(1_000))
    await batch
    assert counts(batch) == {"succeeded": 1_000}


async def test_a_batch_without_patience_ends() -> None:
    batch = patient(
        Falling("502 before", falls=5, rises=1000), updates(20_000), patience=0
    )
    with pytest.raises(HubSpotUnavailable, match="Several chunks in a row"):
        await batch


@pytest.mark.parametrize("fate", DOWN)
async def test_a_batch_ends_when_its_patience_has_passed(fate: str) -> None:
    crm = Falling(fate, falls=5, rises=10_000)
    batch = patient(crm, updates(20_000))
    with pytest.raises(HubSpotUnavailable, match=r"down for longer than 1,800 s"):
        await batch
    last = crm.heard[-1].at
    assert HALF_AN_HOUR + 4 < last < HALF_AN_HOUR + 10
    assert batch.summary.settled == batch.summary.inputs == 20_000
    lost = "not_sent" if fate == "refused" else "unknown"
    assert 0 < counts(batch)[lost] < 20_000


async def test_every_answer_renews_the_patience() -> None:
    crm = Falling("refused", falls=5, rises=1700)
    batch = patient(crm, updates(30_000), patience=1750)

    async def fall_again() -> None:
        await asyncio.sleep(1730)
        crm.falls, crm.rises = 1730, 3400

    _, again = await asyncio.gather(batch, fall_again(), return_exceptions=True)
    assert again is None
    assert counts(batch) == {"succeeded": 30_000}


async def test_a_stopped_batch_ends_while_it_waits() -> None:
    crm = Falling("refused", falls=5, rises=10_000)
    batch = patient(crm, updates(20_000))
    task = asyncio.ensure_future(batch)
    await asyncio.sleep(300)
    before = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - before < 1
    assert len(asyncio.all_tasks()) == 1


async def test_an_end_from_outside_does_not_wait_for_the_next_request() -> None:
    crm = Falling("refused", falls=5, rises=10_000)
    batch = patient(crm, updates(20_000))
    state = batch._state
    batch.close()
    sink: Collector[Any] = Collector(batch.operation)
    run = state.new_run(batch.operation, sink)
    task = asyncio.ensure_future(run.execute(updates(20_000)))
    await asyncio.sleep(300)
    before = asyncio.get_running_loop().time()
    run.end(ValueError("enough"))
    with pytest.raises(ValueError, match="enough"):
        await task
    assert asyncio.get_running_loop().time() - before < 1


async def test_creates_that_were_lost_stay_unknown_and_no_others_are_risked() -> None:
    """Only those in flight when HubSpot went down are in doubt."""
    crm = Falling("502 before", falls=5, rises=1000)
    batch = patient(crm, creates(20_000), "create")
    await batch
    found = counts(batch)
    assert found["unknown"] + found["succeeded"] == 20_000
    assert 0 < found["unknown"] <= 20 * 100
    assert not crm.during(30, 1000)
    assert len([at for at in crm.probes if 30 <= at < 1000]) > 20
    assert len(crm.records) == 30_000 + found["succeeded"]


async def test_creates_that_hubspot_never_received_are_all_created() -> None:
    crm = Falling("refused", falls=5, rises=1000)
    batch = patient(crm, creates(20_000), "create")
    await batch
    assert counts(batch) == {"succeeded": 20_000}
    assert len(crm.records) == 50_000


@pytest.mark.parametrize("fate", ["502 before", "502 after"])
async def test_lost_creates_are_looked_up_after_the_outage(fate: str) -> None:
    crm = Falling(fate, falls=5, rises=1000)
    batch = patient(crm, creates(5_000), "create", reconcile_by=UNIQUE)
    await batch
    assert counts(batch) == {"succeeded": 5_000}
    values = Counter(record.get(UNIQUE) for record in crm.records.values())
    assert max(values.values()) == 1
    assert len(crm.records) == 35_000


async def test_a_token_that_may_not_read_the_account_shows_that_hubspot_is_up() -> None:
    crm = Falling("502 before", falls=5, rises=200)
    crm.details = refusal(403, "This app lacks a scope", "MISSING_SCOPES")
    batch = patient(crm, creates(20_000), "create")
    await batch
    assert counts(batch)["succeeded"] >= 18_000
    assert crm.probes


async def test_creates_end_when_the_patience_has_passed() -> None:
    crm = Falling("502 before", falls=5, rises=10_000)
    batch = patient(crm, creates(20_000), "create")
    with pytest.raises(HubSpotUnavailable, match="down for longer"):
        await batch
    assert HALF_AN_HOUR < crm.probes[-1] < HALF_AN_HOUR + 60
    assert counts(batch)["unknown"] <= 20 * 100


async def test_a_record_that_always_fails_does_not_look_like_an_outage() -> None:
    """Its chunk takes turns with the others, whose answers show that HubSpot is up."""
    crm = Falling("refused", falls=-1, rises=-1)
    work = crm.work

    def worked(heard: Any) -> Response:
        if "7" in heard.ids:
            return Response(500, {}, b"{}")
        return work(heard)

    crm.work = worked  # type: ignore[method-assign]
    batch = patient(crm, updates(1_000))
    await batch
    assert counts(batch) == {"succeeded": 999, "unknown": 1}
    assert crm.heard[-1].at < 120


async def test_each_wait_has_an_event() -> None:
    events: list[HubSpotDown] = []

    def listen(event: Any) -> None:
        if isinstance(event, HubSpotDown):
            events.append(event)

    crm = Falling("502 before", falls=5, rises=1000)
    await patient(crm, updates(20_000), listener=listen)
    assert all(0 < event.wait <= 30 for event in events)
    assert {event.status for event in events} == {502}
    left = [event.left for event in events]
    assert left == sorted(left, reverse=True)
    assert left[0] <= HALF_AN_HOUR
    assert HALF_AN_HOUR - 1030 < left[-1] < HALF_AN_HOUR - 900

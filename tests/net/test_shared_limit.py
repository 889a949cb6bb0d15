"""Clients of one account in one loop share its limits, and leave nothing behind."""

import asyncio
import gc
import weakref

from typing import Any

import pytest

from aiolimiter import AsyncLimiter

from hubbatch import HubBatch, RateLimit
from hubbatch._net.gate import Gate
from hubbatch._net.permit_queue import Lane, Pacer
from hubbatch._net.shared_limit import AccountLimits, LeakyBucket, _by_loop, limits_of
from tests.net.virtual import VirtualTimeLoop


URL = "https://api.hubapi.com"


def always() -> bool:
    return True


def now() -> float:
    return asyncio.get_running_loop().time()


async def leave(gate: Gate) -> float:
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None
        permit.sent()
        permit.answered({})
        return now()


def gate_of(hub: HubBatch) -> Gate:
    gate: Gate = hub._state.gate
    return gate


def same(*hubs: HubBatch) -> bool:
    return len({id(gate_of(hub)._account_limits()) for hub in hubs}) == 1


async def test_clients_with_one_token_share_windows_and_day() -> None:
    async with HubBatch("t", base_url=URL) as one, HubBatch("t", base_url=URL) as two:
        assert same(one, two)
        await asyncio.gather(*(leave(gate_of(one)) for _ in range(60)))
        assert two.limits.used == 60
        assert gate_of(two).granted == 0


async def test_place_is_the_same_however_it_is_written() -> None:
    one = HubBatch("t", base_url=URL)
    assert same(one, HubBatch("t", base_url=f"{URL}/"))
    assert same(one, HubBatch("t", base_url="https://API.hubapi.com:443"))
    assert not same(one, HubBatch("t", base_url=f"{URL}/proxy"))


@pytest.mark.parametrize(
    "options",
    [
        {"access_token": "u"},
        {"base_url": "https://api-eu1.hubapi.com"},
        {"base_url": "http://localhost:8080"},
    ],
)
async def test_other_tokens_and_places_share_nothing(options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"access_token": "t", "base_url": URL}
    async with HubBatch(**given) as one, HubBatch(**{**given, **options}) as two:
        assert not same(one, two)


async def test_clients_without_a_key_share_nothing() -> None:
    async def token() -> str:
        return "t"

    async with HubBatch(token) as one, HubBatch(token) as two:
        assert not same(one, two)


async def test_client_has_no_more_in_flight_than_its_max_concurrency() -> None:
    one, two = Gate(None, 1, key="k"), Gate(None, 2, key="k")
    async with one.permit(Lane.BULK, always), two.permit(Lane.BULK, always):
        waiting = asyncio.create_task(leave(one))
        assert await leave(two) < 1
        await asyncio.sleep(1)
        assert not waiting.done()
    await waiting


# ---- ceilings


async def test_lowest_ceiling_holds_while_its_client_is_open() -> None:
    hubs = [HubBatch("t", rate_limit=limit) for limit in ("auto", 150, 120)]
    assert [hub.limits.max_requests for hub in hubs] == [100, 150, 120]
    assert [hub.limits.max_requests for hub in hubs] == [120] * 3
    await hubs[2].aclose()
    assert hubs[0].limits.max_requests == 150
    await hubs[1].aclose()
    assert hubs[0].limits.max_requests == 100
    await hubs[0].aclose()


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (RateLimit(10, interval=1.0), RateLimit(110, interval=10.0)),
        (RateLimit(190, processes=4), RateLimit(50)),
    ],
)
async def test_ceilings_are_compared_by_their_rate(
    lower: RateLimit, higher: RateLimit
) -> None:
    hubs = [HubBatch("t", rate_limit=limit) for limit in (higher, lower)]
    alone = Gate(lower, 1).snapshot()
    assert hubs[0].limits.max_requests == higher.max_requests
    assert hubs[1].limits.max_requests == alone.max_requests
    assert hubs[0].limits.max_requests == alone.max_requests
    assert hubs[0].limits.interval == alone.interval


async def test_new_ceiling_of_processes_paces_from_then_on() -> None:
    one = Gate(RateLimit(190), 64, key="k")
    await leave(one)
    two = Gate(RateLimit(190, processes=10), 64, key="k")
    two.snapshot()
    left = await asyncio.gather(*(leave(one) for _ in range(10)))
    assert max(left) > 3


async def test_higher_ceiling_lets_waiting_calls_out() -> None:
    """They do not wait for the instant that the lower one required."""
    one, two = Gate(None, 9, key="k"), Gate(RateLimit(1), 9, key="k")
    two.snapshot()
    await leave(one)
    waiting = asyncio.create_task(leave(one))
    await asyncio.sleep(3)
    assert not waiting.done()
    await two.aclose()
    assert await waiting == pytest.approx(3, abs=0.1)


async def test_client_with_the_same_ceiling_changes_no_pace() -> None:
    limit = RateLimit(190, processes=10)
    one, two = (Gate(limit, 64, key="k") for _ in range(2))
    one.snapshot()
    pacer = one._account_limits().queue("objects").pacer
    two.snapshot()
    assert pacer is not None
    assert one._account_limits().queue("objects").pacer is pacer


class Processes:
    """A limit that processes share."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit

    def pacer(self, family: str) -> Pacer:  # noqa: ARG002 -- all are alike
        return LeakyBucket(AsyncLimiter(1, 1))


async def test_pacer_of_processes_stays_when_another_ceiling_applies() -> None:
    """It has connections and reservations that a new one would lack."""
    one, two = (Gate(Processes(RateLimit(limit)), 9) for limit in (190, 120))
    for gate in (one, two):
        gate.belong_to("62515")
    assert one.snapshot().max_requests == 190
    pacer = one._account_limits().queue("objects").pacer
    assert two.snapshot().max_requests == one.snapshot().max_requests == 120
    assert two._account_limits().queue("objects").pacer is pacer is not None


# ---- an account that is known later


async def test_clients_of_one_account_that_is_found_out_share_when_they_are_idle() -> (
    None
):
    one, two = Gate(RateLimit(30), 5), Gate(RateLimit(30), 5)
    await asyncio.gather(*(leave(one) for _ in range(20)))
    one.identify("62515")
    two.identify("62515")
    async with two.permit(Lane.BULK, always):
        assert two._account_limits() is not one._account_limits()
    assert two._account_limits() is one._account_limits()
    assert two.snapshot().used == 20


async def test_token_identifies_more_than_the_account() -> None:
    """Apps of one account have limits of their own, and a token belongs to one app."""
    one, two = Gate(None, 1, key="a"), Gate(None, 1, key="b")
    for gate in (one, two):
        gate.identify("62515")
    assert one._account_limits() is not two._account_limits()


# ---- nothing is left behind


async def test_clients_that_follow_each_other_keep_the_limit_together() -> None:
    """A short-lived client for each batch would break it otherwise."""
    left = []
    for _ in range(5):
        async with HubBatch("t", rate_limit=20) as hub:
            left += [await leave(gate_of(hub)) for _ in range(10)]
        del hub
        gc.collect()
    for instant in left:
        assert sum(instant <= other < instant + 10 for other in left) <= 20


async def test_shared_state_is_forgotten_with_the_last_client() -> None:
    hub = HubBatch("t")
    await leave(gate_of(hub))
    state: weakref.ref[AccountLimits] = weakref.ref(gate_of(hub)._account_limits())
    await hub.aclose()
    del hub
    gc.collect()
    assert state() is not None
    await asyncio.sleep(11)
    gc.collect()
    assert state() is None
    assert not _by_loop[asyncio.get_running_loop()]


async def test_client_that_was_never_used_or_closed_is_forgotten() -> None:
    gate: Gate | None = Gate(None, 1, key="k")
    assert gate is not None
    await gate.aclose()
    gate.snapshot()
    kept = limits_of("k")
    assert len(kept._ceilings) == 1
    gate = None
    gc.collect()
    assert len(kept._ceilings) == 0
    Gate(None, 1, key="k").snapshot()


def test_loops_share_nothing_and_are_forgotten() -> None:
    async def use() -> int:
        hub = HubBatch("t")
        await leave(gate_of(hub))
        used = hub.limits.used
        await hub.aclose()
        return used

    before = len(_by_loop)
    for _ in range(3):
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            assert runner.run(use()) == 1
    gc.collect()
    assert len(_by_loop) <= before


async def test_token_is_in_no_key() -> None:
    hub = HubBatch("pat-na1-secret", base_url=URL)
    hub.limits  # noqa: B018 -- looking makes it
    gate = gate_of(hub)
    assert "secret" not in repr(gate._key)
    assert "secret" not in repr([*_by_loop[asyncio.get_running_loop()]])
    assert "secret" not in repr(vars(gate))

"""Processes that share a limit, with a model of Redis's scripts. The clock jumps."""

import asyncio
import importlib
import logging
import pickle
import subprocess
import sys

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from random import Random
from unittest.mock import patch

import pytest

from redis.asyncio import Redis

from hubbatch import ConfigurationError, HubBatch, OverloadedError, RateLimit
from hubbatch._net.gate import Gate
from hubbatch._net.permit_queue import Lane
from hubbatch.integrations._redis.pacer import PAD
from hubbatch.integrations.redis import LimiterUnavailable, RedisRateLimit
from tests.net.test_gate import always, now, worst
from tests.net.virtual import VirtualTimeLoop

from .model import ModelRedis


OBJECTS = "hubbatch:{62515}:objects"
LIMIT = RateLimit(190)


@pytest.fixture
def redis() -> ModelRedis:
    return ModelRedis()


def limit(redis: ModelRedis, **options: object) -> RedisRateLimit:
    return RedisRateLimit(redis, account="62515", **options)  # type: ignore[arg-type] # options of any kind


class Traffic:
    """Processes that send as much as they may, each through its own gate."""

    def __init__(self) -> None:
        self.rng = Random(5)
        self.sent: list[tuple[float, int]] = []
        self.failures: list[Exception] = []
        self.lateness = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, gate: Gate, process: int, workers: int = 32) -> None:
        for _ in range(workers):
            work = self._work(gate, process)
            self._tasks.append(asyncio.create_task(work))

    async def _work(self, gate: Gate, process: int) -> None:
        while True:
            async with gate.permit(Lane.BULK, always) as permit:
                assert permit is not None
                if self.lateness and int(now() * 3) % 4 == process:
                    await asyncio.sleep(self.lateness)
                permit.sent()
                self.sent.append((now(), process))
                await asyncio.sleep(self.rng.uniform(0.1, 0.4))
                permit.answered({})

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                self.failures.append(result)

    def between(self, begin: float, end: float) -> int:
        return sum(begin <= instant < end for instant, _ in self.sent)

    def worst(self) -> int:
        """Return the most requests HubSpot may see in 10 s, each up to 0.2 s late."""
        arrived = [instant + self.rng.uniform(0, 0.2) for instant, _ in self.sent]
        return worst(arrived, 10.0)


async def run(seconds: float, *gates: Gate, workers: int = 32) -> Traffic:
    traffic = Traffic()
    for process, gate in enumerate(gates):
        traffic.start(gate, process, workers)
    await asyncio.sleep(seconds)
    await traffic.stop()
    assert traffic.failures == []
    return traffic


# ---- one loop after another


def test_gates_move_to_the_next_loop(redis: ModelRedis) -> None:
    """All loops together keep the limit."""
    gates = [Gate(limit(redis, max_requests=20), 8) for _ in range(2)]
    sent: list[float] = []
    began = 0.0
    for _ in range(3):
        loop = VirtualTimeLoop()
        loop.now = began
        with asyncio.Runner(loop_factory=lambda loop=loop: loop) as runner:  # type: ignore[misc] # a default
            traffic = runner.run(run(15, *gates, workers=8))
            assert runner.run(used(gates)) > 0
        sent += [instant for instant, _ in traffic.sent]
        began = loop.now
    assert len(sent) >= 60
    assert worst(sent, 10.0) <= 20


async def used(gates: list[Gate]) -> int:
    return sum(gate.snapshot().used for gate in gates)


def test_connections_of_ours_end_with_their_loop() -> None:
    shared = RedisRateLimit(
        "redis://127.0.0.1:1/0", account="62515", on_failure="raise"
    )
    gate = Gate(shared, 8)

    async def ask() -> None:
        with pytest.raises(LimiterUnavailable):
            async with gate.permit(Lane.BULK, always):
                """Never reached."""

    for _ in range(3):
        asyncio.run(ask())
    asyncio.run(gate.aclose())


# ---- one limit


async def test_processes_use_the_limit_together_and_alike(redis: ModelRedis) -> None:
    traffic = await run(60, *(Gate(limit(redis), 32) for _ in range(4)))
    assert traffic.worst() <= 190
    assert traffic.between(10, 60) >= 0.97 * 190 * 5
    each = Counter(process for _, process in traffic.sent)
    assert max(each.values()) - min(each.values()) <= 0.15 * len(traffic.sent) / 4


async def test_one_trip_to_redis_for_a_permit(redis: ModelRedis) -> None:
    gate = Gate(limit(redis), 32)
    traffic = await run(30, gate)
    assert gate.granted == len(traffic.sent)
    assert redis.trips <= gate.granted + 1


async def test_burst_leaves_at_once(redis: ModelRedis) -> None:
    traffic = await run(0.05, Gate(limit(redis, burst=40), 100), workers=100)
    assert len(traffic.sent) == 40


async def test_what_others_do_not_use_goes_to_the_busy_one(
    redis: ModelRedis,
) -> None:
    idle = [Gate(limit(redis), 32) for _ in range(3)]
    traffic = await run(40, Gate(limit(redis), 32))
    assert traffic.between(10, 40) >= 0.96 * 190 * 3
    assert [gate.granted for gate in idle] == [0, 0, 0]


async def test_interactive_process_waits_behind_one_request_of_each_other(
    redis: ModelRedis,
) -> None:
    traffic = Traffic()
    for process in range(3):
        traffic.start(Gate(limit(redis), 32), process)
    await asyncio.sleep(12)
    gate, waits = Gate(limit(redis), 32), []
    for _ in range(100):
        began = now()
        async with gate.permit(Lane.SINGLE, always) as permit:
            assert permit is not None
            permit.sent()
            waits.append(now() - began)
        await asyncio.sleep(traffic.rng.uniform(0, 0.6))
    await traffic.stop()
    assert sorted(waits)[50] < 0.3
    assert max(waits) < 0.6


async def test_accounts_and_families_have_windows_of_their_own(
    redis: ModelRedis,
) -> None:
    gates = [
        Gate(RedisRateLimit(redis, account=account), 8) for account in ("1", "a.b-c_2")
    ]
    for gate in gates:
        for family in ("objects", "associations", "search"):
            async with gate.permit(Lane.BULK, always, family):
                pass
    assert sorted(redis.windows) == sorted(
        f"hubbatch:{{{account}}}:{family}"
        for account in ("1", "a.b-c_2")
        for family in ("objects", "associations", "search")
    )


async def test_limit_that_hubspot_tells_is_kept_by_all(redis: ModelRedis) -> None:
    gates = [Gate(limit(redis), 32) for _ in range(2)]
    for gate in gates:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
            permit.answered({"X-HubSpot-RateLimit-Max": "100"})
    traffic = await run(40, *gates)
    assert traffic.worst() <= 100
    assert traffic.between(10, 40) >= 0.95 * 100 * 3


async def test_requests_of_the_other_processes_are_not_taken_for_strangers(
    redis: ModelRedis,
) -> None:
    gate = Gate(limit(redis), 32)
    for _ in range(20):
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
            permit.answered(
                {
                    "X-HubSpot-RateLimit-Max": "190",
                    "X-HubSpot-RateLimit-Remaining": "3",
                }
            )
    assert gate.snapshot().max_requests == 190


async def test_hold_is_everybodys(redis: ModelRedis) -> None:
    gates = [Gate(limit(redis), 32) for _ in range(3)]
    traffic = Traffic()
    for process, gate in enumerate(gates):
        traffic.start(gate, process)
    await asyncio.sleep(5)
    gates[0].hold(4)
    await asyncio.sleep(6)
    await traffic.stop()
    # What was reserved before the hold may still leave: one for each process.
    assert traffic.between(5.001, 9) <= 2
    assert traffic.between(9, 11) >= 20


async def test_forever_idle_gate_shares_nothing_in_its_loop(redis: ModelRedis) -> None:
    """Clients with the same token share a limit through Redis only."""
    one, other = (
        HubBatch("token", rate_limit=limit(redis)),
        HubBatch("token", rate_limit=limit(redis)),
    )
    async with one, other:
        assert one.limits.max_requests == 190
        assert (
            one._state.gate._account_limits() is not other._state.gate._account_limits()
        )


# ---- waiters that go away


async def test_reservation_outlives_its_waiter(redis: ModelRedis) -> None:
    pacer = limit(redis, max_requests=1, burst=1).pacer("objects")
    await pacer.acquire(RateLimit(1))
    waiter = asyncio.create_task(pacer.acquire(RateLimit(1)))
    await asyncio.sleep(5)
    waiter.cancel()
    await asyncio.sleep(0)
    assert pacer._own.used(now()) == 1
    await pacer.acquire(RateLimit(1))
    assert now() == pytest.approx(10 + PAD, abs=0.01)
    assert len(redis.windows[OBJECTS].log) == 2


async def test_reservation_that_expired_is_made_again(
    redis: ModelRedis,
) -> None:
    pacer = limit(redis).pacer("objects")
    pacer.give_back(await pacer.acquire(LIMIT))
    pacer.give_back(await pacer.acquire(LIMIT))
    assert len(redis.windows[OBJECTS].log) == 1
    await asyncio.sleep(1.1)
    await pacer.acquire(LIMIT)
    assert len(redis.windows[OBJECTS].log) == 2


async def test_reservation_of_a_log_that_was_lost_is_not_used(
    redis: ModelRedis,
) -> None:
    pacer = limit(redis).pacer("objects")
    one, other = await pacer.acquire(LIMIT), await pacer.acquire(LIMIT)
    pacer.give_back(one)
    pacer.give_back(other)
    redis.start_anew()
    pacer.sent(await pacer.acquire(LIMIT))
    assert redis.windows[OBJECTS].lost == 2
    await asyncio.sleep(0.5)
    pacer._doubted_until = now() + 10
    await pacer.acquire(LIMIT)
    assert len(redis.windows[OBJECTS].log) == 3


async def test_permit_that_is_not_used_is_the_next_ones(redis: ModelRedis) -> None:
    """Every reservation is a request that is sent."""
    gate = Gate(limit(redis), 4)
    wanted = [True]
    for _ in range(3):
        async with gate.permit(Lane.BULK, always):
            pass  # it was never sent
    redis.latency = 0.5
    asyncio.get_running_loop().call_later(0.2, wanted.clear)
    async with gate.permit(Lane.BULK, lambda: bool(wanted)) as permit:
        assert permit is not None  # the one that was given back
        permit.sent()
    wanted = [True]
    asyncio.get_running_loop().call_later(0.2, wanted.clear)
    async with gate.permit(Lane.BULK, lambda: bool(wanted)) as permit:
        assert permit is None
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None
        permit.sent()
    assert len(redis.windows[OBJECTS].log) == 2


async def test_request_that_left_late_is_taken_as_of_then(redis: ModelRedis) -> None:
    """A blocked loop or a new connection delays it; other processes must know."""
    pacer = limit(redis).pacer("objects")
    for lateness in (0.0, 0.01, 3.0, 0.0):
        ticket = await pacer.acquire(LIMIT)
        await asyncio.sleep(lateness)
        pacer.sent(ticket)
    await pacer.acquire(LIMIT)
    seen = [(instant - 10**15) / 1e6 for instant in redis.windows[OBJECTS].log]
    assert seen == pytest.approx([0.0, 0.0, 3.01, 3.01, 3.01], abs=0.001)


async def test_lateness_is_reported_again_when_redis_did_not_answer(
    redis: ModelRedis,
) -> None:
    pacer = limit(redis, on_failure="raise").pacer("objects")
    ticket = await pacer.acquire(LIMIT)
    await asyncio.sleep(3)
    pacer.sent(ticket)
    redis.latency = inf  # it is unreachable, but keeps its state
    with pytest.raises(LimiterUnavailable):
        await pacer.acquire(LIMIT)
    redis.latency = 0.0
    await pacer.acquire(LIMIT)
    seen = [(instant - 10**15) / 1e6 for instant in redis.windows[OBJECTS].log]
    assert seen == pytest.approx([3.0, 3.0], abs=0.001)


async def test_processes_that_stand_still_now_and_then(redis: ModelRedis) -> None:
    """They take turns, so that requests leave half a second late."""
    gates = [Gate(limit(redis), 32) for _ in range(4)]
    traffic = Traffic()
    traffic.lateness = 0.5
    for process, gate in enumerate(gates):
        traffic.start(gate, process)
    await asyncio.sleep(60)
    await traffic.stop()
    assert traffic.worst() <= 190
    assert traffic.between(10, 60) >= 0.93 * 190 * 5


async def test_permit_that_a_hold_overtook_is_asked_for_anew(
    redis: ModelRedis,
) -> None:
    gate = Gate(limit(redis, max_requests=1, burst=1), 2)
    for _ in range(2):
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
        if gate.granted == 1:
            asyncio.get_running_loop().call_later(5, gate.hold, 20)
    assert now() == pytest.approx(25, abs=0.01)
    assert redis.windows[OBJECTS].log[-1] == pytest.approx(10**15 + 25e6, abs=10_000)


# ---- without Redis


@pytest.mark.parametrize("begin", [0.3, 3.0, 9.9, 20.0])
@pytest.mark.parametrize("outage", [0.5, 8.0, 30.0])
async def test_share_while_redis_is_down_and_for_a_window_after(
    redis: ModelRedis, begin: float, outage: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hubbatch")
    loop = asyncio.get_running_loop()
    end = begin + outage
    loop.call_later(begin, redis.take_down)
    loop.call_later(end, redis.start_anew)
    gates = [Gate(limit(redis), 32) for _ in range(4)]
    traffic = await run(end + 40, *gates)
    assert traffic.worst() <= 190
    # Until it has been asked again, and for the window after that.
    careful = end + 2 + 10 + PAD
    assert traffic.between(begin, careful) >= 0.85 * 19 * (careful - begin)
    # Two whole windows, for in each of them a burst leaves at once.
    assert traffic.between(careful, careful + 2 * (10 + PAD)) >= 0.98 * 190 * 2
    for process in range(4):
        mine = sum(process == each for _, each in traffic.sent)
        assert mine == pytest.approx(len(traffic.sent) / 4, rel=0.1)
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count(messages[0]) == 4
    assert "of account 62515 does not answer (ConnectionError)" in messages[0]
    assert "1/4" in messages[0]
    assert "secret" not in caplog.text
    assert sum(message.endswith("62515 is back.") for message in messages) == 4
    assert len(messages) == 8


async def test_redis_that_lost_its_log_makes_everybody_careful(
    redis: ModelRedis,
) -> None:
    """No process noticed the restart; one finds that Redis does not know it."""
    loop = asyncio.get_running_loop()
    loop.call_later(5, redis.start_anew)
    traffic = Traffic()
    for process in range(3):
        traffic.start(Gate(limit(redis), 32), process)
    await asyncio.sleep(5.5)
    traffic.start(Gate(limit(redis), 32), 3)  # it does not know of the lost log
    await asyncio.sleep(40)
    await traffic.stop()
    assert traffic.worst() <= 190
    assert traffic.between(20, 45) >= 0.96 * 19 * 25


async def test_hold_does_not_hide_that_the_log_was_lost(redis: ModelRedis) -> None:
    gate = Gate(limit(redis), 32)
    await run(5, gate)
    redis.start_anew()
    gate.hold(1)
    await asyncio.sleep(0.1)
    window = redis.windows[OBJECTS]
    assert window.doubted == pytest.approx(10**15 + (5 + 10 + PAD) * 1e6, abs=10_000)


async def test_redis_that_never_answers(redis: ModelRedis) -> None:
    """A waiting request leaves a second later, the others at the share's rate."""
    redis.latency = 3600.0
    traffic = await run(40, Gate(limit(redis, expected_processes=2), 32))
    assert 1.0 <= traffic.sent[0][0] < 1.1
    assert traffic.worst() <= 95
    # Every other second is spent on asking whether it is back.
    assert traffic.between(10, 40) >= 0.6 * 95 * 3


async def test_wait_for_redis(
    redis: ModelRedis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "hubbatch")
    loop = asyncio.get_running_loop()
    loop.call_later(5, redis.take_down)
    loop.call_later(30, redis.start_anew)
    gates = [Gate(limit(redis, on_failure="wait"), 32) for _ in range(2)]
    traffic = await run(60, *gates)
    assert traffic.between(5.2, 30) == 0
    assert traffic.between(32, 60) > 400
    assert traffic.worst() <= 190
    assert [record.getMessage()[-26:] for record in caplog.records] == [
        " Waiting until it is back."
    ] * 2


async def test_raise_without_redis(redis: ModelRedis) -> None:
    redis.take_down()
    gate = Gate(limit(redis, on_failure="raise"), 2)

    async def one() -> None:
        async with gate.permit(Lane.BULK, always):
            raise AssertionError("nobody may leave")

    results = await asyncio.gather(*(one() for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in results] == [LimiterUnavailable] * 5
    assert "62515" in str(results[0])
    assert str(pickle.loads(pickle.dumps(results[0]))) == str(results[0])  # noqa: S301 -- our own
    assert "secret" not in str(results[0])
    redis.start_anew()
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None


async def test_batch_that_redis_ends_has_sent_nothing(redis: ModelRedis) -> None:
    redis.take_down()
    async with HubBatch("token", rate_limit=limit(redis, on_failure="raise")) as hub:
        with pytest.raises(LimiterUnavailable) as caught:
            await hub.tickets.create([{"properties": {}}] * 250)
    assert [outcome.status for outcome in caught.value.response.outcomes] == [
        "not_sent"
    ] * 250
    assert caught.value.summary.requests == 0


async def test_wait_that_is_too_long(redis: ModelRedis) -> None:
    pacer = limit(redis, max_requests=1).pacer("objects")
    await pacer.acquire(RateLimit(1))
    impatient = Gate(limit(redis, max_requests=1, max_wait=3), 1)
    with pytest.raises(
        OverloadedError, match=r"no room for 10\.2 s, and max_wait is 3"
    ):
        async with impatient.permit(Lane.SINGLE, always):
            pass
    await asyncio.sleep(8)
    assert len(redis.windows[OBJECTS].log) == 1
    async with impatient.permit(Lane.SINGLE, always) as permit:
        assert permit is not None


async def test_error_without_a_waiter_is_dropped(
    redis: ModelRedis,
) -> None:
    redis.latency = 0.5
    gate = Gate(limit(redis, max_requests=1, max_wait=0), 1)
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None
        permit.sent()
    wanted = [True]
    asyncio.get_running_loop().call_later(0.2, wanted.clear)
    async with gate.permit(Lane.BULK, lambda: bool(wanted)) as permit:
        assert permit is None


async def test_hold_while_redis_is_down_is_kept_by_this_process(
    redis: ModelRedis,
) -> None:
    gate = Gate(limit(redis), 1)
    redis.latency = 3600.0
    gate.hold(5)  # the outage has not been noticed yet
    async with gate.permit(Lane.BULK, always):
        pass
    trips = redis.trips
    gate.hold(5)
    await asyncio.sleep(0)
    assert redis.trips == trips
    async with gate.permit(Lane.BULK, always):
        pass
    assert now() >= 11


# ---- its life


async def test_own_connection_is_closed_and_the_users_is_not(
    redis: ModelRedis,
) -> None:
    gate = Gate(limit(redis), 1)
    async with gate.permit(Lane.BULK, always):
        gate.hold(1)
    await gate.aclose()
    assert redis.closed == 0
    gate = Gate(RedisRateLimit("redis://localhost", account="1"), 1)
    with patch.object(Redis, "from_url", return_value=redis):
        async with gate.permit(Lane.BULK, always):
            pass
    await gate.aclose()
    assert redis.closed == 1


@pytest.fixture
def by_url(redis: ModelRedis) -> Iterator[RedisRateLimit]:
    """A limit whose pacers own their connections."""
    shared = RedisRateLimit("redis://localhost", account="1", max_requests=1)
    with patch.object(Redis, "from_url", return_value=redis):
        yield shared


async def test_connection_outlives_a_client_while_another_waits_for_it(
    redis: ModelRedis, by_url: RedisRateLimit
) -> None:
    """A dropped client and the account's next one share it."""
    old, new = Gate(by_url, 1), Gate(by_url, 1)
    for gate in (old, new):
        gate.belong_to("1")
    await run(1, old)
    waiting = asyncio.create_task(run(20, new))
    await asyncio.sleep(5)
    await old.aclose()
    assert redis.closed == 0
    traffic = await waiting
    assert len(traffic.sent) == 2
    await new.aclose()
    assert redis.closed == 1


async def test_connection_is_closed_when_all_have_stopped_waiting(
    redis: ModelRedis, by_url: RedisRateLimit
) -> None:
    gate = Gate(by_url, 1)
    redis.latency = 5.0
    waiting = asyncio.create_task(run(100, gate, workers=1))
    await asyncio.sleep(1)
    queue = gate._account_limits().queue("objects")
    asking = queue._ticket
    assert asking is not None
    waiting.cancel()
    for task in asyncio.all_tasks() - {asyncio.current_task(), asking}:
        task.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await gate.aclose()
    assert redis.closed == 1
    assert asking.cancelled()


async def test_connection_of_a_client_that_was_let_go_is_closed(
    redis: ModelRedis, by_url: RedisRateLimit
) -> None:
    gate = Gate(by_url, 1)
    async with gate.permit(Lane.BULK, always):
        pass
    gate.let_go()
    await asyncio.sleep(11)
    assert redis.closed == 1


async def test_gate_that_was_never_used_closes(redis: ModelRedis) -> None:
    await Gate(limit(redis), 1).aclose()
    assert redis.closed == 0


# ---- bad input


@pytest.mark.parametrize(
    "account", ["", "a b", "{1}", "62515:x", "pat-na1-é", "x" * 65, None, 1.5, True]
)
def test_bad_account(account: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^account must be ") as caught:
        RedisRateLimit("redis://localhost", account=account)  # type: ignore[arg-type] # wrong on purpose
    assert repr(account) in str(caught.value)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("localhost:6379", "'localhost:6379'"),
        ("http://localhost", "'http://localhost'"),
        ("redis://:hunter2@localhost:port/0", "'redis://***@localhost:port/0'"),
        ("redis://u:hunt/er2#@localhost:port", "'redis://***@localhost:port'"),
        ("redis://localhost?db=hunter2", "'redis://localhost'"),
        ("redis://localhost?passwort=hunter2", "'redis://localhost'"),
        ("", "''"),
    ],
)
def test_bad_url(url: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^redis must be a URL") as caught:
        RedisRateLimit(url, account="1")
    assert str(caught.value).endswith(f"not {named}.")
    assert caught.value.__suppress_context__


def test_neither_url_nor_client() -> None:
    with pytest.raises(ConfigurationError, match="not int"):
        RedisRateLimit(6379, account="1")  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_requests", 0),
        ("interval", -1),
        ("burst", 0.5),
        ("expected_processes", 0),
        ("on_failure", "explode"),
        ("max_wait", -1),
        ("max_wait", inf),
        ("max_wait", "long"),
    ],
)
def test_bad_option(redis: ModelRedis, option: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        limit(redis, **{option: value})
    assert repr(value) in str(caught.value)


def test_redis_py_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.delitem(sys.modules, "hubbatch.integrations.redis")
    with pytest.raises(ImportError, match=r"pip install 'hubbatch\[redis\]'"):
        importlib.import_module("hubbatch.integrations.redis")


def test_hubbatch_is_imported_without_redis_py() -> None:
    code = "import sys, hubbatch; sys.exit('redis' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 -- our own


def test_password_is_not_shown() -> None:
    shared = RedisRateLimit("redis://:hunter2@localhost/0", account=62515)
    assert repr(shared).startswith("<RedisRateLimit of '62515': RateLimit(")
    with suppress(TypeError):
        assert "hunter2" not in str(vars(shared.pacer("objects")))


def test_token_is_no_account_and_is_not_shown() -> None:
    """It would be part of the keys, visible to all users of Redis."""
    with pytest.raises(ConfigurationError, match="not an access token") as caught:
        RedisRateLimit("redis://localhost", account="pat-na1-11112222-3333")
    assert "11112222" not in str(caught.value)

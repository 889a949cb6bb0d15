"""A real Redis over its socket: what it stores, and what happens without it."""

import asyncio
import logging

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from redis.asyncio import Redis

import hubbatch.integrations._redis.pacer

from hubbatch import HubBatch, OverloadedError, RateLimit
from hubbatch.integrations._redis.pacer import RedisPacer
from hubbatch.integrations.redis import LimiterUnavailable, RedisRateLimit
from hubbatch.simulator import Simulator

from .conftest import RedisServer, free_port


# A limit so large that even its shares cause no wait.
LIMIT = RateLimit(10_000, burst=10_000)
LOG = "hubbatch:{62515}:objects:log"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubbatch.integrations._redis.pacer, "_RETRY", 0.05)


@pytest_asyncio.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


def limit(redis: str | Redis, **options: Any) -> RedisRateLimit:
    return RedisRateLimit(redis, account=62515, **options)


def paced(redis: str | Redis, **options: Any) -> RedisPacer:
    return limit(redis, **options).pacer("objects")


async def logged(pacer: RedisPacer, client: Redis) -> int:
    """Send requests until Redis has a log again; return its length."""
    while not await client.exists(LOG):
        await pacer.acquire(LIMIT)
    return int(await client.llen(LOG))


async def test_batch_by_url_logs_its_requests(
    redis_server: RedisServer, client: Redis, hubspot_simulator: Simulator
) -> None:
    create = hubspot_simulator.store.create
    ids = [create("tickets", {"subject": "s"}).id for _ in range(250)]
    shared = limit(redis_server.url)
    async with HubBatch(
        hubspot_simulator.token, base_url=hubspot_simulator.url, rate_limit=shared
    ) as hub:
        response = await hub.tickets.read(ids)
    assert response.succeeded == 250
    assert len(hubspot_simulator.requests) == 3
    # Requests that were cancelled may have reservations too.
    assert await client.llen(LOG) >= 3
    keys = sorted([key async for key in client.scan_iter()])
    assert keys == [LOG, "hubbatch:{62515}:objects:state"]
    assert all([0 < await client.pttl(key) <= 12_000 for key in keys])


async def test_client_of_the_user_serves_many_accounts_and_stays_open(
    client: Redis, hubspot_simulator: Simulator
) -> None:
    for account in ("1", "2"):
        shared = RedisRateLimit(client, account=account)
        async with HubBatch(
            hubspot_simulator.token, base_url=hubspot_simulator.url, rate_limit=shared
        ) as hub:
            await hub.account()
    assert await client.llen("hubbatch:{1}:objects:log") == 1
    assert await client.llen("hubbatch:{2}:objects:log") == 1


async def test_hold_is_seen_by_another_process(
    redis_server: RedisServer, client: Redis
) -> None:
    one, other = paced(client), paced(redis_server.url, max_wait=1)
    await other.acquire(LIMIT)
    one.hold(30)
    await one.aclose()  # it has reported to Redis by then
    with pytest.raises(OverloadedError, match=r"no room for (30\.0|29\.\d) s"):
        await other.acquire(LIMIT)
    await other.aclose()


async def test_redis_that_forgot_the_script(client: Redis) -> None:
    pacer = paced(client, on_failure="raise")
    await pacer.acquire(LIMIT)
    await client.script_flush()
    await pacer.acquire(LIMIT)
    assert await client.llen(LOG) == 2


@pytest.mark.parametrize("given", [True, False])
async def test_redis_that_is_started_anew(
    redis_server: RedisServer, *, given: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """By URL, and with a client of the user with its own timeouts."""
    caplog.set_level(logging.INFO, "hubbatch")
    client = Redis.from_url(redis_server.url)
    pacer = paced(client if given else redis_server.url)
    for _ in range(3):
        await pacer.acquire(LIMIT)
    redis_server.kill()
    for _ in range(3):
        await pacer.acquire(LIMIT)
    redis_server.start()
    assert await logged(pacer, client) == 1
    state = await client.hgetall("hubbatch:{62515}:objects:state")
    assert int(state[b"doubted"]) > int(state[b"now"])
    assert len(caplog.records) == 2
    await pacer.aclose()
    await client.aclose()


async def test_connection_that_was_closed_is_opened_anew_at_once(
    redis_server: RedisServer, client: Redis
) -> None:
    """A firewall or Redis's `timeout` may close it; that is not a failure."""
    pacer = paced(redis_server.url, on_failure="raise")
    await pacer.acquire(LIMIT)
    await client.client_kill_filter(skipme=True, _type="normal")
    await pacer.acquire(LIMIT)
    assert await client.llen(LOG) == 2
    await pacer.aclose()


async def test_redis_that_hangs(
    redis_server: RedisServer, client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    pacer = paced(redis_server.url)
    await pacer.acquire(LIMIT)
    await client.delete(LOG)
    redis_server.pause()
    try:
        await pacer.acquire(LIMIT)
    finally:
        redis_server.go_on()
    assert "does not answer (TimeoutError)" in caplog.text
    assert await logged(pacer, client) >= 1
    await pacer.aclose()


async def test_no_server_at_the_other_end() -> None:
    pacer = paced(f"redis://127.0.0.1:{free_port()}", on_failure="raise")
    with pytest.raises(LimiterUnavailable, match=r"62515 .*ConnectionError"):
        await pacer.acquire(LIMIT)
    await pacer.aclose()


async def test_wrong_password_is_said_and_not_shown(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()
    redis_server.password = "correct"  # noqa: S105 -- a test's
    redis_server.start()
    good = paced(redis_server.url)
    await good.acquire(LIMIT)
    assert caplog.records == []
    pacer = paced(redis_server.url.replace("correct", "hunter2"))
    await pacer.acquire(LIMIT)
    assert "(AuthenticationError)" in caplog.text
    assert "hunter2" not in caplog.text
    assert "correct" not in caplog.text
    await asyncio.gather(good.aclose(), pacer.aclose())


async def test_cancelled_in_the_middle_of_asking(
    redis_server: RedisServer, client: Redis
) -> None:
    """The next request must not get the answer of the cancelled one."""
    pacer = paced(redis_server.url, max_wait=30, on_failure="raise")
    await pacer.acquire(LIMIT)
    for turns in range(8):
        waiter = asyncio.create_task(pacer.acquire(LIMIT))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiter.cancel()
    await pacer.acquire(LIMIT)
    assert await client.llen(LOG) >= 2
    await pacer.aclose()

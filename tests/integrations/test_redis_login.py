"""Processes that share a login through Redis, as in the guide."""

import asyncio
import json

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from redis.asyncio import Redis

from hubbatch import HubBatch, OAuth, OAuthTokens
from hubbatch.simulator import Simulator

from .conftest import RedisServer


def login(redis: Redis, refresh_token: str) -> OAuth:
    @asynccontextmanager
    async def stored() -> AsyncIterator[OAuthTokens | None]:
        async with redis.lock("hubbatch:{62515}:login:lock", timeout=60):
            saved = await redis.get("hubbatch:{62515}:login")
            yield None if saved is None else parse(saved)

    async def save(tokens: OAuthTokens) -> None:
        await redis.set("hubbatch:{62515}:login", dump(tokens))

    return OAuth("app", "hush", refresh_token, lock=stored, on_refresh=save)


def dump(tokens: OAuthTokens) -> str:
    expires_at = tokens.expires_at and tokens.expires_at.isoformat()
    return json.dumps([tokens.access_token, tokens.refresh_token, expires_at])


def parse(saved: bytes | str) -> OAuthTokens:
    access_token, refresh_token, expires_at = json.loads(saved)
    expires_at = expires_at and datetime.fromisoformat(expires_at)
    return OAuthTokens(access_token, refresh_token, expires_at)


async def test_one_of_many_processes_refreshes(
    redis_server: RedisServer, hubspot_simulator: Simulator
) -> None:
    refresh_token = hubspot_simulator.install_app("app", "hush")

    async def process() -> int:
        async with (
            Redis.from_url(redis_server.url) as redis,
            HubBatch(
                login(redis, refresh_token), base_url=hubspot_simulator.url
            ) as hub,
        ):
            return (await hub.account()).portal_id

    portals = await asyncio.gather(*(process() for _ in range(5)))
    assert len(set(portals)) == 1
    asked = [received.path for received in hubspot_simulator.requests]
    assert sum("oauth" in path for path in asked) == 1
    assert sum("oauth" not in path for path in asked) == 5

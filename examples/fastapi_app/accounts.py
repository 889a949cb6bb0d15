"""Whose tickets: the accounts, their tokens and their limits.

HUBSPOT_ACCOUNTS: access tokens by account, e.g. {"62515": "pat-eu1-..."}; in real life
they come from a vault or a table.
REDIS_URL: the Redis in which all processes keep the rate limit together. Without one
there may be a single process only.
HUBSPOT_MAX_REQUESTS: of an account, in 10 s; by default 190, that of Professional.
"""

import json
import os

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, HTTPException
from redis.asyncio import Redis

from hubbatch import Accounts, HubBatch
from hubbatch.integrations.fastapi import client_of
from hubbatch.integrations.redis import RedisRateLimit


TOKENS: dict[str, str] = json.loads(os.environ.get("HUBSPOT_ACCOUNTS", "{}"))
REDIS_URL = os.environ.get("REDIS_URL")
MAX_REQUESTS = int(os.environ.get("HUBSPOT_MAX_REQUESTS", "190"))


@asynccontextmanager
async def opening() -> AsyncIterator[Accounts]:
    """Have the clients of a process, for as long as it lives."""
    if not REDIS_URL:
        async with Accounts(load) as accounts:
            yield accounts
        return

    def limit_of(account: str) -> RedisRateLimit:
        return RedisRateLimit(redis, account=account, max_requests=MAX_REQUESTS)

    # One for all accounts; it must not make a request wait for long when it is gone.
    async with (
        Redis.from_url(REDIS_URL, socket_timeout=0.5) as redis,
        Accounts(load, rate_limit=limit_of) as accounts,
    ):
        yield accounts


async def load(account: str) -> str:
    """Give the access token of an account."""
    token = TOKENS.get(account)
    if token is None:
        raise HTTPException(404, "There is no such account.")
    return token


async def account_of(account: str) -> str:
    """Find the account in the path. Check here whether the caller may act for it."""
    return account


Hub = Annotated[HubBatch, Depends(client_of(account_of))]

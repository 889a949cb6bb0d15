"""Whose tickets: the accounts, their tokens and their limits.

HUBSPOT_ACCOUNTS: access tokens by account, e.g. {"62515": "pat-eu1-..."}; in real life
they come from a vault or a table.
REDIS_URL: the Redis in which all processes keep the rate limit together. Without one
there may be a single process only.
HUBSPOT_MAX_REQUESTS: of an account, in 10 s; by default 190, that of Professional.
"""

import json
import os

from typing import Annotated

from fastapi import Depends, HTTPException

from hubbatch import Accounts, HubBatch
from hubbatch.integrations.fastapi import client_of


TOKENS: dict[str, str] = json.loads(os.environ.get("HUBSPOT_ACCOUNTS", "{}"))
REDIS_URL = os.environ.get("REDIS_URL")
MAX_REQUESTS = int(os.environ.get("HUBSPOT_MAX_REQUESTS", "190"))


def opening() -> Accounts:
    """Make the clients of a process; the lifespan closes them."""
    if REDIS_URL is None:
        return Accounts(load)
    from hubbatch.integrations.redis import RedisRateLimit  # noqa: PLC0415

    def limit_of(account: str) -> RedisRateLimit:
        return RedisRateLimit(REDIS_URL, account=account, max_requests=MAX_REQUESTS)

    return Accounts(load, rate_limit=limit_of)


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

"""One rate limit for many processes, kept in Redis or Valkey.

Every permit is one call of a script that reserves the next instant at which a request
may leave, by Redis's own clock, and answers how long to wait for it. So processes are
served first come first served, nobody polls, and no process's clock matters.
"""

import re

from math import inf
from typing import Any, get_args

from attrs import evolve

from hubbatch._limits.window import BURST, INTERVAL, RateLimit
from hubbatch.errors import ConfigurationError, LimiterUnavailable


try:
    from redis import exceptions
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    from hubbatch.integrations._redis.pacer import (
        OnFailure,
        RedisPacer,
    )
except ImportError as _missing:
    raise ImportError(
        "RedisRateLimit needs redis-py: pip install 'hubbatch[redis]'"
    ) from _missing


__all__ = ["LimiterUnavailable", "OnFailure", "RedisRateLimit"]

_SOCKET_PATIENCE = 0.5  # seconds, less than a pacer waits for an answer
_ACCOUNT = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RedisRateLimit:
    """A rate limit that every process keeps that names the same account.

    Give it to each client: `HubBatch(rate_limit=RedisRateLimit(url, account="62515"))`.
    All processes must give the same limit. It needs Redis 5 or newer, or Valkey.

    While Redis cannot be asked, a process goes on by itself with a share of the limit,
    and for one interval after, since Redis knows nothing of what left meanwhile.

    Args:
        redis: a URL (`redis://`, `rediss://`, `unix://`), or a `redis.asyncio.Redis`
            to share among accounts, which is never closed here. A client of yours
            belongs to its event loop; with a URL each loop has connections of its own.
        account: what the limit belongs to: the account's number or, as each app has a
            limit of its own, number and app, such as `"62515-import"`. Up to 64
            letters, digits, dots, hyphens and underscores; it stands in Redis's keys.
        max_requests: how many requests all processes together may send in any
            `interval` seconds. HubSpot's headers may lower it, never raise it.
        interval: in seconds; HubSpot's is 10.
        burst: how many of them may leave at once; the rest is spread.
        on_failure: what to do while Redis cannot be asked: `"share"` goes on with
            `1 / expected_processes` of the limit, `"wait"` waits for Redis, `"raise"`
            ends the batch with `LimiterUnavailable`.
        max_wait: how many seconds the request that is next may wait for those of other
            processes; a longer wait ends its batch, or its single calls, with
            `OverloadedError`, and takes nothing of the limit. None is any wait.
        expected_processes: how many processes share the limit while Redis cannot be
            asked.

    Raises:
        ConfigurationError: for anything that cannot be one of these.
    """

    def __init__(
        self,
        redis: str | Redis,
        *,
        account: str | int,
        max_requests: int = 190,
        interval: float = INTERVAL,
        burst: int = BURST,
        on_failure: OnFailure = "share",
        max_wait: float | None = None,
        expected_processes: int = 4,
    ) -> None:
        self.limit: RateLimit = RateLimit(max_requests, interval, burst)
        evolve(self.limit, processes=expected_processes)  # checks it
        self.account: str = _checked_account(account)
        if on_failure not in get_args(OnFailure):
            raise ConfigurationError(
                f"on_failure must be 'share', 'wait' or 'raise', not {on_failure!r}"
            )
        number = max_wait if isinstance(max_wait, int | float) else -1
        if max_wait is not None and not 0 <= number < inf:
            raise ConfigurationError(
                f"max_wait must be None or a number of seconds, not {max_wait!r}"
            )
        self.on_failure: OnFailure = on_failure
        self.max_wait: float | None = max_wait
        self.expected_processes: int = expected_processes
        self._redis = _checked_redis(redis)

    def __repr__(self) -> str:
        return f"<RedisRateLimit of {self.account!r}: {self.limit}>"

    def pacer(self, family: str) -> RedisPacer:
        """Make what keeps the limit of one family of calls in one event loop."""
        redis = self._redis
        if isinstance(redis, str):
            return RedisPacer(lambda: _open(redis), self, family, owned=True)
        return RedisPacer(lambda: redis, self, family, owned=False)


def _checked_account(given: object) -> str:
    text = str(given) if isinstance(given, str | int) else ""
    if not _ACCOUNT.fullmatch(text) or isinstance(given, bool):
        raise ConfigurationError(
            "account must be 1 to 64 letters, digits, dots, hyphens and underscores, "
            f"not {given!r}"
        )
    if text.startswith("pat-"):  # it would stand in Redis's keys
        raise ConfigurationError("account must be its number or name, not its token")
    return text


def _checked_redis(given: object) -> str | Redis:
    if isinstance(given, Redis):
        return given
    if not isinstance(given, str):
        raise ConfigurationError(
            f"redis must be a URL or a redis.asyncio.Redis, not {type(given).__name__}"
        )
    try:
        _open(given).connection_pool.make_connection()
    except Exception:  # noqa: BLE001 -- of any kind, and its text may hold a password
        raise ConfigurationError(
            "redis must be a URL such as redis://localhost:6379/0, "
            f"not {_without_secrets(given)!r}"
        ) from None
    return given


def _without_secrets(url: str) -> str:
    """Give a URL without user, password and options, also if it is a broken one."""
    return re.sub(r"//.*@", "//***@", url.partition("?")[0], flags=re.DOTALL)


def _open(url: str) -> Any:
    """Make a client that does not let a request wait for a Redis that is gone."""
    return Redis.from_url(
        url,
        socket_timeout=_SOCKET_PATIENCE,
        socket_connect_timeout=_SOCKET_PATIENCE,
        # A connection that has been idle may have been closed.
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError],
    )

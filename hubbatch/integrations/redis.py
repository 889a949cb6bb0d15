"""One rate limit for many processes, kept in Redis or Valkey.

Each permit is one call of a script that reserves the next instant at which a request
may leave, on Redis's clock, and returns how long to wait for it. Therefore processes
are served in order, without polling, and their own clocks do not matter.
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

_SOCKET_PATIENCE = 0.5  # seconds; shorter than the timeout of a pacer
_ACCOUNT = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RedisRateLimit:
    """A rate limit shared by all processes that use the same account.

    Pass it to each client: `HubBatch(rate_limit=RedisRateLimit(url, account="62515"))`.
    All processes must set the same limit. It needs Redis 5 or newer, or Valkey.

    If Redis does not answer, each process continues with a share of the limit, until
    one interval after Redis is back, because Redis has no record of the requests sent
    in between.

    Args:
        redis: A URL (`redis://`, `rediss://`, `unix://`), or a `redis.asyncio.Redis` to
            share among accounts, which hubbatch does not close. Your own client belongs
            to its event loop; with a URL, each loop gets its own connections.
        account: The owner of the limit: the account's id or, because each app has its
            own limit, the id and the app, such as `"62515-import"`. Up to 64 letters,
            digits, dots, hyphens and underscores. It is part of the keys in Redis.
        max_requests: The number of requests that all processes together may send in any
            `interval`. HubSpot's headers may lower it, never raise it.
        interval: The length of the window in seconds; HubSpot's is 10.
        burst: The number of requests that may leave at once; the others are spread out.
        on_failure: What to do while Redis does not answer: `"share"` continues with `1
            / expected_processes` of the limit, `"wait"` waits for Redis, `"raise"` ends
            the batch with `LimiterUnavailable`.
        max_wait: The maximum number of seconds that a request may have to wait for
            those of other processes. A longer wait ends its batch, or its single calls,
            with `OverloadedError`, and uses none of the limit. None means no maximum.
        expected_processes: The number of processes among which the limit is divided
            while Redis does not answer.

    Raises:
        ConfigurationError: If an argument has an invalid value.
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
        """Return a pacer for one family of calls in one event loop."""
        redis = self._redis
        if isinstance(redis, str):
            return RedisPacer(lambda: _open(redis), self, family, owned=True)
        return RedisPacer(lambda: redis, self, family, owned=False)


def _checked_account(account: object) -> str:
    name = str(account) if isinstance(account, str | int) else ""
    if not _ACCOUNT.fullmatch(name) or isinstance(account, bool):
        raise ConfigurationError(
            "account must be 1 to 64 letters, digits, dots, hyphens and underscores, "
            f"not {account!r}"
        )
    if name.startswith("pat-"):  # it would be part of the keys in Redis
        raise ConfigurationError("account must be an id or a name, not an access token")
    return name


def _checked_redis(redis: object) -> str | Redis:
    if isinstance(redis, Redis):
        return redis
    if not isinstance(redis, str):
        raise ConfigurationError(
            f"redis must be a URL or a redis.asyncio.Redis, not {type(redis).__name__}"
        )
    try:
        _open(redis).connection_pool.make_connection()
    except Exception:  # noqa: BLE001 -- of any kind, and its message may contain a password
        raise ConfigurationError(
            "redis must be a URL such as redis://localhost:6379/0, "
            f"not {_without_secrets(redis)!r}"
        ) from None
    return redis


def _without_secrets(url: str) -> str:
    """Return a URL without user, password and options, even if it is invalid."""
    return re.sub(r"//.*@", "//***@", url.partition("?")[0], flags=re.DOTALL)


def _open(url: str) -> Any:
    """Return a client with short timeouts, in case Redis is gone."""
    return Redis.from_url(
        url,
        socket_timeout=_SOCKET_PATIENCE,
        socket_connect_timeout=_SOCKET_PATIENCE,
        # An idle connection may have been closed.
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError],
    )

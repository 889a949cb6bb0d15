"""The tokens and rate limits of portals, for the actors of a Ray cluster."""

import os
import re

from importlib import import_module
from typing import Any

from hubbatch._limits.window import RateLimit
from hubbatch._net.auth import TokenSource
from hubbatch._net.oauth import OAuth
from hubbatch.accounts import Accounts, AnyRateLimit, TokenLoader
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, HubBatchError


# Access tokens contain hyphens, so no token is mistaken for a variable's name.
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLACE = "{portal}"
_PORTAL = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Portals:
    """The portals of a run: everything an actor needs to send to any of them.

    It is pickled and sent to the actors, so it contains no secret. It names the
    environment variables that hold the secrets on the actors' machines, or has a
    function that fetches them there. Anything that function closes over is pickled with
    it.

    Args:
        token_env: The variable with the access token. `{portal}` in it stands for the
            portal, with underscores for its dots and hyphens: `"HUBSPOT_{portal}"`.
        load: Instead of `token_env`, an async function that takes the portal and
            returns its access token, an async callable that returns one, or an `OAuth`.
            Processes that share an OAuth login must also share its tokens (`lock`).
        redis_env: The variable with the URL of the Redis in which all actors share the
            limit of each portal (`RedisRateLimit`, extra `redis`). Without it every
            actor gets an equal share of the limit, used or not.
        max_requests: The limit of each portal, in requests per 10 s.
        client_options: Other options of `HubBatch` that can be pickled: `base_url`,
            `retry`, `daily_reserve` ...

    Raises:
        TypeError: If `HubBatch` does not accept an option, or `load` is not callable.
        ConfigurationError: If an argument has an invalid value.
        ImportError: If redis-py is missing and `redis_env` is set.
    """

    def __init__(
        self,
        *,
        token_env: str | None = None,
        load: TokenLoader | None = None,
        redis_env: str | None = None,
        max_requests: int = 190,
        **client_options: Any,
    ) -> None:
        if (token_env is None) is (load is None):
            raise ConfigurationError("set either token_env or load")
        if load is not None and not callable(load):
            raise TypeError(f"load must be callable, not {type(load).__name__}")
        for name in ("session", "listeners", "rate_limit", "access_token"):
            if name in client_options:
                raise TypeError(f"{name} cannot be sent to the actors")
        self.token_env: str | None = _checked_variable("token_env", token_env)
        self.redis_env: str | None = _checked_variable("redis_env", redis_env)
        self.limit: RateLimit = RateLimit(max_requests)
        self._load = load
        self._options = client_options
        HubBatch("unused", **client_options)  # to raise for an invalid option now
        if redis_env is not None:
            import_module("hubbatch.integrations.redis")  # raises if it is missing

    def __repr__(self) -> str:
        where = "a function" if self.token_env is None else f"${self.token_env}"
        shared = f", Redis of ${self.redis_env}" if self.redis_env else ""
        return f"<Portals, tokens from {where}{shared}>"

    def open(self, actors: int) -> Accounts:
        """Return the clients of an actor, one per portal, for its event loop.

        Args:
            actors: The number of actors that share the limits.

        Raises:
            ConfigurationError: If the variable with the Redis URL is not set here.
        """
        return Accounts(
            self._token_of, rate_limit=self._limiter(actors), **self._options
        )

    def _limiter(self, actors: int) -> Any:
        limit = self.limit.max_requests
        if self.redis_env is None:
            return RateLimit(limit, processes=actors)
        # redis-py is needed only if the limit is shared.
        from hubbatch.integrations.redis import RedisRateLimit  # noqa: PLC0415

        url = _variable(self.redis_env)

        def limit_of(portal: str) -> AnyRateLimit:
            return RedisRateLimit(
                url, account=portal, max_requests=limit, expected_processes=actors
            )

        return limit_of

    async def _token_of(self, portal: str) -> TokenSource | OAuth:
        if self._load is None:
            assert self.token_env is not None  # noqa: S101 -- one of the two is set
            inserted = re.sub(r"[.-]", "_", portal)
            return _variable(self.token_env.replace(_PLACE, inserted))
        try:
            return await self._load(portal)
        except HubBatchError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"load returned no token for portal {portal}: {type(error).__name__}"
            ) from error


def portal_name(portal: object) -> str:
    """Return a portal's name, which is used in Redis keys and environment variables.

    Raises:
        ConfigurationError: If it is not a number or a short plain string.
    """
    usable = isinstance(portal, str | int) and not isinstance(portal, bool)
    if not usable or not _PORTAL.fullmatch(str(portal)):
        raise ConfigurationError(
            "portal must be a number, or up to 64 letters, digits, dots, hyphens and "
            f"underscores, not {portal!r}"
        )
    return str(portal)


def _checked_variable(option: str, name: object) -> str | None:
    if name is None:
        return None
    plain = name.replace(_PLACE, "") if isinstance(name, str) else ""
    if not _VARIABLE.fullmatch(plain):  # do not quote it: it may be the secret
        raise ConfigurationError(
            f"{option} must be the name of an environment variable"
        )
    return str(name)


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"the variable {name} is not set where an actor runs")
    return value

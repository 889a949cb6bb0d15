"""Where the actors of a Ray cluster find the tokens and the limits of portals."""

import os
import re

from importlib import import_module
from typing import Any

from hubbatch._limits.window import RateLimit
from hubbatch.accounts import Accounts, Limit, Load
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, HubBatchError
from hubbatch.net.auth import TokenSource
from hubbatch.net.oauth import OAuth


# A token has hyphens, so it cannot be mistaken for a variable's name.
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLACE = "{portal}"
_PORTAL = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Portals:
    """The portals of a run: what each actor needs to send to any of them.

    It travels to the actors and holds no secret: it names the environment variables
    of the actors' machines in which the secrets are, or has a function that fetches
    them there. Whatever that function closes over travels with it.

    Args:
        token_env: the variable with the access token. `{portal}` in it stands for the
            portal, with underscores for its dots and hyphens: `"HUBSPOT_{portal}"`.
        load: instead of it, an async function that is given the portal and gives its
            access token, an async callable that gives one, or an `OAuth`. Processes
            that share an OAuth login must share its tokens, too (`lock`).
        redis_env: the variable with the URL of the Redis in which all actors share
            the limit of each portal (`RedisRateLimit`, extra `redis`). Without it
            every actor keeps to its own equal part of the limit, used or not.
        max_requests: the ceiling of each portal, in requests per 10 s.
        client_options: what else `HubBatch` takes and can be pickled: `base_url`,
            `retry`, `daily_reserve` ...

    Raises:
        TypeError: for an option that `HubBatch` does not take.
        ConfigurationError: for a value that cannot be one of these.
        ImportError: without redis-py, if a Redis is named.
    """

    def __init__(
        self,
        *,
        token_env: str | None = None,
        load: Load | None = None,
        redis_env: str | None = None,
        max_requests: int = 190,
        **client_options: Any,
    ) -> None:
        if (token_env is None) is (load is None):
            raise ConfigurationError("give token_env or load, one of them")
        if load is not None and not callable(load):
            raise TypeError(f"load must be callable, not {type(load).__name__}")
        for name in ("session", "listeners", "rate_limit", "access_token"):
            if name in client_options:
                raise TypeError(f"{name} cannot travel to the actors")
        self.token_env: str | None = _checked_variable("token_env", token_env)
        self.redis_env: str | None = _checked_variable("redis_env", redis_env)
        self.limit: RateLimit = RateLimit(max_requests)
        self._load = load
        self._options = client_options
        HubBatch("unused", **client_options)  # to hear of a wrong option now
        if redis_env is not None:
            import_module("hubbatch.integrations.redis")  # to hear that it is missing

    def __repr__(self) -> str:
        where = "a function" if self.token_env is None else f"${self.token_env}"
        shared = f", Redis of ${self.redis_env}" if self.redis_env else ""
        return f"<Portals, tokens from {where}{shared}>"

    def open(self, actors: int) -> Accounts:
        """Make the clients of one of so many actors, in its event loop.

        Raises:
            ConfigurationError: if the variable with the Redis is not set here.
        """
        return Accounts(
            self._token_of, rate_limit=self._limiter(actors), **self._options
        )

    def _limiter(self, actors: int) -> Any:
        most = self.limit.max_requests
        if self.redis_env is None:
            return RateLimit(most, processes=actors)
        # Only who shares one needs it.
        from hubbatch.integrations.redis import RedisRateLimit  # noqa: PLC0415

        url = _variable(self.redis_env)

        def limit_of(portal: str) -> Limit:
            return RedisRateLimit(
                url, account=portal, max_requests=most, expected_processes=actors
            )

        return limit_of

    async def _token_of(self, portal: str) -> TokenSource | OAuth:
        if self._load is None:
            assert self.token_env is not None  # noqa: S101 -- one of the two is given
            inserted = re.sub(r"[.-]", "_", portal)
            return _variable(self.token_env.replace(_PLACE, inserted))
        try:
            return await self._load(portal)
        except HubBatchError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"load gave no token for portal {portal}: {type(error).__name__}"
            ) from error


def portal_name(given: object) -> str:
    """Read the name of a portal: it stands in Redis's keys and variables' names.

    Raises:
        ConfigurationError: for anything but a number or a short plain text.
    """
    usable = isinstance(given, str | int) and not isinstance(given, bool)
    if not usable or not _PORTAL.fullmatch(str(given)):
        raise ConfigurationError(
            "a portal is its number, or up to 64 letters, digits, dots, hyphens and "
            f"underscores, not {given!r}"
        )
    return str(given)


def _checked_variable(option: str, given: object) -> str | None:
    if given is None:
        return None
    plain = given.replace(_PLACE, "") if isinstance(given, str) else ""
    if not _VARIABLE.fullmatch(plain):  # and it is not shown: it may be the secret
        raise ConfigurationError(f"{option} must be the name of a variable")
    return str(given)


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"the environment has no {name} where an actor runs")
    return value

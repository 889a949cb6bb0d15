"""The client."""

import os

from collections.abc import Iterable
from math import inf
from types import TracebackType
from typing import Any, Literal, Self, overload

import aiohttp

from .associations import Associations, AssociationsV3
from .core.arguments import check_api_version
from .core.days import parse_reserve
from .core.forecasting import Plan, named_call, plan
from .core.object_types import StandardTypes
from .core.operations import look_up
from .core.pacing import RateLimit
from .core.retrying import RetryPolicy
from .errors import ConfigurationError
from .legacy import Legacy
from .lists import ListMemberships
from .models import Account
from .net.auth import TokenSource
from .net.batch import Batch
from .net.engine import Engine
from .net.listening import Listener, Listeners
from .net.loops import Home
from .net.oauth import OAuth, sign_in
from .net.pacers import SharedLimit
from .net.pacing import Gate, Limits
from .net.transport import AiohttpTransport, Sessions, check_base_url
from .objects import Objects
from .properties import Properties
from .schemas import Schemas
from .single import Single
from .splits import DealSplits


_BASE_URL = "https://api.hubapi.com"
_API_VERSION = "v3"


class HubBatch(StandardTypes):
    """A client of one HubSpot account, with an attribute for each object type.

    Enter it with `async with`, or call `aclose` in the end. It may be made outside an
    event loop. It is used in one loop at a time: once that loop is closed (when
    `asyncio.run` has ended) it moves to the next one, and keeps its used limits.

    Args:
        access_token: a service key, a private-app or an OAuth access token; an
            async callable that gives one and is asked for every request; or an
            `OAuth`. By default the environment's HUBSPOT_ACCESS_TOKEN.
        base_url: where HubSpot is; else HUBBATCH_BASE_URL, else api.hubapi.com.
        api_version: `"v3"` or a dated version such as `"2026-03"`; else
            HUBBATCH_API_VERSION, else v3.
        rate_limit: `"auto"` starts at 100 requests per 10 s and follows what HubSpot
            tells; a number per 10 s or a `RateLimit` is a ceiling. Clients with the
            same token in one event loop share one limit, and the lowest ceiling.
            Or a `RedisRateLimit`, from `hubbatch.integrations.redis`, that processes
            share.
        max_concurrency: how many requests may be under way at a time.
        retry: how often and how long a chunk is tried.
        timeout: seconds for one attempt. HubSpot itself gives up after 100 s.
        daily_reserve: calls of the account's day to leave to others, as a number or
            a share (`"5%"`); a batch that would use them ends with
            `DailyLimitReached`. HubSpot tells no OAuth app of a day; then it has no
            effect.
        session: an aiohttp session to share; it is never closed here. It belongs to
            its event loop, and so then does the client.
        trust_env: whether aiohttp reads proxies from the environment.
        allow_http: whether `base_url` may be without TLS on another machine.
        listeners: functions that are called with every event; see `hubbatch.Event`.

    Attributes:
        single: calls on single records, which ride together; see `Single`.
        legacy: the verbs of `crm-objects/v1`; see `Legacy`.

    Raises:
        ConfigurationError: if it cannot work like this; nothing was sent.
    """

    def __init__(
        self,
        access_token: TokenSource | OAuth | None = None,
        *,
        base_url: str | None = None,
        api_version: str | None = None,
        rate_limit: Literal["auto"] | float | RateLimit | SharedLimit = "auto",
        max_concurrency: int = 32,
        retry: RetryPolicy | None = None,
        timeout: float = 120.0,
        daily_reserve: int | str = 0,
        session: aiohttp.ClientSession | None = None,
        trust_env: bool = False,
        allow_http: bool = False,
        listeners: Iterable[Listener] = (),
    ) -> None:
        if access_token is None:
            access_token = os.environ.get("HUBSPOT_ACCESS_TOKEN")
        base_url = base_url or os.environ.get("HUBBATCH_BASE_URL") or _BASE_URL
        version = api_version or os.environ.get("HUBBATCH_API_VERSION") or _API_VERSION
        if type(max_concurrency) is not int or max_concurrency < 1:
            raise ConfigurationError(
                f"max_concurrency must be above zero, not {max_concurrency!r}"
            )
        _check_timeout(timeout)
        _check_type("trust_env", trust_env, bool)
        _check_type("allow_http", allow_http, bool)
        _check_type("retry", retry, RetryPolicy)
        if not isinstance(session, Sessions):  # that of `Accounts`
            _check_type("session", session, aiohttp.ClientSession)
        try:
            self._api_version = check_api_version(version)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        url = check_base_url(base_url, allow_http=allow_http)
        transport = AiohttpTransport(
            url, timeout=timeout, session=session, trust_env=trust_env
        )
        policy = retry or RetryPolicy()
        credentials = sign_in(
            access_token,
            transport=transport,
            policy=policy,
            api_version=self._api_version,
        )
        token = credentials.fingerprint
        place = str(url).rstrip("/")
        self._engine = Engine(
            gate=Gate(
                _rate_limit(rate_limit),
                max_concurrency,
                reserve=parse_reserve(daily_reserve),
                key=None if token is None else (place, token),
            ),
            transport=transport,
            credentials=credentials,
            about=look_up("account", "details", api_version=self._api_version),
            home=Home(
                "this client",
                bound="its aiohttp session"
                if isinstance(session, aiohttp.ClientSession)
                else None,
            ),
            place=place,
            policy=policy,
            max_concurrency=max_concurrency,
            listeners=_listeners(listeners),
        )
        self.legacy: Legacy = Legacy(self._engine)
        self.single: Single = Single(self._engine, api_version=self._api_version)

    def objects(self, object_type: str) -> Objects:
        """Give the verbs of any object type, by name or id: `"2-3456"`, `"p1_car"`.

        For the standard ones there are attributes: `hub.tickets`.

        Raises:
            TypeError: if it is no text.
            ValueError: if it is not one segment of a path.
        """
        return Objects(self._engine, object_type, api_version=self._api_version)

    @overload
    def associations(
        self, source: str, target: str, /, *, api_version: Literal["v3"]
    ) -> AssociationsV3: ...
    @overload
    def associations(self, source: str, target: str, /) -> Associations: ...
    def associations(
        self, source: str, target: str, /, *, api_version: Literal["v3"] | None = None
    ) -> Associations | AssociationsV3:
        """Give the verbs of the associations from one object type to another.

        Under v3 they are those of v4, and of the dated version under any other; with
        `api_version="v3"` the older ones, whose types have names.

        Raises:
            TypeError: if a type is no text.
            ValueError: if one is not one segment of a path; for another version.
        """
        if api_version == "v3":
            return AssociationsV3(self._engine, source, target)
        if api_version is not None:
            raise ValueError(
                "the version of associations is the client's, or 'v3' for the older "
                f"ones, not {api_version!r}"
            )
        version = self._api_version
        return Associations(self._engine, source, target, api_version=version)

    def properties(self, object_type: str) -> Properties:
        """Give the verbs of the definitions of an object type's properties.

        Raises:
            TypeError: if it is no text.
            ValueError: if it is not one segment of a path.
        """
        return Properties(self._engine, object_type, api_version=self._api_version)

    def list_memberships(self, object_type: str) -> ListMemberships:
        """Give the read of the lists that records of a type are on.

        Raises:
            TypeError: if it is no text.
            ValueError: if its id is not known; a custom type is named by it.
        """
        return ListMemberships(self._engine, object_type, api_version=self._api_version)

    @property
    def schemas(self) -> Schemas:
        """The read of the schemas of object types."""
        return Schemas(self._engine, api_version=self._api_version)

    @property
    def deal_splits(self) -> DealSplits:
        """The verbs of the deal splits."""
        return DealSplits(self._engine, api_version=self._api_version)

    @property
    def limits(self) -> Limits:
        """What is known of the rate limit now; within a running event loop."""
        return self._engine.gate.limits()

    async def account(self) -> Account:
        """Ask which account the token is of.

        Raises:
            APIError: if HubSpot refuses to say, or cannot.
        """
        assert self._engine.about is not None  # noqa: S101 -- this client gave it
        asking: Batch[Account] = Batch(self._engine, self._engine.about, [None])
        [account] = (await asking).results
        self._engine.know(account)
        return account

    async def plan(self, operation: str, count: int) -> Plan:
        """Forecast what a batch takes, e.g. `await hub.plan("tickets.update", 5_000)`.

        The account is asked who it is if it has not told its limits yet.

        Args:
            operation: an object type and a verb of it, with a dot between them.
            count: how many records.

        Raises:
            ValueError: for another operation, or a count below zero.
            APIError: if HubSpot refuses to answer, or cannot.
        """
        call = named_call(operation)
        if type(count) is not int or count < 0:
            raise ValueError(f"count must be a number of records, not {count!r}")
        engine = self._engine
        if not engine.gate.told and engine.details is None:
            await self.account()
        daily = engine.gate.limits().daily_limit
        return plan(count, call.max_inputs, engine.gate.limit(call.family), daily)

    async def aclose(self) -> None:
        """Wait for the batches under way, then close the connections."""
        await self._engine.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _check_type(name: str, given: object, expected: type) -> None:
    if given is not None and not isinstance(given, expected):
        raise ConfigurationError(
            f"{name} must be a {expected.__name__}, not {type(given).__name__}"
        )


def _check_timeout(given: object) -> None:
    number = given if isinstance(given, int | float) and given is not True else 0
    if not 0 < number < inf:
        raise ConfigurationError(
            f"timeout must be above zero and finite, not {given!r}"
        )


def _listeners(given: object) -> Listeners:
    listed: list[Any] = [*given] if isinstance(given, Iterable) else [given]
    if listed == [given] or not all(map(callable, listed)):
        raise ConfigurationError(
            f"listeners must be a collection of functions, not {given!r}"
        )
    return Listeners(listed)


def _rate_limit(given: object) -> RateLimit | SharedLimit | None:
    if given == "auto":
        return None
    if isinstance(given, RateLimit | SharedLimit):
        return given
    number = given if isinstance(given, int | float) and given is not True else 0
    if 1 <= number < inf:
        return RateLimit(int(number))
    raise ConfigurationError(
        "rate_limit must be 'auto', a number of requests per 10 s of at least 1, "
        f"a RateLimit or a RedisRateLimit, not {given!r}"
    )

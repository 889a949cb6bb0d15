"""The client for one HubSpot account."""

import asyncio
import os

from collections.abc import Callable, Iterable
from inspect import signature
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, ParamSpec, Self, overload

import aiohttp

from ._limits.daily import parse_reserve
from ._limits.plan import Plan, plan
from ._limits.window import RateLimit
from ._net.auth import TokenSource
from ._net.batch import Batch
from ._net.client_state import ClientState
from ._net.event_loops import LoopGuard
from ._net.gate import MAX_IN_FLIGHT, Gate, Limits
from ._net.listeners import Listener, Listeners
from ._net.oauth import OAuth, make_login
from ._net.shared_limit import SharedLimit
from ._net.transport import AiohttpTransport, Sessions, check_base_url
from ._outcomes.retry import RetryPolicy
from ._validators import check_api_version
from ._wire.endpoints import named_call, operation_for
from ._wire.object_types import StandardTypes
from .associations import Associations, AssociationsV3
from .calling import ConnectionStatuses
from .contacts import Contacts
from .custom_events import CustomEvents
from .errors import ConfigurationError
from .legacy import Legacy
from .lists import ListMemberships, Lists
from .models import Account
from .objects import Objects
from .owners import Owners
from .pipelines import Pipelines
from .properties import Properties
from .schemas import Schemas
from .single import Single
from .splits import DealSplits


if TYPE_CHECKING:
    from .sync import SyncHubBatch

P = ParamSpec("P")

_BASE_URL = "https://api.hubapi.com"
_API_VERSION = "v3"


class HubBatch(StandardTypes):
    """A client for one HubSpot account, with an attribute for each object type.

    Example::

        async with HubBatch() as hub:
            records = [{"id": "512", "properties": {"subject": "Printer"}}]
            response = await hub.tickets.update(records)

    Enter it with `async with`, or call `aclose` at the end. It can be created outside
    an event loop and works in one loop at a time: once that loop is closed (after
    `asyncio.run`) it continues in the next one, and remembers the requests it sent.

    Args:
        access_token: A service key, a private-app token or an OAuth access token; an
            async callable that returns one and is called for every request; or an
            `OAuth`. Default: the environment variable HUBSPOT_ACCESS_TOKEN.
        base_url: The URL of HubSpot's API. Default: the environment variable
            HUBBATCH_BASE_URL, else https://api.hubapi.com.
        api_version: `"v3"`, or a dated version such as `"2026-03"`. Default: the
            environment variable HUBBATCH_API_VERSION, else v3.
        rate_limit: `"auto"` starts at 100 requests per 10 s and follows the limit in
            HubSpot's headers. A number of requests per 10 s or a `RateLimit` is a
            ceiling: headers only lower it. Clients with the same token in one event
            loop share one limit, with the lowest ceiling. A `RedisRateLimit` (from
            `hubbatch.integrations.redis`) is shared between processes.
        max_concurrency: `"auto"` keeps as many requests in flight as use the rate
            limit at HubSpot's current latency, at most 200. A number is a lower
            ceiling.
        retry: How often, and for how long, a chunk is retried.
        timeout: Seconds for one attempt. HubSpot itself aborts a call after 100 s
            (524).
        daily_reserve: Daily calls to keep for other apps, as a number or a share
            (`"5%"`). A batch that would use them ends with `DailyLimitReached`. It has
            no effect with OAuth, for which HubSpot reports no daily limit.
        session: An aiohttp session to use; the client does not close it. The client
            then works in the session's event loop only, and its connector (aiohttp's
            default is 100 connections) also limits the requests in flight.
        trust_env: Whether to use the proxy that the environment names (HTTPS_PROXY,
            ALL_PROXY, NO_PROXY), as the command line does. A loopback `base_url` has
            none, and a `session` has its own setting.
        allow_http: Whether `base_url` may be an `http://` URL of a host that is not
            loopback.
        listeners: Functions to call with every event; see `hubbatch.Event`.

    Raises:
        ConfigurationError: If an option is wrong or no token is found; nothing is sent.
    """

    def __init__(
        self,
        access_token: TokenSource | OAuth | None = None,
        *,
        base_url: str | None = None,
        api_version: str | None = None,
        rate_limit: Literal["auto"] | float | RateLimit | SharedLimit = "auto",
        max_concurrency: int | Literal["auto"] = "auto",
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
        in_flight = _max_in_flight(max_concurrency)
        _check_timeout(timeout)
        _check_type("trust_env", trust_env, bool)
        _check_type("allow_http", allow_http, bool)
        _check_type("retry", retry, RetryPolicy)
        if not isinstance(session, Sessions):  # which Accounts passes
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
        credentials = make_login(
            access_token,
            transport=transport,
            policy=policy,
            api_version=self._api_version,
        )
        token = credentials.fingerprint
        base = str(url).rstrip("/")
        self._state = ClientState(
            gate=Gate(
                _rate_limit(rate_limit),
                in_flight,
                reserve=parse_reserve(daily_reserve),
                key=None if token is None else (base, token),
            ),
            transport=transport,
            credentials=credentials,
            account_operation=operation_for(
                "account", "details", api_version=self._api_version
            ),
            loop_guard=LoopGuard(
                "this client",
                bound="its aiohttp session"
                if isinstance(session, aiohttp.ClientSession)
                else None,
            ),
            base_url=base,
            policy=policy,
            max_concurrency=in_flight,
            listeners=_listeners(listeners),
        )
        self.legacy: Legacy = Legacy(self._state)
        """The verbs of `crm-objects/v1`, for tickets, products and line items."""
        self.lists: Lists = Lists(self._state, api_version=self._api_version)
        """The lists of the account: `hub.lists(list_id)` has the verbs of one list."""
        self.single: Single = Single(self._state, api_version=self._api_version)
        """Calls for single records, which are sent together; see `Single`."""

    @classmethod
    def sync(
        cls: Callable[P, Any], *args: P.args, **options: P.kwargs
    ) -> "SyncHubBatch":
        """Return the same client for code without asyncio; enter it with `with`.

        It has the same arguments, except `session`. Example::

            with HubBatch.sync() as hub:
                response = hub.tickets.update(records)

        Its event loop runs in a thread of its own, which the first call starts. Token
        callables, listeners and other callbacks run in that thread. Several threads may
        share the client.

        Raises:
            ConfigurationError: If an option is wrong or no token is found.
        """
        from .sync import SyncHubBatch  # noqa: PLC0415 -- most programs need only one

        return SyncHubBatch(cls, *args, **options)

    @overload
    def objects(self, object_type: Literal["contacts"]) -> Contacts: ...
    @overload
    def objects(self, object_type: str) -> Objects: ...
    def objects(self, object_type: str) -> Objects | Contacts:
        """Return the verbs for an object type, by name or id: `"2-3456"`, `"p1_car"`.

        Standard object types have attributes: `hub.tickets`.

        Raises:
            TypeError: If `object_type` is not a string.
            ValueError: If it contains characters other than letters, digits, - and _.
        """
        kind = Contacts if object_type == "contacts" else Objects
        return kind(self._state, object_type, api_version=self._api_version)

    @overload
    def associations(
        self, source: str, target: str, /, *, api_version: Literal["v3"]
    ) -> AssociationsV3: ...
    @overload
    def associations(self, source: str, target: str, /) -> Associations: ...
    def associations(
        self, source: str, target: str, /, *, api_version: Literal["v3"] | None = None
    ) -> Associations | AssociationsV3:
        """Return the verbs for the associations from one object type to another.

        A client of v3 uses HubSpot's associations of 2026-03, because its v4 ends in
        March 2027; any other client uses those of its own version. `api_version="v3"`
        selects the older v3 associations, whose types have names.

        Raises:
            TypeError: If an object type is not a string.
            ValueError: If an object type contains characters other than letters,
                digits, - and _, or `api_version` is not "v3".
        """
        if api_version == "v3":
            return AssociationsV3(self._state, source, target, api_version="v3")
        if api_version is not None:
            raise ValueError(
                "api_version must be 'v3', for the older associations, or left out "
                f"for those of the client's version, not {api_version!r}."
            )
        version = self._api_version
        return Associations(self._state, source, target, api_version=version)

    def properties(self, object_type: str) -> Properties:
        """Return the verbs for the property definitions of an object type.

        Raises:
            TypeError: If `object_type` is not a string.
            ValueError: If it contains characters other than letters, digits, - and _.
        """
        return Properties(self._state, object_type, api_version=self._api_version)

    def list_memberships(self, object_type: str) -> ListMemberships:
        """Return the verbs for the lists that records of an object type are on.

        Raises:
            TypeError: If `object_type` is not a string.
            ValueError: If its id is unknown. Pass the id of a custom type: `"2-3456"`.
        """
        return ListMemberships(self._state, object_type, api_version=self._api_version)

    @property
    def owners(self) -> Owners:
        """The owners of records."""
        return Owners(self._state, api_version=self._api_version)

    def pipelines(self, object_type: str) -> Pipelines:
        """Return the pipelines of an object type.

        Raises:
            TypeError: If `object_type` is not a string.
            ValueError: If it contains characters other than letters, digits, - and _.
        """
        return Pipelines(self._state, object_type, api_version=self._api_version)

    @property
    def schemas(self) -> Schemas:
        """The verbs for the schemas of object types."""
        return Schemas(self._state, api_version=self._api_version)

    @property
    def events(self) -> CustomEvents:
        """The verb that sends custom events."""
        return CustomEvents(self._state, api_version=self._api_version)

    @property
    def deal_splits(self) -> DealSplits:
        """The verbs for deal splits."""
        return DealSplits(self._state, api_version=self._api_version)

    @property
    def connection_statuses(self) -> ConnectionStatuses:
        """The verbs for the connections of users to calling apps."""
        return ConnectionStatuses(self._state, api_version=self._api_version)

    @property
    def limits(self) -> Limits:
        """The rate limits as currently known.

        Raises:
            RuntimeError: If no event loop is running.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "The limits are measured by the clock of an event loop, and none is "
                "running. Read `hub.limits` in a coroutine."
            ) from None
        return self._state.gate.snapshot()

    async def account(self) -> Account:
        """Return the account that the access token belongs to.

        Raises:
            APIError: If HubSpot refuses the request or is unavailable.
            RuntimeError: If the client is closed.
        """
        assert self._state.account_operation is not None  # noqa: S101 -- set in __init__
        batch: Batch[Account] = Batch(
            self._state, self._state.account_operation, [None]
        )
        [account] = (await batch).results
        self._state.set_account(account)
        return account

    async def plan(self, operation: str, count: int) -> Plan:
        """Forecast a batch: its calls, its duration, its share of the daily limit.

        `await hub.plan("tickets.update", 5_000)` sends one request if HubSpot's limits
        are not known yet, and otherwise none.

        Args:
            operation: An object type and a verb, joined by a dot.
            count: The number of records.

        Raises:
            ValueError: If the operation is unknown or the count is not a number of at
                least 0.
            APIError: If HubSpot refuses the request or is unavailable.
        """
        call = named_call(operation)
        if type(count) is not int or count < 0:
            raise ValueError(
                f"count must be a number of records, 0 or more, not {count!r}."
            )
        state = self._state
        if not state.gate.limit_is_reported and state.account_details is None:
            await self.account()
        return plan(
            count,
            call.max_inputs,
            state.gate.limit(call.family),
            state.gate.snapshot().daily_limit,
            object_type=operation.partition(".")[0],
            concurrency=state.max_concurrency,
        )

    async def aclose(self) -> None:
        """Refuse new batches, wait for running ones, and close the connections.

        Raises:
            RuntimeError: If the client is in use in another event loop that is open.
        """
        await self._state.aclose()

    if not TYPE_CHECKING:  # type checkers report it without our help

        def __enter__(self) -> NoReturn:
            raise TypeError(
                "HubBatch is entered with `async with HubBatch() as hub:`, in a "
                "coroutine. Without asyncio, use `with HubBatch.sync() as hub:`."
            )

        def __exit__(self, *_: object) -> NoReturn:
            raise AssertionError("unreachable")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


# What `help()` and notebooks show; type checkers see the same through `P`.
setattr(  # noqa: B010 -- mypy knows no such attribute
    HubBatch.sync.__func__,  # type: ignore[attr-defined] # of a bound method
    "__signature__",
    signature(HubBatch.__init__).replace(return_annotation="SyncHubBatch"),
)


def _check_type(name: str, value: object, expected: type) -> None:
    if value is not None and not isinstance(value, expected):
        raise ConfigurationError(
            f"{name} must be a {expected.__name__}, not {type(value).__name__}."
        )


def _max_in_flight(max_concurrency: object) -> int:
    if max_concurrency == "auto":
        return MAX_IN_FLIGHT
    if type(max_concurrency) is int and max_concurrency > 0:
        return max_concurrency
    raise ConfigurationError(
        f"max_concurrency must be 'auto' or an int above zero, not {max_concurrency!r}."
    )


def _check_timeout(value: object) -> None:
    number = value if isinstance(value, int | float) and value is not True else 0
    if not 0 < number < inf:
        raise ConfigurationError(
            f"timeout must be a finite number of seconds above zero, not {value!r}."
        )


def _listeners(value: object) -> Listeners:
    listed: list[Any] = [*value] if isinstance(value, Iterable) else [value]
    if listed == [value] or not all(map(callable, listed)):
        raise ConfigurationError(
            f"listeners must be a collection of functions, not {value!r}."
        )
    return Listeners(listed)


def _rate_limit(value: object) -> RateLimit | SharedLimit | None:
    if value == "auto":
        return None
    if isinstance(value, RateLimit | SharedLimit):
        return value
    number = value if isinstance(value, int | float) and value is not True else 0
    if 1 <= number < inf:
        return RateLimit(int(number))
    raise ConfigurationError(
        "rate_limit must be 'auto', a number of requests per 10 s of at least 1, "
        f"a RateLimit or a RedisRateLimit, not {value!r}."
    )

"""Clients for many accounts: opened on use, released when idle."""

import asyncio

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from math import inf
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from weakref import WeakSet

import aiohttp

from ._limits.window import RateLimit
from ._net.auth import TokenSource
from ._net.client_state import ClientState
from ._net.event_loops import LoopGuard
from ._net.oauth import OAuth
from ._net.shared_limit import SharedLimit
from ._net.single_flight import SingleFlight
from ._net.transport import Sessions
from .client import HubBatch
from .errors import ConfigurationError


TokenLoader: TypeAlias = Callable[[str], Awaitable[TokenSource | OAuth]]
"""An async function that takes an account's id and returns its access token."""

AnyRateLimit: TypeAlias = Literal["auto"] | float | RateLimit | SharedLimit
"""What the argument `rate_limit` of `HubBatch` accepts."""

# Connections that all accounts share: enough for one account with the most requests in
# flight (MAX_IN_FLIGHT) beside others, and within the usual 1,024 files of a process. A
# request that waits for one already holds its permit of the rate limit, so waiting here
# cannot exceed the limit.
_CONNECTIONS = 500


class Accounts:
    """The clients of many accounts, over one pool of connections.

    Example::

        async def load(account):
            return await read_from_vault(account)

        async with Accounts(load) as accounts:
            hub = await accounts.get(62515)

    `get` opens a client on first use and keeps it. A client is released after `idle`
    seconds, or earlier (the least recently used first) when more than `max_open` are
    open, but never while it runs a batch. A released client still works for callers
    that hold it; only `forget` and `aclose` close it. So call `get` for every request:
    for an open client it is just a dictionary lookup.

    Like a client, it works in one event loop at a time, and continues in the next one
    once that loop is closed.

    Args:
        load: An async function that takes an account's id and returns its access
            token, an async callable that returns one, or an `OAuth`.
        max_open: The maximum number of clients to keep open.
        idle: Seconds without a batch or a `get` after which a client is released.
        rate_limit: As for `HubBatch`, or a function that takes an account's id and
            returns it.
        session: An aiohttp session for all clients; it is not closed. By default a
            session of 500 connections is created, and closed by `aclose`.
        client_options: Any other arguments of `HubBatch`.

    Raises:
        TypeError: If `load` is not callable or `HubBatch` has no such option.
        ConfigurationError: If the value of an option is wrong.
    """

    def __init__(
        self,
        load: TokenLoader,
        *,
        max_open: int = 500,
        idle: float = 300.0,
        rate_limit: AnyRateLimit | Callable[[str], AnyRateLimit] = "auto",
        session: aiohttp.ClientSession | None = None,
        **client_options: Any,
    ) -> None:
        if not callable(load):
            raise TypeError(f"load must be callable, not {type(load).__name__}.")
        _check(max_open, idle)
        self._limit_of: Callable[[str], Any] = (
            rate_limit if callable(rate_limit) else lambda _: rate_limit
        )
        # Created to check the options now, rather than with the first account.
        known: dict[str, Any] = {**client_options, "session": session}
        if not callable(rate_limit):
            known["rate_limit"] = rate_limit
        if "listeners" in client_options:  # an iterator would be empty for the second
            known["listeners"] = client_options["listeners"] = [
                *client_options["listeners"]
            ]
        HubBatch("unused", **known)
        self._load = load
        self._max_open = max_open
        self._idle = idle
        self._options = client_options
        self._own = Sessions(limit=_CONNECTIONS)
        self._session = session or self._own
        self._loop_guard = LoopGuard(
            "this Accounts",
            bound=None if session is None else "its aiohttp session",
        )
        # Least recently used first.
        self._open: dict[str, _Client] = {}
        self._loading: dict[str, SingleFlight[_Client | None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        # Every client that a caller may still hold, including released ones.
        self._states: WeakSet[ClientState] = WeakSet()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def get(self, account: str | int) -> HubBatch:
        """Return the client of an account; call `load` if none is open.

        Raises:
            ConfigurationError: If `load` returns no access token.
            RuntimeError: If these accounts are closed, or in use in another event loop
                that is open.
            TypeError: If `account` is neither a str nor an int.
            ValueError: If `account` is empty.
        """
        self._enter()
        key = _key(account)
        client = self._open.get(key)
        while client is None or client.state.closed:
            if self._closed:
                raise RuntimeError("These accounts are closed.")
            load = self._loading.setdefault(key, SingleFlight())
            client = await load.join(partial(self._make, key, load))
        self._keep(key, client)
        return client

    def forget(self, account: str | int) -> asyncio.Future[None]:
        """Close the clients of an account; the next `get` calls `load` again.

        Their running batches finish. Await the returned future to wait for them.

        Raises:
            RuntimeError: If these accounts are in use in another event loop that is
                open.
        """
        self._enter()
        key = _key(account)
        self._loading.pop(key, None)
        self._open.pop(key, None)
        closing = asyncio.ensure_future(
            _close([state for state in self._states if state.account == key])
        )
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return closing

    async def aclose(self) -> None:
        """Cancel pending loads, wait for all batches, and close all connections.

        Raises:
            RuntimeError: If these accounts are in use in another event loop that is
                open.
        """
        self._enter()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        loading, self._loading = self._loading, {}
        self._open.clear()
        try:
            await asyncio.gather(*(load.cancel() for load in loading.values()))
            await asyncio.gather(_close([*self._states]), *self._closing)
        finally:
            await self._own.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __len__(self) -> int:
        """Return the number of open clients."""
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Accounts, {len(self)} open>"

    def _enter(self) -> None:
        """Move to the running event loop if the former one is closed."""
        shift = self._loop_guard.enter()
        if shift is not None:
            self._loading = {}
            self._closing = set()
            self._timer = None
            for client in self._open.values():
                client.used_at += shift
                client.state.use()  # also moves it, so that all use one clock
            self._release_idle()

    # ---- open a client

    async def _make(
        self, account: str, load: "SingleFlight[_Client | None]"
    ) -> "_Client | None":
        """Call `load` and create the client; None if the account was forgotten."""
        try:
            token = await _loaded(self._load(account), account)
            if self._loading.get(account) is not load:
                return None
            client = _Client(
                token,
                account,
                rate_limit=self._limit_of(account),
                session=self._session,
                **self._options,
            )
            self._states.add(client.state)
            self._keep(account, client)
            return client
        finally:
            if self._loading.get(account) is load:
                del self._loading[account]

    # ---- release clients

    def _keep(self, account: str, client: "_Client") -> None:
        """Mark a client as just used; release idle ones if too many are open."""
        if self._closed:  # while it was loading
            return
        client.used_at = _now()
        self._open.pop(account, None)
        self._open[account] = client
        excess = len(self._open) - self._max_open
        if excess > 0:
            idle = [key for key, one in self._open.items() if not one.state.active]
            for key in idle[:excess]:
                if key != account:
                    self._open.pop(key).state.gate.let_go()
        if self._timer is None:
            self._schedule_release(client.used_at + self._idle)

    def _schedule_release(self, at: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(at, self._release_idle)

    def _release_idle(self) -> None:
        """Release the clients that have been idle for `idle` seconds."""
        self._timer = None
        now = _now()
        due = {
            account: self._idle + (now if client.state.active else client.last_used_at)
            for account, client in self._open.items()
        }
        for account, at in due.items():
            if at <= now:
                self._open.pop(account).state.gate.let_go()
        if self._open:
            self._schedule_release(min(due[account] for account in self._open))


class _Client(HubBatch):
    """A client whose account is known from the start.

    It shares the account's rate limit with released clients that callers still hold.
    """

    def __init__(
        self,
        token: TokenSource | OAuth,
        account: str,
        **options: Any,
    ) -> None:
        super().__init__(token, **options)
        self.state: ClientState = self._state
        self.state.account = account
        self.state.gate.belong_to((self.state.base_url, account))
        self.used_at: float = -inf  # the last `get`, by the clock of the event loop

    @property
    def last_used_at(self) -> float:
        """The time of the last `get` or of the last batch's end, whichever is later."""
        return max(self.used_at, self.state.used_at)


async def _close(states: list[ClientState]) -> None:
    await asyncio.gather(*(state.aclose() for state in states))


async def _loaded(loading: object, account: str) -> TokenSource | OAuth:
    if not isawaitable(loading):
        raise ConfigurationError(
            f"load must be an async function; for account {account!r} it returned "
            f"{type(loading).__name__}, which cannot be awaited"
        )
    token: TokenSource | OAuth | None = await loading
    if not token:
        # HubBatch would use the environment's token, which is another account's.
        raise ConfigurationError(
            f"load returned no access token for account {account!r}"
        )
    return token


def _check(max_open: object, idle: object) -> None:
    if type(max_open) is not int or max_open < 1:
        raise ConfigurationError(
            f"max_open must be an int above zero, not {max_open!r}"
        )
    seconds = idle if isinstance(idle, int | float) and idle is not True else 0
    if not 0 < seconds < inf:
        raise ConfigurationError(
            f"idle must be a finite number of seconds above zero, not {idle!r}"
        )


def _key(account: str | int) -> str:
    if isinstance(account, bool) or not isinstance(account, str | int):
        raise TypeError(f"An account must be a str or an int, not {account!r}.")
    if account == "":
        raise ValueError("An account must not be empty.")
    return str(account)


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Clients of many accounts: made when they are asked for, let go when idle."""

import asyncio

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from math import inf
from types import TracebackType
from typing import Any, Literal, Self
from weakref import WeakSet

import aiohttp

from ._limits.window import RateLimit
from .client import HubBatch
from .errors import ConfigurationError
from .net.auth import TokenSource
from .net.engine import Engine
from .net.flights import Flight
from .net.loops import Home
from .net.oauth import OAuth
from .net.shared_limit import SharedLimit
from .net.transport import Sessions


Load = Callable[[str], Awaitable[TokenSource | OAuth]]
Limit = Literal["auto"] | float | RateLimit | SharedLimit

# Connections to HubSpot that all accounts share. A request that waits for one has its
# permit already, and keeps its place in the window.
_CONNECTIONS = 200


class Accounts:
    """The clients of many accounts, over one pool of connections.

    A client is made when its account is asked for first, and let go when it was idle
    for long enough, or when it was used longest ago and too many are open. One with a
    batch under way is never let go, and one that is let go still works for whoever
    holds it: it is closed by `forget` and by `aclose` only. So ask for the client of
    every request anew; that costs a look into a dictionary.

    Like a client it is used in one event loop at a time, and moves to the next one
    once that is closed.

    Args:
        load: given an account's id, gives (awaited) its access token, an async
            callable that gives one, or an `OAuth`.
        max_open: how many clients are kept.
        idle: seconds without a batch or a `get` after which a client is let go.
        rate_limit: as for `HubBatch`, or a function of the account that gives it.
        session: an aiohttp session for all; it is never closed here. By default one
            of 200 connections.
        client_options: what else `HubBatch` takes.

    Raises:
        TypeError: for an option that `HubBatch` does not take.
        ConfigurationError: for a value that it does not take.
    """

    def __init__(
        self,
        load: Load,
        *,
        max_open: int = 500,
        idle: float = 300.0,
        rate_limit: Limit | Callable[[str], Limit] = "auto",
        session: aiohttp.ClientSession | None = None,
        **client_options: Any,
    ) -> None:
        if not callable(load):
            raise TypeError(f"load must be callable, not {type(load).__name__}")
        _check(max_open, idle)
        self._limit_of: Callable[[str], Any] = (
            rate_limit if callable(rate_limit) else lambda _: rate_limit
        )
        # To hear of a wrong option now, and not with the first account.
        known: dict[str, Any] = {**client_options, "session": session}
        if not callable(rate_limit):
            known["rate_limit"] = rate_limit
        if "listeners" in client_options:  # an iterator would serve one client only
            known["listeners"] = client_options["listeners"] = [
                *client_options["listeners"]
            ]
        HubBatch("unused", **known)
        self._load = load
        self._max_open = max_open
        self._idle = idle
        self._options = client_options
        self._own = Sessions(
            limit=_CONNECTIONS, trust_env=client_options.get("trust_env", False)
        )
        self._session = session or self._own
        self._home = Home(
            "this Accounts",
            bound=None if session is None else "its aiohttp session",
        )
        # In the order in which they were asked for last.
        self._open: dict[str, _Client] = {}
        self._loading: dict[str, Flight[_Client | None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        # What may still be in use elsewhere.
        self._engines: WeakSet[Engine] = WeakSet()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def get(self, account: str | int) -> HubBatch:
        """Give the client of an account; `load` is asked if there is none.

        Raises:
            ConfigurationError: if `load` gives no access token.
            RuntimeError: if this is closed, or in use in another event loop that is
                not closed.
        """
        self._enter()
        key = _key(account)
        client = self._open.get(key)
        while client is None or client.engine.closed:
            if self._closed:
                raise RuntimeError("these accounts are closed")
            flight = self._loading.setdefault(key, Flight())
            client = await flight.join(partial(self._make, key, flight))
        self._keep(key, client)
        return client

    def forget(self, account: str | int) -> asyncio.Future[None]:
        """Close the clients of an account; the next `get` loads it anew.

        Their batches go on to their ends, for which the result may be awaited.

        Raises:
            RuntimeError: if this is in use in another event loop that is not closed.
        """
        self._enter()
        key = _key(account)
        self._loading.pop(key, None)
        self._open.pop(key, None)
        closing = asyncio.ensure_future(
            _close([engine for engine in self._engines if engine.account == key])
        )
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return closing

    async def aclose(self) -> None:
        """Cancel pending loads, wait for all batches, close all connections.

        Raises:
            RuntimeError: if this is in use in another event loop that is not closed.
        """
        self._enter()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        loading, self._loading = self._loading, {}
        self._open.clear()
        try:
            await asyncio.gather(*(flight.cancel() for flight in loading.values()))
            await asyncio.gather(_close([*self._engines]), *self._closing)
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
        """How many clients are open."""
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Accounts, {len(self)} open>"

    def _enter(self) -> None:
        """Go on in the running loop, if the former is closed."""
        shift = self._home.enter()
        if shift is not None:
            self._loading = {}
            self._closing = set()
            self._timer = None
            for client in self._open.values():
                client.wanted_at += shift
                client.engine.busy()  # it moves as well, so that all go by one clock
            self._let_go()

    # ---- a client comes

    async def _make(
        self, account: str, flight: "Flight[_Client | None]"
    ) -> "_Client | None":
        """Load an account and make its client; None if it was forgotten meanwhile."""
        try:
            token = await _awaited(self._load(account), account)
            if self._loading.get(account) is not flight:
                return None
            client = _Client(
                token,
                account,
                rate_limit=self._limit_of(account),
                session=self._session,
                **self._options,
            )
            self._engines.add(client.engine)
            self._keep(account, client)
            return client
        finally:
            if self._loading.get(account) is flight:
                del self._loading[account]

    # ---- a client goes

    def _keep(self, account: str, client: "_Client") -> None:
        """Note that a client is wanted now, and let others go if there are too many."""
        if self._closed:  # while it was being made
            return
        client.wanted_at = _now()
        self._open.pop(account, None)
        self._open[account] = client
        excess = len(self._open) - self._max_open
        if excess > 0:
            idle = [key for key, one in self._open.items() if not one.engine.active]
            for key in idle[:excess]:
                if key != account:
                    self._open.pop(key).engine.gate.let_go()
        if self._timer is None:
            self._look_again(client.wanted_at + self._idle)

    def _look_again(self, at: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(at, self._let_go)

    def _let_go(self) -> None:
        """Let go of the clients that were idle for long enough."""
        self._timer = None
        now = _now()
        due = {
            account: self._idle + (now if client.engine.active else client.last_used_at)
            for account, client in self._open.items()
        }
        for account, at in due.items():
            if at <= now:
                self._open.pop(account).engine.gate.let_go()
        if self._open:
            self._look_again(min(due[account] for account in self._open))


class _Client(HubBatch):
    """A client that knows whose it is.

    It shares the limit of its account with any other that somebody still has.
    """

    def __init__(
        self,
        token: TokenSource | OAuth,
        account: str,
        **options: Any,
    ) -> None:
        super().__init__(token, **options)
        self.engine: Engine = self._engine
        self.engine.account = account
        self.engine.gate.belong_to((self.engine.place, account))
        self.wanted_at: float = -inf

    @property
    def last_used_at(self) -> float:
        """When it was asked for last, or its last batch ended."""
        return max(self.wanted_at, self.engine.used_at)


async def _close(engines: list[Engine]) -> None:
    await asyncio.gather(*(engine.aclose() for engine in engines))


async def _awaited(loading: object, account: str) -> TokenSource | OAuth:
    if not isawaitable(loading):
        raise ConfigurationError(
            f"load must be async; for account {account!r} it gave "
            f"{type(loading).__name__} without being awaited"
        )
    token: TokenSource | OAuth | None = await loading
    if not token:
        # Not the token of the environment, which is another account's.
        raise ConfigurationError(f"load gave no access token for account {account!r}")
    return token


def _check(max_open: object, idle: object) -> None:
    if type(max_open) is not int or max_open < 1:
        raise ConfigurationError(f"max_open must be above zero, not {max_open!r}")
    seconds = idle if isinstance(idle, int | float) and idle is not True else 0
    if not 0 < seconds < inf:
        raise ConfigurationError(f"idle must be above zero and finite, not {idle!r}")


def _key(account: str | int) -> str:
    if isinstance(account, bool) or not isinstance(account, str | int):
        raise TypeError(f"an account is a str or an int, not {account!r}")
    if account == "":
        raise ValueError("an account must not be empty")
    return str(account)


def _now() -> float:
    return asyncio.get_running_loop().time()

"""The state that all batches of one client share."""

import asyncio
import warnings

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime, tzinfo
from math import inf
from typing import Any, NoReturn, Self

from attrs import Factory, field

from hubbatch._classes import define
from hubbatch._limits.daily import next_midnight
from hubbatch._outcomes.response import Collector
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.calls import Operation
from hubbatch._wire.unknown_properties import describe_unknown
from hubbatch.errors import DailyLimitReached, HubBatchError, HubSpotUnavailable
from hubbatch.models import Account

from .auth import Login
from .event_loops import LoopGuard
from .gate import Gate
from .listeners import Listeners
from .permit_queue import Lane
from .property_watch import PropertyWatch
from .recorder import OutcomeSink
from .retirements import warn_of_retirement
from .run import Run
from .run_options import RunOptions
from .source import Source
from .transport import Transport


def time_zone(account: Account | None) -> tzinfo:
    """Return the account's time zone, from its name, its offset, or else UTC."""
    if account is None:
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 -- rare, and it loads sysconfig

    try:
        return ZoneInfo(account.time_zone or "")
    except (LookupError, OSError, ValueError):  # an unknown name, or no zones installed
        pass
    try:
        offset = datetime.strptime(account.utc_offset or "", "%z")
    except ValueError:
        return UTC
    return offset.tzinfo or UTC


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)


# Seconds to wait for the account's time zone before an error is raised without it.
_ACCOUNT_TIMEOUT = 10.0
_DEFAULTS = RunOptions()
_SINGLE = RunOptions(lane=Lane.SINGLE)


@define(eq=False)
class LoopUse:
    """A client's work in one event loop. `aclose` waits while it is entered.

    Invariant: `active` counts the contexts that are entered, and every decrement to
    zero sets `idle`. A client has one `LoopUse` per event loop, so neither the event
    nor the lock is ever awaited in a loop other than its own.

    Attributes:
        used_at: when the last context was exited, on this loop's clock.
        active: how many batches and calls are running.
        idle: set when `active` becomes zero; `aclose` clears it before it waits.
        account_lock: held while the account's details are requested.
    """

    used_at: float = -inf
    active: int = 0
    idle: asyncio.Event = Factory(asyncio.Event)
    account_lock: asyncio.Lock = Factory(asyncio.Lock)

    def __enter__(self) -> Self:
        self.active += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.active -= 1
        self.used_at = asyncio.get_running_loop().time()
        if not self.active:
            self.idle.set()


@define(eq=False, kw_only=True)
class ClientState:
    """Creates and executes the runs of a client, and waits for them on `aclose`.

    Attributes:
        account_operation: the call that returns the account's details.
        base_url: the API's URL; portal ids are unique only within one base URL.
        today: returns the current time, with a time zone.
        account: the portal id, or the account's name in `Accounts`.
        loop_guard: keeps the client in one event loop at a time.
        account_details: HubSpot's description of the account; None until it is known.
    """

    gate: Gate
    transport: Transport
    credentials: Login
    policy: RetryPolicy
    max_concurrency: int
    listeners: Listeners = field(factory=lambda: Listeners(()))
    account_operation: Operation | None = None
    base_url: str = ""
    today: Callable[[], datetime] = utc_now
    account: str | None = None
    loop_guard: LoopGuard = field(factory=lambda: LoopGuard("this client"))
    account_details: Account | None = field(default=None, init=False)
    _account_requested: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _loop_use: LoopUse = field(factory=LoopUse, init=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A client cannot be pickled: it holds connections and a token.")

    # ---- runs

    def new_run(
        self, operation: Operation, sink: OutcomeSink, options: RunOptions = _DEFAULTS
    ) -> Run:
        """Return a run whose outcomes go to `sink`."""
        return Run(self, self.gate, operation, sink, options)

    async def execute(
        self, run: Run, source: Source, *, watch: PropertyWatch | None = None
    ) -> None:
        """Execute a run, and keep `aclose` waiting until it ends.

        A `HubBatchError` that ends the run is raised as a copy that has the `summary`,
        the `account` and, if the daily limit was reached, `resets_at`. Properties that
        a `watch` of the run has missed are looked up after it.

        Raises:
            RuntimeError: If the client is closed, unless a batch that began before
                `aclose` is still running and may need this request.
        """
        self.warn_of_retirement(run.operation)
        loop_use = self.use()
        if not loop_use.active:
            self.check_open()
        with loop_use:
            try:
                await run.execute(source)
            except HubBatchError as error:
                failure = copy(error)
            else:
                if watch is not None:
                    await self.warn_of_unknown(watch)
                return
            failure.summary = run.summary
            failure.account = self.account
            await self.set_reset_time(failure, run.operation)
            raise failure

    async def warn_of_unknown(self, watch: PropertyWatch) -> None:
        """Warn of requested properties that no record had, if they do not exist."""
        names, definitions = watch.absent, watch.definitions
        if not names:
            return
        answers: Collector[Any] = Collector(definitions)
        known: list[str] | None = None
        with suppress(HubBatchError, TimeoutError):
            async with asyncio.timeout(_ACCOUNT_TIMEOUT):
                await self.new_run(definitions, answers, _SINGLE).execute([None])
            [found] = answers.response().results
            known = [definition.name for definition in found]
        object_type = definitions.object_type.removeprefix("properties.")
        problem = describe_unknown(object_type, names, known)
        if problem is not None:
            warnings.warn(problem, UserWarning, stacklevel=2)

    async def set_reset_time(self, error: HubBatchError, operation: Operation) -> None:
        """Set `resets_at` of a `DailyLimitReached` to the next midnight of the account.

        The account's time zone is requested once; if it cannot be read, it is UTC.
        """
        if not isinstance(error, DailyLimitReached) or error.resets_at is not None:
            return
        query = self.account_operation
        # The account query itself must not request the account again.
        if query is not None and operation.call is not query.call:
            await self._fetch_account(query)
        now = self.today()
        error.resets_at = next_midnight(now, time_zone(self.account_details))
        self.gate.day_ends((error.resets_at - now).total_seconds())

    def warn_of_retirement(self, operation: Operation) -> None:
        """Warn with `HubSpotDeprecation` if the call's version ends within 90 days."""
        warn_of_retirement(operation, self.today)

    # ---- the account

    def set_account(self, account: Account) -> None:
        """Record which account this is, and share its limits with its other clients."""
        self.account_details = account
        self.account = str(account.portal_id)
        self.gate.identify((self.base_url, self.account))

    async def _fetch_account(self, query: Operation) -> None:
        # Concurrent callers wait here for the first one's answer.
        async with self._loop_use.account_lock:
            if self.account_details is not None or self._account_requested:
                return
            answers: Collector[Account] = Collector(query)
            gate = self.gate.without_reserve()
            run = Run(self, gate, query, answers, _SINGLE)
            with suppress(HubBatchError, TimeoutError):
                async with asyncio.timeout(_ACCOUNT_TIMEOUT):
                    await run.execute([None])
            for account in answers.response().results:
                self.set_account(account)
            self._account_requested = True

    async def probe(self) -> HubSpotUnavailable | None:
        """Request the account's details; return the error if HubSpot is down."""
        query = self.account_operation
        assert query is not None  # noqa: S101 -- set by the client
        gate = self.gate.without_reserve()
        run = Run(self, gate, query, Collector(query), _SINGLE)
        try:
            await run.execute([None])
        except HubSpotUnavailable as error:
            return error
        except HubBatchError:  # HubSpot, or what stands before it, has answered
            pass
        return None

    # ---- its life

    @property
    def active(self) -> bool:
        """Whether a batch or a refresh of the login is running."""
        return self._loop_use.active > 0 or self.credentials.busy

    @property
    def used_at(self) -> float:
        """When the last batch ended, on the clock of its event loop."""
        return self._loop_use.used_at

    @property
    def closed(self) -> bool:
        """Whether new batches are refused."""
        return self._closed

    def check_open(self) -> None:
        """Check that new batches are accepted.

        Raises:
            RuntimeError: If the client is closed.
        """
        if self._closed:
            raise RuntimeError("This client is closed. Create a new one.")

    def use(self) -> LoopUse:
        """Return a context to enter while working; `aclose` waits until it is exited.

        Raises:
            RuntimeError: If the client is in use in another event loop that is open.
        """
        shift = self.loop_guard.enter()
        if shift is not None:
            self._loop_use = LoopUse(self._loop_use.used_at + shift)
        return self._loop_use

    async def aclose(self) -> None:
        """Refuse new batches, wait for running ones, and close the connections.

        Raises:
            RuntimeError: If the client is in use in another event loop that is open.
        """
        loop_use = self.use()
        self._closed = True
        try:
            while loop_use.active:
                loop_use.idle.clear()
                await loop_use.idle.wait()
            await self.credentials.aclose()
        finally:
            try:
                await self.gate.aclose()
            finally:
                await self.transport.aclose()

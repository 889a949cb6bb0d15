"""What all batches of one client share: the gate, the way out, the token."""

import asyncio

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import NoReturn, Self

from attrs import Factory, define, field

from hubbatch._limits.daily import next_midnight
from hubbatch.core.calls import Operation
from hubbatch.core.collecting import Collector
from hubbatch.core.retrying import RetryPolicy
from hubbatch.errors import DailyLimitReached, HubBatchError
from hubbatch.models import Account

from .account_zone import time_zone, utc_now
from .auth import Login
from .gate import Gate
from .listening import Listeners
from .loops import Home
from .permit_queue import Lane
from .recorder import OutcomeSink
from .run_options import RunOptions
from .running import Run
from .transport import Transport


# Seconds that an error waits at most for the account's time zone.
_ASKING = 10.0
_DEFAULTS = RunOptions()
_QUESTION = RunOptions(lane=Lane.SINGLE)


@define(eq=False)
class Stay:
    """What a client does in one event loop; while it is entered, `aclose` waits.

    Attributes:
        used_at: when a batch ended last.
        active: how many batches are under way.
        idle: set whenever none is.
        asking: held by who asks whose account this is.
    """

    used_at: float = -inf
    active: int = 0
    idle: asyncio.Event = Factory(asyncio.Event)
    asking: asyncio.Lock = Factory(asyncio.Lock)

    def __enter__(self) -> Self:
        self.active += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.active -= 1
        self.used_at = asyncio.get_running_loop().time()
        if not self.active:
            self.idle.set()


@define(eq=False, kw_only=True)
class Engine:
    """Makes runs, and waits for them when it is closed.

    Attributes:
        about: the call that asks whose account this is.
        place: what identifies HubSpot, so that a portal's number is its own.
        details: what HubSpot said of the account, once it was asked.
        home: the event loop that it is used in.
    """

    gate: Gate
    transport: Transport
    credentials: Login
    policy: RetryPolicy
    max_concurrency: int
    listeners: Listeners = field(factory=lambda: Listeners(()))
    about: Operation | None = None
    place: str = ""
    today: Callable[[], datetime] = utc_now
    account: str | None = None
    home: Home = field(factory=lambda: Home("this client"))
    details: Account | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _stay: Stay = field(factory=Stay, init=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot pickle a client: it holds connections and a token")

    def run(
        self, operation: Operation, sink: OutcomeSink, options: RunOptions = _DEFAULTS
    ) -> Run:
        """Make a run whose outcomes go to `sink`."""
        return Run(self, self.gate, operation, sink, options)

    def know(self, account: Account) -> None:
        """Note whose account this is: who else works on it shares its limits."""
        self.details = account
        self.account = str(account.portal_id)
        self.gate.identify((self.place, self.account))

    async def date(self, error: HubBatchError, operation: Operation) -> None:
        """Say in an error that ends a day's calls when the next day begins.

        The account is asked for its time zone, once; where it cannot tell, it is UTC.
        """
        if isinstance(error, DailyLimitReached) and error.resets_at is None:
            if operation.call.has_inputs:
                await self._ask()
            now = self.today()
            error.resets_at = next_midnight(now, time_zone(self.details))
            self.gate.day_ends((error.resets_at - now).total_seconds())

    async def _ask(self) -> None:
        # Whoever comes meanwhile waits for the same answer.
        async with self._stay.asking:
            await self._ask_once()

    async def _ask_once(self) -> None:
        about = self.about
        if about is None or self.details is not None or self._asked:
            return
        answers: Collector[Account] = Collector(about)
        run = Run(self, self.gate.without_reserve(), about, answers, _QUESTION)
        with suppress(HubBatchError, TimeoutError):
            async with asyncio.timeout(_ASKING):
                await run.execute([None])
        for account in answers.response().results:
            self.know(account)
        self._asked = True

    @property
    def active(self) -> bool:
        """Whether a batch, or a refresh of the login, is under way."""
        return self._stay.active > 0 or self.credentials.busy

    @property
    def used_at(self) -> float:
        """When its last batch ended, by the clock of its event loop."""
        return self._stay.used_at

    @property
    def closed(self) -> bool:
        """Whether it takes no more batches."""
        return self._closed

    def check_open(self) -> None:
        """Refuse work for a closed client.

        Raises:
            RuntimeError: if it is closed.
        """
        if self._closed:
            raise RuntimeError("this client is closed")

    def busy(self) -> Stay:
        """Return what to enter, so that `aclose` waits.

        Raises:
            RuntimeError: if the client is in use in another event loop that is not
                closed.
        """
        shift = self.home.enter()
        if shift is not None:
            self._stay = Stay(self._stay.used_at + shift)
        return self._stay

    async def aclose(self) -> None:
        """Refuse new batches, wait for those under way, and close the connections.

        Raises:
            RuntimeError: if the client is in use in another event loop that is not
                closed.
        """
        stay = self.busy()
        self._closed = True
        try:
            while stay.active:
                stay.idle.clear()
                await stay.idle.wait()
            await self.credentials.aclose()
        finally:
            try:
                await self.gate.aclose()
            finally:
                await self.transport.aclose()

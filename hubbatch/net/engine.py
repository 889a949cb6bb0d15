"""What all batches of one client share: the gate, the way out, the token."""

import asyncio

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

from attrs import define, field
from backoff import full_jitter

from hubbatch.core.accounting import Emit
from hubbatch.core.operations import Operation
from hubbatch.core.retrying import RetryPolicy

from .auth import Login
from .listening import Listeners
from .pacing import Gate
from .running import Run
from .transport import Transport


@define(eq=False, kw_only=True)
class Engine:
    """Makes runs, and waits for them when it is closed."""

    gate: Gate
    transport: Transport
    credentials: Login
    policy: RetryPolicy
    max_concurrency: int
    listeners: Listeners = field(factory=lambda: Listeners(()))
    account: str | None = None
    used_at: float = field(default=-inf, init=False)  # when its last batch ended
    _active: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)
    _idle: asyncio.Event = field(factory=asyncio.Event, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)

    def run(self, operation: Operation, emit: Emit, **options: Any) -> Run:
        """Make a run whose outcomes go to `emit`."""
        return Run(
            operation=operation,
            emit=emit,
            gate=self.gate,
            transport=self.transport,
            credentials=self.credentials,
            policy=self.policy,
            jitter=full_jitter,
            max_workers=self.max_concurrency,
            audience=self.listeners,
            account=self.account,
            **options,
        )

    @property
    def active(self) -> bool:
        """Whether a batch, or a refresh of the login, is under way."""
        return self._active > 0 or self.credentials.busy

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

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Be waited for by `aclose` while this lasts.

        Raises:
            RuntimeError: if the client is in use in another event loop.
        """
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise RuntimeError("this client is in use in another event loop")
        self._loop = loop
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1
            self.used_at = loop.time()
            if not self._active:
                self._idle.set()

    async def aclose(self) -> None:
        """Take no more batches, wait for those under way, let go of the network."""
        self._closed = True
        try:
            while self._active:
                self._idle.clear()
                await self._idle.wait()
            await self.credentials.aclose()
        finally:
            await self.transport.aclose()

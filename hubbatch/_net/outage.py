"""Holds the requests of a run back while HubSpot is down."""

import asyncio

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import inf
from random import random

from attrs import field

from hubbatch._classes import define
from hubbatch._outcomes.effects import Effect, WaitOut
from hubbatch._outcomes.resolver import Resolver
from hubbatch.errors import APIError

from .interruptible import InterruptibleWaits
from .permit_queue import Lane


# For how many seconds HubSpot may be down before a batch ends, for all batches that a
# job runs. It is set for a whole job, as that also requests the account, schemas and
# pages, through the same verbs as everyone.
PATIENCE: ContextVar[float] = ContextVar("PATIENCE", default=0.0)


@contextmanager
def patient(seconds: float) -> Iterator[None]:
    """Set the patience of the batches that begin in the `with` block."""
    before = PATIENCE.set(seconds)
    try:
        yield
    finally:
        PATIENCE.reset(before)


def patience_of(lane: Lane) -> float:
    """Return the patience of a run. Calls for single records have none.

    They share their requests with callers outside the job.
    """
    return PATIENCE.get() if lane is Lane.BULK else 0.0


# Sends a request that writes nothing; returns the error if HubSpot is down for it too.
Probe = Callable[[], Awaitable[APIError | None]]


@define(eq=False)
class Outage:
    """Lets one worker at a time send a request while HubSpot is down.

    That request shows whether HubSpot is up again. It is one of the batch. If the batch
    must not repeat its requests, as for creates, a `probe` comes first, so that a
    request that would be lost again puts no record in doubt.

    Attributes:
        resolver: knows whether HubSpot is down.
        probe: sends the request that comes first.
        waits: the waits that end with the batch.
    """

    resolver: Resolver
    probe: Probe
    waits: InterruptibleWaits
    _due: float = field(default=-inf, init=False)

    def postpone(self, effect: WaitOut) -> None:
        """Let the next request wait."""
        self._due = _now() + effect.seconds

    def limit(self, workers: int) -> int:
        """Return how many of the workers may run."""
        return 1 if self.resolver.down else workers

    def forbids(self, workers: int) -> bool:
        """Return whether a worker must not take a chunk now, if so many run."""
        return self.resolver.down and (workers > 1 or _now() < self._due)

    async def wait(self) -> Effect | None:
        """Wait for the time of the next request; return an effect if it must not leave.

        Return immediately if HubSpot is up.
        """
        if not self.resolver.down:
            return None
        with self.waits.begin():
            await asyncio.sleep(self._due - _now())
            safe = self.resolver.operation.call.retry_safe
            error = None if safe else await self.probe()
        if error is None:
            self._due = -inf
            return None
        draw = random()  # noqa: S311 -- jitter
        return self.resolver.fail_probe(error, _now(), draw=draw)


async def pause(seconds: float, ended: asyncio.Event) -> None:
    """Sleep for some seconds, or until the batch has ended."""
    if seconds > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ended.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()

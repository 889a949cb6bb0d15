"""Stops a running job on a signal."""

import asyncio

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field
from rich.console import Console

from hubbatch.jobs import Export, Job
from hubbatch_entry import signals


@define
class JobStopper:
    """Stops a job on the first signal and cancels it on the second.

    The first signal waits for the answers of requests in flight. The second one cancels
    the job; so does the first if nothing is in flight. A further signal ends the
    process, even if its event loop is stuck.

    Attributes:
        console: where to print.
        is_waiting: returns whether the job waits for HubSpot, which is down.
        job: the running job; None while nothing is in flight.
    """

    console: Console
    is_waiting: Callable[[], bool] = lambda: False
    job: Job | Export | None = None
    _loop: asyncio.AbstractEventLoop = field(
        factory=asyncio.get_running_loop, init=False
    )
    _task: asyncio.Task[Any] | None = field(factory=asyncio.current_task, init=False)
    _draining: bool = field(default=False, init=False)
    _cancelled: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)

    @property
    def signal(self) -> int | None:
        """The number of the first signal that was received."""
        return signals.number

    @contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Handle signals in the `with` block; a signal may cancel the block."""
        signals.respond = self._respond
        try:
            yield
        except asyncio.CancelledError:
            if not self._cancelled or self._task is None or self._task.uncancel():
                raise
        finally:
            # The rest is short: the last lines and the report. Do not cancel it.
            self._over = True

    def settle(self, status: int) -> None:
        """Fix the exit status, so that a later signal does not change it."""
        signals.status = status

    def _respond(self) -> bool:
        # Called by the signal handler, at any instruction. The decision is made here,
        # so that a third signal ends a process whose loop is stuck, but it is carried
        # out in the loop.
        if self._cancelled:
            return False
        # An export waits for the page that it has requested.
        idle = isinstance(self.job, Export) and self.is_waiting()
        if self._draining or self.job is None or idle:
            self._cancelled, step = True, self._cancel
        else:
            self._draining, step = True, self._drain
        if not self._over:
            self._loop.call_soon_threadsafe(step)
        return True

    def _drain(self) -> None:
        if self.job is not None:
            self.job.stop()
            self.console.print(
                "Stopping when the requests in flight are answered. Interrupt again to "
                "stop at once.",
                soft_wrap=True,
            )

    def _cancel(self) -> None:
        if not self._over and self._task is not None:
            self._task.cancel()

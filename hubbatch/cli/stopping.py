"""What a signal does to a job that runs."""

import asyncio

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field
from rich.console import Console

from hubbatch.jobs import Export, Job
from hubbatch_entry import signals


@define
class Stopping:
    """Stops a job: after one signal gracefully, after two at once, after three dead.

    The first signal lets the requests in flight have their answers. If there is
    nothing in flight to wait for, or with the second one, the job is cancelled. A
    signal after that ends the process, however busy its event loop is.

    Attributes:
        console: where to say so.
        job: what runs; None while nothing is in flight.
    """

    console: Console
    job: Job | Export | None = None
    _loop: asyncio.AbstractEventLoop = field(
        factory=asyncio.get_running_loop, init=False
    )
    _task: asyncio.Task[Any] | None = field(factory=asyncio.current_task, init=False)
    _draining: bool = field(default=False, init=False)
    _cancelled: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)

    @property
    def number(self) -> int | None:
        """The first signal that came."""
        return signals.number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while this lasts, and let one cancel what is in it."""
        signals.respond = self._respond
        try:
            yield
        except asyncio.CancelledError:
            if not self._cancelled or self._task is None or self._task.uncancel():
                raise
        finally:
            # What is left is short: to say how it ended, and to write the report.
            self._over = True

    def settle(self, status: int) -> None:
        """Let no signal change the exit status any more."""
        signals.status = status

    def _respond(self) -> bool:
        # Runs in the signal's handler, at any instruction: it decides here, so that
        # a third signal ends a process whose loop is stuck, and acts in the loop.
        if self._cancelled:
            return False
        if self._draining or self.job is None:
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
                "Stopping when what is under way is answered. Once more to stop at "
                "once.",
                soft_wrap=True,
            )

    def _cancel(self) -> None:
        if not self._over and self._task is not None:
            self._task.cancel()

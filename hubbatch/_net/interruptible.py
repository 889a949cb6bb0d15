"""Waits that are interrupted when a batch ends."""

import asyncio

from typing import Any, Self


class InterruptibleWaits:
    """The tasks of a run that are waiting for a token, a permit or a source.

    Invariant: a task is in `_tasks` only while it has no request in flight, so it may
    be cancelled when the batch ends.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self) -> "InterruptibleWait":
        """Return the context in which the current task may be cancelled."""
        return InterruptibleWait(self._tasks)

    def cancel(self) -> None:
        """Cancel every waiting task."""
        for task in self._tasks:
            task.cancel()


class InterruptibleWait:
    """A context in which the current task waits.

    It holds no reference to the task: the traceback of a cancelled task would keep both
    alive. It is a class since a generator would take three times as many calls.
    """

    def __init__(self, tasks: set[asyncio.Task[Any]]) -> None:
        self._tasks = tasks
        self._over = False

    def __enter__(self) -> Self:
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type] # runs are tasks
        return self

    def over(self) -> None:
        """End the wait early: the rest of the context must not be cancelled."""
        if not self._over:
            self._over = True
            self._tasks.discard(asyncio.current_task())

    def __exit__(self, *_: object) -> None:
        self.over()

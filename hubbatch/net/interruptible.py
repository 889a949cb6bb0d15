"""Waits that the end of a batch interrupts."""

import asyncio

from typing import Any, Self


class Waits:
    """The tasks of a run that wait for a token, a permit or a source.

    Nothing of the batch is in flight in them, so its end cancels them.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self) -> "Wait":
        """Return the context in which the current task may be cancelled."""
        return Wait(self._tasks)

    def cancel(self) -> None:
        """Cancel every task that waits."""
        for task in self._tasks:
            task.cancel()


class Wait:
    """A context in which the current task waits.

    It does not keep the task: the traceback of a cancelled task would keep both alive.
    A class, since a generator would take three times as many calls.
    """

    def __init__(self, tasks: set[asyncio.Task[Any]]) -> None:
        self._tasks = tasks

    def __enter__(self) -> Self:
        self._tasks.add(_current_task())
        return self

    def over(self) -> None:
        """Note that the wait is over: what follows must not be cancelled."""
        self._tasks.discard(_current_task())

    def __exit__(self, *_: object) -> None:
        self.over()


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 -- the engine runs in tasks
    return task

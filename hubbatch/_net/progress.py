"""Reports the progress of a batch or a job to the callback of its caller."""

import asyncio

from collections.abc import Callable
from inspect import signature
from typing import Any

from attrs import field

from hubbatch._classes import define

from .event_log import logger


# Takes the number of inputs that have their outcome, and of all inputs if it is known.
ProgressCallback = Callable[[int, int | None], object]


def check_progress(progress: Any) -> None:
    """Check that a callback accepts `done` and `total`.

    Raises:
        TypeError: If it is not callable, or not with two positional arguments.
    """
    if progress is None:
        return
    try:
        signature(progress).bind(0, 0)
    except ValueError:  # some builtins have no signature
        return
    except TypeError:
        raise TypeError(
            "progress must be a function of two arguments, done and total. With tqdm: "
            "progress=lambda done, total: bar.update(done - bar.n). With rich: "
            "progress=lambda done, total: bar.update(task, completed=done, total=total)"
            "."
        ) from None


@define(eq=False)
class ProgressReporter:
    """Calls a callback with `done` and `total` whenever `done` has changed.

    A callback that raises is reported once in the log and not called again: a closed
    terminal must not stop a batch.

    Attributes:
        callback: The caller's function; None if there is none.
        settled: Returns the number of inputs that have their outcome.
        total: The number of all inputs; None if it is unknown.
    """

    callback: ProgressCallback | None
    settled: Callable[[], int]
    total: int | None = None
    _reported: int = field(default=-1, init=False)  # 0 is reported too

    def report(self) -> None:
        """Call the callback if more inputs have their outcome than at the last call."""
        if self.callback is None:
            return
        done = self.settled()
        if done == self._reported:
            return
        self._reported = done
        try:
            self.callback(done, self.total)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the caller's function may raise anything
            self.callback = None
            # Only the type: the message of an error may hold anything.
            logger.warning(
                "The progress callback raised %s. The batch continues without it.",
                type(error).__name__,
            )


NO_PROGRESS = ProgressReporter(None, lambda: 0)

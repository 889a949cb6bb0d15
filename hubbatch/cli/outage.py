"""Prints when HubSpot goes down and comes back, while a job waits for it."""

import time

from collections.abc import Callable
from http import HTTPStatus

from attrs import define, field
from rich.console import Console

from hubbatch import ChunkSettled, Event, HubSpotDown

from .progress import duration


@define
class OutageNotice:
    """Watches the events of a client for an outage that its job waits out.

    Attributes:
        console: where to print.
        clock: returns monotonic seconds.
        since: when the outage was noticed; None while HubSpot is up.
    """

    console: Console
    clock: Callable[[], float] = time.monotonic
    since: float | None = field(default=None, init=False)
    _due: float = field(default=0.0, init=False)
    _ends: float = field(default=0.0, init=False)

    def listen(self, event: Event) -> None:
        """Take an event of the client into account."""
        match event:
            case HubSpotDown():
                self._due = self.clock() + event.wait
                self._ends = self.clock() + event.left
                if self.since is None:
                    self.since = self.clock()
                    self._print(
                        f"HubSpot is down ({_reason(event.status)}). Waiting up to "
                        f"{duration(event.left)} for it (--patience), with one request "
                        "at a time."
                    )
            case ChunkSettled() if self.since is not None:
                seconds = self.clock() - self.since
                self.since = None
                self._print(f"HubSpot is up again, after {duration(seconds)}.")
            case _:
                """Other events do not show whether HubSpot is up."""

    def words(self) -> str | None:
        """Return what to show while HubSpot is down; None while it is up."""
        if self.since is None:
            return None
        now = self.clock()
        due, ends = max(self._due - now, 0.0), max(self._ends - now, 0.0)
        return (
            f"HubSpot is down, next request in {duration(due)}, the job ends in "
            f"{duration(ends)}"
        )

    def _print(self, line: str) -> None:
        self.console.print(line, soft_wrap=True, markup=False)


def _reason(status: int | None) -> str:
    if status is None:
        return "no answer"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:  # Cloudflare has numbers of its own
        return str(status)

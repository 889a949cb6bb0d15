"""When a job's latest requests left, for a run that resumes right after it.

HubSpot still counts these requests in its window.
"""

import os
import sqlite3

from collections.abc import Callable
from math import inf
from secrets import randbits

from attrs import define, field


SCHEMA = """
CREATE TABLE departure (
    at REAL NOT NULL, -- by the wall clock, in seconds since 1970
    requests INT NOT NULL,
    process INT NOT NULL -- see `process_token`
);
"""
# Seconds for which departures are kept. Longer than any rate limit's window.
_KEPT = 60.0
# The id of a process says too little: in a container, each run may have the same.
_RANDOM = randbits(40)


def process_token() -> int:
    """Return a number that identifies this process; a fork has another one."""
    return _RANDOM << 22 | os.getpid() % 2**22


@define
class Departures:
    """The table of departures in a journal.

    Attributes:
        clock: Returns the seconds since 1970.
        process: Identifies this process. Its clients know the requests that it has
            sent, so they are not those of a run before.
    """

    _connection: sqlite3.Connection
    clock: Callable[[], float]
    process: int = field(factory=process_token)
    _latest: float = field(default=-inf, init=False)
    _pruned_at: float = field(default=-inf, init=False)

    def write(self, requests: int) -> None:
        """Record requests that have just left, or leave as soon as this is on disk."""
        if not requests:
            return
        execute, now = self._connection.execute, self.clock()
        if now < self._latest:  # the clock was set back
            execute("UPDATE departure SET at = ? WHERE at > ?", (now, now))
            self._pruned_at = now
        self._latest = now
        execute("INSERT INTO departure VALUES (?, ?, ?)", (now, requests, self.process))
        if now > self._pruned_at + _KEPT:
            self._pruned_at = now
            execute("DELETE FROM departure WHERE at < ?", (now - _KEPT,))

    def seconds_ago(self) -> list[float]:
        """Return how many seconds ago each request of another process left.

        An age is negative if the clock was set back since.
        """
        now = self.clock()
        rows = self._connection.execute(
            "SELECT at, requests FROM departure WHERE process != ?", (self.process,)
        )
        return [now - at for at, requests in rows for _ in range(requests)]

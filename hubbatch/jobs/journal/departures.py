"""When a job's latest requests left, for a run that resumes right after it.

HubSpot still counts these requests in its window.
"""

import sqlite3

from collections.abc import Callable, Collection
from math import inf

from attrs import define, field


SCHEMA = """
CREATE TABLE departure (
    at REAL NOT NULL, -- by the wall clock, in seconds since 1970
    requests INT NOT NULL,
    sender INT NOT NULL -- the limits that know of them: `AccountLimits.senders`
);
"""
# Seconds for which departures are kept. Longer than any rate limit's window.
_KEPT = 60.0


@define
class Departures:
    """The table of departures in a journal.

    Attributes:
        clock: Returns the seconds since 1970.
        senders: Identify the requests that the client's own limits count. These are not
            reported again, whether this job has sent them or an earlier one.
    """

    _connection: sqlite3.Connection
    clock: Callable[[], float]
    senders: Collection[int] = (0,)
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
        execute("INSERT INTO departure VALUES (?, ?, ?)", (now, requests, self._sender))
        if now > self._pruned_at + _KEPT:
            self._pruned_at = now
            execute("DELETE FROM departure WHERE at < ?", (now - _KEPT,))

    def take_over(self) -> None:
        """Record that the client's limits count all requests from now on."""
        self._connection.execute("UPDATE departure SET sender = ?", (self._sender,))

    def seconds_ago(self) -> list[float]:
        """Return how many seconds ago each request left that the limits do not count.

        An age is negative if the clock was set back since.
        """
        now = self.clock()
        rows = self._connection.execute("SELECT at, requests, sender FROM departure")
        return [
            now - at
            for at, requests, sender in rows
            if sender not in self.senders
            for _ in range(requests)
        ]

    @property
    def _sender(self) -> int:
        return min(self.senders)

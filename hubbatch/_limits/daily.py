"""The account's day: how many calls are left today, and when the next day begins.

HubSpot counts the calls of all apps of an account and starts again at midnight in the
account's time zone ("Usage guidelines"). Public OAuth apps have no daily limit, and
their answers report none.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo
from math import ceil, inf
from typing import Literal

from attrs import field

from hubbatch._classes import define, frozen
from hubbatch.errors import ConfigurationError


# A report of the day is trusted for this many seconds; then one call is let through to
# refresh it. So a new day is noticed even if its start is unknown.
TRUSTED = 600.0
# After this many answers that do not report the day, the account seems to have none.
_SILENT = 3


@frozen
class Reserve:
    """Daily calls to keep for other apps: a number, or a share of the daily limit."""

    calls: int = 0
    share: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.calls or self.share)

    def of(self, limit: int) -> int:
        """Return how many of a day's `limit` calls to keep in reserve."""
        return max(self.calls, ceil(limit * self.share))


def parse_reserve(value: object) -> Reserve:
    """Parse the option `daily_reserve`: a number of calls, or a share such as "5%".

    Raises:
        ConfigurationError: If it is neither, or more than a day's calls.
    """
    if type(value) is int and value >= 0:
        return Reserve(value)
    if isinstance(value, str) and value.endswith("%"):
        try:
            share = float(value[:-1]) / 100
        except ValueError:
            share = -1.0
        if 0 <= share <= 1:
            return Reserve(share=share)
    raise ConfigurationError(
        "daily_reserve must be a number of calls or a share of the day from '0%' to "
        f"'100%', not {value!r}"
    )


@define
class DailyBudget:
    """Tracks the day's remaining calls. Instants are seconds of any monotonic clock.

    Attributes:
        limit: The calls of a day; None if no answer has reported it.
        remaining: How many of them are left; None if no answer has reported it.
        outstanding: Our calls that are in flight.
        ends_at: When the next day begins, if known.
    """

    limit: int | None = None
    remaining: int | None = None
    outstanding: int = 0
    ends_at: float = inf
    # Invariant: `remaining` was reported at _known_at. A report of a request that was
    # sent after _known_at is newer and replaces it, even by a larger number: then a
    # new day was noticed, at _new_since. A report of an older request can only lower
    # it, and only if the request was not sent before _new_since: then it may still be
    # about yesterday.
    _known_at: float = field(default=-inf, init=False)
    _new_since: float = field(default=-inf, init=False)
    _silent: int = field(default=0, init=False)  # answers without a report of the day

    def answered(
        self,
        sent_at: float,
        now: float,
        *,
        limit: int | None,
        left: int | None,
        from_hubspot: bool,
    ) -> None:
        """Record an answer and what it reports about the day.

        `from_hubspot`: whether the answer reports any other limit. If it does but
        reports no daily limit, it belongs to an OAuth app, which has none; if it
        reports no limit at all, it may be a proxy's.
        """
        self.limit = limit or self.limit
        if left is None:
            self._silent += _SILENT if from_hubspot else 1
        elif sent_at >= self._known_at:
            if self.remaining is not None and left > self.remaining:
                self._new_since = now
            self.remaining, self._known_at = left, now
        elif sent_at >= self._new_since and left <= (self.remaining or 0):
            self.remaining, self._known_at = left, now

    def reserved(self, reserve: Reserve) -> int:
        """Return how many of today's calls a reserve keeps."""
        return reserve.of(self.limit or self.remaining or 0)

    def allows(self, reserve: Reserve, now: float) -> Literal["go", "wait", "end"]:
        """Return whether a call may leave, must wait for answers, or is too many."""
        if not reserve or (self.remaining is None and self._silent >= _SILENT):
            return "go"
        if self.remaining is None or not self._is_fresh(now):
            return "wait" if self.outstanding else "go"
        spare = self.remaining - self.reserved(reserve)
        if spare <= 0:
            return "end"
        return "go" if spare > self.outstanding else "wait"

    def move(self, shift: float) -> None:
        """Switch to another clock, whose instants are `shift` later.

        Calls that were in flight on the old clock are forgotten.
        """
        self.outstanding = 0
        self.ends_at += shift
        self._known_at += shift
        self._new_since += shift

    def _is_fresh(self, now: float) -> bool:
        is_of_today = not self._known_at < self.ends_at <= now
        return is_of_today and now - self._known_at <= TRUSTED


def next_midnight(now: datetime, zone: tzinfo) -> datetime:
    """Return when the day after `now` begins in a time zone."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    begins = datetime.combine(tomorrow, time(), zone)
    # Via UTC: where clocks go forward at midnight, the day begins at one o'clock.
    return begins.astimezone(UTC).astimezone(zone)

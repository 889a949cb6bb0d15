"""The account's day: how many calls are left of it, and when the next one begins.

HubSpot counts the calls of all apps of an account, and begins anew at midnight in the
account's time zone ("Usage guidelines"). Public OAuth apps have no daily limit, and
their answers say nothing of one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from math import ceil, inf
from typing import Literal

from attrs import define, field, frozen

from hubbatch.errors import ConfigurationError

from .answers import DAILY_REMAINING, whole_number


# What an answer told of the day is believed for so many seconds; then one call asks
# anew. So a new day is noticed without knowing when it begins.
BELIEVED = 600.0
# After so many answers that tell nothing of a day it is believed that there is none.
_SILENT = 3


@frozen
class Reserve:
    """Calls of a day that are not to be used: a number, or a share of its limit."""

    calls: int = 0
    share: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.calls or self.share)

    def of(self, limit: int) -> int:
        """Give the number of calls, of a day of so many."""
        return max(self.calls, ceil(limit * self.share))


def parse_reserve(given: object) -> Reserve:
    """Read `daily_reserve`: a number of calls, or a share like "5%".

    Raises:
        ConfigurationError: if it is neither, or more than a whole day.
    """
    if type(given) is int and given >= 0:
        return Reserve(given)
    if isinstance(given, str) and given.endswith("%"):
        try:
            share = float(given[:-1]) / 100
        except ValueError:
            share = -1.0
        if 0 <= share <= 1:
            return Reserve(share=share)
    raise ConfigurationError(
        "daily_reserve must be a number of calls or a share of the day from '0%' to "
        f"'100%', not {given!r}"
    )


@define
class Day:
    """What is left of the day. Instants are seconds of any monotonic clock.

    Attributes:
        limit: calls a day; None where no answer told it.
        remaining: how many of them are left; None likewise.
        outstanding: our calls whose answers are still to come.
        ends_at: when the next day begins, where that is known.
    """

    limit: int | None = None
    remaining: int | None = None
    outstanding: int = 0
    ends_at: float = inf
    _known_at: float = field(default=-inf, init=False)
    _begun_at: float = field(default=-inf, init=False)  # when a new day was noticed
    _silent: int = field(default=0, init=False)  # answers that told nothing of it

    def answered(self, sent_at: float, headers: Mapping[str, str], now: float) -> None:
        """Note what the answer to a call tells that was sent at `sent_at`.

        Answers overtake each other, and the lowest is the latest that was counted;
        only a call that was sent after it was known can tell of a new day, and what
        was sent before may still tell of the old one.
        """
        self.limit = whole_number(headers, "X-HubSpot-RateLimit-Daily") or self.limit
        left = whole_number(headers, DAILY_REMAINING)
        if left is None:
            # One that tells of the window is an OAuth app's, others may be a proxy's.
            of_oauth = "X-HubSpot-RateLimit-Max" in headers
            self._silent += _SILENT if of_oauth else 1
        elif sent_at >= self._known_at:
            if self.remaining is not None and left > self.remaining:
                self._begun_at = now
            self.remaining, self._known_at = left, now
        elif sent_at >= self._begun_at and left <= (self.remaining or 0):
            self.remaining, self._known_at = left, now

    def kept(self, reserve: Reserve) -> int:
        """Give how many calls a reserve keeps of this day."""
        return reserve.of(self.limit or self.remaining or 0)

    def allows(self, reserve: Reserve, now: float) -> Literal["go", "wait", "end"]:
        """Say whether a call may leave, must wait for answers, or is one too many."""
        if not reserve or (self.remaining is None and self._silent >= _SILENT):
            return "go"
        if self.remaining is None or not self._is_fresh(now):
            return "wait" if self.outstanding else "go"
        spare = self.remaining - self.kept(reserve)
        if spare <= 0:
            return "end"
        return "go" if spare > self.outstanding else "wait"

    def move(self, shift: float) -> None:
        """Go on by another clock, whose instants are `shift` later.

        Nothing is outstanding any more.
        """
        self.outstanding = 0
        self.ends_at += shift
        self._known_at += shift
        self._begun_at += shift

    def _is_fresh(self, now: float) -> bool:
        of_today = not self._known_at < self.ends_at <= now
        return of_today and now - self._known_at <= BELIEVED


def next_midnight(now: datetime, zone: tzinfo) -> datetime:
    """Give the instant at which the day after `now` begins in a time zone."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    begins = datetime.combine(tomorrow, time(), zone)
    # By way of UTC, since a day may begin at one o'clock when clocks go forward.
    return begins.astimezone(UTC).astimezone(zone)

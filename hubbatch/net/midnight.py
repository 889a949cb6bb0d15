"""The time zone in which an account's day ends."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from hubbatch.models import Account


def time_zone(account: Account | None) -> tzinfo:
    """Give the account's time zone: by its name, else its offset, else UTC."""
    if account is None:
        return UTC
    try:
        return ZoneInfo(account.time_zone or "")
    except (LookupError, OSError, ValueError):  # no such name, or no time zones here
        pass
    try:
        offset = datetime.strptime(account.utc_offset or "", "%z")
    except ValueError:
        return UTC
    return offset.tzinfo or UTC


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)

"""The clock and the time zone that determine when an account's day ends."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from hubbatch.models import Account


def time_zone(account: Account | None) -> tzinfo:
    """Return the account's time zone, from its name, its offset, or else UTC."""
    if account is None:
        return UTC
    try:
        return ZoneInfo(account.time_zone or "")
    except (LookupError, OSError, ValueError):  # an unknown name, or no zones installed
        pass
    try:
        offset = datetime.strptime(account.utc_offset or "", "%z")
    except ValueError:
        return UTC
    return offset.tzinfo or UTC


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)

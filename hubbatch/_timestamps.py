"""HubSpot's two formats of instants."""

from datetime import UTC, datetime


def iso_milliseconds(value: datetime) -> str:
    """Return an aware datetime in HubSpot's format: UTC, milliseconds, `Z`."""
    utc = value.astimezone(UTC).replace(tzinfo=None).isoformat("T", "milliseconds")
    return f"{utc}Z"


def epoch_milliseconds(value: datetime) -> int:
    """Return an aware datetime in milliseconds since 1970."""
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000

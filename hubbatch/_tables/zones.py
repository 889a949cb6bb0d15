"""The time zone for times that have none."""

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from hubbatch._wire.property_values import AS_IS, AS_IS_NAME, Unsendable, in_zone
from hubbatch.errors import ConfigurationError


@frozen
class Zone:
    """A time zone.

    Attributes:
        name: Its name in the IANA database, e.g. `UTC`, `Europe/Berlin`; or `as-is`.
        tz: The zone.
    """

    name: str
    tz: tzinfo

    @classmethod
    def find(cls, name: str | None) -> "Zone | None":
        """Return the zone for times of a type; None for None, and for `as-is`.

        Raises:
            ConfigurationError: If the name is unknown.
        """
        zone = None if name is None else cls.named(name)
        return None if zone is None or zone.tz is AS_IS else zone

    @classmethod
    def named(cls, name: str) -> "Zone":
        """Return the zone with a name; `as-is` sends text unchanged.

        Raises:
            ConfigurationError: If the name is unknown.
        """
        if name == AS_IS_NAME:
            return cls(name, AS_IS)
        try:
            # UTC is known even without an IANA database.
            zone = UTC if name == "UTC" else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise ConfigurationError(
                f"unknown time zone {name!r}: expected a name like UTC or "
                "Europe/Berlin, or as-is"
            ) from None
        return cls(name, zone)

    def localize(self, value: Any) -> Any:
        """Set this zone on times without one, also in lists and dicts, and return it.

        A local time that the clocks skip or repeat is not an instant. It becomes
        `Unsendable`, so that its record fails instead of being an hour off.
        """
        match value:
            case datetime() if value.tzinfo is None:
                return self._localize(value)
            case list():
                return [self.localize(item) for item in value]
            case dict():
                return {name: self.localize(item) for name, item in value.items()}
            case _:
                return value

    def _localize(self, value: datetime) -> datetime | Unsendable:
        try:
            return in_zone(value, self.tz)
        except ValueError as error:  # also of pandas.NaT
            return Unsendable(str(error))

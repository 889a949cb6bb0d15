"""The time zone of times that do not say theirs."""

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from hubbatch.core.values import Unsendable
from hubbatch.errors import ConfigurationError


@frozen
class Zone:
    """A time zone by its name.

    Attributes:
        name: as in the IANA database, e.g. `UTC`, `Europe/Berlin`.
    """

    name: str
    _zone: tzinfo

    @classmethod
    def find(cls, name: str | None) -> "Zone | None":
        """Find a zone; None stays None.

        Raises:
            ConfigurationError: if there is none of this name.
        """
        if name is None:
            return None
        try:
            # UTC is known also where there is no database of the others.
            zone = UTC if name == "UTC" else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise ConfigurationError(
                f"no time zone {name!r}: expected a name like UTC or Europe/Berlin"
            ) from None
        return cls(name, zone)

    def localize(self, value: Any) -> Any:
        """Give times without a zone this one; also those in lists and mappings.

        An hour that the clocks go through twice, or leave out, names no instant: its
        record fails, rather than be an hour off.
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
        first, second = (value.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            return Unsendable(
                f"{value} comes twice in {self.name}, or not at all: the clocks change"
            )
        return first

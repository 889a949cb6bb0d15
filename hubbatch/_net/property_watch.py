"""Watches which of the requested properties occur in no record."""

from collections.abc import Sequence
from typing import Any

from attrs import field

from hubbatch._classes import define
from hubbatch._wire.calls import Operation


@define
class PropertyWatch:
    """The requested properties that no record has, not even as null.

    HubSpot answers null for a property without a value, and omits a name that does
    not exist.

    Attributes:
        definitions: the call that lists the properties of the type.
        requested: the names that the records should have.
    """

    definitions: Operation
    requested: tuple[str, ...]
    _absent: set[str] | None = field(default=None, init=False)

    def note(self, records: Sequence[Any]) -> None:
        """Note the properties of records; costs nothing once all names occurred."""
        if self._absent is None and records:
            self._absent = {*self.requested}
        if self._absent:
            for record in records:
                self._absent.difference_update(record.properties)

    @property
    def absent(self) -> list[str]:
        """The names that no record had; empty if there was no record."""
        return [name for name in self.requested if name in (self._absent or ())]

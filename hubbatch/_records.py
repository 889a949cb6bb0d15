"""The two record classes, of which a batch returns one instance per record.

They are msgspec Structs: msgspec decodes them straight from JSON, and the garbage
collector does not track them, so a collection stays short with a million records in
memory.
"""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from hubbatch._classes import define
from hubbatch._timestamps import iso_milliseconds


@define
class ValueWithTimestamp:
    """A value that a property has or had, with its time and source."""

    value: str | None
    timestamp: datetime | None = None
    source_type: str | None = None
    source_id: str | None = None
    source_label: str | None = None
    updated_by_user_id: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return HubSpot's JSON; fields that are None are omitted."""
        members = {
            "value": self.value,
            "timestamp": self.timestamp and iso_milliseconds(self.timestamp),
            "sourceType": self.source_type,
            "sourceId": self.source_id,
            "sourceLabel": self.source_label,
            "updatedByUserId": self.updated_by_user_id,
        }
        return {name: value for name, value in members.items() if value is not None}


# What msgspec accepts from HubSpot's JSON for a field; `_wire.record_decoder` reads
# other values. A time must have a zone. Histories are attrs values, whose fields
# msgspec cannot rename, so it accepts only an empty one.
Timestamp: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A datetime with a zone."""


class SimplePublicObject(Struct, rename="camel", gc=False, repr_omit_defaults=True):
    """A record as HubSpot returns it.

    `properties` holds strings, or None for a requested property that has no value.
    `warnings` holds HubSpot's JSON objects unchanged (dated API versions only).

    Records can be compared, copied and pickled. `copy.replace` (Python 3.13) or
    `msgspec.structs.replace` returns a copy with other values.
    """

    id: str
    properties: dict[str, str | None]
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    archived: bool | None = None
    archived_at: Timestamp | None = None
    properties_with_history: (
        Annotated[dict[str, list[ValueWithTimestamp]], Meta(max_length=0)] | None
    ) = None
    object_write_trace_id: str | None = None
    url: str | None = None
    warnings: list[dict[str, Any]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return HubSpot's JSON for the record; fields that are None are omitted.

        Timestamps become strings in UTC with milliseconds.
        """
        names = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        return {
            written: _to_json(value)
            for name, written in names
            if (value := getattr(self, name)) is not None
        }


def _to_json(value: Any) -> Any:
    """Return the value of a record's field as JSON, without sharing mutable values."""
    match value:
        case datetime():
            return iso_milliseconds(value)
        case ValueWithTimestamp():
            return value.to_dict()
        case dict():
            return {name: _to_json(item) for name, item in value.items()}
        case list():
            return [*map(_to_json, value)]
        case _:
            return value


class SimplePublicUpsertObject(SimplePublicObject, rename="camel", gc=False):
    """A record as an upsert returns it.

    `new` is whether the upsert created it; None if an earlier attempt, whose answer was
    lost, may have created it.
    """

    new: bool | None = None

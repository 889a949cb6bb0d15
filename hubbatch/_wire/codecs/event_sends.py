"""Custom events: up to 500 in a call, whose answer is empty."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from hubbatch._wire.calls import Encoded, Encoder, Operation
from hubbatch._wire.inputs import InputForm, dumps, written_values
from hubbatch._wire.property_values import InvalidInput, TimeFormat, record_id
from hubbatch._wire.rows import is_missing
from hubbatch._write_inputs import EventInput

from .envelopes import envelope_codec, nothing


_event_values: Any = attrgetter(
    "event_name", "properties", "email", "utk", "object_id", "occurred_at", "uuid"
)
_EVENT = InputForm(
    ("eventName", "properties", "email", "utk", "objectId", "occurredAt", "uuid"),
    "eventName, properties and one of email, utk and objectId",
    {EventInput: _event_values},
)
_STRINGS = ("email", "utk", "uuid")
# "Event completions can have at most 50 properties" (HubSpot's changelog of 2021).
_MAX_PROPERTIES = 50


def _encoder(operation: Operation) -> Encoder:
    times = TimeFormat(operation.zone)

    def encode(_index: int, value: object) -> Encoded:
        fields = dict(zip(_EVENT.names, _EVENT.values(value), strict=True))
        fields = {name: item for name, item in fields.items() if not is_missing(item)}
        values = written_values(fields.pop("properties", {}), times)
        if len(values) > _MAX_PROPERTIES:
            raise InvalidInput(
                f"an event has at most {_MAX_PROPERTIES} properties, not {len(values)}",
                "properties",
            )
        body: dict[str, object] = {"eventName": _name(fields.pop("eventName", None))}
        if fields.keys().isdisjoint(("email", "utk", "objectId")):
            raise InvalidInput(
                "an event needs one of email, utk and objectId, to name the record it "
                "belongs to",
                "email",
            )
        for name, item in fields.items():
            if name in _STRINGS:
                body[name] = _string(name, item)
            elif name == "objectId":
                body[name] = record_id(item)
            else:
                body[name] = _instant(name, item, times)
        body["properties"] = values
        return None, dumps(body, values), None

    return encode


def _name(value: object) -> str:
    if value is None:
        raise InvalidInput("eventName is missing: pe{HubID}_{name}", "eventName")
    name = _string("eventName", value)
    if name.split() != [name]:
        raise InvalidInput(
            f"eventName must be the full name, pe{{HubID}}_{{name}}, not {name!r}",
            "eventName",
        )
    return name


def _string(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} must be a string, not {value!r}", name)
    return str.__str__(value)


def _instant(name: str, value: object, times: TimeFormat) -> str:
    """Return a time as HubSpot's specification has it: in UTC, with milliseconds."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise InvalidInput(
            f"{name} must be a datetime, or a string such as 2026-01-20T21:14:16Z", name
        )
    return times.instant(name, value)


def _row_shaper(_operation: Operation) -> Callable[[Any], Any]:
    return _shape


def _shape(value: Any) -> Any:
    """Return a flat row as an event; its other columns are the properties."""
    if not isinstance(value, Mapping) or "properties" in value:
        return value
    event: dict[str, Any] = {"properties": {}}
    for name, cell in value.items():
        if name in _EVENT.names:
            event[name] = cell
        elif not is_missing(cell):
            event["properties"][name] = cell
    return event


SENDS = envelope_codec(_encoder, parts=nothing, rows=_row_shaper)

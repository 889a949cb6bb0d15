"""Converts inputs to the form stored in a failures file, and back.

JSON has fewer types than Python. A date or a decimal is stored as the string that would
be sent for it. A value that cannot be sent at all (a time without a zone, NaN, a string
that UTF-8 cannot encode) is stored as `{"unsendable": "why"}` and refused again until
the user replaces it: otherwise the round trip through the file would turn it into a
value that can be sent.
"""

import re

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from hubbatch._wire.codecs.merges import MERGED, PRIMARY
from hubbatch._wire.endpoints import Operation
from hubbatch._wire.property_values import (
    InvalidInput,
    TimeFormat,
    Unsendable,
    check_encodable,
    is_local_time,
    property_values,
    record_id,
)
from hubbatch._wire.user_classes import class_mapping, is_typed
from hubbatch._write_inputs import MergeInput
from hubbatch.account_models import ListChange, ListMember
from hubbatch.models import (
    AssociationInput,
    AssociationSpec,
    AssociationTo,
    CreateInput,
    LegacyCreateInput,
    LegacyUpdateInput,
    SimplePublicObject,
    UpdateInput,
    UpsertInput,
)


_MARK = "unsendable"
# The number of characters of an unsendable value that its reason shows.
_SHOWN = 200
_LARGEST = 2**63
_SURROGATE = re.compile("[\ud800-\udfff]")


def input_encoder(operation: Operation, *, legacy: bool) -> Callable[[Any], Any]:
    """Return a function that converts an input to JSON in HubSpot's shape."""
    verb, id_property = operation.call.verb, operation.id_property
    times = TimeFormat(operation.zone, legacy=legacy)

    def encode(item: Any) -> Any:
        return _as_json(_as_mapping(item, verb, id_property), times)

    return encode


def restore(stored: Any) -> Any:
    """Return a stored input in the form to send; marked values become `Unsendable`."""
    if isinstance(stored, dict):
        if stored.keys() == {_MARK} and isinstance(stored[_MARK], str):
            return Unsendable(stored[_MARK])
        return {name: restore(value) for name, value in stored.items()}
    if isinstance(stored, list):
        return [restore(item) for item in stored]
    return stored


def _as_mapping(value: Any, verb: str, id_property: str | None) -> Any:
    """Return an input object, hubbatch's or the user's, in HubSpot's shape."""
    match value:
        case UpdateInput() | UpsertInput() | CreateInput():
            return _of_write_input(value)
        case LegacyUpdateInput():
            return {"objectId": value.object_id, "properties": value.properties}
        case MergeInput():
            ids = value.primary_object_id, value.object_id_to_merge
            return dict(zip((PRIMARY, MERGED), ids, strict=True))
        case LegacyCreateInput():
            return {"properties": value.properties}
        case AssociationInput():
            ends = {"from": {"id": value.from_}, "to": {"id": value.to}}
            return {**ends, "types": value.types} if value.types else ends
        case ListMember() | ListChange():
            return {"id": value.record_id}
        case SimplePublicObject():
            return {"id": value.id}
        case _ if is_typed(type(value)):
            written = class_mapping(type(value)).to_input(value, id_property)
            names = written.keys() - ({"id"} if verb == "create" else set())
            return {name: written[name] for name in sorted(names)}
        case _:
            return value


def _of_write_input(value: UpdateInput | UpsertInput | CreateInput) -> dict[str, Any]:
    fields: dict[str, Any] = {"properties": value.properties}
    if isinstance(value, CreateInput):
        if value.associations:
            fields["associations"] = value.associations
    else:
        fields = {"id": value.id, **fields}
        if value.id_property is not None:
            fields["idProperty"] = value.id_property
    if value.object_write_trace_id is not None:
        fields["objectWriteTraceId"] = value.object_write_trace_id
    return fields


def _as_json(value: Any, times: TimeFormat) -> Any:
    match value:
        case Mapping():
            return {
                _name(name): (
                    _properties(item, times)
                    if name == "properties"
                    else _as_json(item, times)
                )
                for name, item in value.items()
            }
        case list() | tuple():
            return [_as_json(item, times) for item in value]
        case AssociationTo():
            types = _as_json(value.types, times)
            return {"to": {"id": _leaf(value.to)}, "types": types}
        case AssociationSpec():
            return {
                "associationCategory": _leaf(value.association_category),
                "associationTypeId": _leaf(value.association_type_id),
            }
        case _:
            return _leaf(value)


def _properties(properties: Any, times: TimeFormat) -> Any:
    if isinstance(properties, Mapping):
        return {
            _name(name): _property(name, value, times)
            for name, value in properties.items()
        }
    if isinstance(properties, list | tuple):  # crm-objects/v1: names and values
        return [_named(item, times) for item in properties]
    return _leaf(properties)


def _named(pair: Any, times: TimeFormat) -> Any:
    stored = _as_json(pair, times)
    if isinstance(pair, Mapping) and {"name", "value"} <= pair.keys():
        stored["value"] = _property(pair["name"], pair["value"], times)
    return stored


def _property(name: Any, value: Any, times: TimeFormat) -> Any:
    """Return a property's value: unchanged, in the form to send, or marked."""
    try:
        sent = property_values({name: value}, times)
        check_encodable(sent)
    except InvalidInput:
        # A time without a zone is sent if `replay` has a zone for it.
        if type(value) is str and is_local_time(value) and _name(name) == name:
            return value
        return _unsendable(value)
    if type(value) is str:  # the job's zone made it an instant
        return sent[name]
    return value if _is_json(value) else sent.get(name)


def _leaf(value: Any) -> Any:
    """Return any other value: unchanged, as the id to send for it, or marked."""
    if _is_json(value):
        return value
    try:
        # It may be the value of a unique property; anything but a record id is refused
        # again otherwise.
        sent = record_id(value, id_property="id")
        check_encodable({"id": sent})
    except InvalidInput:
        return _unsendable(value)
    return sent


def _is_json(value: Any) -> bool:
    """Return whether a value survives a round trip through JSON unchanged."""
    if value is None or type(value) is bool:
        return True
    if type(value) is str:
        return value.isascii() or not _SURROGATE.search(value)
    if type(value) is int:
        return -_LARGEST <= value < _LARGEST
    return type(value) is float and isfinite(value)


def _name(name: Any) -> str:
    return name if type(name) is str and _is_json(name) else _shown(name)


def _unsendable(value: Any) -> dict[str, str]:
    if isinstance(value, Unsendable):
        return {_MARK: value.reason}
    return {_MARK: f"{_shown(value)} cannot be sent: replace it with a value that can"}


def _shown(value: Any) -> str:
    try:
        string = str(value)
    except Exception:  # noqa: BLE001 -- a value's own method may raise anything
        string = f"a {type(value).__name__}"
    return string[:_SHOWN].encode("utf-8", "backslashreplace").decode()

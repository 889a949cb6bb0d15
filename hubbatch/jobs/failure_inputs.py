"""Inputs as a file of failures keeps them: what is sent again is what was to be sent.

JSON has fewer values than Python. A date or a decimal number is kept as the text that
it is sent as. What cannot be sent at all (a time without a zone, NaN, text that is no
UTF-8) must not become something that can, only because it went through a file: it is
kept as `{"unsendable": "why"}`, and is refused again until somebody writes a value in
its place.
"""

import re

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from hubbatch.core.operations import Operation
from hubbatch.core.typed import is_typed, shape_of
from hubbatch.core.values import (
    InvalidInput,
    Unsendable,
    check_encodable,
    property_texts,
    record_id,
)
from hubbatch.models import (
    AssociationInput,
    AssociationSpec,
    AssociationTo,
    CreateInput,
    LegacyCreateInput,
    LegacyUpdateInput,
    UpdateInput,
    UpsertInput,
)


_MARK = "unsendable"
# So much of a value that cannot be sent is shown in its place.
_SHOWN = 200
_LARGEST = 2**63
_SURROGATE = re.compile("[\ud800-\udfff]")


def keeper(operation: Operation, *, legacy: bool) -> Callable[[Any], Any]:
    """Make what gives an input of a call in HubSpot's JSON shape, all of it JSON."""
    verb, id_property = operation.call.verb, operation.id_property

    def keep(given: Any) -> Any:
        return _kept(_shaped(given, verb, id_property), legacy=legacy)

    return keep


def again(given: Any) -> Any:
    """Give an input that was kept, as it is to be sent; what was marked, unsendable."""
    if isinstance(given, dict):
        if given.keys() == {_MARK} and isinstance(given[_MARK], str):
            return Unsendable(given[_MARK])
        return {name: again(value) for name, value in given.items()}
    if isinstance(given, list):
        return [again(item) for item in given]
    return given


def _shaped(given: Any, verb: str, id_property: str | None) -> Any:
    """Give an input of a class, ours or the user's, in HubSpot's shape."""
    match given:
        case UpdateInput() | UpsertInput() | CreateInput():
            return _traced(given)
        case LegacyUpdateInput():
            return {"objectId": given.object_id, "properties": given.properties}
        case LegacyCreateInput():
            return {"properties": given.properties}
        case AssociationInput():
            ends = {"from": {"id": given.from_}, "to": {"id": given.to}}
            return {**ends, "types": given.types} if given.types else ends
        case _ if is_typed(type(given)):
            written = shape_of(type(given)).written(given, id_property)
            names = written.keys() - ({"id"} if verb == "create" else set())
            return {name: written[name] for name in sorted(names)}
        case _:
            return given


def _traced(given: UpdateInput | UpsertInput | CreateInput) -> dict[str, Any]:
    shape: dict[str, Any] = {"properties": given.properties}
    if isinstance(given, CreateInput):
        if given.associations:
            shape["associations"] = given.associations
    else:
        shape = {"id": given.id, **shape}
        if given.id_property is not None:
            shape["idProperty"] = given.id_property
    if given.object_write_trace_id is not None:
        shape["objectWriteTraceId"] = given.object_write_trace_id
    return shape


def _kept(value: Any, *, legacy: bool) -> Any:
    match value:
        case Mapping():
            return {
                _name(name): (
                    _properties(item, legacy=legacy)
                    if name == "properties"
                    else _kept(item, legacy=legacy)
                )
                for name, item in value.items()
            }
        case list() | tuple():
            return [_kept(item, legacy=legacy) for item in value]
        case AssociationTo():
            types = _kept(value.types, legacy=legacy)
            return {"to": {"id": _leaf(value.to)}, "types": types}
        case AssociationSpec():
            return {
                "associationCategory": _leaf(value.association_category),
                "associationTypeId": _leaf(value.association_type_id),
            }
        case _:
            return _leaf(value)


def _properties(given: Any, *, legacy: bool) -> Any:
    if isinstance(given, Mapping):
        return {
            _name(name): _property(name, value, legacy=legacy)
            for name, value in given.items()
        }
    if isinstance(given, list | tuple):  # HubSpot's v1: names and values
        return [_named(item, legacy=legacy) for item in given]
    return _leaf(given)


def _named(given: Any, *, legacy: bool) -> Any:
    kept = _kept(given, legacy=legacy)
    if isinstance(given, Mapping) and {"name", "value"} <= given.keys():
        kept["value"] = _property(given["name"], given["value"], legacy=legacy)
    return kept


def _property(name: Any, value: Any, *, legacy: bool) -> Any:
    """Give the value of a property: as it is, as it is sent, or marked."""
    try:
        texts = property_texts({name: value}, legacy=legacy)
        check_encodable(texts)
    except InvalidInput:
        return _marked(value)
    return value if _is_json(value) else texts.get(name)


def _leaf(value: Any) -> Any:
    """Give any other value: as it is, as the id that it is sent as, or marked."""
    if _is_json(value):
        return value
    try:
        # It may be a unique property's; what is no record's id is refused again.
        text = record_id(value, id_property="id")
        check_encodable({"id": text})
    except InvalidInput:
        return _marked(value)
    return text


def _is_json(value: Any) -> bool:
    """Whether JSON has just this value, and it comes back as it was."""
    if value is None or type(value) is bool:
        return True
    if type(value) is str:
        return value.isascii() or not _SURROGATE.search(value)
    if type(value) is int:
        return -_LARGEST <= value < _LARGEST
    return type(value) is float and isfinite(value)


def _name(name: Any) -> str:
    return name if type(name) is str and _is_json(name) else _shown(name)


def _marked(value: Any) -> dict[str, str]:
    if isinstance(value, Unsendable):
        return {_MARK: value.reason}
    return {_MARK: f"{_shown(value)} cannot be sent: write what is meant instead"}


def _shown(value: Any) -> str:
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 -- a value's own method may raise anything
        text = f"a {type(value).__name__}"
    return text[:_SHOWN].encode("utf-8", "backslashreplace").decode()

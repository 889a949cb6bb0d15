"""The definitions of properties: created, read and archived by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import fields

from hubbatch._wire.calls import Encoded, ResultShape
from hubbatch._wire.inputs import InputForm, dumps, for_any_operation, make_key
from hubbatch._wire.property_values import InvalidInput, int32
from hubbatch._wire.records import (
    camel_case,
    converter,
    list_of,
    of_class,
    register,
)
from hubbatch.models import (
    Property,
    PropertyCreate,
    PropertyModificationMetadata,
    PropertyOption,
)

from .documents import document
from .envelopes import envelope_codec


_REQUIRED = ("name", "label", "groupName", "type", "fieldType")
# PropertyCreate in HubSpot's specifications. HubSpot refuses the whole call for any
# other value.
_KINDS = {
    "type": (
        *("bool", "date", "datetime", "enumeration", "number", "phone_number"),
        "string",
    ),
    "fieldType": (
        *("booleancheckbox", "calculation_equation", "checkbox", "date", "file"),
        *("html", "number", "phonenumber", "radio", "select", "text", "textarea"),
    ),
}


register(PropertyOption)
register(PropertyModificationMetadata)
register(Property, {"options": list_of(PropertyOption)})
register(PropertyCreate)


def _as_mapping(value: object, cls: type) -> object:
    """Return the fields set on an instance of `cls`; any other input unchanged."""
    if not isinstance(value, cls):
        return value
    values = {
        camel_case(field.name): getattr(value, field.name) for field in fields(cls)
    }
    return {name: item for name, item in values.items() if item is not None}


# The fields in HubSpot's schema of August 2026 that the class lacks.
_STRINGS = ("currencyPropertyName", "numberDisplayHint", "textDisplayHint")
_FLAGS = ("showCurrencySymbol",)
_CREATE = InputForm(
    (
        *(camel_case(field.name) for field in fields(PropertyCreate)),
        *(*_STRINGS, *_FLAGS),
    ),
    "name, label, type and so on",
)
_OPTION = InputForm(
    tuple(camel_case(field.name) for field in fields(PropertyOption)),
    "label and value",
)
_NAME = InputForm(("name",), "name")
# HubSpot refuses the whole call for a single value of the wrong type.
_TYPES: Mapping[str, type] = {
    **dict.fromkeys((*_STRINGS, "calculationFormula", "dataSensitivity"), str),
    **dict.fromkeys(("description", "referencedObjectType"), str),
    **dict.fromkeys((*_FLAGS, "externalOptions", "formField"), bool),
    **dict.fromkeys(("hasUniqueValue", "hidden"), bool),
}


def _encode_create(_index: int, value: object) -> Encoded:
    body = _CREATE.mapping(_as_mapping(value, PropertyCreate))
    _check_set(body, _REQUIRED)
    for name, kinds in _KINDS.items():
        if body[name] not in kinds:
            raise InvalidInput(
                f"{name} is one of {', '.join(kinds)}, not {body[name]!r}", name
            )
    _check_types(body)
    written = dict(body)
    if body.get("options") is not None:
        written["options"] = _checked_options(body["options"])
    strings = {name: item for name, item in body.items() if isinstance(item, str)}
    return _key_of(body["name"]), dumps(written, strings), None


def _key_of(name: str) -> str:
    # An error lists names under `context.name`, as it would the values of a property
    # called "name". So the key is that of such a value.
    return make_key(name, "name")


def _check_set(body: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidInput(f"{name} must be a non-empty str", name)


def _check_types(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if value is None:
            continue
        wanted = _TYPES.get(name)
        if wanted is not None and not isinstance(value, wanted):
            raise InvalidInput(
                f"{name} must be a {wanted.__name__}, not {value!r}", name
            )
        if name == "displayOrder":
            int32(name, value)


def _checked_options(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"options must be a list, not {value!r}", "options")
    return [*map(_option, value)]


def _option(value: object) -> dict[str, Any]:
    try:
        option = _OPTION.mapping(_as_mapping(value, PropertyOption))
        _check_set(option, ("label", "value"))
        _check_types(option)
    except InvalidInput as error:
        raise InvalidInput(f"options: {error}", "options") from None
    return dict(option)


def _encode_name(_index: int, value: object) -> Encoded:
    if isinstance(value, Mapping):
        [value] = _NAME.values(value)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(
            f"a property's name is a non-empty str, not {value!r}", "name"
        )
    body = {"name": str.__str__(value)}
    return _key_of(body["name"]), dumps(body, body), None


def structure_properties(raw: Any) -> list[Property]:
    """Read the definitions of all properties of a type.

    Raises:
        LookupError, TypeError: If it is not such an answer.
    """
    return [converter.structure(item, Property) for item in raw["results"]]


def _key(result: Property) -> str:
    return _key_of(result.name)


_PROPERTY = ResultShape(of_class(Property), _key)

CREATES = envelope_codec(for_any_operation(_encode_create), _PROPERTY)
READS = envelope_codec(for_any_operation(_encode_name), _PROPERTY)
ARCHIVES = envelope_codec(for_any_operation(_encode_name))
LISTS = document(structure_properties)

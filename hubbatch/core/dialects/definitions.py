"""Properties, as they are defined: created, read and archived by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import fields

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import (
    camel_case,
    converter,
    of_class,
    structure_response,
    teach,
)
from hubbatch.core.encoding import dumps, enveloped, fields_of, make_key
from hubbatch.core.values import InvalidInput, int32
from hubbatch.models import (
    Property,
    PropertyCreate,
    PropertyModificationMetadata,
    PropertyOption,
)


# An error names a property under the very name that its key has: `context.name`.
_NAME_FIELDS = frozenset({"name"})
_REQUIRED = ("name", "label", "groupName", "type", "fieldType")
# PropertyCreate in HubSpot's specifications; it refuses the whole call for others.
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


def _options(raw: Any, _: object) -> list[PropertyOption]:
    return [converter.structure(item, PropertyOption) for item in raw or ()]


teach(PropertyOption)
teach(PropertyModificationMetadata)
teach(Property, {"options": _options})
teach(PropertyCreate)

# What HubSpot's schema of August 2026 has beyond what the class names.
_TEXTS = ("currencyPropertyName", "numberDisplayHint", "textDisplayHint")
_FLAGS = ("showCurrencySymbol",)
_CREATE_FIELDS = frozenset(
    {camel_case(one.name) for one in fields(PropertyCreate)} | {*_TEXTS, *_FLAGS}
)
_OPTION_FIELDS = frozenset(camel_case(one.name) for one in fields(PropertyOption))
# One value of another type than its field's, and HubSpot refuses the whole call.
_TYPES: Mapping[str, type] = {
    **dict.fromkeys((*_TEXTS, "calculationFormula", "dataSensitivity"), str),
    **dict.fromkeys(("description", "referencedObjectType"), str),
    **dict.fromkeys((*_FLAGS, "externalOptions", "formField"), bool),
    **dict.fromkeys(("hasUniqueValue", "hidden"), bool),
}


def _create_encoder(_: Operation) -> Encoder:
    return _encode_create


def _encode_create(_index: int, given: object) -> Encoded:
    raw = _as_raw(given) if isinstance(given, PropertyCreate) else given
    body = fields_of(raw, _CREATE_FIELDS, "name, label, type and so on")
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
    texts = {name: text for name, text in body.items() if isinstance(text, str)}
    return make_key(body["name"], "name"), dumps(written, texts), None


def _as_raw(given: PropertyCreate | PropertyOption) -> dict[str, Any]:
    """Give the fields that are set, whatever they hold, by HubSpot's names."""
    values = {
        camel_case(one.name): getattr(given, one.name) for one in fields(type(given))
    }
    return {name: value for name, value in values.items() if value is not None}


def _check_set(body: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidInput(f"{name} must be a non-empty str", name)


def _check_types(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        wanted = _TYPES.get(name)
        if value is None:
            continue
        if wanted is not None and not isinstance(value, wanted):
            raise InvalidInput(
                f"{name} must be a {wanted.__name__}, not {value!r}", name
            )
        if name == "displayOrder":
            int32(name, value)


def _checked_options(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list | tuple):
        raise InvalidInput(f"options must be a list, not {given!r}", "options")
    return [_option(one) for one in given]


def _option(given: object) -> dict[str, Any]:
    try:
        raw = _as_raw(given) if isinstance(given, PropertyOption) else given
        option = fields_of(raw, _OPTION_FIELDS, "label and value")
        _check_set(option, ("label", "value"))
        _check_types(option)
    except InvalidInput as error:
        raise InvalidInput(f"options: {error}", "options") from None
    return dict(option)


def _name_encoder(_: Operation) -> Encoder:
    return _encode_name


def _encode_name(_index: int, given: object) -> Encoded:
    if isinstance(given, Mapping):
        given = fields_of(given, _NAME_FIELDS, "name").get("name")
    if not isinstance(given, str) or not given.strip():
        raise InvalidInput(
            f"a property's name is a non-empty str, not {given!r}", "name"
        )
    body = {"name": str.__str__(given)}
    return make_key(body["name"], "name"), dumps(body, body), None


def _key(result: Property) -> str:
    return make_key(result.name, "name")


_PROPERTY = Shape(of_class(Property), _key)

CREATES = Dialect(_create_encoder, enveloped, structure_response, _PROPERTY)
READS = Dialect(_name_encoder, enveloped, structure_response, _PROPERTY)
ARCHIVES = Dialect(_name_encoder, enveloped, structure_response)

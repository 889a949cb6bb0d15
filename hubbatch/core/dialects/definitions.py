"""Properties, as they are defined: created, read and archived by name."""

from collections.abc import Mapping
from typing import Any

from attrs import fields

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import (
    camel_case,
    converter,
    of_class,
    structure_response,
    teach,
    unstructure,
)
from hubbatch.core.encoding import dumps, enveloped, fields_of, make_key
from hubbatch.core.values import InvalidInput
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
_CREATE_FIELDS = frozenset(
    {camel_case(one.name) for one in fields(PropertyCreate)}
    | {
        "currencyPropertyName",
        "numberDisplayHint",
        "showCurrencySymbol",
        "textDisplayHint",
    }
)


def _create_encoder(_: Operation) -> Encoder:
    return _encode_create


def _encode_create(_index: int, given: object) -> Encoded:
    raw = unstructure(given) if isinstance(given, PropertyCreate) else given
    body = fields_of(raw, _CREATE_FIELDS, "name, label, type and so on")
    for name in _REQUIRED:
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidInput(f"{name} must be a non-empty str", name)
    for name, kinds in _KINDS.items():
        if body[name] not in kinds:
            raise InvalidInput(
                f"{name} is one of {', '.join(kinds)}, not {body[name]!r}", name
            )
    texts = {name: text for name, text in body.items() if isinstance(text, str)}
    return make_key(body["name"], "name"), dumps(dict(body), texts), None


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

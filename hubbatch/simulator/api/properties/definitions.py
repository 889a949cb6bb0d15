"""Property definitions: their JSON, and the checks of those that a caller sends."""

import re

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import ObjectType, Property
from hubbatch.simulator.crm.standard_properties import FIELD_TYPES
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal, iso


# Field types by the property types that callers may create: "PropertyCreate" in the
# specification, and the properties guide. HubSpot lists other types that are its own.
_CALCULATION: Final = "calculation_equation"
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("text", "textarea", "html", "file", "phonenumber", _CALCULATION),
    "number": ("number", _CALCULATION),
    "datetime": ("date",),
    "date": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", _CALCULATION),
    "bool": ("booleancheckbox", _CALCULATION),
    "phone_number": ("phonenumber",),
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_TRUE_FALSE: Final = (
    {"label": "True", "value": "true"},
    {"label": "False", "value": "false"},
)

# What a definition keeps as it was sent, by JSON type.
_KEPT: Final[Mapping[type, tuple[str, ...]]] = {
    str: (
        *("label", "fieldType", "groupName", "description", "dataSensitivity"),
        *("calculationFormula", "currencyPropertyName", "numberDisplayHint"),
        *("textDisplayHint", "referencedObjectType", "createdAt", "updatedAt"),
        *("createdUserId", "updatedUserId", "archivedAt"),
    ),
    bool: ("formField", "hidden", "showCurrencySymbol"),
    int: ("displayOrder",),
    list: ("options",),
}
_OTHER_TYPES: Final = {"type": str, "hasUniqueValue": bool, "externalOptions": bool}
_OPTION_TYPES: Final = {"description": str, "displayOrder": int, "hidden": bool}
# What an update can change: "PropertyUpdate" in the specification. Recorded: other
# keys, such as the name, are ignored.
_CHANGEABLE: Final = (
    *("label", "type", "fieldType", "groupName", "description", "displayOrder"),
    *("formField", "hidden", "options", "calculationFormula", "currencyPropertyName"),
    *("numberDisplayHint", "textDisplayHint", "showCurrencySymbol"),
)
# When HubSpot defined its properties and last changed them: those of `createdate`.
_DATES: Final = {
    "createdAt": "2019-08-06T02:41:44.631Z",
    "updatedAt": "2023-05-01T19:33:57.873Z",
}
# The recorded order of keys. A batch create answers without those that a read adds.
_ADDED: Final = frozenset(
    {"updatedAt", "createdAt", "createdUserId", "updatedUserId", "archived"}
)
_ORDER: Final = (
    *("updatedAt", "createdAt", "archivedAt", "name", "label", "type", "fieldType"),
    *("description", "groupName", "options", "createdUserId", "updatedUserId"),
    *("referencedObjectType", "displayOrder", "calculated", "externalOptions"),
    *("archived", "hasUniqueValue", "hidden", "hubspotDefined", "showCurrencySymbol"),
    *("modificationMetadata", "formField", "dataSensitivity", "calculationFormula"),
    *("currencyPropertyName", "numberDisplayHint", "textDisplayHint"),
)


def property_json(owner: ObjectType, schema: Property) -> dict[str, Any]:
    """Return a property as the API shows it, with the keys recorded in 2026."""
    shown = dict(schema.descriptive)
    field_type = "checkbox" if schema.multiple else FIELD_TYPES[schema.type]
    listed = {option["value"]: option for option in shown.pop("options", ())}
    options = [listed.get(value, {"value": value}) for value in schema.options]
    if schema.type == "bool" and not options:
        options = list(_TRUE_FALSE)
    metadata = {
        "archivable": True,
        "readOnlyDefinition": not schema.custom,
        "readOnlyOptions": shown.pop("readOnlyOptions", None),
        "readOnlyValue": schema.read_only,
    }
    body = {
        "label": schema.name.replace("_", " ").capitalize(),
        "fieldType": field_type,
        "description": "",
        "displayOrder": -1,
        "hasUniqueValue": schema.unique,
        "hidden": False,
        "formField": False,
        "dataSensitivity": "non_sensitive",
        # A property of HubSpot shows `hubspotDefined`, one of the account `archived`.
        **({"archived": False} if schema.custom else _hubspots(owner, schema.name)),
        **shown,
        "name": schema.name,
        "type": schema.type,
        "groupName": owner.group_of(schema),
        "options": [_option_json(n, option) for n, option in enumerate(options)],
        "calculated": schema.calculated,
        "externalOptions": schema.external,
        "modificationMetadata": {
            key: flag for key, flag in metadata.items() if flag is not None
        },
    }
    return {key: body[key] for key in _ORDER if key in body}


def _hubspots(owner: ObjectType, name: str) -> dict[str, Any]:
    """Return what a property of HubSpot shows.

    Recorded: the id of companies, and the properties of custom objects, have no dates.
    """
    undated = name == "hs_object_id" or owner.id.startswith("2-")
    dates = {} if undated else _DATES
    return {"hubspotDefined": True, **dates}


def batch_json(owner: ObjectType, schema: Property) -> dict[str, Any]:
    """Return a property as a batch create shows it."""
    body = property_json(owner, schema)
    return {key: value for key, value in body.items() if key not in _ADDED}


def _option_json(n: int, option: Mapping[str, Any]) -> dict[str, Any]:
    keys = {key: value for key, value in option.items() if value is not None}
    return {
        "label": keys.get("label", keys["value"]),
        "value": keys["value"],
        "description": keys.get("description", ""),
        "displayOrder": keys.get("displayOrder", n),
        "hidden": keys.get("hidden", False),
    }


def parse_property(item: Mapping[str, Any]) -> Property:
    """Return the property that an API definition describes.

    A definition without a type is a string property.
    """
    metadata = item.get("modificationMetadata") or {}
    descriptive = {
        key: item[key]
        for kind, keys in _KEPT.items()
        for key in keys
        if type(item.get(key)) is kind
    }
    calculated = bool(item.get("calculated"))
    return Property(
        item["name"],
        item.get("type") or "string",
        _values(item.get("options") or ()),
        unique=bool(item.get("hasUniqueValue")),
        read_only=bool(metadata.get("readOnlyValue")),
        multiple=item.get("fieldType") == "checkbox",
        calculated=calculated or item.get("fieldType") == _CALCULATION,
        external=bool(item.get("externalOptions")),
        custom=not item.get("hubspotDefined"),
        descriptive=descriptive,
    )


def _values(options: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(option["value"]) for option in options)


def with_options(schema: Property, options: list[dict[str, Any]]) -> Property:
    """Return a property with other options."""
    descriptive = {**schema.descriptive, "options": options}
    return attrs.evolve(schema, options=_values(options), descriptive=descriptive)


def check_create(owner: ObjectType, item: Mapping[str, Any]) -> None:
    """Check a new definition, whose required fields are strings.

    Raises:
        Refusal: If it is invalid.
    """
    _check_types(item)
    check_name("", item["name"])
    _check(owner, item)


def check_name(kind: str, name: str) -> None:
    """Check the name of a property, or of something else that properties have.

    Raises:
        Refusal: If it is invalid.
    """
    if not _NAME.fullmatch(name):
        message = f"Property {kind} name {name} is invalid".replace("  ", " ", 1)
        raise Refusal(400, message, VALIDATION_ERROR)


def changed(
    owner: ObjectType, schema: Property, body: Mapping[str, Any], now: int
) -> Property:
    """Return a property as an update leaves it; `options` are replaced as a whole.

    Raises:
        Refusal: If the definition becomes invalid, or HubSpot defined the property and
            the update changes more than its options.
    """
    _check_types(body)
    before = property_json(owner, schema)
    sent = {key: body[key] for key in _CHANGEABLE if body.get(key) is not None}
    after = {**before, **sent}
    if schema.custom:
        if after["type"] not in {"enumeration", "bool"}:
            after["options"] = []
        _check(owner, after)
        return parse_property({**after, "updatedAt": iso(now)})
    _check_options(after["options"])
    after["options"] = [_option_json(*each) for each in enumerate(after["options"])]
    different = {key for key in after if after[key] != before.get(key)}
    editable = schema.type == "enumeration" and schema.writable and not schema.external
    if different - ({"options"} if editable else set()):
        # HubSpot's text is unknown; it shows `readOnlyDefinition` of the property.
        message = f"Property {schema.name} is defined by HubSpot and cannot be changed"
        raise Refusal(400, message, VALIDATION_ERROR)
    return with_options(schema, after["options"])


def _check_types(item: Mapping[str, Any]) -> None:
    types = {key: kind for kind, keys in _KEPT.items() for key in keys} | _OTHER_TYPES
    wrong = [key for key, kind in types.items() if not _fits(item.get(key), kind)]
    if wrong:
        raise missing_fields(wrong)


def _fits(value: object, kind: type) -> bool:
    return value is None or type(value) is kind


def _check(owner: ObjectType, item: Mapping[str, Any]) -> None:
    fields = _FIELDS.get(item["type"])
    if fields is None:
        raise missing_fields(["type"])
    # Pairs of type and field type are enforced since 1 February 2021, changelog.
    if item["fieldType"] not in fields:
        raise missing_fields(["fieldType"])
    calculated = item["fieldType"] == _CALCULATION
    if calculated and not item.get("calculationFormula"):
        raise missing_fields(["calculationFormula"])
    options = item.get("options") or []
    _check_options(options)
    needs_options = item["type"] == "enumeration" and not calculated
    if needs_options and not options and not item.get("externalOptions"):
        raise missing_fields(["options"])
    check_group(owner, item["groupName"])


def _check_options(options: list[Any]) -> None:
    # The specification requires `hidden` too; like other keys that it requires of
    # requests, public programs leave it out.
    if not all(
        isinstance(option, dict)
        and isinstance(option.get("label"), str)
        and isinstance(option.get("value"), str)
        and all(_fits(option.get(key), kind) for key, kind in _OPTION_TYPES.items())
        for option in options
    ):
        raise missing_fields(["options"])
    values = _values(options)
    if len(set(values)) < len(values):
        # HubSpot's text is unknown.
        message = "Property options must have different values"
        raise Refusal(400, message, VALIDATION_ERROR)


def group_names(owner: ObjectType) -> list[str]:
    """Return the names of a type's groups, with those of HubSpot first."""
    by_origin = sorted(owner.properties.values(), key=lambda schema: schema.custom)
    used = (owner.group_of(schema) for schema in by_origin)
    return list(dict.fromkeys((*used, *owner.groups)))


def check_group(owner: ObjectType, name: str) -> None:
    """Check that a group exists.

    Raises:
        Refusal: If it does not.
    """
    if name not in group_names(owner):
        # HubSpot's text is unknown.
        message = f"Property group '{name}' does not exist"
        raise Refusal(400, message, VALIDATION_ERROR)

"""The properties API, as far as batches need it: what a type has, and more of it."""

import re

from collections.abc import Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.bodies import inputs_of
from hubbatch.simulator.links import unset
from hubbatch.simulator.rules import VALIDATION_ERROR
from hubbatch.simulator.schemas import ObjectType, Property, type_name
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.wire import Refusal
from hubbatch.simulator.world import Store


_FIELD_TYPES: Final[dict[type_name, str]] = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "date": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}
_TYPES: Final[dict[str, type_name]] = {
    **{name: name for name in _FIELD_TYPES},
    "phone_number": "string",
}
# What a listing has beyond what can be created, and nothing here looks into.
_SHOWN_TYPES: Final[dict[str, type_name]] = {
    **_TYPES,
    "json": "string",
    "object_coordinates": "string",
}
# "PropertyCreate" in the specification: which fields there are, and for which types
# the properties guide shows them.
_FIELDS: Final[dict[type_name, tuple[str, ...]]] = {
    "string": ("text", "textarea", "html", "file", "phonenumber"),
    "number": ("number",),
    "datetime": ("date",),
    "date": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "bool": ("booleancheckbox",),
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_TOLD: Final = ("label", "fieldType", "groupName", "description")
_REQUIRED: Final = ("fieldType", "groupName", "label", "name", "type")


def shown(schema: ObjectType, one: Property) -> dict[str, Any]:
    """Describe a property in the keys that were recorded in 2026."""
    several = one.multiple and one.type == "enumeration"
    field_type = "checkbox" if several else _FIELD_TYPES[one.type]
    options = one.options or (("true", "false") if one.type == "bool" else ())
    return {
        "name": one.name,
        "label": one.name.replace("_", " ").capitalize(),
        "type": one.type,
        "fieldType": field_type,
        "description": "",
        "groupName": f"{schema.singular.replace(' ', '_')}information",
        "options": [
            {"label": option, "value": option, "displayOrder": n, "hidden": False}
            for n, option in enumerate(options)
        ],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": one.unique,
        "hidden": False,
        "hubspotDefined": not one.custom,
        "modificationMetadata": {
            "archivable": one.custom,
            "readOnlyDefinition": not one.custom,
            "readOnlyValue": one.read_only,
        },
        "formField": not one.read_only,
        "dataSensitivity": "non_sensitive",
        **one.told,
    }


def defined(item: Mapping[str, Any]) -> Property:
    """Make a property of HubSpot's description of it; what has no type is text."""
    told = item.get("modificationMetadata") or {}
    return Property(
        item["name"],
        _SHOWN_TYPES[item.get("type") or "string"],
        tuple(str(option["value"]) for option in item.get("options") or ()),
        unique=bool(item.get("hasUniqueValue")),
        read_only=bool(told.get("readOnlyValue")),
        multiple=item.get("fieldType") == "checkbox",
        custom=not item.get("hubspotDefined"),
        told={key: item[key] for key in _TOLD if isinstance(item.get(key), str)},
    )


def listed(shelf: Shelf) -> dict[str, Any]:
    """Return all properties of a type."""
    schema = shelf.type
    return {"results": [shown(schema, one) for one in schema.properties.values()]}


def single(shelf: Shelf, name: str) -> dict[str, Any]:
    """Return one property of a type."""
    one = shelf.type.properties.get(name)
    if one is None:
        raise Refusal(404, f'Property "{name}" does not exist', "OBJECT_NOT_FOUND")
    return shown(shelf.type, one)


@attrs.frozen
class Definitions:
    """A batch of names or definitions, and what became of them."""

    store: Store
    shelf: Shelf
    inputs: list[Mapping[str, Any]]
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    def run(self, verb: str) -> None:
        """Do what is asked for, input by input."""
        for item in self.inputs:
            name = str(item["name"])
            if verb == "create":
                self._create(name, item)
            elif verb == "read":
                self._read(name)
            else:
                self._archive(name)

    def _create(self, name: str, item: Mapping[str, Any]) -> None:
        if name in self.shelf.type.properties:
            self._error(
                "OBJECT_ALREADY_EXISTS",
                f"A property named '{name}' already exists.",
                name,
                subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
            )
            return
        self.store.define(self.shelf.type.id, [defined(item)])
        self.results.append(single(self.shelf, name))

    def _read(self, name: str) -> None:
        if name in self.shelf.type.properties:
            self.results.append(single(self.shelf, name))
        else:
            message = f'Property "{name}" does not exist'
            self._error("OBJECT_NOT_FOUND", message, name)

    def _archive(self, name: str) -> None:
        # Documented: 204 whether it is there, archived already, or never was.
        one = self.shelf.type.properties.get(name)
        if one is not None and one.custom:
            self.shelf.type = self.shelf.type.without(name)

    def _error(self, category: str, message: str, name: str, **more: str) -> None:
        context = {"name": [name]}
        error = {"status": "error", "category": category, "message": message}
        self.errors.append({**error, **more, "context": context})


def parsed(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Read the inputs of a call; how many it may have is not documented."""
    inputs = inputs_of(content)
    required = _REQUIRED if verb == "create" else ("name",)
    for item in inputs:
        given = item if isinstance(item, dict) else {}
        missing = [name for name in required if not isinstance(given.get(name), str)]
        if missing:
            raise unset(missing)
        if verb == "create":
            _check_create(given)
    return inputs


def _check_create(item: Mapping[str, Any]) -> None:
    if item["type"] not in _TYPES:
        raise unset(["type"])
    if item["fieldType"] not in _FIELDS[_TYPES[item["type"]]]:
        raise unset(["fieldType"])
    if not _NAME.fullmatch(item["name"]):
        message = f"Property name {item['name']} is invalid"
        raise Refusal(400, message, VALIDATION_ERROR)
    options = item.get("options") or []
    if not isinstance(options, list) or not all(
        isinstance(option, dict) and "value" in option for option in options
    ):
        raise unset(["options"])
    if item["type"] == "enumeration" and not options:
        raise unset(["options"])

"""The properties API: list and read properties, and batches of definitions."""

import re

from collections.abc import Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import ObjectType, Property, PropertyType
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json


_FIELD_TYPES: Final[dict[PropertyType, str]] = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "date": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}
_TYPES: Final[dict[str, PropertyType]] = {
    **{name: name for name in _FIELD_TYPES},
    "phone_number": "string",
}
# Types that HubSpot lists but does not let callers create; kept as plain strings.
_LISTED_TYPES: Final[dict[str, PropertyType]] = {
    **_TYPES,
    "json": "string",
    "object_coordinates": "string",
}
# Field types by property type: "PropertyCreate" in the specification, and the
# properties guide.
_FIELDS: Final[dict[PropertyType, tuple[str, ...]]] = {
    "string": ("text", "textarea", "html", "file", "phonenumber"),
    "number": ("number",),
    "datetime": ("date",),
    "date": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "bool": ("booleancheckbox",),
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_DESCRIPTIVE: Final = ("label", "fieldType", "groupName", "description")
_REQUIRED: Final = ("fieldType", "groupName", "label", "name", "type")


def answer(call: Call) -> Result:
    """Answer a batch of properties; its results keep the order of the inputs."""
    verb, shelf = call.route.verb, call.shelf
    inputs = parse(call.request.content, verb)
    batch = Definitions(call.store, shelf, inputs)
    batch.run(verb)
    if verb == "archive":
        return Answer(204), len(inputs)
    status = 207 if batch.errors else 201 if verb == "create" else 200
    body = call.envelope(batch.results, batch.errors, partial=bool(batch.errors))
    return as_json(status, body), len(inputs)


def answer_property(call: Call) -> Result:
    """Answer with the property in the path, or with all of them."""
    name, shelf = call.route.name, call.shelf
    body = list_properties(shelf) if name is None else get_property(shelf, name)
    return as_json(200, body), 0


def property_json(owner: ObjectType, schema: Property) -> dict[str, Any]:
    """Return a property as the API shows it, with the keys recorded in 2026."""
    several = schema.multiple and schema.type == "enumeration"
    field_type = "checkbox" if several else _FIELD_TYPES[schema.type]
    options = schema.options or (("true", "false") if schema.type == "bool" else ())
    return {
        "name": schema.name,
        "label": schema.name.replace("_", " ").capitalize(),
        "type": schema.type,
        "fieldType": field_type,
        "description": "",
        "groupName": f"{owner.singular.replace(' ', '_')}information",
        "options": [
            {"label": option, "value": option, "displayOrder": n, "hidden": False}
            for n, option in enumerate(options)
        ],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": schema.unique,
        "hidden": False,
        "hubspotDefined": not schema.custom,
        "modificationMetadata": {
            "archivable": schema.custom,
            "readOnlyDefinition": not schema.custom,
            "readOnlyValue": schema.read_only,
        },
        "formField": not schema.read_only,
        "dataSensitivity": "non_sensitive",
        **schema.descriptive,
    }


def parse_property(item: Mapping[str, Any]) -> Property:
    """Return the property that an API definition describes.

    A definition without a type is a string property.
    """
    metadata = item.get("modificationMetadata") or {}
    return Property(
        item["name"],
        _LISTED_TYPES[item.get("type") or "string"],
        tuple(str(option["value"]) for option in item.get("options") or ()),
        unique=bool(item.get("hasUniqueValue")),
        read_only=bool(metadata.get("readOnlyValue")),
        multiple=item.get("fieldType") == "checkbox",
        custom=not item.get("hubspotDefined"),
        descriptive={
            key: item[key] for key in _DESCRIPTIVE if isinstance(item.get(key), str)
        },
    )


def list_properties(shelf: Shelf) -> dict[str, Any]:
    """Return the body that lists all properties of a type."""
    owner = shelf.type
    schemas = owner.properties.values()
    return {"results": [property_json(owner, schema) for schema in schemas]}


def get_property(shelf: Shelf, name: str) -> dict[str, Any]:
    """Return one property of a type as the API shows it.

    Raises:
        Refusal: If the type does not have the property.
    """
    schema = shelf.type.properties.get(name)
    if schema is None:
        raise Refusal(404, f'Property "{name}" does not exist', "OBJECT_NOT_FOUND")
    return property_json(shelf.type, schema)


@attrs.frozen
class Definitions:
    """A batch of property names or definitions, with its results and errors."""

    store: Store
    shelf: Shelf
    inputs: list[Mapping[str, Any]]
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    def run(self, verb: str) -> None:
        """Process the inputs one by one."""
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
        self.store.define(self.shelf.type.id, [parse_property(item)])
        self.results.append(get_property(self.shelf, name))

    def _read(self, name: str) -> None:
        if name in self.shelf.type.properties:
            self.results.append(get_property(self.shelf, name))
        else:
            message = f'Property "{name}" does not exist'
            self._error("OBJECT_NOT_FOUND", message, name)

    def _archive(self, name: str) -> None:
        # Documented: 204 whether or not the property exists. HubSpot's own
        # properties cannot be archived.
        schema = self.shelf.type.properties.get(name)
        if schema is not None and schema.custom:
            self.shelf.type = self.shelf.type.without(name)

    def _error(self, category: str, message: str, name: str, **more: str) -> None:
        context = {"name": [name]}
        error = {"status": "error", "category": category, "message": message}
        self.errors.append({**error, **more, "context": context})


def parse(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Return the inputs of a call; their maximum number is not documented.

    Raises:
        Refusal: If the body is invalid.
    """
    inputs = parse_inputs(content)
    required = _REQUIRED if verb == "create" else ("name",)
    for item in inputs:
        fields = item if isinstance(item, dict) else {}
        missing = [name for name in required if not isinstance(fields.get(name), str)]
        if missing:
            raise missing_fields(missing)
        if verb == "create":
            _check_create(fields)
    return inputs


def _check_create(item: Mapping[str, Any]) -> None:
    if item["type"] not in _TYPES:
        raise missing_fields(["type"])
    if item["fieldType"] not in _FIELDS[_TYPES[item["type"]]]:
        raise missing_fields(["fieldType"])
    if not _NAME.fullmatch(item["name"]):
        message = f"Property name {item['name']} is invalid"
        raise Refusal(400, message, VALIDATION_ERROR)
    options = item.get("options") or []
    if not isinstance(options, list) or not all(
        isinstance(option, dict) and "value" in option for option in options
    ):
        raise missing_fields(["options"])
    if item["type"] == "enumeration" and not options:
        raise missing_fields(["options"])

"""Definitions of object types that a caller sends: their checks, and the types."""

import re

from collections.abc import Collection, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.api.properties.calls import REQUIRED, parse_object
from hubbatch.simulator.api.properties.definitions import check_create, parse_property
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import Group, ObjectType
from hubbatch.simulator.crm.records import Shelf, as_string
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal


# Custom objects guide: letters, digits and underscores, and a letter first.
_NAME: Final = re.compile(r"[A-Za-z]\w{0,99}", re.ASCII)
# "ObjectSchemaEgg" and "ObjectTypeDefinitionPatch" in the specification.
_LISTS: Final = (
    "requiredProperties",
    "searchableProperties",
    "secondaryDisplayProperties",
)
_TYPES: Final[Mapping[type, tuple[str, ...]]] = {
    str: ("primaryDisplayProperty", "description"),
    bool: ("allowsSensitiveProperties", "restorable", "clearDescription"),
}
_NEEDED: Final = ("labels", "name", "properties", "requiredProperties")
# Recorded in 2022: a new object type can be associated with these activities.
_ACTIVITIES: Final = ("calls", "emails", "meetings", "notes", "tasks")


@attrs.frozen
class NewType:
    """A checked definition: the type without its id, and what it is associated with."""

    name: str
    descriptive: Mapping[str, Any]
    properties: list[Mapping[str, Any]]
    required: list[str]
    associated: list[str]


def quoted(message: str, name: str) -> Refusal:
    """Return a refusal that quotes a name. HubSpot's text is unknown."""
    return Refusal(400, message.format(f"'{name}'"), VALIDATION_ERROR)


def parse_new(store: Store, content: bytes) -> NewType:
    """Return the definition of a new object type.

    Raises:
        Refusal: If it is invalid.
    """
    # The specification requires `associatedObjects`; the guide says that it may be
    # missing.
    body = {"associatedObjects": [], **parse_object(content)}
    missing = [name for name in _NEEDED if body.get(name) is None]
    if not _are_strings(body["associatedObjects"]):
        missing.append("associatedObjects")
    if missing:
        raise missing_fields(missing)
    name = as_string(body["name"])
    if not _NAME.fullmatch(name):
        raise quoted("Object type name {} is invalid", name)
    properties = _parse_properties(name, body["properties"])
    descriptive = _descriptive(body, [item["name"] for item in properties])
    if store.is_known(name):
        # By analogy with properties; HubSpot's text is unknown.
        message = f"An object type named '{name}' already exists."
        raise Refusal(409, message, "OBJECT_ALREADY_EXISTS")
    required = descriptive.pop("requiredProperties")
    for other in body["associatedObjects"]:
        if store.shelf(other) is None:
            raise Refusal(400, f"Unable to infer object type from: {other}")
    return NewType(name, descriptive, properties, required, body["associatedObjects"])


def _parse_properties(name: str, items: object) -> list[Mapping[str, Any]]:
    """Return the properties of a new type, all of them in a group."""
    needed = [key for key in REQUIRED if key != "groupName"]
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and all(isinstance(item.get(k), str) for k in needed)
        for item in items
    ):
        raise missing_fields([f"properties.{key}" for key in needed])
    group = f"{name.lower()}_information"
    properties: list[Mapping[str, Any]] = [
        {"groupName": group, **item} for item in items
    ]
    names = {item["name"] for item in properties}
    if len(names) < len(properties):
        raise quoted("Properties of object type {} have the same name", name)
    bare = ObjectType("2-0", name, name, groups=_groups(properties))
    for item in properties:
        check_create(bare, item)
    return properties


def new_type(store: Store, new: NewType) -> Shelf:
    """Create an object type, with its properties and associations."""
    shelf = store.new_type(new.name, new.descriptive)
    shelf.type = attrs.evolve(shelf.type, groups=_groups(new.properties))
    store.extend(shelf, map(parse_property, new.properties), new.required)
    source = shelf.type
    for name in dict.fromkeys((*new.associated, *_ACTIVITIES)):
        target = store.shelf(name)
        if target is not None:
            label = f"{source.singular}_to_{target.type.singular}"
            kinds = store.links.kinds(source.id, target.type.id).values()
            if all(kind.name != label for kind in kinds):
                store.links.label(source.id, target.type.id, None, name=label)
    return shelf


def check_change(owner: ObjectType, content: bytes) -> dict[str, Any]:
    """Return what an update changes of an object type.

    Raises:
        Refusal: If it is invalid.
    """
    changes = _descriptive(parse_object(content), owner.properties)
    if changes.pop("clearDescription", False):
        changes["description"] = None
    if "labels" in changes:
        changes["labels"] = {**owner.descriptive.get("labels", {}), **changes["labels"]}
    return changes


def _descriptive(body: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the fields of a definition, of which the properties must be known."""
    wrong = [
        key
        for kind, keys in _TYPES.items()
        for key in keys
        if type(body.get(key)) not in {kind, type(None)}
    ]
    lists = {key: body[key] for key in _LISTS if body.get(key) is not None}
    wrong += [key for key, names in lists.items() if not _are_strings(names)]
    labels = body.get("labels")
    if labels is not None and not _are_labels(labels):
        wrong.append("labels")
    if wrong:
        raise missing_fields(wrong)
    keys = ("labels", *_LISTS, *(key for keys in _TYPES.values() for key in keys))
    sent = {key: body[key] for key in keys if body.get(key) is not None}
    named = [name for key in _LISTS for name in sent.get(key, [])]
    for name in (*named, sent.get("primaryDisplayProperty", "hs_object_id")):
        if name not in known and name != "hs_object_id":
            # HubSpot's text is unknown; this is the one for property values.
            raise Refusal(400, f'Property "{name}" does not exist', VALIDATION_ERROR)
    return sent


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _are_labels(value: object) -> bool:
    return isinstance(value, dict) and all(
        key in {"singular", "plural"} and isinstance(text, str)
        for key, text in value.items()
    )


def _groups(properties: list[Mapping[str, Any]]) -> dict[str, Group]:
    names = dict.fromkeys(str(item["groupName"]) for item in properties)
    return {name: Group(name, name.replace("_", " ").capitalize()) for name in names}

"""How the schemas API shows an object type."""

from typing import Any

from hubbatch.simulator.api.properties.calls import list_properties
from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.search.filters import searched_by_query
from hubbatch.simulator.crm.store import Store


_USER_ID = 1
# Recorded for standard types: a date without milliseconds.
_EPOCH = "1970-01-01T00:00:00Z"


def definition_json(store: Store, owner: ObjectType) -> dict[str, Any]:
    """Return an object type without its properties and associations."""
    shown = owner.descriptive
    labels = {"singular": owner.singular, "plural": owner.plural}
    body = {
        "labels": shown.get("labels")
        or {key: text.replace("_", " ").capitalize() for key, text in labels.items()},
        "requiredProperties": list(owner.required),
        "searchableProperties": list(searched_by_query(owner)),
        "primaryDisplayProperty": shown.get("primaryDisplayProperty"),
        "secondaryDisplayProperties": shown.get("secondaryDisplayProperties", []),
        "description": shown.get("description"),
        "archived": store.is_archived(owner),
        "restorable": shown.get("restorable", True),
        "allowsSensitiveProperties": shown.get("allowsSensitiveProperties", False),
        "metaType": "PORTAL_SPECIFIC" if owner.is_custom else "HUBSPOT",
        # Recorded in 2022: the second number of the object type id.
        "id": owner.id.partition("-")[2],
        "fullyQualifiedName": f"p{store.portal_id}_{owner.singular}"
        if owner.is_custom
        else owner.legacy_name,
        "createdAt": shown.get("createdAt", _EPOCH),
        "updatedAt": shown.get("updatedAt", _EPOCH),
        "objectTypeId": owner.id,
        "name": owner.singular if owner.is_custom else owner.legacy_name,
    }
    return {key: value for key, value in body.items() if value is not None}


def schema_json(
    store: Store,
    shelf: Shelf,
    *,
    properties: bool = True,
    associations: bool = True,
    users: bool = False,
) -> dict[str, Any]:
    """Return an object type with its properties and associations."""
    body = definition_json(store, shelf.type)
    body["properties"] = list_properties(shelf)["results"] if properties else []
    body["associations"] = associations_json(store, shelf.type) if associations else []
    # The recorded order.
    body["name"] = body.pop("name")
    if users:
        body |= {"createdByUserId": _USER_ID, "updatedByUserId": _USER_ID}
    return body


def associations_json(store: Store, owner: ObjectType) -> list[dict[str, Any]]:
    """Return the association types of an object type, in both directions."""
    shown = {}
    for target, spec, kind in store.links.kinds_from(owner.id):
        back = store.links.kinds(target, owner.id)[kind.back]
        for ends, number, named in (
            ((owner.id, target), spec[1], kind),
            ((target, owner.id), kind.back[1], back),
        ):
            name = named.name or named.label or _name(store, *ends)
            shown[ends, number] = association_json(ends, number, name)
    return list(shown.values())


def association_json(ends: tuple[str, str], number: int, name: str) -> dict[str, Any]:
    """Return an association type, with the keys recorded in 2022."""
    return {
        "fromObjectTypeId": ends[0],
        "toObjectTypeId": ends[1],
        "name": name,
        "cardinality": "ONE_TO_MANY",
        "inverseCardinality": "ONE_TO_MANY",
        "id": str(number),
        "createdAt": None,
        "updatedAt": None,
    }


def _name(store: Store, source: str, target: str) -> str:
    names = [
        shelf.type.legacy_name if (shelf := store.shelf(type_id)) else type_id
        for type_id in (source, target)
    ]
    return "_TO_".join(names)

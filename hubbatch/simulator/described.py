"""Object types as the schemas API describes them."""

from typing import Any, Final

from hubbatch.simulator.bodies import deserialized
from hubbatch.simulator.definitions import listed
from hubbatch.simulator.links import unset
from hubbatch.simulator.rules import check_count
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.wire import iso
from hubbatch.simulator.world import Store


_FLAGS: Final = (
    "includeAssociationDefinitions",
    "includeAuditMetadata",
    "includePropertyDefinitions",
)
_NOBODY: Final = 1


def described(store: Store, content: bytes, now: int) -> dict[str, Any]:
    """Describe the object types that are asked for; others are left out."""
    body = deserialized(content)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(one, str) for one in inputs):
        raise unset(["inputs"])
    check_count(len(inputs))
    missing = [name for name in _FLAGS if not isinstance(body.get(name), bool)]
    if missing:
        raise unset(missing)
    shelves = {shelf.type.id: shelf for one in inputs if (shelf := store.shelf(one))}
    wanted = [body[name] for name in _FLAGS]
    return {"results": [_shown(store, one, wanted, now) for one in shelves.values()]}


def _shown(store: Store, shelf: Shelf, wanted: list[bool], now: int) -> dict[str, Any]:
    schema = shelf.type
    associations, audit, properties = wanted
    custom = schema.id.startswith("2-")
    shown = {
        "id": schema.id,
        "objectTypeId": schema.id,
        "name": schema.singular if custom else schema.legacy,
        "fullyQualifiedName": f"p{store.portal_id}_{schema.singular}"
        if custom
        else schema.legacy,
        "labels": {
            "singular": schema.singular.capitalize(),
            "plural": schema.plural.capitalize(),
        },
        "requiredProperties": list(schema.required),
        "searchableProperties": [],
        "secondaryDisplayProperties": [],
        "archived": False,
        "allowsSensitiveProperties": False,
        "properties": listed(shelf)["results"] if properties else [],
        "associations": _associations(store, schema.id) if associations else [],
    }
    if audit:
        dates = {"createdAt": iso(now), "updatedAt": iso(now)}
        shown |= {**dates, "createdByUserId": _NOBODY, "updatedByUserId": _NOBODY}
    return shown


def _associations(store: Store, type_id: str) -> list[dict[str, Any]]:
    return [
        {
            "id": str(number),
            "fromObjectTypeId": type_id,
            "toObjectTypeId": target,
            "name": kind.label or f"{type_id}_to_{target}",
        }
        for target, (_, number), kind in store.links.leading(type_id)
    ]

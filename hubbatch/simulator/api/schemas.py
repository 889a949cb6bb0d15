"""The batch read of the schemas API, which describes object types."""

from typing import Any, Final

from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.properties.calls import list_properties
from hubbatch.simulator.api.refusals import check_count
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import as_json, iso


_FLAGS: Final = (
    "includeAssociationDefinitions",
    "includeAuditMetadata",
    "includePropertyDefinitions",
)
_USER_ID: Final = 1


def answer(call: Call) -> Result:
    """Answer a batch read of object types."""
    schemas = read_schemas(call.store, call.request.content, call.now.ms)
    return as_json(200, schemas), 0


def read_schemas(store: Store, content: bytes, now: int) -> dict[str, Any]:
    """Return the body with the requested object types; unknown types are omitted.

    Raises:
        Refusal: If the request body is invalid.
    """
    body = parse_json(content)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(n, str) for n in inputs):
        raise missing_fields(["inputs"])
    check_count(len(inputs))
    missing = [name for name in _FLAGS if not isinstance(body.get(name), bool)]
    if missing:
        raise missing_fields(missing)
    found = {shelf.type.id: shelf for name in inputs if (shelf := store.shelf(name))}
    flags = [body[name] for name in _FLAGS]
    return {"results": [_schema(store, shelf, flags, now) for shelf in found.values()]}


def _schema(store: Store, shelf: Shelf, flags: list[bool], now: int) -> dict[str, Any]:
    schema = shelf.type
    associations, audit, properties = flags
    custom = schema.id.startswith("2-")
    body = {
        "id": schema.id,
        "objectTypeId": schema.id,
        "name": schema.singular if custom else schema.legacy_name,
        "fullyQualifiedName": f"p{store.portal_id}_{schema.singular}"
        if custom
        else schema.legacy_name,
        "labels": {
            "singular": schema.singular.capitalize(),
            "plural": schema.plural.capitalize(),
        },
        "requiredProperties": list(schema.required),
        "searchableProperties": [],
        "secondaryDisplayProperties": [],
        "archived": False,
        "allowsSensitiveProperties": False,
        "properties": list_properties(shelf)["results"] if properties else [],
        "associations": _associations(store, schema.id) if associations else [],
    }
    if audit:
        dates = {"createdAt": iso(now), "updatedAt": iso(now)}
        body |= {**dates, "createdByUserId": _USER_ID, "updatedByUserId": _USER_ID}
    return body


def _associations(store: Store, type_id: str) -> list[dict[str, Any]]:
    return [
        {
            "id": str(number),
            "fromObjectTypeId": type_id,
            "toObjectTypeId": target,
            "name": kind.label or f"{type_id}_to_{target}",
        }
        for target, (_, number), kind in store.links.kinds_from(type_id)
    ]

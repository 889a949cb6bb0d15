"""The properties of an object type: list, read, create, update and archive."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.properties.definitions import (
    changed,
    check_create,
    parse_property,
    property_json,
)
from hubbatch.simulator.api.refusals import type_name
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import ObjectType, Property
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    Request,
    as_json,
    iso,
)


REQUIRED: Final = ("fieldType", "groupName", "label", "name", "type")
EXISTS: Final = ("OBJECT_ALREADY_EXISTS", "Properties.PROPERTY_WITH_NAME_EXISTS")


def parse_object(content: bytes, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a body that is an object with the required strings.

    Raises:
        Refusal: If it is not.
    """
    body: object = parse_json(content)
    if not isinstance(body, dict):
        raise missing_fields(["body"])
    missing = [name for name in required if not isinstance(body.get(name), str)]
    if missing:
        raise missing_fields(missing)
    return body


def location(request: Request, name: str) -> dict[str, str]:
    """Return the header that names what a request created."""
    host = request.headers.get("Host")
    origin = f"http://{host}" if host else "https://api.hubapi.com"
    return {"Location": f"{origin}{request.path.rstrip('/')}/{name}"}


def already_exists(name: str) -> str:
    """Return the message that a property exists."""
    return f"A property named '{name}' already exists."


def not_found(name: str) -> str:
    """Return the message that a property does not exist."""
    return f'Property "{name}" does not exist'


def list_properties(
    shelf: Shelf, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the body that lists all properties of a type, in the order of names."""
    owner, shown = shelf.type, _visible(shelf.type, query or {})
    return {"results": [property_json(owner, shown[name]) for name in sorted(shown)]}


def _visible(owner: ObjectType, query: Mapping[str, str]) -> dict[str, Property]:
    """Return the archived properties or the others, of one sensitivity."""
    wanted = query.get("dataSensitivity", "non_sensitive")
    archived = query.get("archived", "").lower() == "true"
    return {
        name: schema
        for name, schema in (owner.archived if archived else owner.properties).items()
        if schema.descriptive.get("dataSensitivity", "non_sensitive") == wanted
    }


def _check_permission(call: Call) -> None:
    """Refuse a token that may not read the object type.

    Recorded in 2024: not the refusal of other calls, and counted against the limits.
    """
    owner, scopes = call.shelf.type, call.token.scopes
    if scopes is None or not scopes.isdisjoint(owner.scopes[0]):
        return
    raise Refusal(
        403,
        f"You do not have permissions to view object type {type_name(owner)} in portal "
        f"{call.store.portal_id} (requires one of [{owner.plural}-read])",
    )


def answer_all(call: Call) -> Result:
    """Answer with the properties of a type, or create one."""
    if call.route.verb == "read":
        _check_permission(call)
        return as_json(200, list_properties(call.shelf, call.request.query)), 0
    item = parse_object(call.request.content, REQUIRED)
    check_create(call.shelf.type, item)
    schema = create(call.store, call.shelf, item)
    if schema is None:
        category, sub_category = EXISTS
        more = {"subCategory": sub_category}
        raise Refusal(409, already_exists(item["name"]), category, more)
    body = property_json(call.shelf.type, schema)
    return as_json(201, body, location(call.request, schema.name)), 0


def create(store: Store, shelf: Shelf, item: Mapping[str, Any]) -> Property | None:
    """Create a property, or restore an archived one; None if its name is taken."""
    sent = {key: value for key, value in item.items() if key not in _HUBSPOTS}
    schema = parse_property(sent)
    if schema.name in shelf.type.properties:
        return None
    former = shelf.type.archived.get(schema.name)
    if former is not None and "createdAt" in former.descriptive:
        created = {"createdAt": former.descriptive["createdAt"]}
        descriptive = {**schema.descriptive, **created}
        schema = attrs.evolve(schema, descriptive=descriptive)
    store.extend(shelf, [schema])
    return shelf.type.properties[schema.name]


# Keys that HubSpot sets, whatever a caller sends.
_HUBSPOTS: Final = frozenset(
    {
        *("createdAt", "updatedAt", "archivedAt", "createdUserId", "updatedUserId"),
        *("modificationMetadata", "calculated", "hubspotDefined"),
    }
)


def answer_one(call: Call) -> Result:
    """Answer with a property, change it, or archive it."""
    return _RUN[call.route.verb](call, call.route.name or "")


def _known(call: Call, name: str) -> Property:
    schema = call.shelf.type.properties.get(name)
    if schema is None:
        raise Refusal(404, not_found(name), "OBJECT_NOT_FOUND")
    return schema


def _read(call: Call, name: str) -> Result:
    _check_permission(call)
    owner = call.shelf.type
    schema = _visible(owner, call.request.query).get(name)
    if schema is None:
        raise Refusal(404, not_found(name), "OBJECT_NOT_FOUND")
    return as_json(200, property_json(owner, schema)), 0


def _update(call: Call, name: str) -> Result:
    body = parse_object(call.request.content)
    schema = changed(call.shelf.type, _known(call, name), body, call.now.ms)
    call.store.extend(call.shelf, [schema])
    return as_json(200, property_json(call.shelf.type, schema)), 0


def _archive(call: Call, name: str) -> Result:
    shelf, schema = call.shelf, _known(call, name)
    place = f"Property: {name} of object type {shelf.type.id}"
    uses = shelf.type.uses(name)
    if not schema.custom:
        # HubSpot's text is unknown.
        message = f"{place} is defined by HubSpot and cannot be deleted"
        raise Refusal(400, message, VALIDATION_ERROR)
    if uses:
        message = f"{place} is currently used in {uses} places and cannot be deleted"
        in_use = {
            "subCategory": "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
        }
        raise Refusal(400, message, VALIDATION_ERROR, in_use)
    archive(shelf, schema, call.now.ms)
    return Answer(204), 0


def archive(shelf: Shelf, schema: Property, now: int) -> None:
    """Archive a property; records keep its values, which nothing shows."""
    marks = {"archived": True, "archivedAt": iso(now)}
    descriptive = {**schema.descriptive, **marks}
    shelf.type = shelf.type.without(attrs.evolve(schema, descriptive=descriptive))


_RUN: Final[Mapping[str, Callable[[Call, str], Result]]] = {
    "read": _read,
    "update": _update,
    "archive": _archive,
}

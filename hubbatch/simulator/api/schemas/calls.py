"""Object types: list, read, create, update and archive."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.parameters import flag
from hubbatch.simulator.api.refusals import check_count
from hubbatch.simulator.api.schemas.definitions import (
    check_change,
    new_type,
    parse_new,
    quoted,
)
from hubbatch.simulator.api.schemas.shown import (
    association_json,
    definition_json,
    schema_json,
)
from hubbatch.simulator.crm.links import USER, missing_fields
from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json, iso


_FLAGS: Final = (
    "includeAssociationDefinitions",
    "includeAuditMetadata",
    "includePropertyDefinitions",
)


def answer_batch(call: Call) -> Result:
    """Answer a batch read of object types."""
    return as_json(200, read_schemas(call.store, call.request.content)), 0


def read_schemas(store: Store, content: bytes) -> dict[str, Any]:
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
    associations, audit, properties = (body[name] for name in _FLAGS)
    results = [
        schema_json(
            *(store, shelf),
            associations=associations,
            properties=properties,
            users=audit,
        )
        for shelf in found.values()
    ]
    for result in results:
        if not audit:
            del result["createdAt"], result["updatedAt"]
    return {"results": results}


def answer_all(call: Call) -> Result:
    """Answer with the account's own object types, or create one."""
    store = call.store
    if call.route.verb == "create":
        shelf = new_type(store, parse_new(store, call.request.content))
        return as_json(201, schema_json(store, shelf)), 0
    shelves = store.custom_shelves(archived=flag(call.request.query, "archived"))
    return as_json(200, {"results": [_shown(call, shelf) for shelf in shelves]}), 0


def answer_one(call: Call) -> Result:
    """Answer with an object type, change it, or archive it."""
    return _RUN[call.route.verb](call)


def _shown(call: Call, shelf: Shelf) -> dict[str, Any]:
    # Recorded in 2022, when a read had no parameters: it shows properties and
    # associations.
    query = call.request.query
    associations, audit, properties = (
        flag(query, name, default=name != "includeAuditMetadata") for name in _FLAGS
    )
    return schema_json(
        *(call.store, shelf),
        associations=associations,
        properties=properties,
        users=audit,
    )


def _read(call: Call) -> Result:
    return as_json(200, _shown(call, call.shelf)), 0


def _own_type(call: Call) -> ObjectType:
    """Return the object type in the path, which the account must have defined.

    HubSpot's text is unknown.
    """
    owner = call.shelf.type
    if not owner.is_custom:
        message = f"Object type {owner.legacy_name} is defined by HubSpot"
        raise Refusal(400, message, VALIDATION_ERROR)
    return owner


def _update(call: Call) -> Result:
    owner = _own_type(call)
    changes = check_change(owner, call.request.content)
    required = changes.pop("requiredProperties", owner.required)
    descriptive = {**owner.descriptive, **changes, "updatedAt": iso(call.now.ms)}
    call.shelf.type = attrs.evolve(
        owner, required=tuple(required), descriptive=descriptive
    )
    body = definition_json(call.store, call.shelf.type)
    return as_json(200, {**body, "portalId": call.store.portal_id}), 0


def _archive(call: Call) -> Result:
    store, name = call.store, call.route.object_type
    if flag(call.request.query, "archived"):
        # "archived=true" deletes an archived type for good and frees its name.
        if not store.purge_type(name):
            call.shelf_of(name)
            raise quoted("Object type {} is not archived", name)
        return Answer(204), 0
    owner = _own_type(call)
    count = store.count(owner.id)
    if count:
        # Documented: all records must be deleted first. HubSpot's text is unknown.
        message = f"Object type {owner.singular} has {count} records"
        raise Refusal(400, message, VALIDATION_ERROR)
    store.archive_type(call.shelf)
    return Answer(204), 0


_RUN: Final[Mapping[str, Callable[[Call], Result]]] = {
    "read": _read,
    "update": _update,
    "archive": _archive,
}


def answer_associate(call: Call) -> Result:
    """Define an association between a custom object type and another type."""
    owner = _own_type(call)
    body = parse_json(call.request.content)
    fields = body if isinstance(body, dict) else {}
    names = ("fromObjectTypeId", "toObjectTypeId", "name")
    wrong = [name for name in names if not isinstance(fields.get(name, ""), str)]
    wrong += [name for name in names[:2] if name not in fields]
    if wrong:
        raise missing_fields(wrong)
    ends = tuple(call.shelf_of(fields[name]).type for name in names[:2])
    if owner.id not in {end.id for end in ends}:
        raise quoted("Object type {} is at neither end", owner.singular)
    source, target = ends
    name = fields.get("name") or f"{source.singular}_to_{target.singular}"
    known = call.store.links.kinds(source.id, target.id).values()
    if any(name == kind.name for kind in known):
        raise quoted("An association named {} already exists", name)
    number = call.store.links.label(source.id, target.id, None, name=name)
    return as_json(201, association_json((source.id, target.id), number, name)), 0


def answer_dissociate(call: Call) -> Result:
    """Remove an association that the account defined."""
    owner = _own_type(call)
    for target, spec, _ in call.store.links.kinds_from(owner.id):
        for ends, each in (
            ((owner.id, target), spec),
            ((target, owner.id), call.store.links.kinds(owner.id, target)[spec].back),
        ):
            if each[0] == USER and str(each[1]) == call.route.name:
                call.store.links.unlabel(*ends, each)
                return Answer(204), 0
    # HubSpot's answer is unknown.
    raise Refusal(404, f"No association with id {call.route.name}", "OBJECT_NOT_FOUND")

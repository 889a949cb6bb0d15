"""Batches of properties: create, read and archive."""

from collections.abc import Mapping
from typing import Any

import attrs

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.properties.calls import (
    EXISTS,
    REQUIRED,
    already_exists,
    archive,
    create,
    not_found,
)
from hubbatch.simulator.api.properties.definitions import (
    batch_json,
    check_create,
    property_json,
)
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.wire import Answer


def answer(call: Call) -> Result:
    """Answer a batch of names or definitions."""
    verb = call.route.verb
    batch = _Batch(call, _parse(call.request.content, verb, call.shelf.type))
    run = {"create": batch.create, "read": batch.read, "archive": batch.archive}[verb]
    for item in batch.inputs:
        run(item)
    if verb == "archive":
        return Answer(204), len(batch.inputs)
    success = 201 if verb == "create" else 200
    answered = call.multi_status(batch.results, batch.errors, success=success)
    return answered, len(batch.inputs)


def _parse(content: bytes, verb: str, owner: ObjectType) -> list[Mapping[str, Any]]:
    """Return the inputs of a call; their maximum number is not documented."""
    inputs = parse_inputs(content)
    required = REQUIRED if verb == "create" else ("name",)
    for item in inputs:
        fields = item if isinstance(item, dict) else {}
        missing = [name for name in required if not isinstance(fields.get(name), str)]
        if missing:
            raise missing_fields(missing)
        if verb == "create":
            check_create(owner, fields)
    return inputs


@attrs.frozen
class _Batch:
    """A batch of property names or definitions, with its results and errors."""

    call: Call
    inputs: list[Mapping[str, Any]]
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    def create(self, item: Mapping[str, Any]) -> None:
        schema = create(self.call.store, self.call.shelf, item)
        if schema is None:
            category, sub_category = EXISTS
            message = already_exists(item["name"])
            self._error(category, message, item["name"], subCategory=sub_category)
        else:
            self.results.append(batch_json(self.call.shelf.type, schema))

    def read(self, item: Mapping[str, Any]) -> None:
        owner, name = self.call.shelf.type, str(item["name"])
        schema = owner.properties.get(name)
        if schema is None:
            self._error("OBJECT_NOT_FOUND", not_found(name), name)
        else:
            self.results.append(property_json(owner, schema))

    def archive(self, item: Mapping[str, Any]) -> None:
        # Documented: 204 whether or not the property exists. HubSpot's own
        # properties, and those in use, cannot be archived.
        shelf = self.call.shelf
        schema = shelf.type.properties.get(str(item["name"]))
        if schema is not None and schema.custom and not shelf.type.uses(schema.name):
            archive(shelf, schema, self.call.now.ms)

    def _error(self, category: str, message: str, name: str, **more: str) -> None:
        context = {"name": [name]}
        error = {"status": "error", "category": category, **more, "message": message}
        self.errors.append({**error, "context": context})

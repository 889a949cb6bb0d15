"""The association types between two object types, and the account's own labels."""

from typing import Any

from hubbatch.simulator.api import bodies
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.refusals import whole_number
from hubbatch.simulator.crm.links import USER, Spec, missing_fields
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json


def answer_list(call: Call) -> Result:
    """List the association types from one object type to another."""
    kinds = call.store.links.kinds(call.shelf.type.id, call.target.type.id)
    results = [_kind_json(spec, kind.label) for spec, kind in kinds.items()]
    return as_json(200, {"results": results}), 0


def answer(call: Call) -> Result:
    """Create, change or delete one of the account's own labels."""
    types = (call.shelf.type.id, call.target.type.id)
    if call.route.verb == "labels/create":
        return as_json(200, {"results": _create(call, types)}), 0
    if call.route.verb == "labels/update":
        fields = _fields(call, {"associationTypeId": int, "label": str})
        spec = _own(call, types, fields["associationTypeId"])
        inverse = fields.get("inverseLabel")
        call.store.links.relabel(*types, spec, fields["label"], inverse)
    else:
        number = whole_number("associationTypeId", call.route.name or "")
        spec = _own(call, types, number)
        call.store.links.unlabel(*types, spec)
    return Answer(204), 0


def _kind_json(spec: Spec, label: str | None) -> dict[str, Any]:
    category, number = spec
    return {"category": category, "typeId": number, "label": label}


def _create(call: Call, types: tuple[str, str]) -> list[dict[str, Any]]:
    """Add a label, and return its types in both directions."""
    fields = _fields(call, {"label": str, "name": str})
    links, label, name = call.store.links, fields["label"], fields["name"]
    inverse = fields.get("inverseLabel")
    known = links.kinds(*types).values()
    if any(label == kind.label or name == kind.name for kind in known):
        # HubSpot's text is unknown.
        message = f"An association label {label} with the name {name} already exists"
        raise Refusal(400, message, VALIDATION_ERROR)
    spec = (USER, links.label(*types, label, inverse=inverse, name=name))
    back = links.kinds(*types)[spec].back
    return [_kind_json(spec, label), _kind_json(back, inverse or label)]


def _own(call: Call, types: tuple[str, str], number: int) -> Spec:
    """Return one of the account's own association types.

    HubSpot's text is unknown; this is the one for batches.
    """
    spec = (USER, number)
    if spec not in call.store.links.kinds(*types):
        message = f"{USER} associationTypeId={number} is not valid"
        raise Refusal(400, message, VALIDATION_ERROR)
    return spec


def _fields(call: Call, required: dict[str, type]) -> dict[str, Any]:
    body = bodies.parse_json(call.request.content)
    fields = body if isinstance(body, dict) else {}
    inverse = fields.get("inverseLabel")
    missing = [
        name for name, kind in required.items() if type(fields.get(name)) is not kind
    ]
    if type(inverse) not in {str, type(None)}:
        missing.append("inverseLabel")
    if missing:
        raise missing_fields(missing)
    return fields

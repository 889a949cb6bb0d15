"""The limits of association types, which are stored but not enforced."""

from collections.abc import Mapping
from typing import Any

import attrs

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.crm.links import CATEGORIES, Spec, TypePair, missing_fields
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, as_json


_INT32 = 2**31


def answer(call: Call) -> Result:
    """Answer a batch of limits."""
    verb = call.route.verb
    source, target = call.shelf, call.target
    inputs = parse(call.request.content, verb)
    batch = Limits(call.store, source, target, inputs)
    batch.run(verb)
    if verb == "purge" and call.route.version is None:
        return Answer(204), len(inputs)
    success = 201 if verb == "create" else 200
    return call.multi_status(batch.results, batch.errors, success=success), len(inputs)


def answer_list(call: Call) -> Result:
    """List the limits between two object types, or all of the account."""
    links, results = call.store.links, []
    wanted = (
        (call.shelf.type.id, call.target.type.id) if call.route.object_type else None
    )
    for (types, spec), limit in links.limits.items():
        if wanted in {None, types}:
            label = links.kinds(*types)[spec].label
            results.append(_limit_json(spec, limit, label))
    return as_json(200, {"results": results}), len(results)


@attrs.frozen
class Limits:
    """One batch of limits: two object types, the inputs, results and errors."""

    store: Store
    source: Shelf
    target: Shelf
    inputs: list[Mapping[str, Any]]
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    @property
    def types(self) -> TypePair:
        """The ids of both object types."""
        return self.source.type.id, self.target.type.id

    def run(self, verb: str) -> None:
        """Process the inputs one by one."""
        known, limits = self.store.links.kinds(*self.types), self.store.links.limits
        for item in self.inputs:
            spec = (item["category"], item["typeId"])
            key = self.types, spec
            if verb == "purge":
                limits.pop(key, None)
            elif spec not in known:
                self._error(spec, VALIDATION_ERROR, "is not valid")
            elif item["maxToObjectIds"] < 1:
                self._error(spec, VALIDATION_ERROR, "cannot have such a limit")
            elif verb == "create" and key in limits:
                self._error(spec, "OBJECT_ALREADY_EXISTS", "has a limit already")
            elif verb == "update" and key not in limits:
                self._error(spec, "OBJECT_NOT_FOUND", "has no limit")
            else:
                limits[key] = item["maxToObjectIds"]
                label = known[spec].label if verb == "create" else None
                self.results.append(_limit_json(spec, limits[key], label))

    def _error(self, spec: Spec, category: str, message: str) -> None:
        type_category, number = spec
        self.errors.append(
            {
                "status": "error",
                "category": category,
                "message": f"{type_category} associationTypeId={number} {message}",
                "context": {"typeId": [str(number)]},
            }
        )


def _limit_json(spec: Spec, limit: int, label: str | None) -> dict[str, Any]:
    category, number = spec
    body: dict[str, Any] = {
        "category": category,
        "typeId": number,
        "userEnforcedMaxToObjectIds": limit,
    }
    return body if label is None else {**body, "label": label}


def parse(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Return the inputs of a call; their maximum number is not documented.

    Raises:
        Refusal: If the body is invalid.
    """
    inputs = parse_inputs(content)
    numbers = ["typeId"] if verb == "purge" else ["typeId", "maxToObjectIds"]
    for item in inputs:
        fields = item if isinstance(item, dict) else {}
        invalid = [name for name in numbers if not _is_int32(fields.get(name))]
        if fields.get("category") not in CATEGORIES:
            invalid.insert(0, "category")
        if invalid:
            raise missing_fields(invalid)
    return inputs


def _is_int32(number: object) -> bool:
    return type(number) is int and -_INT32 <= number < _INT32

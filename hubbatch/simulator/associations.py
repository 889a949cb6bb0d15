"""The association batches of v4 and after: pairs of records, and their labels."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import attrs

from hubbatch.simulator.bodies import deserialized
from hubbatch.simulator.rules import VALIDATION_ERROR
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.wire import Refusal
from hubbatch.simulator.world import Spec, Store


# "Associations guide", September 2026; the 1,000 is of a changelog of February 2025.
INPUTS: Final = {
    "create": 2000,
    "associate/default": 2000,
    "read": 1000,
    "archive": 100,
    "labels/archive": 100,
}
# Unlabelled pairs get the default type of the two object types; the figures that
# recordings show, and 1 where there is none.
DEFAULT_TYPES: Final = {
    ("0-3", "0-1"): 3,
    ("0-1", "0-3"): 4,
    ("0-5", "0-1"): 16,
    ("0-1", "0-5"): 15,
    ("0-5", "0-2"): 339,
    ("0-2", "0-5"): 340,
}


@attrs.frozen
class Pairs:
    """One call: two object types, its inputs, and what became of them."""

    store: Store
    source: Shelf
    target: Shelf
    inputs: list[Mapping[str, Any]]
    numbers: bool
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    def shown(self, record_id: str) -> str | int:
        """Write an id: v4 was recorded with numbers, the schema says string."""
        return int(record_id) if self.numbers else record_id

    def error(self, message: str, **more: object) -> None:
        """Add an error; most of them do not say which input they are about."""
        error = {"status": "error", "category": VALIDATION_ERROR, "message": message}
        self.errors.append({**error, **more})

    def valid(self, source: str, target: str) -> bool:
        """Tell whether two records can be associated, or say why they cannot."""
        for record_id, shelf in ((source, self.source), (target, self.target)):
            if not record_id.isdecimal():
                self.error(
                    f"{record_id} is not a valid ID",
                    subCategory="crm.associations.INVALID_IDENTIFIER",
                    context={"id": [record_id]},
                )
                return False
            if shelf.live(record_id) is None:
                self.error(f"{shelf.type.legacy}={record_id} is not valid")
                return False
        if source == target and self.source is self.target:
            self.error(f"Object {source} cannot be associated to itself ({target})")
            return False
        return True


def _create(pairs: Pairs) -> None:
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        if pairs.valid(source, target):
            specs = [_spec(one) for one in item["types"]]
            pairs.store.link(pairs.source, source, pairs.target, target, specs)
            pairs.results.append(
                {
                    "fromObjectTypeId": pairs.source.type.id,
                    "fromObjectId": pairs.shown(source),
                    "toObjectTypeId": pairs.target.type.id,
                    "toObjectId": pairs.shown(target),
                    "labels": [],
                }
            )


def _associate(pairs: Pairs) -> None:
    types = (pairs.source.type.id, pairs.target.type.id)
    spec = ("HUBSPOT_DEFINED", DEFAULT_TYPES.get(types, 1))
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        if pairs.valid(source, target):
            pairs.store.link(pairs.source, source, pairs.target, target, [spec])
            pairs.results.append(
                {
                    "from": {"id": source},
                    "to": {"id": target},
                    "associationSpec": {
                        "associationCategory": spec[0],
                        "associationTypeId": spec[1],
                    },
                }
            )


def _read(pairs: Pairs) -> None:
    source, target = pairs.source.type.singular, pairs.target.type.singular
    for record_id in dict.fromkeys(str(item["id"]) for item in pairs.inputs):
        found = pairs.store.linked(pairs.source, record_id, pairs.target)
        if found:
            to = [_linked(pairs, other, specs) for other, specs in found.items()]
            pairs.results.append({"from": {"id": record_id}, "to": to})
            continue
        pairs.errors.append(
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": f"No {target} is associated with {source} {record_id}.",
                "context": {
                    "fromObjectId": [record_id],
                    "fromObjectType": [source],
                    "toObjectType": [target],
                },
            }
        )


def _linked(pairs: Pairs, other: str, specs: set[Spec]) -> dict[str, Any]:
    types = [
        {"category": category, "typeId": type_id, "label": None}
        for category, type_id in sorted(specs)
    ]
    return {"toObjectId": pairs.shown(other), "associationTypes": types}


def _archive(pairs: Pairs) -> None:
    # Recorded: a pair that is not there is passed over.
    for item in pairs.inputs:
        for target in item["to"]:
            source = str(item["from"]["id"])
            pairs.store.unlink(pairs.source, source, pairs.target, str(target["id"]))


def _archive_labels(pairs: Pairs) -> None:
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        specs = [_spec(one) for one in item["types"]]
        pairs.store.unlink(pairs.source, source, pairs.target, target, specs)


RUN: Final[dict[str, Callable[[Pairs], None]]] = {
    "create": _create,
    "associate/default": _associate,
    "read": _read,
    "archive": _archive,
    "labels/archive": _archive_labels,
}


def parsed(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Read the inputs of a call, and refuse too many."""
    body = deserialized(content)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list):
        raise _unset(["inputs"])
    if len(inputs) > INPUTS[verb]:
        message = f"The maximum number of inputs supported in a batch is {INPUTS[verb]}"
        raise Refusal(
            400,
            f"{message}. Please reduce the number of items and try again",
            VALIDATION_ERROR,
        )
    for item in inputs:
        _check(verb, item)
    return inputs


def _check(verb: str, item: object) -> None:
    match verb, item:
        case "read", {"id": str() | int()}:
            return
        case "archive", {"from": {"id": str() | int()}, "to": list(targets)}:
            for target in targets:
                _check("read", target)
            return
        case "associate/default", {"from": source, "to": target}:
            _check("read", source)
            _check("read", target)
            return
        case _, {"from": source, "to": target, "types": list(types)} if verb != "read":
            _check("read", source)
            _check("read", target)
            for one in types:
                _spec(one)
            return
    fields = {"read": ["id"], "archive": ["from", "to"]}
    raise _unset(fields.get(verb, ["from", "to", "types"]))


def _spec(value: object) -> Spec:
    match value:
        case {
            "associationCategory": "HUBSPOT_DEFINED"
            | "INTEGRATOR_DEFINED"
            | "USER_DEFINED"
            | "WORK" as category,
            "associationTypeId": int(type_id),
        }:
            return category, type_id
        case _:
            raise _unset(["associationCategory", "associationTypeId"])


def _unset(names: list[str]) -> Refusal:
    text = f"Some required fields were not set: [{', '.join(names)}]"
    return Refusal(
        400, f"Invalid input JSON on line 1, column 2. {text}", VALIDATION_ERROR
    )


def run(pairs: Pairs, verb: str, chance: Random, *, shuffle: bool) -> None:
    """Do a call; results come in any order, as those of records do."""
    RUN[verb](pairs)
    if shuffle:
        chance.shuffle(pairs.results)

"""The association batches of v4 and after: pairs of records, and their labels."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.bodies import inputs_of
from hubbatch.simulator.links import Pair, Spec, specs, unset
from hubbatch.simulator.rules import VALIDATION_ERROR
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.wire import Refusal
from hubbatch.simulator.world import Store


# "Associations guide", September 2026; the 1,000 is of a changelog of February 2025.
INPUTS: Final = {
    "create": 2000,
    "associate/default": 2000,
    "read": 1000,
    "archive": 100,
    "labels/archive": 100,
}


@attrs.frozen
class Pairs:
    """One call: two object types, its inputs, and what became of them."""

    store: Store
    source: Shelf
    target: Shelf
    inputs: list[Mapping[str, Any]]
    numbers: bool
    page: int = 500
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    def shown(self, record_id: str) -> str | int:
        """Write an id: v4 was recorded with numbers, the schema says string."""
        return int(record_id) if self.numbers else record_id

    def error(self, message: str, **more: object) -> None:
        """Add an error; most of them do not say which input they are about."""
        error = {"status": "error", "category": VALIDATION_ERROR, "message": message}
        self.errors.append({**error, **more})

    def ends(self, source: object, target: object) -> tuple[Pair, Pair]:
        """Return both records with their types."""
        return (self.source.type.id, str(source)), (self.target.type.id, str(target))

    def valid(self, source: str, target: str, given: Iterable[Spec] = ()) -> bool:
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
        known = self.store.links.kinds(self.source.type.id, self.target.type.id)
        for spec in given:
            if spec not in known:
                self.error(f"{spec[0]} associationTypeId={spec[1]} is not valid")
                return False
        return True


def _create(pairs: Pairs) -> None:
    usual = pairs.store.links.default(pairs.source.type.id, pairs.target.type.id)
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        given = specs(item["types"])
        if pairs.valid(source, target, given):
            links, (one, other) = pairs.store.links, pairs.ends(source, target)
            # A labelled association is an unlabelled one as well.
            links.link(one, other, [usual, *given])
            kinds = links.kinds(one[0], other[0])
            labels = [kinds[spec].label for spec in given]
            pairs.results.append(
                {
                    "fromObjectTypeId": pairs.source.type.id,
                    "fromObjectId": pairs.shown(source),
                    "toObjectTypeId": pairs.target.type.id,
                    "toObjectId": pairs.shown(target),
                    "labels": [label for label in labels if label is not None],
                }
            )


def _associate(pairs: Pairs) -> None:
    links, types = pairs.store.links, (pairs.source.type.id, pairs.target.type.id)
    spec = links.default(*types)
    back = links.kinds(*types)[spec].back
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        if pairs.valid(source, target):
            links.link(*pairs.ends(source, target), [spec])
            # Recorded: a result for each direction of the one association.
            there = _associated(source, target, spec)
            pairs.results.extend([there, _associated(target, source, back)])


def _associated(source: str, target: str, spec: Spec) -> dict[str, Any]:
    category, number = spec
    return {
        "from": {"id": source},
        "to": {"id": target},
        "associationSpec": {
            "associationCategory": category,
            "associationTypeId": number,
        },
    }


def _read(pairs: Pairs) -> None:
    starts = {str(item["id"]): int(item.get("after", 0)) for item in pairs.inputs}
    for record_id, start in starts.items():
        others = found(pairs, record_id)
        if others:
            to = [_linked(pairs, other, given) for other, given in others.items()]
            result = {"from": {"id": record_id}, "to": to[start : start + pairs.page]}
            if len(to) > start + pairs.page:
                result["paging"] = {"next": {"after": str(start + pairs.page)}}
            pairs.results.append(result)
        else:
            none_found(pairs, record_id)


def none_found(pairs: Pairs, record_id: str) -> None:
    """Say that a record has no associations, which HubSpot counts as an error."""
    source, target = pairs.source.type.singular, pairs.target.type.singular
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


def found(pairs: Pairs, record_id: str) -> dict[str, set[Spec]]:
    """Return what a record is associated with, and as what."""
    # An archived record is associated with nothing, whichever end it is at.
    if pairs.source.live(record_id) is None:
        return {}
    source = (pairs.source.type.id, record_id)
    linked = pairs.store.links.linked(source, pairs.target.type.id)
    return {other: linked[other] for other in linked if pairs.target.live(other)}


def _linked(pairs: Pairs, other: str, given: set[Spec]) -> dict[str, Any]:
    kinds = pairs.store.links.kinds(pairs.source.type.id, pairs.target.type.id)
    types = [
        {"category": spec[0], "typeId": spec[1], "label": kinds[spec].label}
        for spec in sorted(given)
    ]
    return {"toObjectId": pairs.shown(other), "associationTypes": types}


def _archive(pairs: Pairs) -> None:
    # Recorded: a pair that is not there is passed over.
    for item in pairs.inputs:
        for target in item["to"]:
            ends = pairs.ends(item["from"]["id"], target["id"])
            pairs.store.links.unlink(*ends)


def _archive_labels(pairs: Pairs) -> None:
    for item in pairs.inputs:
        ends = pairs.ends(item["from"]["id"], item["to"]["id"])
        pairs.store.links.unlink(*ends, specs(item["types"]))


RUN: Final[dict[str, Callable[[Pairs], None]]] = {
    "create": _create,
    "associate/default": _associate,
    "read": _read,
    "archive": _archive,
    "labels/archive": _archive_labels,
}


def labels(store: Store, source: Shelf, target: Shelf) -> dict[str, Any]:
    """Return as what two types can be associated, in this direction."""
    kinds = store.links.kinds(source.type.id, target.type.id)
    return {
        "results": [
            {"category": category, "typeId": type_id, "label": kind.label}
            for (category, type_id), kind in kinds.items()
        ]
    }


def parsed(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Read the inputs of a call, and refuse too many."""
    inputs = inputs_of(content, INPUTS[verb])
    for item in inputs:
        _check(verb, item)
    return inputs


def _check(verb: str, item: object) -> None:
    match verb, item:
        case "read", {"id": str() | int(), "after": after}:
            if isinstance(after, str) and after.isdecimal():
                return
            raise Refusal(400, f"Invalid input: after was {after}", VALIDATION_ERROR)
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
            specs(types)
            return
    fields = {"read": ["id"], "archive": ["from", "to"]}
    raise unset(fields.get(verb, ["from", "to", "types"]))

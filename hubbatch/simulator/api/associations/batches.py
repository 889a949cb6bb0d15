"""Association batches of v4 and the dated versions: pairs of records and labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.refusals import invalid, whole_number
from hubbatch.simulator.crm.links import RecordKey, Spec, missing_fields, parse_specs
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import JSON, VALIDATION_ERROR, Answer


# "Associations guide", September 2026; the 1,000 comes from a changelog of
# February 2025.
INPUTS: Final = {
    "create": 2000,
    "associate/default": 2000,
    "read": 1000,
    "archive": 100,
    "labels/archive": 100,
}


@attrs.frozen
class Pairs:
    """One association batch: two object types, the inputs, results and errors."""

    store: Store
    source: Shelf
    target: Shelf
    inputs: list[Mapping[str, Any]]
    numeric_ids: bool
    page_size: int = 500
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    def id_json(self, record_id: str) -> str | int:
        """Return an id as the answer shows it.

        v4 was recorded with numbers, although its schema says string.
        """
        return int(record_id) if self.numeric_ids else record_id

    def add_error(
        self, message: str, sub_category: str | None = None, **more: object
    ) -> None:
        """Add an error; most do not name their input."""
        error = {"status": "error", "category": VALIDATION_ERROR}
        if sub_category is not None:
            error["subCategory"] = sub_category
        self.errors.append({**error, "message": message, **more})

    def ends(self, source: object, target: object) -> tuple[RecordKey, RecordKey]:
        """Return the keys of the two records."""
        return (self.source.type.id, str(source)), (self.target.type.id, str(target))

    def validate(self, source: str, target: str, wanted: Iterable[Spec] = ()) -> bool:
        """Return whether two records can be associated; if not, add the error."""
        for record_id, shelf in ((source, self.source), (target, self.target)):
            if not record_id.isdecimal():
                self.add_error(
                    f"{record_id} is not a valid ID",
                    "crm.associations.INVALID_IDENTIFIER",
                    context={"id": [record_id]},
                )
                return False
            if shelf.live(record_id) is None:
                self.add_error(f"{shelf.type.legacy_name}={record_id} is not valid")
                return False
        if source == target and self.source is self.target:
            self.add_error(f"Object {source} cannot be associated to itself ({target})")
            return False
        known = self.store.links.kinds(self.source.type.id, self.target.type.id)
        for spec in wanted:
            if spec not in known:
                self.add_error(f"{spec[0]} associationTypeId={spec[1]} is not valid")
                return False
        return True


def _create(pairs: Pairs) -> None:
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        wanted = parse_specs(item["types"])
        if pairs.validate(source, target, wanted):
            pairs.results.append(label(pairs, source, target, wanted))


def label(
    pairs: Pairs, source: str, target: str, wanted: Sequence[Spec]
) -> dict[str, Any]:
    """Associate two records with these types, and return the result."""
    links, types = pairs.store.links, (pairs.source.type.id, pairs.target.type.id)
    # A labelled association also counts as an unlabelled one (live check 2026).
    links.link(*pairs.ends(source, target), [links.default(*types), *wanted])
    kinds = links.kinds(*types)
    labels = [kinds[spec].label for spec in wanted]
    return {
        "fromObjectTypeId": pairs.source.type.id,
        "fromObjectId": pairs.id_json(source),
        "toObjectTypeId": pairs.target.type.id,
        "toObjectId": pairs.id_json(target),
        "labels": [each for each in labels if each is not None],
    }


def _associate(pairs: Pairs) -> None:
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        if pairs.validate(source, target):
            pairs.results.extend(associate(pairs, source, target))


def associate(pairs: Pairs, source: str, target: str) -> list[dict[str, Any]]:
    """Associate two records without a label.

    Recorded: one association yields a result for each direction.
    """
    links, types = pairs.store.links, (pairs.source.type.id, pairs.target.type.id)
    spec = links.default(*types)
    links.link(*pairs.ends(source, target), [spec])
    back = links.kinds(*types)[spec].back
    return [_associated(source, target, spec), _associated(target, source, back)]


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
    starts = {
        str(item["id"]): whole_number("after", item.get("after", "0"))
        for item in pairs.inputs
    }
    for record_id, start in starts.items():
        linked = linked_records(pairs, record_id)
        if linked:
            to = [target_json(pairs, *target) for target in linked.items()]
            end = start + pairs.page_size
            result = {"from": {"id": record_id}, "to": to[start:end]}
            if len(to) > end:
                result["paging"] = {"next": {"after": str(end)}}
            pairs.results.append(result)
        else:
            add_none_found(pairs, record_id)


def add_none_found(pairs: Pairs, record_id: str) -> None:
    """Add the error that HubSpot reports for a record without associations."""
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


def linked_records(pairs: Pairs, record_id: str) -> dict[str, set[Spec]]:
    """Return the ids of the associated target records, with their types."""
    # Archived records have no associations, in either direction.
    if pairs.source.live(record_id) is None:
        return {}
    source = (pairs.source.type.id, record_id)
    linked = pairs.store.links.linked(source, pairs.target.type.id)
    return {other: linked[other] for other in linked if pairs.target.live(other)}


def target_json(pairs: Pairs, target: str, linked_by: set[Spec]) -> dict[str, Any]:
    """Return an associated record with its association types."""
    kinds = pairs.store.links.kinds(pairs.source.type.id, pairs.target.type.id)
    types = [
        {"category": spec[0], "typeId": spec[1], "label": kinds[spec].label}
        for spec in sorted(linked_by)
    ]
    return {"toObjectId": pairs.id_json(target), "associationTypes": types}


def _archive(pairs: Pairs) -> None:
    # Recorded: pairs that are not associated are ignored.
    for item in pairs.inputs:
        for target in item["to"]:
            ends = pairs.ends(item["from"]["id"], target["id"])
            pairs.store.links.unlink(*ends)


def _archive_labels(pairs: Pairs) -> None:
    for item in pairs.inputs:
        ends = pairs.ends(item["from"]["id"], item["to"]["id"])
        pairs.store.links.unlink(*ends, parse_specs(item["types"]))


RUN: Final[dict[str, Callable[[Pairs], None]]] = {
    "create": _create,
    "associate/default": _associate,
    "read": _read,
    "archive": _archive,
    "labels/archive": _archive_labels,
}


def answer(call: Call) -> Result:
    """Answer an association batch of v4 or a dated version."""
    source, target, verb = call.shelf, call.target, call.route.verb
    v4 = call.route.version is None
    if verb != "read":
        check_permission(call)
    inputs = parse(call.request.content, verb)
    size = call.quirks.associations_page
    pairs = Pairs(call.store, source, target, inputs, v4, size)
    RUN[verb](pairs)
    if verb in {"archive", "labels/archive"} and v4:
        # Recorded: with the type of a body that it does not have.
        return Answer(204, content_type=JSON), len(inputs)
    return answer_pairs(call, pairs), len(inputs)


def check_permission(call: Call) -> None:
    """Refuse a user who may not edit associations, in the versions that check it.

    Documented for 2026-09, with an example of v4; older dated versions do not.
    """
    checked_in_v4 = call.quirks.write_validation != "never"
    if call.enforces_rules or (call.route.version is None and checked_in_v4):
        call.check_permission()


def answer_pairs(call: Call, pairs: Pairs) -> Answer:
    """Return the answer of a batch that shows its results."""
    created = (call.route.verb == "create") != call.quirks.status_flip
    success = 201 if created else 200
    return call.multi_status(pairs.results, pairs.errors, success=success)


def parse(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Return the inputs of a call.

    Raises:
        Refusal: If the body is invalid or has too many inputs.
    """
    inputs = parse_inputs(content, INPUTS[verb])
    for item in inputs:
        _check(verb, item)
    return inputs


def _check(verb: str, item: object) -> None:
    match verb, item:
        case "read", {"id": str() | int(), "after": after}:
            if not isinstance(after, str):
                raise invalid("after", after)
            whole_number("after", after)
            return
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
            parse_specs(types)
            return
    fields = {"read": ["id"], "archive": ["from", "to"]}
    raise missing_fields(fields.get(verb, ["from", "to", "types"]))

"""What an account's records have against a batch: keys, values, conflicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from hubbatch.simulator import enforced, rules
from hubbatch.simulator.batches import ALWAYS, Batch, Item
from hubbatch.simulator.links import Spec, specs
from hubbatch.simulator.schemas import Problem
from hubbatch.simulator.wire import Refusal


def check_keys(batch: Batch, items: Sequence[Item]) -> None:
    """Refuse keys that repeat, or that are not keys."""
    keys = [_key(batch, item) for item in items]
    rules.check_duplicates(keys, [item.key for item in items])
    for item in items:
        name = item.id_property
        if name is None and batch.verb == "update":
            continue
        if name is None or not batch.unique(name) or _not_by_email(batch, name):
            portal_id = batch.store.portal_id
            name = name or ALWAYS
            raise rules.non_unique("update/upsert", batch.shelf, name, portal_id)


def _not_by_email(batch: Batch, name: str) -> bool:
    # Upsert takes e-mail; update answered "non-unique 0-1 property" in 2024.
    return (
        batch.verb == "update"
        and batch.shelf.type.properties[name].email
        and not batch.quirks.update_by_email
    )


def _key(batch: Batch, item: Item) -> tuple[str, str]:
    if item.record is not None:
        return (ALWAYS, item.record.id)
    schema = batch.shelf.type.properties.get(item.id_property or "")
    if schema is None:
        return (item.id_property or ALWAYS, item.key)
    return (schema.name, schema.key(item.key))


def with_values(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Keep the items whose values are valid; untraced, one bad value ends all."""
    kept: list[Item] = []
    found: list[Problem] = []
    refused: list[Refusal] = []
    for item in items:
        item.written, problems = rules.accepted(batch.shelf, _values(batch, item))
        if problems and item.trace is None:
            found += problems
        elif problems:
            message = rules.values_message(problems)
            batch.refuse(item, rules.VALIDATION_ERROR, message)
        else:
            refusal = _refusal(batch, item)
            if refusal is None:
                kept.append(item)
            elif item.trace is None:
                refused.append(refusal)
            else:
                batch.turn_away(item, refusal)
    # All that is wrong with values is said before anything else, in whatever order
    # the inputs come.
    if found:
        raise rules.invalid_values(found)
    if refused:
        raise refused[0]
    return kept


def _values(batch: Batch, item: Item) -> Mapping[str, Any]:
    """Return the values that an input writes."""
    properties: Mapping[str, Any] = item.source["properties"]
    if batch.verb == "upsert" and item.id_property:
        properties = _with_key(item, item.id_property)
    if batch.enforces:
        properties, item.warnings = enforced.normalized(batch.shelf, properties)
    return properties


def _refusal(batch: Batch, item: Item) -> Refusal | None:
    """Return why an input whose values are valid is refused all the same."""
    refusal = _incomplete(batch, item) or _unassociated(batch, item)
    if refusal is None and batch.enforces:
        return enforced.missing(batch.shelf.type.rules, item)
    return refusal


def _with_key(item: Item, name: str) -> Mapping[str, Any]:
    """Merge the key of an upsert into its properties: no record loses its key."""
    properties: Mapping[str, Any] = item.source["properties"]
    if properties.get(name) not in {None, ""}:
        return properties
    if item.record is None:
        return {**properties, name: item.key}
    return {key: value for key, value in properties.items() if key != name}


def _incomplete(batch: Batch, item: Item) -> Refusal | None:
    if batch.verb == "update":
        if item.source["properties"]:
            return None
        message = "No properties found to update, please provide at least one."
        unset = ["{}"]
    else:
        required = batch.shelf.type.required if item.record is None else ()
        unset = [name for name in required if not item.written.get(name)]
        if not unset:
            return None
        kind = batch.shelf.type.legacy
        message = f"Error creating {kind}. Some required properties were not set."
    context = {"context": {"properties": unset}}
    return Refusal(400, message, rules.VALIDATION_ERROR, context)


def _unassociated(batch: Batch, item: Item) -> Refusal | None:
    """Refuse to associate a new record by no known type, or with nobody."""
    if batch.verb != "create":
        return None
    for target, given in associated(item.source):
        for spec in given:
            type_id = batch.store.links.target(batch.shelf.type.id, spec)
            shelf = None if type_id is None else batch.store.shelf(type_id)
            if shelf is None:
                message = f"{spec[0]} associationTypeId={spec[1]} is not valid"
            elif shelf.live(target) is None:
                message = f"{shelf.type.legacy}={target} is not valid"
            else:
                continue
            return Refusal(400, message, rules.VALIDATION_ERROR)
    return None


def associated(source: Mapping[str, Any]) -> list[tuple[str, list[Spec]]]:
    """Return the ids that a new record is to be associated with, and how."""
    listed = source.get("associations") or []
    return [(str(one["to"]["id"]), specs(one["types"])) for one in listed]


def without_conflicts(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Keep the items whose unique values are free or their own."""
    kept: list[Item] = []
    claimed: dict[tuple[str, str], str] = {}
    for item in items:
        # Nothing is looked up for a record that is not there to be written.
        conflict = None
        if item.record_id:
            conflict = batch.shelf.taken(item.record_id, item.written, claimed)
        if conflict is None:
            kept.append(item)
        else:
            _refuse_conflict(batch, item, *conflict, set(claimed.values()))
    return kept


def _refuse_conflict(
    batch: Batch, item: Item, name: str, owner: str, ours: set[str]
) -> None:
    if not batch.shelf.type.properties[name].email:
        portal_id, value = batch.store.portal_id, item.written[name]
        message = rules.taken_value(
            batch.shelf, portal_id, name, value, item.record_id, owner
        )
        if item.trace is None:
            raise Refusal(400, message, rules.VALIDATION_ERROR)
        batch.refuse(item, rules.VALIDATION_ERROR, message)
        return
    whole = batch.verb == "upsert" and batch.quirks.whole_upsert_conflict
    message = "Contact already exists"
    if item.trace is not None or owner not in ours or owner in batch.shelf.records:
        message = f"{message}. Existing ID: {owner}"
    if item.trace is None or whole:
        raise Refusal(409, message, "CONFLICT")
    batch.refuse(item, "CONFLICT", message, existingId=[owner])

"""Checks of a batch against the account's records: keys, values, conflicts.

HubSpot checks in this order: keys, then values, then conflicts over unique values.
An invalid input with a trace id gets its own error in a 207; without trace ids the
first problem refuses the whole batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hubbatch.simulator.api import refusals
from hubbatch.simulator.api.records import write_validation
from hubbatch.simulator.api.records.batches import Batch, Item
from hubbatch.simulator.api.records.shown import RECORD_ID
from hubbatch.simulator.crm.links import Spec, parse_specs
from hubbatch.simulator.crm.property_types import Problem
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal


def check_keys(batch: Batch, items: Sequence[Item]) -> None:
    """Refuse keys that occur twice or whose property does not identify records."""
    keys = [_key(batch, item) for item in items]
    refusals.check_duplicates(keys, [item.key for item in items])
    for item in items:
        name = item.id_property
        if name is None and batch.verb == "update":
            continue
        if name is None or not batch.is_unique(name) or _is_email_update(batch, name):
            portal_id = batch.store.portal_id
            name = name or RECORD_ID
            raise refusals.non_unique("update/upsert", batch.shelf, name, portal_id)


def _is_email_update(batch: Batch, name: str) -> bool:
    # Upsert accepts e-mail; update answered "non-unique 0-1 property" in 2024.
    return (
        batch.verb == "update"
        and batch.shelf.type.properties[name].email
        and not batch.quirks.update_by_email
    )


def _key(batch: Batch, item: Item) -> tuple[str, str]:
    if item.record is not None:
        return (RECORD_ID, item.record.id)
    schema = batch.shelf.type.properties.get(item.id_property or "")
    if schema is None:
        return (item.id_property or RECORD_ID, item.key)
    return (schema.name, schema.key(item.key))


def keep_valid(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Return the items whose values are valid, and set their `written`.

    Raises:
        Refusal: If an item without a trace id is invalid.
    """
    kept: list[Item] = []
    found: list[Problem] = []
    refused: list[Refusal] = []
    for item in items:
        values = _values_to_write(batch, item)
        portal_id = batch.store.portal_id
        checked = refusals.check_values(batch.shelf, values, portal_id)
        item.written, problems = checked
        if problems and item.trace is None:
            found += problems
        elif problems:
            message = refusals.values_message(problems)
            batch.add_error(item, VALIDATION_ERROR, message)
        else:
            refusal = _other_refusal(batch, item)
            if refusal is None:
                kept.append(item)
            elif item.trace is None:
                refused.append(refusal)
            else:
                batch.add_refusal(item, refusal)
    # Invalid values come before all other refusals, regardless of the inputs' order.
    if found:
        raise refusals.invalid_values(found)
    if refused:
        raise refused[0]
    return kept


def _values_to_write(batch: Batch, item: Item) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = item.source["properties"]
    if batch.verb == "upsert" and item.id_property:
        properties = _with_key(item, item.id_property)
    if batch.enforces_rules:
        properties, item.warnings = write_validation.normalize_dates(
            batch.shelf, properties
        )
    return properties


def _other_refusal(batch: Batch, item: Item) -> Refusal | None:
    """Return why an input with valid values is refused, or None."""
    refusal = _missing_properties(batch, item) or _invalid_association(batch, item)
    if refusal is None and batch.enforces_rules:
        return write_validation.check_rules(batch.shelf.type.rules, item)
    return refusal


def _with_key(item: Item, name: str) -> Mapping[str, Any]:
    """Return the properties that an upsert writes; they never clear its key."""
    properties: Mapping[str, Any] = item.source["properties"]
    if properties.get(name) not in {None, ""}:
        return properties
    if item.record is None:
        return {**properties, name: item.key}
    return {key: value for key, value in properties.items() if key != name}


def _missing_properties(batch: Batch, item: Item) -> Refusal | None:
    if batch.verb == "update":
        if item.source["properties"]:
            return None
        message = "No properties found to update, please provide at least one."
        missing = ["{}"]
    else:
        required = batch.shelf.type.required if item.record is None else ()
        missing = [name for name in required if not item.written.get(name)]
        if not missing:
            return None
        kind = batch.shelf.type.legacy_name
        message = f"Error creating {kind}. Some required properties were not set."
    context = {"context": {"properties": missing}}
    return Refusal(400, message, VALIDATION_ERROR, context)


def _invalid_association(batch: Batch, item: Item) -> Refusal | None:
    """Return why the associations of a create are refused, or None."""
    if batch.verb != "create":
        return None
    for target, target_specs in requested_associations(item.source):
        for spec in target_specs:
            type_id = batch.store.links.target(batch.shelf.type.id, spec)
            shelf = None if type_id is None else batch.store.shelf(type_id)
            if shelf is None:
                message = f"{spec[0]} associationTypeId={spec[1]} is not valid"
            elif shelf.live(target) is None:
                message = f"{shelf.type.legacy_name}={target} is not valid"
            else:
                continue
            return Refusal(400, message, VALIDATION_ERROR)
    return None


def requested_associations(source: Mapping[str, Any]) -> list[tuple[str, list[Spec]]]:
    """Return the target ids in the `associations` of a create, with their types."""
    listed = source.get("associations") or []
    return [(str(item["to"]["id"]), parse_specs(item["types"])) for item in listed]


def keep_unconflicted(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Return the items whose unique values no other record has.

    Raises:
        Refusal: If an item without a trace id conflicts; with trace ids too, if an
            upsert conflicts over an e-mail address (see `whole_upsert_conflict`).
    """
    kept: list[Item] = []
    # Values that earlier items of this batch write, with the id of their record.
    claimed: dict[tuple[str, str], str] = {}
    for item in items:
        # An update of an unknown record has no record id and writes nothing.
        conflict = None
        if item.record_id:
            conflict = batch.shelf.find_conflict(item.record_id, item.written, claimed)
        if conflict is None:
            kept.append(item)
        else:
            _refuse_conflict(batch, item, *conflict, set(claimed.values()))
    return kept


def _refuse_conflict(
    batch: Batch, item: Item, name: str, owner: str, batch_ids: set[str]
) -> None:
    if not batch.shelf.type.properties[name].email:
        portal_id, value = batch.store.portal_id, item.written[name]
        message = refusals.taken_value_message(
            batch.shelf, portal_id, name, value, item.record_id, owner
        )
        if item.trace is None:
            raise Refusal(400, message, VALIDATION_ERROR)
        batch.add_error(item, VALIDATION_ERROR, message)
        return
    whole = batch.verb == "upsert" and batch.quirks.whole_upsert_conflict
    message = "Contact already exists"
    # Without trace ids no record of the batch is written: a new one has no id to name.
    exists = owner not in batch_ids or owner in batch.shelf.records
    if item.trace is not None or exists:
        message = f"{message}. Existing ID: {owner}"
    if item.trace is None or whole:
        raise Refusal(409, message, "CONFLICT")
    batch.add_error(item, "CONFLICT", message, existingId=[owner])

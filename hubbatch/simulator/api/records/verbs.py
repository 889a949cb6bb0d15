"""The five verbs of record batches."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hubbatch.simulator.api import bodies, refusals
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.records.batch_checks import (
    check_keys,
    keep_unconflicted,
    keep_valid,
    requested_associations,
)
from hubbatch.simulator.api.records.batches import Batch, Item
from hubbatch.simulator.api.records.shown import known, names_of
from hubbatch.simulator.crm.records import Record
from hubbatch.simulator.lookup import since_2026_09
from hubbatch.simulator.wire import Answer, Refusal, as_json, html_page


def answer(call: Call) -> Result:
    """Answer a batch of records."""
    verb, shelf, quirks = call.route.verb, call.shelf, call.quirks
    enforces_rules = call.enforces_rules
    if verb not in shelf.type.verbs and not since_2026_09(call.request.path):
        return html_page(404, "Not Found", "Resource not found"), 0
    body, inputs = bodies.parse_batch(call.request.content, verb)
    with_history = verb == "read" and bool(body.get("propertiesWithHistory"))
    refusals.check_count(len(inputs), with_history=with_history)
    if enforces_rules and any(item.get("associations") for item in inputs):
        call.check_permission()
    batch = Batch(
        store=call.store,
        shelf=shelf,
        verb=verb,
        body=body,
        inputs=[] if quirks.silent_noop else _without_dropped(call, inputs),
        quirks=quirks,
        rng=call.rng,
        now=call.now.ms,
        archived=call.request.query.get("archived", "").lower() == "true",
        enforces_rules=enforces_rules,
    )
    RUN[verb](batch)
    call.shuffle(batch.results)
    if verb == "archive":
        return Answer(204), len(inputs)
    created = (verb == "create") != quirks.status_flip
    partial = bool(batch.errors) or batch.has_unreported
    status = 207 if partial else 201 if created else 200
    envelope = call.envelope(batch.results, batch.errors, partial=partial)
    return as_json(status, envelope), len(inputs)


def _without_dropped(call: Call, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    drop = call.quirks.silent_drop
    if drop is False or not inputs:
        return inputs
    if drop is True:
        dropped = call.rng.choice(inputs)
        return [item for item in inputs if item is not dropped]
    return [item for item in inputs if str(item.get("id")) not in drop]


def create(batch: Batch) -> None:
    """Create records."""
    items = batch.items()
    for item in items:
        item.record_id = batch.store.new_id()
    for item in keep_unconflicted(batch, keep_valid(batch, items)):
        _add(batch, item)
        _associate(batch, item)


def _associate(batch: Batch, item: Item) -> None:
    links, source = batch.store.links, (batch.shelf.type.id, item.record_id)
    for target, target_specs in requested_associations(item.source):
        for spec in target_specs:
            type_id = links.target(batch.shelf.type.id, spec)
            if type_id is not None:
                links.link(source, (type_id, target), [spec])


def _add(batch: Batch, item: Item, **more: object) -> None:
    record = batch.store.add(batch.shelf, item.record_id, item.written, batch.now)
    properties = dict(sorted(record.properties.items()))
    batch.add_result(record, properties, item, more=more)


def read(batch: Batch) -> None:
    """Read records; a single error names all missing ones."""
    id_property = batch.id_property
    if id_property is not None and not batch.is_unique(id_property):
        portal_id = batch.store.portal_id
        raise refusals.non_unique("read", batch.shelf, id_property, portal_id)
    history = known(batch.shelf, batch.body.get("propertiesWithHistory") or [])
    names = names_of(batch.shelf, batch.body.get("properties") or [], history)
    missing: list[str] = []
    seen: set[str] = set()
    archived = batch.shelf.archived_by(id_property) if batch.archived else {}
    for item in batch.items():
        record = _find(batch, item, archived)
        if record is None:
            missing.append(item.key)
        elif record.id not in seen:
            seen.add(record.id)
            values = {name: record.properties.get(name) for name in names}
            batch.add_result(record, values, item, history)
    batch.add_not_found(list(dict.fromkeys(missing)), [])


def _find(batch: Batch, item: Item, archived: Mapping[str, Record]) -> Record | None:
    if batch.archived:
        return archived.get(batch.shelf.key(item.id_property, item.key))
    return batch.shelf.survivor(item.key) if item.merged else item.record


def update(batch: Batch) -> None:
    """Update existing records."""
    items = batch.items()
    check_keys(batch, items)
    if batch.quirks.missing_coordinates:
        _check_unknown_values(batch, items)
    missing: list[Item] = []
    for item in keep_unconflicted(batch, keep_valid(batch, items)):
        if item.record is not None:
            _change(batch, item)
        elif not item.merged:
            # A merged record is neither a result nor an error (recorded 2026).
            missing.append(item)
    traces = [item.trace for item in missing if item.trace is not None]
    batch.add_not_found([item.key for item in missing], traces)


def _check_unknown_values(batch: Batch, items: Iterable[Item]) -> None:
    """Refuse the whole update if no record has one of the unique values."""
    type_id = batch.shelf.type.id
    unknown = [
        f"{type_id}-{item.id_property}:{item.key}"
        for item in items
        if item.id_property is not None and item.record is None
    ]
    if unknown:
        context = {"context": {"missingObjectPropertyValueCoordinates": unknown}}
        raise Refusal(400, "Some objects were not found", fields=context)


def upsert(batch: Batch) -> None:
    """Update existing records and create the others."""
    items = batch.items()
    check_keys(batch, items)
    for item in items:
        if item.record is None:
            item.record_id = batch.store.new_id()
    for item in keep_unconflicted(batch, keep_valid(batch, items)):
        if item.record is None:
            _add(batch, item, new=True)
        else:
            _change(batch, item, new=False)


def _change(batch: Batch, item: Item, **more: object) -> None:
    record = item.record
    if record is None:
        raise AssertionError("unreachable")
    changed = batch.shelf.write(record, item.written, batch.now)
    shown = refusals.shown_after_update(batch.shelf, record, item.written, changed)
    if item.id_property is not None and item.id_property in record.properties:
        shown[item.id_property] = record.properties[item.id_property]
    batch.add_result(record, shown, item, more=more)


def archive(batch: Batch) -> None:
    """Archive records; unknown and archived ids are ignored."""
    for item in batch.inputs:
        batch.store.archive(batch.shelf.type.id, str(item["id"]))


RUN: Final[dict[str, Callable[[Batch], None]]] = {
    "create": create,
    "read": read,
    "update": update,
    "upsert": upsert,
    "archive": archive,
}

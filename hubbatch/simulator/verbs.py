"""The five verbs: from inputs to results and errors."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hubbatch.simulator import rules
from hubbatch.simulator.batches import ALWAYS, Batch, Item
from hubbatch.simulator.checks import (
    associated,
    check_keys,
    with_values,
    without_conflicts,
)
from hubbatch.simulator.shelves import Record, as_text
from hubbatch.simulator.wire import Refusal, iso


def create(batch: Batch) -> None:
    """Make new records."""
    # Recorded: ids are not given out in the order of the inputs.
    items = batch.items()
    ids = [batch.store.new_id() for _ in items]
    batch.chance.shuffle(ids)
    for item, record_id in zip(items, ids, strict=True):
        item.record_id = record_id
    for item in without_conflicts(batch, with_values(batch, items)):
        _add(batch, item)
        _associate(batch, item)


def _associate(batch: Batch, item: Item) -> None:
    links, own = batch.store.links, (batch.shelf.type.id, item.record_id)
    for target, given in associated(item.source):
        for spec in given:
            type_id = links.target(own[0], spec)
            if type_id is not None:
                links.link(own, (type_id, target), [spec])


def _add(batch: Batch, item: Item, **more: object) -> None:
    record = batch.store.add(batch.shelf, item.record_id, item.written, batch.now)
    batch.show(record, dict(sorted(record.properties.items())), item, **more)


def read(batch: Batch) -> None:
    """Return records; every missing one stands in the same error."""
    id_property = batch.id_property
    if id_property is not None and not batch.unique(id_property):
        portal_id = batch.store.portal_id
        raise rules.non_unique("read", batch.shelf, id_property, portal_id)
    schema = batch.shelf.type
    asked = batch.body.get("properties") or schema.read_by_default
    names = _known(batch, (*asked, ALWAYS, schema.created, schema.modified))
    with_history = _known(batch, batch.body.get("propertiesWithHistory") or [])
    missing: list[str] = []
    seen: set[str] = set()
    gone = batch.shelf.archived_by(id_property) if batch.archived else {}
    for item in batch.items():
        record = _readable(batch, item, gone)
        if record is None:
            missing.append(item.key)
        elif record.id not in seen:
            seen.add(record.id)
            has = record.properties
            more = _history(record, with_history) if with_history else {}
            batch.show(record, {name: has.get(name) for name in names}, item, **more)
    batch.miss(list(dict.fromkeys(missing)), [])


def _known(batch: Batch, names: Iterable[object]) -> list[str]:
    # What is not a property of the type is left out without a word.
    wanted = {as_text(name) for name in names}
    return sorted(wanted & batch.shelf.type.properties.keys())


def _readable(batch: Batch, item: Item, gone: Mapping[str, Record]) -> Record | None:
    if batch.archived:
        return gone.get(batch.shelf.key(item.id_property, item.key))
    return batch.shelf.survivor(item.key) if item.merged else item.record


def _history(record: Record, names: Iterable[str]) -> dict[str, Any]:
    return {
        "propertiesWithHistory": {
            name: [
                {"value": value, "timestamp": iso(at), "sourceType": "INTEGRATION"}
                for at, value in record.history(name)
            ]
            for name in names
        }
    }


def update(batch: Batch) -> None:
    """Change records that exist."""
    items = batch.items()
    check_keys(batch, items)
    if batch.quirks.missing_coordinates:
        _refuse_unknown_values(batch, items)
    missing: list[Item] = []
    for item in without_conflicts(batch, with_values(batch, items)):
        if item.record is not None:
            _change(batch, item)
        elif not item.merged:
            # A record merged away is neither a result nor an error (seen in 2026).
            missing.append(item)
    traces = [item.trace for item in missing if item.trace is not None]
    batch.miss([item.key for item in missing], traces)


def _refuse_unknown_values(batch: Batch, items: Iterable[Item]) -> None:
    """Refuse a whole update for the unique values that no record has."""
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
    """Change records that exist and make the others."""
    items = batch.items()
    check_keys(batch, items)
    for item in items:
        if item.record is None:
            item.record_id = batch.store.new_id()
    for item in without_conflicts(batch, with_values(batch, items)):
        if item.record is None:
            _add(batch, item, new=True)
        else:
            _change(batch, item, new=False)


def _change(batch: Batch, item: Item, **more: object) -> None:
    record = item.record
    if record is None:
        raise AssertionError("unreachable")
    changed = batch.shelf.write(record, item.written, batch.now)
    shown = rules.shown_after_update(batch.shelf, record, item.written, changed)
    if item.id_property is not None and item.id_property in record.properties:
        shown[item.id_property] = record.properties[item.id_property]
    batch.show(record, shown, item, **more)


def archive(batch: Batch) -> None:
    """Archive what is there; the rest is passed over in silence."""
    for item in batch.inputs:
        batch.store.archive(batch.shelf.type.id, str(item["id"]))


RUN: Final[dict[str, Callable[[Batch], None]]] = {
    "create": create,
    "read": read,
    "update": update,
    "upsert": upsert,
    "archive": archive,
}

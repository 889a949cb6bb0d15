"""What search sees of the records: their state some seconds ago."""

import functools

from collections.abc import Mapping

import attrs

from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.crm.records import Record, Shelf
from hubbatch.simulator.crm.search.filters import read_column
from hubbatch.simulator.crm.search.index import SearchIndex
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import iso


def refreshed_index(store: Store, shelf: Shelf, cutoff: int) -> SearchIndex:
    """Return the index of an object type, with the writes until `cutoff`.

    Later writes stay in `shelf.touched` for the next search.
    """
    schema = shelf.type
    index = store.indexes.get(schema.id)
    if index is None or index.schema is not schema:
        index = SearchIndex(schema, functools.partial(read_column, schema))
        store.indexes[schema.id] = index
        shelf.touched.update(shelf.records)
    changed: dict[int, Record | None] = {}
    later = set()
    for record_id in shelf.touched:
        record = shelf.records.get(record_id)
        changed[int(record_id)] = record and as_of(shelf.type, record, cutoff)
        if record is not None and _last_change(record) > cutoff:
            later.add(record_id)
    shelf.touched = later
    index.refresh(changed)
    return index


def _last_change(record: Record) -> int:
    return max(record.created, record.updated, record.archived_on or 0)


def as_of(schema: ObjectType, record: Record, cutoff: int) -> Record | None:
    """Return a record as it was at an instant; None if it was not there or archived.

    Writes that `record.changes` no longer keeps cannot be undone.
    """
    archived = record.archived_on is not None and record.archived_on <= cutoff
    if archived or record.created > cutoff:
        return None
    if record.updated <= cutoff:
        return attrs.evolve(record, archived_on=None) if record.archived else record
    earlier = [change for change in record.changes if change[0] <= cutoff]
    values = dict(schema.fixed)
    for _, written in earlier:
        values |= written
    updated = earlier[-1][0] if earlier else record.created
    names = {name for at, written in record.changes if at > cutoff for name in written}
    properties = _with(record.properties, {name: values.get(name) for name in names})
    derived = {name: schema.derived[name](properties) for name in schema.recomputed}
    properties = _with(properties, {**derived, schema.modified: iso(updated)})
    return attrs.evolve(
        record,
        properties=properties,
        updated=updated,
        archived_on=None,
        changes=earlier,
    )


def _with(
    properties: Mapping[str, str], values: Mapping[str, str | None]
) -> dict[str, str]:
    """Return the properties with other values; None and "" remove a property."""
    changed = {**properties, **values}
    return {name: value for name, value in changed.items() if value}

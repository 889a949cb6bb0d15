"""The five verbs: from a parsed batch to results and errors."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

import attrs

from hubbatch.simulator import rules
from hubbatch.simulator.faults import Quirks
from hubbatch.simulator.schemas import Problem
from hubbatch.simulator.wire import Refusal, iso
from hubbatch.simulator.world import Record, Shelf, Store


VERBS: Final = ("create", "read", "update", "upsert", "archive")

_ALWAYS: Final = "hs_object_id"


@attrs.define
class Item:
    """One input on its way through the checks."""

    key: str
    id_property: str | None
    source: Mapping[str, Any]
    trace: str | None
    record: Record | None = None
    record_id: str = ""
    merged: bool = False
    written: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Batch:
    """One call: whose records, which inputs, and how HubSpot feels today."""

    store: Store
    shelf: Shelf
    verb: str
    body: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    quirks: Quirks
    chance: Random
    now: int
    archived: bool = False
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    lost: list[str] = attrs.field(init=False, factory=list)

    @property
    def silent(self) -> bool:
        """Whether records are missing that no error speaks of."""
        return bool(self.lost)

    def miss(self, ids: list[str], traces: list[str]) -> None:
        """Add the one error that names every record not found."""
        if self.quirks.silent_missing:
            self.lost.extend(ids)
        elif ids:
            self.errors.append(rules.not_found(self.shelf, ids, traces))

    def items(self) -> list[Item]:
        """Look every input up; `id` may be a record's or a unique value."""
        traces = rules.trace_ids(self.inputs)
        if self.verb not in self.quirks.honour_trace_ids:
            traces = None
        return [
            self._item(source, None if traces is None else traces[index])
            for index, source in enumerate(self.inputs)
        ]

    def _item(self, source: Mapping[str, Any], trace: str | None) -> Item:
        shelf = self.shelf
        item = Item(str(source.get("id")), source.get("idProperty"), source, trace)
        if self.verb == "read":
            item.id_property = self.body.get("idProperty")
        if item.id_property is None:
            item.record = shelf.live(item.key)
            item.merged = item.key in shelf.merged
        elif self.unique(item.id_property):
            item.record = shelf.find(item.key, item.id_property)
        if item.record is not None:
            item.record_id = item.record.id
        return item

    def unique(self, name: str) -> bool:
        """Tell whether a property names one record."""
        return name in self.shelf.type.unique

    def show(
        self,
        record: Record,
        properties: Mapping[str, str | None],
        item: Item,
        **more: object,
    ) -> None:
        """Add a record to the results."""
        result: dict[str, Any] = {
            "id": record.id,
            "properties": properties,
            "createdAt": iso(record.created),
            "updatedAt": iso(record.updated),
            "archived": record.archived_on is not None,
            "url": (
                f"https://app.hubspot.com/contacts/{self.store.portal_id}"
                f"/record/{self.shelf.type.id}/{record.id}"
            ),
            **more,
        }
        if record.archived_on is not None:
            result["archivedAt"] = iso(record.archived_on)
        trace = item.source.get("objectWriteTraceId")
        if trace is not None and self.quirks.echo_trace_ids:
            result["objectWriteTraceId"] = str(trace)
        self.results.append(result)

    def refuse(
        self, item: Item, category: str, message: str, **context: list[str]
    ) -> None:
        """Add an error that names its input by trace id."""
        self.errors.append(
            {
                "status": "error",
                "category": category,
                "message": message,
                "context": {"objectWriteTraceId": [str(item.trace)], **context},
            }
        )


def create(batch: Batch) -> None:
    """Make new records."""
    # Recorded: ids are not given out in the order of the inputs.
    items = batch.items()
    ids = [batch.store.new_id() for _ in items]
    batch.chance.shuffle(ids)
    for item, record_id in zip(items, ids, strict=True):
        item.record_id = record_id
    for item in _without_conflicts(batch, _with_values(batch, items)):
        _add(batch, item)


def _add(batch: Batch, item: Item, **more: object) -> None:
    record = batch.store.add(batch.shelf, item.record_id, item.written, batch.now)
    batch.show(record, dict(sorted(record.properties.items())), item, **more)


def read(batch: Batch) -> None:
    """Return records; every missing one stands in the same error."""
    asked = batch.body.get("properties") or batch.shelf.type.read_by_default
    with_history = batch.body.get("propertiesWithHistory") or []
    id_property = batch.body.get("idProperty")
    if id_property is not None and not batch.unique(id_property):
        portal_id = batch.store.portal_id
        raise rules.non_unique("read", batch.shelf, id_property, portal_id)
    schema = batch.shelf.type
    always = (_ALWAYS, schema.created, schema.modified)
    # What is not a property of the type is left out without a word.
    names = sorted({name for name in (*asked, *always) if name in schema.properties})
    missing: list[str] = []
    seen: set[str] = set()
    for item in batch.items():
        record = _readable(batch, item)
        if record is None:
            missing.append(item.key)
        elif record.id not in seen:
            seen.add(record.id)
            has = record.properties
            more = _history(record, with_history) if with_history else {}
            batch.show(record, {name: has.get(name) for name in names}, item, **more)
    batch.miss(list(dict.fromkeys(missing)), [])


def _readable(batch: Batch, item: Item) -> Record | None:
    if batch.archived:
        record = batch.shelf.records.get(item.key)
        return record if record is not None and record.archived else None
    return batch.shelf.survivor(item.key) if item.merged else item.record


def _history(record: Record, names: Sequence[str]) -> dict[str, Any]:
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
    _check_keys(batch, items)
    missing: list[Item] = []
    for item in _without_conflicts(batch, _with_values(batch, items)):
        if item.record is not None:
            _change(batch, item)
        elif not item.merged:
            # A record merged away is neither a result nor an error (seen in 2026).
            missing.append(item)
    traces = [item.trace for item in missing if item.trace is not None]
    batch.miss([item.key for item in missing], traces)


def upsert(batch: Batch) -> None:
    """Change records that exist and make the others."""
    items = batch.items()
    _check_keys(batch, items)
    for item in items:
        if item.record is None:
            item.record_id = batch.store.new_id()
    for item in _without_conflicts(batch, _with_values(batch, items)):
        if item.record is None:
            _add(batch, item, new=True)
        else:
            _change(batch, item, new=False)


def _change(batch: Batch, item: Item, **more: object) -> None:
    record = item.record
    if record is None:
        raise AssertionError("unreachable")
    batch.shelf.write(record, item.written, batch.now)
    shown = rules.shown_after_update(batch.shelf, record, item.written)
    if item.id_property is not None and item.id_property in record.properties:
        shown[item.id_property] = record.properties[item.id_property]
    batch.show(record, shown, item, **more)


def archive(batch: Batch) -> None:
    """Archive what is there; the rest is passed over in silence."""
    for item in batch.inputs:
        batch.store.archive(batch.shelf.type.id, str(item["id"]))


def _check_keys(batch: Batch, items: Sequence[Item]) -> None:
    keys = [_key(batch, item) for item in items]
    rules.check_duplicates(keys, [item.key for item in items])
    for item in items:
        name = item.id_property
        if name is None and batch.verb == "update":
            continue
        if name is None or not batch.unique(name) or _not_by_email(batch, name):
            portal_id = batch.store.portal_id
            name = name or _ALWAYS
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
        return (_ALWAYS, item.record.id)
    schema = batch.shelf.type.properties.get(item.id_property or "")
    if schema is None:
        return (item.id_property or _ALWAYS, item.key)
    return (schema.name, schema.key(item.key))


def _with_values(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Keep the items whose values are valid; untraced, one bad value ends all."""
    kept: list[Item] = []
    found: list[Problem] = []
    for item in items:
        properties = item.source["properties"]
        if batch.verb == "upsert" and item.record is None and item.id_property:
            properties = {item.id_property: item.key, **properties}
        item.written, problems = rules.accepted(batch.shelf, properties)
        if not properties and batch.verb == "update":
            _refuse_empty(batch, item)
        elif not problems:
            if _complete(batch, item):
                kept.append(item)
        elif item.trace is None:
            found += problems
        else:
            message = rules.values_message(problems)
            batch.refuse(item, rules.VALIDATION_ERROR, message)
    if found:
        raise rules.invalid_values(found)
    return kept


def _complete(batch: Batch, item: Item) -> bool:
    if item.record is not None or batch.verb == "update":
        return True
    required = batch.shelf.type.required
    unset = [name for name in required if not item.written.get(name)]
    if not unset:
        return True
    kind = batch.shelf.type.legacy
    message = f"Error creating {kind}. Some required properties were not set."
    if item.trace is None:
        context = {"context": {"properties": unset}}
        raise Refusal(400, message, rules.VALIDATION_ERROR, context)
    batch.refuse(item, rules.VALIDATION_ERROR, message, properties=unset)
    return False


def _refuse_empty(batch: Batch, item: Item) -> None:
    message = "No properties found to update, please provide at least one."
    if item.trace is None:
        context = {"context": {"properties": ["{}"]}}
        raise Refusal(400, message, rules.VALIDATION_ERROR, context)
    batch.refuse(item, rules.VALIDATION_ERROR, message, properties=["{}"])


def _without_conflicts(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Keep the items whose unique values are free or their own."""
    kept: list[Item] = []
    claimed: dict[tuple[str, str], str] = {}
    for item in items:
        # Nothing is looked up for a record that is not there to be written.
        conflict = _conflict(batch, item, claimed) if item.record_id else None
        if conflict is None:
            kept.append(item)
        else:
            _refuse_conflict(batch, item, *conflict, set(claimed.values()))
    return kept


def _conflict(
    batch: Batch, item: Item, claimed: dict[tuple[str, str], str]
) -> tuple[str, str] | None:
    for name in batch.shelf.type.unique:
        value = item.written.get(name)
        if not value:
            continue
        key = (name, batch.shelf.type.properties[name].key(value))
        owner = claimed.get(key) or batch.shelf.owner(name, value)
        if owner is not None and owner != item.record_id:
            return name, owner
        claimed[key] = item.record_id
    return None


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


RUN: Final[dict[str, Callable[[Batch], None]]] = {
    "create": create,
    "read": read,
    "update": update,
    "upsert": upsert,
    "archive": archive,
}

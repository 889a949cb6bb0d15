"""One batch of records: its inputs, results and errors."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import attrs

from hubbatch.simulator.api import refusals
from hubbatch.simulator.api.records.shown import record_json
from hubbatch.simulator.crm.records import Record, Shelf, as_string
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.faults.quirks import Quirks
from hubbatch.simulator.wire import Refusal


@attrs.define
class Item:
    """One input, with the findings of the checks.

    Attributes:
        key: The input's `id`: a record id, or a value of `id_property`.
        record: The live record that the key identifies.
        record_id: The id of `record`, or the id reserved for a new record; empty
            if there is neither.
        merged: Whether the key is the id of a record merged into another.
        trace: The trace id, if the batch uses trace ids.
        written: The valid values to write.
    """

    key: str
    id_property: str | None
    source: Mapping[str, Any]
    trace: str | None
    record: Record | None = None
    record_id: str = ""
    merged: bool = False
    written: dict[str, str] = attrs.field(factory=dict)
    warnings: Sequence[Mapping[str, Any]] = ()


def id_property_of(source: Mapping[str, Any]) -> str | None:
    """Return the `idProperty` of an input or a body."""
    name = source.get("idProperty")
    return None if name is None else as_string(name)


@attrs.frozen
class Batch:
    """One call: its inputs, the records that it is about, and the answer so far."""

    store: Store
    shelf: Shelf
    verb: str
    body: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    quirks: Quirks
    rng: Random
    now: int
    archived: bool = False
    enforces_rules: bool = False  # Versions from 2026-09 on do.
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    unreported: list[str] = attrs.field(init=False, factory=list)

    @property
    def has_unreported(self) -> bool:
        """Whether any missing records are not named in an error yet."""
        return bool(self.unreported)

    def add_not_found(self, ids: list[str], traces: list[str]) -> None:
        """Add the single error that names all records not found."""
        if self.quirks.silent_missing:
            self.unreported.extend(ids)
        elif ids:
            self.errors.append(refusals.not_found(self.shelf, ids, traces))

    @property
    def id_property(self) -> str | None:
        """The unique property that the ids of a read are values of."""
        return id_property_of(self.body)

    def items(self) -> list[Item]:
        """Return the inputs with the records they identify."""
        traces = refusals.trace_ids(self.inputs)
        if self.verb not in self.quirks.honour_trace_ids:
            traces = None
        return [
            self._item(source, None if traces is None else traces[index])
            for index, source in enumerate(self.inputs)
        ]

    def _item(self, source: Mapping[str, Any], trace: str | None) -> Item:
        shelf = self.shelf
        key, id_property = as_string(source.get("id")), id_property_of(source)
        item = Item(key, id_property, source, trace)
        if self.verb == "read":
            item.id_property = self.id_property
        if item.id_property is None:
            item.record = shelf.live(item.key)
            item.merged = item.key in shelf.merged
            if self.verb == "update" and self.quirks.answer_merged:
                item.record = shelf.survivor(item.key)
        elif self.is_unique(item.id_property):
            item.record = shelf.find(item.key, item.id_property)
        if item.record is not None:
            item.record_id = item.record.id
        return item

    def is_unique(self, name: str) -> bool:
        """Return whether a property's values identify records."""
        return name in self.shelf.type.unique

    def add_result(
        self,
        record: Record,
        properties: Mapping[str, str | None],
        item: Item,
        history: Sequence[str] = (),
        more: Mapping[str, object] = {},
    ) -> None:
        """Add a record to the results."""
        result = record_json(self.store, self.shelf, record, properties, history)
        result.update(more)
        if item.warnings:
            result["warnings"] = item.warnings
        trace = None
        if self.verb != "read":
            trace = item.source.get("objectWriteTraceId")
        if trace is not None and self.quirks.echo_trace_ids:
            result["objectWriteTraceId"] = str(trace)
        self.results.append(result)

    def add_error(
        self, item: Item, category: str, message: str, **context: list[str]
    ) -> None:
        """Add an error whose context names the input by its trace id."""
        fields = {"context": context}
        self.add_refusal(item, Refusal(207, message, category, fields))

    def add_refusal(self, item: Item, refusal: Refusal) -> None:
        """Add the refusal of a whole call as the error of one input."""
        fields = dict(refusal.fields)
        trace = {"objectWriteTraceId": [str(item.trace)]}
        context = {**trace, **fields.pop("context", {})}
        error = {"status": "error", "category": refusal.category}
        if refusal.message is not None:
            error["message"] = refusal.message
        self.errors.append({**error, "context": context, **fields})

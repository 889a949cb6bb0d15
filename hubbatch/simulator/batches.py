"""One batch on its way: its inputs, looked up, and what became of them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

import attrs

from hubbatch.simulator import rules
from hubbatch.simulator.quirks import Quirks
from hubbatch.simulator.shelves import Record, Shelf, as_text
from hubbatch.simulator.wire import Refusal, iso
from hubbatch.simulator.world import Store


ALWAYS: Final = "hs_object_id"


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
    warnings: Sequence[Mapping[str, Any]] = ()


def named(source: Mapping[str, Any]) -> str | None:
    """Return the id property that an input or a body names."""
    name = source.get("idProperty")
    return None if name is None else as_text(name)


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
    enforces: bool = False  # what versions from 2026-09 on enforce
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

    @property
    def id_property(self) -> str | None:
        """The property that the inputs of a read are named by."""
        return named(self.body)

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
        item = Item(as_text(source.get("id")), named(source), source, trace)
        if self.verb == "read":
            item.id_property = self.id_property
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
        if item.warnings:
            result["warnings"] = item.warnings
        if record.archived_on is not None:
            result["archivedAt"] = iso(record.archived_on)
        trace = None
        if self.verb != "read":
            trace = item.source.get("objectWriteTraceId")
        if trace is not None and self.quirks.echo_trace_ids:
            result["objectWriteTraceId"] = str(trace)
        self.results.append(result)

    def refuse(
        self, item: Item, category: str, message: str, **context: list[str]
    ) -> None:
        """Add an error that names its input by trace id."""
        fields = {"context": context}
        self.turn_away(item, Refusal(207, message, category, fields))

    def turn_away(self, item: Item, refusal: Refusal) -> None:
        """Add an error that says of one input what a refusal says of a whole call."""
        fields = dict(refusal.fields)
        named = {"objectWriteTraceId": [str(item.trace)], **fields.pop("context", {})}
        error = {"status": "error", "category": refusal.category}
        if refusal.message is not None:
            error["message"] = refusal.message
        self.errors.append({**error, "context": named, **fields})

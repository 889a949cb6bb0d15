"""The names by which an answer speaks of the inputs of a chunk."""

from collections.abc import Iterable, Mapping
from typing import Any

from hubbatch.models import LegacyObject, SimplePublicObject, StandardError

from .encoding import id_property_of, make_key
from .planning import Chunk


class Names:
    """Trace ids, record ids and unique values, each with the position it stands for."""

    def __init__(self, chunk: Chunk) -> None:
        self.count: int = len(chunk)
        self.by_trace: dict[str, int] = {chunk.trace(p): p for p in range(self.count)}
        self.by_key: dict[str, int] = {
            key: p for p, key in enumerate(chunk.keys) if key is not None
        }
        self.id_properties: set[str] = {
            name for key in self.by_key if (name := id_property_of(key)) is not None
        }

    def of_error(self, error: StandardError) -> Iterable[int]:
        """Find the inputs that an error names; with one input there is no choice."""
        if self.count == 1:
            return (0,)
        context = error.context if isinstance(error.context, Mapping) else {}
        traced = [
            self.by_trace[trace]
            for trace in context.get("objectWriteTraceId", ())
            if trace in self.by_trace
        ]
        if traced:
            return traced
        return self.of_ids(context)

    def of_ids(self, context: Mapping[str, list[str]]) -> list[int]:
        """Find the inputs whose ids, or unique values, a context lists."""
        named = (*context.get("ids", ()), *context.get("id", ()))
        return [p for text in named if (p := self.of_text(text)) is not None]

    def of_text(self, text: str) -> int | None:
        """Find the one input whose id, or whose value of its id property, a text is."""
        keys = [make_key(text, name) for name in (None, *self.id_properties)]
        positions = [self.by_key[key] for key in keys if key in self.by_key]
        return positions[0] if len(positions) == 1 else None

    def of_result(self, result: Any) -> int | None:
        """Find the input that a result names, if it names one."""
        if isinstance(result, LegacyObject):
            return self.by_key.get(str(result.object_id))
        position = self.by_trace.get(result.object_write_trace_id)
        if position is None:
            position = self.by_key.get(make_key(result.id))
        if position is None:
            for id_property in self.id_properties:
                for value in _values(result, id_property):
                    key = make_key(value, id_property)
                    if key in self.by_key:
                        return self.by_key[key]
        return position


def _values(result: SimplePublicObject, id_property: str) -> Iterable[str]:
    value = result.properties.get(id_property)
    if value is not None:
        yield value
    if id_property == "email":
        others = result.properties.get("hs_additional_emails")
        yield from (others or "").split(";")

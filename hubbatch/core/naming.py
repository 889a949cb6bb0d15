"""The names by which an answer speaks of the inputs of a chunk."""

import re

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from hubbatch.models import SimplePublicObject, StandardError

from .encoding import ends_of, id_property_of, make_key
from .planning import Chunk


# Under these names a context lists the inputs that it is about, by their ids or
# unique values; the last is the near end of associations.
_ID_NAMES = ("ids", "id", "fromObjectId")
# Under this name an update lists the unique values that no record has, each written as
# "...name:value".
_COORDINATES = "missingObjectPropertyValueCoordinates"
# Under this name a refusal lists sentences about ids: "CONTACT=123 is not valid".
_SENTENCES = "INVALID_OBJECT_IDS"
_WORD = re.compile(r"\w+")


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
        self.by_end: dict[str, list[int]] = defaultdict(list)
        for key, position in self.by_key.items():
            ends = ends_of(key)
            for end in {*ends} if len(ends) > 1 else ():
                self.by_end[end].append(position)

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
        names = (*_ID_NAMES, *self.id_properties)
        named = [text for name in names for text in context.get(name, ())]
        found = [p for text in named if (p := self.of_text(text)) is not None]
        for text in context.get(_COORDINATES, ()):
            found += self._of_coordinates(text)
        return found

    def of_sentences(self, context: Mapping[str, list[str]]) -> Iterable[int]:
        """Find the inputs with an id that the sentences of a context are about."""
        for word in _WORD.findall(" ".join(context.get(_SENTENCES, ()))):
            key = make_key(word)
            yield from self.by_end.get(key, ())
            if key in self.by_key:
                yield self.by_key[key]

    def _of_coordinates(self, text: str) -> Iterable[int]:
        for name in self.id_properties:
            value = re.search(rf"(?<!\w){re.escape(name)}:(.*)", text, re.DOTALL)
            key = make_key(value[1], name) if value else None
            if key in self.by_key:
                yield self.by_key[key]

    def of_text(self, text: str) -> int | None:
        """Find the one input whose id, or whose value of its id property, a text is."""
        keys = [make_key(text, name) for name in (None, *self.id_properties)]
        positions = [self.by_key[key] for key in keys if key in self.by_key]
        return positions[0] if len(positions) == 1 else None

    def of_ends(self, error: StandardError) -> frozenset[int]:
        """Find the pairs with an end that an error names, in its context or text."""
        if not self.by_end:
            return frozenset()
        context = error.context if isinstance(error.context, Mapping) else {}
        told = [*context.get("ids", ()), *context.get("id", ())]
        keys = map(make_key, told or _WORD.findall(error.message or ""))
        return frozenset(p for key in keys for p in self.by_end.get(key, ()))

    def of_result(self, result: Any, key: str | None) -> int | None:
        """Find the input that a result names, if it names one; `key` is its own."""
        trace = getattr(result, "object_write_trace_id", None)
        position = self.by_trace.get(trace) if trace is not None else None
        if position is None and key is not None:
            position = self.by_key.get(key, self.by_key.get(make_key(key)))
        if position is None:
            for id_property in self.id_properties:
                for value in _values(result, id_property):
                    named = make_key(value, id_property)
                    if named in self.by_key:
                        return self.by_key[named]
        return position


def _values(result: Any, id_property: str) -> Iterable[str]:
    properties = result.properties if isinstance(result, SimplePublicObject) else {}
    value = properties.get(id_property)
    if value is not None:
        yield value
    if id_property == "email":
        others = properties.get("hs_additional_emails")
        yield from (others or "").split(";")

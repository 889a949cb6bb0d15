"""The names by which an answer speaks of the inputs of a chunk."""

import re

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import frozen

from hubbatch.models import SimplePublicObject, StandardError

from .calls import Shape
from .chunks import Chunk
from .encoding import ends_of, id_property_of, make_key, value_of, written_key


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
        # By what results name the inputs; two that come to have one name have none.
        self.keys: list[str | None] = [
            *map(written_key, chunk.keys, chunk.bodies),
        ]
        counts = Counter(self.keys)
        self.by_result: dict[str, int] = {
            key: p
            for p, key in enumerate(self.keys)
            if key is not None and counts[key] == 1
        }
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
        """Find the inputs that an error names.

        With one input there is no choice, unless the error names another record.
        """
        context = error.context if isinstance(error.context, Mapping) else {}
        traces = context.get("objectWriteTraceId")
        if traces:
            return [self.by_trace[trace] for trace in traces if trace in self.by_trace]
        if self.count > 1:
            return self.of_ids(context)
        return () if self._is_of_another(error, context) else (0,)

    def _is_of_another(
        self, error: StandardError, context: Mapping[str, list[str]]
    ) -> bool:
        """Whether an error says of other records only that they do not exist."""
        ids = [*context.get("ids", ()), *context.get("id", ())]
        absent = error.category == "OBJECT_NOT_FOUND" and bool(ids)
        return absent and kind_of(self.keys[0]) is Kind.ID and not self.of_ids(context)

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

    def of_result(self, result: Any, shape: Shape) -> "Claim":
        """Read by which names a result says which input it is about."""
        trace = result.object_write_trace_id if shape.traced else None
        key = shape.key_of(result)
        keys = [] if key is None else [_plain(key)]
        keys += shape.names_of(result)
        for id_property in self.id_properties:
            values = _values(result, id_property)
            keys += [make_key(value, id_property) for value in values]
        return Claim(trace, keys)

    def is_of(self, result: Any) -> bool:
        """Whether a result of a call that has none is a record that is an input."""
        return make_key(str(getattr(result, "id", ""))) in self.by_key

    def claimed(self, claim: "Claim") -> int | None:
        """Find the input that a result names: by its trace id, or else by a key."""
        if claim.trace is not None:
            return self.by_trace.get(claim.trace)
        by_result = self.by_result
        return next((by_result[key] for key in claim.keys if key in by_result), None)


class Kind(Enum):
    """What a key is that is no value of a property."""

    NONE = "none"
    ID = "id"
    PAIR = "pair"


def kind_of(key: str | None) -> Kind | str:
    """Return what a key is: an id, a pair, or the value of which property."""
    if key is None:
        return Kind.NONE
    if len(ends_of(key)) > 1:
        return Kind.PAIR
    return id_property_of(key) or Kind.ID


@frozen
class Claim:
    """The names by which a result says which input it is about.

    Attributes:
        trace: the trace id that it repeats.
        keys: its id or pair, and its values of the properties that name inputs.
    """

    trace: str | None
    keys: Sequence[str]

    def says_of(self, key: str | None) -> list[str]:
        """Return its names that are of the same kind as an input's key."""
        kind = kind_of(key)
        return [one for one in self.keys if kind_of(one) == kind]

    def contradicts(self, key: str | None) -> bool:
        """Whether it names another input than the one with this key.

        Its trace id, if it has one, is known to be no input's.
        """
        if self.trace is not None:
            return True
        told = self.says_of(key)
        return bool(told) and not any(_alike(str(key), one) for one in told)


def _plain(key: str) -> str:
    """Return a key as inputs have it: HubSpot may write an id in another case."""
    return make_key(key) if kind_of(key) is Kind.ID else key


def _alike(key: str, other: str) -> bool:
    """Whether two keys of one kind are the same: "7" and "007" are one number."""
    if key == other:
        return True
    try:
        return float(value_of(key)) == float(value_of(other))
    except ValueError:
        return False


def _values(result: Any, id_property: str) -> Iterable[str]:
    properties = result.properties if isinstance(result, SimplePublicObject) else {}
    value = properties.get(id_property)
    if value is not None:
        yield str(value)
    if id_property == "email":
        others = properties.get("hs_additional_emails")
        yield from filter(None, str(others or "").split(";"))

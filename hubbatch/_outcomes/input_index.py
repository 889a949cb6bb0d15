"""Finds the inputs of a chunk by the ids and values that an answer contains."""

import re

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from hubbatch._classes import frozen
from hubbatch._wire.calls import ResultShape
from hubbatch._wire.inputs import (
    ends_of,
    id_property_of,
    make_key,
    value_of,
    written_key,
)
from hubbatch.models import SimplePublicObject, StandardError

from .chunk import Chunk


# Members of an error's context that list the ids or unique values of inputs; the last
# is the near end of associations.
_ID_NAMES = ("ids", "id", "fromObjectId")
# Lists the unique values of an update that no record has, each as "...name:value".
_COORDINATES = "missingObjectPropertyValueCoordinates"
# Lists sentences about ids: "CONTACT=123 is not valid".
_SENTENCES = "INVALID_OBJECT_IDS"
_WORD = re.compile(r"\w+")


class InputIndex:
    """Indexes a chunk's inputs: positions by trace id, key, result key and end.

    Attributes:
        keys: By position, the key that the input's record has once it is written.
        by_result: Positions by these keys, except keys that two inputs end up sharing:
            a result with such a key could belong to either.
        by_trace: Positions by trace id.
        by_key: Positions by the key that the input was sent with. Keys are unique in a
            chunk.
        id_properties: The unique properties whose values are among the keys.
        by_end: Positions of pairs, by the key of either end.
    """

    def __init__(self, chunk: Chunk) -> None:
        self.count: int = len(chunk)
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
        """Return the positions of the inputs that an error names (possibly none).

        An error for a chunk with one input is about that input, unless it names another
        record.
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
        """Return whether an error only reports that other records do not exist."""
        ids = [*context.get("ids", ()), *context.get("id", ())]
        absent = error.category == "OBJECT_NOT_FOUND" and bool(ids)
        return absent and kind_of(self.keys[0]) is Kind.ID and not self.of_ids(context)

    def of_ids(self, context: Mapping[str, list[str]]) -> list[int]:
        """Return the positions of the inputs that a context lists by id or value."""
        names = (*_ID_NAMES, *self.id_properties)
        values = [value for name in names for value in context.get(name, ())]
        found = [p for value in values if (p := self.of_value(value)) is not None]
        for coordinates in context.get(_COORDINATES, ()):
            found += self._of_coordinates(coordinates)
        return found

    def of_sentences(self, context: Mapping[str, list[str]]) -> Iterable[int]:
        """Yield the positions of inputs whose ids occur in a context's sentences."""
        for word in _WORD.findall(" ".join(context.get(_SENTENCES, ()))):
            key = make_key(word)
            yield from self.by_end.get(key, ())
            if key in self.by_key:
                yield self.by_key[key]

    def _of_coordinates(self, coordinates: str) -> Iterable[int]:
        for name in self.id_properties:
            pattern = rf"(?<!\w){re.escape(name)}:(.*)"
            value = re.search(pattern, coordinates, re.DOTALL)
            key = make_key(value[1], name) if value else None
            if key in self.by_key:
                yield self.by_key[key]

    def of_value(self, value: str) -> int | None:
        """Return the position of the only input with this id or unique value.

        Return None if no input has it, or more than one.
        """
        keys = [make_key(value, name) for name in (None, *self.id_properties)]
        positions = [self.by_key[key] for key in keys if key in self.by_key]
        return positions[0] if len(positions) == 1 else None

    def of_ends(self, error: StandardError) -> frozenset[int]:
        """Return the positions of the pairs with an end that an error names."""
        if not self.by_end:
            return frozenset()
        context = error.context if isinstance(error.context, Mapping) else {}
        ids = [*context.get("ids", ()), *context.get("id", ())]
        keys = map(make_key, ids or _WORD.findall(error.message or ""))
        return frozenset(p for key in keys for p in self.by_end.get(key, ()))

    def of_result(self, result: Any, shape: ResultShape) -> "Claim":
        """Return the claim by which a result identifies its input."""
        trace = result.object_write_trace_id if shape.traced else None
        key = shape.key_of(result)
        keys = [] if key is None else [_plain(key)]
        keys += shape.names_of(result)
        for id_property in self.id_properties:
            values = _values(result, id_property)
            keys += [make_key(value, id_property) for value in values]
        return Claim(trace, keys)

    def is_of(self, result: Any) -> bool:
        """Return whether a result of a call that usually has none is about an input."""
        return make_key(str(getattr(result, "id", ""))) in self.by_key

    def claimed(self, claim: "Claim") -> int | None:
        """Return the position that a claim names: by trace id, or else by a key."""
        if claim.trace is not None:
            return self.by_trace.get(claim.trace)
        by_result = self.by_result
        return next((by_result[key] for key in claim.keys if key in by_result), None)


class Kind(Enum):
    """The kinds of keys that are not the value of a property."""

    NONE = "none"
    ID = "id"
    PAIR = "pair"


def kind_of(key: str | None) -> Kind | str:
    """Return the kind of a key; for a property's value, the property's name."""
    if key is None:
        return Kind.NONE
    if len(ends_of(key)) > 1:
        return Kind.PAIR
    return id_property_of(key) or Kind.ID


@frozen
class Claim:
    """The names by which a result identifies its input.

    Attributes:
        trace: The trace id that the result repeats.
        keys: Its id or pair, and its values for the properties that identify inputs.
    """

    trace: str | None
    keys: Sequence[str]

    def says_of(self, key: str | None) -> list[str]:
        """Return the keys of the same kind as an input's key."""
        kind = kind_of(key)
        return [claimed for claimed in self.keys if kind_of(claimed) == kind]

    def contradicts(self, key: str | None) -> bool:
        """Return whether the result belongs to an input with another key.

        A claim with a trace id contradicts every key: `claimed` would have found the
        input with that trace id.
        """
        if self.trace is not None:
            return True
        claimed = self.says_of(key)
        return bool(claimed) and not any(_alike(str(key), other) for other in claimed)


def _plain(key: str) -> str:
    """Return a key as inputs spell it: HubSpot may change the case of an id."""
    return make_key(key) if kind_of(key) is Kind.ID else key


def _alike(key: str, other: str) -> bool:
    """Return whether two keys of one kind are equal; "7" equals "007"."""
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

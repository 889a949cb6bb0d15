"""Inputs of the usual kind, encoded a block at a time.

Nearly all that is ever written is `{"id": ..., "properties": ...}`, most of it with
nothing but texts in it, or the input class that says the same; what is read is a
text. Seen a column at a time, that is known of a hundred texts for less than half of
what it takes one by one. Anything else is left to the encoder of a single input,
which also says what is wrong with it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from operator import attrgetter, contains, countOf, itemgetter
from typing import Any

import orjson

from hubbatch.models import UpdateInput, UpsertInput

from .calls import ColumnEncoder, Columns, Operation
from .encoding import CUT, make_key, written_values


_Getter = Callable[[Any], Any]

_GETTERS: dict[type, tuple[_Getter, _Getter]] = {
    dict: (itemgetter("id"), itemgetter("properties")),
    UpdateInput: (attrgetter("id"), attrgetter("properties")),
    UpsertInput: (attrgetter("id"), attrgetter("properties")),
}
_OPTIONS = attrgetter("id_property", "object_write_trace_id")
_NO_OPTIONS = (None, None)
_properties_of = itemgetter("properties")


class _Unusual(Exception):
    """A block with something in it that has to be looked at by itself."""


def write_columns(operation: Operation) -> ColumnEncoder:
    """Make what encodes blocks of the inputs of update and upsert.

    It gives the very keys and bodies that `write_encoder` would.
    """
    id_property, prefix = operation.id_property, operation.trace_prefix
    upsert = operation.call.verb == "upsert"
    named: dict[str, object] = {"id": ""}
    if id_property is not None:
        named["idProperty"] = id_property

    def encode(first: int, block: Sequence[Any]) -> Columns | None:
        try:
            # An update by a unique property writes that property too.
            _check(upsert is (id_property is not None))
            ids, properties = _usual(block)
            keys = _keys(ids, id_property)
            traces = [f"{prefix}{n}" for n in range(first, first + len(block))]
            columns = zip(ids, properties, traces, strict=True)
            body = {**named}
            bodies = []
            for body["id"], body["properties"], body["objectWriteTraceId"] in columns:
                bodies.append(orjson.dumps(body, option=CUT)[:-1])
            _check_names(properties)
        except Exception:  # noqa: BLE001 -- the caller's objects may raise anything
            return None
        return keys, bodies

    return encode


def create_columns(operation: Operation) -> ColumnEncoder:
    """Make what encodes blocks of the inputs of create, as `create_encoder` would."""
    prefix = operation.trace_prefix

    def encode(first: int, block: Sequence[Any]) -> Columns | None:
        try:
            # One that can be reconciled has a key, which it must have a value for.
            _check(operation.id_property is None and _all(dict, block))
            _check(countOf(map(len, block), 1) == len(block))
            properties = _texts([*map(_properties_of, block)])
            bodies = [
                orjson.dumps(
                    {"properties": texts, "objectWriteTraceId": f"{prefix}{index}"},
                    option=CUT,
                )[:-1]
                for index, texts in enumerate(properties, first)
            ]
            _check_names(properties)
        except Exception:  # noqa: BLE001 -- the caller's objects may raise anything
            return None
        return [None] * len(bodies), bodies

    return encode


def id_columns(operation: Operation) -> ColumnEncoder:
    """Make what encodes blocks of ids, as `id_encoder` would."""

    def encode(_first: int, block: Sequence[Any]) -> Columns | None:
        try:
            _check(len(block) > 0 and _all(str, block))
            keys = _keys(block, operation.id_property)
            return keys, [orjson.dumps({"id": text}, option=CUT)[:-1] for text in block]
        except (_Unusual, TypeError):
            return None

    return encode


def _usual(block: Sequence[Any]) -> tuple[list[str], Sequence[Mapping[str, str]]]:
    """Give ids that are texts, and properties that are dicts, as texts.

    Raises:
        _Unusual, InvalidInput, LookupError, TypeError: if there is anything else in
            the block.
    """
    kind = type(block[0])
    _check(_all(kind, block))
    get_id, get_properties = _GETTERS[kind]
    if kind is dict:
        _check(countOf(map(len, block), 2) == len(block))
    else:
        _check(countOf(map(_OPTIONS, block), _NO_OPTIONS) == len(block))
    ids, properties = [*map(get_id, block)], [*map(get_properties, block)]
    _check(_all(str, ids))
    return ids, _texts(properties)


def _texts(properties: list[Any]) -> Sequence[Mapping[str, str]]:
    """Give properties that are dicts, their values as texts."""
    _check(_all(dict, properties))
    values = chain.from_iterable(map(dict.values, properties))
    if countOf(map(type, values), str) == sum(map(len, properties)):
        return properties
    return [*map(written_values, properties)]


def _check_names(properties: Iterable[Mapping[str, str]]) -> None:
    """Look for an empty name, when all are known to be texts.

    To compare others could run code of the caller's.
    """
    _check(not any(map(contains, properties, repeat(""))))


def _keys(ids: Sequence[str], id_property: str | None) -> list[str | None]:
    """Make the keys of ids, or of a unique property's values."""
    if id_property is not None:
        _check(all(ids) and [*map(str.strip, ids)] == [*ids])
        return [make_key(text, id_property) for text in ids]
    digits = "".join(ids)
    # An empty one, and one with a leading zero, come before "1".
    _check(digits.isdecimal() and digits.isascii() and min(ids) >= "1")
    return [*ids]


def _all(kind: type, values: Sequence[object]) -> bool:
    return countOf(map(type, values), kind) == len(values)


def _check(usual: bool) -> None:  # noqa: FBT001 -- as an assertion has it
    if not usual:
        raise _Unusual

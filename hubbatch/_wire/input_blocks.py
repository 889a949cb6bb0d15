"""Encodes blocks of inputs at once.

Most inputs are `{"id": ..., "properties": ...}` with string values, the equivalent
input class, or (for reads) a bare id. Checking and encoding a hundred of them at once
takes less than half as long as one by one. A block that contains anything else is left
to the encoder of single inputs, which also reports errors.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from operator import attrgetter, countOf, itemgetter
from types import NoneType
from typing import Any

from msgspec.json import Encoder

from hubbatch.models import UpdateInput, UpsertInput

from .calls import Block, BlockEncoder, Operation
from .inputs import make_key
from .property_values import (
    AS_IS,
    InvalidInput,
    TimeFormat,
    may_have_local_time,
    property_values,
)


_Getter = Callable[[Any], Any]

_GETTERS: dict[type, tuple[_Getter, _Getter]] = {
    dict: (itemgetter("id"), itemgetter("properties")),
    UpdateInput: (attrgetter("id"), attrgetter("properties")),
    UpsertInput: (attrgetter("id"), attrgetter("properties")),
}
_OPTIONS = (attrgetter("id_property"), attrgetter("object_write_trace_id"))
_properties_of = itemgetter("properties")
_encode = Encoder().encode


class _NotUniform(Exception):
    """A block contains an input that has to be encoded individually."""


# With any other zone, each string may have to become an instant.
_NO_ZONES = (None, AS_IS)
# A missing field, a string that UTF-8 cannot encode, a value that cannot be written.
_UNUSUAL = (_NotUniform, InvalidInput, KeyError, UnicodeEncodeError)


def write_blocks(operation: Operation) -> BlockEncoder:
    """Return the encoder of blocks of update and upsert inputs.

    It returns the same keys and bodies as `write_encoder`.
    """
    id_property, prefix = operation.id_property, operation.trace_prefix
    times = TimeFormat(operation.zone)
    # An update by a unique property also writes that property.
    supported = (operation.call.verb == "upsert") is (id_property is not None)

    def encode(first: int, block: Sequence[Any]) -> Block | None:
        try:
            _check(supported and len(block) > 0)
            ids, properties = _uniform(block, times)
            keys = _keys(ids, id_property)
            traces = _trace_ids(prefix, first, block)
            columns = zip(ids, properties, traces, strict=True)
            if id_property is None:
                inputs = [
                    {"id": key, "properties": values, "objectWriteTraceId": trace}
                    for key, values, trace in columns
                ]
            else:
                inputs = [
                    {
                        "id": key,
                        "idProperty": id_property,
                        "properties": values,
                        "objectWriteTraceId": trace,
                    }
                    for key, values, trace in columns
                ]
            return keys, _join_sendable(inputs, times), traces
        except _UNUSUAL:
            return None

    return encode


def create_blocks(operation: Operation) -> BlockEncoder:
    """Return the encoder of blocks of create inputs; same as `create_encoder`."""
    prefix, times = operation.trace_prefix, TimeFormat(operation.zone)
    # A create that can be reconciled has a key, the value of a property.
    supported = operation.id_property is None

    def encode(first: int, block: Sequence[Any]) -> Block | None:
        try:
            _check(supported and len(block) > 0 and _all(dict, block))
            _check(countOf(map(len, block), 1) == len(block))
            properties = _as_strings([*map(_properties_of, block)], times)
            traces = _trace_ids(prefix, first, block)
            inputs = [
                {"properties": values, "objectWriteTraceId": trace}
                for values, trace in zip(properties, traces, strict=True)
            ]
            return [None] * len(block), _join_sendable(inputs, times), traces
        except _UNUSUAL:
            return None

    return encode


def id_blocks(operation: Operation) -> BlockEncoder:
    """Return the encoder of blocks of ids; same as `id_encoder`."""

    def encode(_first: int, block: Sequence[Any]) -> Block | None:
        try:
            _check(len(block) > 0 and _all(str, block))
            keys = _keys(block, operation.id_property)
            return keys, _join([{"id": item} for item in block]), []
        except _UNUSUAL:
            return None

    return encode


def _join(inputs: list[Any]) -> bytes:
    """Return the JSON of inputs, joined by commas."""
    return _encode(inputs)[1:-1]


def _join_sendable(inputs: list[Any], times: TimeFormat) -> bytes:
    """Return the JSON of inputs, unless one has a time without a zone.

    One search in the JSON takes less time than looking at each value.
    """
    joined = _join(inputs)
    _check(times.zone is not None or not may_have_local_time(joined))
    return joined


def _trace_ids(prefix: str, first: int, block: Sequence[Any]) -> list[str]:
    return [f"{prefix}{index}" for index in range(first, first + len(block))]


def _uniform(
    block: Sequence[Any], times: TimeFormat
) -> tuple[list[str], Sequence[Mapping[str, str]]]:
    """Return the ids (strings) and the properties with string values.

    Raises:
        _NotUniform, InvalidInput, KeyError: If the block has any other kind of input.
    """
    kind = type(block[0])
    _check(_all(kind, block))
    get_id, get_properties = _GETTERS[kind]
    if kind is dict:
        _check(countOf(map(len, block), 2) == len(block))
    else:
        _check(all(_all(NoneType, [*map(option, block)]) for option in _OPTIONS))
    ids, properties = [*map(get_id, block)], [*map(get_properties, block)]
    _check(_all(str, ids))
    return ids, _as_strings(properties, times)


def _as_strings(
    properties: list[Any], times: TimeFormat
) -> Sequence[Mapping[str, str]]:
    """Return properties, which must be dicts, with names and values as strings."""
    _check(_all(dict, properties))
    # The records of a block have few different names.
    try:
        names = set().union(*properties)
    except Exception:  # noqa: BLE001 -- a name's own __eq__ may raise anything
        raise _NotUniform from None
    values = chain.from_iterable(map(dict.values, properties))
    strings = countOf(map(type, values), str)
    others = strings != sum(map(len, properties)) or not _all(str, names)
    if others or times.zone not in _NO_ZONES:
        return [property_values(values, times) for values in properties]
    _check("" not in names)
    return properties


def _keys(ids: Sequence[str], id_property: str | None) -> list[str | None]:
    """Return the keys of ids, or of a unique property's values."""
    if id_property is not None:
        _check(all(ids) and [*map(str.strip, ids)] == [*ids])
        return [make_key(value, id_property) for value in ids]
    digits = "".join(ids)
    # An empty id, and one with a leading zero, sort before "1".
    _check(digits.isdecimal() and digits.isascii() and min(ids) >= "1")
    return [*ids]


def _all(kind: type, values: Collection[object]) -> bool:
    return countOf(map(type, values), kind) == len(values)


def _check(uniform: bool) -> None:  # noqa: FBT001 -- like an assertion
    if not uniform:
        raise _NotUniform

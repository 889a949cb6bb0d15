"""Merges: two records become one, in a call of their own."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from msgspec.json import decode, encode

from hubbatch._wire.calls import Codec, Encoded, Operation, ResultShape
from hubbatch._wire.inputs import (
    InputForm,
    dumps,
    ends_of,
    for_any_operation,
    many_key,
)
from hubbatch._wire.property_values import InvalidInput, record_id
from hubbatch._wire.record_decoder import structure_all_objects
from hubbatch._write_inputs import MergeInput

from .documents import no_key, whole


PRIMARY, MERGED = "primaryObjectId", "objectIdToMerge"
_merge_values: Any = attrgetter("primary_object_id", "object_id_to_merge")
_PAIR = InputForm(
    (PRIMARY, MERGED), f"{PRIMARY} and {MERGED}", {MergeInput: _merge_values}
)


def _encode_pair(_index: int, value: object) -> Encoded:
    ids = value if isinstance(value, tuple | list) else _PAIR.values(value)
    if len(ids) != 2:  # noqa: PLR2004 -- a pair
        raise InvalidInput(
            f"a pair has two ids, of the record that stays and of the one that is "
            f"merged into it, not {len(ids)}"
        )
    primary, merged = map(_record_id, (PRIMARY, MERGED), ids)
    key = many_key(primary, merged)
    if len({*ends_of(key)}) == 1:
        raise InvalidInput(f"{primary} cannot be merged with itself", MERGED)
    body = {PRIMARY: primary, MERGED: merged}
    return key, dumps(body, body), None


def _record_id(name: str, value: object) -> str:
    try:
        return record_id(value)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}", name) from None


def with_current_ids(body: bytes, current: Callable[[str], str]) -> bytes:
    """Return an encoded pair with the ids that its records have by now."""
    pair: Mapping[str, str] = decode(body)
    return encode({name: current(record) for name, record in pair.items()})


def bare(_operation: Operation, joined: bytes) -> bytes:
    """Return the body of a call for one input: the input itself."""
    return joined


def _rows(_operation: Operation) -> Callable[[Any], Any]:
    return _as_is


def _as_is(value: Any) -> Any:
    """Return a row, which has HubSpot's shape."""
    return value


# The result has an id that neither input need have, so it is known by being the only
# one.
MERGES = Codec(
    for_any_operation(_encode_pair),
    bare,
    whole,
    ResultShape(structure_all_objects, no_key),
    rows=_rows,
)

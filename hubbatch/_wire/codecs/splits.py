"""Deal splits: the owners of a deal and their shares."""

from collections.abc import Iterable, Mapping
from math import inf
from operator import attrgetter
from typing import Any

from hubbatch._wire.calls import Encoded, ResultShape
from hubbatch._wire.inputs import (
    InputForm,
    dumps,
    for_any_operation,
    id_encoder,
    make_key,
)
from hubbatch._wire.property_values import InvalidInput, int32, number_id
from hubbatch._wire.record_decoder import structure_all_objects
from hubbatch._wire.records import of_class, read_id, register
from hubbatch.models import (
    DealSplit,
    DealSplitsInput,
    DealToDealSplits,
    SimplePublicObject,
)

from .envelopes import envelope_codec


_splits_values: Any = attrgetter("id", "splits")
_SPLITS = InputForm(
    ("id", "splits"), "id and splits", {DealSplitsInput: _splits_values}
)
_split_values: Any = attrgetter("owner_id", "percentage")
_SPLIT = InputForm(
    ("ownerId", "percentage"), "ownerId and percentage", {DealSplit: _split_values}
)


# Larger integers do not survive as JSON numbers.
_LARGEST_SHARE = 2**53


def _encode(_index: int, value: object) -> Encoded:
    raw_id, splits = _SPLITS.values(value)
    number = number_id("id", raw_id)
    if isinstance(splits, str | Mapping) or not isinstance(splits, Iterable):
        raise InvalidInput("splits must be a list of owners and percentages", "splits")
    # Unlike the object APIs, this call takes ids as numbers.
    body = {"id": number, "splits": [*map(_split, splits)]}
    return make_key(str(number)), dumps(body, {}), None


def _split(value: object) -> dict[str, object]:
    owner, share = _SPLIT.values(value)
    # NaN is not below infinity. math.isfinite raises for a very large int.
    if type(share) not in (int, float) or not abs(share) < inf:
        raise InvalidInput(f"percentage must be a number, not {share!r}", "percentage")
    if abs(share) > _LARGEST_SHARE:
        raise InvalidInput("percentage is too large a number", "percentage")
    return {"ownerId": int32("ownerId", owner), "percentage": share}


def _records(raw: Any, _: object) -> list[SimplePublicObject]:
    return structure_all_objects(raw or [])


register(DealToDealSplits, {"id": read_id, "splits": _records})


def _key(result: DealToDealSplits) -> str:
    return make_key(result.id)


_RESULTS = ResultShape(of_class(DealToDealSplits), _key)

READS = envelope_codec(id_encoder, _RESULTS)
UPSERTS = envelope_codec(for_any_operation(_encode), _RESULTS)

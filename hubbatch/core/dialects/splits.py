"""Deal splits: who has which share of a deal."""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import (
    of_class,
    structure_response,
    teach,
    text_id,
)
from hubbatch.core.encoding import dumps, enveloped, fields_of, id_encoder, make_key
from hubbatch.core.results import structure_all_objects
from hubbatch.core.values import InvalidInput, int32, number_id
from hubbatch.models import (
    DealSplit,
    DealSplitsInput,
    DealToDealSplits,
    SimplePublicObject,
)


_FIELDS = frozenset({"id", "splits"})
_SPLIT_FIELDS = frozenset({"ownerId", "percentage"})


def _upsert_encoder(_: Operation) -> Encoder:
    return _encode_upsert


def _encode_upsert(_index: int, given: object) -> Encoded:
    raw_id: object
    splits: object
    if isinstance(given, DealSplitsInput):
        raw_id, splits = given.id, given.splits
    else:
        fields = fields_of(given, _FIELDS, "id and splits")
        raw_id, splits = fields.get("id"), fields.get("splits")
    number = number_id("id", raw_id)
    if isinstance(splits, str | Mapping) or not isinstance(splits, Iterable):
        raise InvalidInput("splits must be a list of owners and percentages", "splits")
    # The one call that wants its ids as numbers.
    body = {"id": number, "splits": [_split(one) for one in splits]}
    return make_key(str(number)), dumps(body, {}), None


def _split(given: object) -> dict[str, object]:
    owner: object
    share: object
    if isinstance(given, DealSplit):
        owner, share = given.owner_id, given.percentage
    else:
        fields = fields_of(given, _SPLIT_FIELDS, "ownerId and percentage")
        owner, share = fields.get("ownerId"), fields.get("percentage")
    # NaN is not below infinity; an int of any size is, and isfinite takes not all.
    if type(share) not in (int, float) or not abs(share) < inf:  # type: ignore[arg-type] # it is a number
        raise InvalidInput(f"percentage must be a number, not {share!r}", "percentage")
    return {"ownerId": int32("ownerId", owner), "percentage": share}


def _text(raw: Any, _: object) -> str:
    return text_id(raw)


def _records(raw: Any, _: object) -> list[SimplePublicObject]:
    return structure_all_objects(raw or [])


teach(DealToDealSplits, {"id": _text, "splits": _records})


def _key(result: DealToDealSplits) -> str:
    return make_key(result.id)


_SPLITS = Shape(of_class(DealToDealSplits), _key)

READS = Dialect(id_encoder, enveloped, structure_response, _SPLITS)
UPSERTS = Dialect(_upsert_encoder, enveloped, structure_response, _SPLITS)

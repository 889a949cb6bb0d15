"""The limits of association types: how many records one record may be linked to."""

from operator import attrgetter
from typing import Any

from hubbatch._wire.calls import Encoded, ResultShape
from hubbatch._wire.inputs import (
    CATEGORIES,
    InputForm,
    dumps,
    for_any_operation,
    make_key,
)
from hubbatch._wire.property_values import InvalidInput, int32
from hubbatch._wire.records import of_class, register
from hubbatch.models import (
    AssociationLimitInput,
    AssociationSpec,
    PublicAssociationDefinitionUserConfiguration,
)

from .envelopes import envelope_codec


_limit_values: Any = attrgetter("category", "type_id", "max_to_object_ids")
_LIMIT = InputForm(
    ("category", "typeId", "maxToObjectIds"),
    "category, typeId and maxToObjectIds",
    {AssociationLimitInput: _limit_values},
)
_spec_values: Any = attrgetter("association_category", "association_type_id")
_SPEC = InputForm(
    ("category", "typeId"), "category and typeId", {AssociationSpec: _spec_values}
)


def _encode_limit(_index: int, value: object) -> Encoded:
    category, type_id, limit = _LIMIT.values(value)
    body = _spec(category, type_id)
    body["maxToObjectIds"] = int32("maxToObjectIds", limit)
    return _key(body["typeId"]), dumps(body, {}), None


def _encode_spec(_index: int, value: object) -> Encoded:
    body = _spec(*_SPEC.values(value))
    return _key(body["typeId"]), dumps(body, {}), None


def _spec(category: object, type_id: object) -> dict[str, object]:
    if category not in CATEGORIES:
        raise InvalidInput(
            f"category is one of {', '.join(CATEGORIES)}, not {category!r}", "category"
        )
    return {"category": str(category), "typeId": int32("typeId", type_id)}


def _key(type_id: object) -> str:
    # The number alone, because results do not show the category: two inputs with the
    # same number are sent one after the other.
    return make_key(str(type_id), "typeId")


register(PublicAssociationDefinitionUserConfiguration)


def _result_key(result: PublicAssociationDefinitionUserConfiguration) -> str:
    return _key(result.type_id)


_LIMITS = ResultShape(
    of_class(PublicAssociationDefinitionUserConfiguration), _result_key
)

WRITES = envelope_codec(for_any_operation(_encode_limit), _LIMITS)
PURGES = envelope_codec(for_any_operation(_encode_spec))

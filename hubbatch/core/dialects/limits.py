"""The limits of association types: how many records one record may lead to."""

from collections.abc import Mapping
from typing import Any

from hubbatch.core.calls import Encoded, ResultShape
from hubbatch.core.codec import of_class, register
from hubbatch.core.encoding import (
    CATEGORIES,
    InputForm,
    dumps,
    for_any_operation,
    make_key,
)
from hubbatch.core.values import InvalidInput, int32
from hubbatch.models import (
    AssociationLimitInput,
    AssociationSpec,
    PublicAssociationDefinitionUserConfiguration,
)

from .envelopes import envelope_codec


def _limit_fields(value: AssociationLimitInput) -> Mapping[str, Any]:
    return {
        "category": value.category,
        "typeId": value.type_id,
        "maxToObjectIds": value.max_to_object_ids,
    }


def _spec_fields(value: AssociationSpec) -> Mapping[str, Any]:
    return {
        "category": value.association_category,
        "typeId": value.association_type_id,
    }


_LIMIT = InputForm(
    frozenset({"category", "typeId", "maxToObjectIds"}),
    "category, typeId and maxToObjectIds",
    {AssociationLimitInput: _limit_fields},
)
_SPEC = InputForm(
    frozenset({"category", "typeId"}),
    "category and typeId",
    {AssociationSpec: _spec_fields},
)


def _encode_limit(_index: int, value: object) -> Encoded:
    fields = _LIMIT.fields(value)
    body = _spec(fields)
    body["maxToObjectIds"] = int32("maxToObjectIds", fields.get("maxToObjectIds"))
    return _key(body["typeId"]), dumps(body, {}), None


def _encode_spec(_index: int, value: object) -> Encoded:
    body = _spec(_SPEC.fields(value))
    return _key(body["typeId"]), dumps(body, {}), None


def _spec(fields: Mapping[str, Any]) -> dict[str, object]:
    category = fields.get("category")
    if category not in CATEGORIES:
        raise InvalidInput(
            f"category is one of {', '.join(CATEGORIES)}, not {category!r}", "category"
        )
    return {"category": str(category), "typeId": int32("typeId", fields.get("typeId"))}


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

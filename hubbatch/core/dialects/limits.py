"""The limits of association types: how many records one record may lead to."""

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import of_class, structure_response, teach
from hubbatch.core.encoding import CATEGORIES, dumps, enveloped, fields_of, make_key
from hubbatch.core.values import InvalidInput, int32
from hubbatch.models import (
    AssociationLimitInput,
    AssociationSpec,
    PublicAssociationDefinitionUserConfiguration,
)


_SPEC_FIELDS = frozenset({"category", "typeId"})
_LIMIT_FIELDS = _SPEC_FIELDS | {"maxToObjectIds"}


def _limit_encoder(_: Operation) -> Encoder:
    return _encode_limit


def _encode_limit(_index: int, given: object) -> Encoded:
    category: object
    type_id: object
    most: object
    if isinstance(given, AssociationLimitInput):
        category, type_id = given.category, given.type_id
        most = given.max_to_object_ids
    else:
        fields = fields_of(given, _LIMIT_FIELDS, "category, typeId and maxToObjectIds")
        category, type_id = fields.get("category"), fields.get("typeId")
        most = fields.get("maxToObjectIds")
    body = _spec(category, type_id)
    body["maxToObjectIds"] = int32("maxToObjectIds", most)
    return _key(type_id), dumps(body, {}), None


def _spec_encoder(_: Operation) -> Encoder:
    return _encode_spec


def _encode_spec(_index: int, given: object) -> Encoded:
    category: object
    type_id: object
    if isinstance(given, AssociationSpec):
        category, type_id = given.association_category, given.association_type_id
    else:
        fields = fields_of(given, _SPEC_FIELDS, "category and typeId")
        category, type_id = fields.get("category"), fields.get("typeId")
    return _key(type_id), dumps(_spec(category, type_id), {}), None


def _spec(category: object, type_id: object) -> dict[str, object]:
    if category not in CATEGORIES:
        raise InvalidInput(
            f"category is one of {', '.join(CATEGORIES)}, not {category!r}", "category"
        )
    return {"category": str(category), "typeId": int32("typeId", type_id)}


def _key(type_id: object) -> str:
    # By the number alone: two categories that have it go one after the other.
    return make_key(str(type_id), "typeId")


teach(PublicAssociationDefinitionUserConfiguration)


def _result_key(result: PublicAssociationDefinitionUserConfiguration) -> str:
    return _key(result.type_id)


_LIMITS = Shape(of_class(PublicAssociationDefinitionUserConfiguration), _result_key)

WRITES = Dialect(_limit_encoder, enveloped, structure_response, _LIMITS)
PURGES = Dialect(_spec_encoder, enveloped, structure_response)

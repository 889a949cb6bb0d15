"""The schemas of object types, read by id or by name."""

import re

from collections.abc import Callable, Sequence
from typing import Any

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import converter, of_class, structure_response, teach
from hubbatch.core.encoding import dumps, enveloped, make_key
from hubbatch.core.object_types import standard_type
from hubbatch.core.values import InvalidInput
from hubbatch.models import (
    AssociationDefinition,
    ObjectSchema,
    ObjectTypeDefinitionLabels,
    Property,
)


_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _encoder(_: Operation) -> Encoder:
    return _encode


def _encode(_index: int, given: object) -> Encoded:
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise InvalidInput(
            f"an object type is a str, e.g. '2-3456' or 'p62515_car', not {given!r}",
            "objectType",
        )
    known = standard_type(given)
    text = known.id if known and known.id else str.__str__(given)
    # An input of this call is a bare text.
    return make_key(text), dumps(text, {}), None


def _many(structure: Callable[[Any], Any]) -> Callable[[Any, Any], list[Any]]:
    return lambda raw, _: [structure(item) for item in raw or ()]


def _of(cls: type) -> Callable[[Any, Any], list[Any]]:
    return _many(lambda item: converter.structure(item, cls))


def _labels(raw: Any, _: object) -> ObjectTypeDefinitionLabels:
    return converter.structure(raw or {}, ObjectTypeDefinitionLabels)


teach(AssociationDefinition)
teach(ObjectTypeDefinitionLabels)
teach(
    ObjectSchema,
    {
        "labels": _labels,
        "properties": _of(Property),
        "associations": _of(AssociationDefinition),
        "required_properties": _many(str),
        "searchable_properties": _many(str),
        "secondary_display_properties": _many(str),
    },
)


def _key(result: ObjectSchema) -> str:
    return make_key(result.object_type_id)


def _names(result: ObjectSchema) -> Sequence[str]:
    """Give the names by which HubSpot knows a type beside its id."""
    short = (result.name, f"p_{result.name}") if result.name else ()
    return [make_key(one) for one in (result.fully_qualified_name, *short) if one]


# The answer has no errors: a type that there is not is left out of it.
READS = Dialect(
    _encoder,
    enveloped,
    structure_response,
    Shape(of_class(ObjectSchema), _key, names_of=_names, complete=True),
)

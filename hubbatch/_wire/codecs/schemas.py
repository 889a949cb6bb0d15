"""The schemas of object types, read by id or by name."""

import re

from collections.abc import Callable, Sequence
from typing import Any

from hubbatch._wire.calls import Encoded, ResultShape
from hubbatch._wire.inputs import dumps, for_any_operation, make_key
from hubbatch._wire.object_types import standard_type
from hubbatch._wire.property_values import InvalidInput
from hubbatch._wire.records import converter, list_of, of_class, register
from hubbatch.models import (
    AssociationDefinition,
    ObjectSchema,
    ObjectTypeDefinitionLabels,
    Property,
)

from .envelopes import envelope_codec


_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _encode(_index: int, value: object) -> Encoded:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidInput(
            f"an object type is a str, e.g. '2-3456' or 'p62515_car', not {value!r}",
            "objectType",
        )
    known = standard_type(value)
    name = known.id if known and known.id else str.__str__(value)
    # An input of this call is a bare string.
    return make_key(name), dumps(name, {}), None


def _strings(raw: Any, _: object) -> list[str]:
    return [*map(str, raw or ())]


def _labels(raw: Any, _: object) -> ObjectTypeDefinitionLabels:
    return converter.structure(raw or {}, ObjectTypeDefinitionLabels)


_READERS: dict[str, Callable[[Any, Any], Any]] = {
    "labels": _labels,
    "properties": list_of(Property),
    "associations": list_of(AssociationDefinition),
    "required_properties": _strings,
    "searchable_properties": _strings,
    "secondary_display_properties": _strings,
}

register(AssociationDefinition)
register(ObjectTypeDefinitionLabels)
register(ObjectSchema, _READERS)


def _key(result: ObjectSchema) -> str:
    return make_key(result.object_type_id)


def _names(result: ObjectSchema) -> Sequence[str]:
    """Return the keys of the names that HubSpot accepts for a type, besides its id."""
    short = (result.name, f"p_{result.name}") if result.name else ()
    return [make_key(name) for name in (result.fully_qualified_name, *short) if name]


# The answer has no errors: it omits a type that does not exist.
READS = envelope_codec(
    for_any_operation(_encode),
    ResultShape(of_class(ObjectSchema), _key, names_of=_names, complete=True),
)

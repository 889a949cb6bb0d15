"""How pydantic reads, writes and documents our classes, e.g. in routes of FastAPI.

`records.register` sets the method that pydantic calls on each class. The method imports
this module, so `import hubbatch` never imports pydantic.
"""

from collections.abc import Callable, Mapping
from functools import partial
from inspect import getdoc
from operator import itemgetter
from types import NoneType
from typing import Any, TypeAlias, get_args, get_type_hints

import attrs

from msgspec import Struct
from msgspec.structs import fields as struct_fields
from pydantic_core import (
    CoreSchema,
    PydanticSerializationUnexpectedValue,
    SchemaSerializer,
    core_schema,
)

from hubbatch.models import BatchResponse, LegacyProperty, SimplePublicObject

from .records import camel_case, fields_written, read_datetime, registered, unstructure
from .user_classes import is_typed


Generate: TypeAlias = Callable[[Any], CoreSchema]


def schema_of(cls: type, source: Any, generate: Generate) -> CoreSchema:
    """Return the schema of a class, whose JSON is HubSpot's.

    Args:
        cls: The class.
        source: The annotation: the class, or e.g. `CombinedResponse[...]`.
        generate: Returns the schema of any other annotation.
    """
    # The outcomes of a response are not part of its JSON.
    made = BatchResponse if issubclass(cls, BatchResponse) else cls
    # A result that is an instance of a user's class is written as a record.
    arguments = tuple(
        SimplePublicObject if isinstance(item, type) and is_typed(item) else item
        for item in get_args(source)
    )
    ref = _ref(cls, arguments)
    annotations = get_type_hints(made)
    # What is None is omitted, also where the class wants a value.
    nullable = {
        name: None for name, item in annotations.items() if NoneType in get_args(item)
    }
    required = _without_default(made) - nullable.keys()
    names, members = {}, {}
    for name, annotation in annotations.items():
        if getattr(annotation, "__parameters__", ()) and arguments:
            annotation = annotation[arguments]  # noqa: PLW2901 -- R is replaced
        member = camel_case(name)
        names[member] = name
        members[member] = core_schema.typed_dict_field(
            _member(made, name, ref, partial(generate, annotation)),
            required=name in required,
        )
    first_paragraph = (getdoc(cls) or "").partition("\n\n")[0]
    described = {"title": cls.__name__, "description": first_paragraph}
    return core_schema.no_info_wrap_validator_function(
        partial(_read, made, names, nullable),
        core_schema.typed_dict_schema(members),
        serialization=core_schema.plain_serializer_function_ser_schema(
            partial(_write, made)
        ),
        ref=ref,
        metadata={"pydantic_js_updates": described},
    )


def to_json(value: Any) -> Any:
    """Return an instance of a registered class as HubSpot's JSON."""
    return value.to_dict() if hasattr(value, "to_dict") else unstructure(value)


def _without_default(cls: Any) -> set[str]:
    """Return the fields that the constructor requires."""
    if issubclass(cls, Struct):
        return {field.name for field in struct_fields(cls) if field.required}
    return {field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING}


def _read(
    cls: type,
    names: Mapping[str, str],
    nullable: Mapping[str, None],
    value: object,
    read_members: Callable[[Any], Any],
) -> Any:
    """Return an instance as it is, or make one of a JSON object."""
    if isinstance(value, cls):
        return value
    members = read_members(value)
    values = {names[member]: item for member, item in members.items()}
    return cls(**{**nullable, **values})


def _write(cls: type, value: object) -> Any:
    if not isinstance(value, cls):  # pydantic then tries the other types of a union
        raise PydanticSerializationUnexpectedValue(f"expected {cls.__name__}")
    return to_json(value)


def _ref(cls: type, arguments: tuple[Any, ...]) -> str:
    """Return the key of a class, as pydantic forms it: OpenAPI's names come from it."""
    own = f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
    inner = [_ref(one, ()) if isinstance(one, type) else repr(one) for one in arguments]
    return f"{own}[{','.join(inner)}]" if inner else own


def _member(
    cls: type, name: str, ref: str, generate: Callable[[], CoreSchema]
) -> CoreSchema:
    """Return the schema of a field, which may differ from that of its annotation."""
    if name in fields_written(cls):  # {"id": "1"} for the id of an end
        end = {"id": core_schema.typed_dict_field(generate())}
        return core_schema.no_info_after_validator_function(
            itemgetter("id"), core_schema.typed_dict_schema(end)
        )
    if (cls, name) == (LegacyProperty, "timestamp"):
        return core_schema.nullable_schema(
            core_schema.no_info_after_validator_function(
                read_datetime, core_schema.int_schema()
            )
        )
    if (cls, name) == (LegacyProperty, "versions"):  # its own class, so by reference
        own = core_schema.definition_reference_schema(ref)
        return core_schema.list_schema(own)
    return generate()


# pydantic writes an instance with this where the annotation is Any.
_serializer = SchemaSerializer(
    core_schema.any_schema(
        serialization=core_schema.plain_serializer_function_ser_schema(to_json)
    )
)
for _class in registered():
    _hooked: Any = _class
    _hooked.__pydantic_serializer__ = _serializer

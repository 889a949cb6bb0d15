"""How pydantic reads, writes and documents our classes, e.g. in routes of FastAPI.

`records.register` sets the method that pydantic calls on each class. The method imports
this module, so `import hubbatch` never imports pydantic.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
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
from pydantic_core.core_schema import SerializationInfo

from hubbatch.models import (
    AssociationInput,
    AssociationLimitInput,
    AssociationTo,
    BatchResponse,
    CreateInput,
    DealSplit,
    DealSplitsInput,
    LegacyCreateInput,
    LegacyProperty,
    LegacyUpdateInput,
    PropertyCreate,
    SimplePublicObject,
    UpdateInput,
    UpsertInput,
)

from .records import camel_case, fields_written, read_datetime, registered, unstructure
from .user_classes import is_typed


Generate: TypeAlias = Callable[[Any], CoreSchema]

# Classes that are only sent to HubSpot. A request with an unknown member is refused:
# if `id_property` (for `idProperty`) were ignored, another record would be written.
# Classes that are also in HubSpot's answers ignore such members: HubSpot may add some.
_INPUTS = frozenset(
    (
        *(CreateInput, UpdateInput, UpsertInput, LegacyCreateInput, LegacyUpdateInput),
        *(AssociationInput, AssociationTo, AssociationLimitInput),
        *(PropertyCreate, DealSplit, DealSplitsInput),
    )
)
_EACH = "__all__"  # pydantic's word for every item of a list


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
            _member(made, name, annotation, ref, partial(generate, annotation)),
            required=name in required,
        )
    first_paragraph = (getdoc(cls) or "").partition("\n\n")[0]
    described = {"title": cls.__name__, "description": first_paragraph}
    return core_schema.no_info_wrap_validator_function(
        partial(_read, made, names, nullable),
        core_schema.typed_dict_schema(
            members, extra_behavior="forbid" if made in _INPUTS else "ignore"
        ),
        serialization=core_schema.plain_serializer_function_ser_schema(
            partial(_write, made), info_arg=True
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


def _write(cls: type, value: object, info: SerializationInfo) -> Any:
    if not isinstance(value, cls):  # pydantic then tries the other types of a union
        raise PydanticSerializationUnexpectedValue(f"expected {cls.__name__}")
    return _write_any(value, info)


def _write_any(value: object, info: SerializationInfo) -> Any:
    return chosen(to_json(value), info)


def chosen(document: Any, info: SerializationInfo) -> Any:
    """Return JSON without what the caller of pydantic excludes."""
    # pydantic applies this to dicts and lists, but not to what a function returns.
    include, exclude = _in_json(info.include), _in_json(info.exclude)
    if include is None and exclude is None:
        return document
    return _plain.to_python(document, include=include, exclude=exclude)


def _in_json(names: Any) -> Any:
    """Return what to include or exclude, with HubSpot's spelling next to Python's.

    Both are accepted: a name that had no effect would reveal what it excludes. In
    `properties`, no name of HubSpot's has the spelling that this adds: they are in
    lower case.
    """
    if isinstance(names, Mapping):
        below = {name: _in_json(inner) for name, inner in names.items()}
        return {**{_spelled(name): inner for name, inner in below.items()}, **below}
    if isinstance(names, Collection) and not isinstance(names, str):
        return {*names, *map(_spelled, names)}
    return names  # all of it: True, or an ellipsis


def _spelled(name: Any) -> Any:
    return camel_case(name) if isinstance(name, str) and name != _EACH else name


def _ref(cls: type, arguments: tuple[Any, ...]) -> str:
    """Return the key of a class, as pydantic forms it: OpenAPI's names come from it."""
    own = f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
    inner = [_ref(one, ()) if isinstance(one, type) else repr(one) for one in arguments]
    return f"{own}[{','.join(inner)}]" if inner else own


def _member(
    cls: type,
    name: str,
    annotation: Any,
    ref: str,
    generate: Callable[[], CoreSchema],
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
    if annotation == datetime | None:
        return core_schema.no_info_after_validator_function(_aware, generate())
    return generate()


def _aware(time: datetime | None) -> datetime | None:
    """Return a time with a zone; it is UTC if it has none, as in `read_datetime`."""
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


_plain = SchemaSerializer(core_schema.any_schema())
# pydantic writes an instance with this where the annotation is Any.
_serializer = SchemaSerializer(
    core_schema.any_schema(
        serialization=core_schema.plain_serializer_function_ser_schema(
            _write_any, info_arg=True
        )
    )
)
for _class in registered():
    _hooked: Any = _class
    _hooked.__pydantic_serializer__ = _serializer

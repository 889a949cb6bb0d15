"""Maps records to the user's own classes and back: properties to fields.

cattrs converts the strings that HubSpot's properties hold. Each class is analyzed once.
"""

import dataclasses

from collections.abc import Iterator
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Protocol,
    TypeAlias,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from hubbatch._classes import frozen
from hubbatch.errors import RecordInvalid
from hubbatch.models import SimplePublicObject

from .from_text import Hook, can_be, hook_to, is_list, without_none
from .property_values import AS_IS_TIMES, property_values


ID: Final = "id"


# attrs' own `AttrsInstance` is empty for checkers without its plugin, so that pyright
# would accept anything, even a str. Pyright adds `__dataclass_fields__` to the classes
# of attrs too (PEP 681), and mypy's plugin adds `__attrs_attrs__`.
class DataclassInstance(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class AttrsInstance(Protocol):
    """An instance of an attrs class."""

    __attrs_attrs__: ClassVar[Any]


Typed: TypeAlias = DataclassInstance | AttrsInstance
"""An instance of your own dataclass or attrs class."""


@frozen
class PropertyName:
    """The property that a field holds, if their names differ.

    Put it in the annotation: `Annotated[str, PropertyName("hs_ticket_priority")]`. A
    `read_only` property (one that HubSpot calculates, for example) is read and never
    written. The name `"id"` means the record's id.
    """

    name: str
    read_only: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_name(self.name)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.isprintable():
        raise TypeError(f"A property name is a printable str, not {name!r}.")
    if not name:
        raise ValueError("A property name must not be empty.")


@frozen
class Field:
    """A field of a user's class.

    Attributes:
        attribute: Its name in the class.
        argument: Its name in the constructor.
        property: HubSpot's name; `id` for the record's id.
        hook: Converts a property's string: `hook(string, type)`.
        is_string: An empty string is a valid value of the type.
        nullable: The field may be None.
    """

    attribute: str
    argument: str
    property: str
    read_only: bool
    type: Any
    hook: Hook
    is_string: bool
    nullable: bool
    has_default: bool


@frozen
class ClassMapping:
    """The fields of a user's class; `id` is the field of the record's id, if any."""

    cls: type
    fields: tuple[Field, ...]
    id: Field | None

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties that a read of the class requests."""
        return tuple(field.property for field in self.fields)

    def from_record(self, record: SimplePublicObject) -> Any:
        """Return an instance of the class with the values of a record.

        Raises:
            RecordInvalid: If it does not fit; names the record, the property and its
                value.
        """
        arguments = {}
        for field in self.fields:
            value = record.properties.get(field.property)
            if value is not None and (value or field.is_string):
                arguments[field.argument] = _converted(record.id, field, str(value))
            elif field.nullable:
                arguments[field.argument] = None
            elif is_list(field.type):
                arguments[field.argument] = field.hook("", field.type)
            elif not field.has_default:
                raise _invalid(
                    f"property {field.property!r} of record {record.id} is not set, "
                    f"and {self.cls.__name__}.{field.attribute} cannot be None",
                    field.property,
                )
        if self.id is not None:
            arguments[self.id.argument] = _converted(record.id, self.id, record.id)
        try:
            return self.cls(**arguments)
        except Exception as error:  # the class's own code may raise anything
            raise _invalid(
                f"record {record.id} does not fit {self.cls.__name__}: {error!r}"
            ) from error

    def to_input(self, instance: object, id_property: str | None) -> dict[str, object]:
        """Return an instance as HubSpot's input; properties that are None are omitted.

        Its id is the value of the field for `id_property`, or else of the field `id`.
        """
        values = {
            field.property: getattr(instance, field.attribute) for field in self.fields
        }
        known = values.get(id_property) if id_property else self.id_of(instance)
        written: dict[str, object] = {
            "properties": {
                field.property: values[field.property]
                for field in self.fields
                if not field.read_only
            }
        }
        return written if known is None else {ID: known, **written}

    def id_of(self, instance: object) -> Any:
        """Return the id of an instance; None if the class has no field for it."""
        return None if self.id is None else getattr(instance, self.id.attribute)

    def to_record(
        self, instance: object, record_id: str | None = None
    ) -> SimplePublicObject:
        """Return an instance as the record that it was made from.

        Without a field for the id, its id is `record_id`; None is omitted from JSON.
        """
        properties: dict[str, str | None] = {
            **property_values(
                {f.property: getattr(instance, f.attribute) for f in self.fields},
                AS_IS_TIMES,
            )
        }
        known = self.id_of(instance)
        own: Any = record_id if known is None else str(known)
        return SimplePublicObject(own, properties)


def is_typed(cls: type) -> bool:
    """Return whether a class is the user's own: attrs or dataclass, not hubbatch's."""
    if cls.__module__.partition(".")[0] == __name__.partition(".")[0]:
        return False
    return attrs.has(cls) or dataclasses.is_dataclass(cls)


def has_no_id(cls: type) -> bool:
    """Return whether a class is the user's own and has no field for the record's id."""
    return is_typed(cls) and class_mapping(cls).id is None


def as_record(result: Any, record_id: str | None = None) -> Any:
    """Return an instance of a user's class as a record; anything else unchanged.

    `record_id` is the record's id if the class has no field for it.
    """
    cls = type(result)
    return class_mapping(cls).to_record(result, record_id) if is_typed(cls) else result


def typed_id(value: object) -> str | None:
    """Return the id of an instance of a user's class; None for anything else."""
    cls = type(value)
    known = class_mapping(cls).id_of(value) if is_typed(cls) else None
    return None if known is None else str(known)


def class_mapping(cls: Any) -> ClassMapping:
    """Return the mapping of a user's class.

    Raises:
        TypeError: If it is neither an attrs class nor a dataclass, or has a field of a
            type that a property cannot have.
    """
    if not isinstance(cls, type) or not is_typed(cls):
        shown = cls.__name__ if isinstance(cls, type) else repr(cls)
        raise TypeError(f"Expected an attrs class or a dataclass, not {shown}.")
    return _class_mapping(cls)


@lru_cache(maxsize=256)
def _class_mapping(cls: Any) -> ClassMapping:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"The types of {cls.__name__} cannot be resolved: {error}."
        ) from None
    found = [
        _field(cls, attribute, argument, hints.get(attribute, str), default)
        for attribute, argument, default in _members(cls)
    ]
    names = [field.property for field in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(
            f"{cls.__name__} has two fields for {', '.join(sorted(twice))}."
        )
    # By HubSpot's name: a field called `id` may hold another property.
    of_id = next((field for field in found if field.property == ID), None)
    return ClassMapping(
        cls, tuple(field for field in found if field is not of_id), of_id
    )


def _members(cls: type) -> Iterator[tuple[str, str, bool]]:
    """Yield each field's name, argument name and whether it has a default.

    Fields that the constructor does not accept are skipped.
    """
    if attrs.has(cls):
        for member in attrs.fields(cls):
            if member.init:
                default = member.default is not attrs.NOTHING
                yield member.name, member.alias or member.name, default
        return
    for item in dataclasses.fields(cls):
        if item.init:
            missing = item.default is item.default_factory is dataclasses.MISSING
            yield item.name, item.name, not missing


def _field(
    cls: type,
    attribute: str,
    argument: str,
    hint: Any,
    has_default: bool,  # noqa: FBT001
) -> Field:
    names = [*_names(hint)]
    name = names[0] if names else PropertyName(attribute.lstrip("_"))
    of_type, nullable = without_none(hint)
    if not can_be(of_type):
        shown = of_type.__name__ if isinstance(of_type, type) else of_type
        raise TypeError(
            f"{cls.__name__}.{attribute} is of type {shown}, which a property cannot "
            "have. Expected str, int, float, Decimal, bool, date, datetime, an Enum, a "
            "Literal, or a list, set or tuple of these."
        )
    return Field(
        attribute,
        argument,
        name.name,
        name.read_only,
        of_type,
        hook_to(of_type),
        of_type is str,
        nullable,
        has_default,
    )


def _names(hint: Any) -> Iterator[PropertyName]:
    """Yield the names in an annotation, also within `... | None`."""
    if get_origin(hint) is Annotated:
        yield from (item for item in hint.__metadata__ if type(item) is PropertyName)
    for argument in get_args(hint):
        yield from _names(argument)


def _converted(record_id: str, field: Field, value: str) -> Any:
    try:
        return field.hook(value, field.type)
    except (ValueError, ArithmeticError, LookupError):
        name = getattr(field.type, "__name__", None) or str(field.type)
        raise _invalid(
            f"property {field.property!r} of record {record_id} is {value!r}, which is "
            f"not of type {name}",
            field.property,
        ) from None


def _invalid(message: str, name: str | None = None) -> RecordInvalid:
    return RecordInvalid(
        message, category="UNEXPECTED_VALUE", property_name=name, origin="hubbatch"
    )

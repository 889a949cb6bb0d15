"""Records as the user's own classes: properties to fields, and fields to properties.

cattrs converts the texts that HubSpot's properties hold. What a class asks for is
worked out once per class.
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

from hubbatch.errors import RecordInvalid
from hubbatch.models import SimplePublicObject

from .conversion import Hook, can_be, hook_to, is_list, without_none
from .values import property_texts


ID: Final = "id"


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Typed: TypeAlias = attrs.AttrsInstance | _Dataclass
"""One of the user's: of an attrs class, or of a dataclass."""


@attrs.frozen
class PropertyName:
    """Which property a field is, where the two have different names.

    It stands in the annotation: `Annotated[str, PropertyName("hs_ticket_priority")]`.
    A `read_only` one (calculated by HubSpot, say) is read and never written. The name
    `"id"` stands for the record's id, in a field of any name.
    """

    name: str
    read_only: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_name(self.name)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.isprintable():
        raise TypeError(f"a property name is a printable str, not {name!r}")
    if not name:
        raise ValueError("a property name must not be empty")


@attrs.frozen
class Field:
    """A field of the user's class: what it is called where, and how it is read."""

    attribute: str
    argument: str
    property: str
    read_only: bool
    type: Any
    hook: Hook
    is_text: bool
    nullable: bool
    has_default: bool


@attrs.frozen
class Shape:
    """What a class of the user's asks for; `id` is the field of the record's id."""

    cls: type
    fields: tuple[Field, ...]
    id: Field | None

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties to ask for."""
        return tuple(field.property for field in self.fields)

    def read(self, record: SimplePublicObject) -> Any:
        """Make one of the user's of a record.

        Raises:
            RecordInvalid: naming the record, the property and its value.
        """
        given = {}
        for field in self.fields:
            text = record.properties.get(field.property)
            if text is not None and (text or field.is_text):
                given[field.argument] = _converted(record.id, field, str(text))
            elif field.nullable:
                given[field.argument] = None
            elif is_list(field.type):
                given[field.argument] = field.hook("", field.type)
            elif not field.has_default:
                raise _invalid(
                    f"property {field.property!r} of record {record.id} is not set, "
                    f"and {self.cls.__name__}.{field.attribute} cannot be None",
                    field.property,
                )
        if self.id is not None:
            given[self.id.argument] = _converted(record.id, self.id, record.id)
        try:
            return self.cls(**given)
        except Exception as error:  # a validator of the user's may raise anything
            raise _invalid(
                f"record {record.id} makes no {self.cls.__name__}: {error!r}"
            ) from error

    def written(self, given: object, id_property: str | None) -> dict[str, object]:
        """Write one of the user's in HubSpot's shape; None leaves a property out.

        The id is the value of `id_property`, or else of the field `id`.
        """
        values = {
            field.property: getattr(given, field.attribute) for field in self.fields
        }
        known = values.get(id_property) if id_property else self.id_of(given)
        written: dict[str, object] = {
            "properties": {
                field.property: values[field.property]
                for field in self.fields
                if not field.read_only
            }
        }
        return written if known is None else {ID: known, **written}

    def id_of(self, given: object) -> Any:
        """Give the id that one of the user's has."""
        return None if self.id is None else getattr(given, self.id.attribute)

    def shown(self, given: object) -> SimplePublicObject:
        """Give one of the user's as a record again."""
        properties: dict[str, str | None] = {
            **property_texts(
                {f.property: getattr(given, f.attribute) for f in self.fields}
            )
        }
        return SimplePublicObject(str(self.id_of(given) or ""), properties)


def is_typed(cls: type) -> bool:
    """Whether it is a class of the user's: attrs or dataclass, and not one of ours."""
    if cls.__module__.partition(".")[0] == __name__.partition(".")[0]:
        return False
    return attrs.has(cls) or dataclasses.is_dataclass(cls)


def as_record(given: Any) -> Any:
    """Give one of the user's as a record; anything else as it is."""
    return shape_of(type(given)).shown(given) if is_typed(type(given)) else given


def typed_id(given: object) -> str | None:
    """Give the id of one of the user's, if it has one."""
    known = shape_of(type(given)).id_of(given) if is_typed(type(given)) else None
    return None if known is None else str(known)


def shape_of(cls: Any) -> Shape:
    """Work out what a class asks for.

    Raises:
        TypeError: if it is no attrs class or dataclass, or has a field of a type that
            a property cannot be.
    """
    if not isinstance(cls, type) or not is_typed(cls):
        raise TypeError(f"expected an attrs class or a dataclass, not {cls!r}")
    return _shape_of(cls)


@lru_cache(maxsize=256)
def _shape_of(cls: Any) -> Shape:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"cannot resolve the types of {cls.__name__}: {error}"
        ) from None
    found = [
        _field(cls, attribute, argument, hints.get(attribute, str), default)
        for attribute, argument, default in _members(cls)
    ]
    names = [field.property for field in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"{cls.__name__} has two fields for {sorted(twice)}")
    # By the name that HubSpot knows: a field `id` may be another property.
    of_id = next((field for field in found if field.property == ID), None)
    return Shape(cls, tuple(field for field in found if field is not of_id), of_id)


def _members(cls: type) -> Iterator[tuple[str, str, bool]]:
    """Go through the fields: name, name in the constructor, whether it has a default.

    One that the constructor does not take is the class's own affair.
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
        raise TypeError(
            f"{cls.__name__}.{attribute} is of type {of_type}, which a property cannot "
            "be: expected str, int, float, Decimal, bool, date, datetime, an Enum, a "
            "Literal, or a list, set or tuple of these"
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
    """Find the name in an annotation, within `... | None` too."""
    if get_origin(hint) is Annotated:
        yield from (item for item in hint.__metadata__ if type(item) is PropertyName)
    for argument in get_args(hint):
        yield from _names(argument)


def _converted(record_id: str, field: Field, text: str) -> Any:
    try:
        return field.hook(text, field.type)
    except (ValueError, ArithmeticError, LookupError):
        name = getattr(field.type, "__name__", None) or str(field.type)
        raise _invalid(
            f"property {field.property!r} of record {record_id} is {text!r}, which is "
            f"not of type {name}",
            field.property,
        ) from None


def _invalid(message: str, name: str | None = None) -> RecordInvalid:
    return RecordInvalid(
        message, category="UNEXPECTED_VALUE", property_name=name, origin="hubbatch"
    )

"""Converts property strings to Python values, with cattrs."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from cattrs import BaseConverter

from .property_values import AS_IS_TIMES, property_values


_LISTS: Final[tuple[Any, ...]] = (list, set, frozenset, tuple)
# Writing out all digits of Decimal("1e300000000") would fill the memory.
_MOST_DIGITS: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Hook = Callable[[Any, Any], Any]


def without_none(hint: Any) -> tuple[Any, bool]:
    """Return the bare type of an annotation, and whether it may be None."""
    while get_origin(hint) is Annotated or hasattr(hint, "__supertype__"):
        hint = getattr(hint, "__supertype__", None) or hint.__origin__
    if get_origin(hint) not in (Union, UnionType):
        return hint, False
    rest = [item for item in get_args(hint) if item is not NoneType]
    if len(rest) != 1:
        return hint, False
    return without_none(rest[0])[0], True


def can_be(of_type: Any) -> bool:
    """Return whether a property can have a type."""
    if is_list(of_type):
        of_any_length = get_origin(of_type) is not tuple or ... in get_args(of_type)
        item = _item_of(of_type)
        return of_any_length and not is_list(item) and can_be(item)
    return of_type in _SCALARS or _is_literal(of_type) or _is_enum(of_type)


def hook_to(of_type: Any) -> Hook:
    """Return the hook that converts to a type that `can_be`: `hook(string, of_type)`.

    The hook raises ValueError, ArithmeticError or LookupError for a string without such
    a value.
    """
    converter = BaseConverter(detailed_validation=False)
    for scalar, hook in _SCALARS.items():
        converter.register_structure_hook(scalar, hook)
    converter.register_structure_hook_factory(_is_literal, _literal_hook)
    converter.register_structure_hook_factory(is_list, _list_hook)
    item = _item_of(of_type) if is_list(of_type) else of_type
    if _is_enum(item):
        # Registered by name, because cattrs would otherwise treat an enum of strings as
        # a str.
        converter.register_structure_hook(item, _enum_hook(item))
    return converter.get_structure_hook(of_type)


def is_list(of_type: Any) -> bool:
    """Return whether a type is a list, set or tuple of something."""
    return get_origin(of_type) in _LISTS


def _item_of(of_list: Any) -> Any:
    return without_none(get_args(of_list)[0])[0]


def _is_enum(of_type: Any) -> bool:
    return isinstance(of_type, type) and issubclass(of_type, Enum)


def _is_literal(of_type: Any) -> bool:
    return get_origin(of_type) is Literal


def _string(value: object) -> str | None:
    return property_values({"value": value}, AS_IS_TIMES).get("value")


def _enum_hook(of_type: type[Enum]) -> Hook:
    members = {_string(member.value): member for member in of_type}
    return lambda value, _: members[value]


def _literal_hook(of_type: Any, _: BaseConverter) -> Hook:
    values = {_string(item): item for item in get_args(of_type)}
    return lambda value, _: values[value]


def _list_hook(of_type: Any, converter: BaseConverter) -> Hook:
    """Return a hook that splits `a;b`, HubSpot's form of several checkbox values."""
    made, of_item = get_origin(of_type), _item_of(of_type)
    hook = converter.get_structure_hook(of_item)
    return lambda value, _: made(
        hook(item, of_item) for item in value.split(";") if item
    )


def _str(value: str, _: Any) -> str:
    return value


def _int(value: str, _: Any) -> int:
    number = Decimal(value)  # "12.0" is a number property's 12
    if number != number.to_integral_value() or number.adjusted() > _MOST_DIGITS:
        raise ValueError(value)
    return int(number)


def _float(value: str, _: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(value)
    return number


def _decimal(value: str, _: Any) -> Decimal:
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return number


def _bool(value: str, _: Any) -> bool:
    return {"true": True, "false": False}[value.lower()]


def _datetime(value: str, _: Any) -> datetime:
    if value.lstrip("-").isdecimal():  # milliseconds since 1970
        return _EPOCH + timedelta(milliseconds=int(value))
    instant = datetime.fromisoformat(value)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _date(value: str, _: Any) -> date:
    """Return a date; a timestamp counts as one only at midnight UTC."""
    instant = _datetime(value, None)
    if instant.astimezone(UTC).time() != datetime.min.time():
        raise ValueError(value)
    return instant.astimezone(UTC).date()


_SCALARS: Final[Mapping[Any, Hook]] = {
    str: _str,
    int: _int,
    float: _float,
    Decimal: _decimal,
    bool: _bool,
    datetime: _datetime,
    date: _date,
}

"""Converts Python values to the strings that HubSpot's properties hold."""

import math
import re

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Any

from hubbatch._classes import frozen
from hubbatch._timestamps import epoch_milliseconds, iso_milliseconds


class InvalidInput(ValueError):
    """An input is invalid and must not be sent; `field` names the invalid part."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@frozen
class Unsendable:
    """Marks a value that a source could not read; its record fails with `reason`."""

    reason: str


# Writing out all digits of Decimal("1e300000000") would fill the memory.
_MOST_DIGITS = 1_000
# HubSpot's ids have 64 bits.
_LARGEST_ID = 2**63 - 1
_MOST_ID_DIGITS = len(str(_LARGEST_ID))
# "512.0" or "5.12e2": an id that a spreadsheet turned into a float.
_FLOAT_LIKE = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


@frozen
class TimeFormat:
    """How dates and times are written.

    Attributes:
        zone: The time zone of times without one; None if such times are invalid.
        legacy: In milliseconds since 1970, as crm-objects/v1 expects.
    """

    zone: tzinfo | None = None
    legacy: bool = False

    def instant(self, name: str, value: datetime) -> str:
        """Return a time as a string.

        Raises:
            InvalidInput: If it is not an instant.
        """
        if value.utcoffset() is None:
            if self.zone is None:
                raise InvalidInput(
                    f"property {name!r} is a datetime without a time zone. Pass "
                    'timezone="Europe/Berlin" (for example), or set its tzinfo',
                    name,
                )
            try:
                value = in_zone(value, self.zone)
            except InvalidInput as error:
                raise InvalidInput(f"property {name!r}: {error}", name) from None
        return (
            str(epoch_milliseconds(value)) if self.legacy else iso_milliseconds(value)
        )

    def day(self, value: date) -> str:
        """Return a date as a string."""
        if not self.legacy:
            return value.isoformat()
        midnight = datetime(value.year, value.month, value.day, tzinfo=UTC)
        return str(epoch_milliseconds(midnight))


_ISO = TimeFormat()


def in_zone(value: datetime, zone: tzinfo) -> datetime:
    """Return a local time as an instant of a time zone.

    Raises:
        InvalidInput: If the clocks skip or repeat it: it could be an hour off.
    """
    parts = value.timetuple()[:6]
    # Not `value.replace`: the replace of a pandas Timestamp ignores `fold`.
    first, second = (
        datetime(*parts, value.microsecond, tzinfo=zone, fold=fold) for fold in (0, 1)
    )
    if first.utcoffset() != second.utcoffset():
        raise InvalidInput(
            f"{value} is skipped or repeated in {zone}: the clocks change"
        )
    return first


def property_values(properties: object, times: TimeFormat = _ISO) -> dict[str, str]:
    """Return the properties of one record as strings, omitting those that are None.

    Raises:
        InvalidInput: If a value cannot be written; the error names the property.
    """
    if not isinstance(properties, Mapping):
        raise InvalidInput(
            f"properties must be a mapping of names to values, not {_kind(properties)}",
            "properties",
        )
    values = {}
    for name, value in properties.items():
        if type(value) is str and type(name) is str and name:
            values[name] = value  # the usual case
            continue
        if not isinstance(name, str) or not name:
            raise InvalidInput(
                f"a property name must be a non-empty str, not {_shown(name)}",
                name if isinstance(name, str) else _shown(name),
            )
        try:
            string = _string(name, value, times)
        except InvalidInput:
            raise
        except Exception as error:  # a value's own methods may raise anything
            raise InvalidInput(
                f"property {name!r} cannot be written: {_kind(value)}, {_shown(error)}",
                name,
            ) from error
        if string is not None:
            values[str.__str__(name)] = string
    return values


# The most frequent types, looked up by the exact type.
_PLAIN: dict[type, Callable[[Any], str]] = {
    bool: {True: "true", False: "false"}.__getitem__,
    int: int.__repr__,
}


def _string(name: str, value: object, times: TimeFormat) -> str | None:
    if value is None or type(value) is str:
        return value
    if type(value) in _PLAIN:
        return _PLAIN[type(value)](value)
    if isinstance(value, list | tuple | set | frozenset):
        return ";".join(_item(name, item, times) for item in _ordered(value))
    return _scalar(name, value, times)


def _ordered(values: Collection[object]) -> list[object]:
    # A set has no order; the same set must always become the same string.
    return sorted(values, key=str) if isinstance(values, set | frozenset) else [*values]


def _item(name: str, item: object, times: TimeFormat) -> str:
    string = None if item is None else _scalar(name, item, times)
    if string is None:
        raise InvalidInput(f"property {name!r} has a list with None in it", name)
    if ";" in string:
        raise InvalidInput(
            f"property {name!r} has a list with an item that contains ';', which "
            "HubSpot would read as two items",
            name,
        )
    return string


def _scalar(name: str, value: object, times: TimeFormat) -> str | None:
    match value:
        case Enum():
            return _string(name, value.value, times)
        case str():
            return str.__str__(value)
        case bool():
            return "true" if value else "false"
        case int():
            return int.__repr__(value)
        case float():
            return _finite(name, value)
        case Decimal():
            return _finite_decimal(name, value)
        case datetime():
            return times.instant(name, value)
        case date():
            return times.day(value)
        case _:
            return _foreign(name, value, times)


def _foreign(name: str, value: object, times: TimeFormat) -> str | None:
    if isinstance(value, Unsendable):
        raise InvalidInput(f"property {name!r}: {value.reason}", name)
    if _is_numpy_time(value):
        return _string(name, _from_numpy(name, value, times), times)
    inner = _unwrapped(value)
    if type(inner) is not type(value):
        return _string(name, inner, times)
    raise InvalidInput(f"property {name!r} has a value of {_kind(value)}", name)


def _is_numpy_time(value: object) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", None) in ("M", "m")


def _from_numpy(name: str, value: Any, times: TimeFormat) -> object:
    """Return a numpy datetime64, which has no time zone, as a datetime."""
    if times.zone is None or value.dtype.kind != "M":
        raise InvalidInput(
            f"property {name!r} has a time without a time zone. Pass "
            'timezone="Europe/Berlin" (for example)',
            name,
        )
    # The item() of one in nanoseconds is a bare number.
    return value.astype("datetime64[us]").item()


def _unwrapped(value: object) -> object:
    """Return the Python value of a numpy or Arrow scalar; anything else unchanged."""
    unwrap = getattr(value, "item", getattr(value, "as_py", None))
    if not callable(unwrap) or isinstance(value, type):
        return value
    try:
        return unwrap()
    except Exception:  # noqa: BLE001 -- an array of several, or another kind of item()
        return value


def _finite(name: str, value: float) -> str:
    if not math.isfinite(value):
        raise InvalidInput(f"property {name!r} is not a finite number: {value}", name)
    if value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    # repr writes small numbers as 1e-07; HubSpot's number properties take digits only.
    # float.__repr__, because repr of numpy's float64 is "np.float64(0.1)".
    return format(Decimal(float.__repr__(value)), "f")


def _finite_decimal(name: str, value: Decimal) -> str:
    if not value.is_finite():
        raise InvalidInput(f"property {name!r} is not a finite number: {value}", name)
    if abs(value.adjusted()) > _MOST_DIGITS:
        raise InvalidInput(f"property {name!r} has too many digits: {value}", name)
    return format(value, "f")


def record_id(value: object, *, id_property: str | None = None) -> str:
    """Return an id, or the value of `id_property`, as a string.

    Raises:
        InvalidInput: If it is missing or cannot be an id.
    """
    if type(value) is str and value.isdecimal() and value.isascii():
        return value  # the usual case
    what = f"the value of {id_property!r}" if id_property else "id"
    if isinstance(value, str):
        written = str.__str__(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        written = _digits(what, value)
    elif value is None:
        raise InvalidInput(f"{what} is missing", "id")
    elif isinstance(value, Unsendable):
        raise InvalidInput(value.reason, "id")
    else:
        inner = value if _is_numpy_time(value) else _unwrapped(value)
        if type(inner) in (str, int) and type(value) is not type(inner):
            return record_id(inner, id_property=id_property)
        hint = ""
        if isinstance(inner, float):  # pandas makes floats of a column with gaps
            hint = "; convert a pandas column with .astype('Int64')"
        raise InvalidInput(f"{what} must be str or int, not {_kind(value)}{hint}", "id")
    if not written or written != written.strip():
        problem = "empty" if not written.strip() else "padded with white space"
        raise InvalidInput(f"{what} is {problem}: {written!r}", "id")
    is_id = id_property is None
    if is_id and _FLOAT_LIKE.fullmatch(written) and not _is_number(written):
        raise InvalidInput(f"{what} is not a record id: {written!r}", "id")
    return written


def number_id(name: str, value: object) -> int:
    """Return an id to send as a JSON number; `name` is the name of the field.

    HubSpot refuses the whole call for a number that is too large.

    Raises:
        InvalidInput: If it is not a number, or too large.
    """
    written = record_id(value)
    if not _is_number(written):
        raise InvalidInput(f"{name} must be a number, not {written!r}", name)
    digits = written.lstrip("0") or "0"
    if len(digits) > _MOST_ID_DIGITS or int(digits) > _LARGEST_ID:
        raise InvalidInput(f"{name} is too large a number", name)
    return int(digits)


def int32(name: str, value: object) -> int:
    """Return a 32-bit integer to send as a JSON number, after checking it.

    HubSpot refuses the whole call for a number that is too large. `name` is the name of
    the field.

    Raises:
        InvalidInput: If it is not such a number.
    """
    if type(value) is not int:
        raise InvalidInput(f"{name} must be an int, not {value!r}", name)
    if not -(2**31) <= value < 2**31:
        raise InvalidInput(f"{name} is too large a number", name)
    return value


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal()


def _digits(what: str, value: int) -> str:
    try:
        return int.__repr__(value)
    except ValueError:  # Python writes at most 4300 digits
        raise InvalidInput(f"{what} is too large a number", "id") from None


def check_encodable(values: Mapping[str, str]) -> None:
    """Check that properties can be encoded as UTF-8.

    Raises:
        InvalidInput: If one cannot; the error names it.
    """
    for name, value in values.items():
        try:
            name.encode()
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                f"property {name!a} has text that cannot be written as UTF-8", name
            ) from None


def _shown(value: object) -> str:
    """Return the repr of a caller's object, whose own method may raise anything."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001
        return f"an object of {_kind(value)}"


def _kind(value: object) -> str:
    return f"type {type(value).__name__}"

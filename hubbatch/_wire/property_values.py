"""Converts Python values to the strings that HubSpot's properties hold."""

import math
import re

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
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


class Append:
    """Options to add to those that a checkbox property has already.

    A list replaces the options of a property; `Append` adds to them:

    ```python
    await hub.contacts.update([{"id": 512, "interests": Append(["news", "events"])}])
    ```

    HubSpot documents a value that begins with `;` as an addition. An `Append` without
    options leaves the property as it is.

    Args:
        options: The options to add. Empty ones are dropped.

    Raises:
        TypeError: If `options` is a string, or cannot be iterated over.
    """

    __slots__ = ("options",)

    def __init__(self, options: Iterable[object]) -> None:
        if isinstance(options, str | bytes) or not isinstance(options, Iterable):
            raise TypeError(
                f"Append() expects a list of options, such as Append(['news']), not "
                f"{options!r}."
            )
        self.options: tuple[object, ...] = tuple(options)

    def __repr__(self) -> str:
        return f"Append({[*self.options]!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Append) and self.options == other.options

    def __hash__(self) -> int:
        return hash((Append, self.options))


def append_of(cell: object) -> Append:
    """Return the options in a cell of a table: `a;b`, a list, or one option."""
    if isinstance(cell, str):
        return Append(cell.split(";"))
    return Append(cell if isinstance(cell, list | tuple) else (cell,))


class _AsIs(tzinfo):
    """The zone of times that are sent as they are: it has no offset."""

    def utcoffset(self, _moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _moment: datetime | None) -> str:
        return AS_IS_NAME

    def dst(self, _moment: datetime | None) -> timedelta | None:
        return None

    def __repr__(self) -> str:
        return "AS_IS"

    def __reduce__(self) -> str:
        return "AS_IS"


# Text that looks like a time without a zone may be the value of a text property.
AS_IS_NAME = "as-is"
AS_IS = _AsIs()

# ISO 8601 without a zone, with a "T" or a space: 2026-05-31T10:00, 2026-05-31 10:00:00.
# No type is known while rows are sent. Such text is a time beyond doubt; a number (of
# seconds, or a spreadsheet's day) or a date is not, and only `check` finds those.
_LOCAL_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?", re.ASCII
)
looks_like_local_time = _LOCAL_TIME.fullmatch
# The lengths between which a time without a zone is: most values are shorter, and
# comparing costs less than the pattern.
BELOW_TIME = len("2026-05-31T10:0")
ABOVE_TIME = len("2026-05-31T10:00:00.123456789Z")
# The end of one in JSON. The pattern begins with a character that is rare there, so a
# search takes hardly any time.
_END_OF_TIME = re.compile(rb'-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"')


def is_local_time(value: str) -> bool:
    """Return whether a string is a time without a zone, such as `2026-05-31 10:00`."""
    return parse_local_time(value) is not None


def parse_local_time(value: str) -> datetime | None:
    """Return the time without a zone that a string is; None for any other string."""
    if _LOCAL_TIME.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:  # such as the 31st of February
        return None


def may_have_local_time(encoded: bytes) -> bool:
    """Return whether a string in JSON may be a time without a zone; see above."""
    return _END_OF_TIME.search(encoded) is not None


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
        zone: The time zone of times without one; None if such times are invalid; AS_IS
            to send text as it is, whatever it looks like.
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
            if self.zone is None or self.zone is AS_IS:
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

    def string(self, name: str, value: str) -> str:
        """Return a string, as an instant if it is a time without a zone.

        HubSpot would take such a time for UTC.

        Raises:
            InvalidInput: If it is such a time and no zone is set.
        """
        if self.zone is AS_IS:
            return value
        local = parse_local_time(value)
        if local is None:
            return value
        if self.zone is None:
            raise InvalidInput(
                f"property {name!r} is a time without a time zone, which HubSpot would "
                'read as UTC. Pass timezone="Europe/Berlin" (for example; on the '
                "command line --timezone Europe/Berlin), or end it with Z or an offset "
                'such as +01:00. If it is text, pass timezone="as-is"',
                name,
            )
        return self.instant(name, local)

    def day(self, value: date) -> str:
        """Return a date as a string."""
        if not self.legacy:
            return value.isoformat()
        midnight = datetime(value.year, value.month, value.day, tzinfo=UTC)
        return str(epoch_milliseconds(midnight))


_ISO = TimeFormat()
AS_IS_TIMES = TimeFormat(AS_IS)


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
            if BELOW_TIME < len(value) < ABOVE_TIME:
                values[name] = times.string(name, value)
            else:
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
    if value is None:
        return None
    if type(value) in _PLAIN:
        return _PLAIN[type(value)](value)
    if isinstance(value, list | tuple | set | frozenset):
        return _joined(name, _ordered(value), times)
    if isinstance(value, Append):
        options = _joined(name, value.options, times)
        return f";{options}" if options else None
    return _scalar(name, value, times)


def _joined(name: str, items: Iterable[object], times: TimeFormat) -> str:
    # Without the empty ones: HubSpot would read ";x" as an addition to what is set.
    return ";".join(filter(None, (_item(name, item, times) for item in items)))


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
            return times.string(name, str.__str__(value))
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


def _from_numpy(name: str, value: Any, times: TimeFormat) -> date | None:
    """Return a numpy datetime64, which has no time zone, as a datetime or a date."""
    if value.dtype.kind == "M" and type(value.item()) is date:  # a whole day
        return value.item()  # type: ignore[no-any-return] # checked
    if times.zone is None or value.dtype.kind != "M":
        raise InvalidInput(
            f"property {name!r} has a time without a time zone. Pass "
            'timezone="Europe/Berlin" (for example)',
            name,
        )
    # The item() of one in nanoseconds is a bare number.
    found = value.astype("datetime64[us]").item()
    if isinstance(found, int):  # Python has no such time
        raise InvalidInput(f"property {name!r} is not in the years 1 to 9999", name)
    return found  # type: ignore[no-any-return] # a datetime, or None for NaT


def _unwrapped(value: Any) -> object:
    """Return the Python value of a numpy or Arrow scalar, or of a numpy array.

    Return anything else unchanged.
    """
    unwrap = getattr(value, "item", getattr(value, "as_py", None))
    if not callable(unwrap) or isinstance(value, type):
        return value
    try:
        inner = unwrap()
        if getattr(getattr(value, "dtype", None), "kind", None) == "f":
            # As numpy writes it: the float32 0.1 is the float 0.10000000149011612.
            inner = float(str(value.dtype.type(inner)))
    except Exception:  # noqa: BLE001 -- an array of several, or another kind of item()
        return value.tolist() if hasattr(value, "tolist") else value
    return inner


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
        inner = _plain_id(value)
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


def _plain_id(value: object) -> object:
    """Return the Python value of a scalar; that of a whole Decimal is an int.

    Databases have integers of more than 64 bits as Decimals.
    """
    inner = value if _is_numpy_time(value) else _unwrapped(value)
    # Of a few digits: int(Decimal("1e300000000")) would fill the memory.
    if isinstance(inner, Decimal) and inner.is_finite():
        few = inner.adjusted() <= _MOST_DIGITS
        return int(inner) if few and inner == inner.to_integral_value() else inner
    return inner


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

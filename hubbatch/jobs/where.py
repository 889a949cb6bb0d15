"""Conditions as text, as filters of HubSpot's search."""

import re

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from attrs import frozen

from hubbatch._near_names import near_name
from hubbatch._tables.zones import Zone
from hubbatch._timestamps import epoch_milliseconds
from hubbatch._wire.filters import Filter, filter_groups
from hubbatch._wire.property_values import AS_IS, in_zone
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, WhereError
from hubbatch.models import Property

from .conditions import Comparison, Operator, Token, parse_conditions


# A pseudo-property of HubSpot's search: `associations.contact = 123`.
_ASSOCIATIONS = re.compile(r"associations\.[\w-]+", re.ASCII)
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_MILLISECONDS = re.compile(r"-?\d{9,15}", re.ASCII)
_ORDERED = frozenset({"LT", "LTE", "GT", "GTE", "BETWEEN"})
_WORDS = frozenset({"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"})
_PRESENCE = frozenset({"HAS_PROPERTY", "NOT_HAS_PROPERTY"})


class Where:
    """Conditions on the properties of records, written as text.

    Example::

        where = Where("createdate >= 2026-01-01", "amount > 100 or hs_priority = high")
        export = Export(hub, "deals", "deals.jsonl", filters=where)

    A condition is `NAME = VALUE`, with `=`, `!=`, `<`, `<=`, `>`, `>=`, `contains`
    (whole words; `*` stands for any characters) or `not contains`; `NAME in (VALUE,
    VALUE)`, `NAME not in (...)`, `NAME between VALUE and VALUE`, `NAME is set`, `NAME
    is not set`, `has NAME` or `not has NAME`. `and`, `or` and parentheses connect them.
    A value of several words needs quotes, and so does one with any of `<>=(),`.

    A day such as `2026-01-31` means the whole day: `<= 2026-01-31` includes its last
    moment. Times may have an offset (`2026-01-31T10:00+01:00`).

    Args:
        texts: The conditions. All of them must be true.
        timezone: The IANA zone of days and of times without an offset.

    Attributes:
        texts: The conditions.
        timezone: The name of the zone.

    Raises:
        WhereError: If a condition is malformed, or there are more of them than HubSpot
            accepts.
        ConfigurationError: If the zone is unknown, or `as-is`.
    """

    def __init__(self, *texts: str, timezone: str | None = "UTC") -> None:
        self._zone = Zone.named(timezone or "UTC")
        if self._zone.tz is AS_IS:
            raise ConfigurationError(
                "days and times of a condition need a time zone, such as UTC or "
                f"Europe/Berlin, not {self._zone.name}"
            )
        self._groups = parse_conditions(texts)
        self.texts: tuple[str, ...] = texts
        self.timezone: str = self._zone.name

    def groups(self, properties: Iterable[Property]) -> list[list[Mapping[str, Any]]]:
        """Return the conditions as HubSpot's filter groups.

        Args:
            properties: The definitions of all properties of the object type, as
                `hub.properties(object_type).list()` returns them.

        Raises:
            WhereError: If a property does not exist, or a value or an operator does
                not suit its type.
        """
        known = {definition.name: definition for definition in properties}
        return [
            [
                _filter(comparison, _definition(comparison, known), self._zone)
                for comparison in group
            ]
            for group in self._groups
            if group
        ]

    async def ask_groups(
        self, hub: HubBatch, object_type: str
    ) -> tuple[tuple[Filter, ...], ...] | None:
        """Look up the properties, and return the `filter_groups` of a search.

        Example::

            groups = await Where("amount > 100").ask_groups(hub, "deals")
            async for deal in hub.deals.search(filter_groups=groups): ...

        Raises:
            WhereError: As for `groups`.
            APIError: If HubSpot does not return the properties.
        """
        return self.checked_groups(await hub.properties(object_type).list())

    def checked_groups(
        self, properties: Iterable[Property]
    ) -> tuple[tuple[Filter, ...], ...] | None:
        """Return the `filter_groups` of a search; None if there are no conditions.

        Raises:
            WhereError: As for `groups`.
        """
        groups = self.groups(properties)
        return filter_groups(None, groups) if groups else None


def _definition(
    comparison: Comparison, known: Mapping[str, Property]
) -> Property | None:
    name = comparison.name.value
    definition = known.get(name)
    if definition is not None or _ASSOCIATIONS.fullmatch(name):
        return definition
    labels = {each.label.lower(): each.name for each in known.values() if each.label}
    meant = labels.get(name.lower()) or near_name(name, known)
    hint = "" if meant is None else f". Did you mean {meant}?"
    raise comparison.error(comparison.name, f"the property {name} does not exist{hint}")


def _filter(
    comparison: Comparison, definition: Property | None, zone: Zone
) -> Mapping[str, Any]:
    kind = "" if definition is None else definition.type or ""
    operator = comparison.operator
    if definition is None:
        if operator != "EQ":
            raise comparison.error(
                comparison.sign, "HubSpot compares associations with `=` only"
            )
        return _of_values(comparison, _id_of("a record"))
    if operator in _PRESENCE:
        return _wire(comparison, operator)
    if operator in _WORDS and kind in ("number", "bool", "date", "datetime"):
        raise comparison.error(
            comparison.sign,
            f"the property {definition.name} is a {kind}: HubSpot finds words in texts "
            "only",
        )
    if operator in _ORDERED and kind in ("string", "bool", "enumeration"):
        what = {"string": "text", "bool": "true or false"}.get(kind, "an enumeration")
        raise comparison.error(
            comparison.sign,
            f"the property {definition.name} is {what}: HubSpot compares the order of "
            "numbers and dates only. Use =, !=, in, contains or is set",
        )
    match kind:
        case "date" | "datetime":
            return _of_times(comparison, zone if kind == "datetime" else None)
        case "number":
            found = _of_values(comparison, _number)
            if operator == "BETWEEN":
                low, high = (float(value.value) for value in comparison.values)
                _check_range(comparison, low, high)
            return found
        case "enumeration" | "bool":
            return _of_values(comparison, _option_of(definition))
        case _:
            # HubSpot's guide: the values of IN must be in lower case for texts, which
            # are compared without regard to case.
            lower = kind == "string" and operator in ("IN", "NOT_IN")
            return _of_values(
                comparison,
                lambda _, value: value.value.lower() if lower else value.value,
            )


def _of_values(
    comparison: Comparison, read: Callable[[Comparison, Token], str]
) -> Mapping[str, Any]:
    values = [read(comparison, value) for value in comparison.values]
    return _wire(comparison, comparison.operator, *values)


def _wire(
    comparison: Comparison, operator: Operator, *values: str
) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "propertyName": comparison.name.value,
        "operator": operator,
    }
    if operator in ("IN", "NOT_IN"):
        found["values"] = [*values]
    elif values:
        found["value"] = values[0]
    if operator == "BETWEEN":
        found["highValue"] = values[1]
    return found


# ---- values


def _check_range(comparison: Comparison, low: float, high: float) -> None:
    if low > high:
        raise comparison.error(
            comparison.values[0],
            "nothing is between these two. Write the lower one first: `between LOW and "
            "HIGH`",
        )


def _id_of(what: str) -> Callable[[Comparison, Token], str]:
    """Return a function that checks the id of a record or an owner."""

    def check(comparison: Comparison, value: Token) -> str:
        is_number = value.value.isascii() and value.value.isdecimal()
        if not (is_number or comparison.operator in _WORDS):
            raise comparison.error(
                value, f"expected the id of {what}, which is a number"
            )
        return value.value

    return check


def _number(comparison: Comparison, value: Token) -> str:
    if not _NUMBER.fullmatch(value.value):
        raise comparison.error(
            value,
            f"the property {comparison.name.value} is a number: write digits, with one "
            "point for decimals",
        )
    return value.value


def _option_of(definition: Property) -> Callable[[Comparison, Token], str]:
    """Return a function that checks the option of an enumeration.

    HubSpot compares options with regard to case, and by their value, not their label:
    what is nearly an option would find nothing. Anything else may be an option that
    has been removed, which records still have.
    """
    if definition.referenced_object_type == "OWNER":
        return _id_of("an owner")
    options = [option.value for option in definition.options]
    if definition.type == "bool" and not options:
        options = ["true", "false"]
    meant = {option.label.lower(): option.value for option in definition.options}
    meant |= {option.lower(): option for option in options}

    def check(comparison: Comparison, value: Token) -> str:
        option = meant.get(value.value.lower())
        if comparison.operator in _WORDS or value.value in options:
            return value.value
        if option is not None:
            raise comparison.error(
                value,
                f"the property {definition.name} has no option {value.value}. Did you "
                f"mean {_quoted(option)}?",
            )
        if definition.type == "bool":
            raise comparison.error(
                value, f"the property {definition.name} is true or false"
            )
        return value.value

    return check


def _quoted(value: str) -> str:
    plain = re.fullmatch(r"[\w.@:-]+", value) is not None
    return value if plain else f'"{value}"'


@frozen
class _Span:
    """The milliseconds that a value stands for: all of a day, or a single one."""

    first: int
    last: int

    @property
    def is_day(self) -> bool:
        return self.last > self.first


def _of_times(comparison: Comparison, zone: Zone | None) -> Mapping[str, Any]:
    """Return the filter of a date (without a zone) or a time.

    A property of type `date` has midnight in UTC as its value, whatever the zone.
    """
    spans = [_span(comparison, value, zone) for value in comparison.values]
    first = spans[0]
    match comparison.operator:
        case "EQ" if first.is_day:
            return _wire(comparison, "BETWEEN", str(first.first), str(first.last))
        case "BETWEEN":
            _check_range(comparison, first.first, spans[1].last)
            return _wire(comparison, "BETWEEN", str(first.first), str(spans[1].last))
        case "LTE" | "GT" as operator:
            return _wire(comparison, operator, str(first.last))
        case operator:
            for value, span in zip(comparison.values, spans, strict=True):
                if span.is_day and operator not in ("LT", "GTE"):
                    raise _error_of_day(comparison, value)
            return _wire(comparison, operator, *(str(span.first) for span in spans))


def _error_of_day(comparison: Comparison, value: Token) -> WhereError:
    name, day = comparison.name.value, value.value
    if comparison.operator == "IN":
        advice = f"`{name} = {day}`, with `or` between the days"
    else:
        advice = f"`({name} < {day} or {name} > {day})`"
    return comparison.error(
        value,
        f"the property {name} has a time, and {day} is a whole day. Write {advice}",
    )


def _span(comparison: Comparison, value: Token, zone: Zone | None) -> _Span:
    written = value.value
    try:
        if _MILLISECONDS.fullmatch(written):
            return _Span(int(written), int(written))
        if _DAY.fullmatch(written):
            return _span_of_day(date.fromisoformat(written), zone)
        if zone is not None and _TIME.fullmatch(written):
            instant = datetime.fromisoformat(written.upper())
            if instant.tzinfo is None:
                instant = in_zone(instant, zone.tz)
            return _Span(*[epoch_milliseconds(instant)] * 2)
    except (ValueError, OverflowError) as error:
        raise comparison.error(value, str(error)) from None
    name = comparison.name.value
    if zone is None:
        raise comparison.error(
            value, f"the property {name} is a date: write it as 2026-01-31"
        )
    raise comparison.error(
        value,
        f"the property {name} is a time: write it as 2026-01-31, 2026-01-31T10:00, "
        "2026-01-31T10:00Z or 2026-01-31T10:00+01:00",
    )


def _span_of_day(day: date, zone: Zone | None) -> _Span:
    if zone is None:
        start = epoch_milliseconds(datetime.combine(day, time(), UTC))
        return _Span(start, start)
    if day == date.max:  # it has no next day
        last = datetime.combine(day, time.max, zone.tz)
        return _Span(_midnight(day, zone), epoch_milliseconds(last))
    return _Span(_midnight(day, zone), _midnight(day + timedelta(days=1), zone) - 1)


def _midnight(day: date, zone: Zone) -> int:
    """Return the first millisecond of a day.

    Where clocks repeat midnight, this is the first one. Where they skip it, Python
    takes it with the former offset, which is the instant at which they change.
    """
    return epoch_milliseconds(datetime.combine(day, time(), zone.tz))

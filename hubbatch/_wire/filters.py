"""The filters of a search, checked before anything is sent.

Operators, operands and limits: HubSpot's search guide, 2026. HubSpot answers a filter
that it does not understand with a message about Java classes, or with a 400 that names
nothing, so everything that can be checked here is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from attrs import field

from hubbatch._classes import frozen
from hubbatch._near_names import near_name
from hubbatch._validators import check_name

from .property_values import (
    InvalidInput,
    TimeFormat,
    check_encodable,
    property_values,
)


_VALUE, _RANGE, _VALUES, _NOTHING = ("value",), ("value", "highValue"), ("values",), ()
_OPERANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "EQ": _VALUE,
    "NEQ": _VALUE,
    "LT": _VALUE,
    "LTE": _VALUE,
    "GT": _VALUE,
    "GTE": _VALUE,
    "BETWEEN": _RANGE,
    "IN": _VALUES,
    "NOT_IN": _VALUES,
    "HAS_PROPERTY": _NOTHING,
    "NOT_HAS_PROPERTY": _NOTHING,
    "CONTAINS_TOKEN": _VALUE,
    "NOT_CONTAINS_TOKEN": _VALUE,
}
_ALIASES: Final[Mapping[str, str]] = {
    "=": "EQ",
    "==": "EQ",
    "!=": "NEQ",
    "<": "LT",
    "<=": "LTE",
    ">": "GT",
    ">=": "GTE",
    "CONTAINS": "CONTAINS_TOKEN",
    "NOT_CONTAINS": "NOT_CONTAINS_TOKEN",
}
# The pseudo-properties `associations.{type}`: records associated with a record.
ASSOCIATIONS: Final = "associations."
_JSON_NAMES: Final = ("propertyName", "operator", "value", "highValue", "values")
# Limits of one search. HubSpot's changelog of 2024 and its specification have others;
# these are the guide's, and the lowest.
MAX_GROUPS: Final = 5
MAX_FILTERS_PER_GROUP: Final = 6
MAX_FILTERS: Final = 18

_EPOCH = TimeFormat(legacy=True)


def _operator(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"The operator of a filter must be a str, not {name!r}.")
    known = name.strip().upper().replace(" ", "_")
    known = _ALIASES.get(known, known)
    if known not in _OPERANDS:
        meant = near_name(name, [*map(str.lower, _OPERANDS)])
        hint = "" if meant is None else f" Did you mean {meant.upper()!r}?"
        raise ValueError(
            f"HubSpot's search has no operator {name!r}.{hint} The operators are =, "
            f"!=, <, <=, >, >=, in, not in, contains, and {', '.join(_OPERANDS)}."
        )
    return known


def _name(name: str) -> str:
    checked = check_name(name)
    if checked is None:
        raise TypeError("The property name of a filter must be a str, not None.")
    return checked


def _values(values: Iterable[object]) -> tuple[object, ...]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"The values of a filter must be a list, not {values!r}.")
    return tuple(values)


@frozen
class Filter:
    """A condition on one property, for `search` and `count`.

    Example::

        from datetime import UTC, datetime

        new = Filter("createdate", ">=", datetime(2026, 1, 1, tzinfo=UTC))
        urgent = Filter("hs_ticket_priority", "in", ["HIGH", "URGENT"])
        tickets = hub.tickets.search([new, urgent])

    Attributes:
        property_name: The property; `associations.contact` (for example) means the ids
            of associated contacts, with the operator `=`.
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`, `contains`, or one of
            HubSpot's: EQ, NEQ, LT, LTE, GT, GTE, BETWEEN, IN, NOT_IN, HAS_PROPERTY,
            NOT_HAS_PROPERTY, CONTAINS_TOKEN, NOT_CONTAINS_TOKEN.
        value: The value to compare with. Dates and aware datetimes are sent in
            milliseconds since 1970; a date means its midnight in UTC.
        high_value: The upper end for BETWEEN, which includes both ends.
        values: The values for `in` and `not in`, which may also be the `value`.

    Raises:
        ValueError: If HubSpot would refuse the filter.
        TypeError: If a name or the operator is not a string.
    """

    property_name: str = field(converter=_name)
    operator: str = field(converter=_operator)
    value: Any = None
    high_value: Any = field(default=None, kw_only=True)
    values: Sequence[Any] = field(default=(), kw_only=True, converter=_values)

    def __attrs_post_init__(self) -> None:
        self.to_json()

    def to_json(self) -> dict[str, object]:
        """Return the filter as HubSpot's JSON.

        Raises:
            ValueError: If the operands do not fit the operator.
        """
        needed = _OPERANDS[self.operator]
        sent: dict[str, Any] = {
            "value": self.value,
            "highValue": self.high_value,
            "values": self.values or None,
        }
        if needed == _VALUES and not self.values and _is_list(self.value):
            sent |= {"value": None, "values": tuple(self.value) or None}
        for operand, value in sent.items():
            if operand in needed and value is None:
                raise ValueError(self._says(f"needs {_NEEDED[operand]}"))
            if operand not in needed and value is not None:
                hint = " Put the values in a list." if needed == _VALUES else ""
                raise ValueError(self._says(f"takes no {_SPELLED[operand]}.{hint}"))
        json: dict[str, object] = {"propertyName": self.property_name}
        json["operator"] = self.operator
        for operand in needed:
            if operand == "values":
                json["values"] = [*map(self._written, sent["values"])]
            else:
                json[operand] = self._written(sent[operand])
        return json

    @property
    def has_case(self) -> bool:
        """Whether it is `in` or `not in` with a value that is not in lower case."""
        listed = self.to_json().get("values", ())
        return any(value != value.lower() for value in listed)  # type: ignore[attr-defined] # a list of str

    def _written(self, value: object) -> str:
        if _is_list(value) or isinstance(value, Mapping):
            raise ValueError(
                self._says(f"takes single values, not {value!r}. Use 'in' for several.")
            )
        naive = isinstance(value, datetime) and value.utcoffset() is None
        if naive or getattr(getattr(value, "dtype", None), "kind", None) == "M":
            raise ValueError(
                self._says(f"has the time {value!r} without a time zone. Set one.")
            )
        try:
            written = property_values({self.property_name: value}, _EPOCH)
            check_encodable(written)
        except InvalidInput as error:
            raise ValueError(self._says(f"cannot be sent: {error}.")) from None
        string = written.get(self.property_name, "")
        if not string.strip():
            raise ValueError(self._says(f"has an empty value. {_ABSENT}"))
        return string

    def _says(self, problem: str) -> str:
        return f"The filter {self.operator} on {self.property_name!r} {problem}"


_ABSENT = "To find records without a value, use the operator NOT_HAS_PROPERTY."
_NEEDED = {
    "value": f"a value. {_ABSENT}",
    "highValue": "a high_value, which is the upper end.",
    "values": "values: a list of one or more.",
}
_SPELLED = {"value": "value", "highValue": "high_value", "values": "values"}


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple | set | frozenset)


Filters: TypeAlias = Mapping[str, object] | Iterable[Filter | Mapping[str, object]]
"""Equalities as a mapping, or a list of filters; all of them must hold."""

Groups: TypeAlias = tuple[tuple[Filter, ...], ...]


def filter_groups(filters: object, groups: object) -> Groups:
    """Return the groups of a search: `filters` and one of `groups` must hold.

    Raises:
        TypeError: If they are not collections of filters.
        ValueError: If HubSpot would refuse a filter, or a group is empty.
    """
    common = () if filters is None else _filters("filters", filters)
    if groups is None:
        return (common,)
    if isinstance(groups, str | bytes | Mapping) or not isinstance(groups, Iterable):
        raise TypeError(
            f"filter_groups must be a list of groups, not {groups!r}. A group is a "
            "list of filters."
        )
    parsed = tuple((*common, *_group(group)) for group in groups)
    if not parsed:
        raise ValueError(
            "filter_groups is empty, so no record could match. Leave it out to find "
            "all records."
        )
    return parsed


def check_counts(groups: Groups, *, own: int) -> None:
    """Check how many filters there are.

    `own` is how many filters the search itself adds to each group.

    Raises:
        ValueError: If there are more than HubSpot accepts.
    """
    reason = ", as the search adds a filter to each group" * bool(own)
    most = max(map(len, groups), default=0)
    for count, limit, what in (
        (len(groups), MAX_GROUPS, "groups of filters"),
        (most, MAX_FILTERS_PER_GROUP - own, f"filters in a group{reason}"),
        (
            sum(map(len, groups)),
            MAX_FILTERS - own * len(groups),
            f"filters in all{reason}",
        ),
    ):
        if count > limit:
            raise ValueError(
                f"A search can have at most {limit} {what}; this one has {count}."
            )


def _group(group: object) -> tuple[Filter, ...]:
    if isinstance(group, Mapping) and group.keys() == {"filters"}:  # HubSpot's shape
        group = group["filters"]
    parsed = _filters("A group of filter_groups", group)
    if not parsed:
        raise ValueError(
            "A group of filter_groups is empty, so every record would match. Leave "
            "filter_groups out to find all records."
        )
    return parsed


def _filters(what: str, filters: object) -> tuple[Filter, ...]:
    is_single = isinstance(filters, Filter) or (
        isinstance(filters, Mapping) and "propertyName" in filters
    )
    if is_single:
        raise TypeError(f"{what} must be a list of filters. Put {filters!r} in a list.")
    if isinstance(filters, Mapping):
        return tuple(Filter(name, "EQ", value) for name, value in filters.items())
    if isinstance(filters, str | bytes) or not isinstance(filters, Iterable):
        raise TypeError(
            f"{what} must be a mapping of property names to values, or a list of "
            f"filters, not {filters!r}."
        )
    return tuple(map(_filter, filters))


def _filter(item: object) -> Filter:
    if isinstance(item, Filter):
        return item
    if not isinstance(item, Mapping):
        raise TypeError(
            "A filter is a Filter(property_name, operator, value), or a dict in "
            f"HubSpot's shape, not {item!r}."
        )
    for name in item:
        if name not in _JSON_NAMES:
            raise ValueError(
                f"A filter has no key {name!r}; its keys are {', '.join(_JSON_NAMES)}."
            )
    for name in ("propertyName", "operator"):
        if name not in item:
            raise ValueError(f"The filter {dict(item)!r} lacks {name!r}.")
    return Filter(
        item["propertyName"],
        item["operator"],
        item.get("value"),
        high_value=item.get("highValue"),
        values=item.get("values") or (),
    )

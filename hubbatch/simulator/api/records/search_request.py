"""The body of a search request, refused in Jackson's words."""

import re

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

import attrs
import msgspec

from hubbatch.simulator.api.bodies import JSON_TOKENS, parse_json
from hubbatch.simulator.crm.records import as_string
from hubbatch.simulator.crm.search.filters import Filter, Operator, problem
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal


_PACKAGE: Final = "com.hubspot.inbounddb.publicobject.core.v3.search"

# Search guide, 2026: limits of a request. The changelog of 2024 and the specification
# have other numbers of filters; these are the strictest.
GROUPS: Final = 5
FILTERS_PER_GROUP: Final = 6
FILTERS: Final = 18
QUERY_LENGTH: Final = 3_000
DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 200
REACHABLE: Final = 10_000

_INT_DIGITS: Final = 11
_DIRECTIONS: Final = ("ASCENDING", "DESCENDING")
# The operands of each operator, by their names in JSON.
_OPERANDS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(get_args(Operator), ("value",)),
    "BETWEEN": ("value", "highValue"),
    "IN": ("values",),
    "NOT_IN": ("values",),
    "HAS_PROPERTY": (),
    "NOT_HAS_PROPERTY": (),
}


@attrs.frozen
class SearchRequest:
    """A search request, whose properties are not checked yet.

    Attributes:
        groups: The groups of filters.
        sort: The name of the property to sort by; None for the order of creation.
        properties: The names of the requested properties; none for the default ones.
        offset: The number of results to skip, from `after`.
    """

    groups: tuple[tuple[Filter, ...], ...]
    query: str
    sort: str | None
    descending: bool
    properties: tuple[str, ...]
    limit: int
    offset: int


def parse_search(content: bytes) -> SearchRequest:
    """Return the request in a body.

    Raises:
        Refusal: If it is not JSON of the right shape, or is beyond a limit.
    """
    return _Parser(content).parse()


@attrs.frozen
class _Parser:
    content: bytes

    def parse(self) -> SearchRequest:
        body = parse_json(self.content)
        if not isinstance(body, dict):
            raise self._cannot(body, f"{_PACKAGE}.PublicObjectSearchRequest")
        groups = self._groups(body.get("filterGroups"))
        if body.get("filters"):
            # Recorded until 2026: filters without a group form one.
            groups = (*groups, self._filters(body["filters"]))
        _check_counts(groups)
        sort, descending = self._sort(self._list(body.get("sorts")))
        request = SearchRequest(
            groups,
            _checked_query(self._string(body.get("query")) or ""),
            sort,
            descending,
            tuple(map(self._name, self._list(body.get("properties")))),
            self._integer(body.get("limit"), DEFAULT_LIMIT),
            _offset(self._string(body.get("after")) or "0"),
        )
        _check_page(request)
        return request

    def _groups(self, value: Any) -> tuple[tuple[Filter, ...], ...]:
        if isinstance(value, dict):
            # Recorded in 2021, in the words of an older Jackson than the others.
            column = self.content.find(b"{", 1) + 2
            raise _invalid(
                column,
                "Cannot deserialize instance of `java.util.HashSet` out of "
                "START_OBJECT token",
            )
        groups = []
        for group in self._list(value):
            if not isinstance(group, dict):
                raise self._cannot(group, f"{_PACKAGE}.FilterGroup")
            groups.append(self._filters(group.get("filters")))
        return tuple(groups)

    def _filters(self, value: Any) -> tuple[Filter, ...]:
        return tuple(map(self._filter, self._list(value)))

    def _filter(self, item: Any) -> Filter:
        if not isinstance(item, dict):
            raise self._cannot(item, f"{_PACKAGE}.Filter")
        sent = {
            "value": self._string(item.get("value")),
            "highValue": self._string(item.get("highValue")),
            "values": tuple(map(self._name, self._list(item.get("values")))) or None,
        }
        name, operator = (self._string(item.get(key)) for key in _REQUIRED)
        if operator is not None and operator not in _OPERANDS:
            raise self._not_in_enum(f"{_PACKAGE}.Operator", operator, _OPERANDS)
        self._check_built("Filter", item, _REQUIRED)
        wanted = _OPERANDS[str(operator)]
        for key, value in sent.items():
            if (key in wanted) != (value is not None):
                self._refuse_operand(item, str(operator), key, missing=key in wanted)
        # mypy: the keys of `_OPERANDS` are the operators.
        return Filter(
            str(name),
            operator,  # type: ignore[arg-type]
            str(sent["value"] or ""),
            str(sent["highValue"] or ""),
            tuple(sent["values"] or ()),
        )

    def _refuse_operand(
        self, item: Any, operator: str, key: str, *, missing: bool
    ) -> None:
        # Recorded for BETWEEN without highValue. That other operands are refused too
        # was reported for NOT_HAS_PROPERTY with a value; the text is unknown.
        article = "" if key == "values" else "a "
        does = f"requires {article}{key}" if missing else f"does not support {key}"
        raise _invalid(
            self._end(item),
            f"Cannot construct instance of `{_PACKAGE}.Filter`, problem: "
            f"operator {operator} {does}",
        )

    def _sort(self, sorts: list[Any]) -> tuple[str | None, bool]:
        """Return the first sort rule; HubSpot applies only one."""
        rules = [self._rule(item) for item in sorts]
        return rules[0] if rules else (None, False)

    def _rule(self, item: Any) -> tuple[str, bool]:
        if isinstance(item, str):
            # Documented by the specification and HubSpot's clients: "-createdate".
            return item.removeprefix("-"), item.startswith("-")
        if not isinstance(item, dict):
            raise self._cannot(item, f"{_PACKAGE}.Sort")
        direction = self._string(item.get("direction")) or "ASCENDING"
        if direction not in _DIRECTIONS:
            raise self._not_in_enum(f"{_PACKAGE}.Direction", direction, _DIRECTIONS)
        self._check_built("Sort", item, ("propertyName",))
        return str(self._string(item["propertyName"])), direction == "DESCENDING"

    def _check_built(self, kind: str, item: Any, required: Iterable[str]) -> None:
        missing = [name for name in required if item.get(name) is None]
        if missing:
            raise _invalid(
                self._end(item),
                f"Cannot build {kind}, some of required attributes are not set "
                f"[{', '.join(missing)}]",
            )

    def _list(self, value: Any) -> list[Any]:
        if value is None or isinstance(value, list):
            return value or []
        raise self._cannot(value, "java.util.ArrayList")

    def _name(self, value: Any) -> str:
        return self._string(value) or ""

    def _string(self, value: Any) -> str | None:
        # Jackson converts numbers and booleans to strings where it expects a string.
        if isinstance(value, dict | list):
            raise self._cannot(value, "java.lang.String")
        return None if value is None else as_string(value)

    def _integer(self, value: Any, default: int) -> int:
        # Integrations send numeric strings, which Jackson converts.
        if value is None:
            return default
        if isinstance(value, bool | dict | list | float):
            raise self._cannot(value, "int")
        digits = str(value)
        # More digits than a Java `int` has.
        is_long = len(digits) > _INT_DIGITS
        if is_long or not re.fullmatch("-?[0-9]+", digits):
            kind = (
                f"Cannot deserialize value of type `int` from String {_quote(digits)}"
            )
            raise _invalid(self._start(value), f"{kind}: not a valid `int` value")
        return int(digits)

    def _not_in_enum(self, kind: str, value: str, known: Iterable[str]) -> Refusal:
        reason = (
            f"Cannot deserialize value of type `{kind}` from String {_quote(value)}"
        )
        accepted = (
            f"not one of the values accepted for Enum class: [{', '.join(known)}]"
        )
        return _invalid(self._start(value), f"{reason}: {accepted}")

    def _cannot(self, value: Any, kind: str) -> Refusal:
        words, token = JSON_TOKENS[type(value)]
        reason = f"Cannot deserialize value of type `{kind}` from {words}"
        return _invalid(self._start(value), f"{reason} (token `JsonToken.{token}`)")

    # Jackson reports where it stopped: at the start of a value of a wrong type, and
    # after an object that lacks something. Correct for the first such value of
    # compact JSON.

    def _start(self, value: Any) -> int:
        return max(1, self.content.find(msgspec.json.encode(value)) + 1)

    def _end(self, value: Any) -> int:
        return self._start(value) + len(msgspec.json.encode(value))


_REQUIRED: Final = ("propertyName", "operator")


def _quote(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _invalid(column: int, reason: str) -> Refusal:
    return Refusal(400, f"Invalid input JSON on line 1, column {column}: {reason}")


def _check_counts(groups: tuple[tuple[Filter, ...], ...]) -> None:
    # The changelog of 2024 documents the category; the message is unknown.
    for count, limit, what in (
        (len(groups), GROUPS, "filter groups"),
        (max(map(len, groups), default=0), FILTERS_PER_GROUP, "filters in a group"),
        (sum(map(len, groups)), FILTERS, "filters"),
    ):
        if count > limit:
            message = f"Too many {what}: the maximum is {limit}, found {count}"
            raise Refusal(400, message, VALIDATION_ERROR)


def _checked_query(query: str) -> str:
    if len(query) > QUERY_LENGTH:
        message = f"The query must not have more than {QUERY_LENGTH} characters"
        raise Refusal(400, message, VALIDATION_ERROR)
    return query


def _offset(after: str) -> int:
    if len(after) > _INT_DIGITS or not re.fullmatch("[0-9]+", after):
        raise problem()
    return int(after)


def _check_page(request: SearchRequest) -> None:
    if not 0 < request.limit <= MAX_LIMIT:
        # HubSpot's text is unknown.
        message = (
            f"Invalid input: limit must be between 1 and {MAX_LIMIT}, "
            f"was {request.limit}"
        )
        raise Refusal(400, message, VALIDATION_ERROR)
    if request.offset + request.limit > REACHABLE:
        raise problem()

"""A search request: the body of each page, and what is wrong with a refused one.

HubSpot returns at most 10,000 matches of a search, however they are paged by offset. So
a search in HubSpot's order of ids asks for the matches after the last id instead
("keyset"), by a filter in each group; `hs_object_id` is compared as a number. A search
with a sort of its own is paged by offset.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field

from hubbatch._classes import frozen
from hubbatch._near_names import near_name
from hubbatch.errors import ListError
from hubbatch.models import Property, SimplePublicObject

from .codecs.documents import Page
from .codecs.search import ID, PAGE_SIZE, Found
from .filters import ASSOCIATIONS, Groups, check_counts
from .property_values import InvalidInput, check_encodable


# "The search endpoints are limited to 10,000 total results for any given query."
REACHABLE: Final = 10_000
_LONGEST_QUERY: Final = 3_000
_NUMBERS: Final = ("number", "date", "datetime")
_RANGES: Final = ("LT", "LTE", "GT", "GTE", "BETWEEN")
_TOKENS: Final = ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN")


@frozen
class SearchRequest:
    """What to find, in which order.

    A cursor is the last id, or with a `sort` an offset; `"0"` is the first page.

    Attributes:
        groups: Groups of filters; a match meets all filters of one group.
        query: Words to find in HubSpot's default searchable properties.
        sort: The property to sort by, after a "-" to descend; None to page by id.
        properties: The names of the properties to return; none for HubSpot's default.
    """

    groups: Groups
    query: str | None = None
    sort: str | None = None
    properties: tuple[str, ...] = ()
    is_count: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        query = self.query
        if query is not None and not isinstance(query, str):
            raise TypeError(f"query must be a str, not {query!r}.")
        if query is not None and not 0 < len(query.strip()) <= len(query) <= (
            _LONGEST_QUERY
        ):
            raise ValueError(
                f"query must have 1 to {_LONGEST_QUERY:,} characters that are not "
                f"white space, not {len(query):,}."
            )
        if query is not None:
            try:
                check_encodable({"query": query})
            except InvalidInput:
                raise ValueError(
                    f"query has text that cannot be written as UTF-8: {query!a}."
                ) from None
        by_offset = self.is_count or self.sort is not None
        check_counts(self.groups, own=0 if by_offset else 1)

    # ---- requests

    def body(self, cursor: str = "0", limit: int = PAGE_SIZE) -> Mapping[str, object]:
        """Return the body that requests a page of at most `limit` matches.

        Raises:
            ListError: If the page is out of HubSpot's reach.
        """
        groups = [[each.to_json() for each in group] for group in self.groups]
        body: dict[str, Any] = {"limit": limit}
        if self.sort is not None:
            body |= self._sorted(cursor, limit)
        elif not self.is_count:
            above: dict[str, object] = {"propertyName": ID, "operator": "GT"}
            above["value"] = cursor
            groups = [[*group, above] for group in groups]
            body["sorts"] = [{"propertyName": ID, "direction": "ASCENDING"}]
        if groups != [[]]:
            body["filterGroups"] = [{"filters": group} for group in groups]
        if self.query is not None:
            body["query"] = self.query
        if self.properties:
            body["properties"] = [*self.properties]
        return body

    def is_reachable(self, offset: int) -> bool:
        """Return whether HubSpot returns the match at an offset, however far it is."""
        return self.sort is None or offset < REACHABLE

    def _sorted(self, cursor: str, limit: int) -> Mapping[str, object]:
        assert self.sort is not None  # noqa: S101 -- the caller has checked it
        if not self.is_reachable(int(cursor)):
            raise ListError(
                f"HubSpot returns only the first {REACHABLE:,} matches of a search "
                "with a sort, and this one has more. Leave sort= out to read all "
                f"matches, in the order of their ids, or set limit={REACHABLE}"
            )
        name = self.sort.removeprefix("-")
        direction = "DESCENDING" if name != self.sort else "ASCENDING"
        sorts = [{"propertyName": name, "direction": direction}]
        limit = min(limit, REACHABLE - int(cursor))
        offset = {} if cursor == "0" else {"after": cursor}
        return {"sorts": sorts, "limit": limit, **offset}

    # ---- answers

    def page(self, found: Found, cursor: str) -> Page:
        """Return the page that an answer contains, with the next page's cursor.

        Raises:
            ListError: If the answer does not come after the cursor.
        """
        if self.sort is not None:
            after = found.after
            if after is not None and not (
                after.isdecimal() and int(after) > int(cursor)
            ):
                raise _stuck(cursor)
            return Page(found.records, after)
        records = _ascending(found.records, int(cursor))
        if found.after is None:
            return Page(records, None)
        if not records:
            raise _stuck(cursor)
        return Page(records, records[-1].id)

    # ---- what the definitions of the properties tell

    @property
    def needs_types(self) -> bool:
        """Whether the types of properties decide how values are written."""
        return any(each.has_case for group in self.groups for each in group)

    def in_lower_case(self, definitions: Sequence[Property]) -> "SearchRequest":
        """Return the request as HubSpot compares it: IN of a string in lower case.

        HubSpot finds nothing by other values of a string property. The options of an
        enumeration are compared exactly, so they must stay as they are.
        """
        strings = {each.name for each in definitions if each.type == "string"}
        groups = tuple(
            tuple(
                evolve(
                    each,
                    value=None,
                    values=[str(value).lower() for value in _listed(each.to_json())],
                )
                if each.property_name in strings and each.has_case
                else each
                for each in group
            )
            for group in self.groups
        )
        return evolve(self, groups=groups)

    def diagnose(self, object_type: str, definitions: Sequence[Property]) -> str:
        """Return why HubSpot refused the request without naming a cause."""
        types = {each.name: each.type for each in definitions}
        problems = [
            problem
            for group in self.groups
            for each in group
            if (problem := _problem(object_type, each.to_json(), types))
        ]
        if self.sort is not None:
            name = self.sort.removeprefix("-")
            problems += [_unknown(object_type, name, types)] * (name not in types)
        if problems:
            return " ".join(dict.fromkeys(problems))
        advice = (
            "The properties exist, and the filters fit their types as far as hubbatch "
            "knows. Some properties cannot be searched, such as the bodies of "
            "activities."
        )
        names = {each.property_name for group in self.groups for each in group}
        if any(name.startswith(ASSOCIATIONS) for name in names):
            advice += (
                " An association is named after an object type of HubSpot in the "
                "singular, such as 'associations.contact'. HubSpot does not search by "
                "associations with custom objects."
            )
        return advice


def _stuck(cursor: str) -> ListError:
    return ListError(
        f"HubSpot's search does not advance: the page after {cursor} has no new "
        "record, but HubSpot says that more follow. Start the search again"
    )


def _ascending(
    records: Sequence[SimplePublicObject], last: int
) -> list[SimplePublicObject]:
    """Return the records of a page without those that came before.

    Raises:
        ListError: If an id is not a number, or they are not in the order of their ids:
            some would be missed.
    """
    found, before = [], 0
    for record in records:
        if not record.id.isdecimal():
            raise ListError(
                f"HubSpot's search returned a record whose id is not a number, but "
                f"{record.id!r}, so no page can follow it. Set sort= to page otherwise"
            )
        number = int(record.id)
        if number < before:
            raise ListError(
                f"HubSpot's search does not return records in the order of their ids: "
                f"{number} comes after {before}. Start the search again"
            )
        before = number
        if number > last:
            found.append(record)
            last = number
    return found


def _listed(json: Mapping[str, Any]) -> list[str]:
    listed: list[str] = json["values"]
    return listed


def _unknown(object_type: str, name: str, known: Mapping[str, object]) -> str:
    meant = near_name(name, known)
    hint = "" if meant is None else f" Did you mean {meant!r}?"
    return f"{object_type} has no property {name!r}.{hint}"


def _problem(
    object_type: str, json: Mapping[str, Any], types: Mapping[str, str | None]
) -> str | None:
    name, operator = json["propertyName"], json["operator"]
    if name.startswith(ASSOCIATIONS):
        if operator == "EQ":
            return None
        return f"{name!r} takes the operator EQ only, with the id of a record."
    if name not in types:
        return _unknown(object_type, name, types)
    kind = types[name]
    numeric = kind in _NUMBERS
    if operator in _RANGES and not numeric:
        return f"{name!r} is of type {kind}, which {operator} does not support."
    if operator in _TOKENS and kind not in ("string", "enumeration"):
        return f"{name!r} is of type {kind}, which {operator} does not support."
    operands = [json.get("value"), json.get("highValue"), *json.get("values", ())]
    for value in operands:
        if value is not None and numeric and not _is_number(value):
            form = "a number" if kind == "number" else "a date or datetime object"
            return f"{name!r} is of type {kind}, so send {form} instead of {value!r}."
    return None


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True

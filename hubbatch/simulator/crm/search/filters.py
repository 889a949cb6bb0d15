"""The filters of a search, as conditions on the columns of its index."""

import re

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import attrs

from hubbatch.simulator.crm.property_types import ObjectType, parse_instant
from hubbatch.simulator.crm.records import ADDITIONAL_EMAILS, Shelf
from hubbatch.simulator.crm.search.index import (
    AFTER,
    Condition,
    Group,
    Key,
    Keys,
    Pattern,
    Span,
    equal,
)
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import Refusal


Operator = Literal[
    "BETWEEN",
    "CONTAINS_TOKEN",
    "EQ",
    "GT",
    "GTE",
    "HAS_PROPERTY",
    "IN",
    "LT",
    "LTE",
    "NEQ",
    "NOT_CONTAINS_TOKEN",
    "NOT_HAS_PROPERTY",
    "NOT_IN",
]

# The order of creation, which the default order of results follows.
CREATION: Final = "creation"

ASSOCIATIONS: Final = "associations."
# Search guide, 2026: the properties of activities that cannot be searched.
_UNSEARCHABLE: Final = frozenset({"hs_body_preview_html", "hs_email_html"})

# The search guide lists default searchable properties for each type; which ones is
# assumed here. Types without a row have none.
SEARCHED_BY_QUERY: Final[Mapping[str, tuple[str, ...]]] = {
    "calls": ("hs_call_title", "hs_body_preview"),
    "companies": ("website", "phone", "name", "domain"),
    "contacts": (
        *("firstname", "lastname", "email", "phone", ADDITIONAL_EMAILS, "fax"),
        *("mobilephone", "company", "hs_marketable_until_renewal"),
    ),
    "deals": ("dealname", "pipeline", "dealstage", "description", "dealtype"),
    "emails": ("hs_email_subject",),
    "feedback_submissions": ("hs_submission_name", "hs_content"),
    "meetings": ("hs_meeting_title", "hs_meeting_body"),
    "notes": ("hs_note_body",),
    "products": ("name", "description", "price", "hs_sku"),
    "quotes": (
        *("hs_sender_firstname", "hs_sender_lastname", "hs_proposal_slug", "hs_title"),
        *("hs_sender_company_name", "hs_sender_email", "hs_quote_number"),
        "hs_public_url_key",
    ),
    "tasks": ("hs_body_preview", "hs_task_subject"),
    "tickets": (
        *("subject", "content", "hs_pipeline_stage", "hs_ticket_category"),
        "hs_ticket_id",
    ),
}
_CUSTOM_SEARCHED: Final = 20

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# A word as Lucene's standard tokenizer finds it: dots and apostrophes hold letters
# together, so "example.org" is one word and "ada@example.org" two.
_WORD: Final = re.compile(r"\w+(?:[.']\w+)*")
_INTEGER_DIGITS: Final = 30
_LAST: Final = "\U0010ffff"


@attrs.frozen
class Filter:
    """A filter of a search request, whose operands fit its operator."""

    name: str
    operator: Operator
    value: str = ""
    high_value: str = ""
    values: tuple[str, ...] = ()


def problem() -> Refusal:
    """Return the refusal that names neither a category nor what is wrong."""
    return Refusal(400, "There was a problem with the request.")


def read_column(schema: ObjectType, column: str) -> Keys:
    """Return how to read a column: "=name" has values, "~name" has their words."""
    if column == CREATION:
        return lambda _: (0,)
    prefix, name = column[0], column[1:]
    kind = _kind(schema, name)
    if prefix == "~":
        return lambda properties: tuple(_tokens(kind, properties.get(name, "")))

    def keys(properties: Mapping[str, str]) -> tuple[Key, ...]:
        value = properties.get(name)
        key = None if value is None else _key(kind, value)
        return () if key is None else (key,)

    return keys


def _kind(schema: ObjectType, name: str) -> str:
    if name == "hs_object_id":
        return "number"
    if name in (schema.created, schema.modified):
        return "datetime"
    return schema.properties[name].type


def _key(kind: str, value: str) -> Key | None:
    """Return what a value is compared by; None for an invalid value."""
    match kind:
        case "number":
            number = value.strip()
            if not _NUMBER.fullmatch(number):
                return None
            # Ids have more digits than a float can hold; no number has more than these.
            short = len(number) <= _INTEGER_DIGITS
            is_integer = short and number.lstrip("+-").isdecimal()
            return int(number) if is_integer else float(number)
        case "date" | "datetime":
            return parse_instant(value)
        case "enumeration" | "bool":
            return value
        case _:
            return value.lower()


def _tokens(kind: str, value: str) -> set[str]:
    """Return the words of a value, and what stands between its spaces."""
    if kind in {"enumeration", "bool"}:
        return {option for option in value.split(";") if option}
    plain = value.lower()
    return {*_WORD.findall(plain), *re.split(r"[\s;]+", plain)} - {""}


def order_column(shelf: Shelf, name: str) -> str:
    """Return the column to sort by a property.

    Raises:
        Refusal: If the object type has no such property.
    """
    _check_name(shelf, name)
    return f"={name}"


def _check_name(shelf: Shelf, name: str) -> None:
    if name not in shelf.type.properties or name in _UNSEARCHABLE:
        raise problem()


def searched_by_query(schema: ObjectType) -> tuple[str, ...]:
    """Return the properties in which `query` looks for words."""
    names = SEARCHED_BY_QUERY.get(schema.plural, ())
    if schema.is_custom:
        own = [each.name for each in schema.properties.values() if each.custom]
        chosen = schema.descriptive.get("searchableProperties", own)
        names = tuple(chosen[:_CUSTOM_SEARCHED])
    return tuple(name for name in names if name in schema.properties)


def query_conditions(shelf: Shelf, query: str) -> Group:
    """Return the conditions of a text query: each of its words is in some property.

    HubSpot does not document how it matches; whole words are the strictest reading.
    """
    schema = shelf.type
    names = searched_by_query(schema)
    words = re.split(r"[\s;]+", query.lower().strip())
    return tuple(
        Condition(tuple(equal(f"~{name}", word) for name in names))
        for word in words
        if word
    )


def conditions(store: Store, shelf: Shelf, item: Filter) -> Group:
    """Return the conditions of a filter, all of which must be met.

    Raises:
        Refusal: If the object type has no such property, the operator does not fit
            its type, or a value is invalid.
    """
    if item.name.startswith(ASSOCIATIONS):
        return (_associated(store, shelf, item),)
    _check_name(shelf, item.name)
    kind, column = _kind(shelf.type, item.name), f"={item.name}"
    has_value = Condition((Span(column),))
    match item.operator:
        case "HAS_PROPERTY":
            return (has_value,)
        case "NOT_HAS_PROPERTY":
            return (attrs.evolve(has_value, negated=True),)
        case "EQ":
            return (_equals(shelf, kind, item),)
        case "IN":
            return (_in(kind, item),)
        # No source says whether a record without a value meets a negated filter. It
        # does not here: a caller that counts on it must add NOT_HAS_PROPERTY.
        case "NEQ":
            found = Condition(_equals(shelf, kind, item).spans[:1], negated=True)
            return has_value, found
        case "NOT_IN":
            return has_value, attrs.evolve(_in(kind, item), negated=True)
        case "CONTAINS_TOKEN":
            return tuple(_contains(kind, item))
        case "NOT_CONTAINS_TOKEN":
            words = list(_contains(kind, item))
            # "Not all of the words" is one condition only for a single word; HubSpot
            # does not say, and none of the words is stricter.
            return has_value, *(attrs.evolve(word, negated=True) for word in words)
        case _:
            return (_range(kind, item),)


def _operand(kind: str, value: str) -> Key:
    key = _key(kind, value)
    if key is None:
        raise problem()
    return key


def _equals(shelf: Shelf, kind: str, item: Filter) -> Condition:
    key = _operand(kind, item.value)
    spans: list[Span] = [equal(f"={item.name}", key)]
    if item.name == "email" and ADDITIONAL_EMAILS in shelf.type.properties:
        # Seen by an integration: EQ finds a contact by its additional addresses too.
        spans.append(equal(f"~{ADDITIONAL_EMAILS}", key))
    return Condition(tuple(spans))


def _in(kind: str, item: Filter) -> Condition:
    # "Values must be lowercase" for string properties: others match nothing.
    plain = kind in {"number", "date", "datetime"}
    keys = [_operand(kind, value) if plain else value for value in item.values]
    return Condition(tuple(equal(f"={item.name}", key) for key in keys))


def _range(kind: str, item: Filter) -> Condition:
    if kind not in {"number", "date", "datetime"}:
        # A third party reports it for text; HubSpot's text is unknown.
        raise problem()
    key, column = _operand(kind, item.value), f"={item.name}"
    match item.operator:
        case "LT":
            span = Span(column, (), (key,))
        case "LTE":
            span = Span(column, (), (key, AFTER))
        case "GT":
            span = Span(column, (key, AFTER))
        case "GTE":
            span = Span(column, (key,))
        case _:
            high = _operand(kind, item.high_value)
            span = Span(column, (key,), (high, AFTER))
    return Condition((span,))


def _contains(kind: str, item: Filter) -> Iterable[Condition]:
    if kind not in {"string", "enumeration"}:
        # HubSpot's answer is unknown; tokens are parts of a text.
        raise problem()
    column = f"~{item.name}"
    exact = kind == "enumeration"
    value = item.value if exact else item.value.lower()
    for part in [value] if exact else value.split():
        if "*" in part:
            yield Condition((_wildcard(column, part),))
        elif exact:
            yield Condition((equal(column, part),))
        else:
            for word in _WORD.findall(part):
                yield Condition((equal(column, word),))


def _wildcard(column: str, pattern: str) -> Span | Pattern:
    start = pattern.rstrip("*")
    if "*" not in start:
        return Span(column, (start,), (start + _LAST,))
    parts = map(re.escape, pattern.split("*"))
    return Pattern(column, re.compile(".*".join(parts), re.DOTALL))


def _associated(store: Store, shelf: Shelf, item: Filter) -> Condition:
    """Return the condition of the pseudo-property `associations.{type}`.

    Only EQ is documented, and not for custom object types.
    """
    target = store.shelf(item.name.removeprefix(ASSOCIATIONS))
    custom = shelf.type.id.startswith("2-")
    if target is None or custom or target.type.id.startswith("2-"):
        raise problem()
    if item.operator != "EQ":
        raise problem()
    if target.live(item.value) is None:
        return Condition()
    linked = store.links.linked((target.type.id, item.value), shelf.type.id)
    # A pair whose last association type was removed has none, and is not associated.
    return Condition(ids=frozenset(int(key) for key, specs in linked.items() if specs))

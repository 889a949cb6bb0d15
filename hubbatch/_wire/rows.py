"""Flat mappings as inputs: the rows of a table, a CSV file or a query.

A row is a mapping whose values are scalars or lists. One column has the record's id or
unique value, and each other column is a property, except `id`. A missing value (None,
NaN, NaT or pandas.NA) leaves its property out.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import date
from typing import Any, TypeAlias

from .calls import Operation
from .property_values import InvalidInput, Unsendable, record_id


Shaper: TypeAlias = Callable[[Any], Any]

# HubSpot's fields, which no column has: the names of properties are in lower case, and
# "properties" and "associations" are taken. An input with one of them is not a row.
_FIELDS = frozenset(
    {"properties", "associations", "idProperty", "objectId", "objectWriteTraceId"}
)
# The column with a record's id. It is never a property: HubSpot has none of that name
# and would refuse the record. An export that is upserted by e-mail has both columns.
RECORD_ID = "id"
# The columns of a pair of records: the names of each, the preferred one first.
END_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "from": ("from_id", "from"),
    "to": ("to_id", "to"),
}
NO_ID_PROPERTY = (
    "an upsert needs to know which unique property identifies a record: pass "
    'id_property="email" (for example)'
)
# The most frequent types of values.
_NEVER_MISSING = frozenset({str, int, bool, list, tuple, dict, date})
# The maximum number of columns that a message names.
_MAX_NAMED = 12


def is_row(value: object) -> bool:
    """Return whether an input is a flat mapping, not one in HubSpot's shape."""
    if type(value) is not dict and not isinstance(value, Mapping):
        return False
    return bool(value) and _FIELDS.isdisjoint(value)


def id_columns(id_property: str | None) -> tuple[str, ...]:
    """Return the names of the column with the record's id, the preferred one first."""
    return (RECORD_ID,) if id_property is None else (id_property, RECORD_ID)


def find_column(names: Iterable[str], present: Container[str]) -> str | None:
    """Return the first of the names that is a column; None if none is."""
    for name in names:
        if name in present:
            return name
    return None


def shown_columns(names: Iterable[object]) -> str:
    """Return the names of columns for a message, the first few of very many."""
    known = [*names]
    shown = ", ".join(str(name) or '""' for name in known[:_MAX_NAMED])
    more = f", … {len(known):,} in all" if len(known) > _MAX_NAMED else ""
    return shown + more


def row_shaper(operation: Operation) -> Shaper:
    """Return a function that converts a row to an input in HubSpot's shape.

    It returns anything but a row unchanged, and raises InvalidInput for a row that is
    not flat or has no id. It is for the rows of one source: the id of each is in the
    column in which the first row has it. A row that merely lacks `id_property`, because
    exports omit nulls, must not be written under its `id`.
    """
    verb = operation.call.verb
    creates = verb == "create"
    only_ids = verb in ("read", "archive", "gdpr_delete")
    id_property = None if creates else operation.id_property
    id_names = id_columns(id_property)
    first: str | None = None  # the id column of the first row

    def shape(value: Any) -> Any:
        nonlocal first
        if not is_row(value):
            return value
        if verb == "upsert" and id_property is None:
            raise InvalidInput(NO_ID_PROPERTY, "idProperty")
        id_column = find_column(id_names, value)
        first = first or id_column
        if id_column not in (None, first):
            other = Unsendable(
                f"the first row has its id in the column {first!r}, but this row has "
                f"it in {id_column!r}. Use the same column in all rows"
            )
            if only_ids:
                return other
            return {"id": other, "properties": _properties_of(value, None)}
        if only_ids:
            return _id_of(value, id_column, id_property)
        properties = _properties_of(value, id_column)
        # An upsert of nothing but a unique value creates the records that are missing.
        may_be_bare = verb == "upsert" and id_column == id_property
        if not may_be_bare and value.keys() <= {id_column, RECORD_ID}:
            raise InvalidInput("the row has nothing but an id", "properties")
        if creates:
            return {"properties": properties}
        found = _id_of(value, id_column, id_property)
        return {"id": found, "properties": properties}

    return shape


def _id_of(row: Mapping[str, Any], column: str | None, id_property: str | None) -> str:
    if column is None:
        names = id_columns(id_property)
        wanted = " or ".join(f'"{name}"' for name in names)
        raise InvalidInput(
            f"the row has no column {wanted} (it has: {shown_columns(row)})", names[0]
        )
    cell = row[column]
    if type(cell) is str:
        return cell
    return record_id(None if is_missing(cell) else cell, id_property=id_property)


def _properties_of(row: Mapping[str, Any], id_column: str | None) -> dict[str, Any]:
    properties: dict[Any, Any] = dict(row)
    properties.pop(RECORD_ID, None)
    properties.pop(id_column, None)
    others = [name for name, cell in properties.items() if type(cell) is not str]
    for name in others:
        cell = properties[name]
        if is_missing(cell):
            del properties[name]
        elif isinstance(cell, Mapping):
            raise InvalidInput(_nested(row, name), str(name))
    return properties


def pair_shaper(_operation: Operation) -> Shaper:
    """Return a function that converts a row with two ids to a pair of records.

    It returns anything but such a row unchanged.
    """
    return _pair


def _pair(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    pair = dict(value)
    for end, names in END_COLUMNS.items():
        column = find_column(names, value)
        if column is not None and not isinstance(value[column], Mapping | list | tuple):
            pair[end] = {"id": pair.pop(column)}
    return pair


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or pandas.NA."""
    if value is None or type(value) in _NEVER_MISSING:
        return value is None
    try:
        return bool(value != value)  # noqa: PLR0124 -- NaN and NaT differ from themselves
    except Exception:  # noqa: BLE001 -- pandas.NA cannot be compared, nor can an array
        return type(value).__name__ == "NAType"


def _nested(row: Mapping[str, Any], name: object) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 -- rare

    if get_close_matches(str(name), ["properties"], cutoff=0.75):
        return f'unknown field {name!r}: use "properties"'
    if all(isinstance(value, Mapping) for value in row.values()):
        return (
            "a mapping of mappings is not one row; pass a list of its rows: "
            '[{"id": key, **row} for key, row in data.items()]'
        )
    return (
        f"column {name!r} has a mapping. A row has scalars and lists only: flatten it, "
        'or pass HubSpot\'s shape, {"id": ..., "properties": {...}}'
    )

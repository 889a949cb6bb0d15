"""Outcomes as the columns of an Arrow table, next to the rows that were sent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hubbatch._tables.arrow import need_pyarrow
from hubbatch._wire.rows import is_missing
from hubbatch._wire.user_classes import as_record, class_mapping, is_typed

from .outcome import Outcome


def outcome_fields(arrow: Any) -> list[tuple[str, Any]]:
    """Return the names and Arrow types of the columns of `outcome_columns`."""
    string = arrow.string()
    return [
        ("status", string),
        ("id", string),
        ("new", arrow.bool_()),
        ("attempts", arrow.int32()),
        ("category", string),
        ("message", string),
        ("property_name", string),
    ]


def outcome_columns(outcomes: Sequence[Outcome[Any]]) -> dict[str, list[Any]]:
    """Return outcomes column by column."""
    errors = [outcome.error for outcome in outcomes]
    return {
        "status": [outcome.status.value for outcome in outcomes],
        "id": [outcome.id for outcome in outcomes],
        "new": [getattr(outcome.result, "new", None) for outcome in outcomes],
        "attempts": [outcome.attempts for outcome in outcomes],
        "category": [error and error.category for error in errors],
        "message": [error and error.message for error in errors],
        "property_name": [error and error.property_name for error in errors],
    }


def outcome_table(
    outcomes: Iterable[Outcome[Any]], prefix: str, *, records: bool
) -> Any:
    """Return a pyarrow.Table of the inputs' columns and the outcomes' columns.

    With `records`, the properties of the results are a column, too.

    Raises:
        ConfigurationError: If pyarrow is not installed.
        ValueError: If an input's column has the name of an outcome's column.
    """
    arrow = need_pyarrow()
    known = [*outcomes]
    rows = [_as_row(outcome.input) for outcome in known]
    columns = {
        name: _array(arrow, [row.get(name) for row in rows])
        for name in dict.fromkeys(name for row in rows for name in row)
    }
    values = outcome_columns(known)
    added = {
        "index": arrow.array([outcome.index for outcome in known], arrow.int64()),
        **{name: arrow.array(values[name], of) for name, of in outcome_fields(arrow)},
    }
    if records:
        found = [_properties(outcome.result) for outcome in known]
        names = dict.fromkeys(name for record in found for name in record or ())
        kind = arrow.struct([(name, arrow.string()) for name in names])
        added["properties"] = arrow.array(found, kind)
    for name, column in added.items():
        if prefix + name in columns:
            raise ValueError(
                f"the rows have a column {prefix + name!r} already. Choose another "
                "prefix=, or drop the column before sending"
            )
        columns[prefix + name] = column
    return arrow.table(columns)


def _as_row(value: Any) -> Mapping[str, Any]:
    """Return an input as a flat row."""
    if isinstance(value, Mapping):
        properties = value.get("properties")
        if isinstance(properties, Mapping):
            value = {**({"id": value["id"]} if "id" in value else {}), **properties}
        return {str(name): _end(cell) for name, cell in value.items()}
    if is_typed(type(value)):
        return _as_row(class_mapping(type(value)).to_input(value, None))
    if hasattr(value, "__attrs_attrs__"):  # one of our input classes
        names = [field.name for field in type(value).__attrs_attrs__]
        return _as_row({name.rstrip("_"): getattr(value, name) for name in names})
    return {"id": value}


def _end(cell: Any) -> Any:
    """Return the id in the `{"id": ...}` of a pair of records."""
    return cell["id"] if isinstance(cell, Mapping) and [*cell] == ["id"] else cell


def _properties(result: Any) -> Mapping[str, str | None] | None:
    record = as_record(result)
    found: Mapping[str, str | None] | None = getattr(record, "properties", None)
    return found if isinstance(found, Mapping) else None


def _array(arrow: Any, values: list[Any]) -> Any:
    """Return values as an Arrow array; as strings if they have no common type."""
    try:
        return arrow.array(values, from_pandas=True)
    except (arrow.ArrowException, TypeError, ValueError, OverflowError):
        strings = [None if is_missing(value) else _shown(value) for value in values]
        return arrow.array(strings, arrow.string())


def _shown(value: Any) -> str:
    try:
        string = str(value)
    except Exception:  # noqa: BLE001 -- a value's own method may raise anything
        string = f"a {type(value).__name__}"
    return string.encode("utf-8", "backslashreplace").decode()

"""Arrow tables of outcomes and of records."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hubbatch._outcomes.outcome import Outcome
from hubbatch._outcomes.outcome_tables import outcome_columns, outcome_fields
from hubbatch.models import SimplePublicObject


def outcome_schema(arrow: Any, properties: Iterable[str] = ()) -> Any:
    """Return the columns of outcomes, and of records if properties were read."""
    string = arrow.string()
    fields = [("portal", string), ("input_id", string), *outcome_fields(arrow)]
    return arrow.schema(fields + _record_fields(arrow, properties))


def record_schema(arrow: Any, properties: Iterable[str]) -> Any:
    """Return the columns of listed records."""
    fields = [("portal", arrow.string()), ("id", arrow.string())]
    return arrow.schema(fields + _record_fields(arrow, properties))


def _record_fields(arrow: Any, properties: Iterable[str]) -> list[tuple[str, Any]]:
    names = [(name, arrow.string()) for name in properties]
    if not names:
        return []
    moment = arrow.timestamp("ms", "UTC")
    return [
        ("properties", arrow.struct(names)),
        ("createdAt", moment),
        ("updatedAt", moment),
        ("archived", arrow.bool_()),
    ]


def arrow_schema(arrow: Any, schema: Any) -> Any:
    """Return the Arrow schema of a Ray block, which may be a pandas block."""
    if isinstance(schema, arrow.Schema):
        return schema
    types = [_of_pandas(arrow, kind) for kind in schema.types]
    return arrow.schema([*zip(schema.names, types, strict=True)])


def _of_pandas(arrow: Any, kind: Any) -> Any:
    if hasattr(kind, "pyarrow_dtype"):
        return kind.pyarrow_dtype
    try:
        return arrow.from_numpy_dtype(kind)
    except (TypeError, arrow.ArrowException):  # a type that only pandas has
        return arrow.null()


def split_by(arrow: Any, table: Any, column: str) -> Iterator[tuple[Any, Any]]:
    """Split a table by the values of a column; yield each value with its rows.

    The column is dropped. Rows with the same value keep their order.
    """
    kind = table.schema.field(column).type
    if arrow.types.is_dictionary(kind):  # categories cannot be sorted
        plain = table.column(column).cast(kind.value_type)
        table = table.drop_columns([column]).append_column(column, plain)
    table = table.sort_by(column)  # a stable sort
    runs = arrow.compute.run_end_encode(table.column(column).combine_chunks())
    rest, start = table.drop_columns([column]), 0
    for value, end in zip(
        runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True
    ):
        yield value, rest.slice(start, end - start)
        start = end


def work_columns(
    outcomes: Iterable[Outcome[Any]], properties: Sequence[str] = ()
) -> dict[str, list[Any]]:
    """Return outcomes, and the records that were read, column by column."""
    rows = [*outcomes]
    columns = outcome_columns(rows)
    if properties:
        columns.update(record_columns([outcome.result for outcome in rows], properties))
    return columns


def record_columns(
    records: Sequence[SimplePublicObject | None], properties: Sequence[str]
) -> dict[str, list[Any]]:
    """Return records column by column; None for a record that was not found."""

    def values(record: SimplePublicObject) -> dict[str, str | None]:
        return {name: record.properties.get(name) for name in properties}

    return {
        "properties": [record and values(record) for record in records],
        "createdAt": [record and record.created_at for record in records],
        "updatedAt": [record and record.updated_at for record in records],
        "archived": [record and record.archived for record in records],
    }

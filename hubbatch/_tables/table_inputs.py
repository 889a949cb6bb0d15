"""Tables as inputs of a verb: pandas, polars, pyarrow, DuckDB.

The rows are built in small blocks as the batch reads them; a table is never converted
as a whole. A table that can be sliced is a collection of rows. Any other, such as a
query or a reader, is a stream.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import length_hint
from types import ModuleType
from typing import Any, overload

from hubbatch._wire.calls import Operation
from hubbatch._wire.codecs.merges import MERGED, PRIMARY
from hubbatch._wire.property_values import AS_IS
from hubbatch._wire.rows import (
    END_COLUMNS,
    NO_ID_PROPERTY,
    find_column,
    id_columns,
    is_missing,
    pair_shaper,
    shown_columns,
)
from hubbatch.errors import sentence

from .arrow import (
    column_names,
    naive_column,
    need_pyarrow,
    plain_rows,
    plain_values,
    repeated,
    unsendable_column,
)
from .column_mapping import BadRow, Columns


Row = dict[str, Any]

# How many rows and values are converted at a time: a few milliseconds.
_MAX_ROWS = 1_000
_MAX_VALUES = 20_000


def is_table(source: object) -> bool:
    """Return whether a source is a table, not one column or a collection of inputs.

    A column (a pandas Series, an Arrow array) has the interface of a table too. It is a
    collection of ids.
    """
    if not hasattr(source, "__arrow_c_stream__"):
        return False
    named = ("columns", "column_names", "schema")
    return not isinstance(source, Iterable) or any(hasattr(source, n) for n in named)


def table_inputs(data: Any, operation: Operation) -> Iterable[Row]:
    """Return the rows of a table as inputs of a verb, after checking its columns.

    Raises:
        ConfigurationError: If pyarrow is not installed.
        TypeError: If the verb takes no rows.
        ValueError: If two columns have the same name, the id column is missing, or a
            column that is sent has a type that no property can have, or has times
            without a zone and no zone is set.
    """
    if operation.call.codec.rows is None:
        raise TypeError(
            f"{operation.name}() takes no table. Pass a list of its inputs, or one "
            "column."
        )
    names, schema, rows = open_table(data)
    _check(names, schema, operation)
    return rows


def open_table(data: Any) -> "tuple[list[str], Any, StreamRows | TableRows]":
    """Return the names of the columns, an Arrow schema with their types, and the rows.

    The schema lacks the columns of pandas that have objects of any type.

    Raises:
        ConfigurationError: If pyarrow is not installed.
        ValueError: If Arrow cannot read a column.
    """
    arrow = need_pyarrow()
    cut = _cutter(data)
    if cut is None:
        query = hasattr(data, "limit")  # DuckDB; it must not run before it is read
        reader = _reader(arrow, data.limit(0) if query else data)
        rows = StreamRows(data if query else reader)
        return column_names(reader.schema), reader.schema, rows
    names, schema = _describe(arrow, cut(0, _MAX_ROWS))
    return names, schema, TableRows(cut, _block_size(len(names)), range(len(data)))


def columns_of(operation: Operation) -> Columns:
    """Return how the columns of rows become the inputs of an operation."""
    unique = operation.id_property
    creates = operation.call.verb == "create"
    return Columns(
        verb=operation.call.verb,  # type: ignore[arg-type] # rows are for these verbs
        id_property=None if creates else unique,
        reconcile_by=unique if creates else None,
        legacy=operation.call.api.name == "legacy",
    )


def _cutter(data: Any) -> Callable[[int, int], Any] | None:
    """Return the function that cuts rows out of a table; None for a stream."""
    if hasattr(data, "iloc"):  # pandas
        return lambda start, stop: data.iloc[start:stop]
    if hasattr(data, "slice") and hasattr(data, "__len__"):  # polars, pyarrow
        return lambda start, stop: data.slice(start, stop - start)
    return None


# ---- rows


class StreamRows(Iterable[Row]):
    """The rows of a query or a reader."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __iter__(self) -> Iterator[Row]:
        return _rows(self._data)


class TableRows(Sequence[Row]):
    """The rows of a table that can be sliced; each is built on access."""

    # Invariant: `_built` has the rows of the table from `_first` on. Blocks begin at
    # multiples of `_size`, so accesses in any order of neighbors share them.

    def __init__(
        self,
        cut: Callable[[int, int], Any],
        size: int,
        places: range,
    ) -> None:
        self._cut = cut
        self._size = size
        self._places = places
        self._first = 0
        self._built: list[Row] = []

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "TableRows": ...
    def __getitem__(self, index: int | slice) -> "Row | TableRows":
        places = self._places[index]
        if isinstance(places, range):
            return TableRows(self._cut, self._size, places)
        if not 0 <= places - self._first < len(self._built):
            self._first = places - places % self._size
            piece = self._cut(self._first, self._first + self._size)
            self._built = [*_rows(piece)]
        return self._built[places - self._first]

    def __iter__(self) -> "RowIterator":
        return RowIterator(self)

    def block(self, index: int) -> list[Row]:
        """Return some rows from an index on, at least one."""
        row = self[index]
        start = self._places[index] - self._first
        stop = start + len(self) - index
        return self._built[start:stop] if self._places.step == 1 else [row]


class RowIterator(Iterator[Row]):
    """Iterates over the rows of a table."""

    def __init__(self, rows: TableRows) -> None:
        self._rows = rows
        self._block: Iterator[Row] = iter(())
        self._next = 0  # the index of the next block

    def __next__(self) -> Row:
        for row in self._block:
            return row
        if self._next >= len(self._rows):
            raise StopIteration
        block = self._rows.block(self._next)
        self._next += len(block)
        self._block = iter(block)
        return next(self._block)

    def rest(self) -> TableRows:
        """Return the remaining rows without building them, and end the iteration."""
        rest = self._rows[self._next - length_hint(self._block) :]
        self._block, self._next = iter(()), len(self._rows)
        return rest


def _block_size(columns: int) -> int:
    return max(1, min(_MAX_ROWS, _MAX_VALUES // max(1, columns)))


def _rows(data: Any) -> Iterator[Row]:
    arrow = need_pyarrow()
    if hasattr(data, "iloc"):
        columns = {name: _cells(arrow, name, column) for name, column in _columns(data)}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))
        return
    # Closed also if the rows are not read to their end: a reader of DuckDB occupies its
    # connection.
    with _reader(arrow, data) as reader:
        for batch in reader:
            size = _block_size(batch.num_columns)
            for start in range(0, batch.num_rows, size):
                yield from plain_rows(arrow, batch.slice(start, size))


def _reader(arrow: ModuleType, data: Any) -> Any:
    """Return a reader of record batches.

    Raises:
        ValueError: If Arrow cannot read the table; names the column if it is known.
    """
    errors = (arrow.ArrowException, TypeError)
    open_reader = arrow.RecordBatchReader.from_stream
    try:
        return open_reader(data)
    except errors as error:
        for name in data.columns if hasattr(data, "select") else ():  # polars
            try:
                open_reader(data.select(name))
            except errors:
                raise ValueError(
                    f"Column {name!r} has a type that Arrow cannot read ({error}). "
                    "Cast it first."
                ) from error
        raise ValueError(sentence(str(error))) from error


# ---- pandas


def _columns(frame: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and columns of a data frame, with an index that has a name."""
    for level, name in enumerate(frame.index.names):
        if name is not None:
            yield str(name), frame.index.get_level_values(level)
    for place, name in enumerate(frame.columns):
        yield str(name), frame.iloc[:, place]


def _has_objects(column: Any) -> bool:
    """Return whether a column has Python objects, which may be of several types.

    Arrow would convert all of them to one type: times to one zone, for instance.
    """
    categories = getattr(column.dtype, "categories", None)
    return str(column.dtype if categories is None else categories.dtype) == "object"


def _cells(arrow: ModuleType, name: str, column: Any) -> list[Any]:
    if _has_objects(column):
        return [None if is_missing(cell) else cell for cell in column.tolist()]
    return plain_values(arrow, _array(arrow, name, column))


def _array(arrow: ModuleType, name: str, column: Any) -> Any:
    try:
        return arrow.array(column, from_pandas=True)
    except (arrow.ArrowException, TypeError) as error:
        raise ValueError(
            f"Column {name!r} has the type {column.dtype}, which Arrow cannot read. "
            "Cast it first, e.g. with .astype(float) or .astype(str)."
        ) from error


# ---- columns


def _describe(arrow: ModuleType, data: Any) -> tuple[list[str], Any]:
    """Return the names of the columns, and an Arrow schema with their types.

    The schema lacks the columns of pandas that have objects of any type.
    """
    if not hasattr(data, "iloc"):
        schema = _reader(arrow, data).schema
        return column_names(schema), schema
    columns = [*_columns(data)]
    types = [
        (name, _array(arrow, name, column).type)
        for name, column in columns
        if not _has_objects(column)
    ]
    return [name for name, _ in columns], arrow.schema(types)


def _check(names: list[str], schema: Any, operation: Operation) -> None:
    arrow = need_pyarrow()
    twice = repeated(names)
    if twice is not None:
        raise ValueError(
            f"Two columns of the table, or a column and an index, are named {twice!r}. "
            "Rename one."
        )
    used = _used(names, operation)
    problem = unsendable_column(arrow, schema, used)
    if problem is not None:
        raise ValueError(sentence(problem))
    naive = naive_column(arrow, schema, used)
    if naive is not None and operation.zone in (None, AS_IS):
        raise ValueError(
            f"The times in column {naive!r} have no time zone. Pass "
            'timezone="Europe/Berlin" (for example).'
        )


def _used(names: list[str], operation: Operation) -> set[str]:
    """Return the names of the columns that are sent.

    Raises:
        ValueError: If a column with ids is missing.
    """
    call, unique = operation.call, operation.id_property
    if call.verb == "send":
        return {*names}
    if call.verb == "merge":
        return {_find((name,), names) for name in (PRIMARY, MERGED)}
    if call.codec.rows is pair_shaper:
        return {_find(wanted, names) for wanted in END_COLUMNS.values()}
    if call.verb == "upsert" and unique is None:
        raise ValueError(sentence(NO_ID_PROPERTY))
    try:
        return columns_of(operation).used(names)
    except BadRow:
        return {_find(id_columns(unique), names)}


def _find(wanted: tuple[str, ...], names: list[str]) -> str:
    found = find_column(wanted, names)
    if found is None:
        shown = " or ".join(f'"{name}"' for name in wanted)
        raise ValueError(
            f"The table has no column {shown} (it has: {shown_columns(names)}). "
            "Rename the column with the ids."
        )
    return found

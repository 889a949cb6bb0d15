"""Arrow tables as rows of Python values: NULL and NaN become None.

Times without a time zone are ambiguous, so a column of them needs a zone.
"""

import re

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from hubbatch._wire.property_values import Unsendable
from hubbatch.errors import ConfigurationError, SourceError


# The name that pandas gives to an index without a name.
_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")
# The Arrow types whose Python values properties can have. Others do not convert to what
# they mean: a Period of pandas is an integer, an interval of DuckDB three numbers. Of
# the bytes and structs here, each value fails its own record.
_SENDABLE = (
    *("null", "boolean", "integer", "floating", "decimal", "date", "timestamp"),
    *("string", "large_string", "string_view"),
    *("binary", "large_binary", "binary_view", "struct"),
)
# Those of several values, or of encoded ones, have the type of their values.
_NESTED = (
    *("dictionary", "run_end_encoded", "fixed_size_list"),
    *("list", "large_list", "list_view", "large_list_view"),
)


def need_pyarrow() -> ModuleType:
    """Import pyarrow.

    Raises:
        ConfigurationError: If it is not installed.
    """
    try:
        pyarrow = import_module("pyarrow")
        import_module("pyarrow.compute")
        import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise ConfigurationError(
            'Tables, Arrow and Parquet need pyarrow: pip install "hubbatch[parquet]".'
        ) from None
    return pyarrow


def check_times(
    arrow: ModuleType, schema: Any, used: Collection[str], source: str
) -> None:
    """Check that the columns that are used have no times without a zone.

    Raises:
        SourceError: If one does; names the first such column.
    """
    name = naive_column(arrow, schema, used)
    if name is not None:
        raise SourceError(
            f'{source}: the times in column "{name}" have no time zone. '
            "Set it, e.g. with --timezone UTC (in Python "
            'timezone="UTC").'
        )


def naive_column(arrow: ModuleType, schema: Any, used: Collection[str]) -> str | None:
    """Return the name of a column that is used and has times without a zone, if any."""
    for field in schema:
        if field.name in used and _is_naive(arrow.types, field.type):
            return str(field.name)
    return None


def check_types(
    arrow: ModuleType, schema: Any, used: Collection[str], source: str
) -> None:
    """Check that properties can have the types of the columns that are used.

    Raises:
        SourceError: If one has another type; names the first such column.
    """
    problem = unsendable_column(arrow, schema, used)
    if problem is not None:
        raise SourceError(f"{source}: {problem}.")


def unsendable_column(
    arrow: ModuleType, schema: Any, used: Collection[str]
) -> str | None:
    """Return what is wrong with a used column whose type no property can have."""
    for field in schema:
        if field.name in used and not _is_sendable(arrow.types, field.type):
            return (
                f"column {field.name!r} has the Arrow type {field.type}, which is not "
                "a property's value. Cast it, e.g. to a string, or drop the column"
            )
    return None


def plain_rows(arrow: ModuleType, batch: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a record batch as Python values; NULL and NaN become None.

    Args:
        arrow: pyarrow.
        batch: The record batch; no two columns have the same name.
    """
    names = column_names(batch.schema)
    columns = [plain_values(arrow, batch.column(name)) for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def column_names(schema: Any) -> list[str]:
    """Return the names of the columns, except an unnamed pandas index."""
    return [name for name in schema.names if not _NAMELESS_INDEX.fullmatch(name)]


def plain_values(arrow: ModuleType, column: Any) -> list[Any]:
    """Return the values of an Arrow array as Python values; NULL and NaN become None.

    A value that Python cannot represent becomes `Unsendable`.
    """
    types = arrow.types
    kind = column.type
    if types.is_dictionary(kind) and (
        types.is_floating(kind.value_type) or types.is_timestamp(kind.value_type)
    ):
        kind = kind.value_type
        column = column.cast(kind)
    if types.is_float32(kind):  # as text, because 0.1 is the float64 0.10000000149...
        column = column.cast(arrow.string()).cast(arrow.float64())
    if types.is_floating(kind):
        missing = arrow.compute.is_nan(column)
        column = arrow.compute.if_else(missing, None, column)
    elif types.is_timestamp(kind) and kind.unit == "ns":  # finer than datetime
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        values = [_plain_value(scalar) for scalar in column]
    return values


def _plain_value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError) as error:
        return Unsendable(f"Python cannot represent its {scalar.type} ({error})")


def _is_sendable(types: Any, kind: Any) -> bool:
    if any(getattr(types, f"is_{name}")(kind) for name in _NESTED):
        return _is_sendable(types, kind.value_type)
    return any(getattr(types, f"is_{name}")(kind) for name in _SENDABLE)


def _is_naive(types: Any, kind: Any) -> bool:
    """Return whether a type has times without a zone, or contains such times."""
    if types.is_timestamp(kind):
        return kind.tz is None
    if types.is_struct(kind):
        return any(_is_naive(types, field.type) for field in kind)
    # Lists and dictionaries (categories) have a value type.
    inner = getattr(kind, "value_type", None)
    return inner is not None and _is_naive(types, inner)


def check_names(source: str, names: Sequence[str]) -> None:
    """Check that no two columns have the same name: one would hide the other.

    Raises:
        SourceError: If two columns have the same name.
    """
    name = repeated(names)
    if name is not None:
        raise SourceError(f"{source}: two columns are named {name!r}.")


def repeated(names: Sequence[str]) -> str | None:
    """Return a name that occurs more than once; None if there is none."""
    return next((name for name, count in Counter(names).items() if count > 1), None)

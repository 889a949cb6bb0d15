"""Arrow tables as rows of Python values: NULL and NaN become None.

Times without a time zone are ambiguous, so a column of them needs a zone.
"""

import re

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from hubbatch.errors import ConfigurationError, SourceError


# The name that pandas gives to an index without a name.
_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")


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
            'tables, Arrow and Parquet need pyarrow: pip install "hubbatch[parquet]"'
        ) from None
    return pyarrow


def check_times(
    arrow: ModuleType, schema: Any, used: Collection[str], source: str
) -> None:
    """Check that the columns that are used have no times without a zone.

    Raises:
        SourceError: If one does; names the first such column.
    """
    for name in naive_columns(arrow, schema, used):
        raise SourceError(
            f'{source}: the times in column "{name}" have no time zone. '
            "Set it, e.g. with --timezone UTC (in Python "
            'timezone="UTC").'
        )


def naive_columns(
    arrow: ModuleType, schema: Any, used: Collection[str]
) -> Iterator[str]:
    """Yield the names of the columns that are used and have times without a zone."""
    for field in schema:
        if field.name in used and _is_naive(arrow.types, field.type):
            yield field.name


def plain_rows(arrow: ModuleType, batch: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a record batch as Python values; NULL and NaN become None.

    Args:
        arrow: pyarrow.
        batch: The record batch; no two columns have the same name.
    """
    names = column_names(batch.schema)
    columns = [_values(arrow, batch.column(name)) for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def column_names(schema: Any) -> list[str]:
    """Return the names of the columns, except an unnamed pandas index."""
    return [name for name in schema.names if not _NAMELESS_INDEX.fullmatch(name)]


def _values(arrow: ModuleType, column: Any) -> list[Any]:
    kind = column.type
    if arrow.types.is_floating(kind):
        missing = arrow.compute.is_nan(column)
        column = arrow.compute.if_else(missing, None, column)
    elif arrow.types.is_timestamp(kind) and kind.unit == "ns":  # finer than datetime
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values


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
    for name in repeated(names):
        raise SourceError(f"{source}: two columns are named {name!r}.")


def repeated(names: Sequence[str]) -> list[str]:
    """Return the names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]

"""Arrow tables as sources: Parquet, pandas, polars, DuckDB, pyarrow.

Needs pyarrow (the extra `parquet`). NULL, NaN and NaT are left out. Times without a
time zone are ambiguous: a column with such times is refused before anything is sent,
unless a zone is set.
"""

import hashlib
import os
import re

from collections.abc import Collection, Iterator, Sized
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hubbatch.errors import ConfigurationError, SourceError

from .column_mapping import ColumnMapping
from .tables import Table, check_names
from .zones import Zone


# The number of rows to hold in memory at a time.
_BLOCK = 10_000
_FILE_BLOCK = 1024 * 1024
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
            'Parquet and Arrow need an extra: pip install "hubbatch[parquet]"'
        ) from None
    return pyarrow


class _ArrowTable(Table):
    """Record batches with one schema."""

    def __init__(self, name: str, columns: ColumnMapping, timezone: str | None) -> None:
        super().__init__(name, columns, {"timezone": timezone})
        self._arrow = need_pyarrow()
        self._zone = Zone.find(timezone)

    def _check(self, schema: Any) -> None:
        """Check the columns, before the first row.

        Raises:
            SourceError: If two columns have the same name, or a column that is used has
                times without a zone and no zone is set.
        """
        names = _names(schema, self.name)
        if self._zone is None:
            check_times(self._arrow, schema, self._columns.used(names), self.name)

    def _plain(self, batch: Any) -> Iterator[dict[str, Any]]:
        return plain_rows(self._arrow, batch, self.name, zone=self._zone)


class ArrowSource(_ArrowTable):
    """Any object with Arrow's stream interface (`__arrow_c_stream__`).

    For example a pandas or polars data frame, a pyarrow table or a DuckDB relation. The
    index of a pandas data frame counts as a column if it has a name and is not a plain
    range.

    Args:
        data: The table. If it has a length it is read twice, so that a resumed job can
            tell whether it has changed; otherwise it is read once, as it is sent.
        columns: How to convert its columns to inputs.
        name: Its name in messages.
        timezone: The time zone for times without one, e.g. `UTC`, `Europe/Berlin`.
            Without it such a column is refused before anything is sent.

    Raises:
        TypeError: If `data` does not have the interface.
        ConfigurationError: If pyarrow is missing, or the time zone is unknown.
    """

    def __init__(
        self,
        data: Any,
        columns: ColumnMapping,
        *,
        name: str = "data",
        timezone: str | None = None,
    ) -> None:
        super().__init__(name, columns, timezone)
        if not hasattr(data, "__arrow_c_stream__"):
            raise TypeError(
                f"expected an object with __arrow_c_stream__, not {type(data).__name__}"
            )
        self._data = data

    def fingerprint(self) -> str | None:
        """Return the SHA-256 of its rows; None if it can be read only once.

        Raises:
            SourceError: If a column is missing or cannot be used.
        """
        if not isinstance(self._data, Sized):
            return None
        digest = hashlib.sha256()
        for row in self:
            content = repr((row.key, row.input))
            digest.update(content.encode(errors="surrogatepass"))
        return digest.hexdigest()

    def length(self) -> int | None:
        """Return the number of rows, if it is known."""
        return len(self._data) if isinstance(self._data, Sized) else None

    def _records(self) -> Iterator[dict[str, Any]]:
        try:
            reader = self._arrow.RecordBatchReader.from_stream(self._data)
            self._check(reader.schema)
            for batch in reader:
                for start in range(0, batch.num_rows, _BLOCK):
                    yield from self._plain(batch.slice(start, _BLOCK))
        except (self._arrow.ArrowException, OSError) as error:
            raise SourceError(f"{self.name}: {error}") from None


class ParquetSource(_ArrowTable):
    """A Parquet file; 10,000 rows of it are in memory at a time.

    Args:
        path: The file.
        columns: How to convert its columns to inputs.
        timezone: The time zone of times without one, as for `ArrowSource`.

    Raises:
        ConfigurationError: If pyarrow is missing, or the time zone is unknown.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        timezone: str | None = None,
    ) -> None:
        super().__init__(os.fspath(path), columns, timezone)
        self._path = Path(path)

    def fingerprint(self) -> str:
        """Return the SHA-256 of its bytes, after reading all its rows.

        Raises:
            SourceError: If it is not a Parquet file, or a column is missing or cannot
                be used.
        """
        for _ in self:
            pass
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while block := file.read(_FILE_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def length(self) -> int:
        """Return the number of rows.

        Raises:
            SourceError: If it is not a Parquet file.
        """
        with closing(self._open()) as file:
            return int(file.metadata.num_rows)

    def _records(self) -> Iterator[dict[str, Any]]:
        with closing(self._open()) as file:
            self._check(file.schema_arrow)
            try:
                for batch in file.iter_batches(batch_size=_BLOCK):
                    yield from self._plain(batch)
            except (self._arrow.ArrowException, OSError) as error:
                raise SourceError(f"{self.name}: damaged: {error}") from None

    def _open(self) -> Any:
        try:
            return self._arrow.parquet.ParquetFile(self._path)
        except FileNotFoundError:
            raise SourceError(f"{self.name}: No such file or directory.") from None
        except (self._arrow.ArrowException, OSError) as error:
            raise SourceError(f"{self.name}: not a Parquet file: {error}") from None


def check_times(
    arrow: ModuleType, schema: Any, used: Collection[str], source: str
) -> None:
    """Check that the columns that are used have no times without a zone.

    Raises:
        SourceError: If one does; names the first such column.
    """
    for field in schema:
        if field.name in used and _is_naive(arrow.types, field.type):
            raise SourceError(
                f'{source}: the times in column "{field.name}" have no time zone. '
                "Set it, e.g. with --timezone UTC (in Python "
                'timezone="UTC").'
            )


def plain_rows(
    arrow: ModuleType, batch: Any, source: str, *, zone: Zone | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a record batch as Python values; NULL and NaN become None.

    Args:
        arrow: pyarrow.
        batch: The record batch.
        source: Its name in messages.
        zone: The time zone of times without one.

    Raises:
        SourceError: If two columns have the same name.
    """
    names = _names(batch.schema, source)
    columns = [_values(arrow, batch.column(name), zone) for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _names(schema: Any, source: str) -> list[str]:
    """Return the names of the columns, except an unnamed pandas index."""
    names = [name for name in schema.names if not _NAMELESS_INDEX.fullmatch(name)]
    check_names(source, names)
    return names


def _values(arrow: ModuleType, column: Any, zone: Zone | None) -> list[Any]:
    kind = column.type
    if arrow.types.is_floating(kind):
        missing = arrow.compute.is_nan(column)
        column = arrow.compute.if_else(missing, None, column)
    elif arrow.types.is_timestamp(kind) and kind.unit == "ns":  # finer than datetime
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    values: list[Any] = column.to_pylist()
    if zone is not None and _is_naive(arrow.types, kind):
        return [*map(zone.localize, values)]
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

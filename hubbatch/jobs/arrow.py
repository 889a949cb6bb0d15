"""Whatever speaks Arrow as a source: Parquet, pandas, polars, DuckDB, pyarrow.

It needs the extra `parquet`, which is pyarrow. NULL, NaN and NaT are left out. A
column of times without a time zone says nothing certain: its zone must be told, or
it is refused before anything is sent.
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


# Rows that are in memory at a time.
_BLOCK = 10_000
_FILE_BLOCK = 1024 * 1024
# How pandas hands over an index that has no name.
_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")


def need_pyarrow() -> ModuleType:
    """Import pyarrow, or say how to get it.

    Raises:
        ConfigurationError: if it is not installed.
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
    """Record batches, of one schema."""

    def __init__(self, name: str, columns: ColumnMapping, timezone: str | None) -> None:
        super().__init__(name, columns, {"timezone": timezone})
        self._arrow = need_pyarrow()
        self._zone = Zone.find(timezone)

    def _check(self, schema: Any) -> None:
        """Look at the columns, before the first row.

        Raises:
            SourceError: if two columns have one name, or a column whose values are
                used has times without a zone, and nobody said which it is.
        """
        names = _names(schema, self.name)
        if self._zone is None:
            check_times(self._arrow, schema, self._columns.used(names), self.name)

    def _plain(self, batch: Any) -> Iterator[dict[str, Any]]:
        return plain_rows(self._arrow, batch, self.name, zone=self._zone)


class ArrowSource(_ArrowTable):
    """Anything that speaks Arrow's stream interface (`__arrow_c_stream__`).

    A pandas or polars data frame, a pyarrow table, a DuckDB relation. The index of a
    pandas data frame is a column if it has a name and is no plain range.

    Args:
        data: the table. One that has a length is read twice, to see whether it is the
            same when a job goes on; any other only once, as it is sent.
        columns: what its columns mean.
        name: what to call it.
        timezone: the time zone of times that have none, e.g. `UTC`, `Europe/Berlin`;
            without it such a column is refused before anything is sent.

    Raises:
        TypeError: if it does not speak Arrow.
        ConfigurationError: without pyarrow, or for an unknown time zone.
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
                f"expected something with __arrow_c_stream__, not {type(data).__name__}"
            )
        self._data = data

    def fingerprint(self) -> str | None:
        """Give the SHA-256 of its rows; None if it can only be read once.

        Raises:
            SourceError: if its columns do not fit.
        """
        if not isinstance(self._data, Sized):
            return None
        digest = hashlib.sha256()
        for row in self:
            said = repr((row.key, row.input))
            digest.update(said.encode(errors="surrogatepass"))
        return digest.hexdigest()

    def length(self) -> int | None:
        """Count its rows, if it knows how many it has."""
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
    """A Parquet file; some ten thousand rows of it are in memory at a time.

    Args:
        path: the file.
        columns: what its columns mean.
        timezone: the time zone of times that have none, as of `ArrowSource`.

    Raises:
        ConfigurationError: without pyarrow, or for an unknown time zone.
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
        """Give the SHA-256 of its bytes, after it was read to its end.

        Raises:
            SourceError: if it is no Parquet file, or its columns do not fit.
        """
        for _ in self:
            pass
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while block := file.read(_FILE_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def length(self) -> int:
        """Count its rows.

        Raises:
            SourceError: if it is no Parquet file.
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
            raise SourceError(f"{self.name}: no Parquet file: {error}") from None


def check_times(
    arrow: ModuleType, schema: Any, used: Collection[str], source: str
) -> None:
    """Refuse times that have no zone, in the columns whose values are used.

    Raises:
        SourceError: if there are some; names the first such column.
    """
    for field in schema:
        if field.name in used and _is_naive(arrow.types, field.type):
            raise SourceError(
                f'{source}: the times in column "{field.name}" have no time zone. '
                "Say which it is, e.g. with --timezone UTC (in Python "
                'timezone="UTC").'
            )


def plain_rows(
    arrow: ModuleType, batch: Any, source: str, *, zone: Zone | None = None
) -> Iterator[dict[str, Any]]:
    """Give the rows of a record batch as Python's values, None of what is no value.

    Args:
        arrow: pyarrow.
        batch: the record batch.
        source: what to call it.
        zone: the time zone of times that have none.

    Raises:
        SourceError: if two columns have one name.
    """
    names = _names(batch.schema, source)
    columns = [_values(arrow, batch.column(name), zone) for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _names(schema: Any, source: str) -> list[str]:
    """Name the columns, but for an index that pandas has handed over."""
    names = [name for name in schema.names if not _NAMELESS_INDEX.fullmatch(name)]
    check_names(source, names)
    return names


def _values(arrow: ModuleType, column: Any, zone: Zone | None) -> list[Any]:
    kind = column.type
    if arrow.types.is_floating(kind):
        missing = arrow.compute.is_nan(column)
        column = arrow.compute.if_else(missing, None, column)
    elif arrow.types.is_timestamp(kind) and kind.unit == "ns":  # more than Python has
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    values: list[Any] = column.to_pylist()
    if zone is not None and _is_naive(arrow.types, kind):
        return [*map(zone.localize, values)]
    return values


def _is_naive(types: Any, kind: Any) -> bool:
    """Tell whether a type has times without a zone, or holds such."""
    if types.is_timestamp(kind):
        return kind.tz is None
    if types.is_struct(kind):
        return any(_is_naive(types, one.type) for one in kind)
    # Of lists, and of dictionaries (categories).
    inner = getattr(kind, "value_type", None)
    return inner is not None and _is_naive(types, inner)

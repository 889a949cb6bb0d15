"""Tables as sources: Parquet, SQLite, and whatever speaks Arrow (pandas, polars ...).

A row is what a flat JSON line would be: NULL, NaN and NaT are left out, an empty
text clears. Parquet and Arrow need the extra `parquet`, which is pyarrow.
"""

import hashlib
import os
import sqlite3

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from hubbatch.errors import ConfigurationError

from .rows import Row
from .shaping import BadRow, Meaning, SourceError


# Rows that are in memory at a time.
_BLOCK = 10_000
_FILE_BLOCK = 1024 * 1024


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


class _Table(ABC):
    """Records of names and values, as often as they are asked for."""

    def __init__(self, name: str, columns: Meaning, options: Mapping[str, Any]) -> None:
        self.name: str = name
        self.options: Mapping[str, Any] = {**columns.options(), **options}
        self._columns = columns

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __iter__(self) -> Iterator[Row]:
        shaper = self._columns.of_fields()
        index = -1
        try:
            for index, record in enumerate(self._records()):
                key, given = shaper.shape(record)
                yield Row(index, key, given)
        except BadRow as error:
            raise SourceError(f"{self.name}: row {index + 1}: {error}.") from None
        if index < 0:
            raise SourceError(f"{self.name}: no rows.")
        if shaper.unseen:
            raise SourceError(f'{self.name}: no column "{shaper.unseen[0]}".')

    @abstractmethod
    def _records(self) -> Iterator[dict[str, Any]]:
        """Give the rows by the names of the columns."""


class ArrowSource(_Table):
    """Anything that speaks Arrow's stream interface (`__arrow_c_stream__`).

    A pandas or polars data frame, a pyarrow table, a DuckDB relation.

    Args:
        data: the table. One that has a length is read twice, to see whether it is the
            same when a job goes on; any other only once, as it is sent.
        columns: what its columns mean.
        name: what to call it.
    """

    def __init__(self, data: Any, columns: Meaning, *, name: str = "data") -> None:
        super().__init__(name, columns, {})
        if not hasattr(data, "__arrow_c_stream__"):
            raise TypeError(
                f"expected something with __arrow_c_stream__, not {type(data).__name__}"
            )
        self._arrow = need_pyarrow()
        self._data = data

    def fingerprint(self) -> str | None:
        """Give the SHA-256 of its rows; None if it can only be read once."""
        if not isinstance(self._data, Sized):
            return None
        digest = hashlib.sha256()
        for record in self._records():
            digest.update(repr(record).encode(errors="surrogatepass"))
        return digest.hexdigest()

    def length(self) -> int | None:
        """Count its rows, if it knows how many it has."""
        return len(self._data) if isinstance(self._data, Sized) else None

    def _records(self) -> Iterator[dict[str, Any]]:
        reader = self._arrow.RecordBatchReader.from_stream(self._data)
        for batch in reader:
            for start in range(0, batch.num_rows, _BLOCK):
                yield from plain_rows(
                    self._arrow, batch.slice(start, _BLOCK), self.name
                )


class ParquetSource(_Table):
    """A Parquet file; some ten thousand rows of it are in memory at a time.

    Args:
        path: the file.
        columns: what its columns mean.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Meaning) -> None:
        super().__init__(os.fspath(path), columns, {})
        self._arrow = need_pyarrow()
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
            try:
                for batch in file.iter_batches(batch_size=_BLOCK):
                    yield from plain_rows(self._arrow, batch, self.name)
            except (self._arrow.ArrowException, OSError) as error:
                raise SourceError(f"{self.name}: damaged: {error}") from None

    def _open(self) -> Any:
        try:
            return self._arrow.parquet.ParquetFile(self._path)
        except FileNotFoundError:
            raise SourceError(f"{self.name}: No such file or directory.") from None
        except (self._arrow.ArrowException, OSError) as error:
            raise SourceError(f"{self.name}: no Parquet file: {error}") from None


class SqliteSource(_Table):
    """The rows of a query of an SQLite database, which is only read.

    The query must give its rows in the same order each time, so that a job can go on:
    use ORDER BY.

    Args:
        path: the database.
        query: a SELECT.
        columns: what its columns mean.
    """

    def __init__(
        self, path: str | os.PathLike[str], query: str, columns: Meaning
    ) -> None:
        super().__init__(os.fspath(path), columns, {"query": query})
        self._path = Path(path)
        self._query = query
        self._scanned: tuple[str, int] | None = None

    def fingerprint(self) -> str:
        """Give the SHA-256 of its rows.

        Raises:
            SourceError: if it cannot be read, or its columns do not fit.
        """
        return self._scan()[0]

    def length(self) -> int:
        """Count its rows.

        Raises:
            SourceError: as `fingerprint`.
        """
        return self._scan()[1]

    def _scan(self) -> tuple[str, int]:
        if self._scanned is None:
            digest, count = hashlib.sha256(), 0
            for row in self:
                digest.update(repr(row.input).encode(errors="surrogatepass"))
                count += 1
            self._scanned = digest.hexdigest(), count
        return self._scanned

    def _records(self) -> Iterator[dict[str, Any]]:
        where = f"file:{quote(str(self._path.absolute()))}?mode=ro"
        try:
            with closing(sqlite3.connect(where, uri=True)) as connection:
                cursor = connection.execute(self._query)
                if cursor.description is None:
                    raise SourceError(f"{self.name}: the query has no rows.")
                names = [column[0] for column in cursor.description]
                _check_names(self.name, names)
                for values in cursor:
                    yield dict(zip(names, values, strict=True))
        except sqlite3.Error as error:
            raise SourceError(f"{self.name}: {error}.") from None


def _check_names(source: str, names: Sequence[str]) -> None:
    """Refuse two columns of one name: the one would hide the other."""
    for name, count in Counter(names).items():
        if count > 1:
            raise SourceError(f"{source}: two columns are named {name!r}.")


def plain_rows(arrow: ModuleType, batch: Any, source: str) -> Iterator[dict[str, Any]]:
    """Make Python's values of a record batch, None of what is no value."""
    columns = [_column(arrow, column) for column in batch.columns]
    names = batch.schema.names
    _check_names(source, names)
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _column(arrow: ModuleType, column: Any) -> list[Any]:
    types, kind = arrow.types, column.type
    if types.is_floating(kind):
        missing = arrow.compute.is_nan(column)
        column = arrow.compute.if_else(missing, None, column)
    elif types.is_timestamp(kind) and kind.unit == "ns":  # more than Python has
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values

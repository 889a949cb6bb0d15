"""Arrow tables as sources: Parquet, pandas, polars, DuckDB, pyarrow.

Needs pyarrow (the extra `parquet`). NULL, NaN and NaT are left out. Times without a
time zone are ambiguous: a column with such times is refused before anything is sent,
unless a zone is set.
"""

import hashlib
import os

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from hubbatch._tables.arrow import (
    check_names,
    check_times,
    check_types,
    column_names,
    need_pyarrow,
    plain_rows,
)
from hubbatch._tables.column_mapping import ColumnMapping
from hubbatch._tables.table_inputs import open_table
from hubbatch._tables.zones import Zone
from hubbatch.errors import SourceError

from .file_source import DAMAGED, unpacked
from .tables import Table


# The number of rows of a file to hold in memory at a time.
_BLOCK = 10_000
_FILE_BLOCK = 1024 * 1024


class _ArrowTable(Table):
    """Record batches with one schema."""

    def __init__(self, name: str, columns: ColumnMapping, timezone: str | None) -> None:
        super().__init__(name, columns, {"timezone": timezone})
        self._arrow = need_pyarrow()
        self._zone = Zone.find(timezone)

    def _check(self, names: Sequence[str], schema: Any) -> None:
        """Check the columns, before the first row.

        Raises:
            SourceError: If two columns have the same name, or a column that is used has
                a type that no property can have, or has times without a zone and no
                zone is set.
        """
        check_names(self.name, names)
        used = self.columns.used(names)
        check_types(self._arrow, schema, used, self.name)
        if self._zone is None:
            check_times(self._arrow, schema, used, self.name)

    def _localized(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        return iter(rows) if self._zone is None else map(self._zone.localize, rows)


class ArrowSource(_ArrowTable):
    """Any object with Arrow's stream interface (`__arrow_c_stream__`).

    For example a pandas or polars data frame, a pyarrow table or a DuckDB relation. The
    index of a pandas data frame counts as a column if it has a name.

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
            names, schema, rows = open_table(self._data)
            self._check(names, schema)
            yield from self._localized(rows)
        except (self._arrow.ArrowException, OSError, ValueError) as error:
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
        with self._open() as file:
            return int(file.metadata.num_rows)

    def _records(self) -> Iterator[dict[str, Any]]:
        with self._open() as file:
            schema = file.schema_arrow
            self._check(column_names(schema), schema)
            try:
                for batch in file.iter_batches(batch_size=_BLOCK):
                    yield from self._localized(plain_rows(self._arrow, batch))
            except (self._arrow.ArrowException, OSError) as error:
                raise SourceError(f"{self.name}: damaged: {error}") from None

    @contextmanager
    def _open(self) -> Iterator[Any]:
        with ExitStack() as opened:
            try:
                content = opened.enter_context(unpacked(self._path))
                file = opened.enter_context(
                    closing(self._arrow.parquet.ParquetFile(content))
                )
            except FileNotFoundError:
                raise SourceError(f"{self.name}: No such file or directory.") from None
            except (self._arrow.ArrowException, OSError, *DAMAGED) as error:
                raise SourceError(f"{self.name}: not a Parquet file: {error}") from None
            yield file

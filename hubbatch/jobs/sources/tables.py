"""Tables as sources: their common base class, and SQLite queries.

A row is treated like a flat JSON line: a NULL is left out, an empty string clears the
property.
"""

import hashlib
import os
import sqlite3

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hubbatch._tables.arrow import check_names
from hubbatch._tables.column_mapping import BadRow, ColumnMapping
from hubbatch.errors import SourceError

from .row_source import Row


class Table(ABC):
    """A source whose records are mappings of column names to values."""

    def __init__(
        self, name: str, columns: ColumnMapping, options: Mapping[str, Any]
    ) -> None:
        self.name: str = name
        self.options: Mapping[str, Any] = {**columns.options(), **options}
        self.columns: ColumnMapping = columns

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __iter__(self) -> Iterator[Row]:
        builder = self.columns.of_fields()
        index = -1
        try:
            for index, record in enumerate(self._records()):
                key, item = builder.build(record)
                yield Row(index, key, item)
        except BadRow as error:
            raise error.at(f"{self.name}: row {max(index, 0) + 1}") from None
        if index >= 0 and builder.unseen:
            raise SourceError(f'{self.name}: no column "{builder.unseen[0]}".')

    @abstractmethod
    def _records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as mappings of column names to values."""


class SqliteSource(Table):
    """The rows of a query on a SQLite database, which is opened read-only.

    Use ORDER BY: a job can only resume if the query returns its rows in the same order.

    Args:
        path: The database.
        query: A SELECT.
        columns: How its columns become inputs.
    """

    def __init__(
        self, path: str | os.PathLike[str], query: str, columns: ColumnMapping
    ) -> None:
        super().__init__(os.fspath(path), columns, {"query": query})
        self._path = Path(path)
        self._query = query
        self._scanned: tuple[str, int] | None = None

    def fingerprint(self) -> str:
        """Return the SHA-256 of its rows.

        Raises:
            SourceError: If the database cannot be read, or a column is missing.
        """
        return self._scan()[0]

    def length(self) -> int:
        """Return the number of rows.

        Raises:
            SourceError: If the database cannot be read.
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
        where = f"file:{quote(os.fsencode(self._path.absolute()))}?mode=ro"
        try:
            with closing(sqlite3.connect(where, uri=True)) as connection:
                cursor = connection.execute(self._query)
                if cursor.description is None:
                    raise SourceError(f"{self.name}: the query is not a SELECT.")
                names = [column[0] for column in cursor.description]
                check_names(self.name, names)
                for values in cursor:
                    yield dict(zip(names, values, strict=True))
        except sqlite3.Error as error:
            raise SourceError(f"{self.name}: {error}.") from None

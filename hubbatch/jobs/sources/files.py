"""Files as sources of rows: CSV, JSON, Excel, Parquet, SQLite, and standard input.

Standard input can be read only once, so a bad line ends the job when it arrives.
"""

from __future__ import annotations

import csv
import io
import os

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from hubbatch._tables.column_mapping import BadRow, ColumnMapping, InputBuilder
from hubbatch._tables.delimiter import CANDIDATES, declared_delimiter, find_delimiter
from hubbatch._tables.zones import Zone
from hubbatch.errors import ConfigurationError

from .arrow import ParquetSource
from .cell_rows import cell_rows
from .file_source import TextFile, ending_of
from .json_array import JsonArraySource
from .lines import LineParser, check_decoded
from .row_source import Row
from .stdin import StandardInput
from .tables import SqliteSource
from .xlsx import XlsxSource


# HubSpot's limit is 65,536 characters. A longer value should fail its record, but a
# quote that is never closed must not fill the memory.
_LONGEST_FIELD = 16 * 1024 * 1024
_LINES = 500  # that are checked at once
_HEAD = 50  # lines that the delimiter is found in

JSON_LINES = (".jsonl", ".ndjson")


def open_source(
    path: str | os.PathLike[str],
    columns: ColumnMapping,
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    query: str | None = None,
    timezone: str | None = None,
) -> (
    CsvSource
    | JsonLinesSource
    | JsonArraySource
    | XlsxSource
    | ParquetSource
    | SqliteSource
    | StandardInput
):
    """Return the source for a path, by its suffix; `-` is standard input.

    The suffix may be followed by `.gz`, for a file that is compressed by gzip.

    Args:
        path: The file.
        columns: How its columns become inputs.
        encoding: A Python codec, for CSV and JSON.
        delimiter: The delimiter of a CSV, one character. By default it is detected; of
            a `.tsv`, it is a tab.
        query: A SELECT. If set, the file is a SQLite database, whatever its suffix.
        timezone: The time zone of times without one.

    Raises:
        ConfigurationError: If the suffix, the encoding, the delimiter or the time zone
            is unknown; or if pyarrow or openpyxl is missing.
    """
    Zone.find(timezone)  # raises if it is unknown
    source = _open(path, columns, encoding, delimiter, query, timezone)
    # Where times are strings, a job makes them instants when it encodes them.
    source.options = {**source.options, "timezone": timezone}
    return source


def _open(
    path: str | os.PathLike[str],
    columns: ColumnMapping,
    encoding: str,
    delimiter: str | None,
    query: str | None,
    timezone: str | None,
) -> (
    CsvSource
    | JsonLinesSource
    | JsonArraySource
    | XlsxSource
    | ParquetSource
    | SqliteSource
    | StandardInput
):
    ending = ending_of(path)
    if query is not None:
        return SqliteSource(path, query, columns)
    if ending == ".parquet":
        return ParquetSource(path, columns, timezone=timezone)
    if ending == ".xlsx":
        return XlsxSource(path, columns, timezone=timezone)
    if os.fspath(path) == "-":
        return StandardInput(columns, encoding=encoding)
    if ending == ".tsv":
        return CsvSource(path, columns, encoding=encoding, delimiter=delimiter or "\t")
    if ending == ".csv":
        return CsvSource(path, columns, encoding=encoding, delimiter=delimiter)
    if ending == ".json":
        return JsonArraySource(path, columns, encoding=encoding)
    if ending in JSON_LINES:
        return JsonLinesSource(path, columns, encoding=encoding)
    raise ConfigurationError(
        f"{os.fspath(path)}: expected .csv, .tsv, .jsonl, .json, .xlsx or .parquet, "
        "each also with .gz (or - for JSON lines on standard input)"
    )


class CsvSource(TextFile):
    """A CSV file with a header.

    Empty rows are skipped. A row may have fewer cells than the header: a property
    without a cell keeps its value, regardless of `Columns.empty`.

    Args:
        path: The file.
        columns: How its columns become inputs.
        encoding: A Python codec. A byte order mark is skipped.
        delimiter: One character. By default a first line like `sep=;` declares it, or
            else it is found in the first rows: a comma, semicolon, tab or pipe.

    Raises:
        ConfigurationError: If the encoding or the delimiter cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        encoding: str = "utf-8",
        delimiter: str | None = None,
    ) -> None:
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise ConfigurationError(
                f"delimiter must be one character other than a quote, not {delimiter!r}"
            )
        options = {**columns.options(), "delimiter": delimiter}
        super().__init__(path, options, encoding)
        self.columns: ColumnMapping = columns
        self.header: Sequence[str] = ()
        self._delimiter = delimiter

    def _rows(self, lines: io.TextIOBase) -> Iterator[Row]:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
        checked = chain.from_iterable(_checked_blocks(lines, self._encoding))
        reader = _CsvReader(checked, self._delimiter)
        yield from cell_rows(self, reader)


class _CsvReader:
    """Reads a CSV whose delimiter may have to be found in its first lines."""

    def __init__(self, lines: Iterator[str], delimiter: str | None) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._skipped = 0  # the line `sep=;`
        self._rows: Any = None

    @property
    def line_num(self) -> int:
        return self._rows.line_num + self._skipped  # type: ignore[no-any-return] # csv's

    def __iter__(self) -> Iterator[list[str]]:
        if self._rows is None:
            self._rows = self._begin()
        return self._rows  # type: ignore[no-any-return] # csv's

    def _begin(self) -> Any:
        head: list[str] = []
        failure: Exception | None = None
        try:
            head.extend(islice(self._lines, _HEAD))
        except (BadRow, OSError, UnicodeError) as error:
            failure = error  # after the rows that come before it
        declared = declared_delimiter(head[0]) if head else None
        if declared is not None:
            del head[0]
            self._skipped = 1
        delimiter = self._delimiter or declared or find_delimiter(head)
        rest = chain(head, self._lines if failure is None else _raising(failure))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        if self._delimiter is not None:
            _check_delimiter(head, delimiter)
        return reader


def _raising(error: Exception) -> Iterator[str]:
    raise error
    yield ""


def _check_delimiter(head: Iterable[str], delimiter: str) -> None:
    """Check that a delimiter that the caller has set cuts the header."""
    header = next(filter(None, map(str.strip, head)), "")
    if delimiter in header:
        return
    for other in CANDIDATES:
        if other in header:
            raise BadRow(f"one column, {header!r}", option=("delimiter", other))


class LinesFile(TextFile):
    """A file with one JSON value per line. Blank lines are skipped."""

    def _rows(self, lines: io.TextIOBase) -> Iterator[Row]:
        parser = LineParser(self.name, self._builder(), self._encoding)
        for line in lines:
            row = parser.parse(line)
            if row is not None:
                yield row
        parser.end()

    @abstractmethod
    def _builder(self) -> InputBuilder:
        """Return a new builder of inputs."""


class JsonLinesSource(LinesFile):
    """A file with one JSON object per line: flat, or in HubSpot's shape.

    For the verbs that take ids, a line may be a bare id.

    Args:
        path: The file.
        columns: How its fields become inputs.
        encoding: A Python codec. A byte order mark is skipped.

    Raises:
        ConfigurationError: If the encoding is unknown.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        encoding: str = "utf-8",
    ) -> None:
        super().__init__(path, columns.options(), encoding)
        self.columns: ColumnMapping = columns

    def _builder(self) -> InputBuilder:
        return self.columns.of_fields()


def _checked_blocks(lines: io.TextIOBase, encoding: str) -> Iterator[Iterable[str]]:
    """Yield the lines of a file in blocks, and check that each could be decoded.

    A file that cannot be read further still yields the lines before that.
    """
    failure: Exception | None = None
    while failure is None:
        block: list[str] = []
        try:
            block.extend(islice(lines, _LINES))
        except (OSError, UnicodeError) as error:
            failure = error
        if not block:
            break
        if "".join(block).isascii():
            yield block
        else:
            yield _checked(block, encoding)
    if failure is not None:
        raise failure


def _checked(lines: Iterable[str], encoding: str) -> Iterator[str]:
    for line in lines:
        check_decoded(line, encoding)
        yield line

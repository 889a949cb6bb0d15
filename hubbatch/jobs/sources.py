"""Files as sources of rows: CSV, JSON lines, Parquet, SQLite, and standard input.

A file is read twice, row by row: once to the end before anything is sent, to find
invalid lines and to compute the fingerprint, and again to send it. Standard input can
be read only once, so a bad line ends the job when it arrives.
"""

import csv
import hashlib
import io
import os

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from hubbatch._tables.column_mapping import BadRow, ColumnMapping, InputBuilder
from hubbatch._tables.zones import Zone
from hubbatch.errors import ConfigurationError, SourceError

from .arrow import ParquetSource
from .lines import LineParser, check_decoded, codec_of
from .row_source import Row
from .stdin import StandardInput
from .tables import SqliteSource


# HubSpot's limit is 65,536 characters. A longer value should fail its record, but a
# quote that is never closed must not fill the memory.
_LONGEST_FIELD = 16 * 1024 * 1024
_BLOCK = 64 * 1024
_LINES = 500  # that are checked at once
_CSV_PROBLEMS = {"unexpected end of data": "a quote is opened and never closed"}

ENDINGS = (".csv", ".jsonl", ".ndjson")


def open_source(
    path: str | os.PathLike[str],
    columns: ColumnMapping,
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    query: str | None = None,
    timezone: str | None = None,
) -> "CsvSource | JsonLinesSource | ParquetSource | SqliteSource | StandardInput":
    """Return the source for a path, by its suffix; `-` is standard input.

    Args:
        path: The file.
        columns: How its columns become inputs.
        encoding: A Python codec, for CSV and JSON lines.
        delimiter: The delimiter of a CSV, one character.
        query: A SELECT. If set, the file is a SQLite database, whatever its suffix.
        timezone: The time zone of times without one.

    Raises:
        ConfigurationError: If the suffix, the encoding, the delimiter or the time zone
            is unknown; or if pyarrow is missing.
    """
    Zone.find(timezone)  # raises if it is unknown
    ending = Path(path).suffix.lower()
    if query is None and ending == ".parquet":
        return ParquetSource(path, columns, timezone=timezone)
    source: CsvSource | JsonLinesSource | SqliteSource | StandardInput
    if query is not None:
        source = SqliteSource(path, query, columns)
    elif os.fspath(path) == "-":
        source = StandardInput(columns, encoding=encoding)
    elif ending == ".csv":
        source = CsvSource(path, columns, encoding=encoding, delimiter=delimiter)
    elif ending in ENDINGS:
        source = JsonLinesSource(path, columns, encoding=encoding)
    else:
        raise ConfigurationError(
            f"{os.fspath(path)}: expected .csv, .jsonl or .parquet (or - for JSON "
            "lines on standard input)"
        )
    # Its times are strings, which a job makes instants when it encodes them.
    source.options = {**source.options, "timezone": timezone}
    return source


class _File(ABC):
    """A file that can be read as often as needed."""

    def __init__(
        self, path: str | os.PathLike[str], options: Mapping[str, Any], encoding: str
    ) -> None:
        self._path = Path(path)
        self.name: str = str(path)
        self._encoding = codec_of(encoding)
        self.options: Mapping[str, Any] = {**options, "encoding": self._encoding}
        self._scanned: tuple[str, int] | None = None
        self._stamp: tuple[int, int] | None = None  # of the file when it was scanned

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def fingerprint(self) -> str:
        """Read the file to its end; return the SHA-256 of its bytes.

        Raises:
            SourceError: If the file cannot be read, or a line is not a row; names the
                line.
        """
        return self._scan()[0]

    def length(self) -> int:
        """Return the number of rows.

        Raises:
            SourceError: If the file cannot be read, or a line is not a row.
        """
        return self._scan()[1]

    def __iter__(self) -> Iterator[Row]:
        return self._read(lambda _data: None)

    def _scan(self) -> tuple[str, int]:
        stamp = _stamp(self._path)
        if self._scanned is None or stamp != self._stamp:
            self._stamp = stamp
            if self._path.is_fifo():  # the second reading would wait forever
                raise SourceError(
                    f"{self.name}: a pipe, but a file is read twice. Pass JSON lines "
                    "on standard input, as -"
                )
            digest = hashlib.sha256()
            count = sum(1 for _ in self._read(digest.update))
            self._scanned = digest.hexdigest(), count
        return self._scanned

    def _read(self, tap: Callable[[memoryview], object]) -> Iterator[Row]:
        try:
            with _Tapped(self._path, tap) as raw:
                buffered = io.BufferedReader(raw, _BLOCK)
                lines = io.TextIOWrapper(
                    buffered, self._encoding, "surrogateescape", newline=""
                )
                with lines:
                    yield from self._rows(lines)
        except OSError as error:
            raise SourceError(f"{self.name}: {error.strerror or error}.") from None
        except UnicodeError as error:  # surrogateescape fails, as in UTF-16
            raise SourceError(f"{self.name}: not {self._encoding}: {error}.") from None

    @abstractmethod
    def _rows(self, lines: io.TextIOBase) -> Iterator[Row]:
        """Yield the rows of a file's lines."""


class CsvSource(_File):
    """A CSV file with a header.

    Empty rows are skipped. A row may have fewer cells than the header: a property
    without a cell keeps its value, regardless of `Columns.empty`.

    Args:
        path: The file.
        columns: How its columns become inputs.
        encoding: A Python codec. A byte order mark is skipped.
        delimiter: One character.

    Raises:
        ConfigurationError: If the encoding or the delimiter cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        encoding: str = "utf-8",
        delimiter: str = ",",
    ) -> None:
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ConfigurationError(
                f"delimiter must be one character other than a quote, not {delimiter!r}"
            )
        options = {**columns.options(), "delimiter": delimiter}
        super().__init__(path, options, encoding)
        self.columns: ColumnMapping = columns
        self._delimiter = delimiter

    def _rows(self, lines: io.TextIOBase) -> Iterator[Row]:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
        checked = chain.from_iterable(_checked_blocks(lines, self._encoding))
        reader = csv.reader(checked, delimiter=self._delimiter, strict=True)
        index, line = -1, 1
        try:
            header = self._header(reader)
            build = self.columns.of_cells(header)
            index, line, width = 0, reader.line_num + 1, len(header)
            for cells in reader:
                if any(cells):
                    if len(cells) > width:
                        raise _too_many(cells, header)
                    key, item = build(cells)
                    yield Row(index, key, item, line)
                    index += 1
                line = reader.line_num + 1
        except BadRow as error:
            where = f" row {index + 1} (line {line}):" if index >= 0 else ""
            raise SourceError(f"{self.name}:{where} {error}.") from None
        except csv.Error as error:
            where = f"row {index + 1} (line {line})" if index >= 0 else "the header"
            problem = _CSV_PROBLEMS.get(str(error), f"not CSV: {error}")
            raise SourceError(f"{self.name}: {where}: {problem}.") from None

    def _header(self, reader: Iterator[list[str]]) -> list[str]:
        """Return the names of the columns; raise if the delimiter looks wrong."""
        header = next((cells for cells in reader if any(cells)), None)
        if header is None:
            raise BadRow("empty")
        if len(header) == 1:
            for other in ";\t|,":
                if other in header[0] and other != self._delimiter:
                    raise BadRow(
                        f"one column, {header[0]!r}. Use --delimiter {other!r}"
                    )
        return header


class LinesFile(_File):
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


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return a value that changes with a file's content; None if it is missing."""
    try:
        found = path.stat()
    except OSError:  # reading it reports why
        return None
    return found.st_mtime_ns, found.st_size


class _Tapped(io.FileIO):
    """A file that passes its bytes to a function as they are read."""

    def __init__(self, path: Path, tap: Callable[[memoryview], object]) -> None:
        super().__init__(path)
        self._tap = tap

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        if count:
            self._tap(memoryview(buffer)[:count])
        return count


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


def _too_many(cells: list[str], header: list[str]) -> BadRow:
    columns = f"are {len(header)} columns" if len(header) > 1 else "is one column"
    return BadRow(f"{len(cells)} cells, but there {columns}")

"""Files as sources of rows: CSV, JSON lines, standard input.

A file is read twice: once from end to end before anything is sent, which finds what
is not a row and makes the fingerprint, and once to send it. Memory stays flat.
Standard input can be read only once, so there a bad line ends the job when it comes.
"""

import csv
import hashlib
import io
import os

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hubbatch.errors import ConfigurationError, SourceError

from .arrow import ParquetSource
from .column_mapping import BadRow, ColumnMapping, InputBuilder
from .lines import LineParser, check_decoded, codec_of
from .rows import Row
from .stdin import StandardInput
from .tables import SqliteSource


# HubSpot's longest text has 65,536 characters; one that is longer should fail as a
# record, and a quote that is never closed should not take all memory.
_LONGEST_FIELD = 16 * 1024 * 1024
_BLOCK = 64 * 1024
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
    """Choose the source for a path: by its ending, or `-` for standard input.

    With a `query` it is an SQLite database, whatever its name. `timezone` is that of
    the times in a Parquet file which have none.

    Raises:
        ConfigurationError: for a file of another kind, or an unknown encoding; for
            Parquet without its extra; for a time zone that is unknown or has no use.
    """
    ending = Path(path).suffix.lower()
    if timezone is not None and (query is not None or ending != ".parquet"):
        raise ConfigurationError(
            f"{os.fspath(path)}: a time zone is for the times of a Parquet file; here "
            "they are texts, and sent as they are"
        )
    if query is not None:
        return SqliteSource(path, query, columns)
    if ending == ".parquet":
        return ParquetSource(path, columns, timezone=timezone)
    if os.fspath(path) == "-":
        return StandardInput(columns, encoding=encoding)
    if ending == ".csv":
        return CsvSource(path, columns, encoding=encoding, delimiter=delimiter)
    if ending in ENDINGS:
        return JsonLinesSource(path, columns, encoding=encoding)
    raise ConfigurationError(
        f"{os.fspath(path)}: neither .csv nor .jsonl nor .parquet (nor - for JSON "
        "lines on standard input)"
    )


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
        """Read the file to its end, and give the SHA-256 of its bytes.

        Raises:
            SourceError: naming the row or line that cannot be read as one.
        """
        return self._scan()[0]

    def length(self) -> int:
        """Count its rows.

        Raises:
            SourceError: as `fingerprint`.
        """
        return self._scan()[1]

    def __iter__(self) -> Iterator[Row]:
        return self._read(lambda _data: None)

    def _scan(self) -> tuple[str, int]:
        stamp = _stamp(self._path)
        if self._scanned is None or stamp != self._stamp:
            self._stamp = stamp
            if self._path.is_fifo():  # the second time it would be waited for, forever
                raise SourceError(
                    f"{self.name}: a pipe, and a file is read twice. Give JSON lines "
                    "on standard input, as -"
                )
            digest = hashlib.sha256()
            count = sum(1 for _ in self._read(digest.update))
            self._scanned = digest.hexdigest(), count
        return self._scanned

    def _read(self, see: Callable[[memoryview], object]) -> Iterator[Row]:
        try:
            with _Tapped(self._path, see) as raw:
                buffered = io.BufferedReader(raw, _BLOCK)
                text = io.TextIOWrapper(
                    buffered, self._encoding, "surrogateescape", newline=""
                )
                with text:
                    yield from self._rows(text)
        except OSError as error:
            raise SourceError(f"{self.name}: {error.strerror or error}.") from None
        except UnicodeError as error:  # where no byte can be set apart, as in UTF-16
            raise SourceError(f"{self.name}: not {self._encoding}: {error}.") from None

    @abstractmethod
    def _rows(self, text: Iterator[str]) -> Iterator[Row]:
        """Make rows of the lines of a file."""


class CsvSource(_File):
    """A CSV file whose first row names its columns.

    Rows without content are skipped. A row may have fewer cells than the header:
    what is not there is left as it is, whatever `Columns.empty` says.

    Args:
        path: the file.
        columns: what its columns mean.
        encoding: a Python codec; a byte order mark is skipped.
        delimiter: one character.
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
                f"a delimiter is one character, and no quote, not {delimiter!r}"
            )
        options = {**columns.options(), "delimiter": delimiter}
        super().__init__(path, options, encoding)
        self._columns = columns
        self._delimiter = delimiter

    def _rows(self, text: Iterator[str]) -> Iterator[Row]:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
        reader = csv.reader(
            _checked(text, self._encoding), delimiter=self._delimiter, strict=True
        )
        index, line = -1, 1
        try:
            header = self._header(reader)
            shape = self._columns.of_cells(header)
            index, line = 0, reader.line_num + 1
            for cells in reader:
                if any(cells):
                    key, given = shape(_fitting(cells, header))
                    yield Row(index, key, given, line)
                    index += 1
                line = reader.line_num + 1
        except BadRow as error:
            where = f" row {index + 1} (line {line}):" if index >= 0 else ""
            raise SourceError(f"{self.name}:{where} {error}.") from None
        except csv.Error as error:
            where = f"row {index + 1} (line {line})" if index >= 0 else "the header"
            problem = _CSV_PROBLEMS.get(str(error), f"no CSV: {error}")
            raise SourceError(f"{self.name}: {where}: {problem}.") from None

    def _header(self, reader: Iterator[list[str]]) -> list[str]:
        """Take the names of the columns, and see whether they were cut rightly."""
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
    """A file with a JSON value a line; blank lines are skipped, and none is no row."""

    def _rows(self, text: Iterator[str]) -> Iterator[Row]:
        parser = LineParser(self.name, self._builder(), self._encoding)
        for line in text:
            row = parser.parse(line)
            if row is not None:
                yield row
        parser.end()

    @abstractmethod
    def _builder(self) -> InputBuilder:
        """Give what makes inputs of its lines."""


class JsonLinesSource(LinesFile):
    """A file with a JSON object a line: flat, or in HubSpot's shape.

    For the verbs that take ids, a line may be a bare id.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        encoding: str = "utf-8",
    ) -> None:
        super().__init__(path, columns.options(), encoding)
        self._columns = columns

    def _builder(self) -> InputBuilder:
        return self._columns.of_fields()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Give what changes with a file's content; None if nothing can be said of it."""
    try:
        found = path.stat()
    except OSError:  # whoever reads it says why
        return None
    return found.st_mtime_ns, found.st_size


class _Tapped(io.FileIO):
    """A file whose bytes are seen by somebody else too, as they are read."""

    def __init__(self, path: Path, see: Callable[[memoryview], object]) -> None:
        super().__init__(path)
        self._see = see

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        if count:
            self._see(memoryview(buffer)[:count])
        return count


def _checked(lines: Iterator[str], encoding: str) -> Iterator[str]:
    for line in lines:
        check_decoded(line, encoding)
        yield line


def _fitting(cells: list[str], header: list[str]) -> list[str]:
    if len(cells) > len(header):
        columns = f"are {len(header)} columns" if len(header) > 1 else "is one column"
        raise BadRow(f"{len(cells)} cells, but there {columns}")
    return cells

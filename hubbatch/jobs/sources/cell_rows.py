"""The rows of a file of cells with a header: CSV and Excel."""

import csv

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from hubbatch._tables.column_mapping import BadRow, ColumnMapping
from hubbatch.errors import SourceError

from .row_source import Row


_CSV_PROBLEMS = {"unexpected end of data": "a quote is opened and never closed"}


class CellReader(Protocol):
    """Yields the cells of each row, as `csv.reader` does."""

    @property
    def line_num(self) -> int:
        """The line on which the last row ended, from 1."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class CellSource(Protocol):
    """A file of cells.

    Attributes:
        header: The names of its columns, once it has been read.
    """

    name: str
    columns: ColumnMapping
    header: Sequence[str]


def cell_rows(source: CellSource, reader: CellReader) -> Iterator[Row]:
    """Yield the rows of a file of cells; skip empty ones.

    Raises:
        SourceError: If a row is invalid; names the row and the line.
    """
    index, line = -1, 1
    try:
        source.header = header = _header(reader)
        build = source.columns.of_cells(header)
        index, line, width = 0, reader.line_num + 1, len(header)
        for cells in reader:
            if any(cells):
                if len(cells) > width:
                    raise _too_many(cells, header)
                key, item = build(cells)
                yield Row(index, key, item, line, cells=cells)
                index += 1
            line = reader.line_num + 1
    except BadRow as error:
        where = f" row {index + 1} (line {line})" if index >= 0 else ""
        raise error.at(f"{source.name}:{where}".removesuffix(":")) from None
    except csv.Error as error:
        where = f"row {index + 1} (line {line})" if index >= 0 else "the header"
        problem = _CSV_PROBLEMS.get(str(error), f"not CSV: {error}")
        raise SourceError(f"{source.name}: {where}: {problem}.") from None


def _header(reader: CellReader) -> Sequence[str]:
    for cells in reader:
        if any(cells):
            return cells  # type: ignore[no-any-return] # the reader's strings
    raise BadRow("empty")


def _too_many(cells: Sequence[Any], header: Sequence[str]) -> BadRow:
    columns = f"are {len(header)} columns" if len(header) > 1 else "is one column"
    return BadRow(f"{len(cells)} cells, but there {columns}")

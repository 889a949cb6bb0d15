"""Excel workbooks as sources. Needs openpyxl (the extra `xlsx`).

openpyxl reads a sheet row by row in memory that does not grow with it (apart from
Excel's table of distinct strings). Faster readers load the whole sheet first.
"""

import os
import zipfile

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, repeat
from typing import Any
from xml.etree.ElementTree import ParseError

from hubbatch._tables.column_mapping import BadRow, ColumnMapping
from hubbatch._tables.zones import Zone
from hubbatch.errors import ConfigurationError, SourceError

from .cell_rows import cell_rows
from .file_source import FileSource, Tap, unpacked
from .row_source import Row


_BLOCK = 1024 * 1024
# The values that Excel shows where a formula has no result.
_ERRORS = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}
)
_MIDNIGHT = time()
# What openpyxl raises for a file that is not a workbook, or a damaged one.
_NOT_XLSX = (zipfile.BadZipFile, KeyError, ValueError, ParseError, NotImplementedError)


class XlsxSource(FileSource):
    """An Excel workbook with a header and rows on its only sheet.

    A cell is sent as CSV would have it: 512.0 as `512`, a check box as `true`. Dates
    stay dates. A time on a date has no time zone, so it needs `timezone`. A formula is
    sent as the result that Excel has stored for it.

    Args:
        path: The file. Its hidden sheets and those without a row are ignored.
        columns: How its columns become inputs.
        timezone: The time zone of its times, e.g. `UTC`, `Europe/Berlin`.

    Raises:
        ConfigurationError: If openpyxl is missing, or the time zone is unknown.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        timezone: str | None = None,
    ) -> None:
        super().__init__(path, {**columns.options(), "timezone": timezone})
        self.columns: ColumnMapping = columns
        self.header: Sequence[str] = ()
        self._zone = Zone.find(timezone)
        self._openpyxl = need_openpyxl()

    def _file_rows(self, tap: Tap) -> Iterator[Row]:
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK):
                tap(memoryview(block))
        with unpacked(self._path) as content, closing(self._open(content)) as book:
            reader = _SheetReader(self._sheet(book), self.columns, self._zone)
            yield from cell_rows(self, reader)

    def _open(self, content: Any) -> Any:
        try:
            return self._openpyxl.load_workbook(content, read_only=True, data_only=True)
        except _NOT_XLSX as error:
            raise SourceError(f"{self.name}: not an Excel workbook: {error}.") from None

    def _sheet(self, book: Any) -> Any:
        """Return the sheet with the rows.

        Raises:
            SourceError: If several sheets have rows.
        """
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        for sheet in shown:
            # Some programs write too small a size, and rows outside it would be lost.
            sheet.reset_dimensions()
        filled = [sheet for sheet in shown if _has_rows(sheet)]
        if len(filled) > 1:
            names = ", ".join(sheet.title for sheet in filled)
            raise SourceError(
                f"{self.name}: {len(filled)} sheets have rows ({names}). Hide all but "
                "one of them, or save that one as a file of its own"
            )
        return (filled or shown or [None])[0]


class _SheetReader:
    """Yields the rows of a sheet as cells that a CSV would have.

    Attributes:
        line_num: The number of the last row in the sheet.
    """

    def __init__(self, sheet: Any, columns: ColumnMapping, zone: Zone | None) -> None:
        self.line_num: int = 0
        self._rows = iter(() if sheet is None else sheet.iter_rows(values_only=True))
        self._columns = columns
        self._zone = zone
        self._header: list[str] = []
        self._used: set[str] = set()

    def __iter__(self) -> Iterator[list[Any]]:
        return self

    def __next__(self) -> list[Any]:
        values: Sequence[Any] = next(self._rows)
        self.line_num += 1
        if self._header:
            cells = [*map(self._cell, values, chain(self._header, repeat("")))]
            cells += [""] * (len(self._header) - len(cells))
        else:
            cells = ["" if value is None else str(value) for value in values]
        while len(cells) > len(self._header) and cells[-1] == "":
            cells.pop()  # it is only formatted
        if not self._header and cells:
            self._header = cells
            self._used = self._columns.used(cells)
        return cells

    def _cell(self, value: Any, column: str) -> Any:
        if type(value) is str:
            if value in _ERRORS and column in self._used:
                raise BadRow(f'column "{column}": {value}, a formula without a result')
            return value
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, datetime):
            return self._time(value, column)
        return value if isinstance(value, date) else str(value)

    def _time(self, value: datetime, column: str) -> Any:
        if value.time() == _MIDNIGHT:
            return value.date()
        if self._zone is not None:
            return self._zone.localize(value)
        if column in self._used:
            raise BadRow(
                f'column "{column}": {value} has no time zone',
                option=("timezone", "Europe/Berlin"),
            )
        return str(value)


def _number(value: float) -> str:
    """Return a number with the 15 digits that Excel keeps, without an exponent."""
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    return format(Decimal(f"{value:.15g}"), "f")


def _has_rows(sheet: Any) -> bool:
    return any(
        value is not None for row in sheet.iter_rows(values_only=True) for value in row
    )


def need_openpyxl() -> Any:
    """Return openpyxl.

    Raises:
        ConfigurationError: If it is missing.
    """
    try:
        import openpyxl  # noqa: PLC0415 -- an extra
    except ImportError:
        raise ConfigurationError(
            'an Excel file needs openpyxl: pip install "hubbatch[xlsx]"'
        ) from None
    return openpyxl

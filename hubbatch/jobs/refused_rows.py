"""Writes the rows that HubSpot would refuse as the source has them, with the reason.

The file can be corrected and sent like the source: it has the source's columns, and for
a CSV the delimiter and encoding too.
"""

import csv
import io
import os

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from hubbatch._tables.column_mapping import ColumnMapping, InputBuilder, KeyedInput
from hubbatch._wire.endpoints import Operation
from hubbatch.errors import ConfigurationError

from .failure_inputs import input_encoder
from .outputs import check_new
from .row_source import AnySource, Row
from .sinks import is_csv, json_line


REASON = "reason"


class _Original:
    """Keeps the cells or fields of the last row that a source has read.

    Invariant: a source builds one input, yields its row, and then builds the next.
    """

    def __init__(self, columns: ColumnMapping) -> None:
        self._columns = columns
        self.header: Sequence[str] = ()
        self.last: Any = None

    def options(self) -> dict[str, Any]:
        return self._columns.options()

    def used(self, present: Sequence[str]) -> set[str]:
        return self._columns.used(present)

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        build = self._columns.of_cells(header)
        self.header = header

        def keep(cells: Sequence[str]) -> KeyedInput:
            self.last = dict(zip(header, cells, strict=False))
            return build(cells)

        return keep

    def of_fields(self) -> InputBuilder:
        return _KeptFields(self, self._columns.of_fields())


class _KeptFields:
    def __init__(self, original: _Original, builder: InputBuilder) -> None:
        self._original = original
        self._builder = builder
        self.doubted: bool = False

    @property
    def unseen(self) -> Sequence[str]:
        return self._builder.unseen

    def build(self, value: object) -> KeyedInput:
        self._original.last = value
        built = self._builder.build(value)
        self.doubted = self._builder.doubted
        return built


class RefusedRows:
    """A file of refused rows: their columns, and then `reason`.

    Args:
        path: The file, `.csv` or `.jsonl`. It must not exist.
        source: The source of the rows.
        operation: The call to make with them.

    Attributes:
        source: The source to read instead.

    Raises:
        ConfigurationError: If the file exists, or has another suffix.
    """

    def __init__(
        self, path: str | os.PathLike[str], source: AnySource, operation: Operation
    ) -> None:
        self._path = Path(path)
        self._csv = is_csv("output", self._path)
        check_new(self._path)
        self._original: _Original | None = None
        self._to_json = input_encoder(
            operation, legacy=operation.call.api.name == "legacy"
        )
        options = source.options
        self._delimiter: str = options.get("delimiter") or ","
        self._encoding: str = options.get("encoding") or "utf-8"
        self._columns: list[str] = []
        self._file: io.TextIOWrapper | None = None
        columns = getattr(source, "columns", None)
        if columns is not None:
            source = copy(source)
            self._original = _Original(columns)
            source.columns = self._original  # type: ignore[union-attr] # it has some
        self.source: AnySource = source

    def write(self, row: Row, reasons: Sequence[str]) -> None:
        """Write one row.

        Raises:
            ConfigurationError: If a CSV has no column for one of its fields.
        """
        if self._original is None:
            fields = self._to_json(row.input)
        else:
            fields = self._original.last
        if not isinstance(fields, Mapping):  # a bare id
            fields = {"id": fields}
        fields = {**fields, REASON: "; ".join(reasons)}
        if self._csv:
            self._write_cells(fields)
        else:
            self._opened().write(json_line(fields).decode())

    def _write_cells(self, fields: Mapping[str, Any]) -> None:
        lines = csv.writer(
            self._opened(), delimiter=self._delimiter, lineterminator="\n"
        )
        if not self._columns:
            header = self._original.header if self._original is not None else ()
            names = dict.fromkeys(header or fields)
            self._columns = [*(name for name in names if name != REASON), REASON]
            lines.writerow(self._columns)
        others = [name for name in fields if name not in self._columns]
        if others or any(isinstance(cell, Mapping | list) for cell in fields.values()):
            raise ConfigurationError(
                f"{self._path}: not all refused rows have the same columns, so a CSV "
                "cannot have them. Use a .jsonl"
            )
        cells = (fields.get(name) for name in self._columns)
        lines.writerow("" if cell is None else cell for cell in cells)

    def _opened(self) -> io.TextIOWrapper:
        if self._file is None:
            # A private file: it has the values of records.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            descriptor = os.open(self._path, flags, 0o600)
            encoding = self._encoding if self._csv else "utf-8"
            self._file = os.fdopen(
                descriptor, "w", encoding=encoding, errors="replace", newline=""
            )
        return self._file

    def close(self) -> None:
        """Close the file. Without a refused row there is none."""
        if self._file is not None:
            self._file.close()

"""A table of the rows that did not succeed, to be fixed in a spreadsheet and replayed.

It has the columns of the source, unchanged, and two more: `reason`, for people, and
`hubbatch`, in which `replay` finds the call.
"""

import os

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from hubbatch._outcomes.outcome import Outcome, OutcomeStatus
from hubbatch._tables.column_mapping import (
    CALL_COLUMN,
    Columns,
    added_columns,
    reason_column,
)
from hubbatch._wire.endpoints import Operation
from hubbatch.errors import ConfigurationError, RecordError
from hubbatch.jobs.sources.row_source import Row

from .sinks import csv_lines


# Excel takes a CSV without it for one in the local encoding.
_MARK = b"\xef\xbb\xbf"


class RowsToFix:
    """Writes a CSV with the rows of the source that did not succeed.

    Attributes:
        portal_id: The account's id, once it is known.
    """

    name: str = "failures"

    def __init__(
        self, path: str | os.PathLike[str], operation: Operation, source: Any
    ) -> None:
        self.path: Path = Path(path)
        self.portal_id: int | None = None
        columns = getattr(source, "columns", None)
        known = isinstance(columns, Columns) and hasattr(source, "header")
        if not (known or hasattr(source, "written_columns")):
            raise ConfigurationError(
                f"{self.path}: only the rows of a .csv, .tsv or .xlsx with records can "
                "be written as a table. Name a .jsonl"
            )
        self._source = source
        self._operation = operation

    def __repr__(self) -> str:
        return f"<RowsToFix {str(self.path)!r}>"

    def begin(self, first_line: bytes | None) -> bytes:
        """Return the header of a new file."""
        if first_line is not None:
            return b""
        header = [self._source.header[place] for place in self._kept]
        return _MARK + csv_lines([[*header, reason_column(header), CALL_COLUMN]])

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Return the line of a row that did not succeed."""
        if outcome.status is OutcomeStatus.SUCCEEDED:
            return b""
        return self.line(row, str(outcome.status), _reason(outcome.error))

    def encode_successes(
        self,
        outcomes: Sequence[Outcome[Any]],  # noqa: ARG002 -- as sinks do
        rows: Sequence[Row],  # noqa: ARG002
    ) -> bytes:
        """Return nothing."""
        return b""

    def line(self, row: Row, status: str, reason: str) -> bytes:
        """Return the line of a row with the reason why it did not succeed."""
        cells = row.cells or ()
        kept = [cells[place] if place < len(cells) else "" for place in self._kept]
        call = msgspec.json.encode({"status": status, **self._call})
        return csv_lines([[*kept, reason, call.decode()]])

    @cached_property
    def _kept(self) -> list[int]:
        """The places of the columns, without those of an earlier table to fix."""
        header = self._source.header
        added = added_columns(header)
        return [place for place, name in enumerate(header) if name not in added]

    @cached_property
    def _call(self) -> Mapping[str, Any]:
        source, operation = self._source, self._operation
        # A replayed table has the options of the job that wrote it.
        columns: Columns = getattr(source, "written_columns", source.columns)
        fields = {
            "operation": columns.verb,
            "object_type": operation.object_type,
            "portal": self.portal_id,
            "id_property": columns.id_property,
            "properties": operation.properties,
            "legacy": columns.legacy,
            "id_column": columns.id_column,
            "empty": columns.empty,
            "reconcile_by": columns.reconcile_by,
            "mapped": columns.properties,
            "append": columns.append,
        }
        return {name: value for name, value in fields.items() if value}


def _reason(error: RecordError | None) -> str:
    """Return the message of an error, after the name of its property."""
    if error is None:
        return ""
    message = " ".join(error.message.split())
    name = error.property_name
    return message if name is None or name in message else f"{name}: {message}"

"""A table of rows to fix as a source; see `RowsToFix`."""

import os

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast, get_args

import msgspec

from hubbatch._tables.column_mapping import (
    CALL_COLUMN,
    BadRow,
    Columns,
    InputBuilder,
    JobVerb,
    KeyedInput,
)
from hubbatch.errors import SourceError

from .failures_source import FailedCall, check_doubted, check_same_call
from .files import CsvSource
from .row_source import Row


class FailuresTable(CsvSource):
    """A table of rows to fix, as a source: edited or unchanged, in any order.

    Args:
        path: The file.
        encoding: A Python codec.
        delimiter: One character; by default it is detected, as programs change it.
        reconcile_by: As for `FailuresSource`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        reconcile_by: str | None = None,
    ) -> None:
        self._fixed = _FixedRows(reconcile_by)
        super().__init__(path, self._fixed, encoding=encoding, delimiter=delimiter)
        self.last_doubted: int | None = None

    def call(self) -> FailedCall:
        """Read the file to its end, and return the call that its rows belong to.

        Raises:
            SourceError: If it is not such a table, or its rows belong to different
                calls.
        """
        self.fingerprint()
        if self._fixed.call is None:
            raise SourceError(f"{self.name}: empty.")
        return self._fixed.call

    @property
    def written_columns(self) -> Columns:
        """The options of the job that wrote it, once it has been read."""
        return self._fixed.written

    def _rows(self, lines: Any) -> Iterator[Row]:
        for row in super()._rows(lines):
            row.doubted = self._fixed.doubted
            if row.doubted:
                self.last_doubted = row.index
            yield row


class _FixedRows:
    """Converts rows by the options of the job that wrote them."""

    def __init__(self, reconcile_by: str | None) -> None:
        self.call: FailedCall | None = None
        self.doubted: bool = False
        self._reconcile_by = reconcile_by
        self.written = Columns(verb="create")

    def options(self) -> dict[str, Any]:
        return {"replay": True}

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        if CALL_COLUMN not in header:
            raise BadRow(
                f'no column "{CALL_COLUMN}", so this is not a table of rows to fix. '
                "To send it as any other file, use the command of its verb"
            )
        at = header.index(CALL_COLUMN)
        builders: dict[str, Any] = {}

        def build(cells: Sequence[str]) -> KeyedInput:
            written = cells[at] if at < len(cells) else ""
            if written not in builders:
                builders[written] = self._builder(written, header)
            make, self.doubted = builders[written]
            return make(cells)  # type: ignore[no-any-return] # a key and an input

        return build

    def of_fields(self) -> InputBuilder:
        raise NotImplementedError  # it is a CSV

    def used(self, present: Sequence[str]) -> set[str]:
        return self.written.used(present)

    def _builder(self, written: str, header: Sequence[str]) -> tuple[Any, bool]:
        """Return what builds the rows of a call, and whether they are doubted."""
        call, self.written, status = _parsed(written)
        self.call = check_same_call(call, self.call)
        doubted = check_doubted(call, status, self._reconcile_by)
        return self.written.of_cells(header), doubted


def _parsed(written: str) -> tuple[FailedCall, Columns, str]:
    try:
        known = msgspec.json.decode(written)
        call = FailedCall(
            verb=cast("JobVerb", known["operation"]),
            object_type=str(known["object_type"]),
            portal=known.get("portal"),
            id_property=known.get("id_property"),
            properties=tuple(known.get("properties", ())),
            legacy=known.get("legacy") is True,
        )
        if call.verb not in get_args(JobVerb):
            raise ValueError(call.verb)  # noqa: TRY301 -- as for any other content
        columns = Columns(
            verb=call.verb,
            id_column=known.get("id_column"),
            id_property=call.id_property,
            properties=known.get("mapped"),
            empty=known.get("empty", "skip"),
            legacy=call.legacy,
            reconcile_by=known.get("reconcile_by"),
            append=known.get("append"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadRow(
            f'its column "{CALL_COLUMN}" was changed. Copy it from another row of the '
            "file, or delete the row"
        ) from None
    return call, columns, str(known.get("status"))

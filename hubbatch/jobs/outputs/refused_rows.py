"""Writes the rows that a check found errors in, like the failures of a job.

A `.csv` has the columns of the source and the reason, a `.jsonl` the inputs. Both can
be corrected and sent with `replay`.
"""

import os

from collections.abc import Sequence
from io import FileIO

from hubbatch._outcomes.outcome import OutcomeStatus, unsuccessful
from hubbatch._wire.endpoints import Operation
from hubbatch.errors import RecordInvalid
from hubbatch.jobs.options import make_sink
from hubbatch.jobs.sources.row_source import AnySource, Row

from .output_files import Output


class RefusedRows:
    """A file of rows with errors; without one, there is no file.

    Args:
        path: The file, `.csv` or `.jsonl`. It must not exist.
        source: The source of the rows.
        operation: The call to make with them.

    Raises:
        ConfigurationError: If the file exists, or cannot have rows of this source.
    """

    def __init__(
        self, path: str | os.PathLike[str], source: AnySource, operation: Operation
    ) -> None:
        legacy = operation.call.api.name == "legacy"
        self._sink = make_sink(
            "failures", path, operation, legacy=legacy, source=source
        )
        self._call = operation.call
        Output(self._sink).check_new()
        self._file: FileIO | None = None

    def write(self, row: Row, reasons: Sequence[str]) -> None:
        """Write one row."""
        if self._file is None:
            # A private file: it has the values of records.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            descriptor = os.open(self._sink.path, flags, 0o600)
            self._file = os.fdopen(descriptor, "wb", buffering=0)
            self._file.write(self._sink.begin(None))
        error = RecordInvalid(
            "; ".join(reasons), category="VALIDATION_ERROR", origin="hubbatch"
        )
        outcome = unsuccessful(
            self._call, row.index, row.input, error, OutcomeStatus.FAILED
        )
        self._file.write(self._sink.encode(outcome, row))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

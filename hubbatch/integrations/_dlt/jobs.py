"""Runs a dlt load job as a hubbatch job: one file of rows, with its own journal.

dlt reruns a load job that was interrupted; the journal makes that safe.
"""

import hashlib
import logging

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from attrs import define, field, frozen

from hubbatch._tables.column_mapping import BadRow
from hubbatch._tables.zones import Zone
from hubbatch.client import HubBatch
from hubbatch.errors import (
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    LoadFailed,
    OverloadedError,
    without_stop,
)
from hubbatch.jobs.job import Job
from hubbatch.jobs.job_report import JobReport, describe_end
from hubbatch.jobs.sources.arrow import ParquetSource
from hubbatch.jobs.sources.row_source import Row

from .tables import Table, TableColumns


_logger = logging.getLogger("hubbatch")

# After these errors the same load may succeed later; after any other, something has to
# be changed first.
_TEMPORARY = (DailyLimitReached, HubSpotUnavailable, OverloadedError)

ReadRows = Callable[[Path], Iterator[Mapping[str, Any]]]


@frozen
class LoadFiles:
    """The files of one load job: its journal, results and failures.

    Attributes:
        folder: The folder for all jobs of its load.
        name: The prefix of their names: the table, and dlt's id of the file.
    """

    folder: Path
    name: str

    @classmethod
    def of(cls, outcomes: Path, load_id: str, path: Path) -> "LoadFiles":
        """Return the files that belong to a file that dlt wants to load."""
        # TABLE.FILE_ID.RETRY_COUNT.FORMAT: the retry count changes.
        table, file_id, *_ = path.name.split(".")
        return cls(outcomes / load_id, f"{table}.{file_id}")

    def make_folder(self) -> None:
        """Create the folder, accessible by its owner only."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def journal(self) -> Path:
        """The journal of the job."""
        return self.folder / f"{self.name}.db"

    @property
    def results(self) -> Path:
        """The file with one line per row that succeeded."""
        return self.folder / f"{self.name}.results.jsonl"

    @property
    def failures(self) -> Path:
        """The file with one line per row that did not succeed."""
        return self.folder / f"{self.name}.failures.jsonl"


@define
class LoadSource:
    """The rows of a JSON lines file from dlt.

    Attributes:
        path: The file.
        columns: How to convert its columns to inputs.
        read: Returns an iterator of its rows.
        timezone: The time zone for times without one.
    """

    path: Path
    columns: TableColumns
    read: ReadRows
    timezone: str | None = None
    name: str = field(init=False)
    options: Mapping[str, Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.name = self.path.name
        self.options = {**self.columns.options(), "timezone": self.timezone}

    def fingerprint(self) -> str:
        """Return the SHA-256 of its bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def __iter__(self) -> Iterator[Row]:
        builder, zone = self.columns.of_fields(), Zone.find(self.timezone)
        for index, record in enumerate(self.read(self.path)):
            try:
                key, item = builder.build(zone.localize(record) if zone else record)
            except BadRow as error:
                raise error.at(f"{self.name}: row {index + 1}") from None
            yield Row(index, key, item)


@frozen(kw_only=True)
class Load:
    """One load job.

    Attributes:
        table: The table of its rows, and the call to make with them.
        path: The file that dlt has written: JSON lines or Parquet.
        read: Returns an iterator of the rows of a JSON lines file.
        files: The files to write outcomes to.
        client: The arguments of `HubBatch`.
        options: The other arguments of `Job`, such as `max_failures`.
    """

    table: Table
    path: Path
    read: ReadRows
    files: LoadFiles
    client: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any]

    async def run(self, began: Callable[[Job], object] = lambda _: None) -> JobReport:
        """Send the rows that have not been sent yet.

        Args:
            began: Called with the job, so that the caller can stop it.

        Raises:
            LoadFailed: If rows are left; its message says why.
        """
        try:
            async with HubBatch(**self.client) as hub:
                job = self._job(hub)
                began(job)
                report = await job.run()
        except HubBatchError as error:
            raise self._failed(error) from None
        if report.ended == "stopped":
            raise LoadFailed(f"{self.files.name}: stopped before the end", passing=True)
        if report.error is not None:
            raise self._failed(report.error)
        self._log_failures(report)
        return report

    def _job(self, hub: HubBatch) -> Job:
        table, files, zone = self.table, self.files, self.table.timezone
        files.make_folder()
        if self.path.suffix == ".parquet":
            source: Any = ParquetSource(self.path, table.columns, timezone=zone)
        else:
            source = LoadSource(self.path, table.columns, self.read, zone)
        try:
            return Job(
                hub,
                table.verb,
                table.object_type,
                source,
                id_property=table.id_property,
                reconcile_by=table.reconcile_by,
                journal=files.journal,
                results=files.results,
                failures=files.failures,
                **self.options,
            )
        except ValueError as error:  # an invalid object type or share
            raise ConfigurationError(str(error)) from None

    def _failed(self, error: HubBatchError) -> LoadFailed:
        # Not the message of TooManyFailures, which may quote a value: dlt writes this
        # to its logs.
        name, message = describe_end(error)
        return LoadFailed(
            f"table {self.table.name!r}: {name}: {without_stop(message or '')}. The "
            f"rows that did not succeed until then are in {self.files.failures}",
            passing=isinstance(error, _TEMPORARY),
        )

    def _log_failures(self, report: JobReport) -> None:
        failed = report.inputs - report.succeeded
        if failed:
            _logger.warning(
                "table %s: %d of %d rows did not succeed: see %s",
                self.table.name,
                failed,
                report.inputs,
                self.files.failures,
            )


def outcome_rows(
    outcomes: Path, kind: str, load_ids: Collection[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the outcomes of rows, with their load, table and file.

    Args:
        outcomes: The folder.
        kind: `failures` or `results`.
        load_ids: The loads; None for all.
    """
    for path in sorted(outcomes.glob(f"*/*.{kind}.jsonl")):
        load_id = path.parent.name
        if load_ids is not None and load_id not in load_ids:
            continue
        table, file_id, *_ = path.name.split(".")
        of_file = {"load_id": load_id, "table_name": table, "file_id": file_id}
        with path.open("rb") as file:
            for line in file:
                # A killed process may have written half a line.
                if line.endswith(b"\n"):
                    yield {**of_file, **_flat(msgspec.json.decode(line))}


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    error = line.pop("error", None) or {}
    return {**line, **error}

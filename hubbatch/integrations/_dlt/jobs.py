"""A load job of dlt as a job of ours: one file of rows, with a journal of its own.

dlt runs a load job again whenever it was interrupted; the journal is what makes that
safe. It does not import dlt.
"""

import hashlib
import logging

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from attrs import define, field, frozen

from hubbatch.client import HubBatch
from hubbatch.errors import (
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    LoadFailed,
    OverloadedError,
    SourceError,
)
from hubbatch.jobs.arrow import ParquetSource
from hubbatch.jobs.column_mapping import BadRow
from hubbatch.jobs.job import Job
from hubbatch.jobs.job_report import JobReport, ending
from hubbatch.jobs.rows import Row
from hubbatch.jobs.zones import Zone

from .tables import Table, TableColumns


_logger = logging.getLogger("hubbatch")

# After these the same may go on; anything else wants somebody to change something.
_PASSING = (DailyLimitReached, HubSpotUnavailable, OverloadedError)

ReadRows = Callable[[Path], Iterator[Mapping[str, Any]]]


@frozen
class LoadFiles:
    """The files of one load job: its journal, and what became of its rows.

    Attributes:
        folder: where those of all its load's jobs are.
        name: what they begin with: the table, and dlt's id of the file.
    """

    folder: Path
    name: str

    @classmethod
    def of(cls, outcomes: Path, load_id: str, path: Path) -> "LoadFiles":
        """Name the files that belong to a file that dlt wants to be loaded."""
        # TABLE.FILE_ID.RETRY_COUNT.FORMAT: the retry count changes.
        table, file_id, *_ = path.name.split(".")
        return cls(outcomes / load_id, f"{table}.{file_id}")

    def make_folder(self) -> None:
        """Make the folder, for nobody else to look into."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def journal(self) -> Path:
        """What has left, and what became of it."""
        return self.folder / f"{self.name}.db"

    @property
    def results(self) -> Path:
        """A line for every row that succeeded."""
        return self.folder / f"{self.name}.results.jsonl"

    @property
    def failures(self) -> Path:
        """A line for every row that did not."""
        return self.folder / f"{self.name}.failures.jsonl"


@define
class LoadSource:
    """The rows of a file of dlt's, as often as they are asked for.

    Attributes:
        path: the file.
        columns: what its columns mean.
        read: gives its rows.
        timezone: the time zone of times that have none.
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
        """Give the SHA-256 of its bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def __iter__(self) -> Iterator[Row]:
        builder, zone = self.columns.of_fields(), Zone.find(self.timezone)
        for index, record in enumerate(self.read(self.path)):
            try:
                key, given = builder.build(zone.localize(record) if zone else record)
            except BadRow as error:
                raise SourceError(f"{self.name}: row {index + 1}: {error}.") from None
            yield Row(index, key, given)


@frozen(kw_only=True)
class Load:
    """One load job.

    Attributes:
        table: what is done with the rows.
        path: the file that dlt has made of them: JSON lines, or Parquet.
        read: reads the rows of its JSON lines.
        files: where it is written down what became of them.
        client: how `HubBatch` is made.
        options: of the `Job`, such as `max_failures`.
    """

    table: Table
    path: Path
    read: ReadRows
    files: LoadFiles
    client: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any]

    async def run(self, began: Callable[[Job], object] = lambda _: None) -> JobReport:
        """Send the rows that were not sent yet.

        `began` is called with the job, which can be stopped by it.

        Raises:
            LoadFailed: if rows are left; what there is to know is in its message.
        """
        try:
            async with HubBatch(**self.client) as hub:
                job = self._job(hub)
                began(job)
                report = await job.run()
        except HubBatchError as error:
            raise self._failed(error) from None
        if report.ended == "stopped":
            raise LoadFailed(f"{self.files.name}: stopped before its end", passing=True)
        if report.error is not None:
            raise self._failed(report.error)
        self._tell(report)
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
        except ValueError as error:  # a type that is none, a share that is none
            raise ConfigurationError(str(error)) from None

    def _failed(self, error: HubBatchError) -> LoadFailed:
        # Of too many failures not its own text, which may quote a value: dlt writes
        # this into its logs.
        name, told = ending(error)
        return LoadFailed(
            f"table {self.table.name!r}: {name}: {told}; what did not succeed until "
            f"then is in {self.files.failures}",
            passing=isinstance(error, _PASSING),
        )

    def _tell(self, report: JobReport) -> None:
        lost = report.inputs - report.succeeded
        if lost:
            _logger.warning(
                "table %s: %d of %d rows did not succeed: see %s",
                self.table.name,
                lost,
                report.inputs,
                self.files.failures,
            )


def outcome_rows(
    outcomes: Path, kind: str, load_ids: Collection[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Read back what became of rows: of all loads, or of some.

    Args:
        outcomes: the folder.
        kind: `failures` or `results`.
        load_ids: of which loads; of all, if None.
    """
    for path in sorted(outcomes.glob(f"*/*.{kind}.jsonl")):
        load_id = path.parent.name
        if load_ids is not None and load_id not in load_ids:
            continue
        table, file_id, *_ = path.name.split(".")
        of_file = {"load_id": load_id, "table_name": table, "file_id": file_id}
        with path.open("rb") as file:
            for line in file:
                # A process that was killed may have left half a line.
                if line.endswith(b"\n"):
                    yield {**of_file, **_flat(orjson.loads(line))}


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    error = line.pop("error", None) or {}
    return {**line, **error}

"""Bulk migrations: durable, resumable jobs from a source to HubSpot.

    from hubbatch.jobs import Job

    job = Job(hub, "upsert", "tickets", "rows.csv", id_property="ref", journal="run.db")
    report = await job.run()

Jobs with a journal need the extra `jobs` (`pip install 'hubbatch[jobs]'`).
"""

from hubbatch._public import publish as _publish
from hubbatch._tables.column_mapping import (
    ColumnMapping,
    Columns,
    InputBuilder,
    JobVerb,
    KeyedInput,
)
from hubbatch._wire.calls import Operation
from hubbatch.errors import CheckFailed, SourceError, WhereError

from .checks.check import CheckReport, Finding, check
from .checks.dry_run import Rehearsal, rehearse
from .checks.schema import Schema, ask_schema, read_schema, write_schema
from .export import Export
from .job import Job
from .job_report import JobReport
from .outputs.output_files import BlockSink, Sink, SinkOrPath
from .outputs.parquet import write_parquet
from .outputs.sinks import Failures, Pairs, Records, Results
from .report.report_file import write_report
from .sources.arrow import ArrowSource, ParquetSource
from .sources.failures_source import FailedCall, FailuresSource
from .sources.files import CsvSource, JsonLinesSource, open_source
from .sources.id_map import IdMap
from .sources.json_array import JsonArraySource
from .sources.merge_columns import MergeColumns
from .sources.pairs import PairColumns, by_label, find_type
from .sources.row_source import AnySource, AsyncRowIterable, Row, RowIterable, Source
from .sources.stdin import StandardInput
from .sources.tables import SqliteSource
from .sources.xlsx import XlsxSource
from .status import JobStatus, read_status
from .where import Where


__all__ = [
    "AnySource",
    "ArrowSource",
    "AsyncRowIterable",
    "BlockSink",
    "CheckFailed",
    "CheckReport",
    "ColumnMapping",
    "Columns",
    "CsvSource",
    "Export",
    "FailedCall",
    "Failures",
    "FailuresSource",
    "Finding",
    "IdMap",
    "InputBuilder",
    "Job",
    "JobReport",
    "JobStatus",
    "JobVerb",
    "JsonArraySource",
    "JsonLinesSource",
    "KeyedInput",
    "MergeColumns",
    "Operation",
    "PairColumns",
    "Pairs",
    "ParquetSource",
    "Records",
    "Rehearsal",
    "Results",
    "Row",
    "RowIterable",
    "Schema",
    "Sink",
    "SinkOrPath",
    "Source",
    "SourceError",
    "SqliteSource",
    "StandardInput",
    "Where",
    "WhereError",
    "XlsxSource",
    "ask_schema",
    "by_label",
    "check",
    "find_type",
    "open_source",
    "read_schema",
    "read_status",
    "rehearse",
    "write_parquet",
    "write_report",
    "write_schema",
]

_publish(__name__)

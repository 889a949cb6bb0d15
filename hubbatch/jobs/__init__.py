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

from .arrow import ArrowSource, ParquetSource
from .check import CheckReport, Finding, check
from .dry_run import Rehearsal, rehearse
from .export import Export
from .failures_source import FailedCall, FailuresSource
from .id_map import IdMap
from .job import Job
from .job_report import JobReport
from .json_array import JsonArraySource
from .merge_columns import MergeColumns
from .outputs import BlockSink, Sink, SinkOrPath
from .pairs import PairColumns, by_label, find_type
from .parquet import write_parquet
from .report import write_report
from .row_source import AnySource, AsyncRowIterable, Row, RowIterable, Source
from .schema import Schema, ask_schema, read_schema, write_schema
from .sinks import Failures, Pairs, Records, Results
from .sources import CsvSource, JsonLinesSource, open_source
from .status import JobStatus, read_status
from .stdin import StandardInput
from .tables import SqliteSource
from .where import Where
from .xlsx import XlsxSource


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

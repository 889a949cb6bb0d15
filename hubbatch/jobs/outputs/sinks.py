"""The output files of a job: results, failures, and the records of a read.

A sink only formats outcomes as bytes; an `Output` does the IO.
"""

import csv
import os

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import msgspec

from hubbatch._outcomes.outcome import Outcome, OutcomeStatus
from hubbatch._wire.endpoints import Operation
from hubbatch._wire.records import unstructure
from hubbatch.errors import ConfigurationError, RecordError
from hubbatch.jobs.sources.row_source import Row
from hubbatch.models import LegacyProperty, MultiAssociatedObjectWithLabel

from .failure_inputs import input_encoder


_JSON_LINES = (".jsonl", ".ndjson")
_SUCCEEDED = OutcomeStatus.SUCCEEDED


class _Table:
    """A file with columns: CSV with a header, or JSON lines.

    Attributes:
        columns: The columns of every line, if known beforehand.
    """

    name: str
    columns: Sequence[str]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._csv = is_csv(self.name, self.path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}>"

    def begin(self, first_line: bytes | None) -> bytes:
        """Return the header of a new CSV; check the header of an existing one."""
        header = csv_lines([self.columns]) if self._csv else b""
        if first_line is None:
            return header
        if header and first_line.removeprefix(b"\xef\xbb\xbf").rstrip() != (
            header.rstrip()
        ):
            raise ConfigurationError(
                f"{self.path}: its columns are not those of this job. Use another file"
            )
        return b""


class Results(_Table):
    """Writes a line per success: `index`, `input_id`, `id`, `new`.

    `new` is whether an upsert created the record. It is empty if HubSpot does not
    report it, or if an earlier attempt may have created the record. A JSON line also
    has `warnings`, the number of HubSpot's warnings, if there are any.

    Args:
        path: The file.
        flag: The last column, a field of the results. For changes of a list it is
            `changed`: whether the record was added or removed.
    """

    name: str = "results"

    def __init__(self, path: str | os.PathLike[str], *, flag: str = "new") -> None:
        super().__init__(path)
        self._flag = flag
        self.columns: Sequence[str] = ("index", "input_id", "id", flag)

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Return the line of a success; nothing for any other outcome."""
        if outcome.status is not _SUCCEEDED:
            return b""
        return self.encode_successes((outcome,), (row,))

    def encode_successes(
        self, outcomes: Sequence[Outcome[Any]], rows: Sequence[Row]
    ) -> bytes:
        """Return the lines of successes."""
        if not self._csv:
            return json_lines(map(self._fields, outcomes, rows))
        return csv_lines(
            (
                row.index,
                row.key or "",
                outcome.id or "",
                _CELLS[getattr(outcome.result, self._flag, None)],
            )
            for outcome, row in zip(outcomes, rows, strict=True)
        )

    def _fields(self, outcome: Outcome[Any], row: Row) -> dict[str, Any]:
        fields = {
            "index": row.index,
            "input_id": row.key,
            "id": outcome.id,
            self._flag: getattr(outcome.result, self._flag, None),
        }
        if getattr(outcome.result, "warnings", None):
            fields["warnings"] = len(outcome.warnings)
        return fields


class Records(_Table):
    """Writes the records that were read.

    The format is JSON lines in HubSpot's own shape, or a CSV with the columns `id` and
    the properties, which an update can read. If properties were requested, others are
    dropped: HubSpot also returns some that cannot be written.
    """

    name: str = "output"

    def __init__(self, path: str | os.PathLike[str], operation: Operation) -> None:
        super().__init__(path)
        if operation.call.writes:
            raise ConfigurationError(
                f"{self.path}: only a read has output. Use results for the verb "
                f"{operation.call.verb}."
            )
        self._properties = [
            name
            for name in operation.asked_properties
            # It is requested only to match a contact by any of its addresses.
            if name != "hs_additional_emails" or name in operation.properties
        ]
        if self._csv and not self._properties:
            raise ConfigurationError(
                f"{self.path}: the columns of a CSV must be known before its first "
                "record. Name them with --property, or write a .jsonl"
            )
        self.columns: Sequence[str] = ("id", *self._properties)

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Return the line of a record that was found."""
        if outcome.result is None:
            return b""
        return self.encode_successes((outcome,), (row,))

    def encode_successes(
        self,
        outcomes: Sequence[Outcome[Any]],
        rows: Sequence[Row],  # noqa: ARG002 -- as sinks do
    ) -> bytes:
        """Return the lines of records that were found."""
        if self._csv:
            return csv_lines(self._cells(one.id, one.result) for one in outcomes)
        return json_lines(
            self._asked(unstructure(outcome.result)) for outcome in outcomes
        )

    def _cells(self, record_id: str | None, record: Any) -> Iterator[object]:
        yield record_id
        for name in self._properties:
            value = record.properties.get(name)
            if isinstance(value, LegacyProperty):
                value = value.value
            yield "" if value is None else value

    def _asked(self, record: dict[str, Any]) -> dict[str, Any]:
        """Drop the properties that were not requested; most of them are read-only."""
        if not self._properties:
            return record
        properties = record["properties"]
        kept = {
            name: properties[name] for name in self._properties if name in properties
        }
        return {**record, "properties": kept}


class Pairs(_Table):
    """Writes a line for each associated record: `from_id`, `to_id`, `labels`.

    Several labels of an association are separated by `;`.
    """

    name: str = "output"
    columns: Sequence[str] = ("from_id", "to_id", "labels")

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:  # noqa: ARG002 -- as sinks do
        """Return the lines of a record; none if it has no associations."""
        found = outcome.result
        if found is None:
            return b""
        lines = [self._cells(found.from_, other) for other in found.to]
        if self._csv:
            return csv_lines(lines)
        return json_lines(dict(zip(self.columns, line, strict=True)) for line in lines)

    def _cells(
        self, from_id: str, other: MultiAssociatedObjectWithLabel
    ) -> tuple[str, str, str]:
        labels = [kind.label for kind in other.association_types if kind.label]
        return from_id, other.to_object_id, ";".join(labels)


class Failures:
    """Writes a JSON line for every row that did not succeed, to edit and send again.

    In addition to the row's outcome it has the account and the call, which `replay`
    needs.

    Attributes:
        portal_id: The account's id, once it is known.
    """

    name: str = "failures"

    def __init__(
        self, path: str | os.PathLike[str], operation: Operation, *, legacy: bool
    ) -> None:
        self.path: Path = Path(path)
        self.portal_id: int | None = None
        if self.path.suffix.lower() not in _JSON_LINES:
            raise ConfigurationError(f"{self.path}: {self.name} must be .jsonl")
        self._call = {
            "operation": operation.call.verb,
            "object_type": operation.object_type,
        }
        # The parts that the inputs do not contain.
        is_create = operation.call.verb == "create"
        call_options: dict[str, Any] = {
            "id_property": None if is_create else operation.id_property,
            "properties": operation.properties or None,
            "legacy": legacy or None,
        }
        self._encode_input = input_encoder(operation, legacy=legacy)
        self._call_options = {
            name: call_options[name]
            for name in call_options
            if call_options[name] is not None
        }

    def __repr__(self) -> str:
        return f"<Failures {str(self.path)!r}>"

    def begin(self, first_line: bytes | None) -> bytes:  # noqa: ARG002 -- as sinks do
        """Return nothing: JSON lines have no header."""
        return b""

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Return the line of a row that did not succeed."""
        if outcome.status is _SUCCEEDED:
            return b""
        return json_line(
            {
                "index": row.index,
                **self._call,
                "input": self._encode_input(row.input),
                "status": str(outcome.status),
                "error": error_fields(outcome.error),
                "attempts": outcome.attempts,
                "input_id": row.key,
                "line": row.line,
                "portal": self.portal_id,
                **self._call_options,
            }
        )

    def encode_successes(
        self,
        outcomes: Sequence[Outcome[Any]],  # noqa: ARG002 -- as sinks do
        rows: Sequence[Row],  # noqa: ARG002
    ) -> bytes:
        """Return nothing."""
        return b""


def is_csv(name: str, path: Path) -> bool:
    """Return whether a file is CSV rather than JSON lines, by its suffix.

    Raises:
        ConfigurationError: If it is neither.
    """
    ending = path.suffix.lower()
    if ending != ".csv" and ending not in _JSON_LINES:
        raise ConfigurationError(f"{path}: {name} must be .csv or .jsonl")
    return ending == ".csv"


def csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows of a CSV, each with its newline."""
    lines: list[str] = []
    # The writer quotes the characters of its line terminator, so it gets both; but
    # lines end with \n.
    csv.writer(_Appender(lines.append), lineterminator="\r\n").writerows(rows)
    # UTF-8 cannot encode a lone surrogate, and no record can be found by one.
    return "".join([line[:-2] + "\n" for line in lines]).encode("utf-8", "replace")


@attrs.frozen
class _Appender:
    """A file for `csv.writer`, which writes each row with one call."""

    write: Callable[[str], object]


def json_lines(values: Iterable[dict[str, Any]]) -> bytes:
    """Return JSON lines of values that msgspec encodes."""
    values = [*values]
    try:
        return _ENCODER.encode_lines(values)
    except UnicodeEncodeError:  # a lone surrogate
        return b"".join(map(json_line, values))


def json_line(value: object) -> bytes:
    """Return one JSON line; values that JSON lacks are written as strings."""
    return _ENCODER.encode(_as_json(value)) + b"\n"


def error_fields(error: RecordError | None) -> dict[str, object] | None:
    """Return the fields of an error that are set."""
    if error is None:
        return None
    fields = {name: getattr(error, name) for name in _ERROR_FIELDS}
    fields["existing_id"] = getattr(error, "existing_id", None)
    return {name: value for name, value in fields.items() if value is not None}


_ENCODER = msgspec.json.Encoder(enc_hook=str)
# The cells of the last column.
_CELLS = {None: "", False: "false", True: "true"}
_ERROR_FIELDS = (
    "category",
    "message",
    "code",
    "property_name",
    "correlation_id",
    "context",
    "origin",
)


def _as_json(value: object) -> object:
    """Return a value of types that msgspec encodes, with strings in UTF-8."""
    match value:
        case None | bool():
            return value
        case str():
            return _as_utf8(value)
        case int():
            return int(value)
        case Mapping():
            return {_as_utf8(str(name)): _as_json(item) for name, item in value.items()}
        case list() | tuple():
            return [*map(_as_json, value)]
        case set() | frozenset():
            return [*map(_as_json, sorted(value, key=str))]
        case _ if attrs.has(type(value)):
            return _as_json(attrs.asdict(value, recurse=False))  # type: ignore[arg-type] # `has` says so
        case _:
            return value


def _as_utf8(string: str) -> str:
    return string.encode("utf-8", "replace").decode()

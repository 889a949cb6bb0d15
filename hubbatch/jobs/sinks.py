"""What the files of a job look like: results, failures, and the records of a read.

A sink turns outcomes into bytes; who opens the file, appends to it and keeps it in
step with the journal is an `Output`.
"""

import csv
import io
import os

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import orjson

from hubbatch.core.codec import unstructure
from hubbatch.core.operations import Operation
from hubbatch.core.outcomes import Outcome, OutcomeStatus
from hubbatch.errors import ConfigurationError, RecordError
from hubbatch.models import LegacyProperty, MultiAssociatedObjectWithLabel

from .failure_inputs import keeper
from .rows import Row


_JSON_LINES = (".jsonl", ".ndjson")
_SUCCEEDED = OutcomeStatus.SUCCEEDED


class _Table:
    """The shape of a file of tables: CSV with a header, or JSON lines.

    Attributes:
        columns: what there is in any line, as far as that is known beforehand.
    """

    name: str
    columns: Sequence[str]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._csv = is_csv(self.name, self.path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}>"

    def begin(self, first_line: bytes | None) -> bytes:
        """Give the header of a CSV that is new."""
        header = csv_line(self.columns) if self._csv else b""
        if first_line is None:
            return header
        if header and first_line.removeprefix(b"\xef\xbb\xbf").rstrip() != (
            header.rstrip()
        ):
            raise ConfigurationError(
                f"{self.path}: its columns are not those of this job"
            )
        return b""


class Results(_Table):
    """A line for every success: `index`, `input_id`, `id`, `new`.

    `new` says whether an upsert created the record; it is empty where HubSpot does
    not say, or an earlier attempt may have created it. A JSON line has `warnings` too,
    their number, where HubSpot warns of anything.
    """

    name: str = "results"
    columns: Sequence[str] = ("index", "input_id", "id", "new")

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Give the line of a success, and nothing for any other outcome."""
        if outcome.status is not _SUCCEEDED:
            return b""
        new = getattr(outcome.result, "new", None)
        if self._csv:
            text = "" if new is None else str(new).lower()
            return csv_line((row.index, row.key or "", outcome.id or "", text))
        values = (row.index, row.key, outcome.id, new)
        line: dict[str, Any] = dict(zip(self.columns, values, strict=True))
        if getattr(outcome.result, "warnings", None):
            line["warnings"] = len(outcome.warnings)
        return json_line(line)


class Records(_Table):
    """The records that were read.

    JSON lines in HubSpot's own shape; or a CSV with the columns `id` and the
    properties, which an update can read again. Where properties were asked for, there
    are no others (HubSpot also answers some that nobody can write).
    """

    name: str = "output"

    def __init__(self, path: str | os.PathLike[str], operation: Operation) -> None:
        super().__init__(path)
        if operation.call.writes:
            raise ConfigurationError(
                f"{self.path}: only a read has output; a {operation.call.verb} has "
                "results"
            )
        self._properties = [
            name
            for name in operation.asked_properties
            # Asked for only to find a contact by any of its addresses.
            if name != "hs_additional_emails" or name in operation.properties
        ]
        if self._csv and not self._properties:
            raise ConfigurationError(
                f"{self.path}: the columns of a CSV must be known before its first "
                "record. Name them with --property, or write a .jsonl"
            )
        self.columns: Sequence[str] = ("id", *self._properties)

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:  # noqa: ARG002 -- as sinks do
        """Give the line of a record that was found."""
        record = outcome.result
        if record is None:
            return b""
        if not self._csv:
            return json_line(self._asked(unstructure(record)))
        values = [record.properties.get(name) for name in self._properties]
        cells = [
            value.value if isinstance(value, LegacyProperty) else value
            for value in values
        ]
        return csv_line((outcome.id, *("" if cell is None else cell for cell in cells)))

    def _asked(self, record: dict[str, Any]) -> dict[str, Any]:
        """Leave out what HubSpot answers unasked; it takes most of it from nobody."""
        if not self._properties:
            return record
        told = record["properties"]
        asked = {name: told[name] for name in self._properties if name in told}
        return {**record, "properties": asked}


class Pairs(_Table):
    """A line for each record that is associated: `from_id`, `to_id`, `labels`.

    The labels are those of the association, with `;` between them.
    """

    name: str = "output"
    columns: Sequence[str] = ("from_id", "to_id", "labels")

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:  # noqa: ARG002 -- as sinks do
        """Give the lines of a record; none if nothing is associated with it."""
        found = outcome.result
        if found is None:
            return b""
        return b"".join(self._line(found.from_, other) for other in found.to)

    def _line(self, one: str, other: MultiAssociatedObjectWithLabel) -> bytes:
        labels = [kind.label for kind in other.association_types if kind.label]
        cells = (one, other.to_object_id, ";".join(labels))
        if self._csv:
            return csv_line(cells)
        return json_line(dict(zip(self.columns, cells, strict=True)))


class Failures:
    """A JSON line for every row that did not succeed, to be edited and sent again.

    Beside what became of the row it says whose account and what call it was, so that
    `replay` can tell.

    Attributes:
        portal_id: the account, once it is known.
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
        # What the inputs alone do not tell.
        create = operation.call.verb == "create"
        told: dict[str, Any] = {
            "id_property": None if create else operation.id_property,
            "properties": operation.properties or None,
            "legacy": legacy or None,
        }
        self._keep = keeper(operation, legacy=legacy)
        self._more = {name: told[name] for name in told if told[name] is not None}

    def __repr__(self) -> str:
        return f"<Failures {str(self.path)!r}>"

    def begin(self, first_line: bytes | None) -> bytes:  # noqa: ARG002 -- as sinks do
        """Give nothing: JSON lines have no header."""
        return b""

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Give the line of a row that did not succeed."""
        if outcome.status is _SUCCEEDED:
            return b""
        return json_line(
            {
                "index": row.index,
                **self._call,
                "input": self._keep(row.input),
                "status": str(outcome.status),
                "error": error_fields(outcome.error),
                "attempts": outcome.attempts,
                "input_id": row.key,
                "line": row.line,
                "portal": self.portal_id,
                **self._more,
            }
        )


def is_csv(name: str, path: Path) -> bool:
    """Tell by its name whether a file is a CSV or JSON lines.

    Raises:
        ConfigurationError: if it is neither.
    """
    ending = path.suffix.lower()
    if ending != ".csv" and ending not in _JSON_LINES:
        raise ConfigurationError(f"{path}: {name} must be .csv or .jsonl")
    return ending == ".csv"


def csv_line(cells: Iterable[object]) -> bytes:
    """Write one row of a CSV."""
    written = io.StringIO()
    # The characters of the line's end are what is quoted, so it has both of them.
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    # A lone surrogate is no text; it cannot be a name to find anything by either.
    return written.getvalue()[:-2].encode("utf-8", "replace") + b"\n"


def json_line(value: object) -> bytes:
    """Write one JSON line; what JSON has no word for is written as its text."""
    try:
        return orjson.dumps(value, default=_as_text, option=_JSON)
    except TypeError:  # text that is not UTF-8, in the name of a row, say
        return orjson.dumps(_plain(value), default=_as_text, option=_JSON)


def error_fields(error: RecordError | None) -> dict[str, object] | None:
    """Give what an error says, without what it does not say."""
    if error is None:
        return None
    told = {name: getattr(error, name) for name in _ERROR_FIELDS}
    told["existing_id"] = getattr(error, "existing_id", None)
    return {name: value for name, value in told.items() if value is not None}


_JSON = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
_ERROR_FIELDS = (
    "category",
    "message",
    "code",
    "property_name",
    "correlation_id",
    "context",
    "origin",
)


def _as_text(value: Any) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if attrs.has(type(value)):
        return attrs.asdict(value, recurse=False)
    return str(value)


def _plain(value: object) -> object:
    """Make texts of all that is meant to be one, UTF-8 or not."""
    match value:
        case Mapping():
            return {_plain(name): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case str():
            return value.encode("utf-8", "replace").decode()
        case _:
            return value

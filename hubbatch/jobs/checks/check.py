"""Checks rows before anything is sent: which would HubSpot refuse, and why?

Rows are read and encoded as in a job, and compared with the property definitions of the
object type.
"""

import os

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from attrs import define, field

from hubbatch._limits.plan import Plan, plan
from hubbatch._limits.window import RateLimit
from hubbatch._net.gate import MAX_IN_FLIGHT
from hubbatch._wire.endpoints import Operation, Repeats
from hubbatch._wire.inputs import encoder, id_property_of, make_key
from hubbatch._wire.property_values import AS_IS, Append, InvalidInput, is_local_time
from hubbatch.errors import CheckFailed
from hubbatch.jobs.outputs.refused_rows import RefusedRows
from hubbatch.jobs.sources.row_source import AnySource, Row
from hubbatch.models import Property

from .dry_run import first_rows
from .property_checks import Checker
from .schema import Schema
from .value_checks import Problem, problem_with, quote


# The number of example rows of one finding.
_EXAMPLES = 5


@define
class Finding:
    """One kind of problem, and the rows that have it.

    Attributes:
        code: HubSpot's code; or INVALID_INPUT if hubbatch would refuse to send the row,
            REPEATED_ID, REPEATED_VALUE, NOT_UNIQUE, NO_RECORD_ID, REQUIRED_PROPERTY,
            TOO_LONG, OUTER_WHITE_SPACE, ADDED_OPTIONS, ARTIFACT (such as `#N/A`),
            NO_TIME_ZONE, TIME_IN_TEXT, UNLIKELY_TIME or NO_ROWS.
        property_name: The property, if the problem concerns one.
        certain: Whether HubSpot will certainly refuse such a row.
        rows: The number of rows that have the problem; 0 if it concerns the whole call.
        examples: The first such rows with different messages, each with its message,
            which quotes the value.
    """

    code: str
    property_name: str | None
    certain: bool
    rows: int = 0
    examples: list[tuple[Row | None, str]] = field(factory=list)


@define(kw_only=True)
class CheckReport:
    """The result of a check before a job runs.

    Attributes:
        rows: The number of rows.
        refused: How many of them would certainly be refused.
        doubtful: How many of the others have a warning.
        findings: The problems; certain ones first, then by the number of rows.
        calls: The number of requests for the other rows, if none is repeated.
        seconds: The seconds until the last answer, at the rate limit and HubSpot's
            usual latency; see `Plan`.
        share_of_day: The requests as a share of the account's daily limit (1.0 is all
            of it; it can be more); None if the limit is unknown.
    """

    rows: int
    refused: int
    doubtful: int
    findings: list[Finding]
    calls: int
    seconds: float
    share_of_day: float | None

    @property
    def ok(self) -> bool:
        """Whether no problem is certain."""
        return not any(finding.certain for finding in self.findings)


async def check(
    source: AnySource,
    operation: Operation,
    properties: Iterable[Property],
    *,
    limit: int | None = None,
    rate: RateLimit | None = None,
    daily: int | None = None,
    output: str | os.PathLike[str] | None = None,
) -> CheckReport:
    """Check every row against the property definitions; send nothing.

    This keeps about 100 bytes per row in memory, to find repeated ids and values.

    Args:
        source: The rows.
        operation: The call to make with them (`Job.operation`).
        properties: All definitions of the object type, as `hub.properties(...).list()`
            returns them; or a `Schema`, which also names the properties that a new
            record must have.
        limit: The maximum number of rows to take.
        rate: The rate limit for the forecast; by default 100 requests per 10 s.
        daily: The account's daily call limit, if known.
        output: A file for the rows that would be refused, like the failures of a job: a
            `.csv` with the columns of the source and the reasons, or a `.jsonl`.

    Raises:
        SourceError: If the source cannot be read.
        ConfigurationError: If the output exists already, or cannot have these rows.
    """
    checks = _RowChecks(operation, properties)
    refused = None if output is None else RefusedRows(output, source, operation)
    try:
        async for row in first_rows(source, limit):
            reasons = checks.add(row)
            if refused is not None and reasons:
                refused.write(row, reasons)
    finally:
        if refused is not None:
            refused.close()
    checks.end()
    valid = checks.rows - checks.refused
    forecast: Plan = plan(
        valid,
        operation.max_inputs,
        rate or RateLimit(100),
        daily,
        object_type=operation.object_type,
        concurrency=MAX_IN_FLIGHT,
    )
    findings = sorted(
        checks.findings.values(),
        key=lambda finding: (not finding.certain, -finding.rows),
    )
    return CheckReport(
        rows=checks.rows,
        refused=checks.refused,
        doubtful=checks.doubtful,
        findings=findings,
        calls=forecast.calls,
        seconds=forecast.seconds,
        share_of_day=forecast.share_of_day,
    )


class _RowChecks:
    """Checks rows one by one, and collects the findings."""

    def __init__(self, operation: Operation, properties: Iterable[Property]) -> None:
        verb = operation.call.verb
        self.rows = self.refused = self.doubtful = 0
        self.findings: dict[tuple[str, str | None, bool], Finding] = {}
        self._writes = operation.call.writes
        self._creates = verb == "create"
        self._waits = operation.call.repeats is Repeats.WAITS
        self._converts = operation.zone not in (None, AS_IS)
        self._encode = encoder(operation)
        required = properties.required if isinstance(properties, Schema) else ()
        self._checker = Checker(properties, verb, operation.object_type, required)
        self._unique: dict[str, bool] = {}
        self._seen: dict[int, int] = {}  # row indices by the hash of their key
        for problem in self._checker.check_key(operation.id_property):
            self._note(problem, None)
        for problem in self._checker.check_read(operation.properties):
            self._note(problem, None)

    def add(self, row: Row) -> list[str]:
        """Check one row; return why HubSpot would refuse it."""
        self.rows += 1
        reasons = []
        doubtful = False
        for problem in self._problems(row):
            self._note(problem, row)
            doubtful = True
            if problem.certain:
                reasons.append(problem.message)
        self.refused += bool(reasons)
        self.doubtful += doubtful and not reasons
        return reasons

    def end(self) -> None:
        """Add the finding that there were no rows."""
        if not self.rows:
            problem = Problem("NO_ROWS", "", "there is nothing to send", certain=False)
            self._note(problem, None)

    def _note(self, problem: Problem, row: Row | None) -> None:
        name = problem.property_name or None
        key = (problem.code, name, problem.certain)
        finding = self.findings.get(key)
        if finding is None:
            finding = self.findings[key] = Finding(*key)
        finding.rows += row is not None
        examples = finding.examples
        if len(examples) < _EXAMPLES and all(
            problem.message != message for _, message in examples
        ):
            examples.append((row, problem.message))

    def _problems(self, row: Row) -> Iterator[Problem]:
        try:
            key, body, _ = self._encode(row.index, row.input)
        except InvalidInput as error:
            yield Problem("INVALID_INPUT", error.field or "", str(error))
            return
        sent = msgspec.json.decode(body)
        values = _property_values(sent) if self._writes else {}
        raw = _raw_properties(row.input)
        yield from self._checker.check(
            # HubSpot reads the leading semicolon as what is meant.
            {
                n: v[1:] if isinstance(raw.get(n), Append) else v
                for n, v in values.items()
            }
        )
        yield from self._times_in_text(raw)
        if self._creates:
            yield from self._checker.check_required(values)
        elif key is not None:
            name = id_property_of(key)
            if name is None:
                yield from self._checker.check_id(key)
            elif name not in values or values[name] != sent["id"]:
                yield from self._checker.check_key_value(name, sent["id"])
        if self._waits and key is not None:
            yield from self._repeated(key, row, "REPEATED_ID", None)
        if self._creates:
            for name, value in values.items():
                if value and self._is_unique(name):
                    key = make_key(value, name)
                    yield from self._repeated(key, row, "REPEATED_VALUE", name)

    def _times_in_text(self, raw: Mapping[str, Any]) -> Iterator[Problem]:
        if not self._converts:
            return
        for name, value in raw.items():
            if (
                type(value) is str
                and is_local_time(value)
                and self._checker.is_text(name)
            ):
                what = (
                    f"{quote(value)} is text, and the time zone makes it a time in "
                    'UTC. To send it unchanged, use --timezone as-is (timezone="as-is")'
                )
                yield problem_with("TIME_IN_TEXT", name, what, certain=False)

    def _is_unique(self, name: str) -> bool:
        known = self._unique.get(name)
        if known is None:
            known = self._unique[name] = self._checker.is_unique(name)
        return known

    def _repeated(
        self, key: str, row: Row, code: str, name: str | None
    ) -> Iterator[Problem]:
        first = self._seen.setdefault(hash(key), row.index)
        if first == row.index:
            return
        if name is None:
            what = f"has the id of row {first + 1}; it is sent later, so its values win"
        else:
            what = f'has the "{name}" of row {first + 1}, and it is unique'
        # Of two records with the same value, HubSpot accepts the first.
        yield Problem(code, name or "", what, certain=name is not None)


def _property_values(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the property values in a record's encoded body."""
    properties = body.get("properties") or {}
    if isinstance(properties, list):  # crm-objects/v1
        return {item["name"]: item["value"] for item in properties}
    return properties


def _raw_properties(item: Any) -> Mapping[str, Any]:
    """Return the properties of an input as the user wrote them."""
    if isinstance(item, Mapping):
        properties = item.get("properties")
    else:
        properties = getattr(item, "properties", None)
    return properties if isinstance(properties, Mapping) else {}


def raise_if_refused(report: CheckReport) -> None:
    """Raise an error if a check found something certain.

    Raises:
        CheckFailed: If HubSpot would certainly refuse anything; has the report.
    """
    first = next((finding for finding in report.findings if finding.certain), None)
    if first is None:
        return
    row, message = first.examples[0]
    where = "" if row is None else f"row {row.index + 1}: "
    raise CheckFailed(
        f"{report.refused:,} of {report.rows:,} rows would be refused ({where}"
        f"{message}). Nothing was sent",
        report,
    )

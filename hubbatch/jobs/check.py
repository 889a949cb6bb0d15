"""Checks rows before anything is sent: which would HubSpot refuse, and why?

Rows are read and encoded as in a job, and compared with the property definitions of the
object type.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from attrs import define, field

from hubbatch._limits.plan import Plan, plan
from hubbatch._limits.window import RateLimit
from hubbatch._wire.endpoints import Operation, Repeats
from hubbatch._wire.inputs import encoder, id_property_of, make_key
from hubbatch._wire.property_values import InvalidInput
from hubbatch.errors import CheckFailed
from hubbatch.models import Property

from .dry_run import first_rows
from .property_checks import Checker, Problem
from .row_source import AnySource, Row
from .schema import Schema


# The number of example rows of one finding.
_EXAMPLES = 5


@define
class Finding:
    """One kind of problem, and the rows that have it.

    Attributes:
        code: HubSpot's code; or INVALID_INPUT if hubbatch would refuse to send the row,
            REPEATED_ID, REPEATED_VALUE, NOT_UNIQUE, NO_RECORD_ID, REQUIRED_PROPERTY,
            TOO_LONG, OUTER_WHITE_SPACE or NO_ROWS.
        property_name: The property, if the problem concerns one.
        certain: Whether HubSpot will certainly refuse such a row.
        rows: The number of rows that have the problem; 0 if it concerns the whole call.
        examples: The first such rows, each with its message, which quotes the value.
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
        seconds: The seconds until the last request can leave, at the rate limit.
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

    Raises:
        SourceError: If the source cannot be read.
    """
    checks = _RowChecks(operation, properties)
    async for row in first_rows(source, limit):
        checks.add(row)
    checks.end()
    valid = checks.rows - checks.refused
    forecast: Plan = plan(valid, operation.max_inputs, rate or RateLimit(100), daily)
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
        self._encode = encoder(operation)
        required = properties.required if isinstance(properties, Schema) else ()
        self._checker = Checker(properties, verb, operation.object_type, required)
        self._unique: dict[str, bool] = {}
        self._seen: dict[int, int] = {}  # row indices by the hash of their key
        for problem in self._checker.check_key(operation.id_property):
            self._note(problem, None)
        for problem in self._checker.check_read(operation.properties):
            self._note(problem, None)

    def add(self, row: Row) -> None:
        """Check one row."""
        self.rows += 1
        certain = doubtful = False
        for problem in self._problems(row):
            self._note(problem, row)
            certain = certain or problem.certain
            doubtful = True
        self.refused += certain
        self.doubtful += doubtful and not certain

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
        if len(finding.examples) < _EXAMPLES:
            finding.examples.append((row, problem.message))

    def _problems(self, row: Row) -> Iterator[Problem]:
        try:
            key, body, _ = self._encode(row.index, row.input)
        except InvalidInput as error:
            yield Problem("INVALID_INPUT", error.field or "", str(error))
            return
        values = _property_values(msgspec.json.decode(body)) if self._writes else {}
        yield from self._checker.check(values)
        if self._creates:
            yield from self._checker.check_required(values)
        elif key is not None and id_property_of(key) is None:
            yield from self._checker.check_id(key)
        if self._waits and key is not None:
            yield from self._repeated(key, row, "REPEATED_ID", None)
        if self._creates:
            for name, value in values.items():
                if value and self._is_unique(name):
                    key = make_key(value, name)
                    yield from self._repeated(key, row, "REPEATED_VALUE", name)

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

"""Looking at rows before anything is sent: what HubSpot would refuse, and why.

Rows are read and encoded as a job would do it, and what would leave is held against
the definitions of the object type's properties. Nothing is sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from attrs import define, field

from hubbatch.core.encoding import encoder, id_property_of, make_key
from hubbatch.core.forecasting import Plan, plan
from hubbatch.core.operations import Operation, Repeats
from hubbatch.core.pacing import RateLimit
from hubbatch.core.values import InvalidInput
from hubbatch.errors import CheckFailed
from hubbatch.models import Property

from .dry_run import first_rows
from .property_checks import Checker, Problem
from .rows import AnySource, Row
from .schema import Schema


# So many rows are named as examples of one finding.
_EXAMPLES = 5


@define
class Finding:
    """One kind of problem, and the rows that have it.

    Attributes:
        code: HubSpot's code; or INVALID_INPUT for what hubbatch would not send,
            REPEATED_ID, REPEATED_VALUE, NOT_UNIQUE, NO_RECORD_ID, REQUIRED_PROPERTY,
            TOO_LONG, OUTER_WHITE_SPACE or NO_ROWS.
        property_name: the property, if it is about one.
        certain: whether such a row is surely refused.
        rows: how many rows have it; 0 if it is about the call.
        examples: the first of them, each with its sentence, which quotes the value.
    """

    code: str
    property_name: str | None
    certain: bool
    rows: int = 0
    examples: list[tuple[Row | None, str]] = field(factory=list)


@define(kw_only=True)
class CheckReport:
    """What is known of a job before it is begun.

    Attributes:
        rows: how many rows there are.
        refused: how many of them are surely refused.
        doubtful: how many of the others have a warning.
        findings: what is wrong, the certain first, then by how many rows have it.
        calls: requests that the other rows take, if nothing is sent again.
        seconds: until the last of them can leave, at the rate limit.
        share_of_day: which part of the account's day they are, from 0 to 1 and above;
            None where the daily limit is not known.
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
        """Whether nothing is certain to be refused."""
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
    """Hold every row against the definitions of the properties; send nothing.

    To find rows that repeat another, about 100 bytes are kept for each.

    Args:
        source: the rows.
        operation: what is to be done with them (`Job.operation`).
        properties: all definitions of the object type: `hub.properties(...).list()`;
            or a `Schema`, which also says what a new record must have.
        limit: the most rows to take.
        rate: the limit that the forecast assumes; by default 100 per 10 s.
        daily: the calls of the account's day, if known.

    Raises:
        SourceError: if the source cannot be read.
    """
    looking = _Looking(operation, properties)
    async for row in first_rows(source, limit):
        looking.at(row)
    looking.end()
    valid = looking.rows - looking.refused
    forecast: Plan = plan(valid, operation.max_inputs, rate or RateLimit(100), daily)
    findings = sorted(
        looking.findings.values(),
        key=lambda finding: (not finding.certain, -finding.rows),
    )
    return CheckReport(
        rows=looking.rows,
        refused=looking.refused,
        doubtful=looking.doubtful,
        findings=findings,
        calls=forecast.calls,
        seconds=forecast.seconds,
        share_of_day=forecast.share_of_day,
    )


class _Looking:
    """Looks at one row after the other."""

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
        self._seen: dict[int, int] = {}  # digests of keys, and the rows that had them
        for problem in self._checker.check_key(operation.id_property):
            self._note(problem, None)
        for problem in self._checker.check_read(operation.properties):
            self._note(problem, None)

    def at(self, row: Row) -> None:
        """Look at one row."""
        self.rows += 1
        certain = doubtful = False
        for problem in self._problems(row):
            self._note(problem, row)
            certain = certain or problem.certain
            doubtful = True
        self.refused += certain
        self.doubtful += doubtful and not certain

    def end(self) -> None:
        """Say so if there was nothing to look at."""
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
        texts = _texts(orjson.loads(body)) if self._writes else {}
        yield from self._checker.check(texts)
        if self._creates:
            yield from self._checker.check_required(texts)
        elif key is not None and id_property_of(key) is None:
            yield from self._checker.check_id(key)
        if self._waits and key is not None:
            yield from self._repeated(key, row, "REPEATED_ID", None)
        if self._creates:
            for name, text in texts.items():
                if text and self._is_unique(name):
                    key = make_key(text, name)
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
            what = f"has the id of row {first + 1}; it is sent after that, and wins"
        else:
            what = f'has the "{name}" of row {first + 1}, and it is unique'
        # Two records of one value: HubSpot takes the first that comes.
        yield Problem(code, name or "", what, certain=name is not None)


def _texts(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Take the properties out of what would be sent of one record."""
    given = body.get("properties") or {}
    if isinstance(given, list):  # crm-objects/v1
        return {one["name"]: one["value"] for one in given}
    return given


def checked(report: CheckReport) -> None:
    """Let a job begin, or not.

    Raises:
        CheckFailed: if anything is certain to be refused.
    """
    first = next((one for one in report.findings if one.certain), None)
    if first is None:
        return
    row, message = first.examples[0]
    where = "" if row is None else f"row {row.index + 1}: "
    raise CheckFailed(
        f"{report.refused:,} of {report.rows:,} rows would be refused ({where}"
        f"{message}). Nothing was sent",
        report,
    )

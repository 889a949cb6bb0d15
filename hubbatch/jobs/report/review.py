"""The data of a report, read from a job's journal; the job may be running."""

import os

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec

from attrs import define, evolve, field, frozen

from hubbatch.jobs.journal.job_lock import is_locked
from hubbatch.jobs.journal.journal_reader import Reader, look
from hubbatch.jobs.journal.measurements import EXAMPLES, Example, Reason, from_octave
from hubbatch.jobs.status import JobStatus, status_of


# A chart cannot show more points than this.
_POINTS = 240
# The interval of HubSpot's rate limit, in seconds.
WINDOW = 10
# The minimum length of the last moment, because rates divide by it.
_SHORTEST = 0.05
# The number of reasons that a report lists; any others are only counted.
_REASONS = 50
_LONGEST_MESSAGE = 300


@frozen
class Moment:
    """An interval of a job's work.

    Attributes:
        at: its start, in seconds of work since the job started, over all runs.
        seconds: its length.
        rows: the number of rows whose outcome was decided in it.
        retries: the number of retries in it.
        throttled: the number of 429 responses in it.
        allowed: the rows per second that the rate limit allowed.
    """

    at: float
    seconds: float
    rows: int
    retries: int
    throttled: int
    allowed: float


@define
class Cause:
    """A reason why rows did not succeed, with their number and some examples."""

    reason: Reason
    rows: int
    examples: list[Example]


@define
class FailureDetails:
    """A row's id and HubSpot's message, which may quote the row's values."""

    input_id: str | None
    message: str


@define(kw_only=True)
class Report:
    """The data of a report.

    Attributes:
        status: the status of the job.
        moments: its work over time.
        breaks: the seconds of work at which a run ended and another resumed.
        answers: a histogram of response times: the lower end of each step in
            seconds, and its number of responses; steps in between may have none.
        causes: the reasons why rows did not succeed, most frequent first.
        more_causes: the number of reasons that are not in `causes`.
        warnings: HubSpot's warnings and their counts, most frequent first.
        details: the details of the examples, by index; empty unless values may be
            shown.
        made_at: when the report was created.
    """

    status: JobStatus
    moments: Sequence[Moment]
    breaks: Sequence[float]
    answers: Sequence[tuple[float, int]]
    causes: Sequence[Cause]
    more_causes: int = 0
    warnings: Sequence[tuple[Reason, int]] = ()
    details: Mapping[int, FailureDetails] = field(factory=dict)
    made_at: datetime


def read_report(path: str | os.PathLike[str], *, values: bool = False) -> Report:
    """Read the data of a report from a journal; its job may be running.

    Args:
        path: the path of the journal.
        values: whether to read ids and HubSpot's messages, which quote values, from the
            job's failures file.

    Raises:
        JournalError: If there is no journal at this path.
    """
    where = Path(path)
    report = look(where, lambda journal: _report_of(journal, where))
    failures = report.status.outputs.get("failures")
    if values and failures is not None:
        indices = {
            example.place for cause in report.causes for example in cause.examples
        }
        directory = Path(os.path.realpath(where)).parent
        report.details = _read_details(directory / failures, indices)
    return report


def _report_of(journal: Reader, where: Path) -> Report:
    status = status_of(journal, running=is_locked(where))
    moments, breaks = _timeline(journal.moments(), status)
    reasons = journal.reasons()
    return Report(
        status=status,
        moments=moments,
        breaks=breaks,
        answers=_histogram(journal.answers()),
        causes=[
            Cause(reason, rows, journal.examples(reason, EXAMPLES))
            for reason, rows in reasons[:_REASONS]
        ],
        more_causes=max(0, len(reasons) - _REASONS),
        warnings=journal.warnings()[:_REASONS],
        made_at=datetime.now(UTC),
    )


def rolling_rates(moments: Sequence[Moment]) -> list[float]:
    """Return the rows per second over the ten seconds up to the end of each moment.

    HubSpot also counts requests over ten seconds. The moments of the first ten seconds
    all have the average rate of those, or of the whole job if it is shorter.
    """
    if not moments:
        return []
    width = min(max(1, round(WINDOW / moments[0].seconds)), len(moments))
    rows = [0, *accumulate(moment.rows for moment in moments)]
    seconds = [0.0, *accumulate(moment.seconds for moment in moments)]
    ends = [max(number, width) for number in range(1, len(moments) + 1)]
    return [
        (rows[end] - rows[end - width]) / (seconds[end] - seconds[end - width])
        for end in ends
    ]


def _timeline(
    rows: Sequence[tuple[Any, ...]], status: JobStatus
) -> tuple[list[Moment], list[float]]:
    """Return the moments of all runs, one run after another, and the breaks."""
    seconds: dict[int, Moment] = {}
    breaks: list[float] = []
    offset, end, run = 0, 0, None
    before = (0, 0)
    for number, second, _, retries, throttled, succeeded, failed, allowed in rows:
        if number != run:
            offset, before = end, (0, 0)
            if run is not None:
                breaks.append(float(offset))
            run = number
        at = offset + second
        since = (retries - before[0], throttled - before[1])
        before = (retries, throttled)
        seconds[at] = Moment(at, 1, succeeded + failed, *since, allowed)
        end = at + 1
    moments = _joined(seconds, end)
    if moments and status.runs == 1:
        # The last second was not a whole one: a job of 0.3 s would have a third of
        # its rate. With more runs, the parts of seconds are too small to be seen.
        missing = min(max(end - status.seconds, 0.0), 1 - _SHORTEST)
        moments[-1] = evolve(moments[-1], seconds=moments[-1].seconds - missing)
    return moments, breaks


def _joined(seconds: Mapping[int, Moment], end: int) -> list[Moment]:
    """Join seconds into moments of equal length, few enough for a chart.

    Nothing happened in a second without a row in the journal.
    """
    length = max(1, -(-end // _POINTS))
    joined: list[Moment] = []
    allowed = 0.0
    for at in range(0, end, length):
        some = [seconds[n] for n in range(at, at + length) if n in seconds]
        allowed = max((moment.allowed for moment in some), default=allowed)
        joined.append(
            Moment(
                at=at,
                seconds=min(length, end - at),
                rows=sum(moment.rows for moment in some),
                retries=sum(moment.retries for moment in some),
                throttled=sum(moment.throttled for moment in some),
                allowed=allowed,
            )
        )
    return joined


def _histogram(answers: Mapping[int, int]) -> list[tuple[float, int]]:
    if not answers:
        return []
    steps = range(min(answers), max(answers) + 1)
    return [(from_octave(step), answers.get(step, 0)) for step in steps]


def _read_details(path: Path, indices: set[int]) -> dict[int, FailureDetails]:
    """Read the details of rows from a failures file; skip unreadable lines."""
    details: dict[int, FailureDetails] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                failure = _parse(line)
                if failure.get("index") in indices:
                    error = failure.get("error") or {}
                    details[failure["index"]] = FailureDetails(
                        failure.get("input_id"),
                        str(error.get("message") or "")[:_LONGEST_MESSAGE],
                    )
    except OSError:
        return details
    return details


def _parse(line: bytes) -> dict[str, Any]:
    try:
        failure = msgspec.json.decode(line)
    except (ValueError, RecursionError):  # the job is still writing this line
        return {}
    return failure if isinstance(failure, dict) else {}

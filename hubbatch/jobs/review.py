"""The figures of a job's report, read from its journal, also while it runs."""

import os

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson

from attrs import define, evolve, field, frozen

from .job_lock import is_locked
from .measurements import EXAMPLES, Example, Reason, from_octave
from .reader import Reader, look
from .status import JobStatus, status_of


# The number of points in a chart; more cannot be seen.
_POINTS = 240
# The seconds of HubSpot's rate limit window.
WINDOW = 10
# The shortest last second that rows are divided by.
_LEAST = 0.05
# The number of reasons that are listed; the others are only counted.
_REASONS = 50
_LONGEST_MESSAGE = 300


@frozen
class Moment:
    """A stretch of a job's work.

    Attributes:
        at: Its start, in seconds of work since the job began, over all its runs.
        seconds: Its length.
        rows: The rows that got their outcome in it.
        again: The requests that were sent again in it.
        throttled: The requests that were answered with 429 in it.
        allowed: The rows per second that the rate limit allowed.
    """

    at: float
    seconds: float
    rows: int
    again: int
    throttled: int
    allowed: float


@define
class Cause:
    """A reason, the number of rows with it, and some of them."""

    reason: Reason
    rows: int
    examples: list[Example]


@define
class Told:
    """What the file of failures contains about a row; shown only on request."""

    input_id: str | None
    message: str


@define(kw_only=True)
class Report:
    """All that a report shows.

    Attributes:
        status: The status of the job.
        moments: Its work over time.
        breaks: The seconds of work at which another run resumed it.
        answers: A histogram of durations: where each step begins, in seconds, and the
            number of answers; empty steps included.
        causes: Why rows did not succeed, most frequent first.
        others: The number of reasons beyond those.
        warnings: HubSpot's warnings and their counts, most frequent first.
        told: What the file of failures contains about the examples, by row index; empty
            unless values are shown.
        made_at: When the report was made.
    """

    status: JobStatus
    moments: Sequence[Moment]
    breaks: Sequence[float]
    answers: Sequence[tuple[float, int]]
    causes: Sequence[Cause]
    others: int = 0
    warnings: Sequence[tuple[Reason, int]] = ()
    told: Mapping[int, Told] = field(factory=dict)
    made_at: datetime


def read_report(path: str | os.PathLike[str], *, values: bool = False) -> Report:
    """Read the figures of a report from a journal, also while its job runs.

    Args:
        path: The journal.
        values: Whether to show ids and HubSpot's messages, which quote values, from the
            job's file of failures.

    Raises:
        JournalError: If there is no journal at this path.
    """
    where = Path(path)
    report = look(where, lambda journal: _report_of(journal, where))
    failures = report.status.outputs.get("failures")
    if values and failures is not None:
        places = {
            example.place for cause in report.causes for example in cause.examples
        }
        beside = Path(os.path.realpath(where)).parent
        report.told = _told(beside / failures, places)
    return report


def _report_of(journal: Reader, where: Path) -> Report:
    status = status_of(journal, running=is_locked(where))
    moments, breaks = _timeline(journal.moments(), status)
    reasons = journal.reasons()
    return Report(
        status=status,
        moments=moments,
        breaks=breaks,
        answers=_filled(journal.answers()),
        causes=[
            Cause(reason, rows, journal.examples(reason, EXAMPLES))
            for reason, rows in reasons[:_REASONS]
        ],
        others=max(0, len(reasons) - _REASONS),
        warnings=journal.warnings()[:_REASONS],
        made_at=datetime.now(UTC),
    )


def smoothed(moments: Sequence[Moment]) -> list[float]:
    """Return the rows per second over the preceding ten seconds, at each moment.

    HubSpot counts requests over ten seconds too. At the beginning it is the rate of the
    first ten seconds, or of all if there are fewer.
    """
    if not moments:
        return []
    width = max(1, round(WINDOW / moments[0].seconds))
    rows = [0, *accumulate(moment.rows for moment in moments)]
    seconds = [0.0, *accumulate(moment.seconds for moment in moments)]
    ends = [
        max(place, min(width, len(moments))) for place in range(1, len(moments) + 1)
    ]
    return [
        (rows[end] - rows[max(0, end - width)])
        / (seconds[end] - seconds[max(0, end - width)])
        for end in ends
    ]


def _timeline(
    rows: Sequence[tuple[Any, ...]], status: JobStatus
) -> tuple[list[Moment], list[float]]:
    """Join the seconds of all runs, and merge them into the points of a chart."""
    seconds: dict[int, Moment] = {}
    breaks: list[float] = []
    offset, end, run = 0, 0, None
    before = (0, 0)
    for number, second, _, retries, throttled, succeeded, other, allowed in rows:
        if number != run:
            offset, before = end, (0, 0)
            if run is not None:
                breaks.append(float(offset))
            run = number
        at = offset + second
        again = (retries - before[0], throttled - before[1])
        before = (retries, throttled)
        seconds[at] = Moment(at, 1, succeeded + other, *again, allowed)
        end = at + 1
    moments = _joined(seconds, end)
    if moments and status.runs == 1:
        # The last second is not a full one: a job of 0.3 s would show a third of its
        # rate. With more runs the error is too small to be seen.
        over = min(max(end - status.seconds, 0.0), 1 - _LEAST)
        moments[-1] = evolve(moments[-1], seconds=moments[-1].seconds - over)
    return moments, breaks


def _joined(seconds: Mapping[int, Moment], end: int) -> list[Moment]:
    """Merge seconds into moments of equal length; seconds without an entry are idle."""
    length = max(1, -(-end // _POINTS))
    joined: list[Moment] = []
    allowed = 0.0
    for at in range(0, end, length):
        present = [seconds[n] for n in range(at, at + length) if n in seconds]
        allowed = max((moment.allowed for moment in present), default=allowed)
        joined.append(
            Moment(
                at=at,
                seconds=min(length, end - at),
                rows=sum(moment.rows for moment in present),
                again=sum(moment.again for moment in present),
                throttled=sum(moment.throttled for moment in present),
                allowed=allowed,
            )
        )
    return joined


def _filled(answers: Mapping[int, int]) -> list[tuple[float, int]]:
    if not answers:
        return []
    steps = range(min(answers), max(answers) + 1)
    return [(from_octave(step), answers.get(step, 0)) for step in steps]


def _told(path: Path, places: set[int]) -> dict[int, Told]:
    """Find rows in a file of failures; lines that cannot be read are skipped."""
    told = {}
    try:
        with path.open("rb") as file:
            for line in file:
                failure = _parsed(line)
                if failure.get("index") in places:
                    error = failure.get("error") or {}
                    told[failure["index"]] = Told(
                        failure.get("input_id"),
                        str(error.get("message") or "")[:_LONGEST_MESSAGE],
                    )
    except OSError:
        return told
    return told


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        failure = orjson.loads(line)
    except orjson.JSONDecodeError:  # the job is writing it now
        return {}
    return failure if isinstance(failure, dict) else {}

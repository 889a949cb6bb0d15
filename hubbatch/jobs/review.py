"""What a report shows, read from the journal of a job, also while that runs."""

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


# A picture has so many points; more cannot be seen.
_POINTS = 240
# The seconds of a rate limit.
WINDOW = 10
# The least part of a second that rows are divided by.
_LEAST = 0.05
# So many reasons are told apart; the rest is summed up.
_REASONS = 50
_LONGEST_MESSAGE = 300


@frozen
class Moment:
    """A stretch of a job's work.

    Attributes:
        at: seconds of work since the job began, over all its runs.
        seconds: how long it was.
        rows: rows that had their outcome in it.
        again: requests that were sent again in it.
        throttled: requests that were answered with 429 in it.
        allowed: rows a second that the rate limit allowed.
    """

    at: float
    seconds: float
    rows: int
    again: int
    throttled: int
    allowed: float


@define
class Cause:
    """A reason, how many rows it has, and some of them."""

    reason: Reason
    rows: int
    examples: list[Example]


@define
class Told:
    """What a file of failures says of a row: only shown when asked for."""

    input_id: str | None
    message: str


@define(kw_only=True)
class Report:
    """All that a report shows.

    Attributes:
        status: what the journal says of the job.
        moments: its work over time.
        breaks: the seconds of work at which another run went on.
        answers: how many answers took how long: the least seconds of a step, and the
            count; steps without any are there too.
        causes: why rows did not succeed, the most frequent first.
        others: how many reasons there are beyond those.
        warnings: what HubSpot warned of, the most frequent first, and how often.
        told: what the file of failures says of the examples, by their places; empty
            unless values are to be shown.
        made_at: when the report was made.
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
    """Read what a journal says, also while its job runs; nothing is changed.

    Args:
        path: the journal.
        values: whether to show ids and HubSpot's sentences, which quote values, from
            the job's file of failures.

    Raises:
        JournalError: if there is no journal at this path.
    """
    where = Path(path)
    report = look(where, lambda journal: _report_of(journal, where))
    failures = report.status.outputs.get("failures")
    if values and failures is not None:
        places = {one.place for cause in report.causes for one in cause.examples}
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
    """Give the rows a second of the last ten seconds, as HubSpot counts requests.

    Before there are so many, it is those of the first ten, or of all there are.
    """
    if not moments:
        return []
    most = max(1, round(WINDOW / moments[0].seconds))
    rows = [0, *accumulate(one.rows for one in moments)]
    seconds = [0.0, *accumulate(one.seconds for one in moments)]
    ends = [max(place, min(most, len(moments))) for place in range(1, len(moments) + 1)]
    return [
        (rows[end] - rows[max(0, end - most)])
        / (seconds[end] - seconds[max(0, end - most)])
        for end in ends
    ]


def _timeline(
    rows: Sequence[tuple[Any, ...]], status: JobStatus
) -> tuple[list[Moment], list[float]]:
    """Put the seconds of all runs one after the other, into as many as can be seen."""
    seconds: dict[int, Moment] = {}
    breaks: list[float] = []
    offset, end, run = 0, 0, None
    before = (0, 0)
    for number, second, _, retries, throttled, succeeded, amiss, allowed in rows:
        if number != run:
            offset, before = end, (0, 0)
            if run is not None:
                breaks.append(float(offset))
            run = number
        at = offset + second
        again = (retries - before[0], throttled - before[1])
        before = (retries, throttled)
        seconds[at] = Moment(at, 1, succeeded + amiss, *again, allowed)
        end = at + 1
    moments = _joined(seconds, end)
    if moments and status.runs == 1:
        # The last second was not a whole one: a job of 0.3 s would have a third of
        # its rate. In more runs, as many parts of seconds are lost in the picture.
        over = min(max(end - status.seconds, 0.0), 1 - _LEAST)
        moments[-1] = evolve(moments[-1], seconds=moments[-1].seconds - over)
    return moments, breaks


def _joined(seconds: Mapping[int, Moment], end: int) -> list[Moment]:
    """Join seconds to stretches of equal length; where nothing is written is rest."""
    length = max(1, -(-end // _POINTS))
    joined: list[Moment] = []
    allowed = 0.0
    for at in range(0, end, length):
        some = [seconds[n] for n in range(at, at + length) if n in seconds]
        allowed = max((one.allowed for one in some), default=allowed)
        joined.append(
            Moment(
                at=at,
                seconds=min(length, end - at),
                rows=sum(one.rows for one in some),
                again=sum(one.again for one in some),
                throttled=sum(one.throttled for one in some),
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
    """Look rows up in a file of failures; what cannot be read is left out."""
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
    except orjson.JSONDecodeError:  # the job is just writing it
        return {}
    return failure if isinstance(failure, dict) else {}

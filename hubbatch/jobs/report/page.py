"""The HTML page of a report: the figures and charts for the template `report.html`."""

import re

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from shlex import quote
from typing import TYPE_CHECKING, Any

from attrs import frozen

from hubbatch._escapes import visible
from hubbatch.errors import ConfigurationError
from hubbatch.jobs.journal.measurements import STEPS_AN_OCTAVE
from hubbatch.jobs.status import JobStatus
from hubbatch.jobs.titles import title_of

from .drawing import Chart, outcome_bar, rate_chart, response_time_chart
from .review import WINDOW, Moment, Report, rolling_rates


if TYPE_CHECKING:
    from jinja2 import Environment


# Every report begins with this; only such a file is overwritten.
MARK = "<!doctype html><!-- a report of hubbatch -->"
# In milliseconds, and in seconds.
_SECOND, _MINUTE = 1000, 60
# A shorter duration is not written out, and has no rate.
_TENTH = 0.05
_AFTER_SIGNS = re.compile(r"(?<=[_:,;/])(?=[^\s_])")
_COUNTS = ("succeeded", "failed", "unknown", "not_sent")


@frozen
class _State:
    """The state of the job; `kind` is its CSS class."""

    text: str
    kind: str = ""


@frozen
class _ResponseTimes:
    count: int
    median: str
    percentile_95: str
    chart: Chart


def render(report: Report, journal: str) -> str:
    """Return the page of a report.

    Args:
        report: the data to show.
        journal: the path of the journal, as the page shows it.

    Raises:
        ConfigurationError: If Jinja2 is not installed.
    """
    status = report.status
    page = environment().get_template("report.html")
    return MARK + page.render(
        report=report,
        journal=journal,
        status=status,
        title=title_of(status.verb, status.object_type),
        state=_state(status),
        tiles=[*_tiles(status)],
        outcomes=_outcomes(status),
        rates=_rates(report),
        averaged_over=_averaged_over(report.moments),
        response_times=_response_times(report.answers),
    )


@cache
def environment() -> "Environment":
    """Return the environment of the templates, in which every value is escaped.

    Raises:
        ConfigurationError: If Jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError:
        raise ConfigurationError(
            'a report needs Jinja2: pip install "hubbatch[jobs]"'
        ) from None
    made = jinja2.Environment(
        autoescape=True,
        finalize=_show,
        keep_trailing_newline=True,
        loader=jinja2.PackageLoader("hubbatch.jobs.report", "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters.update(
        after_signs=_AFTER_SIGNS.split, quote=quote, thousands="{:,}".format
    )
    return made


def _show(value: Any) -> Any:
    # HTML has no escapes for control characters, so autoescape keeps them.
    return value if hasattr(value, "__html__") else visible(str(value))


def _state(status: JobStatus) -> _State:
    if status.running:
        return _State("Running")
    if not status.finished:
        reasons = {None: "killed", "stopped": "stopped", "cancelled": "stopped at once"}
        reason = reasons.get(status.ended, f"ended early: {status.ended}")
        return _State(f"Not finished ({reason})", "bad")
    missing = status.inputs - status.succeeded
    if missing:
        text = f"Finished; {missing:,} of {status.inputs:,} rows did not succeed"
        return _State(text, "bad")
    return _State("Finished; all rows succeeded", "good")


def _tiles(status: JobStatus) -> Iterator[tuple[str, str]]:
    yield "rows", f"{status.inputs:,}"
    for name in _COUNTS:
        yield name.replace("_", " "), f"{getattr(status, name):,}"
    if status.in_doubt:
        yield "in doubt", f"{status.in_doubt:,}"
    if status.open:
        yield "open", f"{status.open:,}"
    yield "requests", f"{status.requests:,}"
    yield "retries", f"{status.retries:,}"
    yield "429 responses", f"{status.throttled:,}"
    if status.warnings:
        yield "warnings", f"{status.warnings:,}"
    yield "running time", long_time(status.seconds)
    if status.seconds >= _TENTH:
        yield "rows/s", f"{status.inputs / status.seconds:,.0f}"
    if status.runs > 1:
        yield "runs", f"{status.runs:,}"


def _outcomes(status: JobStatus) -> Chart:
    counts = [(name, getattr(status, name)) for name in _COUNTS]
    return outcome_bar([*counts, ("open", status.open + status.in_doubt)])


def _rates(report: Report) -> Chart | None:
    moments = report.moments
    if not moments:
        return None
    middles = [moment.at + moment.seconds / 2 for moment in moments]
    # From edge to edge: a job of one second has a single moment.
    times = [0.0, *middles, moments[-1].at + moments[-1].seconds]
    rates = _to_edges(rolling_rates(moments))
    limits = _to_edges([moment.allowed for moment in moments])
    return rate_chart(
        rates=[*zip(times, rates, strict=True)],
        limits=[point for point in zip(times, limits, strict=True) if point[1]],
        retries=[
            (at, moment.retries)
            for at, moment in zip(middles, moments, strict=True)
            if moment.retries
        ],
        breaks=report.breaks,
    )


def _to_edges(values: Sequence[float]) -> list[float]:
    """Repeat the first and the last value."""
    return [*values[:1], *values, *values[-1:]]


def _averaged_over(moments: Sequence[Moment]) -> str:
    # The rate of a shorter job can exceed the limit, which is over ten seconds.
    worked = sum(moment.seconds for moment in moments)
    return "over ten seconds" if worked >= WINDOW else "over the whole job"


def _response_times(answers: Sequence[tuple[float, int]]) -> _ResponseTimes | None:
    if not answers:
        return None
    return _ResponseTimes(
        count=sum(count for _, count in answers),
        median=short_time(_percentile(answers, 0.5)),
        percentile_95=short_time(_percentile(answers, 0.95)),
        chart=response_time_chart([(short_time(at), n) for at, n in answers]),
    )


def _percentile(answers: Sequence[tuple[float, int]], share: float) -> float:
    """Return the upper bound of the step by which this share had been answered."""
    totals = [*accumulate(count for _, count in answers)]
    at, _ = answers[bisect_left(totals, share * totals[-1])]
    return float(at * 2 ** (1 / STEPS_AN_OCTAVE))


def short_time(seconds: float) -> str:
    """Return a short time as a string: 1 ms, 120 ms, 2.4 s."""
    rounded = round(seconds * 1000)
    return f"{rounded} ms" if rounded < _SECOND else f"{seconds:.1f} s"


def long_time(seconds: float) -> str:
    """Return a duration as a string: 8.2 s, 1:23, 2:03:04."""
    if seconds < _TENTH:
        return "under 0.1 s"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

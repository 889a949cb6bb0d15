"""The layout of a report's charts: lines, bars and labels, drawn by a template."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil, floor, log10

from attrs import frozen


Point = tuple[float, float]

_WIDTH, _HEIGHT = 720, 250
# Room for the labels to the side of and below the plot; on a phone their font is
# larger.
_LEFT, _RIGHT = 78, _WIDTH - 12
_TOP, _BOTTOM = 16, _HEIGHT - 40
_BAR_HEIGHT = 16
_TICKS = 4
# Half the width of a label.
_HALF_LABEL = 40
# A smaller number is drawn as zero.
_ZERO = 1e-6


@frozen
class Scale:
    """Maps numbers from `low` to `high` onto coordinates from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of a number."""
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.end - self.start), 1)


@frozen
class Label:
    """A text, aligned at (x, y) according to SVG's `text-anchor`."""

    x: float
    y: float
    text: str
    anchor: str


@frozen
class Bar:
    """A rectangle; `kind` is its CSS class, `title` its tooltip."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str


@frozen
class Line:
    """A line through points; `kind` is its CSS class."""

    kind: str
    points: Sequence[Point]


@frozen(kw_only=True)
class Chart:
    """One picture, in units of its `width` and `height`.

    Attributes:
        title: a description for screen readers.
        stretches: whether it fills its box without keeping its proportions.
        grid: the y of each horizontal grid line.
        area: the corners of the filled area.
        breaks: the x of each vertical line.
    """

    title: str
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM
    stretches: bool = False
    grid: Sequence[float] = ()
    labels: Sequence[Label] = ()
    bars: Sequence[Bar] = ()
    area: Sequence[Point] = ()
    lines: Sequence[Line] = ()
    breaks: Sequence[float] = ()


def rate_chart(
    rates: Sequence[Point],
    limits: Sequence[Point],
    retries: Sequence[Point],
    breaks: Iterable[float],
) -> Chart:
    """Return the chart of rows per second over time, with the rate limit and retries.

    Args:
        rates: seconds of work, and rows per second.
        limits: seconds of work, and the rows per second that the limit allows.
        retries: seconds of work, and the number of retries.
        breaks: the seconds of work at which one run ended and another resumed.
    """
    last = max((x for x, _ in (*rates, *limits)), default=0)
    across = Scale(0, last or 1, _LEFT, _RIGHT)
    levels = ticks(max((y for _, y in (*rates, *limits)), default=0))
    up = Scale(0, levels[-1], _BOTTOM, _TOP)
    line = [(across(x), up(y)) for x, y in rates]
    limit = [(across(x), up(y)) for x, y in _steps(limits)]
    return Chart(
        title="Rows per second over time, and the rate limit",
        grid=[up(level) for level in levels],
        labels=[*_level_labels(levels, up), *_time_labels(across)],
        bars=[*_retry_bars(retries, across)],
        area=[(line[0][0], up(0)), *line, (line[-1][0], up(0))] if line else [],
        lines=[
            Line(kind, points)
            for kind, points in (("line", line), ("limit", limit))
            if points
        ],
        breaks=[across(x) for x in breaks],
    )


def response_time_chart(steps: Sequence[tuple[str, int]]) -> Chart:
    """Return a histogram of response times.

    Args:
        steps: the label of each response time, and its number of responses.
    """
    levels = ticks(max((count for _, count in steps), default=0), 1)
    up = Scale(0, levels[-1], _BOTTOM, _TOP)
    width = (_RIGHT - _LEFT) / max(len(steps), 1)
    every = ceil(len(steps) / 5) or 1
    places = [(_LEFT + place * width, *step) for place, step in enumerate(steps)]
    return Chart(
        title="Response times",
        grid=[up(level) for level in levels],
        labels=[
            *_level_labels(levels, up),
            *(_label_below(x, text) for x, text, _ in places[::every]),
        ],
        bars=[
            Bar(
                kind="bar",
                x=round(x + 1, 1),
                y=up(count),
                width=round(width - 2, 1),
                height=round(_BOTTOM - up(count), 1),
                title=f"{text}: {count:,}",
            )
            for x, text, count in places
        ],
    )


def outcome_bar(counts: Sequence[tuple[str, int]]) -> Chart:
    """Return one bar with a part for each outcome.

    Args:
        counts: the CSS class of each outcome, and its number of rows.
    """
    total = sum(count for _, count in counts) or 1
    bars: list[Bar] = []
    x = 0.0
    for kind, count in counts:
        if count:
            # Wide enough to be seen, however small the share.
            width = round(max(_WIDTH * count / total, 3.0), 1)
            title = f"{kind}: {count:,}"
            bars.append(Bar(kind, round(x, 1), 0, width, _BAR_HEIGHT, title))
            x += width
    return Chart(
        title="Outcomes",
        width=round(max(x, 1), 1),
        height=_BAR_HEIGHT,
        stretches=True,
        bars=bars,
    )


def ticks(high: float, least_step: float = 0.0) -> list[float]:
    """Return round numbers for an axis, from 0 to at least `high`.

    Args:
        high: the greatest number on the axis.
        least_step: the least distance between two ticks; 1 for counts.
    """
    if high < _ZERO:
        return [0.0, 1.0]
    rough = high / _TICKS
    power = 10.0 ** floor(log10(rough))
    steps = (n * power for n in (1, 2, 2.5, 5, 10))
    step = max(next(step for step in steps if step >= rough * 0.999), least_step)
    return [step * n for n in range(ceil(high / step - 0.001) + 1)]


def short_number(number: float) -> str:
    """Return a number as a short string: 250, 1.5k, 20k, 3M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit:
            return f"{number / unit:.4g}{name}"
    return f"{number:.4g}"


def _retry_bars(retries: Sequence[Point], across: Scale) -> Iterator[Bar]:
    most = max((count for _, count in retries), default=1) or 1
    for x, count in retries:
        height = max(3.0, round((_BOTTOM - _TOP) * 0.25 * count / most, 1))
        yield Bar(
            kind="retries",
            x=round(across(x) - 1, 1),
            y=round(_BOTTOM - height, 1),
            width=3,
            height=height,
            title=f"retries: {count:,.0f}",
        )


def _steps(points: Sequence[Point]) -> list[Point]:
    """Return the corners of a line that is level until its value changes."""
    stepped = [*points[:1]]
    for (_, before), (x, y) in pairwise(points):
        stepped += [(x, before), (x, y)] if y != before else [(x, y)]
    return stepped


def _level_labels(levels: Iterable[float], up: Scale) -> Iterator[Label]:
    for level in levels:
        yield Label(_LEFT - 8, round(up(level) + 5, 1), short_number(level), "end")


def _time_labels(across: Scale) -> Iterator[Label]:
    last = across.high
    unit, name = next(
        (unit, name)
        for unit, name in ((3600, "h"), (60, "min"), (1, "s"))
        if last >= 3 * unit or unit == 1
    )
    for tick in ticks(last / unit):
        if tick * unit <= last * 1.001:
            yield _label_below(across(tick * unit), f"{tick:,.10g} {name}")


def _label_below(x: float, text: str) -> Label:
    """Return a label below the axis that stays within the picture."""
    anchor = "middle"
    if x < _LEFT + _HALF_LABEL:
        anchor = "start"
    elif x > _RIGHT - _HALF_LABEL:
        x, anchor = _RIGHT, "end"
    return Label(round(x, 1), _BOTTOM + 24, text, anchor)

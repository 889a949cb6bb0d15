"""Pictures of a job, as SVG that stands in a page: no library, no script.

Colours and sizes of letters are the page's, by class names.
"""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

from attrs import frozen


_WIDTH, _HEIGHT = 720, 250
# Room for the figures beside and below; on a phone their letters are larger.
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 12, 16, 40
_MARKS = 4
# Half of what such a figure is wide.
_LETTERS = 40
# Less than that is drawn as nothing.
_NOTHING = 1e-6


@frozen
class Scale:
    """From figures to places in the picture."""

    least: float
    most: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the place of a figure."""
        share = (value - self.least) / ((self.most - self.least) or 1)
        return round(self.start + share * (self.end - self.start), 1)


def marks(most: float, least: float = 0.0) -> list[float]:
    """Choose round figures for an axis from 0 to at least `most`.

    Args:
        most: what is to be drawn.
        least: the least step: things that are counted have no halves.
    """
    if most < _NOTHING:
        return [0.0, 1.0]
    rough = most / _MARKS
    power = 10.0 ** floor(log10(rough))
    steps = (n * power for n in (1, 2, 2.5, 5, 10))
    step = max(next(one for one in steps if one >= rough * 0.999), least)
    return [step * n for n in range(ceil(most / step - 0.001) + 1)]


def rate_chart(
    rows: Sequence[tuple[float, float]],
    limit: Sequence[tuple[float, float]],
    again: Sequence[tuple[float, float]],
    breaks: Iterable[float],
) -> str:
    """Draw rows a second over time, the limit, and where requests were repeated.

    Args:
        rows: seconds of work, and rows a second.
        limit: seconds of work, and the rows a second that the limit allows.
        again: seconds of work at which requests were sent again, and how many.
        breaks: when a run ended and another went on.
    """
    ends = [x for x, _ in (*rows, *limit)] or [0.0]
    across = Scale(0, max(ends) or 1, _LEFT, _WIDTH - _RIGHT)
    levels = marks(max((y for _, y in (*rows, *limit)), default=0))
    up = Scale(0, levels[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = [*_axes(levels, up), *_times(across)]
    most = max((count for _, count in again), default=1) or 1
    height = (_HEIGHT - _BOTTOM - _TOP) * 0.25
    for x, count in again:
        tall = max(3.0, round(height * count / most, 1))
        top = _HEIGHT - _BOTTOM - tall
        parts.append(
            f'<rect class="again" x="{across(x) - 1:.1f}" y="{top:.1f}" width="3" '
            f'height="{tall}"><title>{count:,.0f} sent again</title></rect>'
        )
    if rows:
        line = _points(rows, across, up)
        floor_ = up(0)
        area = f"{across(rows[0][0])},{floor_} {line} {across(rows[-1][0])},{floor_}"
        parts.append(f'<polygon class="area" points="{area}"/>')
        parts.append(f'<polyline class="line" points="{line}"/>')
    if limit:
        parts.append(
            f'<polyline class="limit" points="{_points(_steps(limit), across, up)}"/>'
        )
    parts += [
        f'<line class="break" x1="{across(x)}" x2="{across(x)}" y1="{_TOP}" '
        f'y2="{_HEIGHT - _BOTTOM}"/>'
        for x in breaks
    ]
    return _picture("Rows a second over time, against the rate limit", parts)


def answer_chart(bars: Sequence[tuple[str, int]]) -> str:
    """Draw how many answers took how long.

    Args:
        bars: names of the times, and how many answers took as long.
    """
    levels = marks(max((count for _, count in bars), default=0), 1)
    up = Scale(0, levels[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = [*_axes(levels, up)]
    wide = (_WIDTH - _RIGHT - _LEFT) / max(len(bars), 1)
    every = ceil(len(bars) / 5) or 1
    for place, (name, count) in enumerate(bars):
        x, top = _LEFT + place * wide, up(count)
        parts.append(
            f'<rect class="bar" x="{x + 1:.1f}" y="{top}" width="{wide - 2:.1f}" '
            f'height="{_HEIGHT - _BOTTOM - top:.1f}"><title>{escape(name)}: '
            f"{count:,}</title></rect>"
        )
        if place % every == 0:
            parts.append(_below(x, name))
    return _picture("How long answers took", parts)


def share_bar(parts: Sequence[tuple[str, int]]) -> str:
    """Draw parts of a whole side by side: class names, and how many."""
    total = sum(count for _, count in parts) or 1
    drawn, x = [], 0.0
    for name, count in parts:
        if count:
            wide = max(_WIDTH * count / total, 3.0)
            drawn.append(
                f'<rect class="{escape(name)}" x="{x:.1f}" y="0" width="{wide:.1f}" '
                f'height="16"><title>{escape(name)}: {count:,}</title></rect>'
            )
            x += wide
    return (
        f'<svg class="share" viewBox="0 0 {max(x, 1):.1f} 16" role="img" '
        f'preserveAspectRatio="none"><title>Outcomes</title>{"".join(drawn)}</svg>'
    )


def brief(figure: float) -> str:
    """Write a figure of an axis in few letters: 250, 1.5k, 20k, 3M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if figure >= unit:
            return f"{figure / unit:.4g}{name}"
    return f"{figure:.4g}"


def _picture(title: str, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>{escape(title)}'
        f"</title>{''.join(parts)}</svg>"
    )


def _points(points: Sequence[tuple[float, float]], across: Scale, up: Scale) -> str:
    return " ".join(f"{across(x)},{up(y)}" for x, y in points)


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Draw what holds until it changes as steps."""
    stepped = [points[0]]
    for (_, before), (x, y) in pairwise(points):
        stepped += [(x, before), (x, y)] if y != before else [(x, y)]
    return stepped


def _axes(levels: Sequence[float], up: Scale) -> Iterable[str]:
    for level in levels:
        y = up(level)
        yield (
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" '
            f'y2="{y}"/>'
        )
        yield _text(_LEFT - 8, y + 5, brief(level), "end")


def _times(across: Scale) -> Iterable[str]:
    last = across.most
    unit, name = next(
        (unit, name)
        for unit, name in ((3600, "h"), (60, "min"), (1, "s"))
        if last >= 3 * unit or unit == 1
    )
    for at in marks(last / unit):
        if at * unit <= last * 1.001:
            yield _below(across(at * unit), f"{at:,.10g} {name}")


def _below(x: float, words: str) -> str:
    """Write under the axis what stands at a place, and not over its ends."""
    anchor = "middle"
    if x < _LEFT + _LETTERS:
        anchor = "start"
    elif x > _WIDTH - _RIGHT - _LETTERS:
        x, anchor = _WIDTH - _RIGHT, "end"
    return _text(x, _HEIGHT - _BOTTOM + 24, words, anchor)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
    )

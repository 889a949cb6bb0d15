"""Tables in Markdown, and pictures in SVG."""

import re

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from attrs import Factory, frozen


@frozen
class Section:
    """A part of the page: a title, the method, and the results in Markdown.

    `pictures` are SVG, by the names of their files.
    """

    title: str
    method: str
    text: str
    pictures: Mapping[str, str] = Factory(dict)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def figure(text: str, head: str, row: Sequence[str], column: str) -> float | None:
    """Return a figure from the tables of a text, or None if they do not have it.

    `head` is the first cell of the table's head; the row starts with the cells `row`.
    """
    columns: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells
        elif columns[0] == head and column in columns and cells[: len(row)] == [*row]:
            found = re.match(r"[\d,]+(\.\d+)?", cells[columns.index(column)])
            return float(found[0].replace(",", "")) if found else None
    return None


_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 720, 200, 70, 28, 50

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" \
font-family="system-ui, sans-serif" font-size="13" fill="#1f2937">
<rect width="{0}" height="{1}" fill="#ffffff"/>"""
_BAR = '<rect x="{}" y="{}" width="{:.1f}" height="18" rx="2" fill="{}"/>'


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" {style}>{words}</text>'


def bars(title: str, values: Mapping[str, float], *, highlight: str) -> str:
    """Draw a bar for each value, from zero."""
    height = _TOP + _ROW * len(values) + 16
    room = _WIDTH - _LEFT - _RIGHT
    most = max(values.values())
    lines = [
        _HEAD.format(_WIDTH, height),
        _text(20, 28, escape(title), 'font-size="16" font-weight="600"'),
    ]
    for place, (name, value) in enumerate(values.items()):
        y = _TOP + _ROW * place
        ours = name.startswith(highlight)
        colour = "#0f766e" if ours else "#9ca3af"
        weight = 'font-weight="600"' if ours else ""
        wide = max(1.0, value / most * room)
        lines += [
            _text(_LEFT - 10, y + 15, escape(name), f'text-anchor="end" {weight}'),
            _BAR.format(_LEFT, y + 2, wide, colour),
            _text(_LEFT + wide + 8, y + 15, f"{value:,.3g}", weight),
        ]
    return "\n".join([*lines, "</svg>", ""])

"""Tables in Markdown, and pictures in SVG."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from attrs import Factory, frozen


@frozen
class Section:
    """A part of the report: what was measured, how, and what came out.

    `pictures` are SVG by the names of their files.
    """

    title: str
    method: str
    text: str
    pictures: Mapping[str, str] = Factory(dict)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 720, 200, 70, 28, 50


def bars(title: str, values: Mapping[str, float], *, highlight: str) -> str:
    """Draw a bar for each value, from zero."""
    height = _TOP + _ROW * len(values) + 16
    room = _WIDTH - _LEFT - _RIGHT
    most = max(values.values())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#1f2937">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="20" y="28" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(values.items()):
        y = _TOP + _ROW * place
        ours = name.startswith(highlight)
        colour = "#0f766e" if ours else "#9ca3af"
        weight = ' font-weight="600"' if ours else ""
        wide = max(1.0, value / most * room)
        lines += [
            f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end"{weight}>'
            f"{escape(name)}</text>",
            f'<rect x="{_LEFT}" y="{y + 2}" width="{wide:.1f}" height="18" '
            f'rx="2" fill="{colour}"/>',
            f'<text x="{_LEFT + wide + 8:.1f}" y="{y + 15}"{weight}>'
            f"{value:,.3g}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])

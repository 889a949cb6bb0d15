"""Draw chunk_states.svg from the table of transitions that the engine uses.

`python docs/chunk_states.py` draws it anew; a test fails when it is stale.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape
from math import hypot
from pathlib import Path
from types import MappingProxyType

from hubbatch._outcomes.chunk_state import CERTAINTY, Certainty, ChunkState, Step


PICTURE = Path(__file__).parent / "chunk_states.svg"
_WIDTH, _HEIGHT = 860, 400
_BOX = (170, 54)
# The centre of each state's box. A state without one is a KeyError: place it.
_AT: Mapping[Certainty, tuple[float, float]] = MappingProxyType(
    {
        Certainty.NO_DOUBT: (110, 90),
        Certainty.IN_FLIGHT: (425, 90),
        Certainty.MAYBE_WRITTEN: (740, 90),
        Certainty.LOOKING_UP: (740, 320),
        Certainty.NOT_FOUND: (425, 320),
        Certainty.RECREATING: (110, 320),
    }
)
# How far an arrow bends to its right; two arrows of one pair bend apart.
_BEND = 34.0
_BENDS: Mapping[tuple[Certainty, Certainty], float] = MappingProxyType(
    {
        (Certainty.NO_DOUBT, Certainty.MAYBE_WRITTEN): -110.0,
        (Certainty.MAYBE_WRITTEN, Certainty.LOOKING_UP): 90.0,
        (Certainty.LOOKING_UP, Certainty.MAYBE_WRITTEN): 90.0,
    }
)
_SAFE, _DOUBTFUL, _HELD = "#e8f1e4", "#fdeed9", "#f6d5d0"


def _colour(certainty: Certainty) -> str:
    state = ChunkState(certainty=certainty)
    if not state.may_send(retry_safe=False):
        return _HELD
    return _DOUBTFUL if state.maybe_written else _SAFE


def _arrows() -> Mapping[tuple[Certainty, Certainty], list[Step]]:
    arrows: dict[tuple[Certainty, Certainty], list[Step]] = defaultdict(list)
    for (before, step), after in CERTAINTY.items():
        if before is not after:
            arrows[before, after].append(step)
    return arrows


def _border(
    centre: tuple[float, float], towards: tuple[float, float]
) -> tuple[float, float]:
    """Return where the line from a box's centre towards a point leaves the box."""
    (x, y), (dx, dy) = centre, (towards[0] - centre[0], towards[1] - centre[1])
    half = (_BOX[0] / 2 + 3, _BOX[1] / 2 + 3)
    scale = min(
        half[0] / abs(dx) if dx else float("inf"),
        half[1] / abs(dy) if dy else float("inf"),
    )
    return x + dx * scale, y + dy * scale


def _arrow(before: Certainty, after: Certainty, steps: list[Step]) -> Iterator[str]:
    (x1, y1), (x2, y2) = _AT[before], _AT[after]
    length = hypot(x2 - x1, y2 - y1)
    bend = _BENDS.get((before, after), _BEND)
    middle = (
        (x1 + x2) / 2 - (y2 - y1) / length * bend,
        (y1 + y2) / 2 + (x2 - x1) / length * bend,
    )
    begin, end = _border((x1, y1), middle), _border((x2, y2), middle)
    yield (
        f'<path d="M {begin[0]:.0f} {begin[1]:.0f} Q {middle[0]:.0f} {middle[1]:.0f} '
        f'{end[0]:.0f} {end[1]:.0f}" fill="none" stroke="#555" '
        'marker-end="url(#head)"/>'
    )
    x = (begin[0] + 2 * middle[0] + end[0]) / 4
    y = (begin[1] + 2 * middle[1] + end[1]) / 4
    label = ", ".join(step.name.lower().replace("_", " ") for step in steps)
    yield (
        f'<text x="{x:.0f}" y="{y + 4:.0f}" font-size="12" text-anchor="middle" '
        'stroke="#fff" stroke-width="4" paint-order="stroke">'
        f"{escape(label)}</text>"
    )


def _box(certainty: Certainty) -> Iterator[str]:
    x, y = _AT[certainty]
    width, height = _BOX
    outcome = "unknown" if ChunkState(certainty=certainty).maybe_written else "not_sent"
    yield (
        f'<rect x="{x - width / 2:.0f}" y="{y - height / 2:.0f}" width="{width}" '
        f'height="{height}" rx="6" fill="{_colour(certainty)}" stroke="#777"/>'
    )
    yield (
        f'<text x="{x:.0f}" y="{y - 4:.0f}" text-anchor="middle" font-weight="bold">'
        f"{certainty.name}</text>"
    )
    yield (
        f'<text x="{x:.0f}" y="{y + 15:.0f}" text-anchor="middle" font-size="11">'
        f"batch ends here: {outcome}</text>"
    )


def drawn() -> str:
    """Return the picture."""
    parts: list[str] = []
    for (before, after), steps in _arrows().items():
        parts += _arrow(before, after, steps)
    for certainty in Certainty:
        parts += _box(certainty)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13" fill="#222">'
    )
    title = "<title>What is known about the writes of a chunk</title>"
    marker = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M 0 0 L 8 4 L 0 8 z" fill="#555"/></marker></defs>'
    )
    ground = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
    return "\n".join([head, title, marker, ground, *parts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")

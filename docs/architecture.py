"""Draw architecture.svg from the layers that import-linter holds, and what lies there.

`python docs/architecture.py` draws it anew; a test fails when it is stale.
"""

import textwrap
import tomllib

from collections.abc import Iterator
from html import escape
from pathlib import Path


HERE = Path(__file__).parent
PICTURE = HERE / "architecture.svg"
_TREE = HERE.parent
_PACKAGE = _TREE / "hubbatch"
_WIDTH, _LINE, _PAD, _GAP, _CHARACTER = 760, 15, 10, 8, 6.3
_PURE = (
    "_http",
    "_validators",
    "_classes",
    "_escapes",
    "_tables",
    "_wire",
    "_limits",
    "_outcomes",
    "errors",
    "models",
)
_COLOURS = dict.fromkeys(_PURE, "#e8f1e4")
_COLOURS |= {"_net": "#fdeed9", "simulator": "#f0e6f4"}


def _layers() -> list[list[str]]:
    """Give the layers from the outermost in, the simulator last: it stands alone."""
    told = tomllib.loads((_TREE / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [
        contract["layers"]
        for contract in told["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["hubbatch"]
    ]
    return [[name.strip() for name in one.split("|")] for one in layers]


def _modules(room: str) -> str:
    """Name what lies in a folder; a module has nothing in it."""
    names = sorted(
        path.stem
        for path in (_PACKAGE / room).glob("*")
        if not path.name.startswith("__") and (path.is_dir() or path.suffix == ".py")
    )
    return ", ".join(names)


def _box(room: str, x: float, y: float, width: float, height: float) -> Iterator[str]:
    colour = _COLOURS.get(room, "#e6eef8")
    yield (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'rx="5" fill="{colour}" stroke="#999"/>'
    )
    yield (
        f'<text x="{x + _PAD:.0f}" y="{y + 19:.0f}" font-weight="bold">'
        f"{escape(room)}</text>"
    )
    for number, line in enumerate(_lines(room, width)):
        at = y + 19 + _LINE * (number + 1)
        yield (
            f'<text x="{x + _PAD:.0f}" y="{at:.0f}" font-size="11">'
            f"{escape(line)}</text>"
        )


def _lines(room: str, width: float) -> list[str]:
    return textwrap.wrap(_modules(room), int((width - 2 * _PAD) / _CHARACTER))


def drawn() -> str:
    """Give the picture."""
    parts: list[str] = []
    y = 0.0
    for rooms in [*_layers(), ["simulator"]]:
        y += _GAP if rooms != ["simulator"] else 3 * _GAP
        width = (_WIDTH - _GAP * (len(rooms) + 1)) / len(rooms)
        height = 28 + _LINE * max(len(_lines(room, width)) for room in rooms)
        for place, room in enumerate(rooms):
            x = _GAP + place * (width + _GAP)
            parts += _box(room, x, y, width, height)
        y += height
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + _GAP:.0f}"'
        ' font-family="sans-serif" font-size="13" fill="#222">'
    )
    title = "<title>The rooms of hubbatch: each imports only from those below</title>"
    ground = f'<rect width="{_WIDTH}" height="{y + _GAP:.0f}" fill="#fff"/>'
    return "\n".join([head, title, ground, *parts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")

"""Finds the delimiter of a CSV from its first lines."""

import re

from collections.abc import Sequence

from .column_mapping import BadRow


# The delimiters that files have, by how common they are.
CANDIDATES: tuple[str, ...] = (",", ";", "\t", "|")
# What files call them.
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_MARK = "sep="
# A cell in quotes, between delimiters of any kind.
_QUOTED = re.compile(r'(?<![^,;\t|\r\n])"(?:[^"]|"")*"(?=[,;\t|\r\n]|$)')


def declared_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line `sep=;` declares; None without one.

    Excel writes and reads such a line. Its delimiter may be any character.
    """
    content = line.removeprefix("\ufeff").rstrip("\r\n").strip('"')
    if len(content) == len(_MARK) + 1 and content[:-1].lower() == _MARK:
        return content[-1]
    return None


def find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter of the first lines of a CSV, header first.

    A delimiter is possible if it cuts the header and some row, and no row has more
    cells than the header. If several are possible, one that cuts every row in as many
    cells as the header is certain. A header that none of them cuts is one column.

    Raises:
        BadRow: If more than one delimiter is possible and none or several are certain.
    """
    rows = _QUOTED.sub("x", "".join(lines)).splitlines()
    widths = {mark: _widths(rows, mark) for mark in CANDIDATES}
    cut = [mark for mark in CANDIDATES if widths[mark][:1] > [1]]
    possible = [mark for mark in cut if _is_possible(*widths[mark])]
    if not possible:
        # The rows that do not fit are reported by their line.
        return max(cut, key=lambda mark: widths[mark][0], default=CANDIDATES[0])
    certain = [mark for mark in possible if len({*widths[mark]}) == 1]
    chosen = certain or possible
    if len(chosen) > 1:
        guesses = " or ".join(_NAMES[mark] for mark in chosen)
        raise BadRow(
            f"the columns may be separated by {guesses}, and the first rows fit each "
            "of them",
            option=("delimiter", max(chosen, key=lambda mark: widths[mark][0])),
        )
    return chosen[0]


def _widths(rows: Sequence[str], mark: str) -> list[int]:
    """Return the number of cells of each row that is not empty."""
    return [row.count(mark) + 1 for row in rows if row.strip(mark + " ")]


def _is_possible(header: int, *rows: int) -> bool:
    return not rows or 1 < max(rows) <= header

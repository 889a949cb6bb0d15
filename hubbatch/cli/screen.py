"""What everything that the command line says goes through."""

import sys

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from hubbatch.core.visible import visible

from .streams import Screened


class Screen(Console):
    """A console that shows the control characters of text as escapes.

    Only rich's own sequences reach the terminal. It is the last line of defense: rich
    drops some control characters before, so text that is not ours goes through
    `shown` or `visible` first.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render an object into segments of safe text."""
        for segment in super().render(renderable, options):
            safe = visible(segment.text, keep="\n")
            if segment.control or safe == segment.text:
                yield segment
            else:
                yield Segment(safe, segment.style)


def screen(*, stderr: bool = True, highlight: bool = False) -> Screen:
    """Make the console of standard error, or of standard output."""
    stream = sys.stderr if stderr else sys.stdout
    file: Any = stream.plain if isinstance(stream, Screened) else None
    return Screen(file=file, stderr=stderr, highlight=highlight)


def shown(text: str) -> str:
    """Return text that is not ours as it goes into rich's markup."""
    return escape(visible(text))


def print_json(value: Any) -> None:
    """Print one object on standard output, as one line of JSON.

    It is valid in every encoding and harmless on a terminal: what either cannot take
    is escaped as JSON does.
    """
    try:
        line = orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
    except TypeError:  # half a character, from the name of a file
        line = orjson.dumps(_well_formed(value), option=orjson.OPT_UTC_Z).decode()
    # Not to a progress bar that has put itself before it: a signal ends those as well.
    stdout = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    unicode = (stdout.encoding or "").lower().replace("-", "") == "utf8"
    line = "".join(
        character
        if visible(character) == character and (unicode or character.isascii())
        else _as_json(character)
        for character in line
    )
    stdout.write(line + "\n")


def _as_json(character: str) -> str:
    r"""Write a character as JSON's own escapes: `\u200b`."""
    units = character.encode("utf-16-be")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return "".join(f"\\u{unit}" for unit in pairs)


def _well_formed(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {
                _well_formed(name): _well_formed(one) for name, one in value.items()
            }
        case list() | tuple():
            return [_well_formed(one) for one in value]
        case _:
            return value

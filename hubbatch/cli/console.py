"""The console and the JSON output, both of which escape control characters in data."""

import sys

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from hubbatch._escapes import visible
from hubbatch_entry.streams import EscapingStream


class EscapingConsole(Console):
    """A console on which control characters are shown as escapes.

    Only rich's own escape sequences reach the terminal. This is the last line of
    defense: rich itself drops some control characters, so pass data through
    `console_markup` or `visible` first.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of an object, with control characters as escapes."""
        for segment in super().render(renderable, options):
            safe = visible(segment.text, keep="\n")
            if segment.control or safe == segment.text:
                yield segment
            else:
                yield Segment(safe, segment.style)


def make_console(
    *, stderr: bool = True, highlight: bool = False, quiet: bool = False
) -> EscapingConsole:
    """Return a console on standard error, or on standard output; or a silent one."""
    stream = sys.stderr if stderr else sys.stdout
    file: Any = stream.plain if isinstance(stream, EscapingStream) else None
    return EscapingConsole(file=file, stderr=stderr, highlight=highlight, quiet=quiet)


def console_markup(text: str) -> str:
    """Return rich markup that shows a string from HubSpot, a file or the caller."""
    return escape(visible(text))


def print_json(value: Any) -> None:
    """Print an object to standard output as one line of JSON.

    Control characters and characters that the encoding lacks are written as JSON
    escapes.
    """
    try:
        line = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, from the name of a file
        line = msgspec.json.encode(_well_formed(value)).decode()
    # A progress bar replaces sys.stdout, and a signal may print while there is one.
    stdout = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    unicode = (stdout.encoding or "").lower().replace("-", "") == "utf8"
    line = "".join(
        character
        if visible(character) == character and (unicode or character.isascii())
        else _json_escape(character)
        for character in line
    )
    stdout.write(line + "\n")


def _json_escape(character: str) -> str:
    r"""Return the JSON escape of a character: `\u200b`."""
    units = character.encode("utf-16-be")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return "".join(f"\\u{unit}" for unit in pairs)


def _well_formed(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {
                _well_formed(name): _well_formed(item) for name, item in value.items()
            }
        case list() | tuple():
            return [_well_formed(item) for item in value]
        case _:
            return value

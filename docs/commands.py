"""Write reference/cli.md from the declarations of the commands.

`python docs/commands.py` rewrites the page; a test fails when it is stale. The page has
no text that click generates, so it is the same with every version of click.
"""

import re

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import click
import cloup

from hubbatch_entry.commands import hubbatch


PAGE = Path(__file__).parent / "reference" / "cli.md"
_TOP = """\
# Command line

Install it with `pip install "hubbatch[cli]"`. [Migrations](../migrations.md) explains
how to use the commands together.

<!-- Written by docs/commands.py: change the commands, and run it. -->
"""


def _markdown(help_text: str) -> str:
    """Return a help text as Markdown: the names of options become code."""
    line = " ".join(help_text.split())
    return re.sub(r"(?<![\w`-])(--[a-z-]+)", r"`\1`", line).replace("|", r"\|")


def _names(option: click.Option) -> str:
    metavar = option.metavar or ""
    if not (metavar or option.is_flag or option.count):
        choices = getattr(option.type, "choices", None)
        metavar = "|".join(choices) if choices else option.type.name.upper()
    names = ", ".join([*option.opts, *option.secondary_opts])
    return f"`{names} {metavar}".strip().replace("|", r"\|") + "`"


def _help(option: click.Option) -> str:
    text = _markdown(option.help or "")
    if option.required:
        text += " Required."
    if option.show_default and not option.is_flag:
        text += f" [default: `{option.default}`]"
    return text


def _table(options: Iterable[click.Option]) -> Iterator[str]:
    yield "| option | |"
    yield "|---|---|"
    for option in options:
        yield f"| {_names(option)} | {_help(option)} |"


def _command(name: str, command: cloup.Command) -> Iterator[str]:
    words = ["hubbatch", name]
    words += [
        argument.metavar or str(argument.name).upper() for argument in command.arguments
    ]
    words += ["[OPTIONS]"] if len(command.params) > len(command.arguments) else []
    yield f"## hubbatch {name}"
    yield ""
    yield f"`{' '.join(words)}`"
    for paragraph in (command.help or "").split("\n\n"):
        yield ""
        yield _markdown(paragraph)
    for group in command.option_groups:
        yield ""
        yield f"*{group.title}*"
        yield ""
        yield from _table(group)
    if command.ungrouped_options:
        yield ""
        yield from _table(command.ungrouped_options)
    if command.epilog:
        yield ""
        yield _markdown(command.epilog)


def written() -> str:
    """Return the page."""
    lines = [_TOP]
    for section in hubbatch.list_sections(click.Context(hubbatch)):
        for name, command in section.list_commands():
            lines += [*_command(name, cast("cloup.Command", command)), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")

"""Write reference/cli.md from the commands as they are declared.

`python docs/commands.py` rewrites the page; a test fails when it is stale. Only what is
declared is written, and nothing as click words it, so that every click makes one page.
"""

import re

from collections.abc import Iterator
from pathlib import Path

import click

from hubbatch.cli.commands import hubbatch


PAGE = Path(__file__).parent / "reference" / "cli.md"
_TOP = """\
# Command line

`pip install "hubbatch[cli]"`. How the commands work together is told by
[migrations](../migrations.md).

<!-- Written by docs/commands.py: change the commands, and run it. -->
"""


def _text(told: str) -> str:
    """Make Markdown of a help text: names of options as code, nothing else changed."""
    told = re.sub(r"(?<![\w`-])(--[a-z-]+)", r"`\1`", " ".join(told.split()))
    return told.replace("|", r"\|")


def _names(option: click.Option) -> str:
    metavar = option.metavar or ""
    if not (metavar or option.is_flag or option.count):
        choices = getattr(option.type, "choices", None)
        metavar = "|".join(choices) if choices else option.type.name.upper()
        metavar = {"INTEGER RANGE": "N", "FILE": "PATH", "TEXT": "TEXT"}.get(
            metavar, metavar
        )
    names = ", ".join([*option.opts, *option.secondary_opts])
    return f"`{names} {metavar}".strip().replace("|", r"\|") + "`"


def _help(option: click.Option) -> str:
    told = _text(option.help or "")
    if option.required:
        told += " Required."
    if option.show_default and not option.is_flag:
        told += f" [default: `{option.default}`]"
    return told.strip()


def _table(options: list[click.Option]) -> Iterator[str]:
    yield "| option | |"
    yield "|---|---|"
    for option in options:
        yield f"| {_names(option)} | {_help(option)} |"


def _command(name: str, command: click.Command) -> Iterator[str]:
    parameters = command.params
    arguments = [p for p in parameters if isinstance(p, click.Argument)]
    options = [p for p in parameters if isinstance(p, click.Option) and not p.hidden]
    words = ["hubbatch", name]
    words += [one.metavar or str(one.name).upper() for one in arguments]
    words += ["[OPTIONS]"] if options else []
    yield f"## hubbatch {name}"
    yield ""
    yield f"`{' '.join(words)}`"
    for paragraph in (command.help or "").split("\n\n"):
        yield ""
        yield _text(paragraph)
    headings: dict[str, list[click.Option]] = {}
    for option in options:
        headings.setdefault(getattr(option, "heading", ""), []).append(option)
    for heading, group in headings.items():
        yield ""
        if heading:
            yield f"*{heading}*"
            yield ""
        yield from _table(group)
    if command.epilog:
        yield ""
        yield _text(command.epilog)


def written() -> str:
    """Give the page."""
    lines = [_TOP]
    for names in type(hubbatch).headings.values():
        for name in names:
            lines += [*_command(name, hubbatch.commands[name]), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")

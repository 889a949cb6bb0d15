"""Prints what a check found, and the command that finds it again."""

from collections.abc import Mapping
from shlex import join
from typing import Any

from rich.console import Console

from hubbatch.jobs import CheckReport, Finding, Row

from .console import console_markup
from .progress import count_of


# The options of a verb that `check` has too, by their parameter; not those with a
# default that was not changed.
_SHARED = (
    ("id_property", "--id-property", None),
    ("id_column", "--id-column", None),
    ("empty", "--empty", "skip"),
    ("encoding", "--encoding", "utf-8"),
    ("delimiter", "--delimiter", None),
    ("query", "--query", None),
    ("timezone", "--timezone", None),
    ("limit", "--limit", None),
)


def print_findings(console: Console, report: CheckReport) -> None:
    """Print what a check found, by kind, with examples."""
    for finding in report.findings:
        kind = "[red]error[/]" if finding.certain else "[yellow]warning[/]"
        rows = f", {count_of(finding.rows, 'row')}" if finding.rows else ""
        console.print(f"{kind}: {_title(finding)}{rows}", soft_wrap=True)
        for row, message in finding.examples:
            console.print(f"  {_place(row)}{console_markup(message)}", soft_wrap=True)
        more = finding.rows - len(finding.examples)
        if more > 0:
            console.print(f"  … and {count_of(more, 'more row')}", soft_wrap=True)


def _title(finding: Finding) -> str:
    return console_markup(" ".join(filter(None, (finding.code, finding.property_name))))


def _place(row: Row | None) -> str:
    if row is None:
        return ""
    line = "" if row.line is None else f" (line {row.line})"
    return f"row {row.index + 1}{line}: "


def check_command(verb: str, options: Mapping[str, Any], *more: str) -> str:
    """Return the `check` of the rows of a verb with these options, for a shell."""
    words = ["hubbatch", "check", options["object_type"], options["source"]]
    words += ["--for", verb]
    for name, option, default in _SHARED:
        if options.get(name) not in (None, default):
            words += [option, str(options[name])]
    for column, name in dict(options.get("properties") or {}).items():
        words += ["--property", column if column == name else f"{column}={name}"]
    for column in options.get("append") or ():
        words += ["--append", column]
    if options.get("legacy"):
        words.append("--legacy")
    return join([*words, *more])

"""The options that several commands share, and the groups that `--help` shows.

A function such as `source_options` groups the options of one command with the ones that
all such commands have.
"""

import codecs
import re

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cloup

from .names import complete_property


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
WHERE_HELP = (
    "CONDITION compares a property with =, !=, <, <=, >, >=, in (A, B), not in, "
    "between A and B, contains (whole words; * stands for any characters), not "
    "contains, is set or is not set. `and`, `or` and parentheses connect comparisons. "
    "Values of several words need quotes. A day means all of that day, in UTC or in "
    "the --timezone."
)
PATH = click.Path(dir_okay=False, path_type=Path)


# ---- values


def check_encoding(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> str:
    """Return the name of an encoding, if Python knows it."""
    try:
        codecs.lookup(value)
    except LookupError:
        raise click.BadParameter(f"Unknown encoding {value!r}.") from None
    return value


def parse_delimiter(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> str | None:
    r"""Parse `--delimiter`: one character; `tab` and `\t` stand for a tab."""
    if value is None:
        return None
    value = {"tab": "\t", r"\t": "\t"}.get(value, value)
    if len(value) != 1 or value in '"\r\n':
        raise click.BadParameter("Expected one character, or tab.")
    return value


def parse_max_failures(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> int | str | None:
    """Parse `--max-failures`: a number, a percentage or `auto`; None for `none`."""
    if value == "none":
        return None
    if value == "auto" or value.endswith("%"):
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(
            "Expected a number, a percentage like 5%, auto or none."
        ) from None


def parse_reserve(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | str | None:
    """Parse `--daily-reserve`: a number of calls, or a percentage."""
    if value is None or value.endswith("%"):
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(
            "Expected a number of calls, or a percentage like 5%."
        ) from None


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> float:
    """Parse `--patience`: `90s`, `30m`, `1h30m`; return seconds."""
    if value is None:
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", value.lower())
    if not parts or "".join(map("".join, parts)) != value.lower():
        raise click.BadParameter("Expected a duration such as 90s, 30m or 1h30m.")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse_columns(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse `COLUMN` and `COLUMN=NAME`; return the property of each column."""
    columns: dict[str, str] = {}
    for value in values:
        column, _, name = value.partition("=")
        name = name or column
        if not column or column in columns or name in columns.values():
            raise click.BadParameter(
                f"{value!r} has no column, or repeats a column or a property."
            )
        columns[column] = name
    return columns


# ---- where the rows come from

id_column: Decorator = cloup.option(
    "--id-column",
    metavar="NAME",
    help="Read the ids from this column.  [default: NAME of --id-property, or id]",
)
record_id_column: Decorator = cloup.option(
    "--id-column", metavar="NAME", help="Read the ids from this column.  [default: id]"
)
create_id_column: Decorator = cloup.option(
    "--id-column",
    metavar="NAME",
    help="Name rows in results by this column; do not send it.  [default: id]",
)
id_property: Decorator = cloup.option(
    "--id-property",
    shell_complete=complete_property,
    metavar="NAME",
    help="Identify records by this unique property.",
)
columns: Decorator = cloup.option(
    "--property",
    "properties",
    shell_complete=complete_property,
    metavar="COLUMN[=NAME]",
    multiple=True,
    callback=parse_columns,
    help="Use only this column, as property NAME. Repeatable.",
)
read_properties: Decorator = cloup.option(
    "--property",
    "properties",
    shell_complete=complete_property,
    metavar="NAME",
    multiple=True,
    help="Read this property, or ALL. Repeatable.  [default: HubSpot's defaults]",
)
empty: Decorator = cloup.option(
    "--empty",
    type=click.Choice(["skip", "clear"]),
    default="skip",
    show_default=True,
    help="Skip empty cells of a CSV, or clear their properties.",
)
append: Decorator = cloup.option(
    "--append",
    metavar="COLUMN",
    multiple=True,
    help="Add this column's options to those that a checkbox has. Repeatable.",
)
legacy: Decorator = cloup.option(
    "--legacy",
    is_flag=True,
    help="Use the crm-objects/v1 API (tickets, products, line_items).",
)
all_records: tuple[Decorator, ...] = (
    cloup.option(
        "--all",
        "everything",
        is_flag=True,
        help="Read all records of the type, without a SOURCE.",
    ),
    cloup.option(
        "--archived",
        is_flag=True,
        help="With --all, read the archived records instead.",
    ),
)
where: Decorator = cloup.option(
    "--where",
    metavar="CONDITION",
    multiple=True,
    help='Take the records that match, e.g. "createdate >= 2026-01-01". Repeatable: '
    "all conditions must be true.",
)
where_timezone: Decorator = cloup.option(
    "--timezone",
    metavar="NAME",
    help="Take days and times in --where to be in this zone.  [default: UTC]",
)
pairs: tuple[Decorator, ...] = (
    cloup.option(
        "--from-column",
        metavar="NAME",
        help="Read the ids of FROM_TYPE from this column.  [default: from_id, or from]",
    ),
    cloup.option(
        "--to-column",
        metavar="NAME",
        help="Read the ids of TO_TYPE from this column.  [default: to_id, or to]",
    ),
    cloup.option(
        "--from-map",
        type=PATH,
        multiple=True,
        help="Map ids of FROM_TYPE by this --results file of `create`. Repeatable.",
    ),
    cloup.option(
        "--to-map",
        type=PATH,
        multiple=True,
        help="Map ids of TO_TYPE by this --results file of `create`. Repeatable.",
    ),
    cloup.option(
        "--label",
        metavar="LABEL",
        help="Use this association label.  [default: no label]",
    ),
    cloup.option(
        "--type-id",
        type=click.IntRange(min=1),
        metavar="N",
        help="Use the label with this type id.",
    ),
    cloup.option(
        "--label-column",
        metavar="NAME",
        help="Read the labels of each row from this column, separated by `;`.",
    ),
    cloup.option(
        "--remove",
        is_flag=True,
        help="Remove the label; without a label, remove all associations of the pairs.",
    ),
)
list_choice: tuple[Decorator, ...] = (
    cloup.option(
        "--object-type",
        metavar="TYPE",
        help="Find LIST among the lists of this type, if the name is not unique.",
    ),
    cloup.option(
        "--remove", is_flag=True, help="Remove the records from the list instead."
    ),
)
limit: Decorator = cloup.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take only the first N rows.",
)
timezone: Decorator = cloup.option(
    "--timezone",
    metavar="NAME",
    help="Assume this zone (e.g. UTC) for times without one; as-is: send them as text.",
)
text_file: tuple[Decorator, ...] = (
    cloup.option(
        "--encoding",
        default="utf-8",
        show_default=True,
        callback=check_encoding,
        help="Set the encoding of the source.",
    ),
    cloup.option(
        "--delimiter",
        callback=parse_delimiter,
        help="Set the CSV delimiter, or `tab`.  [default: detected]",
    ),
)
_file: tuple[Decorator, ...] = (
    *text_file,
    cloup.option(
        "--query",
        metavar="SQL",
        help="Read this SELECT from SOURCE, an SQLite database.",
    ),
    timezone,
)


# ---- where output goes

output: Decorator = cloup.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    help="Write the records here (.csv, .jsonl or .parquet).",
)
replay_output: Decorator = cloup.option(
    "-o",
    "--output",
    type=PATH,
    help="Write the records of a `read` here (.csv, .jsonl or .parquet).",
)
refused_output: Decorator = cloup.option(
    "-o",
    "--output",
    type=PATH,
    help="Write the rows with errors here, each with the reason (.csv or .jsonl).",
)
as_json: Decorator = cloup.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object to standard output, last.",
)
_messages: tuple[Decorator, ...] = (
    cloup.option(
        "-q",
        "--quiet",
        is_flag=True,
        help="Print nothing unless something went wrong.",
    ),
    cloup.option(
        "-v",
        "--verbose",
        count=True,
        help="Print retries, waits and the like; -vv prints every request.",
    ),
    cloup.option(
        "--log-file",
        type=PATH,
        help="Append what -v prints to this file, with the time. It holds no values.",
    ),
)
only_json: Decorator = cloup.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object instead of a table."
)
_job_files: tuple[Decorator, ...] = (
    cloup.option(
        "--journal",
        type=PATH,
        help="Keep a journal here; rerun the command to resume.",
    ),
    cloup.option(
        "--results",
        type=PATH,
        help="Write a line per success here (.csv or .jsonl).",
    ),
    cloup.option(
        "--failures",
        type=PATH,
        help="Write the rows that did not succeed here (.jsonl, or .csv to fix in a "
        "spreadsheet), for `replay`.",
    ),
    cloup.option(
        "--report",
        type=PATH,
        help="Write a report here (.html); needs --journal.",
    ),
)


# ---- safety and speed

preflight: Decorator = cloup.option(
    "--preflight",
    is_flag=True,
    help="Run `check` first; send nothing if it finds an error.",
)
no_journal: Decorator = cloup.option(
    "--no-journal",
    is_flag=True,
    help="Allow a create of more than one chunk without a journal.",
)
reconcile_by: Decorator = cloup.option(
    "--reconcile-by",
    shell_complete=complete_property,
    metavar="NAME",
    help="Look up creates whose response was lost by this unique property.",
)
confirm: Decorator = cloup.option(
    "--confirm",
    type=click.IntRange(min=0),
    metavar="ROWS",
    help="Confirm the number of rows of SOURCE, also to resume. Required.",
)
rate_limit: Decorator = cloup.option(
    "--rate-limit",
    type=click.FloatRange(min=1),
    metavar="N",
    help="Send at most N requests per 10 s.  [default: HubSpot's limit]",
)
_job_limits: tuple[Decorator, ...] = (
    cloup.option(
        "--dry-run",
        is_flag=True,
        help="Validate rows and estimate the time; send nothing.",
    ),
    cloup.option(
        "--max-failures",
        metavar="N|N%|none",
        default="auto",
        callback=parse_max_failures,
        help="Stop after more than N failures.  [default: if the first 1,000 rows all "
        "fail for the same reason]",
    ),
    cloup.option(
        "--daily-reserve",
        metavar="N|N%",
        callback=parse_reserve,
        help="Keep N (or N%) of the daily calls for other apps.",
    ),
    cloup.option(
        "--wait",
        is_flag=True,
        help="When the daily calls are used up, wait for the reset and resume.",
    ),
    cloup.option(
        "--patience",
        metavar="DURATION",
        callback=parse_duration,
        help="Wait this long (e.g. 30m) while HubSpot is down.  [default: end the job "
        "once requests have used up their retries]",
    ),
    rate_limit,
    cloup.option(
        "--max-concurrency",
        type=click.IntRange(min=1),
        metavar="N",
        help="Send at most N requests at a time.  [default: as many as use the rate "
        "limit, at most 200]",
    ),
)


# ---- groups

account_options: Decorator = cloup.option_group(
    "Account",
    cloup.option(
        "--account",
        type=click.IntRange(min=1),
        metavar="ID",
        help="Refuse to run on any other account.",
    ),
    cloup.option(
        "--token-env",
        metavar="NAME",
        default="HUBSPOT_ACCESS_TOKEN",
        show_default=True,
        help="Read the access token from this environment variable.",
    ),
    cloup.option(
        "--base-url",
        metavar="URL",
        help="Send requests to this URL.  [env: HUBBATCH_BASE_URL]",
    ),
    cloup.option(
        "--api-version",
        metavar="VERSION",
        help="Use v3, or a dated version like 2026-03.  [env: HUBBATCH_API_VERSION; "
        "default: v3]",
    ),
    cloup.option(
        "--no-proxy",
        "trust_env",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Ignore the proxy in HTTPS_PROXY or ALL_PROXY.",
    ),
)


def source_options(*options: Decorator) -> Decorator:
    """Group a command's own source options with those that every source has."""
    return cloup.option_group("Source", *options, *_file, limit)


def output_options(*options: Decorator) -> Decorator:
    """Group a command's own output options with those that every job has."""
    return cloup.option_group("Output", *options, *_job_files, as_json, *_messages)


def safety_options(*options: Decorator) -> Decorator:
    """Group a command's own safety options with those that every job has."""
    return cloup.option_group("Safety and speed", *options, *_job_limits)

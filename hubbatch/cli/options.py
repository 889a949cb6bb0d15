"""The options of the commands, in the groups in which `--help` shows them."""

import codecs

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click


C = TypeVar("C", bound=Callable[..., Any])
Decorator = Callable[[C], C]
_PATH = click.Path(dir_okay=False, path_type=Path)


class Option(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *names: Any, heading: str = "Options", **options: Any) -> None:
        super().__init__(*names, **options)
        self.heading = heading


class Command(click.Command):
    """A command whose help has its options under headings."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options, heading by heading."""
        headings: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                heading = getattr(parameter, "heading", "Others")
                headings.setdefault(heading, []).append(record)
        for heading, records in headings.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def check_encoding(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> str:
    """Refuse an encoding that Python does not know."""
    try:
        codecs.lookup(value)
    except LookupError:
        raise click.BadParameter(f"Python knows no encoding {value!r}.") from None
    return value


def check_delimiter(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> str:
    r"""Take one character, or the words `tab` and `\t`."""
    value = {"tab": "\t", r"\t": "\t"}.get(value, value)
    if len(value) != 1 or value in '"\r\n':
        raise click.BadParameter("One character, or tab.")
    return value


def parse_max_failures(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> int | str | None:
    """Read a number, a share, `auto`, or `none`."""
    if value == "none":
        return None
    if value == "auto" or value.endswith("%"):
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter("A number, a share like 5%, auto or none.") from None


def parse_reserve(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | str | None:
    """Read a number of calls, or a share."""
    if value is None or value.endswith("%"):
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter("A number of calls, or a share like 5%.") from None


def parse_columns(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Read `COLUMN` and `COLUMN=NAME`."""
    columns: dict[str, str] = {}
    for value in values:
        column, _, name = value.partition("=")
        name = name or column
        if not column or column in columns or name in columns.values():
            raise click.BadParameter(f"{value!r} is empty, or says it twice.")
        columns[column] = name
    return columns


def option(*names: str, heading: str, **options: Any) -> Decorator[Any]:
    """Declare an option under a heading."""
    return click.option(*names, cls=Option, heading=heading, **options)


def together(*decorators: Decorator[Any]) -> Decorator[Any]:
    """Make one decorator of several, to be read from top to bottom."""

    def decorate(function: C) -> C:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_SOURCE = "The source"
_OUTCOMES = "The outcomes"
_SAFETY = "How far to go"
_ACCOUNT = "The account"

source_argument: Decorator[Any] = together(
    click.argument("object_type", metavar="OBJECT_TYPE"),
    click.argument("source", metavar="SOURCE"),
)
maybe_source: Decorator[Any] = together(
    click.argument("object_type", metavar="OBJECT_TYPE"),
    click.argument("source", metavar="[SOURCE]", required=False),
)
everything: Decorator[Any] = together(
    option(
        "--all",
        "everything",
        is_flag=True,
        heading=_SOURCE,
        help="Read all records of the type, in place of a SOURCE.",
    ),
    option(
        "--archived",
        is_flag=True,
        heading=_SOURCE,
        help="With --all: those that are archived, in place of the others.",
    ),
)
id_column: Decorator[Any] = option(
    "--id-column",
    metavar="NAME",
    heading=_SOURCE,
    help="The column with the ids.  [default: the one named like --id-property, or id]",
)
create_id_column: Decorator[Any] = option(
    "--id-column",
    metavar="NAME",
    heading=_SOURCE,
    help="A column of your own ids, not sent, but shown in results.  [default: id]",
)
id_property: Decorator[Any] = option(
    "--id-property",
    metavar="NAME",
    heading=_SOURCE,
    help="The unique property that the ids are values of.",
)
columns: Decorator[Any] = option(
    "--property",
    "properties",
    metavar="COLUMN[=NAME]",
    multiple=True,
    callback=parse_columns,
    heading=_SOURCE,
    help="Send this column (as this property), and no others. Repeatable.",
)
read_properties: Decorator[Any] = option(
    "--property",
    "properties",
    metavar="NAME",
    multiple=True,
    heading=_SOURCE,
    help="Read this property. Repeatable.  [default: the type's own]",
)
empty: Decorator[Any] = option(
    "--empty",
    type=click.Choice(["skip", "clear"]),
    default="skip",
    show_default=True,
    heading=_SOURCE,
    help="What an empty cell of a CSV does to its property.",
)
legacy: Decorator[Any] = option(
    "--legacy",
    is_flag=True,
    heading=_SOURCE,
    help="Use crm-objects/v1 (tickets, products, line_items).",
)
reconcile_by: Decorator[Any] = option(
    "--reconcile-by",
    metavar="NAME",
    heading=_SAFETY,
    help="Find creates whose answer was lost by this unique property.",
)
no_journal: Decorator[Any] = option(
    "--no-journal",
    is_flag=True,
    heading=_SAFETY,
    help="Create more than one chunk without a journal.",
)
output: Decorator[Any] = option(
    "-o",
    "--output",
    type=_PATH,
    required=True,
    heading=_OUTCOMES,
    help="Write the records here (.csv, .jsonl or .parquet).",
)
maybe_output: Decorator[Any] = option(
    "-o",
    "--output",
    type=_PATH,
    heading=_OUTCOMES,
    help="Write the records of a read here (.csv, .jsonl or .parquet).",
)
limit: Decorator[Any] = option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    heading=_SOURCE,
    help="Take the first N rows only.",
)
as_json: Decorator[Any] = option(
    "--json",
    "as_json",
    is_flag=True,
    heading=_OUTCOMES,
    help="Print one JSON object on standard output, last.",
)
rate_limit: Decorator[Any] = option(
    "--rate-limit",
    type=click.FloatRange(min=1),
    metavar="N",
    heading=_SAFETY,
    help="At most N requests per 10 s.  [default: as HubSpot tells]",
)
preflight: Decorator[Any] = option(
    "--preflight",
    is_flag=True,
    heading=_SAFETY,
    help="Check all rows first, as `check` does; send nothing if one is wrong.",
)
pair_options: Decorator[Any] = together(
    option(
        "--from-column",
        metavar="NAME",
        heading=_SOURCE,
        help="The column with the ids of FROM_TYPE.  [default: from_id, or from]",
    ),
    option(
        "--to-column",
        metavar="NAME",
        heading=_SOURCE,
        help="The column with the ids of TO_TYPE.  [default: to_id, or to]",
    ),
    option(
        "--from-map",
        type=_PATH,
        multiple=True,
        heading=_SOURCE,
        help="Results of creates: ids of FROM_TYPE are `input_id`s there. Repeatable.",
    ),
    option(
        "--to-map",
        type=_PATH,
        multiple=True,
        heading=_SOURCE,
        help="Results of creates: ids of TO_TYPE are `input_id`s there. Repeatable.",
    ),
    option(
        "--label",
        metavar="LABEL",
        heading=_SOURCE,
        help="As what, by its label.  [default: without a label]",
    ),
    option(
        "--type-id",
        type=click.IntRange(min=1),
        metavar="N",
        heading=_SOURCE,
        help="As what, by its number.",
    ),
    option(
        "--label-column",
        metavar="NAME",
        heading=_SOURCE,
        help="As what, row by row: a column of labels, with ; between them.",
    ),
    option(
        "--remove",
        is_flag=True,
        heading=_SOURCE,
        help="Take this label off; without one, separate the records altogether.",
    ),
)
file_options: Decorator[Any] = together(
    option(
        "--encoding",
        default="utf-8",
        show_default=True,
        callback=check_encoding,
        heading=_SOURCE,
        help="The encoding of the source.",
    ),
    option(
        "--delimiter",
        default=",",
        show_default=True,
        callback=check_delimiter,
        heading=_SOURCE,
        help="What separates the cells of a CSV.",
    ),
    option(
        "--query",
        metavar="SQL",
        heading=_SOURCE,
        help="SOURCE is an SQLite database; take the rows of this SELECT.",
    ),
    option(
        "--timezone",
        metavar="NAME",
        heading=_SOURCE,
        help="The time zone of the times in a Parquet file that have none, e.g. UTC.",
    ),
)
job_options: Decorator[Any] = together(
    limit,
    option(
        "--journal",
        type=_PATH,
        heading=_OUTCOMES,
        help="Keep a journal here; the same command then goes on where it stopped.",
    ),
    option(
        "--results",
        type=_PATH,
        heading=_OUTCOMES,
        help="Write a line per success here (.csv or .jsonl).",
    ),
    option(
        "--failures",
        type=_PATH,
        heading=_OUTCOMES,
        help="Write the rows that did not succeed here (.jsonl), for `replay`.",
    ),
    option(
        "--report",
        type=_PATH,
        heading=_OUTCOMES,
        help="Write a page of the job here in the end (.html); needs --journal.",
    ),
    as_json,
    option(
        "--dry-run",
        is_flag=True,
        heading=_SAFETY,
        help="Read and check every row, say what it would take, send nothing.",
    ),
    option(
        "--max-failures",
        metavar="N|N%|none",
        default="auto",
        callback=parse_max_failures,
        heading=_SAFETY,
        help="Stop after more failures.  [default: when the first 1,000 rows all "
        "fail for one reason]",
    ),
    option(
        "--daily-reserve",
        metavar="N|N%",
        callback=parse_reserve,
        heading=_SAFETY,
        help="Leave so many of the day's calls to others.",
    ),
    option(
        "--wait",
        is_flag=True,
        heading=_SAFETY,
        help="When the day's calls are used up, sleep until they are reset.",
    ),
    rate_limit,
    option(
        "--max-concurrency",
        type=click.IntRange(min=1),
        metavar="N",
        default=32,
        show_default=True,
        heading=_SAFETY,
        help="At most N requests at a time.",
    ),
)
account_options: Decorator[Any] = together(
    option(
        "--account",
        type=click.IntRange(min=1),
        metavar="ID",
        heading=_ACCOUNT,
        help="Refuse to work on any other portal.",
    ),
    option(
        "--token-env",
        metavar="NAME",
        default="HUBSPOT_ACCESS_TOKEN",
        show_default=True,
        heading=_ACCOUNT,
        help="The environment variable with the access token.",
    ),
    option(
        "--base-url",
        metavar="URL",
        heading=_ACCOUNT,
        help="Where HubSpot is.  [env: HUBBATCH_BASE_URL]",
    ),
    option(
        "--api-version",
        metavar="VERSION",
        heading=_ACCOUNT,
        help="v3, or dated like 2026-03.  [env: HUBBATCH_API_VERSION; default: v3]",
    ),
)

"""The commands that send rows: the five verbs, those of associations, and `replay`."""

import sys

from functools import partial
from typing import Any

import click

from hubbatch.jobs.column_mapping import JobVerb

from . import options as given
from .conducting import conduct
from .ordering import order_associations, order_pairs, order_replay, order_verb


_SOURCE_HELP = (
    "SOURCE is a .csv, .jsonl or .parquet file, or - for JSON lines on standard input. "
    "In a CSV or flat JSON line every column but the id is a property; a JSON line may "
    'also have HubSpot\'s shape, {"id": ..., "properties": {...}}.'
)
_STATUS_HELP = (
    "Exit status: 0 all succeeded; 1 some did not; 2 usage, unreadable input, wrong "
    "account or journal; 3 ended early; 130 or 143 interrupted."
)


def _verb(verb: JobVerb, summary: str, *decorators: Any) -> click.Command:
    """Make the command of a verb."""
    source = given.maybe_source if verb == "read" else given.source_argument

    @given.together(source, *decorators)
    @given.together(given.file_options, given.job_options, given.account_options)
    def run(**options: Any) -> None:
        sys.exit(conduct(partial(order_verb, verb, options), options))

    return click.command(
        verb,
        cls=given.Command,
        help=f"{summary}\n\n{_SOURCE_HELP}",
        short_help=summary,
        epilog=_STATUS_HELP,
    )(run)


update: click.Command = _verb(
    "update",
    "Set properties of existing records.",
    given.id_column,
    given.id_property,
    given.columns,
    given.empty,
    given.legacy,
    given.preflight,
)
upsert: click.Command = _verb(
    "upsert",
    "Set properties by a unique value; create what is missing.",
    given.id_column,
    given.id_property,
    given.columns,
    given.empty,
    given.preflight,
)
create: click.Command = _verb(
    "create",
    "Create records, none of them twice.",
    given.create_id_column,
    given.columns,
    given.empty,
    given.legacy,
    given.no_journal,
    given.reconcile_by,
    given.preflight,
)
read: click.Command = _verb(
    "read",
    "Read records by id, by a unique property, or all of them, into a file.",
    given.id_column,
    given.id_property,
    given.everything,
    given.read_properties,
    given.legacy,
    given.output,
)
archive: click.Command = _verb(
    "archive", "Archive records.", given.id_column, given.legacy
)


@click.command(
    cls=given.Command,
    short_help="Associate records with records, or separate them.",
    epilog=_STATUS_HELP,
)
@click.argument("from_type", metavar="FROM_TYPE")
@click.argument("to_type", metavar="TO_TYPE")
@click.argument("source", metavar="SOURCE")
@given.together(
    given.pair_options, given.file_options, given.job_options, given.account_options
)
def associate(**options: Any) -> None:
    """Associate the records of two types, pair by pair.

    SOURCE is a .csv, .jsonl or .parquet file, or - for JSON lines on standard input,
    with the two ids in a row. --from-map and --to-map are for ids of another system:
    they say what those have become, and are the --results of the jobs that created
    the records.
    """
    sys.exit(conduct(partial(order_pairs, options), options))


@click.command(
    cls=given.Command,
    short_help="Read what records are associated with, into a file.",
    epilog=_STATUS_HELP,
)
@click.argument("from_type", metavar="FROM_TYPE")
@click.argument("to_type", metavar="TO_TYPE")
@click.argument("source", metavar="SOURCE")
@given.together(
    given.id_column,
    given.output,
    given.file_options,
    given.job_options,
    given.account_options,
)
def associations(**options: Any) -> None:
    """Read which records of TO_TYPE those of FROM_TYPE are associated with.

    SOURCE has the ids of FROM_TYPE, as `read` has written them, say. The output has a
    line for each pair, with the columns from_id, to_id and labels, for `associate`.
    """
    sys.exit(conduct(partial(order_associations, options), options))


@click.command(
    cls=given.Command,
    short_help="Send again what did not succeed.",
    epilog=_STATUS_HELP,
)
@click.argument("failed", metavar="FAILURES.jsonl")
@given.together(
    given.no_journal,
    given.reconcile_by,
    given.maybe_output,
    given.job_options,
    given.account_options,
)
def replay(**options: Any) -> None:
    """Send again what did not succeed, as it is or as you edited it.

    FAILURES.jsonl is what --failures wrote. It says what was to be done, and on which
    portal; on another one nothing is sent. Creates that may have been made already
    are refused, unless --reconcile-by says how to look for them.
    """
    sys.exit(conduct(partial(order_replay, options), options))

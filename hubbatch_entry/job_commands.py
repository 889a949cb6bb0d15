"""The commands that run a job: the verbs, those for associations, and `replay`.

A command imports its implementation only when it runs: importing the jobs and `rich`
takes a while, and `--help` needs neither.
"""

import sys

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import cloup

from . import options as shared
from .names import ObjectType
from .options import Decorator


if TYPE_CHECKING:
    from hubbatch._tables.column_mapping import JobVerb


_SOURCE_HELP = (
    "SOURCE is a .csv, .tsv, .xlsx, .jsonl, .json (an array) or .parquet file, each "
    "also with .gz, or - for JSON lines on standard input. In a table or a flat JSON "
    "object, every column except the id is a property; an object may also have "
    'HubSpot\'s shape, {"id": ..., "properties": {...}}.'
)
_STATUS_HELP = (
    "Exit status: 0 all rows succeeded; 1 some did not; 2 bad usage, unreadable input, "
    "wrong account or journal; 3 ended early; 130 or 143 interrupted."
)


def _verb(
    verb: "JobVerb",
    summary: str,
    *,
    more: str = "",
    source: Sequence[Decorator],
    output: Sequence[Decorator] = (),
    safety: Sequence[Decorator] = (),
) -> click.Command:
    """Return the command for a verb; SOURCE is optional for `read` only."""
    optional = verb == "read"

    @cloup.command(
        verb,
        help="\n\n".join(filter(None, (summary, _SOURCE_HELP, more))),
        short_help=summary,
        epilog=_STATUS_HELP,
    )
    @cloup.argument("object_type", metavar="OBJECT_TYPE", type=ObjectType())
    @cloup.argument(
        "source", metavar="[SOURCE]" if optional else "SOURCE", required=not optional
    )
    @shared.source_options(*source)
    @shared.output_options(*output)
    @shared.safety_options(*safety)
    @shared.account_options
    def run(**options: Any) -> None:
        from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

        make_spec = partial(arguments.verb_spec, verb, options)
        sys.exit(run_job.run_job(make_spec, options))

    return run


update: click.Command = _verb(
    "update",
    "Set properties of existing records.",
    source=(
        shared.id_column,
        shared.id_property,
        shared.columns,
        shared.empty,
        shared.append,
        shared.legacy,
    ),
    safety=(shared.preflight,),
)
upsert: click.Command = _verb(
    "upsert",
    "Update records by a unique property, or create them.",
    source=(
        shared.id_column,
        shared.id_property,
        shared.columns,
        shared.empty,
        shared.append,
    ),
    safety=(shared.preflight,),
)
create: click.Command = _verb(
    "create",
    "Create records, each at most once.",
    source=(shared.create_id_column, shared.columns, shared.empty, shared.legacy),
    safety=(shared.no_journal, shared.reconcile_by, shared.preflight),
)
read: click.Command = _verb(
    "read",
    "Read records by id or unique property, all, or those that match, into a file.",
    more=f"{shared.WHERE_HELP} With --dry-run, the records are only counted.",
    source=(
        shared.id_column,
        shared.id_property,
        *shared.all_records,
        shared.where,
        shared.read_properties,
        shared.legacy,
    ),
    output=(shared.output,),
)
archive: click.Command = _verb(
    "archive", "Archive records.", source=(shared.record_id_column, shared.legacy)
)


@cloup.command(
    short_help="Merge pairs of records. It cannot be undone.",
    epilog=_STATUS_HELP,
)
@cloup.argument("object_type", metavar="OBJECT_TYPE", type=ObjectType())
@cloup.argument("source", metavar="SOURCE")
@shared.source_options()
@shared.output_options()
@shared.safety_options(shared.confirm)
@shared.account_options
def merge(**options: Any) -> None:
    """Merge pairs of records. It cannot be undone.

    SOURCE is a .csv, .jsonl or .parquet file with the columns primaryObjectId, the id
    of the record that stays, and objectIdToMerge, the id of the record that is merged
    into it. HubSpot usually creates a new record: --results has its id.

    A merge that may have been sent before an interruption is never sent again: it ends
    as unknown.
    """
    from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

    sys.exit(run_job.run_job(partial(arguments.merge_spec, options), options))


@cloup.command(
    "gdpr-delete",
    short_help="Delete contacts for good. It cannot be undone.",
    epilog=_STATUS_HELP,
)
@cloup.argument("object_type", metavar="contacts")
@cloup.argument("source", metavar="SOURCE")
@shared.source_options(shared.id_column, shared.id_property)
@shared.output_options()
@shared.safety_options(shared.confirm)
@shared.account_options
def gdpr_delete(**options: Any) -> None:
    """Delete contacts and their content for good. It cannot be undone.

    SOURCE is a .csv, .jsonl or .parquet file with the ids, or with e-mail addresses and
    --id-property email. HubSpot blocks an address that no contact has: no import and no
    form can create a contact with it. The answer is the same, so check the addresses.
    """
    from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

    sys.exit(run_job.run_job(partial(arguments.gdpr_delete_spec, options), options))


@cloup.command(
    short_help="Associate pairs of records, or remove associations.",
    epilog=_STATUS_HELP,
)
@cloup.argument("from_type", metavar="FROM_TYPE", type=ObjectType())
@cloup.argument("to_type", metavar="TO_TYPE", type=ObjectType())
@cloup.argument("source", metavar="SOURCE")
@shared.source_options(*shared.pairs)
@shared.output_options()
@shared.safety_options()
@shared.account_options
def associate(**options: Any) -> None:
    """Associate pairs of records of two types, or remove associations.

    SOURCE is a file as for `update`, or - for JSON lines on standard input, with the
    two ids in each row. If the ids are those of another system, --from-map and
    --to-map name the --results files of the jobs that created the records.
    """
    from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

    sys.exit(run_job.run_job(partial(arguments.associate_spec, options), options))


@cloup.command(
    short_help="Read the associations of records into a file.",
    epilog=_STATUS_HELP,
)
@cloup.argument("from_type", metavar="FROM_TYPE", type=ObjectType())
@cloup.argument("to_type", metavar="TO_TYPE", type=ObjectType())
@cloup.argument("source", metavar="SOURCE")
@shared.source_options(shared.record_id_column)
@shared.output_options(shared.output)
@shared.safety_options()
@shared.account_options
def associations(**options: Any) -> None:
    """Read the records of TO_TYPE that are associated with records of FROM_TYPE.

    SOURCE has the ids of FROM_TYPE, e.g. the output of `read`. The output has a line
    for each pair, with the columns from_id, to_id and labels; `associate` accepts it as
    its SOURCE.
    """
    from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

    sys.exit(run_job.run_job(partial(arguments.associations_spec, options), options))


@cloup.command(
    short_help="Add records to a list, or remove them.",
    epilog=_STATUS_HELP,
)
@cloup.argument("list_name", metavar="LIST")
@cloup.argument("source", metavar="SOURCE")
@shared.source_options(shared.record_id_column, *shared.list_choice)
@shared.output_options()
@shared.safety_options()
@shared.account_options
def enrol(**options: Any) -> None:
    """Add the records of SOURCE to a list, or remove them from it.

    LIST is the number in the list's URL, or its name. SOURCE is a .csv, .jsonl or
    .parquet file, or - for JSON lines on standard input, with the id of a record in
    each row, e.g. the output of `read`. A record that is on the list already succeeds:
    the column `changed` of --results says which were added. The filters of a dynamic
    list decide its members, so nothing can be added to it.
    """
    from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

    sys.exit(run_job.run_job(partial(arguments.enrol_spec, options), options))


@cloup.command(
    short_help="Send the rows of a failures file again.",
    epilog=_STATUS_HELP,
)
@cloup.argument("failed", metavar="FAILURES")
@cloup.option_group("Source", shared.limit, *shared.text_file, shared.timezone)
@shared.output_options(shared.replay_output)
@shared.safety_options(shared.no_journal, shared.reconcile_by)
@shared.account_options
def replay(**options: Any) -> None:
    """Send the rows of a failures file again, unchanged or edited.

    FAILURES is a .jsonl or .csv that a job wrote with --failures. It records the verb,
    the object type and the account; nothing is sent to any other account. Creates that
    HubSpot may have made already are refused unless --reconcile-by names a property to
    look them up by.
    """
    from hubbatch.cli import arguments, run_job  # noqa: PLC0415 -- as the module says

    sys.exit(run_job.run_job(partial(arguments.replay_spec, options), options))

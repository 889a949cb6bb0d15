"""The command `hubbatch`, and its subcommands that do not run a job.

A command imports its implementation when it runs, as in `job_commands`.
"""

import sys

from functools import partial
from pathlib import Path
from typing import Any

import click
import cloup

from click.shell_completion import get_completion_class

from . import options as shared
from .job_commands import (
    archive,
    associate,
    associations,
    create,
    enrol,
    gdpr_delete,
    merge,
    read,
    replay,
    update,
    upsert,
)
from .names import Commands, ObjectType


# Those of the simulator, which a test compares: importing it imports the client.
_TIERS = ("starter", "professional", "enterprise", "increased", "oauth")
_INPUT = click.Path(dir_okay=False, exists=True, path_type=Path)
_journal: shared.Decorator = cloup.argument("journal", type=click.Path(path_type=Path))


@cloup.command(
    short_help="Find rows that HubSpot would refuse; send nothing.",
    epilog="Exit status: 0 no errors; 1 errors; 2 bad usage, unreadable input or "
    "schema, wrong account, or HubSpot did not return the schema.",
)
@cloup.argument("object_type", metavar="OBJECT_TYPE", type=ObjectType())
@cloup.argument("source", metavar="SOURCE")
@shared.source_options(
    cloup.option(
        "--for",
        "verb",
        type=click.Choice(["update", "upsert", "create", "read", "archive"]),
        help="Check the rows for this command.  [default: upsert with --id-property, "
        "else update]",
    ),
    shared.id_column,
    shared.id_property,
    shared.columns,
    shared.empty,
    shared.append,
    shared.legacy,
)
@cloup.option_group(
    "Schema",
    cloup.option(
        "--schema",
        type=shared.PATH,
        help="Check against this saved schema; no token is needed.",
    ),
    cloup.option(
        "--save-schema",
        type=shared.PATH,
        help="Save the schema that HubSpot returns here, for --schema.",
    ),
)
@cloup.option_group("Output", shared.refused_output, shared.as_json)
@cloup.option_group("Safety and speed", shared.rate_limit)
@shared.account_options
def check(**options: Any) -> None:
    """Find rows that HubSpot would refuse, and estimate the time for the others.

    Every row is checked against the properties of the object type: unknown and
    read-only properties, invalid numbers, dates and options, missing and repeated ids.
    HubSpot will certainly refuse an error, and may refuse a warning.
    """
    from hubbatch.cli.check import run_check  # noqa: PLC0415 -- see `job_commands`

    sys.exit(run_check(options))


@cloup.command()
@_journal
@cloup.option(
    "--watch", is_flag=True, help="Show it every second, until the job's process ends."
)
@shared.only_json
def status(*, journal: Path, watch: bool, as_json: bool) -> None:
    """Show the status of a job from its journal.

    The job may still be running. With --watch and --json, an object is printed every
    second.
    """
    from hubbatch.cli.inspect import show_status  # noqa: PLC0415 -- see `job_commands`

    show_status(journal, watch=watch, as_json=as_json)


@cloup.command(short_help="Write a report of a job from its journal.")
@_journal
@cloup.option(
    "-o",
    "--output",
    type=shared.PATH,
    required=True,
    help="Write the report here (.html).",
)
@cloup.option(
    "--values",
    is_flag=True,
    help="Include ids and HubSpot's messages, which quote values.",
)
def report(*, journal: Path, output: Path, values: bool) -> None:
    """Write a report of a job from its journal: rates, failures and next steps.

    The report is a single HTML file that loads nothing else. The job may still be
    running.
    """
    from hubbatch.cli.inspect import make_report  # noqa: PLC0415 -- see `job_commands`

    make_report(journal, output, values=values)


@cloup.command()
@cloup.option_group("Output", shared.only_json)
@shared.account_options
def whoami(**options: Any) -> None:
    """Show the account that the access token belongs to."""
    from hubbatch.cli.inspect import show_account  # noqa: PLC0415 -- see `job_commands`

    show_account(options)


@cloup.command(
    help="Print how many records of a type there are, or how many match.\n\n"
    "The number comes from HubSpot's search, which sees changes after a few moments "
    f"and does not find archived records.\n\n{shared.WHERE_HELP}",
    short_help="Count the records of a type, or those that match.",
    epilog="Exit status: 0 counted; 2 bad usage or wrong account; 3 HubSpot refused.",
)
@cloup.argument("object_type", metavar="OBJECT_TYPE", type=ObjectType())
@cloup.option_group("Records", shared.where, shared.where_timezone)
@cloup.option_group("Output", shared.only_json)
@shared.account_options
def count(**options: Any) -> None:
    """Print how many records there are, or how many match."""
    from hubbatch.cli.inspect import show_count  # noqa: PLC0415 -- see `job_commands`

    show_count(options)


@cloup.command()
@cloup.option(
    "--records",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    default=10_000,
    show_default=True,
    help="Create and update N tickets.",
)
@shared.as_json
def demo(*, records: int, as_json: bool) -> None:
    """Run a batch on a simulated HubSpot: no account, no network."""
    from hubbatch.cli.demo import show_demo  # noqa: PLC0415 -- see `job_commands`

    sys.exit(show_demo(records, as_json=as_json))


@cloup.command()
@cloup.option(
    "--host", default="127.0.0.1", show_default=True, help="Listen on this address."
)
@cloup.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8080,
    show_default=True,
    help="Listen on this port; 0 for any free port.",
)
@cloup.option(
    "--tier",
    type=click.Choice(_TIERS),
    default="professional",
    show_default=True,
    help="Apply the rate limits of this tier.",
)
@cloup.option(
    "--seed",
    type=int,
    metavar="N",
    default=0,
    show_default=True,
    help="Derive ids and the token from this seed. Use another one for each account.",
)
@cloup.option(
    "--chaos",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="RATE",
    help="Fail this share of the requests, in various ways.",
)
@cloup.option(
    "--faults",
    type=_INPUT,
    help="Cause the faults of this JSON file (docs/simulator.md).",
)
@cloup.option(
    "--portal-id",
    type=click.IntRange(1),
    default=62515,
    show_default=True,
    metavar="ID",
    help="Simulate the account with this id.",
)
@cloup.option(
    "--state",
    type=_INPUT,
    help="Start with the properties and records of this JSON file (docs/simulator.md).",
)
def simulate(**options: Any) -> None:
    """Serve a simulated HubSpot to any client until Ctrl-C."""
    from hubbatch.simulator.server.serving import run  # noqa: PLC0415 -- see `job_commands`

    complain = partial(click.echo, err=True)
    sys.exit(run(**options, say=click.echo, complain=complain))


@cloup.command()
@cloup.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in a shell.

    For bash, add `eval "$(hubbatch completion bash)"` to ~/.bashrc, and the same
    with `zsh` to ~/.zshrc. For fish, add `hubbatch completion fish | source` to
    config.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 -- click has all three
    root = context.find_root().command
    click.echo(kind(root, {}, "hubbatch", "_HUBBATCH_COMPLETE").source())


@cloup.group(
    cls=Commands,
    context_settings=cloup.Context.settings(
        help_option_names=["-h", "--help"],
        formatter_settings=cloup.HelpFormatter.settings(max_width=100),
    ),
    sections=[
        cloup.Section(
            "Read and write",
            [
                *(update, upsert, create, read, archive),
                *(associate, associations, enrol, merge, gdpr_delete, replay),
            ],
        ),
        cloup.Section("Inspect", [check, count, status, report, whoami]),
        cloup.Section("Try without an account", [demo, simulate]),
        cloup.Section("Set up the shell", [completion]),
    ],
)
@click.version_option(package_name="hubbatch")
def hubbatch() -> None:
    """Write to and read from HubSpot's CRM in batches of any length."""

"""What can be typed."""

import asyncio
import sys

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from hubbatch import __version__
from hubbatch.simulator.quota import TIERS

from .checking import check_command
from .demo import run_demo
from .looking import completion, report, status, whoami
from .verbs import (
    archive,
    associate,
    associations,
    create,
    read,
    replay,
    update,
    upsert,
)


class _Sections(click.Group):
    """A group whose help has its commands under headings, in order of use."""

    headings: Mapping[str, tuple[str, ...]] = {
        "Send rows": (
            *("update", "upsert", "create", "read", "archive", "associate"),
            *("associations", "replay"),
        ),
        "Look": ("check", "status", "report", "whoami"),
        "Without an account": ("demo", "simulate"),
        "This shell": ("completion",),
    }

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 -- as click calls it
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the commands, heading by heading."""
        longest = max(map(len, self.commands))
        for heading, names in self.headings.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (
                            name.ljust(longest),
                            self.commands[name].get_short_help_str(80),
                        )
                        for name in names
                    ]
                )


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="hubbatch")
def hubbatch() -> None:
    """Write to and read from HubSpot's CRM in batches of any length."""


@hubbatch.command()
@click.option(
    "--records",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="How many tickets to create and update.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, last.")
def demo(*, records: int, as_json: bool) -> None:
    """Show the main job against an embedded HubSpot: no account, no network."""
    try:
        asyncio.run(run_demo(records, as_json=as_json))
    except KeyboardInterrupt:
        sys.exit(130)


@hubbatch.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option(
    "--tier",
    type=click.Choice(list(TIERS)),
    default="professional",
    show_default=True,
    help="Whose rate limits apply.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="What ids and the token are made of. Two portals need different seeds, or "
    "they have the same ids and the same token.",
)
@click.option(
    "--chaos",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="RATE",
    help="The share of requests that meet trouble.",
)
@click.option(
    "--faults",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A script of trouble, as JSON (docs/simulator.md).",
)
@click.option(
    "--portal-id",
    type=click.IntRange(1),
    default=62515,
    show_default=True,
    metavar="ID",
    help="Which account it is.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="What it has from the start, properties and records, as JSON "
    "(docs/simulator.md).",
)
def simulate(**options: Any) -> None:
    """Serve a simulated HubSpot to any client, until Ctrl-C."""
    # A server takes a while to import, and no other command needs one.
    from hubbatch.simulator.serving import run  # noqa: PLC0415

    complain = partial(click.echo, err=True)
    sys.exit(run(**options, say=click.echo, complain=complain))


for _command in (
    update,
    upsert,
    create,
    read,
    archive,
    associate,
    associations,
    replay,
    check_command,
    status,
    report,
    whoami,
    completion,
):
    hubbatch.add_command(_command)

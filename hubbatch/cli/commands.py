"""What can be typed."""

import asyncio
import sys

from functools import partial
from pathlib import Path
from typing import Any

import click

from hubbatch import __version__
from hubbatch.simulator.quota import TIERS
from hubbatch.simulator.serving import run

from .demo import run_demo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
@click.option("--seed", type=int, default=0, show_default=True)
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
def simulate(**options: Any) -> None:
    """Serve a simulated HubSpot to any client, until Ctrl-C."""
    complain = partial(click.echo, err=True)
    sys.exit(run(**options, say=click.echo, complain=complain))

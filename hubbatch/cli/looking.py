"""The commands that send no rows: `status`, `report`, `whoami`, `completion`."""

import asyncio
import signal
import sys

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from click.shell_completion import get_completion_class

from hubbatch import Account, APIError, CertificateError, HubBatch, HubBatchError
from hubbatch.jobs import JobStatus, read_status, write_report

from . import options as given
from .conducting import say_error
from .endings import Status
from .orders import find_token, hub_options
from .progress import aligned, clock, many
from .screen import print_json, screen


T = TypeVar("T")

_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead."
)


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@_json
def status(*, journal: Path, as_json: bool) -> None:
    """Show how far the job of a journal is, also while it runs."""
    found = or_exit(lambda: read_status(journal))
    if as_json:
        print_json(attrs.asdict(found))
        return
    print_table(_status_rows(found))


def _status_rows(found: JobStatus) -> list[tuple[str, Any]]:
    if found.running:
        state = "running"
    elif found.finished:
        state = "finished"
    else:
        state = {
            None: "killed, or its process is gone",
            "stopped": "stopped",
            "cancelled": "stopped at once",
        }.get(found.ended, f"ended early: {found.ended}")
        state += "; the same command goes on"
    rows: list[tuple[str, Any]] = [
        ("job", found.title),
        ("portal", found.portal_id or "unknown (the access token may not ask)"),
        ("state", state),
    ]
    if found.message and not found.running and not found.finished:
        rows.append(("why", found.message))
    rows.append(("rows read", f"{found.inputs:,}"))
    for name in ("succeeded", "failed", "unknown", "not_sent", "in_doubt", "open"):
        count = getattr(found, name)
        if count or name in ("succeeded", "failed"):
            rows.append((name.replace("_", " "), f"{count:,}"))
    rows += [
        ("requests", f"{found.requests:,}, {found.retries:,} of them retries"),
        *([("warnings", f"{found.warnings:,}")] if found.warnings else []),
        ("worked", f"{clock(found.seconds)} in {many(found.runs, 'run')}"),
        ("begun", f"{found.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("last written", f"{found.updated_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    rows += [*found.outputs.items()]
    return rows


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Write the page here (.html).",
)
@click.option(
    "--values",
    is_flag=True,
    help="Show ids and HubSpot's sentences too, which quote values.",
)
def report(*, journal: Path, output: Path, values: bool) -> None:
    """Make a page of a job: its course, its failures, how to go on.

    The page is one file that loads nothing. It can be made while the job runs.
    """
    or_exit(lambda: write_report(journal, output, values=values))


@click.command(cls=given.Command)
@given.account_options
@_json
def whoami(*, as_json: bool, **options: Any) -> None:
    """Show which account the access token is of."""
    account = or_exit(lambda: asyncio.run(_ask(options)))
    wanted = options["account"]
    if as_json:
        print_json(attrs.asdict(account))
    else:
        print_table(
            (name.replace("_", " "), value)
            for name, value in attrs.asdict(account).items()
            if value not in (None, [])
        )
    if wanted is not None and account.portal_id != wanted:
        click.echo(f"error: this is not account {wanted}", err=True)
        sys.exit(Status.BAD_USAGE)


async def _ask(options: Mapping[str, Any]) -> Account:
    async with HubBatch(find_token(options), **hub_options(options)) as hub:
        return await hub.account()


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    For bash, put `eval "$(hubbatch completion bash)"` into ~/.bashrc; likewise for
    the others.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 -- click has all three
    root = context.find_root().command
    click.echo(kind(root, {}, "hubbatch", "_HUBBATCH_COMPLETE").source())


def or_exit(call: Callable[[], T], *, refused: Status = Status.ENDED_EARLY) -> T:
    """Do it, or print what is wrong and exit; with `refused` if HubSpot says no."""
    try:
        return call()
    except (HubBatchError, ValueError) as error:
        say_error(screen(), error)
        said_no = isinstance(error, APIError | CertificateError)
        sys.exit(refused if said_no else Status.BAD_USAGE)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def print_table(rows: Any) -> None:
    """Print names and values."""
    screen(stderr=False).print(aligned(rows))

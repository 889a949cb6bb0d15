"""Implements `count`, `status`, `report` and `whoami`, which send no rows."""

import asyncio
import signal
import sys
import time

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from rich.live import Live

from hubbatch import (
    Account,
    APIError,
    CertificateError,
    HubBatch,
    HubBatchError,
    Objects,
)
from hubbatch.jobs import JobStatus, Where, read_status, write_report
from hubbatch.jobs.portal import check_portal

from .console import make_console, print_json
from .exit_status import ExitStatus
from .job_spec import find_token, hub_options
from .progress import LINE_INTERVAL, count_of, duration, progress_of, table_of
from .run_job import print_error


T = TypeVar("T")


# Seconds between two looks at a journal.
_WATCH_INTERVAL = 1.0
# What the counts of a status mean, where their names do not say it.
_MEANINGS = {
    "unknown": "may have been written: look for them in HubSpot",
    "not_sent": "certainly not written",
    "in_doubt": "sent, and the answer is not known",
    "open": "read from the source, but not sent yet",
    "not_reached": "not read from the source yet",
}


def show_status(journal: Path, *, watch: bool, as_json: bool) -> None:
    """Print the status of a job, from its journal; if `watch`, until the job ends."""
    if watch:
        or_exit(lambda: _watch(journal, as_json=as_json))
    else:
        _print_status(or_exit(lambda: read_status(journal)), as_json=as_json)


def _print_status(found: JobStatus, *, as_json: bool) -> None:
    if as_json:
        known = {"settled": found.settled, "seconds_left": found.seconds_left}
        print_json({**attrs.asdict(found), **known})
    else:
        _print_table(_status_rows(found))


def _watch(journal: Path, *, as_json: bool) -> None:
    console = make_console(stderr=False)
    found = read_status(journal)
    if as_json or not console.is_terminal:
        while found.running:
            if as_json:
                _print_status(found, as_json=True)
            else:
                console.print(_progress(found), soft_wrap=True)
            time.sleep(_WATCH_INTERVAL if as_json else LINE_INTERVAL)
            found = read_status(journal)
    else:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while found.running:
                live.update(table_of(_status_rows(found)), refresh=True)
                time.sleep(_WATCH_INTERVAL)
                found = read_status(journal)
    _print_status(found, as_json=as_json)


def _progress(found: JobStatus) -> str:
    rate, left = (found.rate, found.seconds_left) if found.running else (None, None)
    return progress_of(found.settled, found.total, rate, left)


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
        state += "; run it again to resume"
    rows: list[tuple[str, Any]] = [
        ("job", found.title),
        ("portal", found.portal_id or "unknown (the access token cannot read it)"),
        ("state", state),
    ]
    if found.message and not found.running and not found.finished:
        rows.append(("why", found.message))
    rows.append(("progress", _progress(found)))
    counts = attrs.asdict(found) | {
        "not_reached": max((found.total or 0) - found.inputs, 0)
    }
    for name in ("succeeded", "failed", *_MEANINGS):
        if counts[name] or name in ("succeeded", "failed"):
            meaning = f"  ({_MEANINGS[name]})" if name in _MEANINGS else ""
            rows.append((name.replace("_", " "), f"{counts[name]:,}{meaning}"))
    rows += [
        ("requests", f"{found.requests:,}, {found.retries:,} of them retries"),
        *([("warnings", f"{found.warnings:,}")] if found.warnings else []),
        ("running time", f"{duration(found.seconds)} in {count_of(found.runs, 'run')}"),
        ("started", f"{found.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("last updated", f"{found.updated_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    rows += [*found.outputs.items()]
    return rows


def make_report(journal: Path, output: Path, *, values: bool) -> None:
    """Write the report of a job, from its journal."""
    or_exit(lambda: write_report(journal, output, values=values))


def show_account(options: Mapping[str, Any]) -> None:
    """Print the account of the access token; exit if it is not the expected one."""
    account = or_exit(lambda: asyncio.run(_ask_account(options)))
    expected = options["account"]
    if options["as_json"]:
        print_json(attrs.asdict(account))
    else:
        _print_table(
            (name.replace("_", " "), value)
            for name, value in attrs.asdict(account).items()
            if value not in (None, [])
        )
    if expected is not None and account.portal_id != expected:
        click.echo(f"error: this is not account {expected}", err=True)
        sys.exit(ExitStatus.BAD_USAGE)


async def _ask_account(options: Mapping[str, Any]) -> Account:
    async with HubBatch(find_token(options), **hub_options(options)) as hub:
        return await hub.account()


def show_count(options: Mapping[str, Any]) -> None:
    """Print how many records there are, or how many match."""
    count = or_exit(lambda: asyncio.run(_ask_count(options)))
    if options["as_json"]:
        print_json({"object_type": options["object_type"], "count": count})
    else:
        click.echo(count)


async def _ask_count(options: Mapping[str, Any]) -> int:
    # Parsed first: a mistake in it needs no token.
    where = Where(*options["where"], timezone=options["timezone"])
    object_type = options["object_type"]
    async with HubBatch(find_token(options), **hub_options(options)) as hub:
        objects: Objects = hub.objects(object_type)
        groups = None
        if options["account"] is not None:
            await check_portal(hub, options["account"])
        if where.texts:
            groups = await where.ask_groups(hub, object_type)
        return await objects.count(filter_groups=groups)


def or_exit(
    call: Callable[[], T], *, refused: ExitStatus = ExitStatus.ENDED_EARLY
) -> T:
    """Return the result of a call, or print its error and exit.

    Args:
        call: the function to call.
        refused: the exit status if HubSpot refused or its certificate is not trusted.
    """
    try:
        return call()
    except (HubBatchError, ValueError) as error:
        print_error(make_console(), error)
        is_refusal = isinstance(error, APIError | CertificateError)
        sys.exit(refused if is_refusal else ExitStatus.BAD_USAGE)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _print_table(rows: Iterable[tuple[str, Any]]) -> None:
    make_console(stderr=False).print(table_of(rows))

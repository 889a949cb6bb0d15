"""The command `check`: what HubSpot would refuse of a source, before it is sent."""

import asyncio
import sys

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rich.console import Console

from hubbatch import HubBatch
from hubbatch.core.pacing import RateLimit
from hubbatch.jobs import (
    CheckReport,
    Finding,
    Row,
    ask_schema,
    check,
    read_schema,
    write_schema,
)
from hubbatch.jobs.column_mapping import JobVerb

from . import options as given
from .endings import Status
from .looking import or_exit
from .ordering import order_verb
from .orders import Order, find_token, hub_options
from .progress import clock, many
from .screen import print_json, screen, shown


# Less than that is not none at all.
_LEAST = 0.001
_VERBS = ("update", "upsert", "create", "read", "archive")


@click.command(
    "check",
    cls=given.Command,
    short_help="Find rows that HubSpot would refuse; send nothing.",
    epilog="Exit status: 0 nothing is surely refused; 1 something is; 2 usage, "
    "unreadable input or schema, wrong account, or HubSpot did not tell the schema.",
)
@given.together(
    given.source_argument,
    given.option(
        "--for",
        "verb",
        type=click.Choice(_VERBS),
        heading="The source",
        help="What is to be done.  [default: upsert with --id-property, else update]",
    ),
    given.id_column,
    given.id_property,
    given.columns,
    given.empty,
    given.legacy,
    given.file_options,
    given.limit,
    given.option(
        "--schema",
        type=click.Path(dir_okay=False, path_type=Path),
        heading="The schema",
        help="Go by this file, and ask nobody: no token is needed.",
    ),
    given.option(
        "--save-schema",
        type=click.Path(dir_okay=False, path_type=Path),
        heading="The schema",
        help="Write what HubSpot answers here, for --schema.",
    ),
    given.as_json,
    given.rate_limit,
    given.account_options,
)
def check_command(**options: Any) -> None:
    """Find rows that HubSpot would refuse, and say what the rest would take.

    Every row is held against the object type's properties: those that do not exist or
    are read-only, numbers, dates and options that are none, ids that are missing or
    repeated. Errors are certain; what HubSpot may refuse is a warning.
    """
    report = or_exit(lambda: asyncio.run(_check(options)), refused=Status.BAD_USAGE)
    if options["as_json"]:
        print_json(_as_json(report))
    else:
        _say(screen(), report)
    sys.exit(Status.ALL_SUCCEEDED if report.ok else Status.SOME_DID_NOT)


async def _check(options: Mapping[str, Any]) -> CheckReport:
    verb: JobVerb = options["verb"] or (
        "upsert" if options["id_property"] else "update"
    )
    columns = options["properties"]
    if verb == "read":
        columns = tuple(columns)
    order = order_verb(verb, {**options, "properties": columns})
    path = options["schema"]
    token = "none" if path is not None else find_token(options)
    async with HubBatch(token, **hub_options(options)) as hub:
        job = order.job(hub)
        await job.aclose()
        if path is not None:
            properties = read_schema(path)
        else:
            await _check_account(hub, order)
            keeps = options["save_schema"] is not None
            properties = await ask_schema(hub, job.operation, required=keeps)
        if options["save_schema"] is not None:
            write_schema(options["save_schema"], properties)
        limits = hub.limits
        return await check(
            order.source,
            job.operation,
            properties,
            limit=options["limit"],
            rate=RateLimit(limits.max_requests, limits.interval),
            daily=limits.daily_limit,
        )


async def _check_account(hub: HubBatch, order: Order) -> None:
    wanted = order.options["account"]
    if wanted is not None:
        found = (await hub.account()).portal_id
        if found != wanted:
            raise ValueError(f"the access token is of account {found}, not of {wanted}")


def _say(console: Console, report: CheckReport) -> None:
    for finding in report.findings:
        kind = "[red]error[/]" if finding.certain else "[yellow]warning[/]"
        rows = f", {many(finding.rows, 'row')}" if finding.rows else ""
        console.print(f"{kind}: {_title(finding)}{rows}", soft_wrap=True)
        for row, message in finding.examples:
            console.print(f"  {_where(row)}{shown(message)}", soft_wrap=True)
    share = report.share_of_day
    of_day = "" if share is None else f", {_percent(share)} of the day"
    fine = report.rows - report.refused
    console.print(
        f"{many(report.rows, 'row')}: {report.refused:,} would be refused, "
        f"{report.doubtful:,} have warnings. {fine:,} would go in "
        f"{many(report.calls, 'call')}, which takes {clock(report.seconds)}{of_day}. "
        "Nothing was sent.",
        soft_wrap=True,
    )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share == 0 or share >= _LEAST else "under 0.1%"


def _title(finding: Finding) -> str:
    return shown(" ".join(filter(None, (finding.code, finding.property_name))))


def _where(row: Row | None) -> str:
    if row is None:
        return ""
    line = "" if row.line is None else f" (line {row.line})"
    return f"row {row.index + 1}{line}: "


def _as_json(report: CheckReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "refused": report.refused,
        "doubtful": report.doubtful,
        "calls": report.calls,
        "seconds": round(report.seconds, 1),
        "share_of_day": report.share_of_day,
        "findings": [
            {
                "code": finding.code,
                "property": finding.property_name,
                "certain": finding.certain,
                "rows": finding.rows,
                "examples": [
                    {
                        "index": None if row is None else row.index,
                        "line": None if row is None else row.line,
                        "message": message,
                    }
                    for row, message in finding.examples
                ],
            }
            for finding in report.findings
        ],
    }

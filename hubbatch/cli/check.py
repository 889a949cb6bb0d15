"""Implements `check`: finds rows that HubSpot would refuse, before they are sent."""

import asyncio

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from attrs import evolve
from rich.console import Console

from hubbatch import HubBatch
from hubbatch._limits.window import RateLimit
from hubbatch._tables.column_mapping import Columns, JobVerb
from hubbatch.jobs import (
    CheckReport,
    ask_schema,
    check,
    read_schema,
    write_schema,
)

from .arguments import verb_spec
from .console import console_markup, make_console, print_json
from .exit_status import ExitStatus
from .findings import print_findings
from .inspect import or_exit
from .job_spec import find_token, hub_options
from .progress import count_of, duration


# A smaller share would be printed as 0.0%.
_SMALLEST_SHARE = 0.001


def run_check(options: Mapping[str, Any]) -> int:
    """Check a source and print the findings; return the exit status."""
    console = make_console()
    with console.status(f"Checking {console_markup(options['source'])}"):
        report = or_exit(
            lambda: asyncio.run(_check(options)), refused=ExitStatus.BAD_USAGE
        )
    if options["as_json"]:
        print_json(_as_json(report))
    else:
        _print_report(console, report, options["output"])
    return ExitStatus.ALL_SUCCEEDED if report.ok else ExitStatus.SOME_DID_NOT


async def _check(options: Mapping[str, Any]) -> CheckReport:
    verb: JobVerb = options["verb"] or (
        "upsert" if options["id_property"] else "update"
    )
    columns = options["properties"]
    if verb == "read":
        columns = tuple(columns)
    # Its output is not that of a job.
    spec = verb_spec(verb, {**options, "properties": columns, "output": None})
    path = options["schema"]
    token = "none" if path is not None else find_token(options)
    async with HubBatch(token, **hub_options(options)) as hub:
        job = spec.job(hub)
        await job.aclose()
        if path is not None:
            properties = read_schema(path)
        else:
            await _check_account(hub, options["account"])
            required = options["save_schema"] is not None
            properties = await ask_schema(hub, job.operation, required=required)
        if options["save_schema"] is not None:
            write_schema(options["save_schema"], properties)
        source = spec.source
        if isinstance(getattr(source, "columns", None), Columns):
            labels = {found.name: [found.label] for found in properties}
            source.columns = evolve(source.columns, labels=labels)
        limits = hub.limits
        return await check(
            source,
            job.operation,
            properties,
            limit=options["limit"],
            rate=RateLimit(limits.max_requests, limits.interval),
            daily=limits.daily_limit,
            output=options["output"],
        )


async def _check_account(hub: HubBatch, expected: int | None) -> None:
    if expected is not None:
        found = (await hub.account()).portal_id
        if found != expected:
            raise ValueError(
                f"The access token belongs to account {found}, not to {expected}."
            )


def _print_report(console: Console, report: CheckReport, output: Path | None) -> None:
    print_findings(console, report)
    share = report.share_of_day
    of_day = "" if share is None else f", {_percent(share)} of the daily calls"
    accepted = report.rows - report.refused
    console.print(
        f"{count_of(report.rows, 'row')}: {report.refused:,} would be refused, "
        f"{report.doubtful:,} have warnings. Sending the other "
        f"{count_of(accepted, 'row')} takes {count_of(report.calls, 'call')} and "
        f"{duration(report.seconds)}{of_day}. Nothing was sent.",
        soft_wrap=True,
    )
    if output is not None and report.refused:
        console.print(
            f"{console_markup(str(output))} has {count_of(report.refused, 'row')} that "
            "would be refused, each with the reason. Correct them, and send them with "
            f"hubbatch replay {console_markup(quote(str(output)))} --account ID.",
            soft_wrap=True,
        )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share == 0 or share >= _SMALLEST_SHARE else "under 0.1%"


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

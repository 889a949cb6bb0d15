"""Implements `check`: finds rows that HubSpot would refuse, before they are sent."""

import asyncio

from collections.abc import Mapping
from typing import Any

from attrs import evolve
from rich.console import Console

from hubbatch import HubBatch
from hubbatch._limits.window import RateLimit
from hubbatch._tables.column_mapping import Columns, JobVerb
from hubbatch.jobs import (
    CheckReport,
    Finding,
    Row,
    ask_schema,
    check,
    read_schema,
    write_schema,
)

from .arguments import verb_spec
from .console import console_markup, make_console, print_json
from .exit_status import ExitStatus
from .inspect import or_exit
from .job_spec import find_token, hub_options
from .progress import count_of, duration


# A smaller share would be printed as 0.0%.
_SMALLEST_SHARE = 0.001


def run_check(options: Mapping[str, Any]) -> int:
    """Check a source and print the findings; return the exit status."""
    report = or_exit(lambda: asyncio.run(_check(options)), refused=ExitStatus.BAD_USAGE)
    if options["as_json"]:
        print_json(_as_json(report))
    else:
        _print_report(make_console(), report)
    return ExitStatus.ALL_SUCCEEDED if report.ok else ExitStatus.SOME_DID_NOT


async def _check(options: Mapping[str, Any]) -> CheckReport:
    verb: JobVerb = options["verb"] or (
        "upsert" if options["id_property"] else "update"
    )
    columns = options["properties"]
    if verb == "read":
        columns = tuple(columns)
    spec = verb_spec(verb, {**options, "properties": columns})
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
        )


async def _check_account(hub: HubBatch, expected: int | None) -> None:
    if expected is not None:
        found = (await hub.account()).portal_id
        if found != expected:
            raise ValueError(
                f"The access token belongs to account {found}, not to {expected}."
            )


def _print_report(console: Console, report: CheckReport) -> None:
    for finding in report.findings:
        kind = "[red]error[/]" if finding.certain else "[yellow]warning[/]"
        rows = f", {count_of(finding.rows, 'row')}" if finding.rows else ""
        console.print(f"{kind}: {_title(finding)}{rows}", soft_wrap=True)
        for row, message in finding.examples:
            console.print(f"  {_place(row)}{console_markup(message)}", soft_wrap=True)
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


def _percent(share: float) -> str:
    return f"{share:.1%}" if share == 0 or share >= _SMALLEST_SHARE else "under 0.1%"


def _title(finding: Finding) -> str:
    return console_markup(" ".join(filter(None, (finding.code, finding.property_name))))


def _place(row: Row | None) -> str:
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

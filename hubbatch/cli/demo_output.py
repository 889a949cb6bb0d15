"""Prints a batch of the demo: its progress, response and failures by reason."""

import asyncio

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from hubbatch import Batch, CombinedResponse, Limits, Summary
from hubbatch._outcomes.outcome import Outcome

from .console import console_markup


@define
class FailureGroup:
    """Outcomes that did not succeed for the same reason.

    Attributes:
        status: `failed`, `unknown` or `not_sent`.
        category: The category, HubSpot's or hubbatch's.
        code: HubSpot's code of the cause, if any.
        property_name: The property that is wrong, if any.
        message: The message of the first outcome. It may quote property values.
        count: The number of outcomes.
        first: The index of the first outcome.
    """

    status: str
    category: str | None
    code: str | None
    property_name: str | None
    message: str
    count: int
    first: int


def group_by_reason(outcomes: Iterable[Outcome[Any]]) -> list[FailureGroup]:
    """Return the outcomes that did not succeed, grouped; largest group first."""
    groups: dict[object, FailureGroup] = {}
    for outcome in outcomes:
        error = outcome.error
        if error is None:
            continue
        key = (outcome.status, error.category, error.code, error.property_name)
        group = groups.get(key)
        if group is None:
            groups[key] = FailureGroup(
                str(outcome.status), *key[1:], error.message, 1, outcome.index
            )
        else:
            group.count += 1
    return sorted(groups.values(), key=lambda group: (-group.count, group.first))


# Seconds between two updates of the counts.
_REFRESH = 0.1


async def track(
    console: Console, title: str, batch: Batch[Any], total: int
) -> CombinedResponse[Any]:
    """Return the response of a batch, showing a progress bar until it arrives."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>9}"),
        TextColumn("{task.fields[failures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=10) as progress:
        bar = progress.add_task(title, total=total, rate="", failures="")
        task = asyncio.ensure_future(batch)
        while not task.done():
            await asyncio.wait([task], timeout=_REFRESH)
            summary = batch.summary
            seconds = progress.tasks[bar].elapsed or _REFRESH
            failures = summary.settled - summary.succeeded
            progress.update(
                bar,
                completed=summary.settled,
                rate=f"{summary.settled / seconds:,.0f}/s",
                failures=f"[red]{failures:,} failed[/]" if failures else "",
            )
        return await task


def print_response(
    console: Console, response: CombinedResponse[Any], summary: Summary, limits: Limits
) -> None:
    """Print the combined response, and the requests and time it took."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        ("status", console_markup(response.status)),
        ("results", f"{len(response.results):,}"),
        ("numErrors", f"{response.num_errors:,}"),
        ("startedAt", _instant(response.started_at)),
        ("completedAt", _instant(response.completed_at)),
        ("", ""),
        ("inputs", f"{summary.inputs:,}"),
        ("succeeded", f"[green]{summary.succeeded:,}[/]"),
        ("failed", f"{summary.failed:,}"),
        ("unknown", f"{summary.unknown:,}"),
        ("not sent", f"{summary.not_sent:,}"),
        ("", ""),
        ("requests", f"{summary.requests:,}"),
        ("retries", f"{summary.retries:,}"),
        ("throttled", f"{summary.throttled:,}"),
        ("warnings", f"{summary.warnings:,}"),
        ("seconds", f"{summary.seconds:.1f}"),
        ("records/s", f"{summary.settled / max(summary.seconds, 0.001):,.0f}"),
        (
            f"last {limits.interval:g} s",
            f"{limits.used} of {limits.max_requests} requests",
        ),
    ]
    for name, value in rows:
        table.add_row(f"[dim]{name}[/]", value)
    console.print("\n[bold]The combined response[/]")
    console.print(table, highlight=False)


def print_failures(console: Console, reasons: Sequence[FailureGroup]) -> None:
    """Print the reasons why records did not succeed, most frequent first."""
    if not reasons:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("records", justify="right")
    table.add_column("first")
    table.add_column("category", no_wrap=True)
    table.add_column("property")
    table.add_column("message", overflow="fold")
    for reason in reasons:
        table.add_row(
            f"{reason.count:,}",
            f"#{reason.first}",
            console_markup(reason.code or reason.category or ""),
            console_markup(reason.property_name or ""),
            console_markup(reason.message),
        )
    console.print("\n[bold]Failures by reason[/]")
    console.print(table, highlight=False)


def _instant(value: Any) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if value is not None else ""

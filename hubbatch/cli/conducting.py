"""From an order to an exit status: the job runs, and a person is told of it."""

import asyncio
import signal

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from attrs import asdict
from rich.console import Console

from hubbatch import (
    ConfigurationError,
    DailyLimitReached,
    Event,
    HubBatch,
    HubBatchError,
    InputFailed,
    JournalError,
    RateLimit,
)
from hubbatch._limits.plan import plan
from hubbatch.core.visible import visible
from hubbatch.jobs import (
    CheckFailed,
    JobReport,
    SourceError,
    rehearse,
    write_report,
)
from hubbatch_entry import signals

from .endings import Ending, Status, count_words
from .orders import NothingToDo, Order
from .progress import Progress, clock, many
from .screen import print_json, screen, shown
from .stopping import Stopping


# Seconds between two looks at a job.
_REFRESH = 0.2
_NO_COUNTS = {
    "inputs": 0,
    "succeeded": 0,
    "failed": 0,
    "unknown": 0,
    "not_sent": 0,
    "requests": 0,
    "retries": 0,
    "throttled": 0,
    "warnings": 0,
    "seconds": 0.0,
}


def conduct(make_order: Callable[[], Order], options: Mapping[str, Any]) -> int:
    """Carry an order out; return the exit status."""
    console = screen()
    told: dict[str, Any] = {}

    def say(status: int) -> None:
        if options["as_json"]:
            print_json({**_NO_COUNTS, **told, "exit_status": int(status)})

    signals.last_words = say
    try:
        order = make_order()
        order.check()
        with console.status(f"Reading {shown(order.source.name)}"):
            order.count()
        if order.total == 0:
            _warn_of_nothing(console, order.source.name)
        work = _rehearse if options["dry_run"] else _work
        status = asyncio.run(work(order, console, told))
    except NothingToDo as nothing:
        status = Status.ALL_SUCCEEDED
        _warn_of_nothing(console, str(nothing))
    except KeyboardInterrupt:  # before there was anything to stop
        status = 128 + signal.SIGINT
    except HubBatchError as error:
        status = _status_of(error)
        told["error"] = say_error(console, error)
        if isinstance(error, CheckFailed):
            rows, refused = error.report.rows, error.report.refused
            told |= {"inputs": rows, "failed": refused, "not_sent": rows - refused}
        if told.get("requests"):  # a source that could only be read as it was sent
            console.print(count_words(told), soft_wrap=True)
    signals.settle(status)
    say(status)
    signals.ignore()
    return status


def _warn_of_nothing(console: Console, name: str) -> None:
    said = f"{shown(name)} has no rows: there is nothing to do"
    console.print(f"[yellow]warning:[/] {said}", soft_wrap=True)


def say_error(console: Console, error: BaseException) -> str:
    """Print an error as one line; return its text."""
    text = " ".join(str(error).split())
    console.print(f"[red]error:[/] {shown(text)}", soft_wrap=True)
    return text


def _status_of(error: BaseException) -> int:
    if isinstance(error, CheckFailed):  # as `check` has it
        return Status.SOME_DID_NOT
    known = (ConfigurationError, JournalError, SourceError)
    early = isinstance(error, HubBatchError) and not isinstance(error, known)
    return Status.ENDED_EARLY if early else Status.BAD_USAGE


# ---- for real


async def _work(order: Order, console: Console, told: dict[str, Any]) -> int:
    reasons: Counter[str] = Counter()
    stopping = Stopping(console)
    report = None
    with stopping.listening():
        async with order.hub([partial(_count_reason, reasons)]) as hub:
            while True:
                report = await _run(order, hub, stopping, told)
                wait = _seconds_to_wait(order, report)
                if wait is None or stopping.number is not None:
                    break
                console.print(
                    "The day's calls are used up. Waiting until they are reset, in "
                    f"{clock(wait)}.",
                    soft_wrap=True,
                )
                report = None  # what is stopped from now on did not end by itself
                await asyncio.sleep(wait)
    ending = Ending(order, report, stopping.number)
    if report is None:
        kept = order.options["journal"] is not None
        told |= {"ended": "cancelled", "resumable": kept}
    else:
        counts = asdict(report, recurse=False)
        told |= {name: counts[name] for name in _NO_COUNTS}
        told |= {"ended": report.ended, "resumable": report.resumable}
        if report.unwritten:
            told["unwritten"] = report.unwritten
        if report.error is not None:
            told["error"] = str(report.error)
    for line in ending.lines(reasons):
        console.print(visible(line), soft_wrap=True, markup=False)
    if order.options.get("report"):
        _write_report(order, console)
    stopping.settle(ending.status)
    return ending.status


def _write_report(order: Order, console: Console) -> None:
    """Write the page of what was done; that it cannot be written undoes nothing."""
    try:
        write_report(order.options["journal"], order.options["report"])
    except HubBatchError as error:
        say_error(console, error)


async def _run(
    order: Order, hub: HubBatch, stopping: Stopping, told: dict[str, Any]
) -> JobReport:
    """Run a job to its end, and show how far it is."""
    job = order.job(hub)
    progress = Progress(stopping.console, hub, order.title, order.total)
    try:
        await job.prepare()
        told |= {"operation": job.operation.name, "portal": job.portal_id}
        stopping.console.print(shown(order.opening(job)), soft_wrap=True)
        running = asyncio.create_task(job.run())
        try:
            stopping.job = job
            progress.begin(job)
            while not running.done():
                await asyncio.wait([running], timeout=_REFRESH)
                progress.look()
        finally:
            stopping.job = None
            progress.end()
            if not running.done():  # told twice to stop
                running.cancel()
                await asyncio.wait([running])
        return await running
    finally:
        counts = asdict(job.settled)
        told |= {name: counts[name] for name in _NO_COUNTS}
        await job.aclose()


def _seconds_to_wait(order: Order, report: JobReport) -> float | None:
    """Tell how long to wait for the next day, if that is wanted and can help."""
    error = report.error
    if not (order.options["wait"] and isinstance(error, DailyLimitReached)):
        return None
    if error.resets_at is None:
        return None
    return max((error.resets_at - datetime.now(UTC)).total_seconds(), 1.0)


def _count_reason(reasons: Counter[str], event: Event) -> None:
    # Why the others were not sent, or may have been written, is said at the end.
    if isinstance(event, InputFailed) and event.status == "failed":
        parts = (event.code or event.category, event.property_name)
        reasons[" ".join(part for part in parts if part)] += 1


# ---- as a rehearsal


async def _rehearse(order: Order, console: Console, told: dict[str, Any]) -> int:
    """Say what a job would take; nothing is sent, so no token is needed."""
    async with order.rehearsal_hub() as hub:
        job = order.job(hub)
        operation, limits = job.operation, hub.limits
        await job.aclose()
    rehearsal = await rehearse(order.source, operation, order.options["limit"])
    for row, problem in rehearsal.examples:
        line = "" if row.line is None else f" (line {row.line})"
        console.print(shown(f"row {row.index + 1}{line}: {problem}"), soft_wrap=True)
    valid = rehearsal.rows - rehearsal.invalid
    rate = RateLimit(limits.max_requests, limits.interval)
    seconds = plan(valid, operation.max_inputs, rate, None).seconds
    console.print(
        f"{order.title}: {many(rehearsal.rows, 'row')}, {rehearsal.invalid:,} invalid. "
        f"{valid:,} would go in {many(rehearsal.calls, 'call')}, which takes "
        f"{clock(seconds)} at {limits.max_requests} per {limits.interval:g} s. "
        "Nothing was sent.",
        soft_wrap=True,
    )
    told |= {
        "operation": operation.name,
        "inputs": rehearsal.rows,
        "failed": rehearsal.invalid,
        "not_sent": valid,
        "dry_run": True,
        "calls": rehearsal.calls,
        "seconds_at_limit": round(seconds, 1),
    }
    return Status.SOME_DID_NOT if rehearsal.invalid else Status.ALL_SUCCEEDED

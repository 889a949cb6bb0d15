"""Runs the job of a command, and prints its progress and result."""

import asyncio
import signal
import warnings

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from shlex import quote
from typing import Any

from attrs import asdict
from rich.cells import cell_len
from rich.console import Console

from hubbatch import (
    AuthenticationError,
    ConfigurationError,
    DailyLimitReached,
    Event,
    HubBatch,
    HubBatchError,
    InputFailed,
    JournalError,
    RateLimit,
    WhereError,
)
from hubbatch._escapes import visible
from hubbatch._limits.plan import plan
from hubbatch._near_names import near_name
from hubbatch._net.listeners import Listener
from hubbatch._wire.object_types import STANDARD_TYPES, standard_type
from hubbatch.errors import sentence
from hubbatch.jobs import (
    CheckFailed,
    Export,
    Job,
    JobReport,
    SourceError,
    rehearse,
    write_report,
)
from hubbatch.jobs.options import PAIRS, TIMED_VERBS
from hubbatch.jobs.portal import check_portal
from hubbatch_entry import signals

from .console import console_markup, make_console, print_json
from .exit_status import Ending, ExitStatus, outcome_counts
from .findings import check_command, print_findings
from .job_spec import AllRecords, JobSpec, NothingToDo
from .logs import logging_to, printed
from .outage import OutageNotice
from .progress import Latency, Progress, count_of, duration
from .signals import JobStopper


# The options that are not called like their arguments in Python.
_FLAGS = {"properties": "--property"}
_TAB = "\t"
# Seconds between two updates of the progress.
_REFRESH = 0.2
_UNAUTHORIZED = 401
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


def run_job(make_spec: Callable[[], JobSpec], options: Mapping[str, Any]) -> int:
    """Run the job of a command and print its progress and result.

    Args:
        make_spec: returns the job that the options describe.
        options: the options of the command.

    Returns:
        The exit status.
    """
    console = make_console()
    info = make_console(quiet=options["quiet"])
    # The output of --json, filled in step by step: a signal may end the process.
    result: dict[str, Any] = {}

    def print_result(status: int) -> None:
        if options["as_json"]:
            print_json({**_NO_COUNTS, **result, "exit_status": int(status)})

    signals.last_words = print_result
    try:
        with logging_to(options, console):
            status = _run_spec(make_spec, options, console, info, result)
    except NothingToDo as nothing:
        status = ExitStatus.ALL_SUCCEEDED
        _warn_of_no_rows(console, str(nothing))
    except KeyboardInterrupt:  # before a job existed to be stopped
        status = 128 + signal.SIGINT
    except HubBatchError as error:
        status = _status_of(error)
        result["error"] = print_error(console, error)
        if isinstance(error, CheckFailed):
            rows, refused = error.report.rows, error.report.refused
            result |= {"inputs": rows, "failed": refused, "not_sent": rows - refused}
        if result.get("requests"):  # the source was read while its rows were sent
            console.print(outcome_counts(result), soft_wrap=True)
    signals.settle(status)
    print_result(status)
    signals.ignore()
    return status


def _run_spec(
    make_spec: Callable[[], JobSpec],
    options: Mapping[str, Any],
    console: Console,
    info: Console,
    result: dict[str, Any],
) -> int:
    spec = make_spec()
    _check_source(spec, console, info)
    run = _run
    if options["dry_run"]:
        run = _count if isinstance(spec.source, AllRecords) else _dry_run
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = partial(_show_warning, console)
        try:
            return asyncio.run(run(spec, info, result))
        except HubBatchError as error:
            printed.error("%s", type(error).__name__)
            raise


def _check_source(spec: JobSpec, console: Console, info: Console) -> None:
    """Check a job, count its rows, and print its warnings."""
    spec.check()
    _check_types(spec, console)
    with info.status(f"Reading {console_markup(spec.source.name)}"):
        spec.count()
    if spec.total == 0:
        _warn_of_no_rows(console, spec.source.name)
    if spec.warning:
        _warn(console, spec.warning)


def _check_types(spec: JobSpec, console: Console) -> None:
    """Warn of an object type that is not a standard one, but resembles one."""
    whole = spec.object_type.removeprefix(PAIRS)
    names = whole.split(".") if whole != spec.object_type else [whole]
    for name in names:
        meant = near_name(name, STANDARD_TYPES)
        if standard_type(name) is None and meant is not None:
            _warn(
                console,
                f"HubSpot has no standard object type {name}. Did you mean {meant}?",
            )


def _warn_of_no_rows(console: Console, name: str) -> None:
    _warn(console, f"{name} has no rows: nothing to do")


def _warn(console: Console, message: str) -> None:
    console.print(f"[yellow]warning:[/] {console_markup(message)}", soft_wrap=True)


def _show_warning(
    console: Console, message: Warning | str, *_where: object, **_line: object
) -> None:
    """Print a warning of the client, which has a name that the command line set."""
    console.print(f"[yellow]warning:[/] {console_markup(str(message))}", soft_wrap=True)


def print_error(console: Console, error: BaseException) -> str:
    """Print an error on a single line; return its message.

    Below the error of a condition, print the condition, and mark what is wrong.
    """
    message = shown = " ".join(message_of(error).split())
    if isinstance(error, AuthenticationError) and error.status == _UNAUTHORIZED:
        shown = _explain_unauthorized(error)
    marked = isinstance(error, WhereError) and error.text
    if isinstance(error, WhereError) and marked:
        shown = sentence(error.reason)
    console.print(f"[red]error:[/] {console_markup(shown)}", soft_wrap=True)
    if isinstance(error, WhereError) and marked:
        _print_marked(console, error)
    return message


def _explain_unauthorized(error: AuthenticationError) -> str:
    why = "has expired" if "EXPIRED" in (error.category or "") else "is not valid"
    named = error.correlation_id and f", correlation id {error.correlation_id}"
    return (
        f"HubSpot says that the access token {why} (401 {error.category or ''}"
        f"{named or ''}). Copy it again from the service key or private app of this "
        "account, and set HUBSPOT_ACCESS_TOKEN (or the variable of --token-env) to it."
    )


def _print_marked(console: Console, error: WhereError) -> None:
    """Print a condition, with carets below the part that is wrong."""
    before, wrong = (
        cell_len(visible(part))
        for part in (error.text[: error.start], error.text[error.start : error.end])
    )
    console.print(f"  {console_markup(error.text)}", soft_wrap=True)
    carets = "^" * max(wrong, 1)
    console.print(f"  {' ' * before}[red]{carets}[/]", soft_wrap=True)


def message_of(error: BaseException) -> str:
    """Return the message of an error, with options as the command line has them."""
    if not isinstance(error, SourceError) or error.option is None:
        return str(error)
    name, value = error.option
    option = _FLAGS.get(name, f"--{name.replace('_', '-')}")
    [word] = value if isinstance(value, list) else [value]
    return f"{error.problem} Use {option} {'tab' if word == _TAB else quote(word)}."


def _status_of(error: BaseException) -> int:
    if isinstance(error, CheckFailed):  # as for `check`
        return ExitStatus.SOME_DID_NOT
    known = (ConfigurationError, JournalError, SourceError)
    early = isinstance(error, HubBatchError) and not isinstance(error, known)
    return ExitStatus.ENDED_EARLY if early else ExitStatus.BAD_USAGE


# ---- a job


async def _run(spec: JobSpec, console: Console, result: dict[str, Any]) -> int:
    reasons: Counter[str] = Counter()
    report, latency, outage = None, Latency(), OutageNotice(console)
    stopper = JobStopper(console, lambda: outage.since is not None)
    with stopper.handling_signals():
        listeners: list[Listener] = [
            partial(_count_reason, reasons),
            latency.listen,
            outage.listen,
        ]
        async with spec.hub(listeners) as hub:
            while True:
                report = await _run_once(spec, hub, stopper, result, latency, outage)
                wait = _seconds_to_wait(spec, report)
                if wait is None or stopper.signal is not None:
                    break
                console.print(
                    "The daily calls are used up. Waiting for the reset, in "
                    f"{duration(wait)}.",
                    soft_wrap=True,
                )
                report = None  # a signal during the wait stops the job
                await asyncio.sleep(wait)
    ending = Ending(spec, report, stopper.signal)
    if report is None:
        resumable = spec.options["journal"] is not None
        result |= {"ended": "cancelled", "resumable": resumable}
    else:
        counts = asdict(report, recurse=False)
        result |= {name: counts[name] for name in _NO_COUNTS}
        result |= {"ended": report.ended, "resumable": report.resumable}
        if report.unwritten:
            result["unwritten"] = report.unwritten
        if report.error is not None:
            result["error"] = str(report.error)
        printed.info("%s. %s", report.ended, outcome_counts(counts))
    if ending.status != ExitStatus.ALL_SUCCEEDED:
        console = make_console()  # --quiet does not hide it
    for line in ending.lines(reasons):
        console.print(visible(line), soft_wrap=True, markup=False)
    if spec.options.get("report"):
        _write_report(spec, console)
    stopper.settle(ending.status)
    return ending.status


def _write_report(spec: JobSpec, console: Console) -> None:
    try:
        write_report(spec.options["journal"], spec.options["report"])
    except HubBatchError as error:  # the exit status is that of the job
        print_error(console, error)


async def _run_once(
    spec: JobSpec,
    hub: HubBatch,
    stopper: JobStopper,
    result: dict[str, Any],
    latency: Latency,
    outage: OutageNotice,
) -> JobReport:
    """Run a job until it ends, and print its progress."""
    job = spec.job(hub)
    try:
        await _prepare(job, spec, stopper.console)
        if job.total is not None:  # HubSpot has counted the records
            spec.total = job.total
        progress = Progress(
            stopper.console,
            hub,
            spec.title,
            spec.total,
            latency,
            spec.max_in_flight,
            outage.words,
        )
        result |= {"operation": job.operation.name, "portal": job.portal_id}
        first = spec.first_line(job)
        printed.info("%s", first)
        stopper.console.print(console_markup(first), soft_wrap=True)
        running = asyncio.create_task(job.run())
        try:
            stopper.job = job
            progress.start(job)
            while not running.done():
                await asyncio.wait([running], timeout=_REFRESH)
                progress.update()
        finally:
            stopper.job = None
            progress.stop()
            if not running.done():  # a second signal came
                running.cancel()
                await asyncio.wait([running])
        return await running
    finally:
        counts = asdict(job.settled)
        result |= {name: counts[name] for name in _NO_COUNTS}
        await job.aclose()


def _seconds_to_wait(spec: JobSpec, report: JobReport) -> float | None:
    """Return the seconds until the daily limit is reset, if --wait applies."""
    error = report.error
    if not (spec.options["wait"] and isinstance(error, DailyLimitReached)):
        return None
    if error.resets_at is None:
        return None
    return max((error.resets_at - datetime.now(UTC)).total_seconds(), 1.0)


async def _prepare(job: Job | Export, spec: JobSpec, console: Console) -> None:
    """Prepare a job, and print what its preflight found."""
    try:
        await job.prepare()
    except CheckFailed as error:
        print_findings(console, error.report)
        command = check_command(spec.verb, spec.options, "--output", "refused.csv")
        console.print(
            f"To write all rows with errors to a file: {console_markup(command)}",
            soft_wrap=True,
        )
        raise
    report = job.preflight_report if isinstance(job, Job) else None
    if report is not None:
        print_findings(console, report)


def _count_reason(reasons: Counter[str], event: Event) -> None:
    # The reason for `not_sent` and `unknown` is the error that ended the job.
    if isinstance(event, InputFailed) and event.status == "failed":
        parts = (event.code or event.category, event.property_name)
        reasons[" ".join(part for part in parts if part)] += 1


# ---- a dry run


async def _dry_run(spec: JobSpec, console: Console, result: dict[str, Any]) -> int:
    """Validate the rows and print the calls and the time of a job; needs no token."""
    async with spec.offline_hub() as hub:
        job = spec.job(hub)
        operation, limits = job.operation, hub.limits
        await job.aclose()
    rehearsal = await rehearse(spec.source, operation, spec.options["limit"])
    for row, problem in rehearsal.examples:
        line = "" if row.line is None else f" (line {row.line})"
        console.print(
            console_markup(f"row {row.index + 1}{line}: {problem}"), soft_wrap=True
        )
    _print_unchecked(console, spec)
    valid = rehearsal.rows - rehearsal.invalid
    rate = RateLimit(limits.max_requests, limits.interval)
    forecast = plan(
        valid,
        operation.max_inputs,
        rate,
        None,
        object_type=operation.object_type,
        concurrency=spec.max_in_flight,
    )
    console.print(
        f"{spec.title}: {count_of(rehearsal.rows, 'row')}, {rehearsal.invalid:,} "
        f"invalid. Sending the other {count_of(valid, 'row')} takes "
        f"{count_of(rehearsal.calls, 'call')} and {duration(forecast.seconds)} at "
        f"{limits.max_requests} per {limits.interval:g} s. Nothing was sent.",
        soft_wrap=True,
    )
    result |= {
        "operation": operation.name,
        "inputs": rehearsal.rows,
        "failed": rehearsal.invalid,
        "not_sent": valid,
        "dry_run": True,
        "calls": rehearsal.calls,
        "seconds_at_limit": round(forecast.seconds, 1),
    }
    return ExitStatus.SOME_DID_NOT if rehearsal.invalid else ExitStatus.ALL_SUCCEEDED


async def _count(spec: JobSpec, console: Console, result: dict[str, Any]) -> int:
    """Print how many records match, and the calls and the time to read them."""
    async with spec.hub(()) as hub:
        job = spec.job(hub)
        await job.aclose()
        result["portal"] = await check_portal(hub, spec.options["account"])
        groups = await spec.source.where.ask_groups(hub, spec.object_type)
        rows = await hub.objects(spec.object_type).count(filter_groups=groups)
        limits = hub.limits
        limits = limits.families.get(job.family, limits)
    if spec.options["limit"] is not None:
        rows = min(rows, spec.options["limit"])
    calls = max(-(-rows // job.rows_per_request), 1)
    seconds = calls * limits.interval / limits.max_requests
    console.print(
        f"{spec.title}: {count_of(rows, 'row')}. Reading them takes "
        f"{count_of(calls, 'call')} and {duration(seconds)} or more, at "
        f"{limits.max_requests} per {limits.interval:g} s. Nothing was written.",
        soft_wrap=True,
    )
    result |= {
        "operation": job.operation.name,
        "inputs": rows,
        "not_sent": rows,
        "dry_run": True,
        "calls": calls,
        "seconds_at_limit": round(seconds, 1),
    }
    return ExitStatus.ALL_SUCCEEDED


def _print_unchecked(console: Console, spec: JobSpec) -> None:
    """Print what a dry run, which knows nothing of the account, did not check."""
    line = "Not checked: what only HubSpot knows, such as whether the records exist"
    if spec.verb in TIMED_VERBS and "object_type" in spec.options:
        command = check_command(spec.verb, spec.options)
        line += ", and the properties and their values. For those, run "
        line += console_markup(command)
    console.print(f"{line}.", soft_wrap=True)

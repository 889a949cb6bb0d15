"""Implements `demo`: creates and updates tickets in a simulated HubSpot."""

import asyncio
import logging
import multiprocessing
import os
import random
import signal

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from attrs import asdict
from rich.console import Console

from hubbatch import Batch, HubBatch, Limits, UpdateInput

from .console import make_console, print_json
from .demo_output import group_by_reason, print_failures, print_response, track


# The tier with the highest limit: 250 requests per 10 s ("API limit increase").
_TIER = "increased"
_BAD_SHARE = 0.02
_SEED = 2026


def show_demo(records: int, *, as_json: bool) -> int:
    """Run the demo; return the exit status."""
    try:
        asyncio.run(_run_demo(records, as_json=as_json))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


async def _run_demo(records: int, *, as_json: bool) -> None:
    console = make_console(stderr=as_json, highlight=True)
    console.print(
        "[bold]hubbatch demo[/]: a simulated HubSpot account, on this machine only\n"
    )
    async with (
        _simulated_hubspot() as (url, token),
        HubBatch(token, base_url=url) as hub,
    ):
        subjects = ({"properties": {"subject": f"Ticket {i}"}} for i in range(records))
        creating = hub.tickets.create(subjects)
        created = await track(console, f"Creating {records:,}", creating, records)
        ids = [ticket.id for ticket in created.results]
        inputs = _updates(ids)
        updating: Batch[Any] = hub.tickets.update(inputs)
        response = await track(console, f"Updating {records:,}", updating, len(inputs))
        limits = hub.limits
    reasons = group_by_reason(response.failures)
    print_response(console, response, updating.summary, limits)
    print_failures(console, reasons)
    _print_next_steps(console)
    if as_json:
        result = _as_dict(updating, limits)
        result["failures"] = [asdict(reason) for reason in reasons]
        print_json(result)


def _as_dict(batch: Batch[Any], limits: Limits) -> dict[str, Any]:
    result = asdict(batch.summary)
    result["seconds"] = round(result["seconds"], 3)
    result["rate_limit"] = limits.max_requests
    result["rate_limit_used"] = limits.used
    if batch.response is not None:
        envelope = batch.response.to_dict()
        result["response"] = {
            name: envelope.get(name)
            for name in ("status", "numErrors", "startedAt", "completedAt")
        }
    return result


def _updates(ids: list[str]) -> list[UpdateInput]:
    """Return an update for every ticket, some of them with a typical mistake."""
    rng = random.Random(_SEED)  # noqa: S311 -- the same demo every time
    mistakes: list[dict[str, object]] = [
        {"hs_pipeline_stage": "Closed"},  # the label instead of the option's value
        {"frist_name": "Ada"},  # no such property
        {"hs_ticket_priority": "urgent!"},
        {"hs_object_id": "1"},  # read-only
        {"closed_date": float("nan")},  # an empty cell of a data frame
    ]
    inputs = []
    for index, record_id in enumerate(ids):
        properties: dict[str, object] = {
            "content": f"Update {index}",
            "hs_pipeline_stage": rng.choice("1234"),
            "hs_ticket_priority": rng.choice(("LOW", "MEDIUM", "HIGH")),
        }
        if rng.random() < _BAD_SHARE:
            kind = rng.randrange(len(mistakes) + 2)
            if kind < len(mistakes):
                properties |= mistakes[kind]
            elif kind == len(mistakes):
                record_id += "0"  # noqa: PLW2901 -- a ticket that does not exist
            else:
                record_id += ".0"  # noqa: PLW2901 -- an id from a spreadsheet
        inputs.append(UpdateInput(record_id, properties))
    return inputs


def _print_next_steps(console: Console) -> None:
    console.print(
        "\n[bold]Next[/]\n"
        "  hubbatch simulate             serve this HubSpot to your own code\n"
        "  hubbatch demo --records 50000 run long enough to reach the rate limit\n"
        "  export HUBSPOT_ACCESS_TOKEN=… update the records of your own account:\n\n"
        "    [cyan]async with HubBatch() as hub:\n"
        "        response = await hub.tickets.update(records)\n"
        "    for outcome in response.failures:\n"
        "        print(outcome.index, outcome.error)[/]",
        highlight=False,
    )


@asynccontextmanager
async def _simulated_hubspot() -> AsyncIterator[tuple[str, str]]:
    """Run the simulator in a separate process; yield its URL and token."""
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe()
    process = context.Process(target=_serve, args=(child,), daemon=True)
    if os.name == "posix":
        resource_tracker.ensure_running()  # it unblocks signals when it starts
    with _signals_blocked():
        process.start()
    child.close()
    try:
        yield await asyncio.to_thread(parent.recv)
    finally:
        parent.close()  # makes the child stop
        await asyncio.to_thread(process.join)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals in the `with` block; a child started in it keeps them blocked.

    Ctrl-C and closing the terminal signal all processes of the terminal. The child
    stops with its parent, and must not print its own traceback while it is importing.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    blocked = (signal.SIGINT, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection) -> None:
    """Run the simulator until the other end of the connection closes."""
    from hubbatch.simulator import Simulator  # noqa: PLC0415 -- only in the child

    # Where signals cannot be blocked (Windows), Ctrl-C still must not stop it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # aiohttp may log a traceback if the client is killed during a request.
    logging.getLogger("aiohttp.server").disabled = True

    async def serve() -> None:
        simulator = Simulator(tier=_TIER, seed=_SEED, latency="realistic")
        async with simulator:
            with suppress(BrokenPipeError):  # the parent is gone
                connection.send((simulator.url, simulator.token))
                await asyncio.to_thread(connection.poll, None)

    asyncio.run(serve())

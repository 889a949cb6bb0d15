"""The main job, end to end, against a HubSpot in a process of its own."""

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
from hubbatch.core.failure_groups import group_by_reason

from .printing import print_failures, print_response, track
from .screen import print_json, screen


# The tier with the highest limit: 250 requests per 10 s ("API limit increase").
_TIER = "increased"
_BAD_SHARE = 0.02
_SEED = 2026


async def run_demo(records: int, *, as_json: bool) -> None:
    """Create tickets, update them with some bad records among them, and show it."""
    console = screen(stderr=as_json, highlight=True)
    say = console.print
    say("[bold]hubbatch demo[/]: a simulated HubSpot account, on this machine only\n")
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
    _suggest(console)
    if as_json:
        told = _as_dict(updating, limits)
        told["failures"] = [asdict(reason) for reason in reasons]
        print_json(told)


def _as_dict(batch: Batch[Any], limits: Limits) -> dict[str, Any]:
    told = asdict(batch.summary)
    told["seconds"] = round(told["seconds"], 3)
    told["rate_limit"] = limits.max_requests
    told["rate_limit_used"] = limits.used
    if batch.response is not None:
        envelope = batch.response.to_dict()
        told["response"] = {
            name: envelope.get(name)
            for name in ("status", "numErrors", "startedAt", "completedAt")
        }
    return told


def _updates(ids: list[str]) -> list[UpdateInput]:
    """Make an update of every ticket, some as they go wrong in real migrations."""
    rng = random.Random(_SEED)  # noqa: S311 -- the same demo every time
    mistakes: list[dict[str, object]] = [
        {"hs_pipeline_stage": "Closed"},  # the label instead of the option's value
        {"frist_name": "Ada"},  # no such property
        {"hs_ticket_priority": "urgent!"},
        {"hs_object_id": "1"},  # read only
        {"closed_date": float("nan")},  # an empty cell of a data frame
    ]
    inputs = []
    for place, record_id in enumerate(ids):
        properties: dict[str, object] = {
            "content": f"Updated in place {place}",
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
                record_id += ".0"  # noqa: PLW2901 -- an id that a spreadsheet rounded
        inputs.append(UpdateInput(record_id, properties))
    return inputs


def _suggest(console: Console) -> None:
    console.print(
        "\n[bold]Next[/]\n"
        "  hubbatch simulate             serve this HubSpot to your own code\n"
        "  hubbatch demo --records 50000 long enough to meet the rate limit\n"
        "  export HUBSPOT_ACCESS_TOKEN=… and the same lines on a real account:\n\n"
        "    [cyan]async with HubBatch() as hub:\n"
        "        response = await hub.tickets.update(records)\n"
        "    for outcome in response.failures:\n"
        "        print(outcome.index, outcome.error)[/]",
        highlight=False,
    )


@asynccontextmanager
async def _simulated_hubspot() -> AsyncIterator[tuple[str, str]]:
    """Run the simulator in a process of its own; give its URL and a token."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    if os.name == "posix":
        resource_tracker.ensure_running()  # it unblocks signals when it starts
    with _signals_held():
        process.start()
    theirs.close()
    try:
        yield await asyncio.to_thread(ours.recv)
    finally:
        ours.close()  # which is how it learns to stop
        await asyncio.to_thread(process.join)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back, here until this is over and for good in a child process.

    Ctrl-C and a closed terminal signal all processes of the terminal. The child
    follows its parent, and has no traceback to show while it imports.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    held = (signal.SIGINT, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection) -> None:
    """Be the simulator until the other end of the connection closes."""
    from hubbatch.simulator import Simulator  # noqa: PLC0415 -- here only

    # Where signals are not held (Windows), Ctrl-C must still not stop it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # aiohttp may log a traceback when a client that is killed leaves a request open.
    logging.getLogger("aiohttp.server").disabled = True

    async def serve() -> None:
        simulator = Simulator(tier=_TIER, seed=_SEED, latency="realistic")
        async with simulator:
            with suppress(BrokenPipeError):  # the parent has been stopped meanwhile
                connection.send((simulator.url, simulator.token))
                await asyncio.to_thread(connection.poll, None)

    asyncio.run(serve())

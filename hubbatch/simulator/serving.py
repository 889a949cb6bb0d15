"""The simulator as a program: it runs until it is told to stop."""

import asyncio
import contextlib
import os
import signal
import socket

from collections.abc import Callable
from pathlib import Path
from typing import Final

from hubbatch.simulator.filling import fill
from hubbatch.simulator.received import Received
from hubbatch.simulator.script import play
from hubbatch.simulator.server import Simulator


_LAST_PORT: Final = 65_535


def line(received: Received) -> str:
    """Say in one line what came in and what it got."""
    inputs = received.body.get("inputs") if isinstance(received.body, dict) else None
    count = f" {len(inputs)} inputs" if isinstance(inputs, list) else ""
    status = received.status or "closed"
    # A path is decoded, and may hold what moves a cursor.
    path = "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in received.path
    )
    return f"{received.method} {path}{count} -> {status}"


def _unfailing(say: Callable[[str], None]) -> Callable[[str], None]:
    """Drop lines that cannot be printed: `| head` ends the log, not the server."""

    def heard(text: str) -> None:
        # A closed pipe, a full disk, a terminal that is gone or knows only ASCII.
        with contextlib.suppress(OSError, ValueError):
            say(text)

    return heard


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    # asyncio writes the address into the text a second time.
    return os.strerror(error.errno) if error.errno else str(error)


async def serve(simulator: Simulator, say: Callable[[str], None]) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP; one that is ignored stays ignored."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        # Also called when all is over: the handler stays until the process is gone.
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    async with simulator:
        say(f"HubSpot simulator at {simulator.url}")
        say(f"token: {simulator.token}")
        await stop.wait()


def run(
    *,
    host: str,
    port: int,
    tier: str,
    seed: int,
    chaos: float = 0.0,
    faults: Path | None = None,
    portal_id: int = 62515,
    state: Path | None = None,
    say: Callable[[str], None],
    complain: Callable[[str], None] | None = None,
) -> int:
    """Serve, and return the exit status: 0 when told to stop, 2 for a mistake."""
    complain = _unfailing(complain or say)
    say = _unfailing(say)
    if not 0 <= port <= _LAST_PORT:
        complain(f"error: --port: {port} is not between 0 and {_LAST_PORT}")
        return 2
    if portal_id < 1:
        complain(f"error: --portal-id: {portal_id} is not 1 or more")
        return 2
    simulator = Simulator(
        host=host,
        port=port,
        tier=tier,
        seed=seed,
        portal_id=portal_id,
        keep_requests=False,
        on_request=lambda received: say(line(received)),
    )
    try:
        if state is not None:
            fill(simulator.store, state)
        if faults is not None:
            play(faults, simulator.faults)
        if chaos:
            simulator.faults.chaos(chaos)
        asyncio.run(serve(simulator, say))
    except ValueError as error:
        complain(f"error: {error}")
        return 2
    except OSError as error:
        complain(f"error: cannot listen on {host}:{port}: {_reason(error)}")
        return 2
    return 0

"""The simulator as a program that serves until a signal stops it."""

import asyncio
import contextlib
import os
import signal
import socket

from collections.abc import Callable
from pathlib import Path
from typing import Final

from hubbatch.simulator.faults.script import load_faults
from hubbatch.simulator.server.received import Received
from hubbatch.simulator.server.server import Simulator
from hubbatch.simulator.server.state_file import fill


_LAST_PORT: Final = 65_535


def log_line(received: Received) -> str:
    """Return one line about a request: method, path, inputs and status.

    A call that the simulator does not have stands out.
    """
    inputs = received.body.get("inputs") if isinstance(received.body, dict) else None
    count = f" {len(inputs)} inputs" if isinstance(inputs, list) else ""
    status = received.status or "closed"
    # The path is decoded and may contain control characters, which must not reach the
    # terminal.
    path = "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in received.shown_path
    )
    mark = "" if received.implemented else " *** NOT IN THE SIMULATOR ***"
    return f"{received.method} {path}{count} -> {status}{mark}"


def _never_fail(say: Callable[[str], None]) -> Callable[[str], None]:
    """Drop lines that cannot be printed: `| head` ends the log, not the server."""

    def say_or_drop(line: str) -> None:
        # A closed pipe, a full disk, a closed terminal, or one limited to ASCII.
        with contextlib.suppress(OSError, ValueError):
            say(line)

    return say_or_drop


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    # asyncio's own message repeats the address.
    return os.strerror(error.errno) if error.errno else str(error)


async def serve(simulator: Simulator, say: Callable[[str], None]) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP, unless the parent ignores the signal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        # A signal can arrive after the loop has closed: handlers are never removed.
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
    """Serve until a signal arrives and return the exit status.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        tier: The tier whose limits apply.
        seed: The seed of the simulator.
        chaos: The share of requests that fail; 0 keeps the rate in `faults`.
        faults: A file of faults.
        portal_id: The id of the account.
        state: A file with the initial state of the account.
        say: Prints a line of output.
        complain: Prints an error; `say` by default.

    Returns:
        0 after a signal, 2 if an option, a file or the address is unusable.
    """
    complain = _never_fail(complain or say)
    say = _never_fail(say)
    if not 0 <= port <= _LAST_PORT:
        complain(f"error: --port must be between 0 and {_LAST_PORT}, not {port}")
        return 2
    if portal_id < 1:
        complain(f"error: --portal-id must be 1 or more, not {portal_id}")
        return 2
    simulator = Simulator(
        host=host,
        port=port,
        tier=tier,
        seed=seed,
        portal_id=portal_id,
        keep_requests=False,
        on_request=lambda received: say(log_line(received)),
    )
    try:
        if state is not None:
            fill(simulator, state)
        if faults is not None:
            load_faults(faults, simulator.faults)
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

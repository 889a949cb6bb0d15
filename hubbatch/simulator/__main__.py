"""Run the simulator: python -m hubbatch.simulator."""

import argparse
import functools
import os
import signal
import sys

from pathlib import Path

from hubbatch.simulator.limits import TIERS


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator as a program and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m hubbatch.simulator")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=8080, help="port to listen on; 0 picks a free one"
    )
    parser.add_argument(
        "--tier",
        choices=list(TIERS),
        default="professional",
        help="subscription whose rate limits apply",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of ids, tokens, result order and chaos",
    )
    parser.add_argument(
        "--chaos",
        type=float,
        default=0.0,
        metavar="RATE",
        help="share of requests that fail, from 0 to 1",
    )
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="JSON file of faults to inject"
    )
    parser.add_argument(
        "--portal-id", type=int, default=62515, metavar="ID", help="id of the portal"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="JSON file with the portal's initial records, settings and tokens",
    )
    options = parser.parse_args(arguments)
    # Slow to import: signals are taken first.
    from hubbatch.simulator.server.serving import run  # noqa: PLC0415

    say = functools.partial(print, flush=True)
    status = run(
        **vars(options), say=say, complain=functools.partial(say, file=sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # None if the shell closed it with `>&-`
                stream.flush()
        except OSError:
            # Python flushes again at exit and would print the error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


def _exit_on_signals() -> None:
    """Exit with status 0 on a signal, until the server takes the signals itself.

    Python's own handler of Ctrl-C would print a traceback.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: os._exit(0))


if __name__ == "__main__":
    _exit_on_signals()
    sys.exit(main())

"""Run the simulator: python -m hubbatch.simulator."""

import argparse
import functools
import os
import sys

from pathlib import Path

from hubbatch.simulator.quota import TIERS
from hubbatch.simulator.serving import run


def main(arguments: list[str] | None = None) -> int:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m hubbatch.simulator")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--tier", choices=list(TIERS), default="professional")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chaos", type=float, default=0.0, metavar="RATE")
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="a script of faults, as JSON"
    )
    parser.add_argument("--portal-id", type=int, default=62515, metavar="ID")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="what the portal has, as JSON"
    )
    options = parser.parse_args(arguments)
    say = functools.partial(print, flush=True)
    status = run(
        **vars(options), say=say, complain=functools.partial(say, file=sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # `>&-`
                stream.flush()
        except OSError:
            # Python would try once more on its way out, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


if __name__ == "__main__":
    sys.exit(main())

"""The environment of processes that tests start."""

import os

from pathlib import Path


TREE = Path(__file__).parents[1]


def untraced(**more: str) -> dict[str, str]:
    """Return this process's environment, for processes whose lines are not counted.

    To count them takes several times as long, and writes a file of its own: where files
    may not grow, or a signal ends the process, that file is what breaks.
    """
    inherited = {k: v for k, v in os.environ.items() if "COVERAGE" not in k}
    return {**inherited, **more}

"""Programs of users, which run as processes of their own."""

import subprocess
import sys
import textwrap

from hubbatch.simulator import Simulator
from tests.processes import TREE, untraced


HEAD = """
import logging, os, signal, sys, threading
from hubbatch import HubBatch
logging.getLogger("hubbatch").addHandler(logging.NullHandler())

def rows(count):
    for number in range(count):
        yield {"properties": {"subject": str(number)}}
"""


def start(simulator: Simulator, program: str) -> subprocess.Popen[str]:
    """Start a program whose environment names the simulated account."""
    environment = untraced(
        HUBSPOT_ACCESS_TOKEN=simulator.token, HUBBATCH_BASE_URL=simulator.url
    )
    return subprocess.Popen(  # noqa: S603 -- our own
        [sys.executable, "-W", "error", "-c", HEAD + textwrap.dedent(program)],
        cwd=TREE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(simulator: Simulator, program: str) -> list[str]:
    """Run a program that must succeed silently, and return the lines it prints."""
    with start(simulator, program) as process:
        printed, complaints = process.communicate(timeout=60)
    assert complaints == "", complaints
    assert process.returncode == 0
    return printed.splitlines()

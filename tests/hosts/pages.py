"""The examples of the documentation, as files and as cells."""

import os
import re
import signal
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubbatch.simulator import Simulator


DOCS = Path(__file__).parents[2] / "docs"
PORTAL = 62515


def recipe(name: str) -> str:
    """Return the only block of the recipes whose first line names the file."""
    page = (DOCS / "recipes.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [found] = [block for block in blocks if block.startswith(f"# {name}")]
    return str(found)


class Program:
    """A folder with a program, whose environment names an account and a Redis."""

    def __init__(self, folder: Path, simulator: Simulator, redis: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HUBSPOT_ACCESS_TOKEN": simulator.token,
            "HUBBATCH_BASE_URL": simulator.url,
            "REDIS_URL": redis,
            "PORTAL": str(PORTAL),
        }

    def put(self, path: str, code: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")

    @contextmanager
    def start(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(  # noqa: S603 -- our own
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, *command: str) -> tuple[int, str, str]:
        """Return the exit status and what was printed, on both streams."""
        with self.start(*command) as process:
            printed, complaints = process.communicate(timeout=120)
        return process.returncode, printed, complaints

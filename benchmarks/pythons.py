"""The whole client on other versions of Python.

    python -m benchmarks pythons [--quick]

For each version that `uv` or the PATH offers, a virtual environment with hubbatch's
dependencies is made, and hubbatch takes turns with the floor and the fair script, as in
the whole client. Ratios compare ways on the same Python; compare the absolute figures
of different versions with care, since the versions are measured one after another.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from .clients import COUNT, FAIR, FLOOR, OURS, measure
from .server import serving
from .tables import Section, table
from .workers import ROOT, Ratio, Worker


VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def uv() -> str | None:
    """Return the `uv` command, if it is installed."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside or shutil.which("uv")


def candidates(version: str) -> Iterator[str]:
    """Yield what may be an interpreter of this version."""
    yield sys.executable
    if (command := uv()) is not None:
        done = subprocess.run(  # noqa: S603 -- our own
            [command, "python", "find", "--no-project", version],
            capture_output=True,
            check=False,
            text=True,
        )
        yield from done.stdout.splitlines()
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield found


def interpreter(version: str) -> str | None:
    """Return an interpreter of this version that runs."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in candidates(version):
        done = subprocess.run(  # noqa: S603 -- our own
            [python, "-c", code], capture_output=True, check=False, text=True
        )
        if done.stdout.strip() == version:
            return python
    return None


def environment(python: str, folder: Path) -> str:
    """Make a virtual environment with what is needed; return its interpreter."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {*project["project"]["dependencies"], "orjson"}
    made = str(folder / "bin" / "python")
    if (command := uv()) is not None:
        steps = [
            [command, "venv", "-q", "--python", python, str(folder)],
            [command, "pip", "install", "-q", "--python", made, *sorted(needed)],
        ]
    else:
        steps = [
            [python, "-m", "venv", str(folder)],
            [made, "-m", "pip", "install", "-q", *sorted(needed)],
        ]
    for step in steps:
        subprocess.run(step, check=True, stdout=sys.stderr)  # noqa: S603 -- our own
    return made


def run(*, quick: bool) -> Section:
    """Measure all versions that there are."""
    rows, missing = [], []
    rounds, count = (3, COUNT // 5) if quick else (7, COUNT)
    with serving() as url:
        for version in VERSIONS:
            found = interpreter(version)
            if found is None:
                missing.append(version)
                continue
            with ExitStack() as stack:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                try:
                    python = environment(found, folder)
                except subprocess.CalledProcessError:  # it has said why
                    missing.append(version)
                    continue
                workers = {
                    way: stack.enter_context(Worker(python=python))
                    for way in (FLOOR, FAIR, OURS)
                }
                for verb in ("update", "read"):
                    costs = measure(url, verb, workers, rounds=rounds, count=count)
                    rows.append(
                        (
                            f"{version}, {verb}",
                            f"{statistics.median(costs[FLOOR]):.2f}",
                            f"{statistics.median(costs[OURS]):.2f}",
                            str(Ratio.of(costs[OURS], costs[FLOOR])),
                            str(Ratio.of(costs[FAIR], costs[FLOOR])),
                        )
                    )
    head = ("Python", "floor, µs", "hubbatch, µs", "x floor", "fair script, x floor")
    parts = [f"{count:,} records, {rounds} rounds.", table(head, rows)]
    if missing:
        parts.append(
            f"Not measured, because they could not be set up: {', '.join(missing)}."
        )
    return Section("Versions of Python", __doc__ or "", "\n\n".join(parts))

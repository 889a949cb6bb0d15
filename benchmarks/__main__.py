"""Run the benchmarks, and write the page docs/benchmarks.md.

    python -m benchmarks                    all of them, about half an hour
    python -m benchmarks --quick            fewer rounds and cases; prints only
    python -m benchmarks clients budgets    some of them; prints only

If a benchmark fails, the others still run, the page lacks it, and the exit status is 1.
The other scripts of this folder are about limits, or need other programs; their results
are on the pages about them.
"""

import argparse
import ast
import datetime as dt
import importlib
import inspect
import os
import platform
import subprocess
import sys
import time
import traceback

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .goals import goals
from .tables import Section
from .workers import ROOT


HERE = Path(__file__).parent
DOCS = ROOT / "docs"
# Modules with `run(quick=...)`.
MODULES = (
    "clients",
    "budgets",
    "growth",
    "memory",
    "imports",
    "cold_start",
    "pythons",
    "stalls",
)
# Scripts, with their titles and options, and with the options of `--quick`.
SCRIPTS: dict[str, tuple[str, Sequence[str], Sequence[str] | None]] = {
    "jobs": ("Jobs", ("--rows", "100000"), ("--rows", "20000")),
    "isolation": ("Isolation", (), None),
    "permits": ("Permits", (), None),
    "accounts": ("Idle accounts", (), None),
}
QUICK = ("clients", "budgets", "memory", "imports", "cold_start", "jobs")
PACKAGES = ("hubbatch", "aiohttp", "attrs", "cattrs", "msgspec", "orjson")


# ---- running


def script(name: str, *, quick: bool) -> Section:
    """Run a script, and show what it prints."""
    title, usual, fewer = SCRIPTS[name]
    options = fewer if quick and fewer is not None else usual
    path = HERE / f"{name}.py"
    done = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, str(path), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    method = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    output = done.stdout.strip()
    text = (
        output if "| ---" in output or "|---" in output else f"```text\n{output}\n```"
    )
    return Section(title, method, text)


def measure(name: str, *, quick: bool, **options: Any) -> Section:
    """Run one benchmark."""
    if name in SCRIPTS:
        return script(name, quick=quick)
    module = importlib.import_module(f".{name}", __package__)
    section: Section = module.run(quick=quick, **options)
    return section


# ---- the page


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} from this checkout"


def machine() -> str:
    """Describe the machine and the versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    versions = ", ".join(map(_version, PACKAGES))
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today}; {platform.python_implementation()} {platform.python_version()}, "
        f"{versions}; {platform.system()}, {os.cpu_count()} x {cpu}."
    )


def shown(section: Section) -> str:
    """Write a section in Markdown."""
    pictures = "\n".join(
        f"![{section.title}](benchmarks/{name}.svg)" for name in section.pictures
    )
    parts = (f"## {section.title}", inspect.cleandoc(section.method), pictures)
    return "\n\n".join([part for part in (*parts, section.text) if part])


def write(sections: Sequence[Section]) -> None:
    """Write the page and its pictures."""
    folder = DOCS / "benchmarks"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for section in sections:
        for name, picture in section.pictures.items():
            (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    page = [
        "# Benchmarks",
        "`python -m benchmarks` writes this page.",
        machine(),
        *map(shown, sections),
    ]
    text = "\n\n".join(page) + "\n"
    (DOCS / "benchmarks.md").write_text(text, encoding="utf-8")


# ---- the command


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = (*MODULES, *SCRIPTS)
    parser.add_argument("which", nargs="*", metavar="WHICH", help=", ".join(every))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, help="the rounds of `clients`")
    parser.add_argument(
        "--also",
        metavar="CHECKOUT",
        help="a second checkout of hubbatch for `clients`, in the same rounds",
    )
    options = parser.parse_args()
    if unknown := {*options.which} - {*every}:
        parser.error(f"unknown benchmarks: {', '.join(sorted(unknown))}")
    options.which = options.which or (QUICK if options.quick else every)
    options.page = set(options.which) == {*every} and not options.quick
    return options


def main() -> None:
    """Run the benchmarks."""
    options = arguments()
    sections: dict[str, Section] = {}
    failed = []
    for name in options.which:
        own = (
            {"rounds": options.rounds, "also": options.also}
            if name == "clients"
            else {}
        )
        started = time.monotonic()
        try:
            sections[name] = measure(name, quick=options.quick, **own)
        except Exception:  # noqa: BLE001 -- the others are still worth measuring
            traceback.print_exc()
            failed.append(name)
            continue
        print(shown(sections[name]), end="\n\n", flush=True)
        took = time.monotonic() - started
        print(f"{name}: {took:.0f} s", file=sys.stderr, flush=True)
    reached = goals(sections)
    print(shown(reached))
    if options.page:
        write([reached, *sections.values()])
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

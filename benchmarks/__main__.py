"""Run the benchmarks, and write what they found into the documentation.

    python -m benchmarks                  all of them, into docs/benchmarks.md
    python -m benchmarks --quick          fewer records and rounds; prints only
    python -m benchmarks clients inside   some of them; prints only

Scripts of their own run last, and their output is shown as it is. The pages on limits
and on single calls show what the other scripts found.
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

from importlib.metadata import version
from pathlib import Path

from .tables import Section


HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
MODULES = ("clients", "inside", "imports", "growth")
SCRIPTS = {
    "memory": ("Memory", ()),
    "stalls": ("Turns of the event loop", ()),
    "isolation": ("Isolation", ()),
    "jobs": ("Jobs", ("--rows", "100000")),
    "permits": ("Permits", ()),
    "accounts": ("Idle accounts", ()),
}
PACKAGES = ("aiohttp", "attrs", "cattrs", "msgspec", "orjson")


def script(name: str) -> Section:
    """Run a script, and show what it prints."""
    title, options = SCRIPTS[name]
    path = HERE / f"{name}.py"
    done = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, str(path), *options],
        capture_output=True,
        check=True,
        text=True,
    )
    method = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    output = done.stdout.strip()
    text = output if output.startswith("|") else f"```text\n{output}\n```"
    return Section(title, method, text)


def machine() -> str:
    """Say what it ran on, and with what."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    told = ", ".join(f"{name} {version(name)}" for name in ("hubbatch", *PACKAGES))
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today}; {platform.python_implementation()} {platform.python_version()}, "
        f"{told}; {platform.system()}, {os.cpu_count()} x {cpu}."
    )


def shown(section: Section) -> str:
    """Write a section in Markdown."""
    pictures = "\n".join(
        f"![{section.title}](benchmarks/{name}.svg)" for name in section.pictures
    )
    parts = (f"## {section.title}", inspect.cleandoc(section.method), pictures)
    return "\n\n".join([part for part in (*parts, section.text) if part])


def write(sections: list[Section]) -> None:
    """Write the page and its pictures."""
    (DOCS / "benchmarks").mkdir(exist_ok=True)
    for section in sections:
        for name, picture in section.pictures.items():
            path = DOCS / "benchmarks" / f"{name}.svg"
            path.write_text(picture, encoding="utf-8")
    page = [
        "# Benchmarks",
        "Written by `python -m benchmarks`; no figure here is by hand.",
        machine(),
        *map(shown, sections),
    ]
    text = "\n\n".join(page) + "\n"
    (DOCS / "benchmarks.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = (*MODULES, *SCRIPTS)
    parser.add_argument("which", nargs="*", metavar="WHICH", help=", ".join(every))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--also",
        metavar="CHECKOUT",
        help="a second checkout of hubbatch, which `clients` measures in the same rounds",
    )
    options = parser.parse_args()
    unknown = {*options.which} - {*every}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    sections = []
    for name in options.which or (MODULES if options.quick else every):
        if name in MODULES:
            module = importlib.import_module(f".{name}", __package__)
            more = {"also": options.also} if name == "clients" else {}
            sections.append(module.run(quick=options.quick, **more))
        else:
            sections.append(script(name))
        print(shown(sections[-1]), end="\n\n", flush=True)
    if not options.which and not options.quick:
        write(sections)


if __name__ == "__main__":
    main()

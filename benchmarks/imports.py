"""What `import hubbatch` and `hubbatch --help` cost, next to what they build upon.

    python -m benchmarks imports

User and system time of fresh interpreters, from their start to their end, with compiled
modules on disk. All cases take turns, round by round; a ratio is that of a round. An
import is compared with the import of the dependencies that `import hubbatch` needs, a
command with `import click`.
"""

import os
import statistics
import subprocess
import sys
import tempfile

from collections.abc import Mapping
from importlib.util import find_spec

from attrs import frozen

from .tables import Section, bars, table


@frozen
class Case:
    """A program, what follows `hubbatch` on its command line, and its environment."""

    code: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}


# As the script that pip installs does it.
_MAIN = "from hubbatch_entry import main; main()"
_COMPLETION = {
    "_HUBBATCH_COMPLETE": "bash_complete",
    "COMP_WORDS": "hubbatch update --",
    "COMP_CWORD": "2",
}
# In each table, the first case is what the others are compared with.
IMPORTS = {
    "its dependencies": Case(
        "import aiohttp, aiolimiter, attrs, backoff, cattrs, msgspec"
    ),
    "hubbatch": Case("import hubbatch"),
    "hubspot-api-client": Case("import hubspot, hubspot.crm.tickets"),
    "hubspot-sdk": Case("import hubspot_sdk"),
}
COMMANDS = {
    "import click": Case("import click"),
    "hubbatch --help": Case(_MAIN, ("--help",)),
    "hubbatch --version": Case(_MAIN, ("--version",)),
    "hubbatch update --help": Case(_MAIN, ("update", "--help")),
    "completion": Case(_MAIN, environment=_COMPLETION),
}
# The module that a case needs, for those that may not be installed.
_NEEDS = {"hubspot-api-client": "hubspot", "hubspot-sdk": "hubspot_sdk"}


def milliseconds(case: Case, cache: str) -> float:
    """Run a case in an interpreter of its own; return the CPU that it took."""
    environment = {**os.environ, **case.environment, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(  # noqa: S603 -- our own
        [sys.executable, "-c", case.code, *case.arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{case} ended with status {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def measure(cases: Mapping[str, Case], rounds: int) -> dict[str, list[float]]:
    """Return the CPU of each case in each round."""
    spent: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as cache:
        for case in cases.values():  # which compiles its modules
            milliseconds(case, cache)
        for _ in range(rounds):
            for name, case in cases.items():
                spent[name].append(milliseconds(case, cache))
    return spent


def compared(spent: Mapping[str, list[float]]) -> str:
    """Write a table of cases, compared with the first."""
    base, *_ = spent
    rows = []
    for name, each in spent.items():
        ratios = [one / other for one, other in zip(each, spent[base], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        median = statistics.median(each)
        rows.append((name, f"{median:.0f}", f"{middle:.2f}", f"{low:.2f} - {high:.2f}"))
    return table(("", "ms, median", f"x {base}", "quartiles"), rows)


def run(*, quick: bool) -> Section:
    """Measure all of them."""
    cases = {
        name: case
        for name, case in (IMPORTS | COMMANDS).items()
        if name not in _NEEDS or find_spec(_NEEDS[name])
    }
    spent = measure(cases, 7 if quick else 21)
    imports = {name: spent[name] for name in IMPORTS if name in spent}
    commands = {name: spent[name] for name in COMMANDS}
    medians = {name: statistics.median(each) for name, each in spent.items()}
    picture = bars("CPU of a start (ms)", medians, highlight="hubbatch")
    text = f"{compared(imports)}\n\n{compared(commands)}"
    return Section("Start", __doc__, text, {"imports": picture})

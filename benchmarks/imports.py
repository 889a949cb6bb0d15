"""How long `import hubbatch` takes, next to the packages that it needs.

    python -m benchmarks imports

CPU of fresh interpreters that take turns, with compiled modules on disk; the median
of the ratios, pair by pair.
"""

import os
import statistics
import subprocess
import sys
import tempfile

from .tables import Section, bars, table


CASES = {
    "its dependencies": "aiohttp, aiolimiter, attrs, backoff, cattrs, orjson",
    "hubbatch": "hubbatch",
    "hubspot-api-client": "hubspot, hubspot.crm.tickets",
    "hubspot-sdk": "hubspot_sdk",
}
CODE = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"


def seconds(modules: str, cache: str) -> float:
    """Import modules in an interpreter of their own."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", CODE.format(modules)],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    return float(done.stdout)


def run(*, quick: bool) -> Section:
    """Measure all of them."""
    spent: dict[str, list[float]] = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory() as cache:
        for modules in CASES.values():  # which compiles them
            seconds(modules, cache)
        for _ in range(7 if quick else 21):
            for name, modules in CASES.items():
                spent[name].append(seconds(modules, cache) * 1000)
    least = {name: min(each) for name, each in spent.items()}
    base = spent["its dependencies"]
    rows = []
    for name, each in spent.items():
        ratios = [one / other for one, other in zip(each, base, strict=True)]
        ratio = statistics.median(ratios)
        rows.append((name, f"{least[name]:.0f}", f"{ratio:.2f}"))
    text = table(("import", "ms, the least", "x its dependencies"), rows)
    picture = bars("CPU of an import (ms)", least, highlight="hubbatch")
    return Section("Import", __doc__, text, {"imports": picture})

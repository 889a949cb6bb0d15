"""What a record may cost, in multiples of `orjson.loads` of its answer.

    python benchmarks/budgets.py [--rounds 40]

It fails if anything costs more than its budget. All of it runs in one process and
without a network, in rounds that take turns; a ratio is that of the shortest times,
which whatever else the machine does can hardly change. A budget is what was measured
when it was set, and about a tenth. A change that exceeds one makes every batch slower:
make it cheaper, or raise the budget in a commit that says why.
"""

import argparse
import asyncio
import sys
import time

from collections.abc import Callable
from pathlib import Path
from typing import Any


if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.inside import cases
from benchmarks.instant import Instant, collect, stream
from benchmarks.records import inputs as make_inputs
from benchmarks.tables import table


UNIT = "orjson.loads of the answers"
BUDGETS = {
    "plan and encode dicts": 1.3,
    "plan and encode UpdateInput": 1.25,
    "plan and encode, one value an int": 2.8,
    "decode to typed records": 1.75,
    "the same, matched with the inputs": 3.0,
    "a whole batch, collected": 7.2,
    "a whole batch, streamed": 6.4,
}
RECORDS = 2_000  # as many as `inside` has


def measured() -> dict[str, Callable[[], object]]:
    """Return what is measured, by name."""
    inputs: list[Any] = [*make_inputs("update", RECORDS)]
    instant = Instant(inputs)
    return {
        **cases(),
        "a whole batch, collected": lambda: asyncio.run(collect(inputs, instant)),
        "a whole batch, streamed": lambda: asyncio.run(stream(inputs, instant)),
    }


def measure(rounds: int) -> dict[str, float]:
    """Return the least seconds of CPU of each."""
    best: dict[str, float] = {}
    every = measured()
    for _ in range(rounds):
        for name, run in every.items():
            started = time.process_time()
            run()
            spent = time.process_time() - started
            best[name] = min(spent, best.get(name, spent))
    return best


def main() -> None:
    """Measure, print, and exit with 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    best = measure(parser.parse_args().rounds)
    ratios = {name: best[name] / best[UNIT] for name in BUDGETS}
    rows = [
        (name, f"{ratio:.2f}", f"{BUDGETS[name]:.2f}") for name, ratio in ratios.items()
    ]
    print(table(("CPU, x orjson.loads of the answers", "measured", "budget"), rows))
    exceeded = [name for name, ratio in ratios.items() if ratio > BUDGETS[name]]
    if exceeded:
        sys.exit(f"over budget: {', '.join(exceeded)}")


if __name__ == "__main__":
    main()

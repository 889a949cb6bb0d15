"""Processes that run what is measured, each with one Python and one hubbatch.

A worker reads calls as JSON lines, runs the named function of `benchmarks` and writes
its result. It may run another interpreter, and it may import hubbatch from another
checkout; the functions that it runs are always those of this checkout.
"""

import importlib
import json
import os
import random
import statistics
import subprocess
import sys

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self


ROOT = Path(__file__).parents[1]


class WorkerFailed(Exception):
    """A worker ended instead of returning a result."""


class Worker:
    """A process that runs functions of `benchmarks`, one at a time.

    `hubbatch` is the checkout to import hubbatch from. By default it is the first on
    PYTHONPATH, or else this one.
    """

    def __init__(
        self, *, python: str = sys.executable, hubbatch: str | None = None
    ) -> None:
        command = [python, "-m", "benchmarks.workers"]
        if hubbatch is not None:
            command.append(hubbatch)
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(  # noqa: S603 -- our own
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def call(self, function: str, **arguments: Any) -> Any:
        """Call "MODULE.FUNCTION" with JSON arguments, and return its JSON result.

        Raises:
            WorkerFailed: If the worker ended; its traceback is on stderr.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps([function, arguments]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerFailed(function)
        return json.loads(line)


def call(function: str, **arguments: Any) -> Any:
    """Call a function in a new process, which ends with it."""
    with Worker() as worker:
        return worker.call(function, **arguments)


# ---- rounds


def turns(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Yield each name once a round, in random order."""
    order, rng = [*names], random.Random(1)
    for _ in range(rounds):
        rng.shuffle(order)
        yield from order


class Ratio(tuple[float, float, float]):
    """The median of the ratios of two ways, one for each round, and the quartiles."""

    __slots__ = ()

    @classmethod
    def of(cls, costs: Sequence[float], others: Sequence[float]) -> Self:
        """Compare two ways, round by round."""
        ratios = [cost / other for cost, other in zip(costs, others, strict=True)]
        if len(ratios) < 2:
            return cls([ratios[0]] * 3)
        low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return cls((low, median, high))

    def __str__(self) -> str:
        return f"{self[1]:.2f} ({self[0]:.2f}-{self[2]:.2f})"


# ---- the process


def main() -> None:
    """Answer calls until the input ends."""
    # The working directory is the first of sys.path, before PYTHONPATH.
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [*sys.argv[1:], *filter(None, own)]
    # What a function prints goes to stderr: stdout belongs to the results.
    results, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, arguments = json.loads(line)
        module, _, function = name.partition(".")
        found = importlib.import_module(f"benchmarks.{module}")
        result = getattr(found, function)(**arguments)
        results.write(json.dumps(result) + "\n")
        results.flush()


if __name__ == "__main__":
    main()

"""Peak memory of results that are kept and of streams that drop them.

    python -m benchmarks memory [--quick]

Each figure is that of a new process against the server of the whole client: its
high-water mark, less the mark after the imports, a first small batch and, for lists,
the inputs. Streams get their inputs from a generator. The median of several processes,
with the range in brackets.
"""

import asyncio
import statistics

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import records
from .clients import FAIR, FLOOR, OURS, STREAM
from .peaks import peak
from .server import serving
from .tables import Section, table
from .ways import client
from .workers import call


# ---- streams with repeated keys, in a worker


def _repeated(count: int) -> Iterator[Any]:
    """Repeat the key of an earlier input in three of ten."""
    known = [*records.inputs("update", 10)]
    for n, each in enumerate(records.inputs("update", count)):
        first = n - n % 10
        repeats = n % 10 in {3, 6, 9}
        yield {**known[0], "id": str(10_000_000_000 + first)} if repeats else each


def _hot(count: int) -> Iterator[Any]:
    """Repeat one key in every second input."""
    [hot] = records.inputs("update", 1)
    for n, each in enumerate(records.inputs("update", count)):
        yield hot if n % 2 else each


REPEATED: Mapping[str, Callable[[int], Iterator[Any]]] = {
    "30 % repeated keys": _repeated,
    "one key in half of the inputs": _hot,
}


def measure_repeated(case: str, url: str, count: int) -> float:
    """Return the peak memory of a stream, in MB."""

    async def stream(inputs: Iterator[Any]) -> int:
        done = 0
        async with client(url) as hub, hub.tickets.update(inputs) as outcomes:
            async for _ in outcomes:
                done += 1
        return done

    asyncio.run(stream(records.inputs("update", 200)))
    before = peak()
    assert asyncio.run(stream(REPEATED[case](count))) == count
    return peak() - before


# ---- the section


MORE = "distinct keys, a hundred times as many: more"


def _cell(peaks: Sequence[float]) -> str:
    return f"{statistics.median(peaks):.0f} ({min(peaks):.0f}-{max(peaks):.0f})"


def kept(url: str, count: int, times: int) -> str:
    """Compare ways that keep all results."""
    rows = []
    for verb in ("update", "read"):
        peaks: dict[str, list[float]] = {way: [] for way in (FLOOR, FAIR, OURS)}
        for _ in range(times):
            for way, found in peaks.items():
                found.append(
                    call(
                        "ways.measure_peak",
                        way=way,
                        verb=verb,
                        url=url,
                        count=count,
                        lazy=False,
                    )
                )
        base = statistics.median(peaks[FLOOR])
        rows += [
            (f"{verb}, {way}", _cell(found), f"{statistics.median(found) / base:.2f}")
            for way, found in peaks.items()
        ]
    return table((f"{count:,} results kept", "peak MB", "x dicts"), rows)


def streams(url: str, scale: int, times: int) -> str:
    """Measure streams of different lengths."""
    rows, medians = [], []
    for count in (10_000 // scale, 1_000_000 // scale):
        peaks = [
            call(
                "ways.measure_peak",
                way=STREAM,
                verb="update",
                url=url,
                count=count,
                lazy=True,
            )
            for _ in range(times)
        ]
        rows.append((f"distinct keys, {count:,}", _cell(peaks)))
        medians.append(statistics.median(peaks))
    rows.append((MORE, f"{max(0.0, medians[1] - medians[0]):.1f}"))
    # An input with a hot key takes a request of its own, so there are fewer of them.
    for case, counts in zip(
        REPEATED, ((10_000, 1_000_000), (10_000, 50_000)), strict=True
    ):
        for count in counts:
            few = count // scale
            found = call("memory.measure_repeated", case=case, url=url, count=few)
            rows.append((f"{case}, {few:,}", f"{found:.0f}"))
    return table(("streams of updates", "peak MB"), rows)


def run(*, quick: bool) -> Section:
    """Measure all of it."""
    times, scale = (1, 10) if quick else (3, 1)
    with serving() as url:
        parts = (kept(url, 100_000, times), streams(url, scale, times))
    return Section("Memory", __doc__ or "", "\n\n".join(parts))

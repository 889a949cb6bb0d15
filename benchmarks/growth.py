"""How the cost changes: more properties, records, batches, accounts; odd records.

    python -m benchmarks growth [--quick]

CPU of the client's process per record, against the server of the whole client. Ways
that are compared take turns in rounds, as there; batches and accounts have a new
process for each figure. An odd record is one in each answer with a number where HubSpot
returns strings: it takes the tolerant path. Streams get their inputs from a generator,
which counts.
"""

import asyncio
import statistics
import time

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from typing import Any

from . import records
from .clients import DROPPING, FAIR, FLOOR, OURS, STREAM
from .peaks import peak
from .server import serving
from .tables import Section, table
from .ways import CONCURRENCY, client
from .workers import Ratio, Worker, call, turns


# The way that gets answers without an odd record.
_USUAL = "hubbatch, usual records"
SHARED = 100_000  # records of all batches or accounts of a case


# ---- batches and accounts at once, in a worker


async def batches(url: str, count: int) -> int:
    """Run batches at once on one client."""
    each = SHARED // count
    async with client(url) as hub:
        responses = await asyncio.gather(
            *(
                hub.tickets.update(records.inputs("update", each, first=n * each))
                for n in range(count)
            )
        )
    assert all(response.succeeded == each for response in responses)
    return each * count


async def accounts(url: str, count: int) -> int:
    """Run a batch for each of several accounts at once."""
    from hubbatch import Accounts, RateLimit  # noqa: PLC0415 -- of any checkout

    each = SHARED // count

    async def load(account: str) -> str:
        return f"token-{account}"

    async with Accounts(
        load,
        base_url=url,
        max_concurrency=CONCURRENCY,
        rate_limit=RateLimit(1_000_000_000, burst=1_000_000_000),
    ) as opened:

        async def work(n: int) -> int:
            hub = await opened.get(str(n))
            inputs = records.inputs("update", each, first=n * each)
            response = await hub.tickets.update(inputs)
            succeeded: int = response.succeeded
            return succeeded

        done = await asyncio.gather(*map(work, range(count)))
    assert done == [each] * count
    return each * count


AT_ONCE: Mapping[str, Callable[[str, int], Coroutine[Any, Any, int]]] = {
    "batches": batches,
    "accounts": accounts,
}


def measure_at_once(case: str, url: str, count: int) -> tuple[float, float]:
    """Return microseconds of CPU per record, and the peak memory in MB."""

    async def first() -> None:
        async with client(url) as hub:
            await hub.tickets.update(records.inputs("update", 200))

    asyncio.run(first())
    before, started = peak(), time.process_time()
    done = asyncio.run(AT_ONCE[case](url, count))
    return (time.process_time() - started) / done * 1e6, peak() - before


# ---- ways


Costs = dict[str, list[float]]
Workers = Mapping[str, Worker]


def in_rounds(
    workers: Workers, url: str, ways: Sequence[str], *, rounds: int, **arguments: Any
) -> Costs:
    """Measure ways in turns."""
    costs: Costs = {way: [] for way in ways}
    for way in turns(ways, rounds):
        cost = workers[way].call("ways.measure", way=way, url=url, **arguments)
        costs[way].append(cost)
    return costs


def row(name: str, costs: Costs, *others: str) -> Sequence[str]:
    """Write hubbatch's cost, or that of its stream, relative to other ways."""
    ours = STREAM if STREAM in costs else OURS
    ratios = [str(Ratio.of(costs[ours], costs[other])) for other in others]
    return (name, f"{statistics.median(costs[ours]):.2f}", *ratios)


def properties(workers: Workers, url: str, rounds: int, scale: int) -> str:
    """Measure wider records."""
    rows = []
    sizes = ((12, 100_000), (50, 50_000), (200, 20_000))
    for verb, (width, count) in product(("update", "read"), sizes):
        costs = in_rounds(
            workers,
            url,
            (FLOOR, FAIR, OURS),
            rounds=rounds,
            verb=verb,
            count=count // scale,
            width=width,
        )
        name = f"{verb}, {width} properties, {count // scale:,} records"
        rows.append(row(name, costs, FLOOR, FAIR))
    return table(("properties", "µs a record", "x floor", "x fair script"), rows)


def lists(workers: Workers, url: str, rounds: int, scale: int) -> str:
    """Measure longer lists."""
    rows = []
    for verb, count in product(("update", "read"), (1_000, 10_000, 100_000)):
        costs = in_rounds(
            workers,
            url,
            (FLOOR, FAIR, OURS),
            rounds=rounds,
            verb=verb,
            count=count // scale,
            width=records.WIDTH,
        )
        name = f"{verb}, {count // scale:,} records"
        rows.append(row(name, costs, FLOOR, FAIR))
    return table(("lists", "µs a record", "x floor", "x fair script"), rows)


def streams(workers: Workers, url: str, rounds: int, scale: int) -> str:
    """Measure longer streams."""
    rows = []
    for verb, count in product(("update", "read"), (10_000, 100_000, 1_000_000)):
        costs = in_rounds(
            workers,
            url,
            (DROPPING, STREAM),
            rounds=1 if count > 100_000 else rounds,
            verb=verb,
            count=count // scale,
            width=records.WIDTH,
            lazy=True,
        )
        rows.append(row(f"{verb}, {count // scale:,} records", costs, DROPPING))
    return table(("streams", "µs a record", "x floor that drops"), rows)


def odd_records(workers: Workers, usual: str, odd: str, rounds: int, scale: int) -> str:
    """Measure answers with an odd record in each."""
    rows = []
    for verb in ("update", "read"):
        costs: Costs = {FLOOR: [], OURS: [], _USUAL: []}
        for name in turns([*costs], rounds):
            way = OURS if name == _USUAL else name
            cost = workers[way].call(
                "ways.measure",
                way=way,
                verb=verb,
                url=usual if name == _USUAL else odd,
                count=100_000 // scale,
                width=records.WIDTH,
            )
            costs[name].append(cost)
        rows.append(row(f"{verb}, one odd record per chunk", costs, FLOOR, _USUAL))
    return table(("odd records", "µs a record", "x floor", "x no odd record"), rows)


def at_once(url: str, *, quick: bool) -> str:
    """Measure batches and accounts that run at once."""
    rows = []
    sizes = {"batches": (1, 10, 100, 1_000), "accounts": (1, 10, 100, 300)}
    for case, counts in sizes.items():
        for count in counts[::3] if quick else counts:
            found = [
                call("growth.measure_at_once", case=case, url=url, count=count)
                for _ in range(1 if quick else 3)
            ]
            costs, peaks = zip(*found, strict=True)
            rows.append(
                (
                    f"{count:,} {case}",
                    f"{statistics.median(costs):.2f}",
                    f"{min(costs):.2f}-{max(costs):.2f}",
                    f"{statistics.median(peaks):.0f}",
                )
            )
    head = ("at once, 100,000 records", "µs a record", "range", "peak MB")
    return table(head, rows)


def run(*, quick: bool) -> Section:
    """Measure all of it."""
    rounds, scale = (3, 10) if quick else (7, 1)
    with ExitStack() as stack:
        url = stack.enter_context(serving())
        odd = stack.enter_context(serving(odd=True))
        workers = {
            way: stack.enter_context(Worker())
            for way in (FLOOR, FAIR, OURS, DROPPING, STREAM)
        }
        parts = (
            properties(workers, url, rounds, scale),
            lists(workers, url, rounds, scale),
            streams(workers, url, rounds, scale),
            odd_records(workers, url, odd, rounds, scale),
            at_once(url, quick=quick),
        )
    return Section("Growth", __doc__ or "", "\n\n".join(parts))

"""What more costs: inputs streamed, batches at a time, accounts.

    python -m benchmarks growth

CPU of the client's process per record, and its peak memory over what it was after the
first 200 (in MB), each case in a process of its own. The server is the quick one, and
inputs are made on the way, of properties that are there before; a stream drops them,
batches keep them with their results. Each of the accounts has a
client of its own from `Accounts`, on one connector. `python benchmarks/memory.py
--full` streams ten million inputs.
"""

import asyncio
import multiprocessing
import time

from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any

from hubbatch import Accounts, HubBatch, RateLimit

from .peaks import peak
from .records import properties
from .server import serving
from .tables import Section, table


FREE = RateLimit(1_000_000_000, burst=1_000_000_000)
_PROPERTIES = [properties(n) for n in range(1_000)]
# Shared by all the batches of a case.
RECORDS = 100_000


def _inputs(first: int, count: int) -> Any:
    return (
        {"id": str(10_000_000_000 + n), "properties": _PROPERTIES[n % 1_000]}
        for n in range(first, first + count)
    )


async def stream(url: str, count: int) -> int:
    """Stream so many inputs through one batch."""
    done = 0
    async with (
        HubBatch("token", base_url=url, rate_limit=FREE) as hub,
        hub.tickets.update(_inputs(0, count)) as outcomes,
    ):
        async for outcome in outcomes:
            done += outcome.result is not None
    assert done == count
    return count


async def batches(url: str, count: int) -> int:
    """Run so many batches on one client at a time."""
    each = RECORDS // count
    async with HubBatch("token", base_url=url, rate_limit=FREE) as hub:
        responses = await asyncio.gather(
            *(hub.tickets.update(_inputs(n * each, each)) for n in range(count))
        )
    assert all(response.succeeded == each for response in responses)
    return each * count


async def accounts(url: str, count: int) -> int:
    """Run a batch for each of so many accounts at a time."""
    each = RECORDS // count

    async def load(account: str) -> str:
        return f"token-{account}"

    async with Accounts(load, base_url=url, rate_limit=FREE) as opened:

        async def work(n: int) -> int:
            hub = await opened.get(str(n))
            response = await hub.tickets.update(_inputs(n * each, each))
            return response.succeeded

        done = await asyncio.gather(*map(work, range(count)))
    assert done == [each] * count
    return each * count


Case = Callable[[str, int], Coroutine[Any, Any, int]]
CASES: list[tuple[str, Case, tuple[int, ...]]] = [
    ("inputs in a stream", stream, (1_000, 10_000, 100_000, 1_000_000, 10_000_000)),
    ("batches at a time, of 100,000 records", batches, (1, 10, 100, 1_000)),
    ("accounts at a time, of 100,000 records", accounts, (1, 10, 100, 300)),
]


def _measure(name: str, count: int, url: str, answer: Connection) -> None:
    case = next(case for told, case, _ in CASES if told == name)
    asyncio.run(stream(url, 200))  # what the first batch needs is no growth
    before, started = peak(), time.process_time()
    done: int = asyncio.run(case(url, count))
    spent = (time.process_time() - started) / done * 1e6
    answer.send((spent, peak() - before))


def run(*, quick: bool) -> Section:
    """Measure all sizes."""
    context = multiprocessing.get_context("spawn")
    rows = []
    with serving() as url:
        for name, _case, counts in CASES:
            sizes = counts[:-1] if quick else counts
            for count in sizes:
                ours, theirs = context.Pipe()
                args = (name, count, url, theirs)
                process = context.Process(target=_measure, args=args)
                process.start()
                theirs.close()  # or nobody would hear that it has ended
                spent, megabytes = ours.recv()
                process.join()
                rows.append((name, f"{count:,}", f"{spent:.1f}", f"{megabytes:.0f}"))
    head = ("what grows", "to", "µs a record", "peak MB")
    return Section("Growth", __doc__, table(head, rows))

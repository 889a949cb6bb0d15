"""How long single calls wait at a professional account's limit, and what they cost.

    python -m benchmarks.single [--seconds 20] [--svg docs/single.svg]

The simulator runs in a process of its own, accepts 190 requests per 10 s as HubSpot
does, and answers each after `SERVICE` seconds. Callers arrive evenly, whether or not
earlier calls have returned, and each updates one ticket. The added wait is the duration
of a call beyond `SERVICE`; a call without an answer `GRACE` seconds after the last
arrival counts as never answered. At most `MOST` callers wait.

All ways use the same client and limiter; they differ in how calls share requests:
`hub.single`; one request per call; and batchers that send all calls of a fixed time
after the first.
"""

import argparse
import asyncio
import math
import multiprocessing
import sys
import time

from collections import Counter
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs

from hubbatch import HubBatch, RateLimit
from hubbatch.simulator import Simulator
from hubbatch.simulator.server.received import Received


RATES = (50, 500, 1_800)
RECORDS = 10_000
SERVICE = 0.12
GRACE = 5.0
MOST = 10_000

Update = Callable[[str, dict[str, object]], Awaitable[object]]


# ---- the ways


def riding(hub: HubBatch) -> Update:
    hub.single.max_pending = MOST
    return hub.single.tickets.update


def one_by_one(hub: HubBatch) -> Update:
    async def update(ticket: str, properties: dict[str, object]) -> None:
        response = await hub.tickets.update([{"id": ticket, "properties": properties}])
        response.raise_for_failures()

    return update


class FixedWindow:
    """Collects calls for a fixed time after the first, then sends all of them."""

    def __init__(self, hub: HubBatch, seconds: float) -> None:
        self.hub = hub
        self.seconds = seconds
        self.calls: list[tuple[dict[str, object], asyncio.Future[None]]] = []
        self.sending: set[asyncio.Task[None]] = set()

    async def update(self, ticket: str, properties: dict[str, object]) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not self.calls:
            loop.call_later(self.seconds, self.flush)
        self.calls.append(({"id": ticket, "properties": properties}, future))
        await future

    def flush(self) -> None:
        calls, self.calls = self.calls, []
        task = asyncio.create_task(self.send(calls))
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    async def send(self, calls: list[Any]) -> None:
        response = await self.hub.tickets.update([given for given, _ in calls])
        response.raise_for_failures()
        for _, future in calls:
            if not future.done():
                future.set_result(None)


WAYS: dict[str, Callable[[HubBatch], Update]] = {
    "hub.single": riding,
    "one request per call": one_by_one,
    "batches of 20 ms": lambda hub: FixedWindow(hub, 0.02).update,
    "batches of 100 ms": lambda hub: FixedWindow(hub, 0.1).update,
}


# ---- the server


def serve(pipe: Connection) -> None:
    statuses: Counter[int | None] = Counter()

    def count(received: Received) -> None:
        statuses[received.status] += 1

    simulator = Simulator(
        tier="professional", latency=SERVICE, keep_requests=False, on_request=count
    )
    with simulator as sim:
        create = sim.store.create
        ids = [create("tickets", {"subject": "old"}).id for _ in range(RECORDS)]
        pipe.send((sim.url, sim.token, ids))
        pipe.recv()
        pipe.send((sum(statuses.values()), statuses[429]))


# ---- the callers


@attrs.define
class Cell:
    """One way at one rate, measured."""

    way: str
    rate: int
    calls: int = 0
    waits: list[float] = attrs.Factory(list)
    requests: int = 0
    throttled: int = 0
    cpu: float = 0.0

    @property
    def answered(self) -> float:
        return len(self.waits) / self.calls

    @property
    def calls_per_request(self) -> float:
        return len(self.waits) / self.requests

    def wait(self, share: float) -> float:
        """Return a percentile over all calls; those never answered are infinite."""
        place = math.ceil(share * self.calls) - 1
        return sorted(self.waits)[place] if place < len(self.waits) else math.inf

    def row(self) -> str:
        return (
            f"| {self.rate:,} | {self.way} | {self.throttled} | {show(self.wait(0.5))} "
            f"| {show(self.wait(0.99))} | {self.answered:.0%} "
            f"| {self.calls_per_request:.1f} | {self.cpu / self.calls * 1e6:,.0f} µs |"
        )


def show(seconds: float) -> str:
    if seconds == math.inf:
        return "not answered"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


async def drive(
    cell: Cell, url: str, token: str, ids: list[str], seconds: float
) -> None:
    waiting: set[asyncio.Task[None]] = set()

    async def call(update: Update, number: int) -> None:
        began = time.perf_counter()
        await update(ids[number % RECORDS], {"subject": f"s{number}"})
        cell.waits.append(max(0.0, time.perf_counter() - began - SERVICE))

    async with HubBatch(
        token, base_url=url, rate_limit=RateLimit.professional()
    ) as hub:
        await hub.account()
        update = WAYS[cell.way](hub)
        spent, began = time.process_time(), time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            for number in range(cell.calls, int(passed * cell.rate)):
                cell.calls += 1
                if len(waiting) < MOST:
                    task = asyncio.create_task(call(update, number))
                    waiting.add(task)
                    task.add_done_callback(waiting.discard)
            await asyncio.sleep(0.001)
        if waiting:
            await asyncio.wait({*waiting}, timeout=GRACE)
        cell.cpu = time.process_time() - spent
        for task in {*asyncio.all_tasks()} - {asyncio.current_task()}:
            task.cancel()  # a request in flight would delay the close


def measure(way: str, rate: int, seconds: float) -> Cell:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    cell = Cell(way, rate)
    url, token, ids = ours.recv()
    asyncio.run(drive(cell, url, token, ids, seconds))
    ours.send("stop")
    cell.requests, cell.throttled = ours.recv()
    process.join()
    return cell


# ---- the picture

COLOURS = dict(zip(WAYS, ("#0f766e", "#b45309", "#6b7280", "#9ca3af"), strict=True))
BOLD = 'font-weight="600"'
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
font-family="system-ui, sans-serif" font-size="13" fill="#1f2937">
<rect width="{width}" height="{height}" fill="#ffffff"/>"""
TITLE = "Added wait of a single call at 190 requests per 10 s"
LEGEND = (
    "from the median (dot) to the 99th percentile, logarithmic; "
    "an arrow: more than 1 % were never answered"
)
WIDTH, LEFT, RIGHT, ROW, HEAD = 790, 170, 140, 26, 46
LOW, HIGH = 0.001, 30.0
TICKS = {0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1.0: "1 s", 10.0: "10 s"}


def across(seconds: float) -> float:
    share = math.log(min(max(seconds, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def picture(cells: list[Cell], seconds: float) -> str:
    panel = HEAD + ROW * len(WAYS)
    height = 62 + panel * len(RATES) + 34
    lines = [
        SVG.format(width=WIDTH, height=height),
        text(20, 28, TITLE, 'font-size="16" font-weight="600"'),
        text(20, 48, LEGEND, 'fill="#6b7280"'),
    ]
    for number, rate in enumerate(RATES):
        top = 62 + number * panel
        title = f"{rate:,} calls a second for {seconds:g} s"
        lines.append(text(20, top + 28, title, BOLD))
        for tick in TICKS:
            x = across(tick)
            lines.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + HEAD - 8}" '
                f'y2="{top + panel - 6}" stroke="#e5e7eb"/>'
            )
        for place, cell in enumerate(one for one in cells if one.rate == rate):
            lines += bar(cell, top + HEAD + ROW * place + 6)
    axis = 'text-anchor="middle" fill="#6b7280" font-size="12"'
    for tick, label in TICKS.items():
        lines.append(text(across(tick), height - 16, label, axis))
    return "\n".join([*lines, "</svg>", ""])


def text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{words}</text>'


def bar(cell: Cell, y: float) -> list[str]:
    colour = COLOURS[cell.way]
    middle, far = cell.wait(0.5), cell.wait(0.99)
    begin, end = across(middle), across(far)
    bold = BOLD if cell.way == "hub.single" else ""
    stroke = f'stroke="{colour}" stroke-width="6" stroke-linecap="round"'
    lines = [
        text(LEFT - 12, y + 4, cell.way, f'text-anchor="end" {bold}'),
        f'<path d="M{begin:.1f} {y} H{end:.1f}" {stroke} stroke-opacity="0.45"/>',
        text(
            WIDTH - RIGHT + 14, y + 4, seconds_of(middle, far), f'font-size="12" {bold}'
        ),
    ]
    if middle < math.inf:
        lines.append(f'<circle cx="{begin:.1f}" cy="{y}" r="5" fill="{colour}"/>')
    if far == math.inf:
        head = f"M{end - 4:.1f} {y - 6} L{end + 6:.1f} {y} L{end - 4:.1f} {y + 6}"
        style = f'fill="none" stroke="{colour}" stroke-width="2"'
        lines.append(f'<path d="{head}" {style}/>')
    return lines


def seconds_of(middle: float, far: float) -> str:
    if middle == math.inf:
        return "not answered"
    return f"{show(middle)} / {'never' if far == math.inf else show(far)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    print("| calls/s | way | 429 | p50 | p99 | answered | calls/request | client CPU |")
    print("|---|---|---|---|---|---|---|---|")
    cells = []
    for rate in RATES:
        for way in WAYS:
            cell = measure(way, rate, options.seconds)
            cells.append(cell)
            print(cell.row(), flush=True)
    if options.svg:
        options.svg.write_text(picture(cells, options.seconds), encoding="utf-8")
    if any(cell.throttled for cell in cells if cell.way == "hub.single"):
        sys.exit("the limit was broken")


if __name__ == "__main__":
    main()

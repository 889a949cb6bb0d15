"""How long a billion records take, and which resource runs out first.

    python benchmarks/scale.py            prints the tables of docs/scale.md
    python benchmarks/scale.py --write    writes them there

It computes with the constants below, and simulates some cases, in a few seconds.
`scale_costs.py` measures the two constants that depend on the machine.
"""

import argparse
import heapq

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen


RECORDS = 1_000_000_000
CHUNK = 100  # records of a request
LIMIT = 190  # requests of an app in a portal, in any WINDOW seconds
WINDOW = 10.25  # HubSpot's ten, plus a margin for processes that share a clock
BURST = 50
DAYS = {"professional": 625_000, "enterprise": 1_000_000}  # requests of a day
COMMANDS = 14  # in Redis per request, inside the script
CPU = 23e-6  # seconds of a worker's core per record
REDIS = 18e-6  # seconds of Redis's core per request

PORTALS = (1, 10, 100, 1_000)
WORKERS = (1, 10, 100)
# The cases to simulate.
TRIED = ((1, 1), (1, 100), (10, 10), (100, 1), (1_000, 10), (1_000, 100))
DAY = 86_400
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"


@frozen
class Rates:
    """The capacity of each part, in records per second."""

    portals: int
    workers: int

    @property
    def limit(self) -> float:
        return self.portals * LIMIT / WINDOW * CHUNK

    @property
    def cores(self) -> float:
        """Each worker has a core."""
        return self.workers / CPU

    @property
    def redis(self) -> float:
        return CHUNK / REDIS

    @property
    def lowest(self) -> tuple[float, str]:
        return min(
            (self.limit, "limit"), (self.cores, "workers"), (self.redis, "Redis")
        )


def days(portals: int, calls_a_day: int) -> float:
    """Return the seconds under a portal's daily limit, which resets at midnight."""
    calls = RECORDS / CHUNK / portals
    full = int((calls - 1) // calls_a_day)
    return full * DAY + (calls - full * calls_a_day) * WINDOW / LIMIT


# ---- the simulation


@frozen
class Log:
    """The window of a portal as Redis keeps it: instants that were granted."""

    granted: deque[float]

    def grant(self, now: float) -> float:
        """Reserve the next instant at which a request may leave."""
        granted = self.granted
        at = max(now, granted[-1] if granted else 0.0)
        while granted and granted[0] + WINDOW <= at:
            granted.popleft()
        if len(granted) >= LIMIT:
            at = max(at, granted[0] + WINDOW)
        elif len(granted) >= BURST:
            spread = (granted[0] + WINDOW - granted[-1]) / (LIMIT - len(granted) + 1)
            at = max(at, granted[-1] + spread)
        granted.append(at)
        return at


def simulate(portals: int, workers: int, windows: int = 2) -> float:
    """Return the records per second after the initial burst.

    Every worker has rows of every portal. It asks Redis, which answers one question
    after another, for the next instant of a portal; waits for that; does the work of a
    request on its core, on which it has one after another, too; and asks again.
    """
    logs = [Log(deque()) for _ in range(portals)]
    cores = [0.0] * workers
    redis, sent = 0.0, 0
    begin, end = 2 * WINDOW, (2 + windows) * WINDOW
    # When, whether it leaves or asks, and who.
    events = [(0.0, False, pair) for pair in range(portals * workers)]
    while events[0][0] < end:
        now, leaves, pair = events[0]
        portal, worker = divmod(pair, workers)
        if leaves:
            cores[worker] = then = max(cores[worker], now) + CHUNK * CPU
            sent += begin <= then < end
        else:
            redis = max(redis, now) + REDIS
            then = logs[portal].grant(redis)
        heapq.heapreplace(events, (then, not leaves, pair))
    return sent * CHUNK / (end - begin)


# ---- the page


def duration(seconds: float) -> str:
    """Format a duration in words."""
    for unit, length in (("days", DAY), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"


def part(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def of_portals() -> Iterator[str]:
    yield (
        "| portals | records a second | 1 billion records | with a day of 625,000 "
        "| with a day of 1,000,000 | cores | Redis: commands a second | its core |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for portals in PORTALS:
        rate = Rates(portals, 1).limit
        requests = rate / CHUNK
        limited = [duration(days(portals, calls)) for calls in DAYS.values()]
        yield (
            f"| {portals:,} | {rate:,.0f} | {duration(RECORDS / rate)} "
            f"| {' | '.join(limited)} | {rate * CPU:.2f} | {requests * COMMANDS:,.0f} "
            f"| {part(requests * REDIS)} |"
        )


def of_workers() -> Iterator[str]:
    head = " | ".join(f"{count} worker{'s' * (count > 1)}" for count in WORKERS)
    yield f"| portals | {head} |"
    yield "|---|" + "---|" * len(WORKERS)
    for portals in PORTALS:
        cells = [Rates(portals, workers).lowest for workers in WORKERS]
        cells_shown = [f"{duration(RECORDS / rate)}, {what}" for rate, what in cells]
        yield f"| {portals:,} | {' | '.join(cells_shown)} |"


def of_ends() -> Iterator[str]:
    """Yield a table of the point at which each resource runs out."""
    portal = Rates(1, 1)
    day = DAYS["professional"] * WINDOW / LIMIT
    yield "| what is used up | when |"
    yield "|---|---|"
    yield f"| a portal's day of 625,000 requests | after {duration(day)} at its limit |"
    yield f"| a worker's core | by {portal.cores / portal.limit:,.0f} portals |"
    yield f"| Redis's core | by {portal.redis / portal.limit:,.0f} portals |"


def of_simulation() -> Iterator[str]:
    yield "| portals | workers | arithmetic | simulated | |"
    yield "|---|---|---|---|---|"
    for portals, workers in TRIED:
        rate, _ = Rates(portals, workers).lowest
        found = simulate(portals, workers)
        yield (
            f"| {portals:,} | {workers} | {rate:,.0f} | {found:,.0f} "
            f"| {found / rate:.1%} |"
        )


TABLES = {
    "portals": of_portals,
    "workers": of_workers,
    "ends": of_ends,
    "simulation": of_simulation,
}


def filled(page: str) -> str:
    """Insert the tables after the comments with their names."""
    for name, lines in TABLES.items():
        head, mark, rest = page.partition(f"<!-- {name} -->\n\n")
        table = "\n".join(lines()) + "\n"
        if not mark:
            raise SystemExit(f"{PAGE} has no place for the table {name!r}")
        page = head + mark + table + rest[rest.index("\n\n") + 1 :]
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/scale.md")
    if parser.parse_args().write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    for lines in TABLES.values():
        print("\n".join(lines()), end="\n\n")


if __name__ == "__main__":
    main()

"""One limit for four processes over sockets, kept in Redis.

    python benchmarks/redis_limit.py [--seconds 62] [--peers]

Four processes send as fast as they may to one server that accepts `LIMIT` requests in
any rolling 10 s and answers 429 to every other; see `limit.py` for how it delays what
it counts, and for the event loops that stand still now and then. Each row has a server
and a Redis (redis-server or valkey-server, on a free port) of its own, and the rows
run side by side:

* hubbatch with `RedisRateLimit`;
* the same, and Redis is killed and started anew half-way, empty;
* the same, and one process's clock is two seconds ahead;
* the same with three processes, and a fourth that sends a single record now and then.

With `--peers` afterwards `limits` and `pyrate-limiter` as their documentation says,
without any stalls, and with one process's clock two seconds ahead. One task at a time
waits in a process, and sleeps until the window says it has room; a hundred tasks that
poll would be worse.

It prints requests, 429s, the fullest 10 s that the server saw, how much of the limit
was used from the tenth second on, the least and the most that a process sent, and
commands in Redis for each request (Redis counts those of a script, too). It fails if a
row of hubbatch has a 429, less than 95 % of the limit, or a process that is 15 % off
the mean.
"""

import argparse
import asyncio
import multiprocessing
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import mean, quantiles
from typing import Any

import aiohttp
import attrs
import orjson
import redis

from limit import (  # type: ignore[import-not-found] # a script beside
    INTERVAL,
    LIMIT,
    in_window,
    records,
    serve,
    stall,
)
from redis.asyncio import Redis

from hubbatch import HubBatch
from hubbatch._outcomes.events import ChunkSent, Event
from hubbatch.integrations.redis import RedisRateLimit


PROCESSES = 4
OUTAGE = 1.0
ACCOUNT = "62515"


@attrs.frozen
class Row:
    """One experiment.

    Attributes:
        client: a name in `CLIENTS`.
        outage: whether Redis is killed half-way.
        skewed: whether a process's clock is ahead.
        interactive: whether a process sends a single record now and then.
    """

    name: str
    client: str
    outage: bool = False
    skewed: bool = False
    interactive: bool = False


OURS = (
    Row("hubbatch", "hubbatch"),
    Row("hubbatch, Redis killed half-way", "hubbatch", outage=True),
    Row("hubbatch, a clock 2 s ahead", "hubbatch", skewed=True),
    Row("hubbatch, 3 processes and an interactive one", "hubbatch", interactive=True),
)
PEERS = (
    Row("limits, moving window", "limits"),
    Row("limits, a clock 2 s ahead", "limits", skewed=True),
    Row("pyrate-limiter", "pyrate"),
    Row("pyrate-limiter, a clock 2 s ahead", "pyrate", skewed=True),
)


# ---- the clients


def shared(url: str) -> RedisRateLimit:
    return RedisRateLimit(url, account=ACCOUNT, max_requests=LIMIT)


async def drive_hubbatch(hubspot: str, url: str, seconds: float) -> int:
    stalling = asyncio.create_task(stall())
    async with HubBatch(
        "token", base_url=hubspot, rate_limit=shared(url), max_concurrency=16
    ) as hub:
        batch = hub.tickets.update(records(seconds))
        async with batch as outcomes:
            async for _ in outcomes:
                pass
    stalling.cancel()
    return batch.summary.requests


async def drive_interactive(hubspot: str, url: str, seconds: float) -> list[float]:
    """Send a record now and then; return the seconds that each waited to be sent."""
    sent: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, ChunkSent):
            sent.append(time.monotonic())

    began: list[float] = []
    rng, until = random.Random(3), time.monotonic() + seconds
    async with HubBatch(
        "token", base_url=hubspot, rate_limit=shared(url), listeners=[listen]
    ) as hub:
        while time.monotonic() < until:
            began.append(time.monotonic())
            await hub.tickets.update([{"id": "1", "properties": {"subject": "x"}}])
            await asyncio.sleep(rng.uniform(0, 1))
    return [left - asked for left, asked in zip(sent, began, strict=True)]


async def drive_plain(
    acquire: Callable[[], Awaitable[object]],
    hubspot: str,
    seconds: float,
    workers: int = 32,
) -> int:
    """Send what hubbatch sends, with as many workers."""
    source, line, sent = records(seconds), asyncio.Lock(), 0
    path = f"{hubspot}/crm/v3/objects/tickets/batch/update"

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal sent
        chunk: list[dict[str, Any]] = []
        for record in source:
            chunk.append(record)
            if len(chunk) == 100:
                async with line:
                    await acquire()
                sent += 1
                body = orjson.dumps({"inputs": chunk})
                async with session.post(path, data=body) as answer:
                    await answer.read()
                chunk.clear()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(workers)))
    return sent


async def drive_limits(hubspot: str, url: str, seconds: float) -> int:
    from limits import RateLimitItemPerSecond  # noqa: PLC0415 -- only with --peers
    from limits.aio.storage import RedisStorage  # noqa: PLC0415 -- likewise
    from limits.aio.strategies import (  # noqa: PLC0415 -- likewise
        MovingWindowRateLimiter,
    )

    storage = RedisStorage(f"async+{url}", implementation="redispy")
    window = MovingWindowRateLimiter(storage)
    item = RateLimitItemPerSecond(LIMIT, int(INTERVAL))

    async def acquire() -> None:
        while not await window.hit(item, ACCOUNT):
            stats = await window.get_window_stats(item, ACCOUNT)
            await asyncio.sleep(max(0.001, stats.reset_time - time.time()))  # noqa: TID251 -- theirs

    return await drive_plain(acquire, hubspot, seconds)


async def drive_pyrate(hubspot: str, url: str, seconds: float) -> int:
    from pyrate_limiter import (  # noqa: PLC0415 -- only with --peers
        Duration,
        Limiter,
        Rate,
        RedisBucket,
    )

    async with Redis.from_url(url) as client:
        rates = [Rate(LIMIT, int(INTERVAL) * Duration.SECOND)]
        limiter = Limiter(await RedisBucket.init(rates, client, ACCOUNT))
        return await drive_plain(
            lambda: limiter.try_acquire_async(ACCOUNT), hubspot, seconds
        )


CLIENTS: Mapping[str, Callable[[str, str, float], Awaitable[Any]]] = {
    "hubbatch": drive_hubbatch,
    "interactive": drive_interactive,
    "limits": drive_limits,
    "pyrate": drive_pyrate,
}


def skew(seconds: float) -> None:
    """Set this process's clock ahead."""
    time_of_day, in_nanoseconds = time.time, time.time_ns  # noqa: TID251 -- to be wrong
    time.time = lambda: time_of_day() + seconds  # noqa: TID251 -- likewise
    time.time_ns = lambda: in_nanoseconds() + int(seconds * 1e9)


def drive(connection: Any, begin: Any, client: str, *where: Any, ahead: float) -> None:
    """Send while the other processes do, then report how much."""
    if ahead:
        skew(ahead)
    begin.wait()
    connection.send(asyncio.run(CLIENTS[client](*where)))  # type: ignore[arg-type] # a coroutine


# ---- a row


class RedisServer:
    """A redis-server that keeps nothing on disk."""

    def __init__(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port: int = taken.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = tempfile.TemporaryDirectory()

    def start(self) -> None:
        server = shutil.which("redis-server") or shutil.which("valkey-server")
        if server is None:
            sys.exit("this needs redis-server (Debian: redis-server)")
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --save"
        command = [server, *options.split(), "", "--dir", self._folder.name]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own
        for _ in range(200):
            try:
                self.client().ping()
            except redis.exceptions.ConnectionError:
                time.sleep(0.02)
            else:
                return
        sys.exit("redis-server did not start")

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.kill()
        time.sleep(OUTAGE)
        self.start()


@attrs.frozen
class Seen:
    """The result of a row."""

    row: Row
    arrived: Sequence[float]
    refused: Sequence[float]
    sent: Sequence[int]
    waits: Sequence[float]
    commands: int
    seconds: float

    @property
    def used(self) -> float:
        begin, end = self.arrived[0] + INTERVAL, self.arrived[0] + self.seconds
        taken = sum(begin <= instant < end for instant in self.arrived)
        taken -= sum(begin <= instant < end for instant in self.refused)
        return float(taken / (LIMIT * (end - begin) / INTERVAL))

    @property
    def unfair(self) -> bool:
        return any(abs(each / mean(self.sent) - 1) > 0.15 for each in self.sent)

    def line(self) -> str:
        fullest = max(in_window(self.arrived, instant) for instant in self.arrived)
        commands = "" if self.row.outage else f"{self.commands / len(self.arrived):.1f}"
        waits = ""
        if self.waits:
            tenths = quantiles(self.waits, n=10)
            waits = f"{tenths[4]:.2f} / {tenths[8]:.2f} s"
        each = f"{min(self.sent)} to {max(self.sent)}"
        return (
            f"| {self.row.name} | {len(self.arrived)} | {len(self.refused)} "
            f"| {fullest} | {self.used:.1%} | {each} | {commands} | {waits} |"
        )

    def broken(self) -> bool:
        return bool(self.refused) or self.used < 0.95 or self.unfair


def run(row: Row, seconds: float) -> Seen:
    """Run one row; it takes a moment longer than its seconds."""
    context = multiprocessing.get_context("spawn")
    server = RedisServer()
    server.start()
    ours, theirs = context.Pipe()
    # Four rows with as many clients leave no time for TLS on a machine of two cores.
    context.Process(target=serve, args=(theirs, None), daemon=True).start()
    theirs.close()  # so that recv() raises when the process has ended
    hubspot = f"http://127.0.0.1:{ours.recv()}"
    begin = context.Barrier(PROCESSES + 1)
    pipes = []
    for number in range(PROCESSES):
        pipe, end = context.Pipe()
        interactive = row.interactive and number == 0
        client = "interactive" if interactive else row.client
        arguments = (end, begin, client, hubspot, server.url, seconds)
        ahead = {"ahead": 2.0 if row.skewed and number == 1 else 0.0}
        context.Process(target=drive, args=arguments, kwargs=ahead, daemon=True).start()
        pipes.append(pipe)
    begin.wait()
    if row.outage:
        time.sleep(seconds / 2)
        server.restart()
    reports = [pipe.recv() for pipe in pipes]
    commands = server.client().info("stats")["total_commands_processed"]
    ours.send("stop")
    arrived, refused, *_ = ours.recv()
    server.kill()
    waits = reports.pop(0) if row.interactive else []
    return Seen(row, arrived, refused, reports, waits, commands, seconds)


def run_all(rows: Sequence[Row], seconds: float) -> list[Seen]:
    """Run rows side by side."""
    seen: dict[Row, Seen] = {}

    def one(row: Row) -> None:
        seen[row] = run(row, seconds)

    threads = [threading.Thread(target=one, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seen) < len(rows):
        sys.exit("a row did not come to its end")
    return [seen[row] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=62.0)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    seen = run_all(OURS, options.seconds)
    broken = [one.row.name for one in seen if one.broken()]
    if options.peers:
        seen += run_all(PEERS, options.seconds)
    print(
        "| limiter | requests | 429 | fullest 10 s | limit used | of each process "
        "| commands | wait p50 / p90 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for one in seen:
        print(one.line())
    if broken:
        sys.exit(f"not good enough: {', '.join(broken)}")


if __name__ == "__main__":
    main()

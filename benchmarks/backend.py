"""The example backend under load: its requests to HubSpot, and how long callers wait.

    python benchmarks/backend.py

Two uvicorn processes share one limit in a redis-server that the script starts. The
simulator has a process of its own and answers after 120 ms. Updates arrive evenly at
each rate, and then 1,000 at once.
"""

import asyncio
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from hubbatch.simulator import Simulator
from hubbatch.simulator.server.received import Received


EXAMPLES = Path(__file__).parents[1] / "examples"
ROUND_TRIP = 0.120
SECONDS = 10.0
RATES = (10, 100, 300)
AT_ONCE = 1_000
RECORDS = 3_000


def serve(pipe: Connection) -> None:
    """Run the simulator until "stop"; report the requests on any other message."""
    statuses: Counter[int | None] = Counter()

    def count(received: Received) -> None:
        statuses[received.status] += 1

    simulator = Simulator(latency=ROUND_TRIP, keep_requests=False, on_request=count)
    with simulator as sim:
        create = sim.store.create
        ids = [create("tickets", {"subject": "old"}).id for _ in range(RECORDS)]
        pipe.send((sim.url, sim.token, ids))
        while pipe.recv() != "stop":
            pipe.send((sum(statuses.values()), statuses[429]))


@contextmanager
def redis(program: str, folder: str) -> Iterator[str]:
    """Run a Redis without persistence, on a socket in a folder."""
    path = f"{folder}/redis.sock"
    command = [program, "--port", "0", "--unixsocket", path, "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own
    try:
        while not Path(path).exists():
            time.sleep(0.05)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def backend(url: str, token: str, redis_url: str) -> Iterator[str]:
    """Run the example with two workers."""
    environment = {
        **os.environ,
        "HUBBATCH_BASE_URL": url,
        "HUBSPOT_ACCOUNTS": json.dumps({"62515": token}),
        "REDIS_URL": redis_url,
    }
    command = [sys.executable, "-m", "uvicorn", "fastapi_app.main:app"]
    command += ["--port", "0", "--workers", "2", "--no-access-log"]
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as said:
            process = subprocess.Popen(  # noqa: S603 -- our own
                command, cwd=EXAMPLES, env=environment, stderr=said
            )
        try:
            while not (found := re.search(r"running on (\S+)", log.read_text())):
                if process.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.05)
            yield found[1]
        finally:
            process.terminate()
            process.wait()


async def drive(url: str, ids: list[str], rate: float) -> list[float]:
    """Send an update to each ticket, evenly; return their durations, sorted."""
    took: list[float] = []

    async def update(number: int, ticket: str) -> None:
        await asyncio.sleep(number / rate)
        began = time.perf_counter()
        target = f"{url}/accounts/62515/tickets/{ticket}"
        async with http.patch(target, json={"subject": f"new {number}"}) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        took.append(time.perf_counter() - began)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(*(update(*pair) for pair in enumerate(ids)))
    return sorted(took)


async def until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                # Most likely answered by both processes.
                answers = [await http.get(f"{url}/ready") for _ in range(20)]
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
                continue
            if {answer.status for answer in answers} == {200}:
                return


def main() -> None:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        print("redis-server is not installed: two processes need it for their limit")
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    hubspot = context.Process(target=serve, args=(theirs,), daemon=True)
    hubspot.start()
    url, token, ids = ours.recv()
    print("| arriving | requests | to HubSpot | 429 | median | 99 % |")
    print("|---|---|---|---|---|---|")
    with (
        TemporaryDirectory() as folder,
        redis(program, folder) as redis_url,
        backend(url, token, redis_url) as served,
    ):
        asyncio.run(until_ready(served))
        for rate in (*RATES, None):
            ours.send("count")
            before, _ = ours.recv()
            count = int(rate * SECONDS) if rate else AT_ONCE
            took = asyncio.run(drive(served, ids[:count], rate or 1e9))
            ours.send("count")
            after, throttled = ours.recv()
            print(
                f"| {f'{rate} a second' if rate else 'at once'} | {count:,} "
                f"| {after - before} | {throttled} | {took[count // 2]:.3f} s "
                f"| {took[count * 99 // 100]:.3f} s |"
            )
            time.sleep(SECONDS)  # the window is empty again
    ours.send("stop")
    hubspot.join()


if __name__ == "__main__":
    main()

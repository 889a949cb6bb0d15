"""How many single GETs and list pages the simulator answers in a second, on one core.

    python -m benchmarks.simulator_reads [--profile]

The server has a process of its own, pinned to one core where the system allows it. The
client writes prepared bytes and does not decode answers. The rate is that of a busy
core: calls divided by the CPU seconds of the server, whatever else the machine does.
"""

import argparse
import asyncio
import cProfile
import multiprocessing
import os
import pstats
import random
import time

from multiprocessing.connection import Connection

from hubbatch.simulator import Simulator


RECORDS = 10_000
GOAL = 3_000  # single GETs a second
CONNECTIONS = 8


def serve(pipe: Connection, *, profiled: bool) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    asyncio.run(_serve(pipe, profiled=profiled))


async def _serve(pipe: Connection, *, profiled: bool) -> None:
    profile = cProfile.Profile()
    async with Simulator(limit=10**9, keep_requests=False) as sim:
        sim.account.day.limit = 10**9
        ids = [
            sim.store.create("contacts", {"email": f"c{n}@x.org", "firstname": "A"}).id
            for n in range(RECORDS)
        ]
        pipe.send((sim.url, sim.token, ids))
        if profiled:
            profile.enable()
        while True:
            await asyncio.sleep(0.05)
            if pipe.poll():
                if pipe.recv() == "end":
                    break
                pipe.send(time.process_time())
    if profiled:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


def request(token: str, target: str) -> bytes:
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
        "User-Agent: benchmark",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def drive(url: str, sent: list[bytes], seconds: float) -> int:
    """Return how many answers came."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    until = time.perf_counter() + seconds
    calls = 0

    async def work(start: int) -> None:
        nonlocal calls
        reader, writer = await asyncio.open_connection(host, int(port))
        n = start
        while time.perf_counter() < until:
            writer.write(sent[n % len(sent)])
            n += CONNECTIONS
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
            calls += 1
        writer.close()

    await asyncio.gather(*(work(n) for n in range(CONNECTIONS)))
    return calls


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--profile", action="store_true", help="profile the server")
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    profiled = {"profiled": options.profile}
    server = context.Process(target=serve, args=(theirs,), kwargs=profiled)
    server.start()
    url, token, ids = ours.recv()
    random.Random(1).shuffle(ids)
    base = "/crm/v3/objects/contacts"
    targets = {
        "single GETs": [f"{base}/{each}" for each in ids],
        "single GETs with properties": [
            f"{base}/{each}?properties=email,firstname,lifecyclestage" for each in ids
        ],
        "pages of 100": [f"{base}?limit=100&after={each}" for each in ids],
    }
    rates = {}
    for name, paths in targets.items():
        sent = [request(token, path) for path in paths]
        ours.send("time")
        before = ours.recv()
        calls = asyncio.run(drive(url, sent, options.seconds))
        ours.send("time")
        rates[name] = calls / (ours.recv() - before)
        print(f"{name}: {calls / options.seconds:,.0f} a second here, ", end="")
        print(f"{rates[name]:,.0f} a CPU second")
    ours.send("end")
    server.join()
    met = rates["single GETs"] >= GOAL
    print(f"goal: {GOAL:,} single GETs a second, {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())

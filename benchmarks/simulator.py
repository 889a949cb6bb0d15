"""How many calls of 100 updates the simulator answers in a minute, on one core.

    python -m benchmarks.simulator

The server has a process of its own, pinned to one core where the system allows it.
Requests are prepared and answers are not decoded, so the client is no bottleneck.
"""

import argparse
import asyncio
import multiprocessing
import os
import time

from multiprocessing.connection import Connection

import aiohttp
import orjson

from hubbatch.simulator import Simulator


RECORDS = 10_000
INPUTS = 100
GOAL = 2_000  # calls a minute
CONCURRENCY = 8
PATH = "/crm/v3/objects/tickets/batch/update"


def serve(pipe: Connection) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with Simulator(limit=10**9, keep_requests=False) as sim:
        sim.account.day.limit = 10**9
        began = time.perf_counter()
        records = [
            sim.store.create("tickets", {"subject": f"s{n}", "hs_pipeline_stage": "1"})
            for n in range(RECORDS)
        ]
        seeded = time.perf_counter() - began
        pipe.send((sim.url, sim.token, [record.id for record in records], seeded))
        pipe.recv()
        pipe.send(time.process_time())


def bodies(ids: list[str]) -> list[bytes]:
    return [
        orjson.dumps(
            {
                "inputs": [
                    {
                        "id": record_id,
                        "objectWriteTraceId": str(n),
                        "properties": {
                            "subject": f"{turn} {n}",
                            "content": "The printer is on fire again.",
                            "hs_ticket_priority": ("LOW", "HIGH")[turn % 2],
                        },
                    }
                    for n, record_id in enumerate(ids[start : start + INPUTS])
                ]
            }
        )
        for turn in range(2)
        for start in range(0, len(ids), INPUTS)
    ]


async def drive(
    url: str, token: str, ids: list[str], seconds: float
) -> tuple[int, float]:
    sent = bodies(ids)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    calls = 0
    began = time.perf_counter()

    async with aiohttp.ClientSession(url, headers=headers) as http:

        async def work() -> None:
            nonlocal calls
            while time.perf_counter() - began < seconds:
                body = sent[calls % len(sent)]
                calls += 1
                async with http.post(PATH, data=body) as answer:
                    await answer.read()
                    if answer.status != 200:
                        raise RuntimeError(await answer.text())

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return calls, time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    url, token, ids, seeded = ours.recv()
    calls, took = asyncio.run(drive(url, token, ids, seconds))
    ours.send(None)
    busy = ours.recv()
    server.join()
    rate = calls / took * 60
    print(f"seeding {RECORDS} tickets: {seeded:.3f} s")
    print(f"{calls} calls of {INPUTS} updates in {took:.1f} s: {rate:,.0f} a minute")
    print(f"CPU of the server: {busy / calls * 1e6 / INPUTS:.1f} us a record")
    print(f"goal: {GOAL:,} a minute, {'met' if rate >= GOAL else 'MISSED'}")
    return 0 if rate >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())

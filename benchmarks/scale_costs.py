"""The CPU of a worker per record and of Redis per request, for `scale.py`.

    python benchmarks/scale_costs.py [--rows 50000]

The code of a Ray actor, without Ray, upserts tickets with three properties, 1,000 rows
at a time, to a simulator in another process: its CPU covers the rows, the requests and
the tables of outcomes. Then a redis-server (or valkey-server) makes as many
reservations for a hundred portals. Both figures are the CPU of one process.
"""

import argparse
import asyncio
import multiprocessing
import os
import time

from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from redis_limit import RedisServer  # type: ignore[import-not-found] # a script beside

from hubbatch._tables.column_mapping import Columns
from hubbatch.integrations._ray.actors import Sender
from hubbatch.integrations._ray.portals import Portals
from hubbatch.integrations._ray.work import plan
from hubbatch.integrations._redis.scripts import RESERVE
from hubbatch.simulator import Simulator


UNIQUE = "hs_external_object_ids"
VARIABLE = "HUBSPOT_OF_THE_BENCHMARK"
PORTALS = 100


def serve(connection: Any) -> None:
    with Simulator(limit=1_000_000, keep_requests=False) as simulator:
        connection.send((simulator.url, simulator.token))
        connection.recv()


def tickets(count: int) -> pa.Table:
    return pa.table(
        {
            UNIQUE: [f"E-{number}" for number in range(count)],
            "subject": [f"Order {number} is late" for number in range(count)],
            "content": ["It should have come a week ago."] * count,
            "hs_ticket_priority": ["HIGH"] * count,
        }
    )


async def send(url: str, rows: int) -> float:
    """Return the seconds of CPU per row."""
    columns = Columns(verb="upsert", id_property=UNIQUE)
    work = plan("tickets", columns, 62515, None, {"id_property": UNIQUE})
    portals = Portals(token_env=VARIABLE, base_url=url, max_requests=1_000_000)
    sender, table = Sender(work, portals, actors=1), tickets(rows)
    await sender.send(table.slice(0, 1_000))  # connections, and the account
    begun = time.process_time()
    for start in range(0, rows, 1_000):
        await sender.send(table.slice(start, 1_000))
    seconds = time.process_time() - begun
    await sender.aclose()
    return seconds / rows


def reserve(count: int) -> float:
    """Return the seconds of Redis's CPU per reservation."""
    server = RedisServer()
    server.start()
    client = server.client()
    script = client.register_script(RESERVE)

    def ask(times: int) -> None:
        for _ in range(times):
            with client.pipeline(transaction=False) as pipe:
                for portal in range(PORTALS):
                    keys = [f"{{{portal}}}:state", f"{{{portal}}}:log"]
                    script(keys, [10_250_000, 1, 190, 50, -1, 0], client=pipe)
                pipe.execute()

    def spent() -> float:
        used = client.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])

    ask(3)
    begun = spent()
    ask(count // PORTALS)
    seconds = spent() - begun
    server.kill()
    return seconds / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    rows = parser.parse_args().rows
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs,), daemon=True).start()
    url, os.environ[VARIABLE] = ours.recv()
    print(f"a record, in a worker: {asyncio.run(send(url, rows)) * 1e6:.0f} us")
    ours.send("stop")
    print(f"a request, in Redis: {reserve(rows) * 1e6:.0f} us")


if __name__ == "__main__":
    main()

"""The cost of serving many accounts from one process.

    python benchmarks/accounts.py

10,000 calls, each for one record of one of 300 portals at random, 1,000 at once, to a
simulator over local sockets. The simulator runs in the same process and shares its CPU.
Afterwards all accounts are idle for longer than `idle`.
"""

import asyncio
import gc
import random
import time
import tracemalloc
import weakref

from typing import Any

import aiohttp

from hubbatch import Accounts, HubBatch
from hubbatch.simulator import Simulator


PORTALS = 300
CALLS = 10_000
AT_A_TIME = 1_000
CONNECTIONS = 100
IDLE = 2.0


async def main() -> None:
    chance = random.Random(1)
    async with Simulator(seed=1, keep_requests=False) as sim:
        tokens, tickets = {}, {}
        for number in range(PORTALS):
            account = sim.open_account(70_000 + number)
            key = str(account.portal_id)
            tickets[key] = account.store.create("tickets", {"subject": key}).id
            tokens[key] = sim.issue_token(account=account)
        loads: list[str] = []

        async def load(account: str) -> str:
            loads.append(account)
            return tokens[account]

        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        session = aiohttp.ClientSession(connector=connector)
        most = 0
        made: dict[str, weakref.ref[Any]] = {}

        async def call(accounts: Accounts, key: str) -> int:
            nonlocal most
            hub = await accounts.get(key)
            made[key] = weakref.ref(hub)
            response = await hub.tickets.read([tickets[key]])
            most = max(most, len(connector._acquired))
            return response.succeeded

        options: dict[str, Any] = {"base_url": sim.url, "idle": IDLE}
        async with session, Accounts(load, session=session, **options) as accounts:
            keys = [chance.choice([*tokens]) for _ in range(CALLS)]
            wall, cpu = time.perf_counter(), time.process_time()
            done = 0
            for first in range(0, CALLS, AT_A_TIME):
                some = keys[first : first + AT_A_TIME]
                done += sum(
                    await asyncio.gather(*(call(accounts, key) for key in some))
                )
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"calls answered            {done:>10,} of {CALLS:,}")
            print(f"clients made              {len(loads):>10,}")
            print(f"most connections          {most:>10,} of {CONNECTIONS}")
            print(f"seconds                   {wall:>10.1f}")
            print(f"CPU per call, both ends   {cpu / CALLS * 1e3:>10.2f} ms")
            await asyncio.sleep(2 * IDLE + 0.5)
            gc.collect()
            alive = sum(ref() is not None for ref in made.values())
            print(f"clients alive when idle   {alive:>10,}")
            print(f"open                      {len(accounts):>10,}")
        left = asyncio.all_tasks() - {asyncio.current_task()}
        names = [task for task in left if "hubbatch/" in repr(task.get_coro())]
        print(f"tasks left                {len(names):>10,}")
    print(f"memory per client         {await weight() / 1024:>10.1f} KiB")


async def weight() -> float:
    gc.collect()
    tracemalloc.start()
    hubs = [HubBatch("pat-na1-example") for _ in range(200)]
    size = tracemalloc.get_traced_memory()[0] / len(hubs)
    tracemalloc.stop()
    return size


if __name__ == "__main__":
    asyncio.run(main())

"""Ray with two actors, two portals and a Redis, over sockets.

    python benchmarks/ray_limit.py [--rows 60000] [--kill]

So many rows for each of two portals, mixed, are upserted by two actors that share the
limits of the portals in a Redis (redis-server or valkey-server, on a free port). The
simulator is a process of its own, and refuses what is over the limit of a portal. With
`--kill` one of the actors is killed (SIGKILL) half-way, and Ray starts another.

It prints, for each portal, requests, 429s, the fullest 10 s that the simulator saw, and
how much of the limit was used in the whole windows of 10 s from the first request on;
then what the outcomes say. It fails on a 429; on a row without an outcome, with two, or
without its record in the portal; and under 95 % of a limit, or, if an actor was to be
killed, where it had nothing left to do.
"""

import argparse
import asyncio
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa  # type: ignore[import-untyped] # it has none
import ray

from limit import INTERVAL, in_window  # type: ignore[import-not-found] # a script beside
from redis_limit import RedisServer  # type: ignore[import-not-found] # likewise

from hubbatch.integrations.ray import Portals, write
from hubbatch.simulator import Simulator


LIMIT = 190
PORTALS = (62515, 62516)
UNIQUE = "hs_external_object_ids"
ACTORS = 2


# ---- the simulator's process


@attrs.frozen
class Seen:
    """The requests for a portal, and the rows that have a record there."""

    arrived: Sequence[float]
    refused: int
    keys: Sequence[str]

    @property
    def used(self) -> float:
        """The share of the limit in the whole windows since the first request."""
        begin = self.arrived[0]
        windows = int((self.arrived[-1] - begin) // INTERVAL)
        end = begin + windows * INTERVAL
        taken = sum(instant < end for instant in self.arrived)
        return taken / (LIMIT * windows) if windows else 0.0

    @property
    def fullest(self) -> int:
        return max(int(in_window(self.arrived, instant)) for instant in self.arrived)


def serve(connection: Any) -> None:
    """Run the simulator; report the number of requests, and finally each portal."""
    with Simulator(portal_id=PORTALS[0], limit=LIMIT, latency=0.2) as simulator:
        other = simulator.open_account(PORTALS[1])
        accounts = {PORTALS[0]: simulator.account, PORTALS[1]: other}
        tokens = [
            simulator.token,
            simulator.issue_token(account=other, limit=LIMIT),
        ]
        connection.send((simulator.url, tokens))
        while connection.recv() == "count":
            connection.send(len(simulator.requests))
        writes = [one for one in simulator.requests if isinstance(one.body, dict)]
        seen = {}
        for portal, account in accounts.items():
            mine = [one for one in writes if _portal_of(one.body) == portal]
            records = account.store.all("tickets")
            seen[portal] = Seen(
                [one.at for one in mine],
                sum(one.status == 429 for one in mine),
                [str(record.properties[UNIQUE]) for record in records],
            )
        asked = sum(one.status == 429 for one in simulator.requests) - sum(
            each.refused for each in seen.values()
        )
        connection.send((seen, asked))


def _portal_of(body: dict[str, Any]) -> int:
    return int(body["inputs"][0]["properties"]["subject"])


class HubSpot:
    """The simulator's process, seen from here."""

    def __init__(self) -> None:
        self._pipe, end = multiprocessing.get_context("spawn").Pipe()
        context = multiprocessing.get_context("spawn")
        context.Process(target=serve, args=(end,), daemon=True).start()
        end.close()  # so that recv() raises when the process has ended
        self.url, self.tokens = self._pipe.recv()

    def count(self) -> int:
        self._pipe.send("count")
        return int(self._pipe.recv())

    def end(self) -> tuple[dict[int, Seen], int]:
        self._pipe.send("end")
        seen: tuple[dict[int, Seen], int] = self._pipe.recv()
        return seen


# ---- a run


def rows(number: int) -> Iterable[pa.Table]:
    """Return the rows of both portals, mixed, in tables."""
    for start in range(0, number, 5_000):
        count = min(5_000, number - start)
        keys = [f"E-{start + place // 2}" for place in range(2 * count)]
        yield pa.table(
            {
                "portal": [*PORTALS] * count,
                UNIQUE: keys,
                "subject": [str(portal) for portal in PORTALS] * count,
            }
        )


def loader(folder: str) -> Any:
    """Return a function that fetches tokens and records the process it runs in."""

    async def load(portal: str) -> str:
        await asyncio.to_thread(Path(folder, str(os.getpid())).touch)
        return os.environ[f"HS_{portal}"]

    return load


def kill_half_way(hubspot: HubSpot, folder: str, requests: int) -> None:
    """Kill an actor after half of the requests."""
    while hubspot.count() < requests / 2:
        time.sleep(0.05)
    victim = int(min(Path(folder).iterdir()).name)
    os.kill(victim, signal.SIGKILL)


def run(number: int, *, kill: bool) -> tuple[HubSpot, pa.Table, float]:
    hubspot, redis = HubSpot(), RedisServer()
    redis.start()
    os.environ["HS_REDIS"] = redis.url
    for portal, token in zip(PORTALS, hubspot.tokens, strict=True):
        os.environ[f"HS_{portal}"] = token
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=300_000_000,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as folder:
        killing = threading.Thread(
            target=kill_half_way, args=(hubspot, folder, number * 2 // 100), daemon=True
        )
        if kill:
            killing.start()
        portals = Portals(
            load=loader(folder),
            redis_env="HS_REDIS",
            max_requests=LIMIT,
            base_url=hubspot.url,
        )
        begun = time.monotonic()
        outcomes = write(
            ray.data.from_arrow([*rows(number)]),
            "upsert",
            "tickets",
            portals=portals,
            portal_column="portal",
            id_property=UNIQUE,
            actors=ACTORS,
        )
        seconds = time.monotonic() - begun
        table = pa.concat_tables(ray.get(outcomes.to_arrow_refs()))
        if kill:
            killing.join()
            print(f"{len([*Path(folder).iterdir()])} actors, one of them killed")
    ray.shutdown()
    redis.kill()
    return hubspot, table, seconds


def broken(
    number: int, seen: dict[int, Seen], asked: int, table: pa.Table, *, kill: bool
) -> list[str]:
    """Return what is wrong with a run."""
    found = ["a 429 for a question"] if asked else []
    wanted = {f"E-{place}" for place in range(number)}
    for portal, each in seen.items():
        if each.refused:
            found.append(f"{each.refused} x 429 in portal {portal}")
        if len(each.keys) != number or {*each.keys} != wanted:
            found.append(f"{len(each.keys)} records in portal {portal}")
        if not kill and each.used < 0.95:
            found.append(f"{each.used:.1%} of the limit of portal {portal}")
    if kill and None not in table["new"].to_pylist():  # no second actor had its rows
        found.append("an actor that was killed too late")
    if {*table["status"].to_pylist()} != {"succeeded"}:
        found.append("rows that did not succeed")
    outcomes = Counter(
        zip(table["portal"].to_pylist(), table["input_id"].to_pylist(), strict=True)
    )
    expected = {(str(portal), key) for portal in PORTALS for key in wanted}
    if {*outcomes} != expected or {*outcomes.values()} != {1}:
        found.append("rows without an outcome, or with two")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    hubspot, table, seconds = run(options.rows, kill=options.kill)
    seen, asked = hubspot.end()
    print("| portal | requests | 429 | fullest 10 s | limit used |")
    print("|---|---|---|---|---|")
    for portal, each in seen.items():
        print(
            f"| {portal} | {len(each.arrived)} | {each.refused} | {each.fullest} "
            f"| {each.used:.1%} |"
        )
    statuses = Counter(table["status"].to_pylist())
    counts = ", ".join(f"{count:,} {status}" for status, count in statuses.items())
    repeated = Counter(table["new"].to_pylist())[None]
    print(
        f"{table.num_rows:,} outcomes in {seconds:.0f} s: {counts}; "
        f"for {repeated:,} it is unknown whether they were new"
    )
    found = broken(options.rows, seen, asked, table, kill=options.kill)
    if found:
        sys.exit(f"not good enough: {'; '.join(found)}")


if __name__ == "__main__":
    main()

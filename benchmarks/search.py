"""How long a search over 100,000 records takes in the simulator, by kind.

    python -m benchmarks.search

Each kind is searched once to build what it needs, then several times again. Times are
those of the processor, so that other programs disturb less.
"""

import argparse
import time

from collections.abc import Callable
from typing import Any

import orjson

from hubbatch.simulator import Simulator
from hubbatch.simulator.api.records.search import search_records


RECORDS = 100_000
GOAL = 0.050  # seconds
AGAIN = 5


def seeded(records: int) -> Simulator:
    sim = Simulator(seed=1)
    stages = ("lead", "customer", "opportunity", "subscriber")
    for n in range(records):
        values = {
            "email": f"person{n}@example{n % 97}.org",
            "firstname": f"First {n % 1000}",
            "lifecyclestage": stages[n % 4],
            "associatedcompanyid": n % 5000,
        }
        record = sim.store.create("contacts", values)
        record.created -= records - n
        record.properties["createdate"] = str(record.created)
    return sim


def one(name: str, operator: str, value: object = None, **more: object) -> Any:
    operand = {} if value is None else {"value": value}
    return {"propertyName": name, "operator": operator, **operand, **more}


def found(sim: Simulator, *filters: Any, **body: Any) -> dict[str, Any]:
    shelf = sim.store.shelf("contacts")
    assert shelf is not None
    groups = [{"filters": filters}] if filters else []
    content = orjson.dumps({"filterGroups": groups, "limit": 200, **body})
    return search_records(sim.store, shelf, content, sim.clock.ms())


def by_id(direction: str = "ASCENDING") -> dict[str, Any]:
    return {"sorts": [{"propertyName": "hs_object_id", "direction": direction}]}


def kinds(sim: Simulator) -> dict[str, Callable[[], object]]:
    records = sim.store.all("contacts")
    middle = records[len(records) // 2]
    day = one("createdate", "BETWEEN", middle.created, highValue=middle.created + 9000)
    late = one("createdate", "GT", middle.created)
    keyset = one("hs_object_id", "GT", middle.id)
    lead = one("lifecyclestage", "EQ", "lead")
    revenue = one("associatedcompanyid", "GTE", 2500)
    return {
        "all": lambda: found(sim),
        "EQ email": lambda: found(sim, one("email", "EQ", "person7@example7.org")),
        "keyset": lambda: found(sim, keyset, **by_id()),
        "keyset with a filter": lambda: found(sim, keyset, lead, **by_id()),
        "short date range": lambda: found(sim, day),
        "long date range": lambda: found(sim, late),
        "three filters": lambda: found(sim, late, lead, revenue, **by_id("DESCENDING")),
        "IN": lambda: found(
            sim, one("lifecyclestage", "IN", values=["lead", "customer"])
        ),
        "NEQ": lambda: found(sim, one("lifecyclestage", "NEQ", "lead")),
        "token": lambda: found(sim, one("firstname", "CONTAINS_TOKEN", "77")),
        "wildcard": lambda: found(
            sim, one("email", "CONTAINS_TOKEN", "*@example13.org")
        ),
        "query": lambda: found(sim, query="first 77"),
    }


def walk(sim: Simulator) -> int:
    """Read all records by key, 200 a page."""
    last, count = "0", 0
    while True:
        body = found(sim, one("hs_object_id", "GT", last), **by_id())
        count += len(body["results"])
        if "paging" not in body:
            return count
        last = body["results"][-1]["id"]


def timed(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=RECORDS)
    records = parser.parse_args().records
    sim = seeded(records)
    ids = [record.id for record in sim.store.all("contacts")]
    shelf = sim.store.shelf("contacts")
    assert shelf is not None
    print(f"{records:,} records; goal: {GOAL * 1000:.0f} ms once indexed")
    for name, run in kinds(sim).items():
        first = timed(run)
        again = min(timed(run) for _ in range(AGAIN))
        after = []
        for n in range(AGAIN):
            sim.store.shelf("contacts")
            record = shelf.records[ids[n]]
            shelf.write(record, {"firstname": f"Changed {n} {name}"}, sim.clock.ms())
            after.append(timed(run))
        print(
            f"{name:22} first {first * 1000:7.1f} ms   again {again * 1000:6.2f} ms"
            f"   after a write {min(after) * 1000:6.2f} ms"
        )
    for _ in range(2):
        seconds = timed(lambda: walk(sim))
        print(
            f"walk by key: {seconds:.2f} s, {seconds / records * 1e6:.1f} us a record"
        )


if __name__ == "__main__":
    main()

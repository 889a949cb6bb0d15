"""How long a single call waits during a bulk run, and what it costs that run.

    python benchmarks/lanes.py [--chunks 10000]

The whole client runs on a clock that jumps to its next timer, against a fake HubSpot
that answers after 100 to 400 ms; so waits are exact and take no time. A bulk run of
10,000 chunks uses the whole limit, 190 per 10 s. Single calls arrive at random, one in
three seconds on average: first in a lane of their own, which is what hubbatch does,
then in the lane of the bulk run.
"""

import argparse
import asyncio
import random

from collections.abc import Callable, Mapping
from statistics import quantiles
from typing import Any

import orjson

from attrs import evolve
from permits import JumpingLoop  # type: ignore[import-not-found] # a script beside

from hubbatch import HubBatch, RateLimit
from hubbatch._http import Request, Response
from hubbatch._net.batch import Batch
from hubbatch._net.permit_queue import Lane
from hubbatch._wire.endpoints import operation_for


PAUSE = 3.0


class FakeHubSpot:
    """Accepts every update, and notes when single calls are sent."""

    def __init__(self) -> None:
        self.rng = random.Random(3)
        self.left: list[float] = []

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Response:
        on_sent()
        inputs = orjson.loads(request.body)["inputs"]
        if inputs[0]["id"] == "0":
            self.left.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.rng.uniform(0.1, 0.4))
        results = [{"id": given["id"], "properties": {}} for given in inputs]
        body = orjson.dumps({"status": "COMPLETE", "results": results})
        return Response(200, {}, body)

    def retire(self) -> None:
        """Do nothing: there are no connections."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


def update(number: int) -> Mapping[str, Any]:
    return {"id": str(number), "properties": {"subject": "x"}}


async def measure(chunks: int, lane: Lane | None) -> tuple[list[float], float]:
    """Return the waits of the single calls, and the seconds of the bulk run."""
    # One record per chunk: to the gate it is the same.
    operation = evolve(
        operation_for("objects", "update", "tickets", api_version="v3"), max_inputs=1
    )
    rng = random.Random(5)
    loop = asyncio.get_running_loop()
    hubspot, came = FakeHubSpot(), []
    hub = HubBatch("token", rate_limit=RateLimit(190))
    state = hub._state
    state.transport = hubspot
    async with hub:
        bulk = asyncio.ensure_future(
            Batch[Any](state, operation, [update(n) for n in range(1, chunks + 1)])
        )
        await asyncio.sleep(20)  # until the window is full for the second time
        while lane is not None and not bulk.done():
            came.append(loop.time())
            await Batch[Any](state, operation, [update(0)], lane=lane)
            await asyncio.sleep(rng.expovariate(1 / PAUSE))
        await bulk
        seconds = loop.time()
    waits = [left - at for at, left in zip(came, hubspot.left, strict=True)]
    return waits[:-1], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=10_000)
    chunks = parser.parse_args().chunks
    schemes = {
        "no single calls": None,
        "single calls in their own lane": Lane.SINGLE,
        "single calls in the bulk lane": Lane.BULK,
    }
    print("| beside a bulk run | calls | wait p50 | p99 | longest | bulk run |")
    print("|---|---|---|---|---|---|")
    for name, lane in schemes.items():
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            waits, seconds = runner.run(measure(chunks, lane))
        cuts = quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99
        shown = f"{cuts[49]:.3f} s | {cuts[98]:.3f} s | {max([0.0, *waits]):.3f} s"
        waited = shown if waits else "- | - | -"
        print(f"| {name} | {len(waits)} | {waited} | {seconds:.1f} s |")


if __name__ == "__main__":
    main()

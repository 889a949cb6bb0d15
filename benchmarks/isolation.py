"""The number of requests that find the bad records of a chunk of 100.

    python benchmarks/isolation.py

For 0 to 100 bad records at random positions (20 draws each): the fewest, the median and
the most requests. "207": HubSpot names the refused records by their trace ids. "names
values": its 400 lists every bad value, as recorded. "names nothing": its 400 does not
say which records are bad, so hubbatch halves the chunk. The last column is the number
if the records of a refused chunk were sent one by one.
"""

import asyncio
import random
import statistics

from collections.abc import Callable

import orjson

from hubbatch import SimplePublicObject
from hubbatch._http import Answer, Request, Response
from hubbatch._limits.window import RateLimit
from hubbatch._net.auth import Credentials
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._net.listeners import Listeners
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.endpoints import operation_for


COUNT = 100
DRAWS = 20
OPERATION = operation_for("objects", "update", "tickets", api_version="v3")


class Picky:
    """Refuses chunks with a bad value in them, and says more or less why."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        self.requests = 0

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        on_sent()
        self.requests += 1
        await asyncio.sleep(0)
        inputs = orjson.loads(request.body)["inputs"]
        bad = [one for one in inputs if one["properties"]["rank"].startswith("bad")]
        if bad and self.manner != "207":
            return Response(400, {}, orjson.dumps(self.refusal(bad)))
        results = [{"id": one["id"], "properties": {}} for one in inputs]
        answer: dict[str, object] = {"status": "COMPLETE", "results": results}
        if bad:
            answer["results"] = [one for one in results if one["id"] not in ids(bad)]
            answer["errors"] = [error(one) for one in bad]
        return Response(207 if bad else 200, {}, orjson.dumps(answer))

    def refusal(self, bad: list[dict[str, dict[str, str]]]) -> dict[str, object]:
        message = "It was not possible"
        if self.manner == "names values":
            problems = [
                {
                    "isValid": False,
                    "message": f"{one['properties']['rank']} was not a valid long.",
                    "error": "INVALID_LONG",
                    "name": "rank",
                }
                for one in bad
            ]
            message = (
                f"Property values were not valid: {orjson.dumps(problems).decode()}"
            )
        return {"status": "error", "message": message, "category": "VALIDATION_ERROR"}

    def retire(self) -> None:
        """Do nothing: there are no connections."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


def ids(inputs: list[dict[str, object]]) -> set[object]:
    return {one["id"] for one in inputs}


def error(one: dict[str, object]) -> dict[str, object]:
    context = {"objectWriteTraceId": [one["objectWriteTraceId"]]}
    return {"category": "VALIDATION_ERROR", "message": "bad", "context": context}


async def calls(bad: int, manner: str, rng: random.Random) -> int:
    places = set(rng.sample(range(COUNT), bad))
    inputs = [
        {"id": str(n), "properties": {"rank": f"bad{n}" if n in places else str(n)}}
        for n in range(COUNT)
    ]
    picky = Picky(manner)
    state = ClientState(
        gate=Gate(RateLimit(1_000_000, burst=1_000_000), 8),
        transport=picky,
        credentials=Credentials("token"),
        policy=RetryPolicy(),
        max_concurrency=8,
        listeners=Listeners(()),
    )
    batch: Batch[SimplePublicObject] = Batch(state, OPERATION, inputs)
    response = await batch
    assert {outcome.index for outcome in response.failed} == places
    return picky.requests


def main() -> None:
    rng = random.Random(1)
    manners = ("207", "names values", "names nothing")
    print("| bad of 100 |", " | ".join(manners), "| one by one |")
    print("|---|---|---|---|---|")
    for bad in (0, 1, 3, 10, 25, 50, 100):
        cells = []
        for manner in manners:
            draws = [asyncio.run(calls(bad, manner, rng)) for _ in range(DRAWS)]
            middle = round(statistics.median(draws))
            cells.append(f"{min(draws)} / {middle} / {max(draws)}")
        singly = 1 if bad == 0 else COUNT + 1
        print(f"| {bad} |", " | ".join(cells), f"| {singly} |")


if __name__ == "__main__":
    main()

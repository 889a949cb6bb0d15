"""What a record costs in process, without a network, in multiples of `orjson.loads`.

    python benchmarks/budgets.py [--rounds 40]

The unit is `orjson.loads` of the answers to the same records. Each case takes a few
milliseconds; all take turns in one process, in random order. A ratio compares a case
with the unit of the same round: the median of the rounds, with the quartiles in
brackets. The next column compares the least costs, which other load on the machine can
hardly change. Planning takes blocks of 100 records through the ledger and the queue to
the body of a request, with all checks of values.

The script fails if a ratio of the least costs exceeds its budget, which is what was
measured when it was set, plus a tenth. A change that exceeds a budget slows down every
batch: make it cheaper, or raise the budget in a commit that says why.
"""

import argparse
import asyncio
import statistics
import sys
import time

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from attrs import evolve


if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.records import answer
from benchmarks.records import inputs as make_inputs
from benchmarks.tables import Section, table
from benchmarks.workers import Ratio, turns
from hubbatch import UpdateInput
from hubbatch._http import Answer, Request, Response
from hubbatch._limits.window import RateLimit
from hubbatch._net.auth import Credentials
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._net.listeners import Listeners
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.queue import InputQueue
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.calls import Operation
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import request_body


UNIT = "orjson.loads of the answers"
BUDGETS = {
    # Each string is looked at: is it a time without a zone?
    "plan and encode dicts": 1.55,
    "plan and encode UpdateInput": 1.6,
    "plan and encode, one value an int": 3.8,
    "decode and match": 1.55,
    "decode and match, one odd record per chunk": 2.8,
    "a whole batch, collected": 5.9,
    "a whole batch, streamed": 5.7,
}
UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
CHUNK = 100
RECORDS = 20 * CHUNK
# Replaces the random start of a batch's trace ids.
_PREFIX = b"########"
_MARK = b'"objectWriteTraceId":"'

Case = Callable[[], object]


# ---- without a client


def chunks_of(operation: Operation, inputs: Sequence[Any]) -> Iterator[Chunk]:
    """Take inputs through the ledger and the queue, a block at a time."""
    ledger = Ledger(operation=operation)
    queue = InputQueue(CHUNK, len(inputs), operation.call.repeats)
    for first in range(0, len(inputs), CHUNK):
        block, invalid = ledger.take_in([*inputs[first : first + CHUNK]])
        assert not invalid
        queue.put(block)
        chunk = queue.next_chunk(0.0)
        yield chunk
        queue.release(chunk)


def plan(inputs: Sequence[Any]) -> list[bytes]:
    """Return the bodies of the requests."""
    return [request_body(UPDATE, chunk.bodies) for chunk in chunks_of(UPDATE, inputs)]


def match(pairs: Sequence[tuple[Chunk, bytes]]) -> list[object]:
    """Decode answers, match their records with the inputs, and keep all of them."""
    return [classify(UPDATE, chunk, Response(200, {}, body)) for chunk, body in pairs]


# ---- a whole batch, with its answers prepared


class Instant:
    """A transport that looks up the answer to each update of a list of records."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        operation = evolve(UPDATE, trace_prefix=_PREFIX.decode())
        bodies = (
            request_body(operation, chunk.bodies)
            for chunk in chunks_of(operation, inputs)
        )
        self._answers = {body: answer("update", orjson.loads(body)) for body in bodies}

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Look up the answer to a request."""
        on_sent()
        await asyncio.sleep(0)
        _, _, sent = request.body.partition(_MARK)
        prefix = sent[: len(_PREFIX)]
        body = self._answers[request.body.replace(prefix, _PREFIX)]
        return Response(200, {}, body.replace(_PREFIX, prefix))

    def retire(self) -> None:
        """Do nothing: there are no connections."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


def update(inputs: Sequence[Any], transport: Instant) -> Batch[Any]:
    """Return a batch that updates these records."""
    state = ClientState(
        gate=Gate(RateLimit(1_000_000_000, burst=1_000_000_000), 16),
        transport=transport,
        credentials=Credentials("token"),
        policy=RetryPolicy(),
        max_concurrency=16,
        listeners=Listeners(()),
    )
    return Batch(state, UPDATE, inputs)


async def collect(inputs: Sequence[Any], transport: Instant) -> None:
    """Await the batch, and drop its response."""
    assert (await update(inputs, transport)).succeeded == len(inputs)


async def stream(inputs: Sequence[Any], transport: Instant) -> None:
    """Iterate over the outcomes of the batch, and keep none."""
    count = 0
    async with update(inputs, transport) as outcomes:
        async for _ in outcomes:
            count += 1
    assert count == len(inputs)


# ---- measuring


def cases() -> Mapping[str, Case]:
    """Return what is measured, by name."""
    inputs: list[Any] = [*make_inputs("update", RECORDS)]
    typed = [UpdateInput(each["id"], each["properties"]) for each in inputs]
    mixed = [
        {**each, "properties": {**each["properties"], "source_type": 5}}
        for each in inputs
    ]
    chunks = [*chunks_of(UPDATE, inputs)]
    requests = [orjson.loads(request_body(UPDATE, chunk.bodies)) for chunk in chunks]
    answers = [answer("update", request) for request in requests]
    usual = [*zip(chunks, answers, strict=True)]
    odd = [
        (chunk, answer("update", request, odd=True))
        for chunk, request in zip(chunks, requests, strict=True)
    ]
    instant = Instant(inputs)
    return {
        UNIT: lambda: [orjson.loads(body) and None for body in answers],
        "plan and encode dicts": lambda: plan(inputs),
        "plan and encode UpdateInput": lambda: plan(typed),
        "plan and encode, one value an int": lambda: plan(mixed),
        "decode and match": lambda: match(usual),
        "decode and match, one odd record per chunk": lambda: match(odd),
        "a whole batch, collected": lambda: asyncio.run(collect(inputs, instant)),
        "a whole batch, streamed": lambda: asyncio.run(stream(inputs, instant)),
    }


def measure(rounds: int) -> Mapping[str, list[float]]:
    """Return the CPU of each case in each round, in microseconds per record."""
    measured = cases()
    costs: dict[str, list[float]] = {name: [] for name in measured}
    for run_case in measured.values():
        run_case()
    for name in turns([*measured], rounds):
        before = time.process_time()
        measured[name]()
        costs[name].append((time.process_time() - before) / RECORDS * 1e6)
    return costs


def least(costs: Mapping[str, list[float]], name: str) -> float:
    """Return the ratio of the least costs of a case and of the unit."""
    return min(costs[name]) / min(costs[UNIT])


def report(costs: Mapping[str, list[float]]) -> str:
    """Write the table."""
    rows = [
        (
            name,
            f"{statistics.median(each):.2f}",
            str(Ratio.of(each, costs[UNIT])),
            f"{least(costs, name):.2f}",
            f"{BUDGETS[name]:.2f}" if name in BUDGETS else "",
        )
        for name, each in costs.items()
    ]
    head = ("in process", "µs a record", "x orjson.loads", "least", "budget")
    return table(head, rows)


def run(*, quick: bool) -> Section:
    """Measure all of it."""
    rounds = 40 if quick else 200
    return Section("In process", __doc__ or "", report(measure(rounds)))


def main() -> None:
    """Measure, print, and exit with 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    costs = measure(parser.parse_args().rounds)
    print(report(costs))
    exceeded = [name for name, budget in BUDGETS.items() if least(costs, name) > budget]
    if exceeded:
        sys.exit(f"over budget: {', '.join(exceeded)}")


if __name__ == "__main__":
    main()

"""Decoding, and planning with encoding, in one process and without a network.

    python -m benchmarks inside

Each is compared with `orjson.loads` of the same answers, in rounds of a few
milliseconds that take turns. A ratio is that of the shortest times: whatever else the
machine does only ever adds. Planning takes blocks of 100 records through the ledger
and the queue to the body of a request, all checks of values included.
"""

import time

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from hubbatch import UpdateInput
from hubbatch._http import Response
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.queue import InputQueue
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import request_body
from hubbatch._wire.record_columns import structure_objects
from hubbatch._wire.records import structure_response

from .records import answer, inputs as make_inputs
from .tables import Section, table


OPERATION = operation_for("objects", "update", "tickets", api_version="v3")
BLOCKS = 20


def take_in(ledger: Ledger, queue: InputQueue, block: list[Any]) -> None:
    """Encode a block, all of it valid, and put it into the queue."""
    chunk, invalid = ledger.take_in(block)
    assert not invalid
    queue.put(chunk)


def empty_queue() -> InputQueue:
    """Return a queue that has room for all blocks."""
    return InputQueue(100, 100 * BLOCKS, OPERATION.call.repeats)


def plan(blocks: Sequence[list[Any]]) -> list[bytes]:
    """Take blocks through the queue, one after another."""
    ledger, queue, bodies = Ledger(operation=OPERATION), empty_queue(), []
    for block in blocks:
        take_in(ledger, queue, block)
        chunk = queue.next_chunk(0.0)
        bodies.append(request_body(OPERATION, chunk.bodies))
        queue.release(chunk)
    return bodies


def each(function: Callable[[bytes], object], bodies: Sequence[bytes]) -> None:
    """Call a function with each body, and keep nothing."""
    for body in bodies:
        function(body)


def decode(body: bytes) -> object:
    """Read an answer as typed records."""
    return structure_response(orjson.loads(body), structure_objects)


def cases() -> dict[str, Callable[[], object]]:
    """Make what is measured, by name."""
    inputs: list[Any] = [*make_inputs("update", 100 * BLOCKS)]
    blocks = [inputs[first : first + 100] for first in range(0, len(inputs), 100)]
    typed = [
        [UpdateInput(one["id"], one["properties"]) for one in block] for block in blocks
    ]
    number = next(iter(inputs[0]["properties"]))
    mixed = [
        [{**one, "properties": {**one["properties"], number: 5}} for one in block]
        for block in blocks
    ]
    answers = [answer("update", orjson.loads(body)) for body in plan(blocks)]
    ledger, queue = Ledger(operation=OPERATION), empty_queue()
    for block in blocks:
        take_in(ledger, queue, block)
    chunks = [queue.next_chunk(0.0) for _ in blocks]
    matched = [*zip(chunks, answers, strict=True)]
    return {
        "orjson.loads of the answers": lambda: each(orjson.loads, answers),
        "orjson.dumps of the inputs": lambda: [*map(orjson.dumps, blocks)],
        "decode to typed records": lambda: each(decode, answers),
        "the same, matched with the inputs": lambda: [
            classify(OPERATION, chunk, Response(200, {}, body))
            for chunk, body in matched
        ],
        "plan and encode dicts": lambda: plan(blocks),
        "plan and encode UpdateInput": lambda: plan(typed),
        "plan and encode, one value an int": lambda: plan(mixed),
    }


def measure(rounds: int) -> dict[str, float]:
    """Give microseconds per record, the least of all rounds."""
    best: dict[str, float] = {}
    measured = cases()
    for _ in range(rounds):
        for name, run in measured.items():
            started = time.process_time()
            run()
            spent = (time.process_time() - started) / (100 * BLOCKS) * 1e6
            best[name] = min(spent, best.get(name, spent))
    return best


def run(*, quick: bool) -> Section:
    """Measure all of it."""
    best = measure(60 if quick else 300)
    loads = best["orjson.loads of the answers"]
    rows = [
        (name, f"{spent:.2f}", f"{spent / loads:.2f}") for name, spent in best.items()
    ]
    text = table(("in process", "µs a record", "x orjson.loads"), rows)
    return Section("Decoding and encoding", __doc__, text)

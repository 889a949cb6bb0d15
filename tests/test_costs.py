"""What a record costs in memory; `benchmarks/budgets.py` has what it costs in CPU.

A bound is what was counted when it was set, and a little: Python versions differ.
"""

import gc
import tracemalloc

from typing import Any

import orjson
import pytest

from attrs import Factory, define

from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.queue import InputQueue
from hubbatch._outcomes.response import Collector
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.record_decoder import structure_objects
from hubbatch._wire.records import structure_response


UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
STAMP = "2026-11-23T10:00:00.000Z"


def some_records(count: int) -> list[Any]:
    return [
        {"id": str(100 + n), "properties": {f"p{k}": f"v{n}" for k in range(12)}}
        for n in range(count)
    ]


def answer_to(body: bytes) -> bytes:
    results = [
        {**given, "createdAt": STAMP, "updatedAt": STAMP, "archived": False}
        for given in orjson.loads(body)["inputs"]
    ]
    return orjson.dumps({"status": "COMPLETE", "results": results[::-1]})


@define(eq=False)
class Intake:
    """What holds the inputs of a batch that has sent none."""

    ledger: Ledger = Factory(lambda: Ledger(operation=UPDATE))
    queue: InputQueue = Factory(lambda: InputQueue(100, 10_000, UPDATE.call.repeats))
    sink: Collector[Any] = Factory(lambda: Collector(UPDATE))

    def take_in(self, inputs: list[Any]) -> None:
        self.sink.took(inputs)
        valid, invalid = self.ledger.take_in(inputs)
        assert invalid == []
        self.queue.put(valid)


@pytest.mark.parametrize("traced", [False, True], ids=["at once", "one by one"])
def test_bytes_held(traced: bool) -> None:  # noqa: FBT001 -- a parameter
    """An input that waits takes little more than its JSON of 187 bytes."""
    intake, inputs = Intake(), some_records(100)
    if traced:
        for number, given in enumerate(inputs):
            given["objectWriteTraceId"] = f"t{number}"
    Intake().take_in(inputs)
    tracemalloc.start()
    try:
        intake.take_in(inputs)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    bodies = intake.queue.next_chunk(0.0).bodies

    assert sum(map(len, bodies)) / 100 < 190
    assert held / 100 <= 450


def test_objects_kept() -> None:
    """The garbage collector tracks none of the records in memory."""
    inputs = b",".join(orjson.dumps(one) for one in some_records(1_000))
    body = answer_to(b'{"inputs":[%b]}' % inputs)
    structure_response(orjson.loads(body), structure_objects)  # once, about classes
    gc.collect()
    before = len(gc.get_objects())
    response = structure_response(orjson.loads(body), structure_objects)
    after = len(gc.get_objects())

    assert len(response.results) == 1_000
    assert (after - before) / 1_000 <= 0.05

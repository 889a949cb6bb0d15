"""What a record and a chunk cost, in counts that no busy machine changes.

A bound is what was counted when it was written, and a little: Python versions differ
in what they call a call. Whoever raises one makes all batches slower, and says why.
"""

import asyncio
import gc
import sys
import tracemalloc

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import orjson
import pytest

from attrs import evolve

from hubbatch.core.accounting import Ledger
from hubbatch.core.answers import Answer, Request, Response
from hubbatch.core.codec import structure_response
from hubbatch.core.collecting import Collector
from hubbatch.core.encoding import request_body
from hubbatch.core.operations import Operation, object_operation
from hubbatch.core.pacing import RateLimit
from hubbatch.core.planning import Desk
from hubbatch.core.reading import read
from hubbatch.core.results import structure_objects
from hubbatch.core.retrying import RetryPolicy
from hubbatch.net.auth import Credentials
from hubbatch.net.batch import Batch
from hubbatch.net.engine import Engine
from hubbatch.net.listening import Listeners
from hubbatch.net.pacing import Gate


UPDATE = object_operation("update", "tickets", api_version="v3")
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


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count calls: of functions in Python, in C, and of the event loop's callbacks."""
    counts: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        counts[event] += 1
        if event == "call" and frame.f_code is asyncio.Handle._run.__code__:
            counts["turn"] += 1

    gc.collect()
    gc.disable()  # a collection calls what has nothing to do with it
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(before)
        gc.enable()


def planned(count: int, operation: Operation = UPDATE) -> tuple[Ledger, list[Any]]:
    desk = Desk(100, 10_000, operation.call.repeats)
    ledger = Ledger(
        operation=operation, desk=desk, emit=Collector(operation), freed=lambda: None
    )
    return ledger, some_records(count)


def test_planning() -> None:
    """No function is called per record, but for orjson's."""
    ledger, inputs = planned(100)
    with counting() as counts:
        ledger.take_in(inputs)
        chunk = ledger.desk.take()
        request_body(UPDATE, chunk.bodies)
        ledger.desk.settle(chunk)

    assert counts["call"] <= 45
    assert counts["c_call"] <= 380


def test_planning_with_numbers() -> None:
    """With a number among the values only the properties are looked at one by one."""
    ledger, inputs = planned(100)
    for given in inputs:
        given["properties"]["p0"] = 5
    with counting() as counts:
        ledger.take_in(inputs)

    assert counts["call"] / 100 <= 5.5
    assert counts["c_call"] / 100 <= 7.5


def test_planning_one_by_one() -> None:
    """With a trace id of the caller's a record is looked at by itself."""
    ledger, inputs = planned(100)
    for given in inputs:
        given["objectWriteTraceId"] = "mine"
    planned(100)[0].take_in(inputs)  # what is found out once, about classes
    with counting() as counts:
        ledger.take_in(inputs)

    assert counts["call"] / 100 <= 15
    assert counts["c_call"] / 100 <= 24


@pytest.mark.parametrize("traced", [False, True], ids=["at once", "one by one"])
def test_bytes_held(traced: bool) -> None:  # noqa: FBT001 -- a parameter
    """An input that waits takes little more than its JSON of 187 bytes."""
    ledger, inputs = planned(100)
    if traced:
        for number, given in enumerate(inputs):
            given["objectWriteTraceId"] = f"t{number}"
    planned(100)[0].take_in(inputs)
    tracemalloc.start()
    try:
        ledger.take_in(inputs)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    bodies = ledger.desk.take().bodies

    assert sum(map(len, bodies)) / 100 < 190
    assert held / 100 <= 450


def test_reading() -> None:
    """One function of Python per record: that which makes it."""
    ledger, inputs = planned(100)
    ledger.take_in(inputs)
    chunk = ledger.desk.take()
    response = Response(200, {}, answer_to(request_body(UPDATE, chunk.bodies)))
    read(UPDATE, chunk, response)  # what is found out once, about classes
    with counting() as counts:
        read(UPDATE, chunk, response)

    assert counts["call"] / 100 <= 1.4
    assert counts["c_call"] / 100 <= 0.6


def test_objects_kept() -> None:
    """What the garbage collector has to look at, per record: the record itself."""
    inputs = b",".join(orjson.dumps(one) for one in some_records(1_000))
    body = answer_to(b'{"inputs":[%b]}' % inputs)
    structure_response(orjson.loads(body), structure_objects)  # once, about classes
    gc.collect()
    before = len(gc.get_objects())
    response = structure_response(orjson.loads(body), structure_objects)
    after = len(gc.get_objects())

    assert len(response.results) == 1_000
    assert (after - before) / 1_000 <= 1.05


# What stands for the random beginning of a batch's trace ids.
PREFIX = b"########"
MARK = b'"objectWriteTraceId":"'


class Instant:
    """HubSpot without a network."""

    def __init__(self) -> None:
        self.answers: dict[bytes, bytes] = {}  # by a request without its prefix

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        on_sent()
        await asyncio.sleep(0)
        _, _, sent = request.body.partition(MARK)
        prefix = sent[: len(PREFIX)]
        answer = self.answers[request.body.replace(prefix, PREFIX)]
        return Response(200, {}, answer.replace(PREFIX, prefix))

    def retire(self) -> None:
        """Keep no connections."""

    async def aclose(self) -> None:
        """Hold nothing."""


def a_batch(count: int) -> Batch[Any]:
    """Make a batch whose answers are ready."""
    instant, inputs = Instant(), some_records(count)
    ledger, _ = planned(0, evolve(UPDATE, trace_prefix=PREFIX.decode()))
    for first in range(0, count, 100):
        ledger.take_in(inputs[first : first + 100])
        body = request_body(UPDATE, ledger.desk.take().bodies)
        instant.answers[body] = answer_to(body)
    engine = Engine(
        gate=Gate(RateLimit(1_000_000, burst=1_000_000), 16),
        transport=instant,
        credentials=Credentials("token"),
        policy=RetryPolicy(),
        max_concurrency=16,
        listeners=Listeners(()),
    )
    return Batch(engine, UPDATE, inputs)


async def collected(count: int) -> Counter[str]:
    batch = a_batch(count)
    with counting() as counts:
        response = await batch
    assert response.succeeded == count
    return counts


async def streamed(count: int) -> Counter[str]:
    batch, seen = a_batch(count), 0
    with counting() as counts:
        async with batch as outcomes:
            async for _ in outcomes:
                seen += 1
    assert seen == count
    return counts


@pytest.mark.parametrize(
    ("door", "calls", "turns"), [(collected, 440, 4.5), (streamed, 665, 5.5)]
)
async def test_a_chunk_of_a_hundred(
    door: Callable[[int], Any], calls: int, turns: float
) -> None:
    """From the source to the outcomes: what ten chunks more cost, by ten."""
    await door(1_000)  # what is made on first use
    few, many = await door(1_000), await door(3_000)

    assert (many["call"] - few["call"]) / 20 <= calls
    assert (many["turn"] - few["turn"]) / 20 <= turns

"""A whole batch without a network: its answers are ready before it begins."""

import asyncio

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from attrs import evolve

from hubbatch._http import Answer, Request, Response
from hubbatch._limits.window import RateLimit
from hubbatch._net.auth import Credentials
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._net.listeners import Listeners
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.queue import InputQueue
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import request_body

from .records import answer


UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
# Stands for the random beginning of a batch's trace ids.
_PREFIX = b"########"
_MARK = b'"objectWriteTraceId":"'


class Instant:
    """Has the answer to every request of an update of these records."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self._answers: dict[bytes, bytes] = {}  # by a request without its prefix
        operation = evolve(UPDATE, trace_prefix=_PREFIX.decode())
        queue = InputQueue(100, len(inputs), operation.call.repeats)
        ledger = Ledger(operation=operation)
        for first in range(0, len(inputs), 100):
            chunk, invalid = ledger.take_in([*inputs[first : first + 100]])
            assert not invalid
            queue.put(chunk)
            body = request_body(operation, queue.next_chunk(0.0).bodies)
            self._answers[body] = answer("update", orjson.loads(body))

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Look up the answer to a request."""
        on_sent()
        await asyncio.sleep(0)
        _, _, sent = request.body.partition(_MARK)
        prefix = sent[: len(_PREFIX)]
        body = self._answers[request.body.replace(prefix, _PREFIX)]
        return Response(200, {}, body.replace(_PREFIX, prefix))

    def retire(self) -> None:
        """Have no connections."""

    async def aclose(self) -> None:
        """Hold nothing."""


def updating(inputs: Sequence[Any], transport: Instant) -> Batch[Any]:
    """Make a batch that updates these records."""
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
    assert (await updating(inputs, transport)).succeeded == len(inputs)


async def stream(inputs: Sequence[Any], transport: Instant) -> None:
    """Iterate over the outcomes of the batch, and keep none."""
    count = 0
    async with updating(inputs, transport) as outcomes:
        async for _ in outcomes:
            count += 1
    assert count == len(inputs)

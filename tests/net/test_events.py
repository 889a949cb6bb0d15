"""The events, their order, and that listeners cannot affect a batch."""

import asyncio
import logging

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from attrs import define, field

from hubbatch import (
    Account,
    AuthenticationError,
    BatchBegun,
    BatchEnded,
    ChunkAnswered,
    ChunkCut,
    ChunkEvent,
    ChunkIsolated,
    ChunkRetried,
    ChunkSent,
    ChunkSettled,
    ChunkThrottled,
    Event,
    HubBatch,
    HubSpotUnavailable,
    InputFailed,
    RetryPolicy,
)
from hubbatch._http import Answer, Request, Response
from hubbatch._net.batch import Batch
from hubbatch._net.listeners import Listeners
from hubbatch._wire.endpoints import Operation, operation_for
from tests.net.crm import (
    SECRET,
    UNAUTHORIZED,
    UNIQUE,
    Crm,
    client_state,
    operation,
    page,
    throttled,
    updates,
)


@define
class Ears:
    """A listener that keeps the events."""

    heard: list[Event] = field(factory=list)

    def __call__(self, event: Event) -> None:
        self.heard.append(event)

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.heard]

    def all(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.heard if type(event) is kind]

    def one(self, kind: type[Event]) -> Any:
        [event] = self.all(kind)
        return event


def listened(
    crm: Crm, call: Operation, source: Any, *listeners: Any, **options: Any
) -> Batch[Any]:
    shared = client_state(crm, **options)
    shared.listeners = Listeners(listeners)
    return Batch(shared, call, source)


def filled(**options: Any) -> Crm:
    crm = Crm(**options)
    crm.fill(50)
    return crm


UPDATE = operation("update")


# ---- the events


async def test_events_of_a_successful_batch() -> None:
    ears = Ears()
    await listened(filled(latency=(1, 1)), UPDATE, updates(3), ears)
    assert ears.names == [
        "BatchBegun",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkSettled",
        "BatchEnded",
    ]
    begun, cut, sent, answered, settled, ended = ears.heard
    batch: Mapping[str, Any] = {
        "account": None,
        "operation": "tickets.update",
        "batch": begun.batch,
    }
    assert begun == BatchBegun(**batch, lane="bulk")
    chunk: Mapping[str, Any] = {
        **batch,
        "first_index": 0,
        "inputs": 3,
    }
    assert cut == ChunkCut(**chunk)
    path = "/crm/v3/objects/tickets/batch/update"
    assert sent == ChunkSent(**chunk, attempt=1, waited=0, method="POST", path=path)
    assert isinstance(answered, ChunkAnswered)
    assert (answered.attempt, answered.status) == (1, 200)
    assert answered.seconds == pytest.approx(1, abs=0.01)
    assert isinstance(settled, ChunkSettled)
    assert (settled.succeeded, settled.failed, settled.inputs) == (3, 0, 3)
    assert settled.seconds == pytest.approx(1, abs=0.01)
    assert isinstance(ended, BatchEnded)
    assert (ended.summary.succeeded, ended.error) == (3, None)
    assert ended.lane == "bulk"


async def test_every_event_names_its_batch() -> None:
    ears = Ears()
    batches = [listened(filled(), UPDATE, updates(3), ears) for _ in range(2)]
    await asyncio.gather(*batches)
    first, second = (event.batch for event in ears.all(BatchBegun))
    assert first != second
    assert [event.batch for event in ears.heard].count(first) == len(ears.heard) // 2
    assert {event.batch for event in ears.heard} == {first, second}


async def test_chunk_sent_says_how_long_the_permit_took() -> None:
    ears = Ears()
    call = operation("update", max_inputs=1)
    await listened(filled(latency=(2, 2)), call, updates(3), ears, workers=1)
    waited = [event.waited for event in ears.all(ChunkSent)]
    assert waited == pytest.approx([0, 0, 0], abs=0.01)  # workers, not permits
    ears.heard.clear()
    crm = filled(script=[throttled(Retry_After="3")])
    await listened(crm, UPDATE, updates(3), ears)
    waited = [event.waited for event in ears.all(ChunkSent)]
    assert waited == pytest.approx([0, 3], abs=0.01)


async def test_chunk_answered_reports_the_remaining_daily_calls() -> None:
    ears = Ears()
    headers = {"X-HubSpot-RateLimit-Daily-Remaining": "249000"}
    answer = Response(503, headers, b"")
    await listened(filled(script=[answer]), UPDATE, updates(3), ears)
    reported = [(one.status, one.daily_remaining) for one in ears.all(ChunkAnswered)]
    assert reported == [(503, 249_000), (200, None)]


async def test_a_request_without_an_answer_emits_chunk_answered() -> None:
    ears = Ears()
    await listened(filled(script=["lost before"]), UPDATE, updates(3), ears)
    assert [event.status for event in ears.all(ChunkAnswered)] == [None, 200]


async def test_the_summary_is_a_copy() -> None:
    ears = Ears()
    batch = listened(filled(), UPDATE, updates(3), ears)
    await batch
    summary = ears.one(BatchEnded).summary
    assert summary == batch.summary
    assert summary is not batch.summary


async def test_every_event_of_a_chunk_names_the_chunk() -> None:
    ears = Ears()
    call = operation("update", max_inputs=4)
    await listened(filled(), call, updates(10), ears)
    cut = [(event.first_index, event.inputs) for event in ears.all(ChunkCut)]
    assert cut == [(0, 4), (4, 4), (8, 2)]


async def test_events_of_a_retry() -> None:
    ears = Ears()
    answer = Response(503, {"X-HubSpot-Correlation-Id": "c-7"}, b"")
    await listened(filled(script=[answer]), UPDATE, updates(3), ears)
    assert ears.names == [
        "BatchBegun",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkRetried",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkSettled",
        "BatchEnded",
    ]
    assert [event.attempt for event in ears.all(ChunkSent)] == [1, 2]
    retried = ears.one(ChunkRetried)
    assert (retried.status, retried.correlation_id) == (503, "c-7")
    assert retried.wait >= 0


async def test_events_of_a_429() -> None:
    ears = Ears()
    crm = filled(script=[throttled(Retry_After="3")])
    await listened(crm, UPDATE, updates(3), ears)
    assert ears.names[4:6] == ["ChunkThrottled", "ChunkRetried"]
    assert ears.one(ChunkThrottled).retry_after == 3
    retried = ears.one(ChunkRetried)
    assert (retried.wait, retried.status, retried.category) == (0, 429, None)


async def test_events_of_isolation_and_a_failure() -> None:
    ears = Ears()
    crm = filled(traced=False)
    inputs = updates(4)
    inputs[2]["properties"]["value"] = "bad-2"
    await listened(crm, UPDATE, inputs, ears)
    isolated = ears.one(ChunkIsolated)
    assert (isolated.inputs, isolated.parts) == (4, 2)
    assert (isolated.status, isolated.category) == (400, "VALIDATION_ERROR")
    assert isolated.correlation_id
    failed = ears.one(InputFailed)
    assert (failed.index, failed.status) == (2, "failed")
    assert (failed.category, failed.property_name) == ("VALIDATION_ERROR", "value")
    assert failed.correlation_id == isolated.correlation_id
    assert len(ears.all(ChunkCut)) == len(ears.all(ChunkSent)) == 3


async def test_events_of_a_failure_that_hubspot_names() -> None:
    ears = Ears()
    inputs = [*updates(2), {"id": "404", "properties": {"value": "x"}}, None]
    await listened(filled(), UPDATE, inputs, ears)
    assert ears.names == [
        "BatchBegun",
        "InputFailed",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkSettled",
        "InputFailed",
        "BatchEnded",
    ]
    invalid, missing = ears.all(InputFailed)
    assert (invalid.index, invalid.category) == (3, "INVALID_INPUT")
    assert (missing.index, missing.category) == (2, "OBJECT_NOT_FOUND")
    settled = ears.one(ChunkSettled)
    assert (settled.succeeded, settled.failed) == (2, 1)


async def test_duplicate_reads_are_all_counted() -> None:
    ears = Ears()
    await listened(filled(), operation("read"), ["1", "404", "1", "404", "2"], ears)
    settled = ears.one(ChunkSettled)
    assert (settled.inputs, settled.succeeded, settled.failed) == (5, 3, 2)
    assert [event.index for event in ears.all(InputFailed)] == [1, 3]


async def test_a_lookup_does_not_settle_its_chunk() -> None:
    ears = Ears()
    call = operation_for(
        "objects", "create", "tickets", api_version="v3", reconcile_by=UNIQUE
    )
    inputs = [{"properties": {UNIQUE: f"n{n}"}} for n in range(2)]
    await listened(Crm(script=["502 before"]), call, inputs, ears)
    assert ears.names == [
        "BatchBegun",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkRetried",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        "ChunkSettled",
        "BatchEnded",
    ]
    # The request in between is a lookup, and is named so.
    assert [event.operation for event in ears.all(ChunkSent)] == [
        "tickets.create",
        "tickets.read",
        "tickets.create",
    ]


async def test_events_of_an_early_end() -> None:
    ears = Ears()
    crm = filled(script=[UNAUTHORIZED])
    with pytest.raises(AuthenticationError):
        await listened(crm, UPDATE, updates(2), ears)
    assert ears.names == [
        "BatchBegun",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        "BatchEnded",
    ]
    ended = ears.one(BatchEnded)
    assert (ended.error, ended.summary.not_sent) == ("AuthenticationError", 2)


async def test_events_of_hubspot_unavailable() -> None:
    ears = Ears()
    crm = filled(always="502 before")
    call = operation("update", max_inputs=2)
    policy = RetryPolicy(attempts=1)
    with pytest.raises(HubSpotUnavailable):
        await listened(crm, call, updates(20), ears, policy=policy, workers=1)
    ended = ears.one(BatchEnded)
    assert (ended.error, ended.summary.not_sent) == ("HubSpotUnavailable", 14)
    # Inputs that were not sent because the batch ended have no events of their own.
    assert [event.index for event in ears.all(InputFailed)] == [*range(6)]


async def test_events_of_a_cancellation() -> None:
    ears = Ears()
    crm = filled(latency=(5, 5))
    task = asyncio.create_task(listened(crm, UPDATE, updates(2), ears))
    await asyncio.sleep(4)
    task.cancel()
    await asyncio.wait([task])
    assert ears.names == [
        "BatchBegun",
        "ChunkCut",
        "ChunkSent",
        "ChunkAnswered",
        *["InputFailed"] * 2,
        "BatchEnded",
    ]
    assert {event.status for event in ears.all(InputFailed)} == {"unknown"}
    assert ears.one(BatchEnded).error == "CancelledError"


async def test_events_of_a_cancellation_before_the_first_step() -> None:
    ears = Ears()
    task = asyncio.create_task(listened(filled(), UPDATE, updates(2), ears))
    task.cancel()
    await asyncio.wait([task])
    assert ears.names == ["BatchBegun", "BatchEnded"]
    assert ears.one(BatchEnded).summary.not_sent == 2


async def test_events_of_a_stream_that_is_left() -> None:
    ears = Ears()
    async with listened(filled(), UPDATE, updates(2), ears) as outcomes:
        async for _ in outcomes:
            break
    assert ears.names[-1] == "BatchEnded"


# ---- the account


@define
class Known:
    """A transport that answers the account query, and passes on the rest."""

    crm: Crm

    async def send(self, request: Request, on_sent: Any) -> Answer:
        if request.path.startswith("/account-info"):
            on_sent()
            return Response(200, {}, b'{"portalId":62515}')
        return await self.crm.send(request, on_sent)

    def retire(self) -> None:
        self.crm.retire()

    async def aclose(self) -> None:
        await self.crm.aclose()


async def test_events_name_the_account_once_it_is_known() -> None:
    ears = Ears()
    hub = HubBatch(SECRET, listeners=[ears])
    hub._state.transport = Known(filled())
    async with hub:
        await hub.tickets.update(updates(1))
        assert {event.account for event in ears.heard} == {None}
        assert await hub.account() == Account(62515)
        ears.heard.clear()
        await hub.tickets.update([*updates(1), {}])
        assert {event.account for event in ears.heard} == {"62515"}
        assert len(ears.heard) == 7


# ---- secrets


async def test_events_contain_no_value_message_or_token() -> None:
    """They would end up in logs."""
    ears = Ears()
    script: Sequence[Any] = [
        page(502),
        throttled(),
        Response(400, {}, b'{"message":"the-message quotes the-value"}'),
    ]
    crm = filled(script=script, traced=False)
    inputs: list[Mapping[str, Any]] = [
        {"id": str(n), "properties": {"value": f"bad-the-value-{n}"}}
        for n in range(1, 4)
    ]
    inputs += [{"id": "1", "properties": {"value": float("nan")}}]
    await listened(crm, UPDATE, inputs, ears)
    assert {type(event) for event in ears.heard} == {
        BatchBegun,
        ChunkAnswered,
        ChunkCut,
        ChunkSent,
        ChunkRetried,
        ChunkThrottled,
        ChunkIsolated,
        InputFailed,
        BatchEnded,
    }
    reported = repr(ears.heard)
    for secret in ("the-value", "the-message", "is bad", "nan", SECRET, "pat-"):
        assert secret not in reported


def test_events_are_frozen_and_have_slots() -> None:
    event = ChunkEvent(account=None, operation="x", first_index=0, inputs=1)
    with pytest.raises(AttributeError):
        event.inputs = 2  # type: ignore[misc] # that is the point


# ---- failing listeners


class Careless:
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, _: Event) -> None:
        self.calls += 1
        raise self.error


@pytest.mark.parametrize("error", [ValueError(SECRET), asyncio.CancelledError()])
async def test_a_listener_that_raises_does_not_affect_the_batch(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported once, by type only, and the other listeners are still called."""
    careless, ears = Careless(error), Ears()
    with caplog.at_level(logging.WARNING, logger="hubbatch"):
        response = await listened(filled(), UPDATE, updates(3), careless, ears)
    assert response.succeeded == 3
    assert careless.calls == len(ears.heard) == 6
    [record] = caplog.records
    assert (record.name, record.levelname) == ("hubbatch", "WARNING")
    assert type(error).__name__ in record.getMessage()
    assert "BatchBegun" in record.getMessage()
    assert SECRET not in caplog.text


async def test_each_listener_that_raises_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listeners = [Careless(ValueError()), Careless(KeyError())]
    await listened(filled(), UPDATE, updates(3), *listeners)
    assert len(caplog.records) == 2


async def test_no_events_are_created_without_listeners_and_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, logger="hubbatch")

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("an event was made")

    for kind in (BatchBegun, BatchEnded, ChunkCut, ChunkIsolated, ChunkSent):
        monkeypatch.setattr(kind, "__init__", fail)
    for other in (
        ChunkAnswered,
        ChunkRetried,
        ChunkSettled,
        ChunkThrottled,
        InputFailed,
    ):
        monkeypatch.setattr(other, "__init__", fail)
    crm = filled(script=["502 before", "throttled"], traced=False)
    inputs = updates(4)
    inputs[2]["properties"]["value"] = "bad-2"
    response = await listened(crm, UPDATE, inputs)
    assert (response.succeeded, len(response.failed)) == (3, 1)

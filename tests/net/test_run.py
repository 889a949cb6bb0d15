"""How a run takes inputs in, when chunks leave, and how much is held."""

import asyncio

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from math import ceil
from typing import Any

import orjson
import pytest

from attrs import define

from hubbatch import Outcome, PermissionDeniedError, RateLimit
from hubbatch._http import Response
from hubbatch._limits.window import Window
from hubbatch._net.run_options import RunOptions
from hubbatch._wire import bodies
from tests.net.crm import (
    Crm,
    Heard,
    batch,
    client_state,
    legacy,
    operation,
    refusal,
    updates,
)
from tests.outcomes.helpers import Notebook


async def trickle(*parts: object) -> AsyncIterator[Any]:
    """Give lists of inputs at once; a number is a pause in seconds."""
    for part in parts:
        if isinstance(part, list):
            for given in part:
                yield given
        else:
            assert isinstance(part, int | float)
            await asyncio.sleep(part)


@pytest.mark.parametrize("max_inputs", [10, 100, 130])
@pytest.mark.parametrize("bad", [(), (0,), (3, 250)])
async def test_chunks_are_sent_as_they_were_encoded(
    max_inputs: int, bad: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid input makes one block smaller, and leaves all others whole."""

    split, splits = bodies._split, []

    def counted(joined: bytes) -> Any:
        splits.append(joined)
        return split(joined)

    monkeypatch.setattr(bodies, "_split", counted)
    crm = Crm()
    crm.fill(1_000)
    inputs = updates(1_000)
    for index in bad:
        inputs[index] = {"id": "1"}
    running = batch(crm, operation("update", max_inputs=max_inputs), inputs)
    response = await running

    assert response.succeeded == 1_000 - len(bad)
    assert running.summary.requests == ceil(response.succeeded / max_inputs)
    assert splits == []


@define
class Counted:
    """An endless source that counts how far it was read, and how far at most ahead."""

    crm: Crm
    ids: Sequence[str] = ()
    pulled: int = 0
    ahead: int = 0

    def __iter__(self) -> Iterator[Any]:
        while True:
            self.pulled += 1
            done = len(self.crm.writes)
            self.ahead = max(self.ahead, self.pulled - done)
            number = self.ids[self.pulled % len(self.ids)] if self.ids else self.pulled
            yield {"id": str(number), "properties": {"value": f"v{self.pulled}"}}

    async def __aiter__(self) -> AsyncIterator[Any]:
        for given in iter(self):
            yield given


def sizes(crm: Crm) -> list[int]:
    return [len(heard.inputs) for heard in crm.heard]


def filled(count: int = 500, **options: Any) -> Crm:
    crm = Crm(**options)
    crm.fill(count)
    return crm


# ---- when chunks leave


async def test_a_list_leaves_in_full_chunks_at_once() -> None:
    crm = filled()
    response = await batch(crm, operation("update"), updates(250), workers=8)
    assert response.succeeded == 250
    assert sorted(sizes(crm)) == [50, 100, 100]
    assert max(heard.at for heard in crm.heard) < 0.001


async def test_no_more_requests_than_workers_at_a_time() -> None:
    crm = filled()
    call = operation("update", max_inputs=10)
    await batch(crm, call, updates(500), workers=3)
    assert crm.most_flying == 3


@pytest.mark.parametrize("source", [[], (), iter(())])
async def test_nothing_in_nothing_sent(source: Any) -> None:
    crm = Crm()
    made = batch(crm, operation("update"), source)
    response = await made
    assert (list(response.outcomes), response.status) == ([], "COMPLETE")
    assert crm.heard == []


async def test_chunks_are_cut_when_they_may_leave() -> None:
    """While the gate holds, inputs gather: batches grow under load by themselves."""
    crm = filled()
    slow = RateLimit(1, interval=5.0, burst=1)
    source = trickle(updates(1), *(part for n in range(2, 42) for part in (0.1, [n])))

    async def as_inputs() -> AsyncIterator[Any]:
        async for given in source:
            number = given if isinstance(given, int) else 1
            yield updates(1, number)[0]

    response = await batch(crm, operation("update"), as_inputs(), rate_limit=slow)
    assert response.succeeded == 41
    assert sizes(crm)[0] <= 2
    assert sizes(crm)[1] == 41 - sizes(crm)[0]


async def test_worker_whose_work_was_taken_gives_way() -> None:
    """Two wait for a permit, the first takes all there is; the other costs nothing."""
    crm = filled()
    call = operation("update", max_inputs=10)
    shared = client_state(crm, rate_limit=RateLimit(1, interval=2.0, burst=1))
    shared.gate.hold(1.0)
    made = batch(crm, call, trickle(updates(15), 60))
    made._state = shared
    task = asyncio.create_task(made)
    await asyncio.sleep(50)
    assert sizes(crm) == [10, 5]
    assert shared.gate.granted == 2
    await task
    assert shared.gate.granted == 2


async def test_partial_chunk_leaves_after_lingering() -> None:
    crm = filled(latency=(0, 0))
    response = await batch(crm, operation("update"), trickle(updates(3), 10))
    assert response.succeeded == 3
    assert [round(heard.at, 2) for heard in crm.heard] == [0.1]


async def test_linger_is_the_callers() -> None:
    crm = filled(latency=(0, 0))
    source = trickle(updates(3), 10)
    await batch(crm, operation("update"), source, linger=2.5)
    assert [round(heard.at, 2) for heard in crm.heard] == [2.5]


async def test_end_of_the_source_ends_the_lingering() -> None:
    crm = filled(latency=(0, 0))
    await batch(crm, operation("update"), trickle(updates(3)), linger=60)
    assert [round(heard.at, 2) for heard in crm.heard] == [0.0]


async def test_full_chunk_does_not_linger() -> None:
    crm = filled(latency=(0, 0))
    call = operation("update", max_inputs=3)
    await batch(crm, call, trickle(updates(3), 10), linger=5)
    assert [round(heard.at, 2) for heard in crm.heard] == [0.0]


async def test_each_burst_of_a_trickling_source_lingers_anew() -> None:
    """A timer of the burst before must not let one input of the next leave alone."""
    crm = filled(latency=(0, 0))
    call = operation("update", max_inputs=3)
    second = [part for n in (4, 5, 6) for part in (updates(1, n), 0.01)]
    await batch(crm, call, trickle(updates(3), 1, *second, 10))
    assert sizes(crm) == [3, 3]


async def test_rest_behind_a_full_chunk_lingers_while_that_is_under_way() -> None:
    """It does not wait for an answer that may take a minute."""
    crm = filled(latency=(60, 60))
    call = operation("update", max_inputs=3)
    await batch(crm, call, trickle(updates(5), 600))
    assert [(len(heard.inputs), round(heard.at, 1)) for heard in crm.heard] == [
        (3, 0.0),
        (2, 0.1),
    ]


async def test_rest_behind_a_full_chunk_that_had_to_wait_lingers_too() -> None:
    """The wait for the permit has used up the timer; there must be another one."""
    crm = filled(latency=(60, 60))
    call = operation("update", max_inputs=3)
    made = batch(crm, call, trickle(updates(5), 600), workers=2)
    made._state.gate.hold(1)
    await made
    assert [(len(heard.inputs), round(heard.at, 1)) for heard in crm.heard] == [
        (3, 1.0),
        (2, 1.1),
    ]


async def test_held_back_key_follows_while_the_source_is_silent() -> None:
    crm = filled(latency=(1, 1))
    twice = [*updates(1), *updates(1)]
    made = batch(crm, operation("update"), trickle(twice, 600))
    task = asyncio.create_task(made)
    await asyncio.sleep(10)
    assert made.summary.succeeded == 2
    assert [round(heard.at, 1) for heard in crm.heard] == [0.1, 1.2]
    await task


async def test_equal_ids_of_a_read_share_one_request() -> None:
    crm = filled()
    response = await batch(crm, operation("read"), ["7", "8", "7", 7, {"id": "7"}])
    assert [heard.ids for heard in crm.heard] == [["7", "8"]]
    assert [outcome.id for outcome in response.outcomes] == ["7", "8", "7", "7", "7"]


# ---- how much is held

WINDOW = 2 * 4 * 10  # workers x inputs a call, and as much again


@pytest.mark.parametrize("ids", [(), ("7",), ("7", "8", "7")])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_source_is_not_read_beyond_the_window(
    ids: Sequence[str], *, asynchronous: bool
) -> None:
    """A key that comes again and again stops the pulling, never the memory."""
    crm = filled(100_000, traced=False)
    source = Counted(crm, ids)
    call = operation("update", max_inputs=10)
    made = batch(crm, call, aiter(source) if asynchronous else iter(source), workers=4)
    task = asyncio.create_task(made)
    await asyncio.sleep(1)
    assert len(crm.heard) > 10
    # The block that is being pulled is counted while nothing of it can be written.
    assert source.ahead <= WINDOW + 1
    task.cancel()
    await asyncio.wait([task])
    assert made.summary.inputs == made.summary.settled >= source.pulled - 1


async def test_consumer_of_a_stream_that_does_not_look_stops_the_pulling() -> None:
    crm = filled(100_000)
    source = Counted(crm)
    made = batch(crm, operation("update", max_inputs=10), iter(source), workers=4)
    async with made as stream:
        await anext(stream)
        await asyncio.sleep(600)
        # What the stream holds, and each worker's chunk on top of it.
        assert 1_000 <= made.summary.succeeded <= 1_000 + 4 * 10 + 1
        assert source.pulled <= 1_000 + 2 * WINDOW
        count = 0
        async for _ in stream:
            count += 1
            if count == 3_000:
                break
    assert source.pulled > 3_000


# ---- a source that fails


class OwnError(Exception):
    """The source's own."""


def failing(count: int) -> Iterator[Any]:
    yield from updates(count)
    raise OwnError


async def failing_later(count: int) -> AsyncIterator[Any]:
    for given in updates(count):
        yield given
    await asyncio.sleep(30)
    raise OwnError


async def test_what_was_sent_is_delivered_before_the_sources_error() -> None:
    crm = filled(latency=(1, 1))
    call = operation("update", max_inputs=100)
    made = batch(crm, call, failing(250))
    with pytest.raises(OwnError):
        await made
    assert made.response is not None
    statuses = [outcome.status.value for outcome in made.response.outcomes]
    assert statuses == ["succeeded"] * 200 + ["not_sent"] * 50
    assert len(crm.heard) == 2


async def test_what_was_sent_is_delivered_before_an_async_sources_error() -> None:
    crm = filled()
    made = batch(crm, operation("update"), failing_later(150))
    with pytest.raises(OwnError):
        await made
    assert made.response is not None
    assert made.response.succeeded == 150


async def test_source_that_fails_while_everybody_is_held_back() -> None:
    """Its error does not wait for the gate; nothing of it is sent any more."""
    crm = filled()
    made = batch(crm, operation("update", max_inputs=10), failing_later(70))
    made._state.gate.hold(80_000)
    with pytest.raises(OwnError):
        await made
    assert 30 <= asyncio.get_running_loop().time() < 31
    assert made.summary.not_sent == 70
    assert crm.heard == []
    assert made._state.gate.granted == 0


async def test_stream_raises_the_sources_error_after_the_last_outcome() -> None:
    crm = filled()
    seen: list[Outcome[Any]] = []
    async with batch(crm, operation("update"), failing(150)) as stream:
        while len(seen) < 150:
            seen.append(await anext(stream))
        with pytest.raises(OwnError):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert sorted(outcome.index for outcome in seen) == [*range(150)]


async def test_source_that_raises_stop_async_iteration_has_not_ended() -> None:
    def source() -> Iterator[Any]:
        yield from updates(150)
        raise StopAsyncIteration

    with pytest.raises(RuntimeError, match="the source raised StopAsyncIteration"):
        await batch(filled(), operation("update"), source())
    async with batch(filled(), operation("update"), source()) as stream:
        for _ in range(150):
            await anext(stream)
        with pytest.raises(RuntimeError, match="the source raised StopAsyncIteration"):
            await anext(stream)


async def test_an_iterator_is_released_when_its_batch_has_ended() -> None:
    """Otherwise the traceback of an error would keep a query open."""
    closed: list[str] = []

    class Query:
        def __iter__(self) -> Iterator[Any]:
            try:
                yield from updates(50_000)
            finally:
                closed.append("now")

    made = batch(filled(), operation("update"), Query())
    async with made as stream:
        await anext(stream)
    assert closed == ["now"]


async def test_task_that_waits_for_an_outcome_sees_that_the_block_was_left() -> None:
    async def never() -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield None

    async with batch(filled(), operation("update"), never()) as stream:
        waiting = asyncio.create_task(anext(stream, "the end"))
        await asyncio.sleep(1)
    assert await waiting == "the end"


async def test_source_that_cannot_begin() -> None:
    class Broken:
        def __iter__(self) -> Iterator[Any]:
            raise OwnError

    made = batch(Crm(), operation("update"), Broken())
    with pytest.raises(OwnError):
        await made
    assert made.summary.inputs == 0


# ---- a source that was cancelled, and not we


async def on_something_cancelled() -> None:
    """Await what somebody else has cancelled."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


def cancelled_generator(count: int) -> Iterator[Any]:
    yield from updates(count)
    raise asyncio.CancelledError


async def cancelled_async_generator(count: int) -> AsyncIterator[Any]:
    for given in updates(count):
        yield given
    await asyncio.sleep(30)
    await on_something_cancelled()


class CancelledIterator:
    """An async iterator without anything that an async generator has besides."""

    def __init__(self, count: int) -> None:
        self.left = updates(count)

    def __aiter__(self) -> "CancelledIterator":
        return self

    async def __anext__(self) -> Any:
        if not self.left:
            await asyncio.sleep(30)
            await on_something_cancelled()
        return self.left.pop(0)


CANCELLED: dict[str, tuple[Callable[[int], Any], list[str]]] = {
    # A generator does not wait: what has not left by then is not sent.
    "generator": (cancelled_generator, ["succeeded"] * 200 + ["not_sent"] * 50),
    "async generator": (cancelled_async_generator, ["succeeded"] * 250),
    "async iterator": (CancelledIterator, ["succeeded"] * 250),
}


@pytest.mark.parametrize(("source", "fates"), CANCELLED.values(), ids=CANCELLED)
async def test_source_that_is_cancelled_is_not_at_its_end(
    source: Callable[[int], Any], fates: list[str]
) -> None:
    """To take it for the end would lose the rest of the records silently."""
    crm = filled(latency=(1, 1))
    made = batch(crm, operation("update"), source(250))
    with pytest.raises(asyncio.CancelledError):
        await made
    assert made.response is not None
    assert [outcome.status.value for outcome in made.response.outcomes] == fates
    assert made.summary.inputs == 250
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("source", "fates"), CANCELLED.values(), ids=CANCELLED)
async def test_stream_of_a_source_that_is_cancelled(
    source: Callable[[int], Any], fates: list[str]
) -> None:
    seen: dict[int, str] = {}
    async with batch(filled(), operation("update"), source(250)) as stream:
        while len(seen) < 250:
            outcome = await anext(stream)
            seen[outcome.index] = outcome.status.value
        with pytest.raises(asyncio.CancelledError):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert [seen[index] for index in range(250)] == fates
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("source", [cancelled_generator, cancelled_async_generator])
async def test_source_that_is_cancelled_at_once(source: Callable[[int], Any]) -> None:
    crm = filled()
    made = batch(crm, operation("update"), source(0))
    with pytest.raises(asyncio.CancelledError):
        await made
    assert (made.summary.inputs, crm.heard) == (0, [])


async def test_source_that_cannot_begin_because_it_is_cancelled() -> None:
    class Broken:
        def __iter__(self) -> Iterator[Any]:
            raise asyncio.CancelledError

    made = batch(Crm(), operation("update"), Broken())
    with pytest.raises(asyncio.CancelledError):
        await made
    assert made.summary.inputs == 0


async def waiting_source(count: int) -> AsyncIterator[Any]:
    for given in updates(count):
        yield given
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("shown", ["itself", "another error", "one more input"])
async def test_cancellation_from_outside_while_the_source_waits(shown: str) -> None:
    """Whatever the source makes of it, the batch is cancelled."""

    async def source() -> AsyncIterator[Any]:
        try:
            async for given in waiting_source(150):
                yield given
        except asyncio.CancelledError:
            if shown == "itself":
                raise
            if shown == "another error":
                raise OwnError from None
            yield updates(1, 151)[0]

    crm = filled()
    made = batch(crm, operation("update"), source())
    task = asyncio.create_task(made)
    await asyncio.sleep(10)
    task.cancel()
    await asyncio.wait([task], timeout=100)
    assert task.cancelled()
    late = shown == "one more input"
    assert (made.summary.succeeded, made.summary.not_sent) == (150, int(late))
    assert len(asyncio.all_tasks()) == 1


async def test_source_that_was_cancelled_after_a_cancellation_from_outside() -> None:
    """The task has been cancelled before, and has got over it."""
    made = batch(filled(), operation("update"), cancelled_async_generator(150))

    async def use() -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await made

    task = asyncio.create_task(use())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task], timeout=100)
    assert task.cancelled()
    assert made.summary.succeeded == 150


# ---- a length that is none


class Bar:
    """A progress bar around a generator: it has a length, and does not know it."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source

    def __len__(self) -> int:
        raise TypeError("'NoneType' object cannot be interpreted as an integer")

    def __iter__(self) -> Iterator[Any]:
        return self.source


class Cursor:
    """A database's cursor: an iterator that knows how many rows there are."""

    def __init__(self, source: list[Any]) -> None:
        self.rows = source
        self.source = iter(source)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> "Cursor":
        return self

    def __next__(self) -> Any:
        return next(self.source)


UNSIZED: dict[str, Callable[[list[Any]], Any]] = {
    "bar": lambda rows: Bar(iter(rows)),
    "cursor": Cursor,
}


@pytest.mark.parametrize("make", UNSIZED.values(), ids=UNSIZED)
@pytest.mark.parametrize("max_failures", [None, "auto", 5, "5%"])
async def test_length_that_is_none(
    make: Callable[[list[Any]], Any], max_failures: int | str | None
) -> None:
    source = make(updates(250))
    made = batch(filled(), operation("update"), source, max_failures=max_failures)
    assert (await made).succeeded == 250


@pytest.mark.parametrize("make", UNSIZED.values(), ids=UNSIZED)
async def test_iterator_with_a_length_is_left_alone_after_the_end(
    make: Callable[[list[Any]], Any],
) -> None:
    """Only a collection is accounted for to its end."""
    rows = updates(10_000)
    source = make(rows)
    forbidden = refusal(403, "no", "MISSING_SCOPES")
    made = batch(
        filled(always=forbidden),
        operation("update", max_inputs=10),
        source,
        workers=2,
    )
    with pytest.raises(PermissionDeniedError):
        await made
    assert 0 < made.summary.inputs == made.summary.not_sent < 1_000
    assert len([*source.source]) == 10_000 - made.summary.inputs


async def test_collection_that_fails_is_accounted_for_as_far_as_it_goes() -> None:
    class Lazy(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            yield from updates(150)
            raise OwnError

    made = batch(filled(), operation("update"), Lazy([None] * 250))
    with pytest.raises(OwnError):
        await made
    assert made.summary.inputs == made.summary.settled == 150


async def test_collection_is_accounted_for_to_its_end() -> None:
    forbidden = refusal(403, "no", "MISSING_SCOPES")
    made = batch(filled(always=forbidden), operation("update"), updates(10_000))
    with pytest.raises(PermissionDeniedError):
        await made
    assert made.summary.inputs == made.summary.not_sent == 10_000


# ---- one record, written in two ways


async def test_two_spellings_of_an_id_are_one_record() -> None:
    """The later one waits, so that the order within the record holds."""

    def answer(heard: Heard) -> Response:
        ids = [str(int(item["id"])) for item in heard.inputs]
        assert len(set(ids)) == len(ids)
        results = [{"id": text, "properties": {}} for text in ids]
        return Response(200, {}, orjson.dumps({"results": results}))

    crm = Crm(always=answer)
    inputs = [
        {"id": given, "properties": {"value": f"v{place}"}}
        for place, given in enumerate([512, "0512", "7", "512", "000512"])
    ]
    response = await batch(crm, operation("update"), inputs)
    assert [outcome.id for outcome in response.outcomes] == ["512"] * 2 + ["7"] + [
        "512"
    ] * 2
    assert [outcome.status for outcome in response.outcomes] == ["succeeded"] * 5
    values = [
        item["properties"]["value"]
        for heard in sorted(crm.heard, key=lambda heard: heard.at)
        for item in heard.inputs
        if item["id"] != "7"
    ]
    assert values == ["v0", "v1", "v3", "v4"]


async def test_two_spellings_of_a_legacy_id_are_one_record() -> None:
    crm = filled(600)
    inputs = [
        {"objectId": given, "properties": {"value": f"v{place}"}}
        for place, given in enumerate([512, "0512", 7, "512"])
    ]
    response = await batch(crm, legacy(), inputs)
    assert response.succeeded == 4
    assert [heard.ids for heard in crm.heard] == [["512", "7"], ["512"], ["512"]]
    assert crm.records["512"]["value"] == "v3"


async def test_two_spellings_of_an_id_share_a_read() -> None:
    crm = filled(600)
    response = await batch(crm, operation("read"), [512, "0512", "512"])
    assert [outcome.id for outcome in response.outcomes] == ["512"] * 3
    assert [heard.ids for heard in crm.heard] == [["512"]]


async def test_async_generator_is_closed_when_the_batch_ends() -> None:
    closed = []

    async def source() -> AsyncIterator[Any]:
        try:
            for given in updates(100_000):
                yield given
        finally:
            closed.append(True)

    crm = filled(100_000)
    async with batch(crm, operation("update"), source()) as stream:
        await anext(stream)
    assert closed == [True]


async def test_async_iterator_without_aclose() -> None:
    class Numbers:
        left = 3

        def __aiter__(self) -> "Numbers":
            return self

        async def __anext__(self) -> Any:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return updates(1, self.left + 1)[0]

    response = await batch(filled(), operation("update"), Numbers())
    assert response.succeeded == 3


async def test_bad_record_fails_alone_and_is_never_sent() -> None:
    crm = filled()
    inputs = [*updates(2), {"id": "512.0", "properties": {}}, None, *updates(1, 3)]
    response = await batch(crm, operation("update"), inputs)
    assert response.succeeded == 3
    assert [failure.index for failure in response.failures] == [2, 3]
    for failure in response.failures:
        assert failure.error is not None
        assert failure.error.category == "INVALID_INPUT"
        assert failure.error.origin == "hubbatch"
        assert failure.attempts == 0
    assert [heard.ids for heard in crm.heard] == [["1", "2", "3"]]


# ---- a machine that is broken


async def test_error_of_ours_ends_the_batch_and_is_raised() -> None:
    """What is in flight beside it is unknown, the rest not sent; nothing runs on."""

    class Broken(Crm):
        async def send(self, request: Any, on_sent: Any) -> Any:
            if len(self.heard) == 2:
                raise OwnError
            return await super().send(request, on_sent)

    crm = Broken(latency=(10, 10))
    crm.fill(500)
    made = batch(crm, operation("update", max_inputs=10), updates(500), workers=3)
    with pytest.raises(OwnError):
        await made
    assert made.response is not None
    assert made.summary.settled == 500
    assert made.summary.not_sent >= 470
    assert len(asyncio.all_tasks()) == 1


async def test_gate_of_ours_that_breaks_ends_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No chunk has been cut by then: nothing is unknown."""

    def broken(_window: Window, _now: float) -> float:
        raise OwnError

    monkeypatch.setattr(Window, "next_grant", broken)
    crm = filled()
    made = batch(crm, operation("update", max_inputs=10), updates(50), workers=3)
    with pytest.raises(OwnError):
        await made
    assert made.summary.not_sent == 50
    assert crm.heard == []
    assert made._state.gate.allowance.free == 3
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_consumer_of_ours_that_breaks_ends_the_batch(turns: int) -> None:
    """Whoever waits for it, the pump or a worker."""
    asked = 0

    async def ready() -> None:
        nonlocal asked
        asked += 1
        if asked == turns:
            raise OwnError

    crm = filled()
    notebook = Notebook()
    call = operation("update", max_inputs=10)
    run = client_state(crm, workers=2).new_run(call, notebook, RunOptions(ready=ready))
    with pytest.raises(OwnError):
        await run.execute(updates(500))
    assert run.summary.inputs == run.summary.settled == 500
    assert [*notebook.statuses] == [*range(500)]
    assert len(asyncio.all_tasks()) == 1

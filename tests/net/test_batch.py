"""A batch: every way to use it, and to stop using it."""

import asyncio
import gc
import inspect
import math
import weakref

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest

from hubbatch import (
    Batch,
    BatchFailed,
    HubBatchError,
    Outcome,
    PermissionDeniedError,
    RateLimit,
    RetryPolicy,
)
from hubbatch._wire.endpoints import Verb
from tests.net.crm import (
    SECRET,
    Crm,
    Fate,
    batch,
    client_state,
    operation,
    refusal,
    updates,
)


FORBIDDEN = refusal(403, "Not granted.", "MISSING_SCOPES")


def crm_of(count: int = 500, **options: Any) -> Crm:
    crm = Crm(**options)
    crm.fill(count)
    return crm


def updating(
    count: int = 250, source: Any = None, crm: Crm | None = None, **options: Any
) -> Batch[Any]:
    return batch(
        crm or crm_of(), operation("update"), source or updates(count), **options
    )


def settled(made: Batch[Any]) -> bool:
    """Check that nothing runs and that every input that was taken has an outcome."""
    assert len(asyncio.all_tasks()) == 1
    assert made.summary.inputs == made.summary.settled
    return True


# ---- ways to await


async def by_await(made: Batch[Any]) -> Any:
    return await made


def itself(made: Batch[Any]) -> Any:
    return made


async def by_gather(made: Batch[Any]) -> Any:
    [response] = await asyncio.gather(made)
    return response


async def by_task(made: Batch[Any]) -> Any:
    return await asyncio.create_task(made)


async def by_group(made: Batch[Any]) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made)
    return task.result()


async def by_timeout(made: Batch[Any]) -> Any:
    async with asyncio.timeout(600):
        return await made


async def by_wait_for(made: Batch[Any]) -> Any:
    return await asyncio.wait_for(made, 600)


async def by_shield(made: Batch[Any]) -> Any:
    return await asyncio.shield(made)


WAYS = [by_await, by_gather, by_task, by_group, by_timeout, by_wait_for, by_shield]
Way = Callable[[Batch[Any]], Awaitable[Any]]


@pytest.mark.parametrize("way", WAYS)
async def test_awaiting_returns_the_combined_response(way: Way) -> None:
    made = updating()
    response = await way(made)
    assert response is made.response
    assert response is not None
    assert [result.id for result in response.results] == [
        str(number) for number in range(1, 251)
    ]
    assert made.summary.succeeded == 250
    assert made.summary.seconds > 0
    assert settled(made)


async def test_results_are_freed_with_the_response() -> None:
    """Results are freed by reference counting, without a garbage collection."""
    gc.collect()
    gc.disable()
    try:
        response = await updating()
        result = weakref.ref(response.outcomes)
        assert result() is not None
        del response
        assert result() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("way", [way for way in WAYS if way is not by_group])
async def test_awaiting_raises_the_error_that_ends_the_batch(way: Way) -> None:
    made = updating(crm=crm_of(always=FORBIDDEN))
    with pytest.raises(PermissionDeniedError) as caught:
        await way(made)
    assert caught.value.response is made.response
    assert caught.value.summary is made.summary
    assert made.summary.not_sent == 250
    assert settled(made)


def test_a_batch_is_a_coroutine() -> None:
    made = updating(1)
    assert asyncio.iscoroutine(made)
    assert inspect.isawaitable(made)
    made.close()


async def test_many_batches_run_concurrently() -> None:
    crm = crm_of()
    shared = client_state(crm)
    call = operation("update")
    made: list[Batch[Any]] = [Batch(shared, call, updates(250)) for _ in range(4)]
    responses = await asyncio.gather(*made)
    assert [response.succeeded for response in responses] == [250] * 4


# ---- timeouts


async def timed_out_by_timeout(made: Batch[Any]) -> Any:
    async with asyncio.timeout(1):
        return await made


async def timed_out_by_wait_for(made: Batch[Any]) -> Any:
    return await asyncio.wait_for(made, 1)


@pytest.mark.parametrize("way", [timed_out_by_timeout, timed_out_by_wait_for])
async def test_timeout_sets_the_response(way: Way) -> None:
    """Inputs in flight are unknown, the others are not sent."""
    crm = crm_of(latency=(0.6, 0.6))
    made = updating(500, crm=crm, workers=2)
    with pytest.raises(TimeoutError):
        await way(made)
    assert made.response is not None
    assert (made.summary.succeeded, made.summary.unknown, made.summary.not_sent) == (
        200,
        200,
        100,
    )
    assert len(made.response.outcomes) == 500
    assert [made.response.outcomes[place].status for place in (0, 200, 499)] == [
        "succeeded",
        "unknown",
        "not_sent",
    ]
    assert settled(made)


async def test_timeout_inside_a_stream() -> None:
    made = updating(500, crm=crm_of(latency=(0.6, 0.6)), workers=2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await consume(made)
    assert made.summary.succeeded == 200
    assert made.summary.unknown == 200
    assert settled(made)


# ---- cancelled at every step


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def consume(made: Batch[Any]) -> int:
    count = 0
    async with made as stream:
        async for _ in stream:
            count += 1
    return count


async def listen(stream: AsyncIterator[Outcome[Any]], seen: list[int]) -> None:
    async for outcome in stream:
        seen.append(outcome.index)  # noqa: PERF401 -- it may raise on the way


def list_of(count: int) -> Any:
    return updates(count)


def generator_of(count: int) -> Any:
    yield from updates(count)


async def async_generator_of(count: int) -> AsyncIterator[Any]:
    for item in updates(count):
        await asyncio.sleep(0)
        yield item


SCRIPTS: dict[str, list[Fate]] = {
    "fine": [],
    "refused and lost": ["refused", "502 after", "refused"],
    "forbidden at last": ["fine", FORBIDDEN],
}


@pytest.mark.parametrize(("way", "first"), [(itself, 0), (consume, 1)])
@pytest.mark.parametrize("source", [list_of, generator_of, async_generator_of])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("verb", ["update", "create"])
async def test_cancelled_at_every_step(
    way: Callable[[Batch[Any]], Coroutine[Any, Any, Any]],
    first: int,
    source: Callable[[int], Any],
    script: list[Fate],
    verb: Verb,
) -> None:
    """At the n-th iteration of the loop, for every n until the batch completes."""
    policy = RetryPolicy(base=1e-9)  # the clock hardly advances
    for step in range(first, 1_000):
        crm = crm_of(12, script=script, latency=(0.0, 0.0))
        call = operation(verb, max_inputs=4)
        inputs = source(12)
        if verb == "create":
            inputs = [{"properties": {"value": f"v{place}"}} for place in range(12)]
        shared = client_state(crm, workers=2, policy=policy)
        made: Batch[Any] = Batch(shared, call, inputs)
        task = asyncio.create_task(way(made))
        await turns(step)
        task.cancel()
        await asyncio.wait([task])
        assert settled(made)
        assert shared.gate.granted == len(crm.heard)
        assert shared.gate.allowance.free == 2
        if isinstance(inputs, list):
            assert made.summary.inputs == 12
        check_writes(crm, made)
        if not task.cancelled():
            assert step > 5
            assert isinstance(task.exception(), PermissionDeniedError | None)
            return
    pytest.fail("it never completes")


def check_writes(crm: Crm, made: Batch[Any]) -> None:
    written = {value for _, value in crm.writes}
    assert len(written) <= made.summary.succeeded + made.summary.unknown
    if made.response is None:
        return
    for outcome in made.response.outcomes:
        value = outcome.input["properties"]["value"]
        if outcome.status in ("failed", "not_sent"):
            assert value not in written
        if outcome.status == "succeeded":
            assert value in written


async def test_cancelling_before_the_first_step_records_a_list() -> None:
    crm = crm_of()
    made = updating(250, crm=crm)
    task = asyncio.create_task(made)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert made.response is not None
    assert made.summary.not_sent == 250
    assert len(made.response.outcomes) == 250
    assert made.response.outcomes[249].status == "not_sent"
    assert crm.heard == []
    assert settled(made)


async def test_cancelling_before_the_first_step_does_not_read_an_iterator() -> None:
    source = iter(updates(3))
    made = updating(source=source)
    task = asyncio.create_task(made)
    task.cancel()
    await asyncio.wait([task])
    assert made.summary.inputs == 0
    assert len(list(source)) == 3


async def test_leaving_a_stream_before_its_first_step() -> None:
    crm = crm_of()
    made = updating(250, crm=crm)
    async with made:
        pass
    assert crm.heard == []
    assert made.summary.not_sent == 250
    assert settled(made)


# ---- streams


async def test_stream() -> None:
    made = updating()
    seen = []
    async with made as stream:
        async for outcome in stream:
            seen.append(outcome)
            assert outcome.status == "succeeded"
            assert outcome.result is not None
            assert outcome.id == outcome.input["id"] == outcome.result.id
    assert sorted(outcome.index for outcome in seen) == [*range(250)]
    assert made.summary.succeeded == 250
    assert made.response is None
    assert settled(made)


async def test_stream_yields_an_outcome_for_every_duplicate_read() -> None:
    crm = crm_of()
    seen = {}
    async with batch(crm, operation("read"), ["1", "2", "1", "999", "999"]) as stream:
        async for outcome in stream:
            seen[outcome.index] = (outcome.id, outcome.status.value)
    assert seen == {
        0: ("1", "succeeded"),
        1: ("2", "succeeded"),
        2: ("1", "succeeded"),
        3: ("999", "failed"),
        4: ("999", "failed"),
    }


async def test_stream_yields_while_the_batch_runs() -> None:
    made = updating(500, workers=1)
    async with made as stream:
        await anext(stream)
        assert made.summary.settled < 500


async def test_break() -> None:
    made = updating(500, workers=2)
    async with made as stream:
        async for _ in stream:
            break
    assert made.summary.inputs == 500
    assert made.summary.succeeded >= 100
    assert settled(made)


async def test_exception_in_the_consumer_ends_the_batch() -> None:
    class OwnError(Exception):
        pass

    made = updating(500)

    async def use() -> None:
        async with made as stream:
            async for _ in stream:
                raise OwnError

    with pytest.raises(OwnError):
        await use()
    assert settled(made)


async def test_consumer_that_left_does_not_get_the_error() -> None:
    made = updating(500, crm=crm_of(script=["fine", FORBIDDEN]), workers=1)
    async with made as stream:
        async for _ in stream:
            break
        await asyncio.sleep(60)
    assert made.summary.not_sent == 400
    assert settled(made)


async def test_consumer_leaves_while_the_run_waits_for_it() -> None:
    made = updating(50_000, crm=crm_of(50_000), workers=2)
    async with made as stream:
        await anext(stream)
        await asyncio.sleep(600)
    assert made.summary.inputs == 50_000
    assert settled(made)


async def test_slow_consumer_gets_everything() -> None:
    made = updating(3_000, crm=crm_of(3_000))
    seen = set()
    async with made as stream:
        async for outcome in stream:
            await asyncio.sleep(0.01)
            seen.add(outcome.index)
    assert seen == {*range(3_000)}


async def test_error_comes_after_the_last_outcome() -> None:
    made = updating(300, crm=crm_of(script=["fine", FORBIDDEN]), workers=1)
    seen: list[Outcome[Any]] = []
    async with made as stream:
        while len(seen) < 300:
            seen.append(await anext(stream))
        with pytest.raises(PermissionDeniedError) as caught:
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert caught.value.summary is made.summary
    assert caught.value.response is None
    assert {outcome.index for outcome in seen} == {*range(300)}


@pytest.mark.parametrize("turns_before", [0, 1, 2, 5, 15])
async def test_stream_raises_if_its_task_is_cancelled_from_outside(
    turns_before: int,
) -> None:
    """A stream that ended without an error would look like success."""
    made = updating(500, crm=crm_of(latency=(0.0, 0.0)), workers=1)
    seen: list[int] = []
    async with made as stream:
        await turns(turns_before)
        assert stream._task is not None
        stream._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listen(stream, seen)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert sorted(seen) == ([] if turns_before == 0 else [*range(500)])
    assert made.summary.inputs == 500
    assert settled(made)


async def test_all_tasks_of_the_loop_are_cancelled() -> None:
    """As `asyncio.run` does at the end."""
    made = updating(500, crm=crm_of(latency=(0.6, 0.6)), workers=2)
    consumer = asyncio.create_task(consume(made))
    await asyncio.sleep(1)
    everybody = asyncio.all_tasks() - {asyncio.current_task()}
    assert len(everybody) > 2
    for task in everybody:
        task.cancel()
    await asyncio.wait(everybody, timeout=100)
    assert consumer.cancelled()
    assert (made.summary.succeeded, made.summary.unknown) == (200, 200)
    assert settled(made)


async def test_stream_is_exhausted_after_its_block() -> None:
    async with updating() as stream:
        await anext(stream)
    assert [outcome async for outcome in stream] == []


async def test_cancelling_while_the_block_is_left() -> None:
    """Leaving waits for the run to stop; a cancellation does not change that."""

    async def source() -> AsyncIterator[Any]:
        try:
            for item in updates(100):
                yield item
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(5)  # closing is slow

    made = updating(source=source())

    async def use() -> None:
        async with made as stream:
            await anext(stream)

    task = asyncio.create_task(use())
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.sleep(10)
    assert settled(made)


# ---- used once

# A task raises Python's own message.
USED_TWICE = "was used already|already awaited coroutine"


async def enter(made: Batch[Any]) -> None:
    async with made:
        pass


@pytest.mark.parametrize("first", [by_await, by_task, enter])
@pytest.mark.parametrize("second", [by_await, by_task, enter])
async def test_a_batch_cannot_be_used_twice(first: Way, second: Way) -> None:
    crm = crm_of()
    made = updating(crm=crm)
    await first(made)
    before = len(crm.heard)
    with pytest.raises(RuntimeError, match=USED_TWICE):
        await second(made)
    assert len(crm.heard) == before


async def test_an_unused_batch_warns() -> None:
    def forget() -> None:
        made = updating(1)
        del made
        gc.collect()

    with pytest.warns(RuntimeWarning, match=r"tickets\.update.* was neither awaited"):
        forget()


def test_a_closed_batch_does_not_warn() -> None:
    """As with any coroutine, closing it means that it is unused on purpose."""
    made = updating(1)
    made.close()
    made.close()


async def test_a_finished_batch_can_be_closed() -> None:
    made = updating(1)
    await made
    made.close()
    assert made.summary.succeeded == 1


def test_repr_shows_no_secret() -> None:
    made = updating(1)
    assert repr(made) == "<Batch tickets.update>"
    assert SECRET not in repr(vars(made))
    made.close()


# ---- options

WRONG_OPTIONS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "linger is a string": ({"linger": "x"}, TypeError, "a number of seconds, not 'x'"),
    "linger is None": ({"linger": None}, TypeError, "a number of seconds, not None"),
    "linger is True": ({"linger": True}, TypeError, "a number of seconds, not True"),
    "linger below zero": ({"linger": -1}, ValueError, "zero or more seconds, not -1"),
    "linger is nan": (
        {"linger": math.nan},
        ValueError,
        "zero or more seconds, not nan",
    ),
    "isolate is a string": ({"isolate": "no"}, TypeError, "True or False, not 'no'"),
    "isolate is None": ({"isolate": None}, TypeError, "True or False, not None"),
    "max_failures below zero": ({"max_failures": -1}, ValueError, "max_failures must"),
    "max_failures is True": ({"max_failures": True}, ValueError, "max_failures must"),
    "max_failures is a word": ({"max_failures": "x"}, ValueError, "max_failures must"),
    "too large a share": ({"max_failures": "101%"}, ValueError, "max_failures must"),
    "half a record": ({"max_failures": 0.5}, ValueError, "max_failures must"),
}


@pytest.mark.parametrize(
    ("options", "kind", "message"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS
)
def test_wrong_option(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """It is refused at once, and the refused batch does not warn that it is unused."""
    make: Any = updating
    with pytest.raises(kind, match=message):
        make(1, **options)
    gc.collect()


@pytest.mark.parametrize("linger", [0, 0.5, math.inf])
async def test_linger_may_be_zero_or_infinite(linger: float) -> None:
    made = updating(source=async_generator_of(3), linger=linger)
    assert (await made).succeeded == 3


# ---- closing the client


async def test_cancelled_closing_still_closes_the_client() -> None:
    crm = crm_of(latency=(5, 5))
    shared = client_state(crm)
    made: Batch[Any] = Batch(shared, operation("update"), updates(200))
    running = asyncio.create_task(made)
    await asyncio.sleep(1)
    closing = asyncio.create_task(shared.aclose())
    await asyncio.sleep(1)
    assert not crm.closed
    closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled()
    assert crm.closed
    assert (await running).succeeded == 200
    await shared.aclose()


async def test_closing_waits_for_batches_and_then_refuses_more() -> None:
    crm = crm_of(latency=(5, 5))
    shared = client_state(crm)
    call = operation("update")
    first: Batch[Any] = Batch(shared, call, updates(200))
    second: Batch[Any] = Batch(shared, call, updates(1))
    running = [asyncio.create_task(first), asyncio.create_task(second)]
    await asyncio.sleep(1)
    await shared.aclose()
    assert crm.closed
    assert first.summary.succeeded == 200
    assert second.summary.succeeded == 1
    late: Batch[Any] = Batch(shared, call, updates(1))
    with pytest.raises(RuntimeError, match="closed"):
        await late
    await asyncio.wait(running)


async def test_closing_waits_for_a_stream() -> None:
    crm = crm_of(latency=(5, 5))
    shared = client_state(crm)
    made: Batch[Any] = Batch(shared, operation("update"), updates(200))
    async with made as stream:
        await anext(stream)
        await shared.aclose()
        assert made.summary.succeeded == 200
        assert len([outcome async for outcome in stream]) == 199


def test_one_loop_after_another() -> None:
    shared = client_state(crm_of(latency=(0.0, 0.0)))
    call = operation("update")
    first: Batch[Any] = Batch(shared, call, updates(1))
    second: Batch[Any] = Batch(shared, call, updates(1))

    async def run(made: Batch[Any]) -> Any:
        return await made

    assert asyncio.run(run(first)).succeeded == 1
    assert asyncio.run(run(second)).succeeded == 1


# ---- errors


async def test_raise_for_failures() -> None:
    crm = crm_of(3)
    response = await updating(5, crm=crm)
    with pytest.raises(BatchFailed, match="2 of 5 records did not succeed") as caught:
        response.raise_for_failures()
    assert [type(error).__name__ for error in caught.value.exceptions] == [
        "RecordNotFound"
    ] * 2
    (await updating(3, crm=crm)).raise_for_failures()


async def test_same_error_ends_two_batches_with_two_objects() -> None:
    """An exception of a source is raised as it is; our own error is copied."""

    def source(error: Exception) -> Iterator[Any]:
        yield from updates(1)
        raise error

    kept = HubBatchError("kept")
    raised = []
    for _ in range(2):
        made = updating(source=source(kept))
        with pytest.raises(HubBatchError, match="kept") as caught:
            await made
        raised.append(caught.value)
        assert caught.value.response is made.response
    assert raised[0] is not raised[1]
    assert kept.response is None


async def test_batches_of_a_client_share_its_limits() -> None:
    crm = crm_of()
    shared = client_state(crm, rate_limit=RateLimit(5, burst=5))
    for _ in range(3):
        await Batch(shared, operation("update", max_inputs=1), updates(4))
    at = sorted(heard.at for heard in crm.heard)
    assert len(at) == 12
    assert all(late - early >= 10 for early, late in zip(at, at[5:], strict=False))

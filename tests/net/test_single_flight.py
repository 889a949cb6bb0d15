"""One running call, shared by all callers that are not cancelled."""

import asyncio

from contextvars import ContextVar

import pytest

from hubbatch import APIError
from hubbatch._net.single_flight import SingleFlight


async def test_callers_during_a_call_share_its_result() -> None:
    calls = []

    async def call() -> int:
        calls.append(1)
        await asyncio.sleep(1)
        return len(calls)

    flight: SingleFlight[int] = SingleFlight()
    first = await asyncio.gather(*(flight.join(call) for _ in range(1_000)))
    assert first == [1] * 1_000
    assert await flight.join(call) == 2
    assert not flight.running


async def test_each_caller_gets_a_copy_of_an_error_and_the_next_call_starts_fresh() -> (
    None
):
    async def fail() -> int:
        raise APIError("no", status=503)

    async def call() -> int:
        return 5

    flight: SingleFlight[int] = SingleFlight()
    errors = await asyncio.gather(
        *(flight.join(fail) for _ in range(3)), return_exceptions=True
    )
    assert [str(error) for error in errors] == ["503: no."] * 3
    assert len({id(error) for error in errors}) == 3
    assert await flight.join(call) == 5


async def test_a_foreign_error_is_raised_unchanged() -> None:
    error = LookupError("gone")

    async def fail() -> int:
        raise error

    with pytest.raises(LookupError) as caught:
        await SingleFlight[int]().join(fail)
    assert caught.value is error


async def test_the_call_continues_when_every_caller_is_cancelled() -> None:
    """Its exception is retrieved, so asyncio does not report it."""
    ended = []

    async def call() -> int:
        await asyncio.sleep(1)
        ended.append(1)
        raise LookupError

    flight: SingleFlight[int] = SingleFlight()
    waiting = asyncio.create_task(flight.join(call))
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (flight.running, ended) == (True, [])
    await flight.aclose()
    assert (flight.running, ended) == (False, [1])


async def test_closing_without_a_running_call_returns_at_once() -> None:
    flight: SingleFlight[int] = SingleFlight()
    await flight.aclose()
    await flight.cancel()
    assert not flight.running


async def test_closing_that_is_cancelled_cancels_the_call() -> None:
    flight: SingleFlight[None] = SingleFlight()
    waiting = asyncio.create_task(flight.join(lambda: asyncio.sleep(1_000)))
    await asyncio.sleep(1)
    closing = asyncio.create_task(flight.aclose())
    await asyncio.sleep(1)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(RuntimeError, match="is closed"):
        await waiting
    assert len(asyncio.all_tasks()) == 1


async def test_a_call_that_would_wait_for_itself_raises() -> None:
    """E.g. an `on_refresh` that uses its client, or a `load` that gets its account."""
    outer: SingleFlight[int] = SingleFlight()
    inner: SingleFlight[int] = SingleFlight()

    async def wait_for_outer() -> int:
        return await outer.join(wait_for_inner)

    async def wait_for_inner() -> int:
        return await inner.join(wait_for_outer)

    with pytest.raises(RuntimeError, match="would wait for its own result"):
        await outer.join(wait_for_inner)


async def test_a_task_started_by_a_finished_call_may_join_the_next_call() -> None:
    flight: SingleFlight[int] = SingleFlight()
    later: list[asyncio.Task[int]] = []

    async def again() -> int:
        await asyncio.sleep(1)
        return await flight.join(lambda: asyncio.sleep(1, 2))

    async def call() -> int:
        later.append(asyncio.create_task(again()))
        return 1

    assert await flight.join(call) == 1
    await asyncio.sleep(0.5)
    assert await flight.join(lambda: asyncio.sleep(1, 3)) == 3
    assert await later[0] == 3


async def test_the_call_has_a_context_of_its_own() -> None:
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    whose.set("the first caller's")

    async def look() -> str:
        return whose.get()

    assert await SingleFlight[str]().join(look) == "nobody's"

"""What a progress callback is called with, and what it cannot break."""

import asyncio
import logging

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubbatch import PermissionDeniedError
from hubbatch._net.progress import check_progress
from tests.net.crm import Crm, batch, operation, refusal, updates


Calls = list[tuple[int, int | None]]

FORBIDDEN = refusal(403, "Not granted.", "MISSING_SCOPES")


def crm_of(count: int = 500, **options: Any) -> Crm:
    crm = Crm(**options)
    crm.fill(count)
    return crm


def updating(source: Any, crm: Crm | None = None, **options: Any) -> Any:
    return batch(crm or crm_of(), operation("update"), source, **options)


def recorder(calls: Calls) -> Any:
    return lambda done, total: calls.append((done, total))


def is_rising(calls: Calls) -> bool:
    done = [count for count, _ in calls]
    return done == sorted({*done})


async def test_it_is_called_at_the_start_after_each_chunk_and_at_the_end() -> None:
    calls: Calls = []
    await updating(updates(250), progress=recorder(calls))

    assert calls[0] == (0, 250)
    assert calls[-1] == (250, 250)
    assert len(calls) == 4  # three chunks
    assert is_rising(calls)


async def test_a_stream_calls_it_too() -> None:
    calls: Calls = []
    async with updating(updates(250), progress=recorder(calls)) as outcomes:
        async for _ in outcomes:
            pass

    assert (calls[0], calls[-1]) == ((0, 250), (250, 250))
    assert is_rising(calls)


async def test_the_total_of_an_iterator_is_unknown() -> None:
    calls: Calls = []
    await updating(iter(updates(250)), progress=recorder(calls))
    assert {total for _, total in calls} == {None}
    assert calls[-1] == (250, None)


async def test_the_total_of_an_async_iterator_is_unknown() -> None:
    async def stream() -> AsyncIterator[Any]:
        for one in updates(3):
            yield one

    calls: Calls = []
    await updating(stream(), progress=recorder(calls))
    assert calls[-1] == (3, None)


async def test_without_inputs_it_is_called_once() -> None:
    calls: Calls = []
    await updating([], progress=recorder(calls))
    assert calls == [(0, 0)]


async def test_inputs_that_are_not_sent_are_done_too() -> None:
    """Invalid ones, and those that are left when the batch ends."""
    calls: Calls = []
    with pytest.raises(PermissionDeniedError):
        await updating(
            [{"id": "x", "properties": 5}, *updates(30_000)],
            crm_of(script=[FORBIDDEN]),
            progress=recorder(calls),
        )

    assert calls[-1] == (30_001, 30_001)
    assert is_rising(calls)


async def test_the_inputs_of_a_cancelled_batch_are_done() -> None:
    calls: Calls = []
    made = updating(updates(250), progress=recorder(calls))
    task = asyncio.ensure_future(made)
    task.cancel()  # before its first step
    await asyncio.wait([task])

    assert calls == [(0, 250), (250, 250)]


async def test_a_callback_that_raises_is_reported_once_and_breaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    def broken(done: int, _total: int | None) -> None:
        calls.append(done)
        if done:
            raise BrokenPipeError("the terminal of somebody@example.com is closed")

    response = await updating(updates(500), progress=broken)

    assert response.ok
    assert response.succeeded == 500
    assert calls == [0, 100]
    [record] = [one for one in caplog.records if "progress" in one.message]
    assert record.levelno == logging.WARNING
    assert record.message == (
        "The progress callback raised BrokenPipeError. The batch continues without it."
    )


async def test_even_the_error_of_a_cancelled_future_breaks_nothing() -> None:
    def broken(_done: int, _total: int | None) -> None:
        raise asyncio.CancelledError

    assert (await updating(updates(250), progress=broken)).ok


async def test_a_stream_has_the_counts_of_its_batch() -> None:
    made = updating(updates(250))
    async with made as outcomes:
        assert outcomes.summary is made.summary
        seen = [outcomes.summary.settled async for _ in outcomes]

    assert seen == sorted(seen)
    assert seen[-1] == outcomes.summary.succeeded == 250


def one_argument(amount: int = 1) -> None:
    """Take what `tqdm.update` takes."""
    del amount


@pytest.mark.parametrize("wrong", [one_argument, 5, "bar", lambda: None])
def test_what_cannot_take_done_and_total_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"bar\.update\(done - bar\.n\)"):
        updating(updates(1), progress=wrong)


def test_a_callback_may_have_any_signature_that_fits() -> None:
    def wide(*numbers: int | None) -> None:
        del numbers

    # The last one is written in C and shows no signature.
    fitting: Any
    for fitting in (None, print, wide, max):
        check_progress(fitting)

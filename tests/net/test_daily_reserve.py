"""The day in a batch: its reserve, its end, and when the next one starts."""

import asyncio
import pickle

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from hubbatch import (
    ALL,
    APIError,
    DailyLimitReached,
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    Plan,
    RateLimit,
    RetryPolicy,
)
from hubbatch._http import Answer, Request, Response
from hubbatch._limits.daily import TRUSTED
from tests.net.crm import SECRET, page, refusal, throttled


DETAILS = {"portalId": 62515, "timeZone": "America/New_York", "utcOffset": "-05:00"}
MIDNIGHT = "2026-11-24T00:00:00-05:00"


class Account:
    """A HubSpot that counts its day, and takes every update."""

    def __init__(self, left: int | None = None, limit: int = 1_000) -> None:
        self.left = left
        self.limit = limit
        self.used = 0
        self.asked = 0
        self.details: Answer | Callable[[], Answer] = Response(
            200, {}, orjson.dumps(DETAILS)
        )
        self.script: list[Answer] = []
        self.latency = 0.2
        self.most = self.under_way = 0

    def headers(self) -> dict[str, str]:
        if self.left is None:
            return {"X-HubSpot-RateLimit-Max": "110"}
        return {
            "X-HubSpot-RateLimit-Max": "190",
            "X-HubSpot-RateLimit-Daily": str(self.limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(self.left),
        }

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        on_sent()
        self.used += 1
        if self.left is not None:
            self.left -= 1
        headers = self.headers()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.latency)
        self.under_way -= 1
        if request.path.startswith("/account-info"):
            self.asked += 1
            return self.details() if callable(self.details) else self.details
        if self.script:
            return self.script.pop(0)
        inputs = orjson.loads(request.body)["inputs"]
        results = [{"id": given["id"], "properties": {}} for given in inputs]
        body = orjson.dumps({"status": "COMPLETE", "results": results})
        return Response(200, headers, body)

    def retire(self) -> None:
        """Keep no connections."""

    async def aclose(self) -> None:
        """Nothing is held."""


def on(account: Account, **options: Any) -> HubBatch:
    hub = HubBatch(SECRET, retry=RetryPolicy(base=1e-6), **options)
    hub._state.transport = account
    hub._state.today = lambda: datetime(2026, 11, 23, 12, tzinfo=UTC)
    return hub


def updates(count: int) -> list[dict[str, Any]]:
    return [{"id": str(n), "properties": {"a": "b"}} for n in range(count)]


def dated(error: object) -> str:
    """Return when an error's next day starts."""
    assert isinstance(error, DailyLimitReached)
    return error.resets_at.isoformat() if error.resets_at else "never"


# ---- the reserve


@pytest.mark.parametrize(
    ("reserve", "kept"), [(30, 30), ("5%", 50), ("0.1%", 1), ("100%", 1_000)]
)
async def test_reserve_is_kept_to_the_call(reserve: Any, kept: int) -> None:
    account = Account(left=60)
    hub = on(account, daily_reserve=reserve)
    batch = hub.tickets.update(updates(10_000))
    with pytest.raises(DailyLimitReached) as caught:
        await batch
    error = caught.value
    sent = max(1, 60 - kept)  # one must ask
    assert batch.summary.requests == sent
    assert (batch.summary.succeeded, batch.summary.not_sent) == (
        sent * 100,
        10_000 - sent * 100,
    )
    # And one more, to learn when its day ends.
    assert account.used == sent + 1
    assert error.resets_at is not None
    assert error.resets_at.isoformat() == MIDNIGHT
    assert error.response is batch.response
    assert f"daily_reserve keeps {kept:,}" in str(error)
    assert pickle.loads(pickle.dumps(error)).resets_at == error.resets_at  # noqa: S301 -- our own
    assert hub.limits.daily_limit == 1_000


async def test_reserve_in_a_stream() -> None:
    account = Account(left=52)
    seen = []
    batch = on(account, daily_reserve=50).tickets.update(updates(1_000))

    async def consume() -> None:
        async with batch as outcomes:
            async for outcome in outcomes:
                seen.append(outcome.status.value)  # noqa: PERF401 -- it is interrupted

    with pytest.raises(DailyLimitReached) as caught:
        await consume()
    assert seen.count("succeeded") == 200
    assert len(seen) == 1_000
    assert caught.value.resets_at is not None
    assert caught.value.summary.not_sent == 800


async def test_reserve_is_never_touched_by_requests_under_way() -> None:
    account = Account(left=100)
    account.latency = 5.0
    batch = on(account, daily_reserve=80, max_concurrency=64).tickets.update(
        updates(10_000)
    )
    with pytest.raises(DailyLimitReached):
        await batch
    assert batch.summary.requests == 20
    assert 10 < account.most <= 20


async def test_account_without_a_day_has_no_reserve_to_keep() -> None:
    account = Account()
    batch = on(account, daily_reserve="50%").tickets.update(updates(5_000))
    assert (await batch).succeeded == 5_000
    assert account.used == 50
    assert account.most > 10


async def test_without_a_reserve_hubspot_has_the_word() -> None:
    account = Account(left=3)
    response = await on(account).tickets.update(updates(1_000))
    assert response.succeeded == 1_000


async def test_chunk_that_waits_for_its_retry_is_not_sent_when_the_day_ends() -> None:
    account = Account(left=12)
    account.script = [throttled(Retry_After="5")]
    batch = on(account, daily_reserve=11, max_concurrency=1).tickets.update(
        updates(150)
    )
    with pytest.raises(DailyLimitReached):
        await batch
    # The 429 did not report the day; the next answer did.
    assert batch.summary.requests == 2
    assert batch.summary.succeeded + batch.summary.not_sent == 150


async def test_create_that_may_have_been_written_stays_unknown() -> None:
    account = Account(left=12)
    hub = on(account, daily_reserve=11, max_concurrency=1)
    hub._state.policy = RetryPolicy(base=5.0, max_delay=5.0)
    await hub.tickets.update(updates(1))
    account.left = 30
    account.script = [page(502)]
    update = hub.tickets.update(updates(1))
    with pytest.raises(DailyLimitReached):
        await update
    assert update.summary.not_sent == 1


async def test_reserve_after_midnight_is_asked_for_anew() -> None:
    account = Account(left=51)
    hub = on(account, daily_reserve=50)
    loop = asyncio.get_running_loop()
    with pytest.raises(DailyLimitReached):
        await hub.tickets.update(updates(500))
    used = account.used
    with pytest.raises(DailyLimitReached):
        await hub.tickets.update(updates(500))
    assert account.used == used  # nothing is asked so soon
    await asyncio.sleep(TRUSTED + 1)
    with pytest.raises(DailyLimitReached):
        await hub.tickets.update(updates(500))
    assert account.used == used + 1
    account.left = 1_000
    midnight = 17 * 3600  # from twelve o'clock UTC to midnight in New York
    await asyncio.sleep(midnight - loop.time())
    assert (await hub.tickets.update(updates(500))).succeeded == 500


async def test_new_day_that_begins_a_second_after_the_end() -> None:
    """A caller that sleeps until `resets_at` need not sleep another day."""
    account = Account(left=51)
    hub = on(account, daily_reserve=50)
    hub._state.today = lambda: datetime(2026, 11, 24, 4, 59, 58, tzinfo=UTC)
    with pytest.raises(DailyLimitReached):
        await hub.tickets.update(updates(500))
    account.left = 1_000
    await asyncio.sleep(2)
    assert (await hub.tickets.update(updates(500))).succeeded == 500


# ---- a 429 of the day


async def test_daily_429_is_not_retried_and_says_when_the_day_ends() -> None:
    account = Account(left=50)
    account.script = [throttled("DAILY")]
    batch = on(account, max_concurrency=1).tickets.update(updates(300))
    with pytest.raises(DailyLimitReached) as caught:
        await batch
    assert caught.value.resets_at is not None
    assert caught.value.resets_at.isoformat() == MIDNIGHT
    assert (batch.summary.requests, batch.summary.not_sent) == (1, 300)
    assert account.asked == 1


async def test_time_zone_is_requested_once() -> None:
    account = Account(left=50)
    hub = on(account)
    for _ in range(3):
        account.script = [throttled("DAILY")]
        with pytest.raises(DailyLimitReached) as caught:
            await hub.tickets.update(updates(1))
        assert caught.value.resets_at is not None
        assert caught.value.resets_at.isoformat() == MIDNIGHT
    assert account.asked == 1


async def test_batches_that_end_together_ask_once_and_say_the_same() -> None:
    account = Account(left=50)
    hub = on(account)
    account.script = [throttled("DAILY")] * 3
    batches = [hub.tickets.update(updates(1)) for _ in range(3)]
    errors = await asyncio.gather(*batches, return_exceptions=True)
    assert [dated(error) for error in errors] == [MIDNIGHT] * 3
    assert account.asked == 1


async def test_asking_that_is_cancelled_is_done_by_the_next() -> None:
    account = Account(left=50)
    hub = on(account)
    account.script = [throttled("DAILY")] * 2
    first = asyncio.ensure_future(hub.tickets.update(updates(1)))
    await asyncio.sleep(0.3)
    assert account.under_way == 1
    first.cancel()
    with pytest.raises(DailyLimitReached) as caught:
        await hub.tickets.update(updates(1))
    assert dated(caught.value) == MIDNIGHT


@pytest.mark.parametrize("reserve", [0, "100%"])
async def test_single_calls_say_when_the_day_ends(reserve: Any) -> None:
    """By HubSpot's 429 or by the reserve; each has an error of its own."""
    account = Account(left=50)
    if not reserve:
        account.script = [throttled("DAILY")]
    hub = on(account, daily_reserve=reserve)
    if reserve:
        await hub.single.tickets.update(0, {"a": "b"})  # one call tells of the day
    calls = [hub.single.tickets.update(n, {"a": "b"}) for n in range(3)]
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert [dated(error) for error in errors] == [MIDNIGHT] * 3
    assert len({id(error) for error in errors}) == 3
    assert account.asked == 1
    await hub.aclose()
    assert len(asyncio.all_tasks()) == 1


async def test_time_zone_that_is_known_is_not_asked_for() -> None:
    account = Account(left=50)
    hub = on(account)
    await hub.account()
    account.script = [throttled("DAILY")]
    with pytest.raises(DailyLimitReached):
        await hub.tickets.update(updates(1))
    assert account.asked == 1
    assert hub._state.account_operation is not None
    await hub._state._fetch_account(hub._state.account_operation)
    assert account.asked == 1


UNKNOWN: dict[str, Answer] = {
    "the day again": throttled("DAILY"),
    "no scope": refusal(403, "No.", "MISSING_SCOPES"),
    "down": page(503),
    "busy": throttled(),
}


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN)
async def test_time_zone_that_cannot_be_known_is_utc(answer: Answer) -> None:
    account = Account(left=50)
    account.details = answer
    account.script = [throttled("DAILY")]
    with pytest.raises(DailyLimitReached) as caught:
        await on(account).tickets.update(updates(1))
    assert caught.value.resets_at == datetime(2026, 11, 24, tzinfo=UTC)
    assert asyncio.get_running_loop().time() < 11


async def test_time_zone_that_takes_too_long_is_utc() -> None:
    account = Account(left=50)
    hub = on(account)
    account.script = [throttled("DAILY")]
    account.latency = 60
    with pytest.raises(DailyLimitReached) as caught:
        await hub.tickets.update(updates(1))
    assert caught.value.resets_at == datetime(2026, 11, 24, tzinfo=UTC)
    assert asyncio.get_running_loop().time() == pytest.approx(70, abs=1)
    assert len(asyncio.all_tasks()) == 1


async def test_cancelled_while_the_time_zone_is_asked_for() -> None:
    account = Account(left=50)
    account.script = [throttled("DAILY")]
    hub = on(account)
    batch = hub.tickets.update(updates(300))
    task = asyncio.ensure_future(batch)
    await asyncio.sleep(0.3)
    assert account.under_way == 1
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert batch.response is not None
    assert batch.response.succeeded == 200
    assert batch.summary.not_sent == 100
    await hub.aclose()
    assert len(asyncio.all_tasks()) == 1


def first_page(hub: HubBatch) -> Awaitable[object]:
    return anext(hub.tickets.list())


def association_types(hub: HubBatch) -> Awaitable[object]:
    return hub.associations("contacts", "companies").kinds()


def read_with_all_properties(hub: HubBatch) -> Awaitable[object]:
    return hub.tickets.read(["1"], properties=ALL)


@pytest.mark.parametrize(
    "call", [first_page, association_types, read_with_all_properties]
)
async def test_request_without_inputs_reports_when_the_day_ends(
    call: Callable[[HubBatch], Awaitable[object]],
) -> None:
    account = Account(left=50)
    account.script = [throttled("DAILY")]
    with pytest.raises(DailyLimitReached) as caught:
        await call(on(account))
    assert dated(caught.value) == MIDNIGHT
    assert account.asked == 1


async def test_account_query_reports_the_end_of_the_day_in_utc() -> None:
    """It is what the time zone is read from, so it must not be sent once more."""
    account = Account(left=50)
    account.details = throttled("DAILY")
    with pytest.raises(DailyLimitReached) as caught:
        await on(account).account()
    assert caught.value.resets_at == datetime(2026, 11, 24, tzinfo=UTC)
    assert account.asked == 1


async def test_other_errors_have_no_day() -> None:
    account = Account(left=50)
    account.script = [refusal(403, "No.", "MISSING_SCOPES")]
    with pytest.raises(HubBatchError) as caught:
        await on(account).tickets.update(updates(1))
    assert not hasattr(caught.value, "resets_at")
    assert account.asked == 0


# ---- plans


async def test_plan_asks_for_the_limits_once() -> None:
    account = Account(left=500)
    account.details = lambda: Response(200, account.headers(), orjson.dumps(DETAILS))
    hub = on(account)
    plan = await hub.plan("tickets.update", 30_000)
    assert (plan.calls, plan.share_of_day) == (300, 0.3)
    assert plan.seconds == pytest.approx(10.2 + 61 / 141 * 10.2 + 0.3, abs=0.5)
    assert await hub.plan("2-345.read", 0) == Plan(0, 0.0, 0.0)
    assert account.asked == 1


async def test_plan_of_an_account_without_a_daily_limit() -> None:
    account = Account()
    hub = on(account)
    for _ in range(2):
        assert await hub.plan("tickets.create", 101) == Plan(2, 0.3, None)
        assert (await hub.plan("contacts.create", 101)).seconds == pytest.approx(3.3)
    assert account.asked == 1


async def test_plan_knows_what_a_batch_has_learnt() -> None:
    account = Account(left=500)
    hub = on(account, rate_limit=RateLimit(60, burst=10))
    await hub.tickets.update(updates(1))
    plan = await hub.plan("tickets.update", 6_100)
    assert plan.calls == 61
    assert plan.seconds == pytest.approx(10.2 + 0.3)
    assert account.asked == 0


@pytest.mark.parametrize(
    ("operation", "count"),
    [
        ("tickets", 5),
        ("tickets.delete", 5),
        ("../x.read", 5),
        (5, 5),
        ("tickets.read", -1),
        ("tickets.read", 1.5),
        ("tickets.read", True),
    ],
)
async def test_plan_of_nothing_there_is(operation: Any, count: Any) -> None:
    account = Account()
    with pytest.raises(ValueError, match=r"must be|is not an object type"):
        await on(account).plan(operation, count)
    assert account.used == 0


async def test_plan_without_an_answer() -> None:
    account = Account()
    account.details = page(503)
    with pytest.raises(HubSpotUnavailable):
        await on(account).plan("tickets.update", 5)
    with pytest.raises(APIError):
        await on(account).plan("tickets.update", 5)


async def test_events_do_not_count_towards_the_day() -> None:
    """HubSpot exempts them, so they are sent when only the reserve is left."""
    account = Account(left=100)
    async with on(account, daily_reserve=100) as hub:
        with pytest.raises(DailyLimitReached):
            await hub.tickets.update(
                [{"id": str(n), "properties": {}} for n in range(500)]
            )
        account.script = [Response(204, account.headers(), b"")] * 3
        events = [{"eventName": "pe1_x", "utk": str(n)} for n in range(1_500)]

        response = await hub.events.send(events)

    assert response.succeeded == 1_500
    assert account.script == []

"""HubSpot's limits over sockets: other apps, families, the daily limit."""

import asyncio

from collections import Counter
from datetime import UTC, datetime

import pytest

from hubbatch import DailyLimitReached, RateLimit
from hubbatch._net.batch import Batch
from hubbatch._net.permit_queue import Lane
from hubbatch._wire.endpoints import OBJECT_CALLS, operation_for
from tests.integration.conftest import Portal


def ids(count: int) -> list[int]:
    return [*range(1, count + 1)]


async def test_follows_the_account_up_from_the_lowest_limit(portal: Portal) -> None:
    async with portal.hub() as hub:
        assert hub.limits.max_requests == 100
        await hub.tickets.archive(ids(3))
        limits = hub.limits
    assert (limits.max_requests, limits.used_by_others) == (190, 0)
    assert limits.daily_limit == 625_000
    assert limits.daily_remaining == 624_999


async def test_another_process_of_the_same_app_is_left_its_part(
    portal: Portal,
) -> None:
    """Two clients that do not know of each other share one window."""
    tokens = [portal.sim.issue_token(app_id=77) for _ in range(2)]
    hubs = [portal.hub(access_token=token) for token in tokens]
    try:
        batches = [hub.tickets.archive(ids(20_000)) for hub in hubs]
        for response in await asyncio.gather(*batches):
            assert response.succeeded == 20_000
        assert max(hub.limits.used_by_others for hub in hubs) > 0
    finally:
        for hub in hubs:
            await hub.aclose()
    refused = Counter(portal.statuses)[429]
    assert refused <= 25  # of more than four hundred


async def test_clients_of_one_token_get_no_429_together(portal: Portal) -> None:
    hubs = [portal.hub(max_concurrency=8) for _ in range(3)]
    try:
        batches = [hub.tickets.archive(ids(8_000)) for hub in hubs]
        for response in await asyncio.gather(*batches):
            assert response.succeeded == 8_000
    finally:
        for hub in hubs:
            await hub.aclose()
    assert Counter(portal.statuses) == {204: 240}


@pytest.mark.parametrize("portal", [{"tier": "starter"}], indirect=True)
async def test_ceiling_that_is_too_high_is_lowered_by_the_first_answers(
    portal: Portal,
) -> None:
    async with portal.hub(rate_limit=RateLimit(190)) as hub:
        assert (await hub.tickets.archive(ids(16_000))).succeeded == 16_000
        assert hub.limits.max_requests == 100
    assert Counter(portal.statuses) == {204: 160}


async def test_associations_do_not_wait_for_objects(portal: Portal) -> None:
    async with portal.hub(rate_limit=RateLimit(20)) as hub:
        await hub.tickets.archive(ids(2_000))
        begun = asyncio.get_running_loop().time()
        gate = hub._state.gate
        async with gate.permit(Lane.BULK, lambda: True, "associations") as permit:
            assert permit is not None
        assert asyncio.get_running_loop().time() - begun < 1


async def test_reserve_is_left_to_other_apps(portal: Portal) -> None:
    portal.sim.account.day.limit = 200
    portal.sim.account.day.used = 100
    async with portal.hub(daily_reserve="25%") as hub:
        batch = hub.tickets.archive(ids(10_000))
        with pytest.raises(DailyLimitReached) as caught:
            await batch
    assert (batch.summary.succeeded, batch.summary.not_sent) == (5_000, 5_000)
    # The account's time zone was requested, which takes one call of the reserve.
    assert portal.sim.account.day.used == 151
    now = datetime.now(UTC)
    assert caught.value.resets_at is not None
    assert 0 < (caught.value.resets_at - now).total_seconds() <= 86_400
    assert caught.value.resets_at.astimezone(UTC).hour == 0


async def test_day_that_is_used_up_is_met_once(portal: Portal) -> None:
    portal.sim.account.day.limit = 30
    async with portal.hub(max_concurrency=1) as hub:
        batch = hub.tickets.archive(ids(5_000))
        with pytest.raises(DailyLimitReached) as caught:
            await batch
    assert caught.value.status == 429
    assert caught.value.resets_at is not None
    assert (batch.summary.succeeded, batch.summary.not_sent) == (3_000, 2_000)
    # The batch's request, and that for the time zone, which is refused too.
    assert Counter(portal.statuses)[429] == 2


async def test_oauth_app_has_no_day(portal: Portal) -> None:
    token = portal.sim.issue_token(tier="oauth")
    async with portal.hub(access_token=token, daily_reserve="100%") as hub:
        assert (await hub.tickets.archive(ids(500))).succeeded == 500
        assert hub.limits.daily_limit is None
        assert (await hub.plan("tickets.archive", 500)).share_of_day is None


async def test_plan_of_a_fresh_client(portal: Portal) -> None:
    async with portal.hub() as hub:
        plan = await hub.plan("tickets.update", 1_000_000)
    assert plan.calls == 10_000
    assert plan.share_of_day == pytest.approx(0.016)
    assert 500 < plan.seconds < 560
    assert len(portal.sim.requests) == 1


async def test_single_call_beside_a_saturating_run(portal: Portal) -> None:
    call = operation_for("objects", "archive", "tickets", api_version="v3")
    assert call.call is OBJECT_CALLS["archive"]
    loop = asyncio.get_running_loop()
    async with portal.hub() as hub:
        bulk = asyncio.ensure_future(hub.tickets.archive(ids(33_000)))
        await asyncio.sleep(12)
        waits = []
        for _ in range(9):
            came = loop.time()
            await Batch(hub._state, call, [99_999], lane=Lane.SINGLE)
            waits.append(loop.time() - came)
            await asyncio.sleep(0.31)
        assert not bulk.done()
        assert (await bulk).succeeded == 33_000
    assert max(waits) < 0.5
    assert Counter(portal.statuses)[429] == 0

"""The gate: which request may leave, and when. The clock jumps."""

import asyncio

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from hubbatch import RateLimit
from hubbatch._net.gate import Gate, Permit
from hubbatch._net.permit_queue import Lane


class OwnError(Exception):
    """The caller's own."""


def always() -> bool:
    return True


def never() -> bool:
    return False


def now() -> float:
    return asyncio.get_running_loop().time()


def worst(instants: Sequence[float], interval: float) -> int:
    """Return the most that fall into one window, wherever it starts."""
    ordered = sorted(instants)
    most = first = 0
    for last, instant in enumerate(ordered):
        while instant - ordered[first] >= interval:
            first += 1
        most = max(most, last - first + 1)
    return most


async def leave(
    gate: Gate, lane: Lane = Lane.BULK, headers: Mapping[str, str] | None = None
) -> Permit:
    """Send a request that is answered at once."""
    async with gate.permit(lane, always) as permit:
        assert permit is not None
        permit.sent()
        permit.answered(headers or {})
    return permit


def settled(gate: Gate, concurrency: int) -> bool:
    """Check that all room is back and that no call waits."""
    assert gate.allowance.free == concurrency
    assert not any(
        any(queue._lanes) for queue in gate._account_limits().queues.values()
    )
    assert len(asyncio.all_tasks()) == 1
    return True


# ---- the queue


async def test_first_come_first_served() -> None:
    gate = Gate(RateLimit(2, interval=1.0, burst=1), 3)
    order = []

    async def one(number: int) -> None:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            order.append(number)
            permit.sent()
            await asyncio.sleep(number % 3)
            permit.answered({})

    await asyncio.gather(*(one(number) for number in range(20)))
    assert order == [*range(20)]
    assert settled(gate, 3)


async def test_single_calls_first_but_every_fourth_permit_to_bulk() -> None:
    gate = Gate(None, 1)
    order = ""

    async def one(lane: Lane) -> None:
        nonlocal order
        await leave(gate, lane)
        order += lane.name[0]

    async with gate.permit(Lane.BULK, always):
        lanes = [Lane.BULK] * 4 + [Lane.SINGLE] * 9
        tasks = [asyncio.create_task(one(lane)) for lane in lanes]
        await asyncio.sleep(1)
    await asyncio.wait(tasks)
    assert order == "SSBSSSBSSSBSB"


async def test_a_lane_alone_gets_every_permit() -> None:
    gate = Gate(None, 1)
    for _ in range(9):
        await leave(gate, Lane.SINGLE)
    assert gate.granted == 9


async def test_no_more_than_the_pool() -> None:
    gate = Gate(None, 3)
    inside = most = 0

    async def one() -> None:
        nonlocal inside, most
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(1)
            inside -= 1
            permit.answered(None)

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 3
    assert settled(gate, 3)


# ---- what gives a slot back


async def test_unwanted_permit_costs_nothing() -> None:
    gate = Gate(RateLimit(1), 1)
    async with gate.permit(Lane.BULK, never) as permit:
        assert permit is None
    assert (gate.granted, gate.snapshot().used) == (0, 0)
    await leave(gate)
    assert now() < 1
    assert settled(gate, 1)


async def test_permit_that_is_wanted_no_more_when_the_hold_ends() -> None:
    gate = Gate(None, 1)
    gate.hold(5)
    wanted = [True]
    asyncio.get_running_loop().call_later(3, wanted.clear)
    async with gate.permit(Lane.BULK, lambda: bool(wanted)) as permit:
        assert permit is None
    assert gate.granted == 0


async def test_request_that_never_left_gives_its_slot_back_at_once() -> None:
    gate = Gate(RateLimit(1), 1)
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None
        assert gate.snapshot().used == 1
    assert gate.snapshot().used == 0
    await leave(gate)
    assert now() < 1


async def test_slot_given_back_wakes_the_call_that_waits_for_it() -> None:
    gate = Gate(RateLimit(1), 2)
    async with gate.permit(Lane.BULK, always) as first:
        assert first is not None
        waiting = asyncio.create_task(leave(gate))
        await asyncio.sleep(3)
        assert not waiting.done()
    await waiting
    assert 3 <= now() < 3.1


async def test_slot_given_back_goes_to_a_waiter_that_the_window_held() -> None:
    """It does not wait for the instant that was computed while the slot was used."""
    gate = Gate(RateLimit(2), 3)
    await leave(gate)
    async with gate.permit(Lane.BULK, always) as second:
        assert second is not None
        waiting = asyncio.create_task(leave(gate))
        await asyncio.sleep(3)
        assert not waiting.done()
    await waiting
    assert 3 <= now() < 3.1


async def test_slot_is_kept_when_the_request_has_left() -> None:
    gate = Gate(RateLimit(1), 1)
    await leave(gate)
    assert gate.snapshot().used == 1
    await leave(gate)
    assert now() >= 10


async def test_slot_of_a_request_without_an_answer_comes_back_with_the_window() -> None:
    """The next request must not wait for that answer, which may take 100 s."""
    gate = Gate(RateLimit(1), 2)

    async def stuck() -> None:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            await asyncio.sleep(1)
            permit.sent()
            await asyncio.sleep(100)
            permit.answered({})

    slow = asyncio.create_task(stuck())
    await asyncio.sleep(0.5)
    await leave(gate)
    assert 11.2 <= now() < 11.3
    await slow


@pytest.mark.parametrize("written", [False, True])
async def test_body_that_raises_gives_the_slot_back(*, written: bool) -> None:
    gate = Gate(RateLimit(1), 1)

    async def fail() -> None:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            if written:
                permit.sent()
            raise OwnError

    with pytest.raises(OwnError):
        await fail()
    await leave(gate)
    assert (now() > 10) == written
    assert settled(gate, 1)


async def test_wanted_that_raises_gives_the_slot_back() -> None:
    gate = Gate(None, 1)

    def fail() -> bool:
        raise OwnError

    async def ask() -> None:
        async with gate.permit(Lane.BULK, fail):
            pytest.fail("it let a request out")

    with pytest.raises(OwnError):
        await ask()
    assert settled(gate, 1)


@pytest.mark.parametrize("step", range(40))
async def test_cancelled_at_every_step(step: int) -> None:
    """In the queue, at its turn, at the window, in flight: the others continue."""
    gate = Gate(RateLimit(6, interval=1.0, burst=2), 2)
    done: list[int] = []

    async def one(number: int) -> None:
        async with gate.permit(Lane(number % 2), always) as permit:
            assert permit is not None
            permit.sent()
            await asyncio.sleep(0)
            permit.answered({})
        done.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(8)]
    for _ in range(step // 4):
        await asyncio.sleep(0)
    victims = tasks[step % 4 :: 4]
    for victim in victims:
        victim.cancel()
    await asyncio.wait(tasks)
    survivors = {n for n, task in enumerate(tasks) if not task.cancelled()}
    assert {*done} == survivors
    assert len(survivors) >= 6
    assert settled(gate, 2)
    await asyncio.gather(leave(gate), leave(gate))


async def test_cancelled_in_the_instant_of_its_turn() -> None:
    gate = Gate(None, 1)
    async with gate.permit(Lane.BULK, always):
        waiting = asyncio.create_task(leave(gate))
        await asyncio.sleep(1)
    waiting.cancel()  # the turn was given to it, and it has not woken up yet
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert settled(gate, 1)
    await leave(gate)


@pytest.mark.parametrize("step", range(5))
async def test_room_of_a_cancelled_call_goes_to_another(step: int) -> None:
    """Also if that one waits for another window."""
    gate = Gate(None, 1)

    async def use(family: str) -> None:
        async with gate.permit(Lane.BULK, always, family):
            pass

    async with gate.permit(Lane.BULK, always):
        victim = asyncio.create_task(use("objects"))
        other = asyncio.create_task(use("associations"))
        await asyncio.sleep(1)
    for _ in range(step):
        await asyncio.sleep(0)
    victim.cancel()
    await asyncio.wait([victim])
    await asyncio.wait_for(other, 1)
    assert settled(gate, 1)


# ---- holds


async def test_hold_holds_every_call() -> None:
    gate = Gate(None, 8)
    gate.hold(7)
    assert gate.snapshot().held_for == pytest.approx(7, abs=0.001)
    await asyncio.gather(*(leave(gate, lane) for lane in Lane for _ in range(5)))
    assert 7 <= now() < 7.1
    assert gate.snapshot().held_for == 0


async def test_hold_is_never_shortened() -> None:
    gate = Gate(None, 1)
    gate.hold(10)
    gate.hold(2)
    await leave(gate)
    assert now() >= 10


async def test_hold_while_a_call_waits_is_kept() -> None:
    gate = Gate(None, 1)
    gate.hold(5)
    waiting = asyncio.create_task(leave(gate))
    await asyncio.sleep(3)
    gate.hold(9)
    await waiting
    assert 12 <= now() < 12.1


# ---- what HubSpot reports


def reported(limit: object, **more: str) -> dict[str, str]:
    return {"X-HubSpot-RateLimit-Max": str(limit), **more}


@pytest.mark.parametrize(
    ("ceiling", "headers", "followed"),
    [
        (None, reported(190), 190),
        (None, reported(20), 20),
        (RateLimit(150), reported(190), 150),
        (RateLimit(150), reported(110), 110),
        (None, reported("lots"), 100),
        (None, reported(0), 100),
        (None, {}, 100),
    ],
)
async def test_maximum_is_followed_under_the_ceiling(
    ceiling: RateLimit | None, headers: dict[str, str], followed: int
) -> None:
    gate = Gate(ceiling, 1)
    await leave(gate, headers=headers)
    assert gate.snapshot().max_requests == followed


async def test_maximum_is_followed_both_ways() -> None:
    gate = Gate(RateLimit(150), 1)
    for limit, followed in ((100, 100), (190, 150), (120, 120)):
        await leave(gate, headers=reported(limit))
        assert gate.snapshot().max_requests == followed


async def test_answer_that_raises_the_limit_lets_the_next_out_at_once() -> None:
    gate = Gate(None, 2)
    await leave(gate, headers=reported(2))
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None
        permit.sent()
        waiting = asyncio.create_task(leave(gate))
        await asyncio.sleep(2)
        permit.answered(reported(190))
        await waiting
    assert 2 <= now() < 2.1


async def test_day_is_noted() -> None:
    gate = Gate(None, 1)
    assert gate.snapshot().daily_remaining is None
    await leave(gate, headers={"X-HubSpot-RateLimit-Daily-Remaining": "624999"})
    await leave(gate, headers={"X-HubSpot-RateLimit-Daily-Remaining": "?"})
    assert gate.snapshot().daily_remaining == 624_999


# ---- never over the limit


async def crowd(
    gates: Sequence[Gate],
    chance: Random,
    count: int,
    service: Callable[[], float],
    connecting: Sequence[float] = (0, 0.001, 0.3),
) -> list[float]:
    """Send `count` requests with 100 workers; return when HubSpot counts them."""
    counted: list[float] = []
    left = count

    async def work(gate: Gate) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with gate.permit(Lane(chance.random() < 0.8), always) as permit:
                assert permit is not None
                await asyncio.sleep(chance.choice(connecting))
                permit.sent()
                seconds = service()
                counted.append(now() + chance.uniform(0, min(0.2, seconds)))
                await asyncio.sleep(seconds)
                permit.answered({} if chance.random() < 0.95 else None)

    workers = [work(gates[place % len(gates)]) for place in range(100)]
    await asyncio.gather(*workers)
    return counted


SERVICES: dict[str, Callable[[Random], float]] = {
    "fast": lambda chance: chance.uniform(0.0, 0.05),
    "usual": lambda chance: chance.uniform(0.1, 0.4),
    "slow": lambda chance: chance.expovariate(0.3),
}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
@pytest.mark.parametrize("limit", [RateLimit(190), RateLimit(100), RateLimit(7)])
async def test_never_over_the_limit(
    limit: RateLimit, service: Callable[[Random], float]
) -> None:
    chance = Random(limit.max_requests)
    gate = Gate(limit, 100)
    instants = await crowd(
        [gate], chance, 8 * limit.max_requests, lambda: service(chance)
    )
    assert worst(instants, limit.interval) <= limit.max_requests
    assert gate.granted == len(instants)


async def test_nearly_all_of_the_limit_is_used() -> None:
    """After the first window; 200 ms of each window are a margin."""
    chance = Random(2)
    gate = Gate(RateLimit(190), 100)
    instants = await crowd(
        [gate], chance, 190 * 12, lambda: chance.uniform(0.02, 0.1), [0.0]
    )
    steady = [instant for instant in instants if 10 <= instant < 110]
    assert len(steady) >= 0.98 * 190 * 10


async def test_burst_on_an_idle_gate_does_not_wait() -> None:
    gate = Gate(None, 64)
    await asyncio.gather(*(leave(gate) for _ in range(50)))
    assert now() < 0.001


@pytest.mark.parametrize("processes", [2, 4, 50])
async def test_share_of_one_process_is_kept_without_a_common_clock(
    processes: int,
) -> None:
    limit = RateLimit(190, processes=processes)
    chance = Random(processes)
    gate = Gate(limit, 100)
    share = 190 / processes
    instants = await crowd(
        [gate], chance, round(5 * share), lambda: chance.uniform(0.05, 0.5), [0.0]
    )
    assert worst(instants, limit.interval) <= share


async def test_processes_together_keep_to_the_limit() -> None:
    limit = RateLimit(190, processes=5)
    chance = Random(5)
    gates = [Gate(limit, 20) for _ in range(5)]
    instants = await crowd(gates, chance, 800, lambda: chance.uniform(0.05, 0.5), [0.0])
    assert worst(instants, limit.interval) <= 190
    # Pauses between permits are even: no share is saved up and spent at once.
    late = sorted(instants)[200:]
    assert max(second - first for first, second in pairwise(late)) < 3


async def test_unwanted_permit_takes_nothing_of_the_share() -> None:
    gate = Gate(RateLimit(10, burst=1, processes=10), 1)
    for _ in range(20):
        async with gate.permit(Lane.BULK, never) as permit:
            assert permit is None
    assert now() < 1


def test_limits_of_the_plans() -> None:
    plans: list[Any] = [
        RateLimit.starter(),
        RateLimit.professional(),
        RateLimit.enterprise(),
        RateLimit.oauth(),
    ]
    assert [plan.max_requests for plan in plans] == [100, 190, 190, 110]


# ---- requests from before a restart


async def test_requests_from_before_a_restart_keep_their_slots() -> None:
    gate = Gate(RateLimit(10, interval=10.0, burst=10), 32)
    gate.record_earlier([9.0] * 6 + [1.0] * 4)
    assert gate.snapshot().used == 10
    left = []
    for _ in range(10):
        await leave(gate)
        left.append(now())
    # One interval and LAG after they were sent, and no earlier.
    assert left[0] == pytest.approx(1.2, abs=0.01)
    assert left[6] == pytest.approx(9.2, abs=0.01)
    earlier = [-9.0] * 6 + [-1.0] * 4
    assert worst(earlier + left, 10.0) == 10


async def test_requests_from_before_a_restart_are_not_another_programs() -> None:
    def headers(remaining: int) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Max": "190",
            "X-HubSpot-RateLimit-Remaining": str(remaining),
        }

    gate, alone = Gate(RateLimit(190), 32), Gate(RateLimit(190), 32)
    gate.record_earlier([5.0] * 60)
    await leave(gate, headers=headers(190 - 61))
    await leave(alone, headers=headers(190 - 61))
    assert gate.snapshot().used_by_others == 0
    assert alone.snapshot().used_by_others > 50


async def test_only_requests_of_the_window_count_from_before_a_restart() -> None:
    gate = Gate(RateLimit(190), 32)
    gate.record_earlier([10.3, 3600.0])
    assert gate.snapshot().used == 0
    gate.record_earlier([-5.0, 10.1], "associations")  # its clock was ahead
    assert gate.snapshot().used == 0
    assert gate.snapshot().families["associations"].used == 2
    await asyncio.sleep(0.2)
    assert gate.snapshot().families["associations"].used == 1
    await asyncio.sleep(10.1)
    assert gate.snapshot().families["associations"].used == 0


async def test_limits_that_join_others_know_what_both_have_sent() -> None:
    alone, joining, joined = (Gate(RateLimit(190), 32, key=key) for key in (1, None, 2))
    ours, theirs = joining.senders, joined.senders
    assert len({*alone.senders, *ours, *theirs}) == 3
    joining.identify(2)
    assert joining.senders == joined.senders == ours | theirs
    assert joining.senders.isdisjoint(alone.senders)


def test_limits_that_move_to_another_loop_know_what_was_sent_in_the_first() -> None:
    async def senders() -> frozenset[int]:
        return gate.senders

    gate = Gate(RateLimit(190), 32)
    assert asyncio.run(senders()) == asyncio.run(senders())


async def test_requests_from_before_a_restart_join_those_sent_since() -> None:
    gate = Gate(RateLimit(5, interval=10.0, burst=5), 32)
    await asyncio.sleep(3)
    await leave(gate)
    gate.record_earlier([2.0, 4.0])
    await leave(gate)
    assert gate.snapshot().used == 4
    await leave(gate)
    await leave(gate)  # the sixth waits for the oldest one
    assert now() == pytest.approx(3 - 4 + 10.2, abs=0.01)

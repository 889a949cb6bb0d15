"""The queue of permits: which call is next, in which lane, and what a pacer adds."""

import asyncio

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from hubbatch import OverloadedError, RateLimit
from hubbatch._net.gate import Gate, Permit
from hubbatch._net.permit_queue import Lane, Pacer, PermitQueue


class OwnError(Exception):
    """The caller's own."""


def always() -> bool:
    return True


def now() -> float:
    return asyncio.get_running_loop().time()


async def leave(
    gate: Gate, lane: Lane = Lane.BULK, family: str = "objects", **headers: str
) -> float:
    """Send a request that is answered at once; return when it left."""
    async with gate.permit(lane, always, family) as permit:
        assert permit is not None
        permit.sent()
        permit.answered(
            {name.replace("_", "-"): text for name, text in headers.items()}
        )
        return now()


async def throttled(gate: Gate, seconds: float) -> None:
    """Send a request that gets a 429 at once."""
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None
        permit.sent()
        permit.answered({})
        permit.throttled()
        gate.hold(seconds)


def idle(gate: Gate, concurrency: int) -> bool:
    """Check that all room is back and that no call or task remains."""
    assert gate.allowance.free == concurrency
    assert gate.allowance.users == gate._account_limits().daily.outstanding == 0
    assert len(asyncio.all_tasks()) == 1
    return True


# ---- lanes


async def test_single_call_is_next_however_many_wait() -> None:
    """Also before the call that was next when it arrived."""
    gate = Gate(RateLimit(10, burst=1), 64)
    bulk = [asyncio.create_task(leave(gate)) for _ in range(500)]
    await asyncio.sleep(20)
    waits = []
    for pause in (0.1, 2.3, 0.7, 5.0, 1.1, 3.3):
        await asyncio.sleep(pause)
        came = now()
        waits.append(await leave(gate, Lane.SINGLE) - came)
    # One leaves each second, and of so few none meets bulk's turn twice.
    assert max(waits) < 2.3
    assert sum(waits) / len(waits) < 1.3
    for task in bulk:
        task.cancel()
    await asyncio.wait(bulk)
    assert idle(gate, 64)


async def test_bulk_continues_beside_ever_more_single_calls() -> None:
    gate = Gate(RateLimit(100, burst=1), 200)
    singles = [asyncio.create_task(leave(gate, Lane.SINGLE)) for _ in range(300)]
    bulk = [asyncio.create_task(leave(gate)) for _ in range(50)]
    done, _ = await asyncio.wait(bulk)
    assert max(task.result() for task in done) == pytest.approx(20, abs=2)
    await asyncio.wait(singles)


async def test_full_client_lets_the_others_pass() -> None:
    """A client with all its requests in flight holds up no other of its account."""
    slow, quick = Gate(None, 1, key="k"), Gate(None, 1, key="k")
    async with slow.permit(Lane.BULK, always):
        waiting = asyncio.create_task(leave(slow, Lane.SINGLE))
        await asyncio.sleep(1)
        assert await leave(quick) < 1.1
        assert not waiting.done()
    await waiting


async def test_clients_of_one_account_take_turns() -> None:
    big, small = (Gate(RateLimit(2, burst=1, interval=1.0), 99, key="k") for _ in "ab")
    crowd = [asyncio.create_task(leave(big)) for _ in range(40)]
    few = [asyncio.create_task(leave(small)) for _ in range(4)]
    await asyncio.wait(few)
    assert sum(task.done() for task in crowd) <= 6
    await asyncio.wait(crowd)


# ---- what is handed over and not used


async def test_work_that_is_taken_between_the_handing_over_and_the_waking_up() -> None:
    """Of three workers for one piece of work, one sends and two cost nothing."""
    gate = Gate(None, 3)
    work = [1]
    sent = 0

    async def one() -> None:
        nonlocal sent
        async with gate.permit(Lane.BULK, lambda: bool(work)) as permit:
            if permit is not None:
                work.clear()
                permit.sent()
                sent += 1

    gate.hold(1)
    await asyncio.gather(one(), one(), one())
    assert sent == gate.granted == gate.snapshot().used == 1
    assert idle(gate, 3)


async def test_cancelled_when_the_slot_is_handed_over_already() -> None:
    gate = Gate(RateLimit(1), 1)
    gate.hold(1)

    def wanted() -> bool:
        if now() >= 1:
            asyncio.get_running_loop().call_soon(waiting.cancel)
        return True

    async def ask() -> None:
        async with gate.permit(Lane.BULK, wanted):
            pytest.fail("it went on")

    waiting = asyncio.create_task(ask())
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert (gate.granted, gate.snapshot().used) == (0, 0)
    await leave(gate)
    assert now() < 1.1
    assert idle(gate, 1)


async def test_cancelled_with_an_error_handed_over() -> None:
    gate = Gate(None, 1)
    gate.hold(1)

    def fail() -> bool:
        if now() < 1:
            return True
        asyncio.get_running_loop().call_soon(waiting.cancel)
        raise OwnError

    async def ask() -> None:
        async with gate.permit(Lane.BULK, fail):
            pytest.fail("it let a request out")

    waiting = asyncio.create_task(ask())
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert idle(gate, 1)


async def test_bug_of_ours_leaves_no_call_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate(None, 3)
    gate.hold(1)
    waiting = [asyncio.create_task(leave(gate, lane)) for lane in (*Lane, Lane.BULK)]
    await asyncio.sleep(0.5)
    waiting[2].cancel()

    def broken(_queue: PermitQueue) -> None:
        raise OwnError

    monkeypatch.setattr(PermitQueue, "_has_ticket", broken)
    await asyncio.wait(waiting)
    assert waiting[2].cancelled()
    assert all(isinstance(task.exception(), OwnError) for task in waiting[:2])
    assert idle(gate, 3)


# ---- after a 429


async def test_after_a_429_one_goes_ahead() -> None:
    """The others follow once it is answered: one 429 never becomes a storm."""
    gate = Gate(RateLimit(190), 64)
    await throttled(gate, 10)
    left: list[float] = []

    async def one() -> None:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
            left.append(now())
            await asyncio.sleep(0.4)
            permit.answered({})

    await asyncio.gather(*(one() for _ in range(20)))
    assert left[0] == pytest.approx(10, abs=0.01)
    assert left[1] == pytest.approx(10.4, abs=0.01)
    assert left[19] < 10.5


async def test_after_a_429_one_a_second_while_none_is_answered() -> None:
    gate = Gate(RateLimit(190), 64)
    await throttled(gate, 10)
    left: list[float] = []

    async def one() -> None:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
            left.append(now())
            await asyncio.sleep(100)

    await asyncio.gather(*(one() for _ in range(4)))
    assert left == pytest.approx([10, 11, 12, 13], abs=0.01)


async def test_server_that_refuses_everything_sees_one_request_a_hold() -> None:
    gate = Gate(RateLimit(190), 64)
    left: list[float] = []

    async def work() -> None:
        while now() < 100:
            async with gate.permit(Lane.BULK, always) as permit:
                assert permit is not None
                permit.sent()
                left.append(now())
                await asyncio.sleep(0.1)
                permit.answered({})
                permit.throttled()
                gate.hold(10)

    await asyncio.gather(*(work() for _ in range(32)))
    assert sum(instant < 1 for instant in left) == 32
    # Those that came in together, and one after each hold.
    assert sum(5 < instant < 100 for instant in left) <= 10


# ---- families


async def test_families_have_windows_and_holds_of_their_own() -> None:
    gate = Gate(RateLimit(3), 64)
    await asyncio.gather(*(leave(gate) for _ in range(3)))
    assert gate.snapshot().used == 3
    await asyncio.gather(*(leave(gate, family="associations") for _ in range(3)))
    assert now() < 1
    gate.hold(50, "associations")
    await leave(gate)
    assert 10 <= now() < 11
    limits = gate.snapshot()
    assert limits.held_for == 0
    assert [*limits.families] == ["associations"]
    assert limits.families["associations"].held_for == pytest.approx(40, abs=1)
    assert limits.families["associations"].families == {}


async def test_associations_follow_their_own_answers() -> None:
    gate = Gate(None, 4)
    await leave(gate, X_HubSpot_RateLimit_Max="190")
    await leave(gate, family="associations", X_HubSpot_RateLimit_Max="150")
    limits = gate.snapshot()
    assert limits.max_requests == 190
    assert limits.families["associations"].max_requests == 150


async def test_search_is_spread_evenly_over_the_second() -> None:
    gate = Gate(RateLimit(190), 64)
    left = await asyncio.gather(*(leave(gate, family="search") for _ in range(40)))
    for instant in left:
        assert sum(instant <= other < instant + 1 for other in left) <= 5
    assert max(left) == pytest.approx(40 / 5 * 1.2, abs=1)
    assert idle(gate, 64)


# ---- a pacer


class Slow:
    """A pacer that takes a second for each request."""

    def __init__(self) -> None:
        self.asked = 0
        self.cancelled = 0
        self.closed = False
        self.tickets: list[object] = []
        self.returned: list[object] = []
        self.held: list[float] = []

    async def acquire(self, limit: RateLimit) -> object:
        self.asked += 1
        self.limit = limit
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.asked

    def sent(self, ticket: object) -> None:
        self.tickets.append(ticket)

    def give_back(self, ticket: object) -> None:
        self.returned.append(ticket)

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)

    def move(self, shift: float) -> None:
        self.moved = shift

    async def aclose(self) -> None:
        self.closed = True


def add_pacer(gate: Gate, pacer: Pacer) -> None:
    gate._account_limits().queue("objects").pacer = pacer


async def test_pacer_is_asked_once_for_each_request() -> None:
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    left = await asyncio.gather(*(leave(gate) for _ in range(3)))
    assert left == pytest.approx([1, 2, 3], abs=0.01)
    assert (pacer.asked, pacer.cancelled) == (3, 0)


async def test_pacer_is_closed_with_what_a_cancelled_call_asked_for() -> None:
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    waiting = asyncio.create_task(leave(gate))
    await asyncio.sleep(0.5)
    waiting.cancel()
    await gate._account_limits().queue("objects").aclose()
    await asyncio.sleep(0)
    assert (pacer.asked, pacer.cancelled, pacer.closed) == (1, 1, True)


async def test_single_call_takes_the_ticket_that_a_bulk_run_asked_for() -> None:
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    bulk = asyncio.create_task(leave(gate))
    await asyncio.sleep(0.5)
    assert await leave(gate, Lane.SINGLE) == pytest.approx(1, abs=0.01)
    assert await bulk == pytest.approx(2, abs=0.01)


async def test_pacer_is_held_too() -> None:
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    await throttled(gate, 7)
    assert pacer.held == [7]
    paced = Gate(RateLimit(190, processes=2), 9)
    paced.hold(7)
    assert await leave(paced) == pytest.approx(now(), abs=0.01)
    assert now() > 7


@pytest.mark.parametrize("after", [0.0, 0.5])
async def test_pacer_is_not_asked_when_no_call_waits(after: float) -> None:
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    with suppress(TimeoutError):
        async with asyncio.timeout(after):
            await leave(gate)
    await asyncio.sleep(0.1)
    assert pacer.asked == 1
    assert idle(gate, 9)
    assert await leave(gate) == pytest.approx(1.1 + after, abs=0.01)


async def test_pacer_gets_its_tickets_back_and_every_hold() -> None:
    gate, pacer = Gate(RateLimit(50), 9), Slow()
    add_pacer(gate, pacer)
    await leave(gate)
    async with gate.permit(Lane.BULK, always) as permit:
        assert permit is not None  # and is never sent
    gate.hold(7)
    assert pacer.limit == RateLimit(50)
    assert (pacer.tickets, pacer.returned, pacer.held) == ([1], [2], [7])


async def test_ticket_that_no_call_can_take_is_given_back() -> None:
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    asyncio.get_running_loop().call_later(0.5, gate.hold, 5)
    left = await leave(gate)
    assert left == pytest.approx(6.5, abs=0.01)
    assert (pacer.returned, pacer.tickets) == ([1], [2])


async def test_what_the_pacer_raises_is_raised_to_the_next_call() -> None:
    class Full(Slow):
        async def acquire(self, limit: RateLimit) -> object:
            if await super().acquire(limit) == 1:
                raise OverloadedError("full")
            return 0

    gate = Gate(None, 9)
    add_pacer(gate, Full())
    one, other = await asyncio.gather(leave(gate), leave(gate), return_exceptions=True)
    assert isinstance(one, OverloadedError)
    assert other == pytest.approx(2, abs=0.01)
    assert idle(gate, 9)


async def test_pacer_that_was_cancelled_is_asked_again() -> None:
    """A loop that is closing cancels it."""
    gate, pacer = Gate(None, 9), Slow()
    add_pacer(gate, pacer)
    waiting = asyncio.create_task(leave(gate))
    await asyncio.sleep(0.5)
    paced = gate._account_limits().queue("objects")._ticket
    assert paced is not None
    paced.cancel()
    await asyncio.sleep(0.1)
    gate._account_limits().queue("objects").wake()
    assert await waiting == pytest.approx(1.6, abs=0.01)
    assert pacer.asked == 2


# ---- any order of things


Step = Callable[[Gate], Awaitable[Any]]


@pytest.mark.parametrize("step", range(24))
async def test_cancelled_at_every_step_with_lanes_and_a_pacer(
    step: int,
) -> None:
    gate, pacer = Gate(RateLimit(6, interval=1.0, burst=2), 2), Slow()
    add_pacer(gate, pacer)
    tasks = [asyncio.create_task(leave(gate, Lane(n % 2))) for n in range(8)]
    await asyncio.sleep(step // 4 / 2)
    for victim in tasks[step % 4 :: 4]:
        victim.cancel()
    await asyncio.wait(tasks)
    assert sum(not task.cancelled() for task in tasks) >= 6
    await asyncio.sleep(0.01)
    assert idle(gate, 2)


async def test_permit_of_a_request_that_was_never_sent_and_got_an_answer() -> None:
    """This cannot happen; if it does, the window stays right."""
    gate = Gate(RateLimit(1), 1)
    async with gate.permit(Lane.BULK, always) as permit:
        assert isinstance(permit, Permit)
        permit.answered({})
        permit.throttled()
    assert gate.snapshot().used == 0

"""A client that is used in one event loop after another."""

import asyncio
import gc
import threading
import warnings

from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest

from hubbatch import Accounts, HubBatch, OAuth, OAuthTokens, RateLimit
from hubbatch._net.gate import Gate
from hubbatch._net.permit_queue import Lane
from hubbatch._net.single_flight import SingleFlight
from hubbatch._wire.codecs.oauth import Grant
from hubbatch.simulator import Fault, Simulator
from tests.net.crm import SECRET, Crm, updates
from tests.net.virtual import VirtualTimeLoop


# Tasks that were running when their loops were closed.
_ENDED: list[asyncio.Task[Any]] = []


class Server:
    """A simulator in a thread, so that it outlives the event loops of its clients."""

    def __init__(self) -> None:
        self.sim = Simulator(tier="professional", seed=1)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.thread.start()
    server.call(server.sim.__aenter__())
    yield server
    server.call(server.sim.__aexit__(None, None, None))
    server.loop.call_soon_threadsafe(server.loop.stop)
    server.thread.join()
    server.loop.close()


@contextmanager
def nothing_leaks(*but: str) -> Iterator[None]:
    """Fail if a resource is left open, unless its warning starts with one of these."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    heard = [str(warning.message) for warning in caught]
    assert [warning for warning in heard if not warning.startswith(but)] == []


def a_client(server: Server, **options: Any) -> HubBatch:
    return HubBatch(server.sim.token, base_url=server.sim.url, **options)


async def create(hub: HubBatch, count: int = 3) -> int:
    made = await hub.tickets.create([{"properties": {"subject": "s"}}] * count)
    return made.succeeded


@pytest.mark.parametrize("loops", [1, 2, 5])
def test_one_loop_after_another(server: Server, loops: int) -> None:
    """Batches, streams and single calls on real sockets; nothing is left open."""
    with nothing_leaks():
        hub = a_client(server)

        async def work() -> None:
            assert await create(hub) == 3
            record = await hub.single.tickets.create({"subject": "s"})
            read = await hub.single.tickets.read(record.id)
            assert read.id == record.id
            async with hub.tickets.read([record.id]) as outcomes:
                assert [outcome.status async for outcome in outcomes] == ["succeeded"]
            assert (await hub.account()).portal_id is not None

        for _ in range(loops):
            asyncio.run(work())
        asyncio.run(hub.aclose())
        asyncio.run(hub.aclose())
    assert len(server.sim.requests) == 5 * loops


def test_the_used_part_of_the_limit_is_remembered(server: Server) -> None:
    hub = a_client(server, rate_limit=RateLimit(190))

    async def work() -> int:
        await create(hub)
        return hub.limits.used

    assert [asyncio.run(work()) for _ in range(5)] == [1, 2, 3, 4, 5]
    asyncio.run(hub.aclose())


def test_tasks_still_running_in_a_loop_are_cancelled_with_it(server: Server) -> None:
    """Tasks that are not awaited end with their loop, single calls too."""
    with nothing_leaks():
        hub = a_client(server, max_concurrency=2)
        server.sim.faults.add(Fault("delay", seconds=0.2, times=None))
        left: list[asyncio.Task[Any]] = []

        async def leave() -> None:
            for _ in range(5):
                left.append(asyncio.create_task(create(hub)))
                call = hub.single.tickets.create({"subject": "s"})
                left.append(asyncio.create_task(call))
            await asyncio.sleep(0.01)

        for _ in range(3):
            asyncio.run(leave())
            assert hub._state.gate.allowance.users == 0
            assert hub._state.gate.allowance.free == 2
            assert asyncio.run(create(hub)) == 3
        asyncio.run(hub.aclose())


def use_and_close(hub: HubBatch) -> None:
    """Close a loop without finalizing its generators, unlike `asyncio.run`."""
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(create(hub)) == 3
    loop.close()


def test_a_loop_closed_without_finalizing_its_generators(server: Server) -> None:
    """asyncio closes its sockets and warns about them; no session is left."""
    hub = a_client(server)
    with nothing_leaks("unclosed <socket", "unclosed transport"):
        for _ in range(3):
            use_and_close(hub)
        asyncio.run(hub.aclose())


def test_closing_does_not_wait_for_tasks_of_a_closed_loop() -> None:
    hub, crm = HubBatch(SECRET), Crm(latency=(1e4, 1e4))
    hub._state.transport = crm
    loop = VirtualTimeLoop()
    batch = loop.create_task(hub.tickets.update(updates(3)))
    call = loop.create_task(hub.single.tickets.read("1"))
    loop.run_until_complete(asyncio.sleep(1))
    assert hub._state.active
    assert not batch.done()
    assert not call.done()
    hush(asyncio.all_tasks(loop))
    loop.close()
    crm.latency = (0.0, 0.0)
    crm.fill(1)

    async def read() -> str | None:
        record = await hub.single.tickets.read("1")
        return record.id

    found, ended = run(read())
    assert found == "1"
    assert ended < 0.1
    _, ended = run(hub.aclose())
    assert ended < 1
    assert crm.closed


# ---- on a virtual clock


def run(work: Coroutine[Any, Any, Any], began: float = 0.0) -> tuple[Any, float]:
    """Run in a new event loop whose clock starts at `began`."""
    loop = VirtualTimeLoop()
    loop.now = began
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work), loop.now


def hush(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Keep asyncio from warning about tasks that ended with their loop."""
    for task in tasks:
        _ENDED.append(task)
        setattr(task, "_log_destroy_pending", False)  # noqa: B010 -- asyncio's own


def always() -> bool:
    return True


async def leave(gate: Gate, count: int = 1, lasts: float = 0.0) -> float:
    for _ in range(count):
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            permit.sent()
            await asyncio.sleep(lasts)
            permit.answered({"X-HubSpot-RateLimit-Daily-Remaining": "50"})
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("began", [0.0, 1e6, -1e6])
def test_the_window_is_kept_when_the_next_clock_starts_elsewhere(began: float) -> None:
    gate = Gate(RateLimit(10, burst=10), 5)
    _, ended = run(leave(gate, 10), began=500.0)
    assert ended < 501

    async def look() -> tuple[int, float, int | None]:
        used = gate.snapshot().used
        left_at = await leave(gate)
        return used, left_at, gate.snapshot().daily_remaining

    (used, left_at, remaining), _ = run(look(), began)
    assert used == 10
    assert left_at == pytest.approx(began + 10, abs=0.3)
    assert remaining == 50


@pytest.mark.parametrize("began", [0.0, 1e6])
def test_a_hold_continues_in_the_next_loop(began: float) -> None:
    gate = Gate(RateLimit(10), 5)

    async def throttled() -> None:
        await leave(gate)
        gate.hold(7.0)

    run(throttled(), 500.0)
    left_at, _ = run(leave(gate), began)
    assert left_at == pytest.approx(began + 7, abs=0.1)


def test_clients_that_share_limits_move_together() -> None:
    one, two, new = (Gate(RateLimit(20, burst=20), 5, key="a") for _ in range(3))

    async def both() -> int:
        await leave(one, 4)
        await leave(two, 3)
        one.hold(1.0)
        return two.snapshot().used

    assert run(both())[0] == 7

    async def all_of_them() -> list[int]:
        await leave(new)
        used = [new.snapshot().used]
        # The first that joins adds the requests of both, once, and its hold.
        for gate in (one, two):
            await leave(gate)
            used.append(gate.snapshot().used)
        return used

    used, ended = run(all_of_them(), 5.0)
    assert used == [1, 9, 10]
    assert ended == pytest.approx(6.0, abs=0.01)


def test_permits_of_an_abandoned_loop_do_not_block_the_next() -> None:
    """It was closed with requests in flight, which may have been sent at any time."""
    gate = Gate(RateLimit(10, burst=10), 3)
    loop = VirtualTimeLoop()

    async def hang() -> None:
        async with gate.permit(Lane.BULK, always) as permit:
            assert permit is not None
            await asyncio.Event().wait()

    tasks = [loop.create_task(hang()) for _ in range(5)]
    loop.run_until_complete(asyncio.sleep(1))
    loop.close()
    assert gate.allowance.free == 0

    async def look() -> tuple[int, int, int, float]:
        gate.snapshot()
        free = gate.allowance.free
        for task in tasks:
            task.get_coro().close()  # as the garbage collector does
        return free, gate.allowance.free, gate.snapshot().used, await leave(gate, 8)

    (free, after, used, left_at), _ = run(look())
    assert (free, after, used) == (3, 3, 3)
    assert left_at > 10
    hush(tasks)


def test_a_paced_family_moves() -> None:
    gate = Gate(None, 5)

    async def search() -> float:
        for _ in range(3):
            async with gate.permit(Lane.BULK, always, "search") as permit:
                assert permit is not None
                permit.sent()
                permit.answered({})
        return asyncio.get_running_loop().time()

    for _ in range(3):
        with nothing_leaks():
            _, ended = run(search())
        assert 0.4 < ended < 3


# ---- the login


class Endpoint:
    """The token endpoint; it may never answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.silent = False

    async def __call__(self, _request: Any) -> Any:
        self.asked += 1
        if self.silent:
            await asyncio.Event().wait()
        return Grant(f"t{self.asked}", "refresh", 1800)


@pytest.mark.parametrize("began", [0.0, 1e6, -1e6])
def test_a_token_keeps_its_expiry_in_the_next_loop(began: float) -> None:
    endpoint, oauth = Endpoint(), OAuth("id", "secret", "refresh")

    async def use(after: float = 0.0) -> str | None:
        oauth.current()
        await asyncio.sleep(after)
        await oauth.ensure_token(endpoint)
        return oauth.current()

    assert run(use(), 500.0)[0] == "t1"
    assert run(use(1700.0), began)[0] == "t1"
    assert run(use(100.0), 0.0)[0] == "t2"
    assert endpoint.asked == 2


@pytest.mark.parametrize("abandoned", [False, True])
def test_a_refresh_that_ended_with_its_loop_is_started_again(
    *, abandoned: bool
) -> None:
    endpoint, oauth = Endpoint(), OAuth("id", "secret", "refresh")
    endpoint.silent = True
    loop = VirtualTimeLoop(patience=0.001)
    waiting = loop.create_task(oauth.ensure_token(endpoint))
    loop.run_until_complete(asyncio.sleep(1))
    assert oauth.refreshing
    flying = asyncio.all_tasks(loop)
    if not abandoned:
        for task in flying:
            task.cancel()
        loop.run_until_complete(asyncio.wait(flying))
    loop.close()
    assert not oauth.refreshing
    endpoint.silent = False

    async def use() -> str | None:
        async with asyncio.timeout(10):
            await oauth.ensure_token(endpoint)
            return oauth.current()

    assert run(use())[0] == "t2"
    hush([waiting, *flying])


@pytest.mark.parametrize("began", [0.0, 1e6])
def test_tokens_that_were_not_stored_are_stored_in_the_next_loop(began: float) -> None:
    stored: list[str] = []
    full = True

    def store(tokens: OAuthTokens) -> None:
        if full:
            raise OSError("disk full")
        stored.append(tokens.access_token)

    endpoint = Endpoint()
    oauth = OAuth("id", "secret", "refresh", on_refresh=store)

    async def use() -> str | None:
        await oauth.ensure_token(endpoint)
        return oauth.current()

    with pytest.raises(OSError, match="disk full"):
        run(use(), 500.0)
    full = False
    assert run(use(), began)[0] == "t1"
    assert (stored, endpoint.asked) == (["t1"], 1)


def test_a_login_is_in_one_loop_at_a_time() -> None:
    oauth = OAuth("id", "secret", "refresh", access_token="t")  # noqa: S106 -- nobody's

    async def look() -> str | None:
        return oauth.current()

    with asyncio.Runner() as first:
        assert first.run(look()) == "t"
        with pytest.raises(RuntimeError, match="this OAuth login is in use"):
            asyncio.run(look())
    assert asyncio.run(look()) == "t"


def test_a_call_of_a_closed_loop_does_not_block_the_next() -> None:
    flight: SingleFlight[int] = SingleFlight()
    loop = VirtualTimeLoop()

    async def hang() -> int:
        await asyncio.Event().wait()
        return 1

    waiting = loop.create_task(flight.join(hang))
    loop.run_until_complete(asyncio.sleep(1))
    flying = asyncio.all_tasks(loop)
    loop.close()
    run(flight.aclose())
    run(flight.cancel())
    assert not flight.running
    hush([waiting, *flying])


# ---- what cannot move


def test_a_client_with_the_callers_session_stays_in_its_loop(server: Server) -> None:
    made: list[Any] = []

    async def first() -> None:
        async with aiohttp.ClientSession() as session:
            made.append(a_client(server, session=session))
            made.append(Accounts(_token, session=session))
            await create(made[0])
            await made[1].get("1")

    async def again(work: Callable[[], Any]) -> None:
        with pytest.raises(RuntimeError, match="its aiohttp session"):
            await work()

    asyncio.run(first())
    hub, accounts = made
    asyncio.run(again(lambda: create(hub)))
    asyncio.run(again(lambda: hub.single.tickets.read("1")))
    asyncio.run(again(lambda: accounts.get("1")))


async def _token(_account: str) -> str:
    return SECRET


# ---- many accounts


def test_accounts_move(server: Server) -> None:
    loads = []

    async def load(account: str) -> str:
        loads.append(account)
        return server.sim.token

    with nothing_leaks():
        accounts = Accounts(load, base_url=server.sim.url, idle=1000.0)

        async def work() -> list[int]:
            hubs = [await accounts.get(n) for n in ("1", "2")]
            counts = await asyncio.gather(*map(create, hubs))
            assert counts == [3, 3]
            return [hub.limits.used for hub in hubs]

        used = [asyncio.run(work()) for _ in range(3)]
        assert used == [[1, 1], [2, 2], [3, 3]]
        asyncio.run(accounts.aclose())
    assert loads == ["1", "2"]


def test_accounts_that_were_loading_when_their_loop_ended() -> None:
    silent = True

    async def load(_account: str) -> str:
        if silent:
            await asyncio.Event().wait()
        return SECRET

    accounts = Accounts(load, idle=50.0)

    async def begin() -> None:
        getting = asyncio.create_task(accounts.get("1"))
        await asyncio.sleep(1)
        assert not getting.done()

    run(begin())
    silent = False

    async def finish() -> int:
        await accounts.get("1")
        await asyncio.sleep(40)
        await accounts.forget("3")
        return len(accounts)

    async def later() -> int:
        await accounts.get("2")
        await asyncio.sleep(45)
        return len(accounts)

    assert run(finish(), 1e6)[0] == 1
    # The first has been idle for long enough, the second has not.
    assert run(later())[0] == 1

    async def end() -> None:
        await accounts.forget("1")
        await accounts.aclose()

    run(end())
    assert len(accounts) == 0


def test_a_batch_may_be_created_before_its_loop() -> None:
    crm = Crm(latency=(0.0, 0.0))
    crm.fill(3)
    hub = HubBatch(SECRET)
    hub._state.transport = crm
    batches = [hub.tickets.update(updates(3)) for _ in range(2)]

    async def use(batch: Any) -> int:
        made = await batch
        succeeded: int = made.succeeded
        return succeeded

    assert [asyncio.run(use(batch)) for batch in batches] == [3, 3]

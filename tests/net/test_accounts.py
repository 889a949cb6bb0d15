"""Clients of many accounts: which are kept, which are released, and what remains."""

import asyncio
import gc
import weakref

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from hubbatch import (
    Accounts,
    APIError,
    ConfigurationError,
    Event,
    HubBatch,
    OAuth,
    RateLimit,
)
from hubbatch._net.transport import AiohttpTransport
from tests.net.crm import SECRET, Crm, updates


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch) -> Crm:
    """The scripted HubSpot behind every client of a test."""
    crm = Crm()
    crm.fill(100)

    async def send(_self: Any, request: Any, on_sent: Callable[[], None]) -> Any:
        return await crm.send(request, on_sent)

    monkeypatch.setattr(AiohttpTransport, "send", send)
    return crm


class Vault:
    """Returns tokens, and counts the calls."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.asked: list[str] = []
        self.seconds = seconds
        self.fails: list[Exception] = []

    async def __call__(self, account: str) -> str:
        self.asked.append(account)
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise self.fails.pop()
        return f"pat-{account}"


@pytest_asyncio.fixture
async def vault(crm: Crm) -> AsyncIterator[Vault]:
    del crm  # not needed by name
    yield Vault()
    assert len(asyncio.all_tasks()) == 1


# ---- get


async def test_a_client_for_each_account(vault: Vault, crm: Crm) -> None:
    async with Accounts(vault) as accounts:
        one, other = await accounts.get("62515"), await accounts.get(62516)
        assert isinstance(one, HubBatch)
        assert await accounts.get(62515) is one
        assert one is not other
        assert (await one.tickets.read([1])).succeeded == 1
        assert (await other.tickets.read([1])).succeeded == 1
        assert (len(accounts), repr(accounts)) == (2, "<Accounts, 2 open>")
    assert vault.asked == ["62515", "62516"]
    shown = [heard.request.headers["Authorization"] for heard in crm.heard]
    assert shown == ["Bearer pat-62515", "Bearer pat-62516"]


async def test_concurrent_gets_share_one_load(vault: Vault) -> None:
    vault.seconds = 1.0
    async with Accounts(vault) as accounts:
        gets = [accounts.get(number % 3) for number in range(300)]
        clients = await asyncio.gather(*gets)
    assert sorted(vault.asked) == ["0", "1", "2"]
    assert len({id(client) for client in clients}) == 3


async def test_a_load_continues_when_its_first_caller_is_cancelled(
    vault: Vault,
) -> None:
    vault.seconds = 1.0
    async with Accounts(vault) as accounts:
        first = asyncio.create_task(accounts.get(1))
        second = asyncio.create_task(accounts.get(1))
        await asyncio.sleep(0.5)
        first.cancel()
        assert isinstance(await second, HubBatch)
    assert first.cancelled()
    assert vault.asked == ["1"]


async def test_a_failed_load_is_not_cached(vault: Vault) -> None:
    vault.fails = [LookupError("unknown"), APIError("down")]
    async with Accounts(vault) as accounts:
        with pytest.raises(APIError, match="down"):
            await accounts.get(1)
        with pytest.raises(LookupError, match="unknown"):
            await accounts.get(1)
        assert isinstance(await accounts.get(1), HubBatch)
    assert vault.asked == ["1"] * 3


async def test_a_load_that_requests_its_own_account_raises(vault: Vault) -> None:
    async def load(account: str) -> str:
        await accounts.get(account)
        return await vault(account)

    async with Accounts(load) as accounts:
        with pytest.raises(RuntimeError, match="would wait for its own result"):
            await accounts.get(1)


@pytest.mark.parametrize("nothing", [None, ""])
async def test_an_empty_token_is_not_replaced_by_the_environment(
    nothing: Any, monkeypatch: pytest.MonkeyPatch, crm: Crm
) -> None:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", SECRET)

    async def load(_account: str) -> Any:
        return nothing

    async with Accounts(load) as accounts:
        with pytest.raises(ConfigurationError, match="no access token for account '7'"):
            await accounts.get(7)
    assert crm.heard == []


async def test_a_load_that_is_not_async() -> None:
    loads: Any = lambda _account: SECRET  # noqa: E731 -- the mistake itself
    async with Accounts(loads) as accounts:
        with pytest.raises(
            ConfigurationError, match="load must be an async function"
        ) as caught:
            await accounts.get(7)
    assert SECRET not in str(caught.value)


@pytest.mark.usefixtures("crm")
async def test_a_load_may_return_an_oauth_or_a_callable() -> None:
    async def load(account: str) -> Any:
        if account == "1":
            return OAuth("app", "hush", "refresh", access_token=SECRET)
        return lambda: asyncio.sleep(0, SECRET)

    async with Accounts(load) as accounts:
        for account in (1, 2):
            hub = await accounts.get(account)
            assert (await hub.tickets.read([1])).succeeded == 1


async def test_options_go_to_every_client(vault: Vault, crm: Crm) -> None:
    seen: list[Event] = []
    limits: dict[str, float | RateLimit] = {"1": 7, "2": RateLimit(9)}
    async with Accounts(
        vault,
        rate_limit=lambda account: limits[account],
        api_version="2026-03",
        listeners=iter([seen.append]),
    ) as accounts:
        one, two = await accounts.get(1), await accounts.get(2)
        assert (one.limits.max_requests, two.limits.max_requests) == (7, 9)
        await one.tickets.read([1])
        await two.tickets.read([1])
    assert {event.account for event in seen} == {"1", "2"}
    assert {heard.request.path for heard in crm.heard} == {
        "/crm/objects/2026-03/tickets/batch/read"
    }
    async with Accounts(vault, rate_limit=5) as accounts:
        assert (await accounts.get(1)).limits.max_requests == 5


# ---- release


async def test_idle_clients_are_released(vault: Vault) -> None:
    """Only the timer for the other clients remains."""
    async with Accounts(vault, idle=300.0) as accounts:
        left: list[weakref.ref[Any]] = []
        for account in range(300):
            hub = await accounts.get(account)
            assert (await hub.tickets.read([1])).succeeded == 1
            left += [weakref.ref(hub), weakref.ref(hub._state)]
            left += [weakref.ref(hub._state.gate)]
            del hub
        await asyncio.sleep(250)
        busy = await accounts.get(299)
        await asyncio.sleep(100)
        gc.collect()
        assert len(accounts) == 1
        assert sum(ref() is not None for ref in left) == 3
        assert await accounts.get(299) is busy
        await asyncio.sleep(301)
        assert len(accounts) == 0
        assert accounts._timer is None
        assert len(asyncio.all_tasks()) == 1
    assert len(vault.asked) == 300


async def test_a_batch_keeps_its_client(vault: Vault, crm: Crm) -> None:
    """It is kept while the batch runs, and for `idle` seconds after its end."""
    crm.latency = (1_000.0, 1_000.0)
    async with Accounts(vault, idle=10.0) as accounts:
        reading = asyncio.create_task(_read(accounts, 1))
        await asyncio.sleep(900)
        assert len(accounts) == 1
        await reading
        await asyncio.sleep(9)
        assert len(accounts) == 1
        await asyncio.sleep(12)
        assert len(accounts) == 0


async def _read(accounts: Accounts, account: int) -> None:
    hub = await accounts.get(account)
    assert (await hub.tickets.read([1])).succeeded == 1


async def test_a_released_client_works_for_callers_that_hold_it(vault: Vault) -> None:
    """It shares one limit with its successor."""
    async with Accounts(vault, idle=10.0, rate_limit=5) as accounts:
        held = await accounts.get(1)
        await asyncio.sleep(30)
        assert len(accounts) == 0
        again = await accounts.get(1)
        assert again is not held
        assert vault.asked == ["1", "1"]
        for hub in (held, again):
            assert (await hub.tickets.read([1])).succeeded == 1
        assert held.limits.used == again.limits.used == 2


async def test_the_least_recently_used_client_is_released_first(vault: Vault) -> None:
    async with Accounts(vault, max_open=2) as accounts:
        for account in (1, 2, 1, 3):
            await accounts.get(account)
        assert len(accounts) == 2
        await accounts.get(1)
        assert vault.asked == ["1", "2", "3"]
        await accounts.get(2)
        assert vault.asked == ["1", "2", "3", "2"]


async def test_clients_in_use_are_not_released(vault: Vault, crm: Crm) -> None:
    crm.latency = (50.0, 50.0)
    async with Accounts(vault, max_open=1, idle=100.0) as accounts:
        readings = [asyncio.create_task(_read(accounts, n)) for n in range(3)]
        await asyncio.sleep(1)
        assert len(accounts) == 3
        await asyncio.gather(*readings)
        await accounts.get(2)
        assert len(accounts) == 1


async def test_many_accounts_with_room_for_one_client(vault: Vault) -> None:
    """All loads finish, although each releases the client of another."""
    vault.seconds = 0.1
    async with Accounts(vault, max_open=1) as accounts:
        await asyncio.gather(*(_read(accounts, number % 10) for number in range(100)))
    assert len(vault.asked) == 10


async def test_a_closed_client_is_replaced(vault: Vault) -> None:
    async with Accounts(vault) as accounts:
        async with await accounts.get(1) as hub:
            pass
        again = await accounts.get(1)
        assert again is not hub
        assert (await again.tickets.read([1])).succeeded == 1


# ---- forget


async def test_forget_closes_the_client_and_the_next_get_loads_again(
    vault: Vault, crm: Crm
) -> None:
    """Running batches finish."""
    crm.latency = (5.0, 5.0)
    async with Accounts(vault, rate_limit=1_000) as accounts:
        hub = await accounts.get(1)
        reading = asyncio.create_task(hub.tickets.update(updates(3)))
        await asyncio.sleep(1)
        forgotten = accounts.forget("1")
        again = await accounts.get(1)
        with pytest.raises(RuntimeError, match="This client is closed"):
            await hub.tickets.read([1])
        assert not reading.done()
        await forgotten
        assert (await reading).succeeded == 3
        assert (await again.tickets.read([1])).succeeded == 1
        assert vault.asked == ["1", "1"]


async def test_forgetting_an_unknown_account_does_nothing(vault: Vault) -> None:
    async with Accounts(vault) as accounts:
        _ = accounts.forget(1)
        await accounts.forget(2)


async def test_forgetting_an_account_during_its_load(vault: Vault) -> None:
    """The token of the first load may be outdated, so it is loaded once more."""
    vault.seconds = 1.0
    async with Accounts(vault) as accounts:
        getting = asyncio.create_task(accounts.get(1))
        await asyncio.sleep(0.5)
        _ = accounts.forget(1)
        hub = await getting
        assert await accounts.get(1) is hub
    assert vault.asked == ["1", "1"]


# ---- closing


async def test_closing_waits_for_batches(vault: Vault, crm: Crm) -> None:
    """Also for batches of released clients."""
    crm.latency = (5.0, 5.0)
    accounts = Accounts(vault, idle=1.0)
    session = await accounts._own.current()
    held = await accounts.get(1)
    await asyncio.sleep(2)
    readings = [
        asyncio.create_task(held.tickets.update(updates(3))),
        asyncio.create_task(_read(accounts, 2)),
    ]
    await asyncio.sleep(1)
    await accounts.aclose()
    assert all(reading.done() for reading in readings)
    await asyncio.gather(*readings)
    with pytest.raises(RuntimeError, match="These accounts are closed"):
        await accounts.get(2)
    with pytest.raises(RuntimeError, match="This client is closed"):
        await held.tickets.read([1])
    assert session.closed
    await accounts.aclose()


async def test_closing_cancels_loads(vault: Vault) -> None:
    vault.seconds = 1_000.0
    accounts = Accounts(vault)
    getting = asyncio.create_task(accounts.get(1))
    await asyncio.sleep(1)
    await accounts.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await getting
    assert asyncio.get_running_loop().time() < 10


async def test_closing_while_a_client_is_being_created(vault: Vault) -> None:
    """The client is not kept, and no timer remains."""
    accounts = Accounts(vault)
    getting = asyncio.create_task(accounts.get(1))
    for _ in range(10):
        await asyncio.sleep(0)
        if accounts._open:
            break
    closing = asyncio.create_task(accounts.aclose())
    await asyncio.wait([getting, closing])
    assert (len(accounts), closing.exception()) == (0, None)


async def test_cancelled_closing_still_closes_the_connections(
    vault: Vault, crm: Crm
) -> None:
    crm.latency = (50.0, 50.0)
    accounts = Accounts(vault)
    session = await accounts._own.current()
    reading = asyncio.create_task(_read(accounts, 1))
    await asyncio.sleep(1)
    closing = asyncio.create_task(accounts.aclose())
    await asyncio.sleep(1)
    closing.cancel()
    await asyncio.wait([closing])
    assert session.closed
    await reading


async def test_unused_accounts_close_without_a_session(vault: Vault) -> None:
    async with Accounts(vault) as accounts:
        pass
    assert accounts._own._session is None


async def test_the_callers_session_is_not_closed(vault: Vault) -> None:
    async with aiohttp.ClientSession() as session:
        async with Accounts(vault, session=session) as accounts:
            await _read(accounts, 1)
        assert not session.closed


# ---- misuse


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"max_open": 0},
            ConfigurationError,
            "max_open must be an int above zero, not 0",
        ),
        ({"max_open": True}, ConfigurationError, "max_open"),
        (
            {"idle": 0},
            ConfigurationError,
            "idle must be a finite number of seconds above zero, not 0",
        ),
        ({"idle": float("inf")}, ConfigurationError, "idle"),
        ({"idle": "300"}, ConfigurationError, "idle"),
        ({"rate_limit": 0}, ConfigurationError, "rate_limit"),
        ({"timeout": -1}, ConfigurationError, "timeout"),
        ({"session": 5}, ConfigurationError, "session"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"access_token": SECRET}, TypeError, "access_token"),
    ],
)
def test_options_are_checked_at_once(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        Accounts(Vault(), **options)
    assert SECRET not in str(caught.value)


def test_load_is_callable() -> None:
    wrong: Any = {"1": SECRET}
    with pytest.raises(TypeError, match="load must be callable, not dict"):
        Accounts(wrong)


@pytest.mark.parametrize("wrong", [None, True, 5.0, b"1", ["1"]])
async def test_an_account_is_a_non_empty_str_or_an_int(
    vault: Vault, wrong: Any
) -> None:
    async with Accounts(vault) as accounts:
        for call in (accounts.get, accounts.forget):
            with pytest.raises(TypeError, match="An account must be a str or an int"):
                await call(wrong)
        with pytest.raises(ValueError, match="must not be empty"):
            await accounts.get("")

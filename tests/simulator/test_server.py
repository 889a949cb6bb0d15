"""The simulator as an HTTP server."""

import asyncio

import aiohttp
import pytest

from hubbatch.simulator import Fault, Property, Simulator

from .behaviours import behaviour


PATH = "/crm/v3/objects/tickets/batch/"


def session(sim: Simulator) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {sim.token}"}
    return aiohttp.ClientSession(sim.url, headers=headers)


async def test_round_trip() -> None:
    async with Simulator(seed=3) as sim, session(sim) as http:
        record = sim.store.create("tickets", {"subject": "old"})
        change = {"id": record.id, "properties": {"subject": "new"}}
        async with http.post(f"{PATH}update", json={"inputs": [change]}) as answer:
            body = await answer.json()

        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
        assert body["results"][0]["properties"]["subject"] == "new"
        assert record.properties["subject"] == "new"
        (received,) = sim.requests
        assert ("POST", f"{PATH}update", 200) == (
            received.method,
            received.path,
            received.status,
        )
        assert {"inputs": [change]} == received.body
        assert received.headers["Authorization"] == "Bearer ***"


@behaviour("archive-204")
async def test_archive_has_no_content_type() -> None:
    async with Simulator() as sim, session(sim) as http:
        async with http.post(f"{PATH}archive", json={"inputs": []}) as answer:
            assert await answer.read() == b""

        assert answer.status == 204
        assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("kind", ["drop_before", "drop_after_commit"])
@behaviour("fault-drop")
async def test_dropped(kind: str) -> None:
    """The socket closes; only `drop_after_commit` has written."""
    async with Simulator() as sim, session(sim) as http:
        sim.faults.add(Fault(kind))
        body = {"inputs": [{"properties": {"subject": "x"}}]}
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await http.post(f"{PATH}create", json=body)

        assert (kind == "drop_after_commit") == bool(sim.store.count("tickets"))
        assert sim.requests[0].status is None
        async with http.post(f"{PATH}create", json=body) as answer:
            assert answer.status == 201


@behaviour("fault-truncate")
async def test_truncated() -> None:
    async with Simulator() as sim, session(sim) as http:
        sim.faults.add(Fault("truncate"))
        async with http.post(f"{PATH}read", json={"inputs": []}) as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()


@behaviour("401-invalid")
async def test_unknown_token() -> None:
    async with Simulator() as sim, aiohttp.ClientSession(sim.url) as http:
        async with http.post(f"{PATH}read", json={"inputs": []}) as answer:
            body = await answer.json()

        assert answer.status == 401
        assert answer.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"
        assert not [name for name in answer.headers if "RateLimit" in name]
        assert body["category"] == "INVALID_AUTHENTICATION"
        assert answer.headers["X-HubSpot-Correlation-Id"] == body["correlationId"]


@behaviour("fault-delay")
async def test_delay_is_after_the_write() -> None:
    """A client that times out has still written."""
    async with Simulator() as sim, session(sim) as http:
        sim.faults.add(Fault("delay", seconds=30))
        body = {"inputs": [{"properties": {"subject": "x"}}]}
        patience = aiohttp.ClientTimeout(total=0.2)
        with pytest.raises(asyncio.TimeoutError):
            await http.post(f"{PATH}create", json=body, timeout=patience)

        assert sim.store.count("tickets") == 1


async def test_what_is_not_json_is_kept_as_bytes() -> None:
    async with Simulator() as sim, session(sim) as http:
        headers = {"Content-Type": "application/json"}
        async with http.post(f"{PATH}read", data=b"{", headers=headers) as answer:
            body = await answer.json()

        assert answer.status == 400
        assert body["message"].startswith("Invalid input JSON on line 1, column ")
        assert sim.requests[0].body == b"{"


async def test_requests_need_not_be_kept() -> None:
    seen: list[int | None] = []
    sim = Simulator(
        keep_requests=False, on_request=lambda item: seen.append(item.status)
    )
    async with sim, session(sim) as http:
        await http.post(f"{PATH}read?archived=true", json={"inputs": []})

    assert (sim.requests, seen) == ([], [200])


async def test_realistic_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded: about 3 ms per record."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Simulator(latency="realistic") as sim, session(sim) as http:
        monkeypatch.setattr("hubbatch.simulator.server.server.asyncio.sleep", sleep)
        inputs = [{"properties": {"subject": "x"}}] * 10
        await http.post(f"{PATH}create", json={"inputs": inputs})

    assert pytest.approx(0.06) in waits


async def test_port_in_use() -> None:
    async with Simulator() as sim:
        port = int(sim.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await Simulator(port=port).start()


def test_the_url_of_a_simulator_that_is_not_running() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = Simulator().url


def test_unknown_tier() -> None:
    sim = Simulator()
    with pytest.raises(ValueError, match="starter, professional"):
        Simulator(tier="gold")
    with pytest.raises(ValueError, match="got 'bogus'"):
        sim.issue_token(tier="bogus")
    with pytest.raises(ValueError, match="got 'bogus'"):
        sim.open_account(7, "bogus")


@pytest.mark.parametrize("limit", [-1, True])
def test_an_invalid_limit(limit: int) -> None:
    with pytest.raises(ValueError, match="limit must be a number of requests"):
        Simulator(limit=limit)


def test_a_property_of_an_unknown_type() -> None:
    with pytest.raises(ValueError, match="'type' must be in"):
        Property("n", "nonsense")  # type: ignore[arg-type]


@behaviour("account-details")
async def test_plain_with_runs_it_in_a_thread() -> None:
    with Simulator() as sim:
        async with session(sim) as http:
            answer = await http.get("/account-info/v3/details")
            details = await answer.json()

    assert details["portalId"] == 62515

"""The example backend in production: uvicorn, two processes, one limit, sockets."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import attrs
import pytest
import pytest_asyncio

from hubbatch.simulator import Fault, Property, Simulator, When
from tests.integrations.conftest import RedisServer


pytestmark = pytest.mark.slow


EXAMPLES = Path(__file__).parents[2] / "examples"
OTHER = 777
ACCOUNTS = ("62515", str(OTHER))


@attrs.define
class Backend:
    """The running example."""

    process: subprocess.Popen[bytes]
    url: str
    sim: Simulator

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def tickets(self, count: int) -> list[str]:
        create = self.sim.store.create
        return [create("tickets", {"subject": "old"}).id for _ in range(count)]


@contextmanager
def served(sim: Simulator, *options: str, **environment: str) -> Iterator[Backend]:
    """Serve the example with uvicorn on a free port."""
    other = sim.open_account(OTHER)
    tokens = {"62515": sim.token, str(OTHER): sim.issue_token(account=other)}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        log = Path(folder) / "log"
        process = subprocess.Popen(  # noqa: S603 -- our own
            [
                *(sys.executable, "-m", "uvicorn", "fastapi_app.main:app"),
                *("--port", "0", "--no-access-log", *options),
            ],
            cwd=EXAMPLES,
            env={
                **os.environ,
                "HUBSPOT_ACCOUNTS": json.dumps(tokens),
                "HUBBATCH_BASE_URL": sim.url,
                **environment,
            },
            stderr=stack.enter_context(log.open("w")),
            start_new_session=True,
        )
        backend = Backend(process, "", sim)
        try:
            backend.url = _url(process, log)
            yield backend
            backend.stop()
            process.wait(20)
        finally:
            backend.kill()
            process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Read the server's address from its log."""
    while process.poll() is None:
        if found := re.search(r"running on (http://[\d.:]+)", log.read_text()):
            return found[1]
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.fixture
def backend(hubspot_simulator: Simulator) -> Iterator[Backend]:
    """One process, so no Redis is needed."""
    with served(hubspot_simulator) as backend:
        yield backend


@pytest.fixture
def backends(
    hubspot_simulator: Simulator, redis_server: RedisServer
) -> Iterator[Backend]:
    """Two processes that share one limit."""
    with served(
        hubspot_simulator, "--workers", "2", REDIS_URL=redis_server.url
    ) as backend:
        yield backend


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client with any number of connections."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def until_ready(backend: Backend, http: aiohttp.ClientSession) -> None:
    for _ in range(200):
        try:
            async with http.get(f"{backend.url}/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            """The server does not listen yet."""
        await asyncio.sleep(0.05)
    raise AssertionError("the backend is not ready")


# ---- one process


async def test_tickets(backend: Backend, http: aiohttp.ClientSession) -> None:
    """Create, read, update and archive in the account of each path."""
    await until_ready(backend, http)
    one, other = (f"{backend.url}/accounts/{name}/tickets" for name in ACCOUNTS)
    async with http.post(one, json={"subject": "Hello", "hs_num": 1}) as answer:
        assert answer.status == 422  # an unknown property
        assert (await answer.json())["property"] == "hs_num"
    async with http.post(one, json={"subject": "Hello"}) as answer:
        assert answer.status == 201
        created = await answer.json()
    there = f"{one}/{created['id']}"
    async with http.patch(there, json={"hs_ticket_priority": "HIGH"}) as answer:
        assert answer.status == 200
    async with http.get(there) as answer:
        assert (await answer.json())["properties"]["subject"] == "Hello"
    async with http.get(there, params={"properties": "hs_ticket_priority"}) as answer:
        read = await answer.json()
        assert read["properties"]["hs_ticket_priority"] == "HIGH"
        assert "subject" not in read["properties"]
    async with http.get(f"{other}/{created['id']}") as answer:
        assert (answer.status, (await answer.json())["error"]) == (
            404,
            "RecordNotFound",
        )
    async with http.delete(there) as answer:
        assert answer.status == 204
    async with http.get(there) as answer:
        assert answer.status == 404
    async with http.get(f"{backend.url}/accounts/1/tickets/1") as answer:
        assert await answer.json() == {"detail": "There is no such account."}
    async with http.get(f"{backend.url}/health") as answer:
        assert answer.status == 200


async def test_it_is_not_ready_with_a_token_that_hubspot_refuses(
    hubspot_simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    wrong = json.dumps({"62515": "pat-na1-no-such-token"})
    with served(hubspot_simulator, HUBSPOT_ACCOUNTS=wrong) as backend:
        for _ in range(200):
            try:
                async with http.get(f"{backend.url}/ready") as answer:
                    assert answer.status == 502
                    body = await answer.json()
                    break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
        else:
            raise AssertionError("it never answered")
        assert body["error"] == "AuthenticationError"
        assert "pat-" not in str(body)
        async with http.get(f"{backend.url}/health") as answer:
            assert answer.status == 200


async def uploaded(
    backend: Backend, http: aiohttp.ClientSession, content: bytes
) -> list[tuple[str, dict[str, Any]]]:
    """Upload a CSV; return the events of the response."""
    form = aiohttp.FormData()
    form.add_field("file", content, filename="tickets.csv")
    url = f"{backend.url}/accounts/62515/tickets/upload"
    async with http.post(url, data=form, params={"id_property": "ref"}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        text = await answer.text()
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    return [(name, json.loads(data)) for name, data in events]


@pytest.mark.hubspot_simulator(latency=0.4)
async def test_a_bulk_upload(backend: Backend, http: aiohttp.ClientSession) -> None:
    """It reports progress, and which rows were refused and why, but no value."""
    backend.sim.store.define("tickets", [Property("ref", unique=True)])
    await until_ready(backend, http)
    lines = ["ref,subject,hs_ticket_priority"]
    lines += [f'r{n},"a ""{n}"",\nb",' for n in range(5_000)]
    lines[8] = "r7,secret-subject,secret-priority"
    events = await uploaded(backend, http, "\n".join(lines).encode("utf-8-sig"))
    kinds = Counter(name for name, _ in events)
    assert kinds["progress"] >= 1
    assert (kinds["failure"], kinds["done"], kinds["ended"]) == (1, 1, 0)
    done = dict(events)["done"]
    assert (done["inputs"], done["succeeded"], done["failed"]) == (5_000, 4_999, 1)
    failure = dict(events)["failure"]
    assert (failure["row"], failure["property"]) == (8, "hs_ticket_priority")
    assert "secret" not in str(events)
    subjects = {one.properties["subject"] for one in backend.sim.store.all("tickets")}
    assert 'a "17",\nb' in subjects
    assert len(subjects) == 4_999


async def test_an_upload_that_is_no_csv(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    backend.sim.store.define("tickets", [Property("ref", unique=True)])
    await until_ready(backend, http)
    for content in (b"subject\nx", "ref,ä".encode("latin-1") + b"\n1,2"):
        with pytest.raises(AssertionError, match="The file"):
            await uploaded(backend, http, content)
    fine = b"".join(b"r%d,fine\n" % n for n in range(2_000))
    late = b"ref,subject\n" + fine + b"late,\xe4\n"
    events = dict(await uploaded(backend, http, late))
    assert events["ended"]["error"] == "the file is not a CSV in UTF-8"
    done = events["done"]
    assert done["succeeded"] + done["not_sent"] == done["inputs"]
    assert done["succeeded"] >= 1_000


async def test_an_upload_that_hubspot_ends(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    backend.sim.store.define("tickets", [Property("ref", unique=True)])
    await until_ready(backend, http)
    backend.sim.revoke_token(backend.sim.token)
    events = dict(await uploaded(backend, http, b"ref,subject\nr1,x\n"))
    assert events["ended"]["error"] == "AuthenticationError"
    assert events["done"]["not_sent"] == 1


@pytest.mark.hubspot_simulator(latency=0.2)
async def test_an_upload_whose_reader_goes_away_stops(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    """The backend continues with other calls."""
    backend.sim.store.define("tickets", [Property("ref", unique=True)])
    await until_ready(backend, http)
    form = aiohttp.FormData()
    lines = b"".join(b"r%d,fine\n" % n for n in range(20_000))
    form.add_field("file", b"ref,subject\n" + lines, filename="tickets.csv")
    url = f"{backend.url}/accounts/62515/tickets"
    async with http.post(
        f"{url}/upload", data=form, params={"id_property": "ref"}
    ) as answer:
        assert (await answer.content.readline()).startswith(b"event: progress")
    async with http.post(url, json={"subject": "after"}) as answer:
        assert answer.status == 201
    before = len(backend.sim.requests)
    # An uncancelled batch would have sent several by then.
    await asyncio.sleep(0.5)
    assert len(backend.sim.requests) <= before + 1
    assert backend.sim.store.count("tickets") < 20_000


# ---- two processes


@pytest.mark.hubspot_simulator(latency="realistic")
async def test_a_thousand_requests_at_once(
    backends: Backend, http: aiohttp.ClientSession
) -> None:
    """They need at most a twentieth as many calls to HubSpot, within the limit."""
    await until_ready(backends, http)
    ids = backends.tickets(1_000)
    before = len(backends.sim.requests)

    async def call(number: int, ticket: str) -> tuple[int, Any]:
        url = f"{backends.url}/accounts/62515/tickets/{ticket}"
        change = {"subject": f"new {number}"}
        calling = http.get(url) if number % 4 == 0 else http.patch(url, json=change)
        async with calling as answer:
            return answer.status, await answer.json()

    answers = await asyncio.gather(*(call(*pair) for pair in enumerate(ids)))
    assert [status for status, _ in answers] == [200] * 1_000
    assert [ticket["id"] for _, ticket in answers] == ids
    for number, (_, ticket) in enumerate(answers):
        subject = "old" if number % 4 == 0 else f"new {number}"
        assert ticket["properties"]["subject"] == subject
        kept = backends.sim.store.get("tickets", ticket["id"])
        assert kept is not None
        assert kept.properties["subject"] == subject
    sent = backends.sim.requests[before:]
    assert 429 not in {request.status for request in sent}
    assert len(sent) <= 1_000 / 20


@pytest.mark.hubspot_simulator(limit=20)
async def test_two_processes_keep_one_limit(
    hubspot_simulator: Simulator, redis_server: RedisServer, http: aiohttp.ClientSession
) -> None:
    """Each sends less than the limit, both together more."""
    sim = hubspot_simulator
    environment = {
        "REDIS_URL": redis_server.url,
        "HUBSPOT_MAX_REQUESTS": "20",
        "HUBSPOT_ACCOUNTS": json.dumps({"62515": sim.token}),
    }
    with served(sim, "--workers", "2", **environment) as backends:
        await until_ready(backends, http)
        [ticket] = backends.tickets(1)
        url = f"{backends.url}/accounts/62515/tickets/{ticket}"

        async def read(number: int) -> None:
            # A different call each time, so that none is merged with another.
            async with http.get(url, params={"properties": f"p{number}"}) as answer:
                assert answer.status == 200

        reads = [asyncio.create_task(read(number)) for number in range(30)]
        for _ in range(500):
            await asyncio.sleep(0.01)
            if len(sim.requests) >= 20:
                break
        await asyncio.sleep(0.3)  # an answer without a wait is here by then
        assert len(sim.requests) == 20
        assert 429 not in {request.status for request in sim.requests}
        assert {read.exception() for read in reads if read.done()} == {None}
        backends.kill()
        await asyncio.gather(*reads, return_exceptions=True)


@pytest.mark.hubspot_simulator(latency="realistic")
async def test_a_stop_under_load_loses_no_write(
    backends: Backend, http: aiohttp.ClientSession
) -> None:
    """Every request is answered or refused, and the records match the answers."""
    sim = backends.sim
    sim.faults.add(Fault("delay", seconds=0.5, times=None, when=When(verb="update")))
    await until_ready(backends, http)
    ids = backends.tickets(40)
    created: dict[str, str] = {}
    updated: dict[str, str] = {}
    refused: list[tuple[str, str]] = []
    answered = asyncio.Event()

    async def visit(worker: int, ticket: str) -> None:
        """Write records one by one until the server stops answering."""
        for number in range(10_000):
            subject = f"{worker}-{number}"
            url = f"{backends.url}/accounts/62515/tickets"
            body = {"subject": subject}
            creates = worker % 2 == 0
            try:
                calling = (
                    http.post(url, json=body)
                    if creates
                    else http.patch(f"{url}/{ticket}", json=body)
                )
                async with calling as answer:
                    assert answer.status in {200, 201, 503}, await answer.text()
                    record = await answer.json()
            except aiohttp.ClientConnectionError:
                refused.append((ticket, subject))
                return
            if answer.status == 503:
                refused.append((ticket, subject))
            elif creates:
                created[record["id"]] = subject
            else:
                updated[ticket] = subject
            if len(created) > 200:
                answered.set()

    visits = [asyncio.create_task(visit(*pair)) for pair in enumerate(ids)]
    await answered.wait()
    backends.stop()
    await asyncio.gather(*visits)
    assert backends.process.wait(20) == 0
    assert len(refused) >= len(ids)
    subjects = {one.id: one.properties["subject"] for one in sim.store.all("tickets")}
    for record, subject in {**created, **updated}.items():
        assert subjects[record] == subject
    # Nothing was written without an answer.
    assert len(subjects) == len(ids) + len(created)
    assert not {subject for _, subject in refused} & {*subjects.values()}

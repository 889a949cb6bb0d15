"""A late answer is never read as the answer to the next request.

A real server replays the bytes of its former answer: behind the right one, later while
the connection is idle, or before the right answer to the next request.
"""

import asyncio
import socket

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from attrs import define, field

from hubbatch import HubBatch, HubSpotUnavailable, RetryPolicy
from hubbatch._net import transport
from hubbatch._outcomes.events import ChunkAnswered, ChunkSent


QUICK = RetryPolicy(base=0.001, max_delay=0.002)


class OneBehind:
    """HubSpot, each of whose connections answers what was asked before, once begun.

    The first request of a connection gets no answer of its own but `first`.
    """

    def __init__(self, first: bytes) -> None:
        self.first = first
        self.port = 0
        self.connections: list[int] = []  # the connection of each request

    async def connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number, answer = len({*self.connections}), self.first
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2]
                body = await reader.readexactly(int(length.split(b"\r\n")[0]))
                self.connections.append(number)
                # The second connection answers correctly, so that the batch ends.
                own = answer_to(head, body)
                writer.write(answer if number == 0 else own)
                answer = own
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


STRANGE = b"POST /batch/read HTTP/1.1", orjson.dumps({"inputs": [{"id": "999"}]})


@pytest.mark.parametrize("verb", ["read", "update"])
async def test_a_connection_that_answers_another_request_is_not_reused(
    verb: str,
) -> None:
    """Its answer shows the mistake; the next answer on it would be wrong too."""
    behind = OneBehind(answer_to(*STRANGE))
    server = await asyncio.start_server(behind.connected, "127.0.0.1", 0)
    behind.port = server.sockets[0].getsockname()[1]
    inputs: list[Any] = [str(n) for n in range(100, 103)]
    if verb == "update":
        inputs = writes(100)
    async with client(behind) as hub:
        response = await getattr(hub.tickets, verb)(inputs)
    server.close()

    assert response.succeeded == 3
    assert [item.id for item in response.outcomes] == ["100", "101", "102"]
    assert behind.connections[:2] == [0, 1]
    assert {*behind.connections[1:]} == {1}


@define
class Server:
    """HubSpot on a socket, one connection at a time or more.

    Attributes:
        when: where the former answer is written once more.
        closes: on which request of a connection it hangs up, in place of an answer.
    """

    when: str = ""
    closes: int = 0
    port: int = 0
    heard: list[str] = field(factory=list)
    connections: int = 0
    last: bytes = b""
    writers: list[asyncio.StreamWriter] = field(factory=list)

    async def connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            for number in range(1, 1_000):
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2]
                body = await reader.readexactly(int(length.split(b"\r\n")[0] or 0))
                self.heard.append(head.split(b" ")[1].decode())
                if number == self.closes:
                    return
                self.answer(writer, head, body, number)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(
        self, writer: asyncio.StreamWriter, head: bytes, body: bytes, number: int
    ) -> None:
        right = answer_to(head, body)
        if self.when == "before the next" and number > 1:
            writer.write(self.last)
        writer.write(right * 2 if self.when == "at once" else right)
        self.last = right

    async def replay(self) -> None:
        """Write the former answer to every connection that is idle."""
        for writer in self.writers:
            writer.write(self.last)
            await writer.drain()


def answer_to(head: bytes, body: bytes) -> bytes:
    answer: Any = {"portalId": 7, "accountType": "STANDARD", "timeZone": "UTC"}
    if body:
        inputs = orjson.loads(body)["inputs"]
        reads = b"batch/read" in head
        answer = {
            "status": "COMPLETE",
            "results": [
                {
                    "id": item.get("id", "900"),
                    "properties": {"subject": item["id"]} if reads else {},
                    **{k: v for k, v in item.items() if k == "objectWriteTraceId"},
                }
                for item in inputs
            ],
        }
    content = orjson.dumps(answer)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Server]:
    served = Server(**options)
    server = await asyncio.start_server(served.connected, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for writer in served.writers:
            writer.close()
        await server.wait_closed()


def client(server: "Server | OneBehind", **options: Any) -> HubBatch:
    return HubBatch(
        "token",
        base_url=f"http://127.0.0.1:{server.port}",
        retry=QUICK,
        max_concurrency=1,
        **options,
    )


def writes(first: int) -> list[dict[str, Any]]:
    return [
        {"id": str(n), "properties": {"subject": f"{n}"}}
        for n in range(first, first + 3)
    ]


WHEN = ["at once", "while idle", "before the next"]


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("same", [True, False], ids=["same records", "others"])
async def test_a_late_answer_is_not_read_as_the_next_writes_answer(
    when: str, *, same: bool
) -> None:
    """Not even if it is about the same records."""
    async with serving(when=when) as server, client(server) as hub:
        first = await hub.tickets.update(writes(100))
        if when == "while idle":
            await server.replay()
        second = await hub.tickets.update(writes(100 if same else 200))

        assert first.succeeded == second.succeeded == 3
        traces = [result.object_write_trace_id for result in first.results]
        assert not {*traces} & {item.object_write_trace_id for item in second.results}
        # On another connection the answer was its own.
        assert server.connections == 2
        attempts = 2 if when == "before the next" else 1
        assert {outcome.attempts for outcome in second.outcomes} == {attempts}


@pytest.mark.parametrize("when", WHEN)
async def test_a_late_answer_is_not_read_as_the_next_creates_answer(when: str) -> None:
    """A create that may have been written is unknown, and not retried."""
    async with serving(when=when) as server, client(server) as hub:
        await hub.tickets.create([{"properties": {"a": "1"}}])
        if when == "while idle":
            await server.replay()
        batch = hub.tickets.create([{"properties": {"a": "1"}}])
        if when == "before the next":
            with pytest.raises(HubSpotUnavailable) as caught:
                await batch
            assert caught.value.maybe_written
        else:
            assert (await batch).succeeded == 1
        assert batch.response is not None
        late = len(batch.response.unknown)
        assert late == (when == "before the next")
        assert len(server.heard) == 2
        # And the answer that comes now belongs to no request.
        third = await hub.tickets.create([{"properties": {"a": "1"}}])
        assert third.succeeded == 1


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("count", [1, 3])
async def test_a_late_answer_is_not_read_as_the_next_reads_answer(
    when: str, count: int
) -> None:
    """Reads have no trace ids: the ids in the answer are not those requested."""
    async with serving(when=when) as server, client(server) as hub:
        await hub.tickets.read([str(n) for n in range(100, 100 + count)])
        if when == "while idle":
            await server.replay()
        wanted = [str(n) for n in range(200, 200 + count)]
        second = await hub.tickets.read(wanted)

        assert [item.id for item in second.outcomes] == wanted
        assert [item.properties["subject"] for item in second.results] == wanted
        assert server.connections == 2


async def test_connections_of_the_callers_session_are_not_retired() -> None:
    """Only the ids in the answers protect it: its connections are unknown to us."""
    async with (
        serving(when="before the next") as server,
        aiohttp.ClientSession() as session,
        client(server, session=session) as hub,
    ):
        responses = [await hub.tickets.update(writes(n)) for n in (100, 200)]

        succeeded = [item for response in responses for item in response.results]
        assert len({item.object_write_trace_id for item in succeeded}) == len(succeeded)
        for response in responses:
            for outcome in response.outcomes:
                assert outcome.result is None or outcome.result.id == outcome.id


async def test_a_shared_session_with_our_connector_checks_connections_too() -> None:
    """The clients of `Accounts` share such a session."""
    async with (
        serving(when="before the next") as server,
        aiohttp.ClientSession(connector=transport.Connector(limit=5)) as session,
        client(server, session=session) as hub,
    ):
        for first in (100, 200, 300):
            response = await hub.tickets.update(writes(first))
            assert response.succeeded == 3


async def test_a_quiet_connection_is_reused() -> None:
    async with serving() as server, client(server) as hub:
        for first in (100, 200, 300):
            await hub.tickets.update(writes(first))
        assert (server.connections, len(server.heard)) == (1, 3)


async def test_a_connection_that_the_peer_closed_is_not_used() -> None:
    """The close is seen before the request is written, so nothing is retried."""
    async with serving() as server, client(server) as hub:
        await hub.tickets.update(writes(100))
        server.writers[0].close()
        second = await hub.tickets.update(writes(200))

        assert {outcome.attempts for outcome in second.outcomes} == {1}
        assert (server.connections, len(server.heard)) == (2, 2)


@pytest.mark.parametrize("shared", [False, True])
async def test_every_request_on_the_wire_was_counted(*, shared: bool) -> None:
    """Also a GET on a kept connection that is closed under it.

    aiohttp would send it again on its own: without a permit, an event or a count.
    """
    events: list[Any] = []
    async with serving(closes=2) as server, aiohttp.ClientSession() as session:
        options: dict[str, Any] = {"session": session} if shared else {}
        async with client(server, listeners=[events.append], **options) as hub:
            for _ in range(3):
                account = await hub.account()
                assert account.portal_id == 7
            used = hub.limits.used

        sent = [item for item in events if isinstance(item, ChunkSent)]
        answered = [item for item in events if isinstance(item, ChunkAnswered)]
        # The second and third time a connection is closed, and another one answers.
        assert len(server.heard) == len(sent) == len(answered) == used == 5
        assert [item.status for item in answered] == [200, None, 200, None, 200]


@pytest.mark.parametrize("readable", [transport.by_poll, transport.by_select])
def test_readable_descriptors_are_recognized(readable: Callable[[int], bool]) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert not readable(here.fileno())
        there.send(b"x")
        assert readable(here.fileno())
        here.recv(1)
        assert not readable(here.fileno())
        there.close()
        assert readable(here.fileno())

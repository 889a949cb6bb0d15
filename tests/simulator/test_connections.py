"""Repeated answers and closed connections, observed on a socket."""

import asyncio

from typing import Self

import attrs
import msgspec
import pytest

from hubbatch.simulator import Fault, Simulator, When

from .behaviours import behaviour


PATH = "/crm/v3/objects/tickets/batch/"


@attrs.define
class Connection:
    """A connection for consecutive requests."""

    sim: Simulator
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, sim: Simulator) -> Self:
        host, _, port = sim.url.removeprefix("http://").rpartition(":")
        return cls(sim, *await asyncio.open_connection(host, int(port)))

    async def post(self, verb: str, **body: object) -> None:
        content = msgspec.json.encode(body)
        head = [
            f"POST {PATH}{verb} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {self.sim.token}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
        ]
        self.writer.write("\r\n".join([*head, "", ""]).encode() + content)
        await self.writer.drain()

    async def answer(self) -> tuple[str, bytes]:
        """Return the head and the body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        return head, await self.reader.readexactly(int(length or 0))

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@pytest.mark.parametrize("seconds", [0.0, 0.01])
@behaviour("fault-stray")
async def test_an_answer_that_comes_twice(seconds: float) -> None:
    """The answer comes twice; the next answer follows on the same connection."""
    async with Simulator() as sim:
        sim.faults.add(Fault("stray", seconds=seconds))
        connection = await Connection.open(sim)
        await connection.post("create", inputs=[{"properties": {"subject": "x"}}])
        first, again = await connection.answer(), await connection.answer()
        await connection.post("read", inputs=[])
        head, body = await connection.answer()
        await connection.close()

        assert first == again
        assert first[0].startswith("http/1.1 201 ")
        assert "connection: close" not in first[0]
        assert head.startswith("http/1.1 200 ")
        assert msgspec.json.decode(body)["results"] == []
        assert sim.store.count("tickets") == 1
        assert [item.status for item in sim.requests] == [201, 200]


@behaviour("fault-stray")
async def test_an_answer_without_a_body_comes_twice() -> None:
    async with Simulator() as sim:
        sim.faults.add(Fault("stray", seconds=0))
        connection = await Connection.open(sim)
        await connection.post("archive", inputs=[])
        first, again = await connection.answer(), await connection.answer()
        await connection.close()

        assert first == again
        assert first[0].startswith("http/1.1 204 ")


@behaviour("fault-stray")
async def test_a_stray_answer_after_the_client_disconnected() -> None:
    """The repeated answer is dropped, because its connection is closed."""
    async with Simulator() as sim:
        sim.faults.add(Fault("stray", seconds=0.01))
        connection = await Connection.open(sim)
        await connection.post("read", inputs=[])
        await connection.answer()
        await connection.close()
        await asyncio.sleep(0.02)
        other = await Connection.open(sim)
        await other.post("read", inputs=[])

        assert (await other.answer())[0].startswith("http/1.1 200 ")
        await other.close()


@behaviour("fault-kept")
async def test_a_kept_connection_that_ends() -> None:
    """The first request is answered; the connection closes on the second."""
    async with Simulator() as sim:
        stale = Fault("drop_before", times=None, when=When(kept=True))
        sim.faults.add(stale)
        for _ in range(2):
            connection = await Connection.open(sim)
            await connection.post("read", inputs=[])
            head, _ = await connection.answer()
            await connection.post("create", inputs=[{"properties": {}}])

            assert head.startswith("http/1.1 200 ")
            assert await connection.reader.read() == b""
            await connection.close()
        assert [item.status for item in sim.requests] == [200, None] * 2
        assert sim.store.count("tickets") == 0


@behaviour("fault-kept")
async def test_only_the_first_request_on_a_connection() -> None:
    async with Simulator() as sim:
        sim.faults.add(Fault("status", times=None, when=When(kept=False)))
        connection = await Connection.open(sim)
        heads = []
        for _ in range(3):
            await connection.post("read", inputs=[])
            heads.append((await connection.answer())[0][:12])
        await connection.close()

        assert heads == ["http/1.1 503", "http/1.1 200", "http/1.1 200"]


@behaviour("fault-proxy")
async def test_a_proxys_page_on_the_wire() -> None:
    async with Simulator() as sim:
        sim.faults.add(Fault("proxy", status=403))
        connection = await Connection.open(sim)
        await connection.post("read", inputs=[])
        head, body = await connection.answer()
        await connection.close()

        assert head.startswith("http/1.1 403 ")
        assert "server: nginx" in head
        assert "hubspot" not in head + body.decode().lower()
        assert [item.status for item in sim.requests] == [403]

"""Answers are compressed for callers that accept it."""

import asyncio
import gzip
import zlib

from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from hubbatch.simulator import Fault, Simulator
from hubbatch.simulator.faults.conditions import Seen

from .behaviours import behaviour


PATH = "/crm/v3/objects/tickets"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        running.store.create("tickets", {"subject": "x" * 500})
        yield running


def session(sim: Simulator, accepted: str | None = "gzip") -> aiohttp.ClientSession:
    """Return a session that decompresses nothing."""
    headers = {"Authorization": f"Bearer {sim.token}"}
    if accepted is not None:
        headers["Accept-Encoding"] = accepted
    return aiohttp.ClientSession(
        sim.url,
        headers=headers,
        auto_decompress=False,
        skip_auto_headers=["Accept-Encoding"],
    )


@pytest.mark.parametrize(
    "accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.8", "x-gzip"]
)
@behaviour("gzip")
async def test_an_answer_is_compressed(sim: Simulator, accepted: str) -> None:
    async with session(sim, None) as http, http.get(PATH) as answer:
        plain = await answer.read()
    async with session(sim, accepted) as http, http.get(PATH) as answer:
        sent = await answer.read()

    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(sent) < len(plain)
    assert gzip.decompress(sent) == plain


@pytest.mark.parametrize(
    "accepted", [None, "", "identity", "br", "gzip;q=0", "gzip; q=0.00", "agzip"]
)
@behaviour("gzip")
async def test_an_answer_is_not_compressed(
    sim: Simulator, accepted: str | None
) -> None:
    async with session(sim, accepted) as http, http.get(PATH) as answer:
        body = msgspec.json.decode(await answer.read())

    assert "Content-Encoding" not in answer.headers
    assert len(body["results"]) == 1


@behaviour("gzip")
async def test_small_and_empty_answers_are_not_compressed(sim: Simulator) -> None:
    """The bodies are `{"results":[]}`, and none."""
    async with session(sim) as http:
        async with http.get("/crm/v3/schemas") as small:
            assert await small.read() == b'{"results":[]}'
        async with http.delete(f"{PATH}/1") as empty:
            assert (empty.status, await empty.read()) == (204, b"")

    assert "Content-Encoding" not in small.headers
    assert "Content-Encoding" not in empty.headers
    assert "Content-Type" not in empty.headers


@behaviour("gzip")
async def test_a_head_has_no_body(sim: Simulator) -> None:
    """The connection can be used again."""
    async with session(sim) as http:
        async with http.head(PATH) as head:
            assert await head.read() == b""
        async with http.get(PATH) as answer:
            assert gzip.decompress(await answer.read())

    assert head.status == 405


@behaviour("gzip", "fault-truncate")
async def test_half_of_a_compressed_answer(sim: Simulator) -> None:
    sim.faults.add(Fault("truncate"))
    received = bytearray()

    async def read() -> None:
        async for part in answer.content.iter_any():
            received.extend(part)

    async with session(sim) as http, http.get(PATH) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await read()
    length = int(answer.headers["Content-Length"])
    whole = zlib.decompressobj(zlib.MAX_WBITS | 16)
    whole.decompress(received)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(received) == length // 2
    assert not whole.eof


@behaviour("gzip", "fault-status")
async def test_a_faults_own_encoding_stays(sim: Simulator) -> None:
    body = "x" * 100
    encoding = {"Content-Encoding": "identity"}
    sim.faults.add(Fault("status", status=500, body=body, headers=encoding))
    async with session(sim) as http, http.get(PATH) as answer:
        assert await answer.text() == body

    assert answer.headers["Content-Encoding"] == "identity"


@behaviour("gzip")
async def test_connections_are_kept(sim: Simulator) -> None:
    kept = []

    def remember(seen: Seen) -> bool:
        kept.append(seen.kept)
        return False

    sim.faults.add(Fault("drop_before", when=remember))
    async with session(sim) as http:
        for _ in range(3):
            async with http.get(PATH) as answer:
                assert gzip.decompress(await answer.read())

    assert kept == [False, True, True]


@behaviour("gzip", "fault-stray")
async def test_a_compressed_answer_comes_again(sim: Simulator) -> None:
    """The copy has the same bytes."""
    sim.faults.add(Fault("stray"))
    host, _, port = sim.url.removeprefix("http://").rpartition(":")
    lines = (
        *(f"GET {PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {sim.token}"),
        *("Accept-Encoding: gzip", "", ""),
    )
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join(lines).encode())
    bodies = []
    for _ in range(2):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head
        length = head.partition(b"Content-Length: ")[2].partition(b"\r")[0]
        bodies.append(await reader.readexactly(int(length)))
    writer.close()

    assert bodies[0] == bodies[1]
    assert gzip.decompress(bodies[0])

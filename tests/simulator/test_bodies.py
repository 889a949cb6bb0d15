"""Bodies that cannot be read: too large, badly encoded, or cut off."""

import asyncio
import logging

import aiohttp
import msgspec
import pytest

from hubbatch.simulator import Simulator

from .behaviours import behaviour


PATH = "/crm/v3/objects/tickets/batch/read"


def address(sim: Simulator) -> tuple[str, int]:
    host, _, port = sim.url.removeprefix("http://").rpartition(":")
    return host, int(port)


async def raw(sim: Simulator, *lines: str, body: bytes = b"") -> bytes:
    head = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {sim.token}"]
    reader, writer = await asyncio.open_connection(*address(sim))
    sent = "\r\n".join([*head, "Content-Type: application/json", *lines, "", ""])
    writer.write(sent.encode() + body)
    await writer.drain()
    if body:
        answer = await reader.read(65536)
    else:
        answer = b""
    writer.close()
    await writer.wait_closed()
    return answer


def refusal(answer: bytes) -> tuple[bytes, dict[str, str]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    decoded: dict[str, str] = msgspec.json.decode(body)
    wanted = f"X-HubSpot-Correlation-Id: {decoded['correlationId']}"

    assert wanted.lower() in head.decode().lower()
    assert b"server: cloudflare" in head.lower()

    return head.splitlines()[0], decoded


@behaviour("unreadable-body")
async def test_a_body_that_is_not_gzip(caplog: pytest.LogCaptureFixture) -> None:
    async with Simulator() as sim:
        lines = ("Content-Encoding: gzip", "Content-Length: 9")
        status, body = refusal(await raw(sim, *lines, body=b"not gzip!"))

    assert status == b"HTTP/1.1 400 Bad Request"
    assert body["category"] == "VALIDATION_ERROR"
    assert [item for item in caplog.records if item.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("encoding", "status"),
    [("foo", 400), ("x-gzip", 400), ("identity", 200), ("Identity", 200), ("", 200)],
)
@behaviour("unreadable-body")
async def test_an_unknown_encoding(encoding: str, status: int) -> None:
    """Its body may look like JSON."""
    async with Simulator() as sim:
        lines = (f"Content-Encoding: {encoding}", "Content-Length: 13")
        answer = await raw(sim, *lines, body=b'{"inputs":[]}')

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    if status != 200:
        assert refusal(answer)[1]["message"] == "Request body cannot be read"


@pytest.mark.parametrize(("length", "status"), [(1000, 200), (1001, 413)])
@behaviour("unreadable-body")
async def test_too_large(length: int, status: int) -> None:
    async with Simulator(max_body=1000) as sim:
        body = b'{"inputs": []}'.ljust(length)
        answer = await raw(sim, f"Content-Length: {len(body)}", body=body)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert [item.status for item in sim.requests] == [status]
    if status != 200:
        assert refusal(answer)[1]["message"] == "Request body is too large"


@behaviour("unreadable-body")
async def test_a_client_that_disconnects(caplog: pytest.LogCaptureFixture) -> None:
    """A client that disconnects within its body causes no request and no traceback."""
    async with Simulator() as sim:
        await raw(sim, "Content-Length: 100")
        headers = {"Authorization": f"Bearer {sim.token}"}
        async with aiohttp.ClientSession(sim.url, headers=headers) as http:
            answer = await http.post(PATH, json={"inputs": []})

        assert answer.status == 200
        assert len(sim.requests) == 1
    assert [item for item in caplog.records if item.levelno >= logging.ERROR] == []

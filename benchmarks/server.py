"""A server that is quicker than any client: prebuilt answers with the ids written in.

It is a bare asyncio protocol in a process of its own, speaks as much HTTP as the
clients need, and answers every batch of up to 1,000 records at once.
"""

import asyncio
import multiprocessing

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import orjson

from .records import answer


_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
    b"Content-Type: application/json;charset=utf-8\r\n"
    b"CF-Ray: 9a1b2c3d4e5f6a7b-FRA\r\n"
    b"CF-Cache-Status: DYNAMIC\r\n"
    b"Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n"
    b"Vary: origin, Accept-Encoding\r\n"
    b"access-control-allow-credentials: false\r\n"
    b"server-timing: hcid;desc=0192f9d2-6c1b-7d3e-8a8f-0d6a1d2b3c4d\r\n"
    b"x-content-type-options: nosniff\r\n"
    b"x-hubspot-correlation-id: 0192f9d2-6c1b-7d3e-8a8f-0d6a1d2b3c4d\r\n"
    b"Server: cloudflare\r\n"
    b"Content-Length: %d\r\n\r\n"
)


class _Instant(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = 0
        for line in bytes(self._buffer[:end]).split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(self._buffer) < end + length:
            return
        body = answer(orjson.loads(self._buffer[end : end + length])["inputs"])
        del self._buffer[: end + length]
        self._transport.writelines([_HEAD % len(body), body])


def _serve(ready: Connection) -> None:
    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Instant, "127.0.0.1", 0, backlog=2_000)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def serving() -> Iterator[str]:
    """Run the server, and give its URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()

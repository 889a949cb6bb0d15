"""A server that costs less than any client: it fills ids into prepared answers.

It is a bare asyncio protocol in a process of its own. It speaks as much HTTP as the
clients need, and answers every batch of up to 100 inputs at once.
"""

import asyncio
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from .records import answer


ROOT = Path(__file__).parents[1]

_HEAD = (
    b"HTTP/1.1 %b\r\n"
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
    def __init__(self, *, odd: bool) -> None:
        self._odd = odd
        self._buffer = bytearray()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        length = 0
        for line in lines:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(self._buffer) < end + length:
            return
        verb = first.split()[1].rpartition(b"/")[2].partition(b"?")[0].decode()
        request = orjson.loads(self._buffer[end : end + length])
        body = answer(verb, request, odd=self._odd)
        del self._buffer[: end + length]
        status = b"201 Created" if verb == "create" else b"200 OK"
        self._transport.writelines([_HEAD % (status, len(body)), body])


async def serve(*, odd: bool) -> None:
    """Print the port, and serve until the process is killed."""
    server = await asyncio.get_running_loop().create_server(
        lambda: _Instant(odd=odd), "127.0.0.1", 0, backlog=2_000
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(*, odd: bool = False) -> Iterator[str]:
    """Run the server and yield its URL; with `odd`, a record in each answer is odd."""
    command = [sys.executable, "-m", "benchmarks.server", *(["odd"] if odd else [])]
    with subprocess.Popen(  # noqa: S603 -- our own
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(odd="odd" in sys.argv[1:]))

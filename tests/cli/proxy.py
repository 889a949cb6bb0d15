"""A proxy in a thread, which leads every host to the simulator, over TLS."""

import asyncio
import ssl
import subprocess

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import attrs

from yarl import URL


HOST = "api.hubapi.test"


@attrs.define(eq=False)
class Proxy:
    """What a proxy does and has seen.

    Attributes:
        heads: the CONNECT requests.
        login: `user:password` that it wants.
        dead: whether it closes every connection at once.
    """

    target: URL
    context: ssl.SSLContext
    url: str = ""
    heads: list[str] = attrs.field(factory=list)
    login: str | None = None
    dead: bool = False

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Open a tunnel to the target, which speaks TLS at this end."""
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if self.dead:
            return
        wanted = b64encode((self.login or "").encode()).decode()
        if self.login is not None and f"Basic {wanted}" not in head:
            writer.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
            )
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self.context)
        there = await asyncio.open_connection(self.target.host, self.target.port)
        await asyncio.gather(_pipe(reader, there[1]), _pipe(there[0], writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()


def certificate(folder: Path) -> Path:
    """Create a self-signed certificate for the host, with its key."""
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem "
        f"-out cert.pem -subj /CN={HOST} -addext subjectAltName=DNS:{HOST}"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)  # noqa: S603
    return folder / "cert.pem"


@contextmanager
def proxying(target: URL, cert: Path) -> Iterator[Proxy]:
    """Run a proxy in a thread."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, cert.with_name("key.pem"))
    proxy = Proxy(target, context)
    started, stopped = Event(), asyncio.Event()
    loop: asyncio.AbstractEventLoop

    async def run() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        await stopped.wait()
        server.close()

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()

"""The rate limit over sockets, against servers that count strictly.

    python benchmarks/limit.py [--seconds 70] [--svg docs/limits.svg]
    python benchmarks/limit.py --latency [--seconds 70]

Three clients send as fast as their limiters let them, side by side, each to a server
of its own: hubbatch, and aiohttp with aiolimiter's `AsyncLimiter(190, 10)` and
`AsyncLimiter(19, 1)`.
A server runs in a process of its own and speaks TLS, with a certificate that the
`openssl` command makes for the run. A connection is cold: it takes up to 200 ms before
its handshake begins, and one in `REUSED` answers closes it. The server counts a request
when the request has arrived, which is up to 200 ms after it was sent: a delay of up to
180 ms, most of which all requests share and which jumps every few seconds, and 20 ms
for the machine that runs all of this. It accepts `LIMIT` in any rolling 10 s and
answers 429 to every other. Answers take 50 to 400 ms, some 2 s. The clients' event
loops stand still for 300 ms now and then.

It prints requests, connections, 429s, the fullest 10 s that the server saw, and how
much of the limit was used from the tenth second on; it fails if hubbatch got a single
429. With `--svg` it draws the requests of the last 10 s over time.

With `--latency` it asks how much of the limit a client uses with its default options,
when HubSpot takes long to answer: one client for each of `LATENCIES`, side by side,
each updates contacts from an endless list on a server of its own, over plain HTTP. The
servers count at once, and their answers have HubSpot's headers: here the machine is the
network, and eight processes keep it busy. It fails if a client got a single 429, or
used less than `LEAST_USED` of its limit.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import ssl
import subprocess
import sys
import tempfile
import time

from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson

from aiolimiter import AsyncLimiter

from hubbatch import HubBatch, RateLimit


LIMIT = 190
INTERVAL = 10.0
REUSED = 20
CERTIFICATE = (
    *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
    *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    *("-addext", "subjectAltName=IP:127.0.0.1"),
)
# The shortest and the longest time that an answer takes; uniform in between.
LATENCIES = ((0.05, 0.15), (0.25, 0.75), (2.0, 4.6), (2.0, 8.0))
LEAST_USED = 0.96  # of the limit, at each of them
REFUSED = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "TEN_SECONDLY_ROLLING",
}


class StrictServer:
    """Counts arrivals in an exact rolling window.

    Without a certificate it speaks plain HTTP, to connections that stay warm. With a
    `latency` its answers take that long, and report the limit as HubSpot's do.
    """

    def __init__(
        self, certificate: str | None, latency: tuple[float, float] | None = None
    ) -> None:
        self.tls: ssl.SSLContext | None = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.latency = latency
        self.rng = random.Random(7)
        self.connections = 0
        self.under_way = 0
        self.most_under_way = 0
        self.window: deque[float] = deque()
        self.arrived: list[float] = []
        self.refused: list[float] = []

    def path_delay(self, now: float) -> float:
        """Give the delay that all requests share: none, or 140 ms, by turns."""
        return 0.14 if int(now / 3) % 2 else 0.0

    def count(self, now: float) -> bool:
        """Count a request that arrives now; False if it is one too many."""
        self.arrived.append(now)
        while self.window and self.window[0] <= now - INTERVAL:
            self.window.popleft()
        if len(self.window) >= LIMIT:
            self.refused.append(now)
            return False
        self.window.append(now)
        return True

    def headers(self) -> str:
        """Return the headers that report the limit, if the answers have them."""
        if self.latency is None:
            return ""
        name, left = "X-HubSpot-RateLimit", max(0, LIMIT - len(self.window))
        return f"{name}-Max: {LIMIT}\r\n{name}-Remaining: {left}\r\n"

    def seconds(self) -> float:
        """Return how long the next answer takes."""
        if self.latency is not None:
            return self.rng.uniform(*self.latency)
        slow = self.rng.random() < 0.01
        return 2.0 if slow else self.rng.uniform(0.05, 0.4)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        closing = False
        try:
            if self.tls is not None:
                writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's
                await asyncio.sleep(self.rng.uniform(0, 0.2))
                await writer.start_tls(self.tls)
            while not closing:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                inputs = orjson.loads(await reader.readexactly(length))["inputs"]
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                if self.latency is None:
                    delay = self.path_delay(time.monotonic())
                    await asyncio.sleep(delay + self.rng.uniform(0, 0.04))
                accepted, headers = self.count(time.monotonic()), self.headers()
                if accepted:
                    await asyncio.sleep(self.seconds())
                    status, answer = "200 OK", envelope(inputs)
                else:
                    status, answer = "429 Too Many Requests", REFUSED
                self.under_way -= 1
                body = orjson.dumps(answer)
                closing = self.tls is not None and self.rng.randrange(REUSED) == 0
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
                    f"Connection: {'close' if closing else 'keep-alive'}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                )
                writer.write(body)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            pass  # the client is gone, or the run is over
        finally:
            writer.close()


def envelope(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    results = [{"id": given["id"], "properties": {}} for given in inputs]
    return {"status": "COMPLETE", "results": results}


def serve(
    connection: Any,
    certificate: str | None,
    latency: tuple[float, float] | None = None,
) -> None:
    """Be the server until the other end of the connection says so."""

    async def run() -> None:
        strict = StrictServer(certificate, latency)
        server = await asyncio.start_server(strict.serve, "127.0.0.1", 0)
        connection.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(connection.recv)
        arrived, refused = strict.arrived, strict.refused
        seen = Seen(arrived, refused, strict.connections, strict.most_under_way)
        connection.send(seen)

    asyncio.run(run())


def records(seconds: float) -> Iterator[dict[str, Any]]:
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        yield {"id": str(number), "properties": {"subject": "x"}}


async def stall() -> None:
    """Block the event loop for 300 ms now and then, as careless code does."""
    while True:
        await asyncio.sleep(4.3)
        time.sleep(0.3)  # noqa: ASYNC251 -- blocking is the point


async def drive_hubbatch(url: str, seconds: float) -> None:
    async with (
        HubBatch("token", base_url=url, rate_limit=RateLimit(LIMIT)) as hub,
        hub.tickets.update(records(seconds)) as outcomes,
    ):
        async for _ in outcomes:
            pass


async def drive_leaky(
    limiter: AsyncLimiter, url: str, seconds: float, workers: int = 32
) -> None:
    """Send what hubbatch sends, with as many workers, through a leaky bucket."""
    source = records(seconds)
    path = f"{url}/crm/v3/objects/tickets/batch/update"

    async def work(session: aiohttp.ClientSession) -> None:
        chunk: list[dict[str, Any]] = []
        for record in source:
            chunk.append(record)
            if len(chunk) == 100:
                async with limiter:
                    pass
                body = orjson.dumps({"inputs": chunk})
                async with session.post(path, data=body) as answer:
                    await answer.read()
                chunk.clear()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(workers)))


async def drive_wide(url: str, seconds: float) -> None:
    await drive_leaky(AsyncLimiter(LIMIT, INTERVAL), url, seconds)


async def drive_narrow(url: str, seconds: float) -> None:
    await drive_leaky(AsyncLimiter(LIMIT / INTERVAL, 1), url, seconds)


SCHEMES: Mapping[str, Callable[[str, float], Awaitable[None]]] = {
    "hubbatch": drive_hubbatch,
    "AsyncLimiter(190, 10)": drive_wide,
    "AsyncLimiter(19, 1)": drive_narrow,
}


def drive(scheme: str, port: int, seconds: float) -> None:
    """Be a client, with an event loop that stalls."""

    async def run() -> None:
        stalling = asyncio.create_task(stall())
        await SCHEMES[scheme](f"https://127.0.0.1:{port}", seconds)
        stalling.cancel()

    asyncio.run(run())


# ---- what the servers saw


class Seen(NamedTuple):
    """When requests arrived, and those that were refused; how many connections.

    `most_under_way`: how many requests were not answered yet, at most.
    """

    arrived: Sequence[float]
    refused: Sequence[float]
    connections: int
    most_under_way: int


def in_window(arrived: Sequence[float], instant: float) -> int:
    """Count the requests that arrived in the 10 s before an instant."""
    until = bisect_right(arrived, instant)
    return until - bisect_right(arrived, instant - INTERVAL)


def used(seen: Seen, seconds: float) -> float:
    """Return the share of the limit that was used from the tenth second on."""
    begin, end = seen.arrived[0] + INTERVAL, seen.arrived[0] + seconds
    taken = sum(begin <= instant < end for instant in seen.arrived)
    taken -= sum(begin <= instant < end for instant in seen.refused)
    return taken / (LIMIT * (end - begin) / INTERVAL) if end > begin else 0.0


def row(scheme: str, seen: Seen, seconds: float) -> str:
    arrived, refused, connections, _ = seen
    fullest = max(in_window(arrived, instant) for instant in arrived)
    return (
        f"| {scheme} | {len(arrived)} | {connections} | {len(refused)} | {fullest} "
        f"| {LIMIT} | {used(seen, seconds):.1%} |"
    )


COLOURS = ("#0b6e4f", "#c8553d", "#3d5a80")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 360, 56, 46, 44
MOST = 400


def draw(lines: Mapping[str, Sequence[float]], seconds: float) -> str:
    """Draw the requests of the last 10 s over time, one line per scheme."""

    def x(at: float) -> float:
        return LEFT + at * (WIDTH - LEFT - 20) / seconds

    def y(requests: float) -> float:
        return HEIGHT - BOTTOM - requests * (HEIGHT - TOP - BOTTOM) / MOST

    def line(path: str, style: str) -> str:
        return f'<path d="{path}" fill="none" {style}/>'

    def text(at: tuple[float, float], anchor: str, words: object) -> str:
        place = f'x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}"'
        return f"<text {place}>{words}</text>"

    right = WIDTH - 20
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    font = 'font-family="sans-serif" font-size="12" fill="#222"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        "<title>Requests in the last 10 s, by limiter</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text((LEFT - 40, TOP - 28), "start", "requests in the last 10 s"),
        text(((LEFT + right) / 2, HEIGHT - 8), "middle", "seconds"),
    ]
    for requests in range(0, MOST + 1, 100):
        parts.append(line(f"M{LEFT} {y(requests):.1f}H{right}", 'stroke="#ddd"'))
        parts.append(text((LEFT - 8, y(requests) + 4), "end", requests))
    below = HEIGHT - BOTTOM + 18
    parts += [
        text((x(at), below), "middle", at) for at in range(0, int(seconds) + 1, 10)
    ]
    steps = [seconds * step / 600 for step in range(601)]
    for place, (scheme, arrived) in [*enumerate(lines.items())][::-1]:  # ours on top
        points = "L".join(
            f"{x(at):.1f} {y(in_window(arrived, arrived[0] + at)):.1f}" for at in steps
        )
        colour, start = f'stroke="{COLOURS[place]}"', LEFT + 190 * place
        parts.append(line(f"M{points}", f'{colour} stroke-width="2"'))
        parts.append(line(f"M{start} {TOP - 12}h24", f'{colour} stroke-width="3"'))
        parts.append(text((start + 30, TOP - 8), "start", scheme))
    dashes = 'stroke="#000" stroke-dasharray="6 4"'
    parts.append(line(f"M{LEFT} {y(LIMIT):.1f}H{right}", dashes))
    parts.append(text((right, y(LIMIT) - 16), "end", f"HubSpot's limit: {LIMIT}"))
    return "\n".join([*parts, "</svg>", ""])


def measure(seconds: float, certificate: str) -> tuple[dict[str, Seen], list[Any]]:
    """Run every scheme; give what the servers saw, and the clients' exit codes."""
    files = ("-keyout", certificate, "-out", f"{certificate}.crt")
    command = [*CERTIFICATE, *files]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 -- ours
    public = Path(f"{certificate}.crt")
    with Path(certificate).open("ab") as both:
        both.write(public.read_bytes())
    # The clients trust it as they trust any other: nobody turns a check off.
    os.environ["SSL_CERT_FILE"] = str(public)
    context = multiprocessing.get_context("spawn")
    pipes, clients = {}, []
    for scheme in SCHEMES:
        pipes[scheme], theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, certificate), daemon=True).start()
        arguments = (scheme, pipes[scheme].recv(), seconds)
        clients.append(context.Process(target=drive, args=arguments, daemon=True))
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seen: dict[str, Seen] = {}
    for scheme, pipe in pipes.items():
        pipe.send("stop")
        seen[scheme] = pipe.recv()
    return seen, [client.exitcode for client in clients]


# ---- answers that take long


async def drive_by_default(url: str, seconds: float) -> None:
    """Update contacts with the default options, for as long as it takes to see."""
    async with HubBatch("token", base_url=url) as hub:
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(seconds),
                hub.contacts.update(records(inf)) as outcomes,
            ):
                async for _ in outcomes:
                    pass


def drive_slow(port: int, seconds: float) -> None:
    """Be a client of a server that takes long to answer."""
    asyncio.run(drive_by_default(f"http://127.0.0.1:{port}", seconds))


def measure_latencies(seconds: float) -> tuple[list[Seen], list[Any]]:
    """Run a client for each latency; return what the servers saw, and exit codes."""
    context = multiprocessing.get_context("spawn")
    pipes, clients = [], []
    for latency in LATENCIES:
        ours, theirs = context.Pipe()
        pipes.append(ours)
        arguments = (theirs, None, latency)
        context.Process(target=serve, args=arguments, daemon=True).start()
        client = context.Process(target=drive_slow, args=(ours.recv(), seconds))
        client.start()
        clients.append(client)
    for client in clients:
        client.join()
    seen = []
    for pipe in pipes:
        pipe.send("stop")
        seen.append(pipe.recv())
    return seen, [client.exitcode for client in clients]


def print_latencies(seconds: float) -> bool:
    """Print the table of the shares by latency; return whether a client failed."""
    seen, codes = measure_latencies(seconds)
    print(
        f"{seconds:g} s\n\n"
        "| answers after | on average | limit used | 429 | most under way |\n"
        "|---|---|---|---|---|"
    )
    for (least, most), each in zip(LATENCIES, seen, strict=True):
        print(
            f"| {least:g} to {most:g} s | {(least + most) / 2:.1f} s "
            f"| {used(each, seconds):.1%} | {len(each.refused)} "
            f"| {each.most_under_way} |"
        )
    return any(codes) or any(
        each.refused or used(each, seconds) < LEAST_USED for each in seen
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=70.0)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--latency", action="store_true")
    options = parser.parse_args()
    seconds = options.seconds
    if options.latency:
        if print_latencies(seconds):
            sys.exit("the limit was broken, or too little of it was used")
        return
    with tempfile.TemporaryDirectory() as directory:
        seen, codes = measure(seconds, f"{directory}/certificate.pem")
    print(
        f"{seconds:g} s\n\n"
        "| limiter | requests | connections | 429 | fullest 10 s | limit | limit used |"
        "\n|---|---|---|---|---|---|---|"
    )
    for scheme, told in seen.items():
        print(row(scheme, told, seconds))
    if options.svg is not None:
        lines = {scheme: told.arrived for scheme, told in seen.items()}
        options.svg.write_text(draw(lines, seconds), encoding="utf-8")
    if seen["hubbatch"].refused or any(codes):
        sys.exit("the limit was broken")


if __name__ == "__main__":
    main()

"""The rate limit over sockets, against a server that counts strictly.

    python benchmarks/limit.py [--seconds 60]

The server runs in a process of its own. It counts a request when the request has
arrived, which is up to 200 ms after it was sent: a delay that all requests share and
that jumps every few seconds, with some of its own for each. It accepts `LIMIT` in any
rolling 10 s and answers 429 to every other. Answers take 50 to 400 ms, some 2 s. The
client's event loop stands still for 300 ms now and then.

It prints requests, 429s, the fullest 10 s that the server saw, and how much of the
limit was used from the tenth second on; it fails if there was a single 429.
"""

import argparse
import asyncio
import multiprocessing
import random
import sys
import time

from collections import deque
from collections.abc import Iterator
from typing import Any

import orjson

from hubbatch import HubBatch, RateLimit, Summary


LIMIT = 190
INTERVAL = 10.0
REFUSED = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "TEN_SECONDLY_ROLLING",
}


class StrictServer:
    """Counts arrivals in an exact rolling window."""

    def __init__(self) -> None:
        self.rng = random.Random(7)
        self.window: deque[float] = deque()
        self.accepted: list[float] = []
        self.refused = 0
        self.fullest = 0

    def path_delay(self, now: float) -> float:
        """Give the delay that all requests share: none, or 160 ms, by turns."""
        return 0.16 if int(now / 3) % 2 else 0.0

    def count(self, now: float) -> bool:
        """Count a request that arrives now; False if it is one too many."""
        while self.window and self.window[0] <= now - INTERVAL:
            self.window.popleft()
        if len(self.window) >= LIMIT:
            self.refused += 1
            return False
        self.window.append(now)
        self.accepted.append(now)
        self.fullest = max(self.fullest, len(self.window))
        return True

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                inputs = orjson.loads(await reader.readexactly(length))["inputs"]
                delay = self.path_delay(time.monotonic()) + self.rng.uniform(0, 0.04)
                await asyncio.sleep(delay)
                if self.count(time.monotonic()):
                    slow = self.rng.random() < 0.01
                    await asyncio.sleep(2.0 if slow else self.rng.uniform(0.05, 0.4))
                    status, answer = "200 OK", envelope(inputs)
                else:
                    status, answer = "429 Too Many Requests", REFUSED
                body = orjson.dumps(answer)
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                )
                writer.write(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def envelope(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    results = [{"id": given["id"], "properties": {}} for given in inputs]
    return {"status": "COMPLETE", "results": results}


def serve(connection: Any) -> None:
    """Be the server until the other end of the connection says so."""

    async def run() -> None:
        strict = StrictServer()
        server = await asyncio.start_server(strict.serve, "127.0.0.1", 0)
        connection.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(connection.recv)
        connection.send((strict.accepted, strict.refused, strict.fullest))

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


async def drive(port: int, seconds: float) -> Summary:
    stalling = asyncio.create_task(stall())
    limit = RateLimit(LIMIT)
    url = f"http://127.0.0.1:{port}"
    async with HubBatch("token", base_url=url, rate_limit=limit) as hub:
        batch = hub.tickets.update(records(seconds))
        async with batch as outcomes:
            async for _ in outcomes:
                pass
    stalling.cancel()
    return batch.summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    summary = asyncio.run(drive(ours.recv(), seconds))
    ours.send("stop")
    accepted, refused, fullest = ours.recv()
    begin, end = accepted[0] + INTERVAL, accepted[0] + seconds
    steady = sum(begin <= instant < end for instant in accepted)
    used = steady / (LIMIT * (end - begin) / INTERVAL) if end > begin else 0.0
    print("| seconds | requests | 429 | fullest 10 s | limit | limit used |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {seconds:g} | {summary.requests} | {refused} | {fullest} | {LIMIT} "
        f"| {used:.1%} |"
    )
    if refused or summary.throttled:
        sys.exit("the limit was broken")


if __name__ == "__main__":
    main()

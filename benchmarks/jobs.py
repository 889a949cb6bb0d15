"""Rows a second and peak memory of whole jobs, from a file to the last commit.

    python benchmarks/jobs.py                  1,000,000 rows
    python benchmarks/jobs.py --rows 100000    fewer

A server that answers every update at once stands for HubSpot, on a socket of this
machine and in a process of its own; the limit of the rate is out of the way. Each job
runs in a process of its own. "Reading" is the first pass over the file, which checks
it and makes its fingerprint; rows a second are those of everything else. Peak memory
is the process's high-water mark, in MB.
"""

import argparse
import asyncio
import csv
import multiprocessing
import tempfile
import time

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

from peaks import peak  # type: ignore[import-not-found] # a script beside

from hubbatch import HubBatch, RateLimit
from hubbatch.jobs import Job
from hubbatch.jobs.column_mapping import Columns
from hubbatch.jobs.sources import open_source


STAMP = "2026-11-23T10:00:00.000Z"
ACCOUNT = {"portalId": 62515, "accountType": "STANDARD", "timeZone": "UTC"}
NAMES = ("subject", "content", "hs_ticket_priority")
CASES = (
    ("csv", ()),
    ("csv", ("journal",)),
    ("csv", ("journal", "results")),
    ("jsonl", ()),
    ("jsonl", ("journal",)),
    ("jsonl", ("journal", "results")),
)


class Instant(asyncio.Protocol):
    """As much of HTTP and of HubSpot as this needs."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        answer = orjson.dumps(answered(rest[:length]) if length else ACCOUNT)
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )


def answered(body: bytes) -> dict[str, Any]:
    results = [
        {
            "id": given["id"],
            "properties": {**given["properties"], "hs_object_id": given["id"]},
            "createdAt": STAMP,
            "updatedAt": STAMP,
            "archived": False,
            "objectWriteTraceId": given["objectWriteTraceId"],
        }
        for given in orjson.loads(body)["inputs"]
    ]
    return {"status": "COMPLETE", "results": results}


def serve(ready: Connection) -> None:
    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Instant, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


def write(where: Path, rows: int) -> None:
    with (where / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", *NAMES))
        writer.writerows(values(n) for n in range(rows))
    with (where / "rows.jsonl").open("wb") as lines:
        for n in range(rows):
            record = dict(zip(("id", *NAMES), values(n), strict=True))
            lines.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def values(n: int) -> tuple[str, ...]:
    return str(10_000_000 + n), f"Ticket {n}", f"What row {n} says", "HIGH"


async def migrate(where: Path, port: int, kind: str, files: tuple[str, ...]) -> Any:
    source = open_source(where / f"rows.{kind}", Columns(verb="update"))
    started = time.perf_counter()
    source.fingerprint()
    reading = time.perf_counter() - started
    async with HubBatch(
        "token",
        base_url=f"http://127.0.0.1:{port}",
        rate_limit=RateLimit(1_000_000_000, burst=1_000_000_000),
    ) as hub:
        job = Job(
            hub,
            "update",
            "tickets",
            source,
            journal=where / "run.db" if "journal" in files else None,
            results=where / "results.csv" if "results" in files else None,
        )
        started = time.perf_counter()
        report = await job.run()
    return report.succeeded, reading, time.perf_counter() - started


def measure(
    where: Path, port: int, kind: str, files: tuple[str, ...], out: Connection
) -> None:
    done, reading, seconds = asyncio.run(migrate(where, port, kind, files))
    out.send((done, reading, seconds, peak()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    print("| source | files | rows | reading, s | rows/s | peak MB |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        write(where, rows)
        for kind, files in CASES:
            for left in (*where.glob("run.db*"), *where.glob("results*")):
                left.unlink()
            arguments = (where, port, kind, files, theirs)
            process = context.Process(target=measure, args=arguments)
            process.start()
            process.join()
            assert process.exitcode == 0
            done, reading, seconds, most = ours.recv()
            assert done == rows
            print(
                f"| {kind} | {', '.join(files) or 'none'} | {rows:,} | {reading:.1f} "
                f"| {rows / seconds:,.0f} | {most:.0f} |",
                flush=True,
            )
    server.kill()


if __name__ == "__main__":
    main()

"""Whole jobs, from a file to the last commit, against a plain script for the same file.

    python benchmarks/jobs.py                           200,000 rows, 5 rounds
    python benchmarks/jobs.py --rows 20000 --rounds 3   fewer

A server that answers every update at once stands for HubSpot, on a socket of this
machine and in a process of its own; the limit of the rate is out of the way. Each run
has a process of its own, and each round runs every case once.

The script reads the CSV, sends chunks of 100 with aiohttp, 16 at a time, and writes the
results as JSON lines. It checks nothing, records nothing and repeats nothing. "Reading"
is a job's first pass over the file, which checks it and makes its fingerprint. Rows a
second are those of everything else; CPU is that of the whole process, both passes
included, and "x the script" compares it with the script of the same round: the median,
and the lowest and highest of the rounds. Peak memory is the process's high-water mark.
"""

import argparse
import asyncio
import csv
import multiprocessing
import tempfile
import time

from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import msgspec

from attrs import frozen
from peaks import peak  # type: ignore[import-not-found] # a script beside

from hubbatch import HubBatch, RateLimit
from hubbatch._tables.column_mapping import Columns
from hubbatch.jobs import Job
from hubbatch.jobs.sources.files import open_source


STAMP = "2026-11-23T10:00:00.000Z"
ACCOUNT = {"portalId": 62515, "accountType": "STANDARD", "timeZone": "UTC"}
NAMES = ("subject", "content", "hs_ticket_priority")
Case = tuple[str, tuple[str, ...]]  # the kind of the source, and the files
SCRIPT: Case = ("csv", ("a script",))
CASES: tuple[Case, ...] = (
    SCRIPT,
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
        answer = msgspec.json.encode(answered(rest[:length]) if length else ACCOUNT)
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
        for given in msgspec.json.decode(body)["inputs"]
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
            lines.write(msgspec.json.encode(record) + b"\n")


def values(n: int) -> tuple[str, ...]:
    return str(10_000_000 + n), f"Ticket {n}", f"What row {n} says", "HIGH"


@frozen
class Figures:
    """The figures of one run."""

    rows: int
    reading: float
    seconds: float
    cpu: float
    peak: float


async def script(where: Path, port: int) -> tuple[int, float, float]:
    """Do what a user's own script would: no checks, no journal, no retries."""
    url = f"http://127.0.0.1:{port}/crm/v3/objects/tickets/batch/update"
    headers = {"Authorization": "Bearer token", "Content-Type": "application/json"}
    done = 0
    started = time.perf_counter()
    with (
        (where / "rows.csv").open(newline="") as file,
        (where / "results.jsonl").open("wb") as results,
    ):
        rows = csv.DictReader(file)

        async def work(session: aiohttp.ClientSession) -> None:
            nonlocal done
            while chunk := [*islice(rows, 100)]:
                inputs = [
                    {
                        "id": row.pop("id"),
                        "properties": row,
                        "objectWriteTraceId": str(done + place),
                    }
                    for place, row in enumerate(chunk)
                ]
                body = msgspec.json.encode({"inputs": inputs})
                async with session.post(url, data=body, headers=headers) as answer:
                    answer.raise_for_status()
                    written = msgspec.json.decode(await answer.read())["results"]
                for record in written:
                    results.write(msgspec.json.encode({"id": record["id"]}) + b"\n")
                done += len(written)

        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(work(session) for _ in range(16)))
    return done, 0.0, time.perf_counter() - started


async def migrate(
    where: Path, port: int, kind: str, files: tuple[str, ...]
) -> tuple[int, float, float]:
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
    run = (
        script(where, port) if files == SCRIPT[1] else migrate(where, port, kind, files)
    )
    before = time.process_time()
    rows, reading, seconds = asyncio.run(run)
    out.send(Figures(rows, reading, seconds, time.process_time() - before, peak()))


def row(case: Case, runs: list[Figures], scripts: list[Figures]) -> str:
    ratios = [run.cpu / other.cpu for run, other in zip(runs, scripts, strict=True)]
    rows = runs[0].rows
    kind, files = case
    cells = (
        kind,
        ", ".join(files) or "none",
        f"{rows:,}",
        f"{median(run.reading for run in runs):.1f}",
        f"{median(rows / run.seconds for run in runs):,.0f}",
        f"{median(run.cpu / rows for run in runs) * 1e6:.1f}",
        f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        f"{max(run.peak for run in runs):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    runs: dict[Case, list[Figures]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        write(where, options.rows)
        for case in CASES * options.rounds:
            for left in (*where.glob("run.db*"), *where.glob("results*")):
                left.unlink()
            arguments = (where, port, *case, theirs)
            process = context.Process(target=measure, args=arguments)
            process.start()
            process.join()
            assert process.exitcode == 0
            figures = ours.recv()
            assert figures.rows == options.rows
            runs[case].append(figures)
    server.kill()
    print("| source | files | rows | reading, s | rows/s | CPU, µs a row | ", end="")
    print("CPU, x the script | peak MB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        print(row(case, runs[case], runs[SCRIPT]))


if __name__ == "__main__":
    main()

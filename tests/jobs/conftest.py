"""A simulator on a socket for jobs, with a limit that does not slow them down."""

from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from attrs import define, field

from hubbatch import HubBatch, RateLimit, RetryPolicy
from hubbatch._outcomes.outcome import Outcome
from hubbatch.jobs import Job, Row
from hubbatch.simulator import Simulator


@define
class Table:
    """A source in memory, with a fingerprint."""

    inputs: list[Any]
    digest: str | None = "the same"
    name: str = "table"
    options: Mapping[str, Any] = field(factory=dict)
    read: int = 0

    def fingerprint(self) -> str | None:
        return self.digest

    def __iter__(self) -> Any:
        for index, given in enumerate(self.inputs):
            self.read = index + 1
            key = given.get("id") if isinstance(given, Mapping) else given
            yield Row(index, key, given, index + 2)


@define
class Lines:
    """A sink that collects the index and status of every final outcome."""

    path: Path
    name: str = "results"
    began: list[bytes | None] = field(factory=list)

    def begin(self, first_line: bytes | None) -> bytes:
        self.began.append(first_line)
        return b"" if first_line else b"place status\n"

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        assert outcome.index == row.index
        return f"{row.index} {outcome.status}\n".encode()

    def outcomes(self) -> dict[int, str]:
        lines = self.path.read_text().splitlines()[1:]
        found = {int(line.split()[0]): line.split()[1] for line in lines}
        assert len(found) == len(lines)
        return found


class Desk:
    """Makes jobs with one client, one journal and one output file."""

    def __init__(self, where: Path, sim: Simulator, hub: HubBatch) -> None:
        self.where = where
        self.sim = sim
        self.hub = hub
        self.journal = where / "run.db"
        self.lines = Lines(where / "outcomes.txt")

    def job(self, verb: Any, kind: str, source: Any, **options: Any) -> Job:
        options = {"journal": self.journal, "results": self.lines, **options}
        return Job(self.hub, verb, kind, source, **options)

    def sent(self) -> list[Any]:
        """Return the inputs of all batches that HubSpot has received."""
        return [
            given
            for received in self.sim.requests
            if "/batch/" in received.path and "/schemas/" not in received.path
            for given in received.body["inputs"]
        ]


def tickets(places: Iterable[int], stage: str = "1") -> list[Any]:
    return [
        {"properties": {"subject": f"row {place}", "hs_pipeline_stage": stage}}
        for place in places
    ]


def people(places: Iterable[int]) -> list[Any]:
    return [
        {"id": f"p{place}@example.com", "properties": {"firstname": f"row {place}"}}
        for place in places
    ]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A client with short waits, and a simulator for it."""
    async with (
        Simulator(limit=1_000_000) as sim,
        HubBatch(
            sim.token,
            base_url=sim.url,
            rate_limit=RateLimit(1_000_000, burst=1_000_000),
            retry=RetryPolicy(attempts=3, base=0.001, max_delay=0.002),
            max_concurrency=2,
        ) as hub,
    ):
        yield Desk(tmp_path, sim, hub)

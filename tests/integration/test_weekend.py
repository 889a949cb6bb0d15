"""docs/weekend.md: a portal moves into another by commands, one of them killed."""

import os
import re
import shlex
import subprocess
import sys
import threading

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from attrs import define

from hubbatch.jobs import read_status
from hubbatch.simulator import Fault, Property, Simulator, When
from hubbatch.simulator.received import Received


TREE = Path(__file__).parents[2]
KINDS = {
    "contacts": ("email", ["email", "firstname"]),
    "companies": ("domain", ["name", "domain"]),
    "tickets": ("ref", ["ref", "subject", "hs_pipeline_stage"]),
}
PAIRS = [("contacts", "companies"), ("tickets", "contacts")]
TYPES = {"contacts": "0-1", "companies": "0-2", "tickets": "0-5"}


@define
class Weekend:
    """Two portals, and a folder in which the commands of the page are typed."""

    where: Path
    old: Simulator
    new: Simulator
    asked: threading.Event

    def start(self, command: str) -> subprocess.Popen[str]:
        words = shlex.split(command)
        portal = self.old if words[-1] == "OLD" else self.new
        line = "from hubbatch.cli import main; main()"
        return subprocess.Popen(  # noqa: S603 -- our own
            [sys.executable, "-c", line, *words[1:], "--base-url", portal.url],
            cwd=self.where,
            env={
                **os.environ,
                "PYTHONPATH": str(TREE),
                "OLD": self.old.token,
                "NEW": self.new.token,
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str) -> str:
        process = self.start(command)
        _, told = process.communicate(timeout=50)
        assert process.returncode == 0, f"{command}\n{told}"
        return told

    def kill(self, command: str) -> None:
        """Begin a command, and kill it in the middle of its creates."""
        # The fourth request and all after it get no answer while the command lives.
        when = When(verb="create", object_type="tickets", skip=3)
        self.new.faults.add(Fault("delay", seconds=60, when=when))
        process = self.start(command)
        assert self.asked.wait(30)
        process.kill()
        process.communicate()
        self.new.faults.clear()


def commands() -> list[str]:
    """Give the commands of the page that move things, in its order."""
    page = (TREE / "docs" / "weekend.md").read_text()
    typed = re.findall(r"^\$ (hubbatch .*)$", page, re.MULTILINE)
    return [one for one in typed if "--token-env" in one]


def seed(sim: Simulator) -> None:
    """Make a portal of people, where they work, and what they have reported."""
    chance, store = Random(4), sim.store
    ids: dict[str, list[str]] = {}
    for kind, count in (("companies", 130), ("contacts", 350), ("tickets", 1_500)):
        ids[kind] = [store.create(kind, made(kind, n)).id for n in range(count)]
    for one, other in PAIRS:
        default = store.links.default(TYPES[one], TYPES[other])
        for record in ids[one]:
            for _ in range(chance.randrange(3)):
                target = TYPES[other], chance.choice(ids[other])
                store.links.link((TYPES[one], record), target, [default])


def made(kind: str, n: int) -> dict[str, str]:
    if kind == "companies":
        return {"name": f'Firm "{n}", Ltd', "domain": f"firm{n}.example"}
    if kind == "contacts":
        return {"email": f"p{n}@x.example", "firstname": f"Zoë {n}" if n % 3 else ""}
    return {
        "ref": f"T-{n}",
        "subject": f"line\n{n}",
        "hs_pipeline_stage": str(n % 4 + 1),
    }


def contents(sim: Simulator) -> tuple[dict[str, object], set[object]]:
    """Give what is in a portal by the names that do not change."""
    names: dict[tuple[str, str], str] = {}
    records: dict[str, object] = {}
    for kind, (key, properties) in KINDS.items():
        for record in sim.store.all(kind):
            has = record.properties
            name = f"{kind} {has[key]}"
            assert name not in records
            names[TYPES[kind], record.id] = name
            records[name] = [has.get(one) or None for one in properties]
    linked: set[object] = {
        (names[TYPES[one], record.id], names[TYPES[other], found], frozenset(specs))
        for one, other in PAIRS
        for record in sim.store.all(one)
        for found, specs in sim.store.links.linked(
            (TYPES[one], record.id), TYPES[other]
        ).items()
    }
    return records, linked


@pytest.fixture
def weekend(tmp_path: Path) -> Iterator[Weekend]:
    asked, creates = threading.Event(), []

    def note(received: Received) -> None:
        if received.path.endswith("/tickets/batch/create"):
            creates.append(received)
            if len(creates) > 3:
                asked.set()

    with (
        Simulator(seed=1, limit=100_000) as old,
        Simulator(
            seed=2, limit=100_000, portal_id=7, latency=0.02, on_request=note
        ) as new,
    ):
        for sim in (old, new):
            sim.store.define("tickets", [Property("ref", unique=True)])
        yield Weekend(tmp_path, old, new, asked)


@pytest.mark.timeout(120)
def test_the_weekend(weekend: Weekend) -> None:
    """Afterwards the two portals are equal, up to the ids."""
    seed(weekend.old)
    killed, told = 0, ""
    for command in commands():
        if command.startswith("hubbatch create tickets"):
            weekend.kill(command)
            status = read_status(weekend.where / "w3.db")
            assert not status.finished
            assert status.succeeded < 1_500
            assert status.in_doubt > 0
            killed += 1
        told = weekend.run(command)
    assert killed == 1
    assert "associate tickets and contacts" in told

    records, linked = contents(weekend.old)
    assert (len(records), len(linked) > 1_000) == (1_980, True)
    assert contents(weekend.new) == (records, linked)
    failures = weekend.where.glob("f?.jsonl")
    assert [path.stat().st_size for path in failures] == [0] * 5
    page = (weekend.where / "tickets.html").read_text()
    assert "Finished; all rows succeeded" in page
    # All of it once more does nothing.
    asked = len(weekend.new.requests), len(weekend.old.requests)
    again = [one for one in commands() if "--journal" in one]
    for command in again[:1] + again[-1:]:
        assert "nothing was sent" in weekend.run(command)
    assert (len(weekend.new.requests), len(weekend.old.requests)) == asked

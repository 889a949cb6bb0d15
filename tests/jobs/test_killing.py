"""A job is killed repeatedly and resumes each time: nothing is lost or doubled.

Real processes, real sockets, a real disk; HubSpot is the simulator, on a bad day.
"""

import csv
import sqlite3
import subprocess
import sys
import threading
import time

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest

from hubbatch.jobs import JobStatus, read_status
from hubbatch.jobs.journal.row_states import BLOCK
from hubbatch.jobs.journal.states import RowState
from hubbatch.simulator import Fault, Simulator
from hubbatch.simulator.server.received import Received
from tests.processes import TREE, untraced


pytestmark = pytest.mark.slow


KILLS = 12
# Faults that do not cause long waits.
WEATHER = (
    Fault("status", status=429, retry_after=0.01),
    Fault("status", status=500, empty=True),
    Fault("status", status=502),
    Fault("status", status=503, retry_after=0.01),
    Fault("drop_before"),
    Fault("drop_after_commit"),
    Fault("truncate"),
)


# The error of an answer that `truncate` cut; the simulator logs its status.
_CUT = "The answer was cut short"


class Victim:
    """A job that is started and killed until it is finished."""

    def __init__(
        self, where: Path, seed: int, *arguments: str, counted: str = "/batch/"
    ) -> None:
        self.where = where
        self._counted = counted  # in the path of a request
        self.arguments = arguments
        self.chance = Random(seed)
        self.doubted: set[int] = set()  # rows in doubt when a run ended
        self.cut: set[int] = set()  # rows whose answer was cut
        self.ended_early = 0  # runs that faults of HubSpot ended
        self._left = 0
        self._enough = threading.Event()
        self.sim = Simulator(
            seed=seed, limit=1_000_000, latency=0.01, on_request=self._count
        )

    def _count(self, received: Received) -> None:
        if self._counted in received.path:
            self._left -= 1
            if self._left <= 0:
                self._enough.set()

    def rows(self, columns: list[str], rows: Iterator[list[str]]) -> None:
        with (self.where / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.jobs.worker"]
        where = [self.sim.url, self.sim.token, str(self.where)]
        return subprocess.Popen(  # noqa: S603 -- our own
            [*command, *where, *self.arguments],
            cwd=TREE,
            env=untraced(PYTHONPATH=str(TREE)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill_and_go_on(self, kills: int, most: int) -> None:
        """Kill `kills` runs, each after at most `most` requests; then let it finish."""
        for kill in range(kills):
            while not self._kill(at_start=kill % 6 == 5, most=most):
                self.ended_early += 1
                assert self.ended_early < 20, "HubSpot's faults end most of the runs"
            self.doubted |= self._in_doubt()
        # Three creates that are lost in a row end a run, which is then resumed.
        said = ""
        for _ in range(20):
            with self._start() as process:
                said, _ = process.communicate(timeout=300)
            if process.returncode == 0:
                return
            assert "HubSpotUnavailable" in said, said
            self.ended_early += 1
            self.doubted |= self._in_doubt()
        raise AssertionError(said)

    def _kill(self, *, at_start: bool, most: int) -> bool:
        """Start a run and kill it; return False if HubSpot's faults ended it before."""
        self._enough.clear()
        self._left = self.chance.randint(1, most)
        with self._start() as process:
            if at_start:  # while it starts, or has just begun
                time.sleep(self.chance.uniform(0.2, 0.5))
            else:
                self._wait_for_enough(process)
                time.sleep(self.chance.uniform(0, 0.02))
            if process.poll() is None:
                process.kill()
                return True
            said, _ = process.communicate(timeout=5)
        assert process.returncode != 0, "there was nothing left to kill"
        assert "HubSpotUnavailable" in said, said
        self.doubted |= self._in_doubt()
        return False

    def _wait_for_enough(self, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 120
        while not self._enough.wait(0.02) and process.poll() is None:
            assert time.monotonic() < deadline, "it has sent too little"

    def _in_doubt(self) -> set[int]:
        with closing(sqlite3.connect(self.where / "run.db")) as journal:
            [[damage]] = journal.execute("PRAGMA quick_check")
            assert damage == "ok"
            if not [*journal.execute("SELECT 1 FROM sqlite_schema")]:
                return set()
            blocks = journal.execute("SELECT number, states FROM block")
            return {
                number * BLOCK + at
                for number, states in blocks
                for at, state in enumerate(states)
                if state == RowState.SENT
            }

    # ---- what must be so afterwards

    def check(self, inputs: int) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
        """Compare journal, results and failures; return the latter two by row."""
        status = read_status(self.where / "run.db")
        assert status.finished
        assert status.running is False
        assert status.runs <= KILLS + 1 + self.ended_early
        with (self.where / "results.csv").open(newline="") as file:
            lines = [*csv.DictReader(file)]
        results = {int(line["index"]): line for line in lines}
        with (self.where / "failures.jsonl").open("rb") as file:
            failed = [msgspec.json.decode(line) for line in file]
        failures = {line["index"]: line["status"] for line in failed}
        self.cut = {
            line["index"] for line in failed if _CUT in line["error"]["message"]
        }
        assert len(results) == len(lines)
        assert len(failures) == len(failed)
        assert results.keys().isdisjoint(failures)
        assert results.keys() | failures.keys() == {*range(inputs)}
        self._check_counts(status, Counter(failures.values()), len(results))
        return results, failures

    def _check_counts(
        self, status: JobStatus, failures: Counter[str], succeeded: int
    ) -> None:
        assert (status.in_doubt, status.open) == (0, 0)
        assert status.succeeded == succeeded
        assert status.failed == failures["failed"]
        assert status.unknown == failures["unknown"]
        assert status.not_sent == failures["not_sent"]
        assert status.inputs == succeeded + failures.total()


@pytest.mark.timeout(600)
def test_upserts_that_are_killed_are_finished_and_keep_their_order(
    tmp_path: Path,
) -> None:
    inputs, people = 10_000, 9_000
    victim = Victim(tmp_path, 8, "upsert", "contacts", "id_property=email")
    keys = [*range(people)] + [victim.chance.randrange(people) for _ in range(1_000)]
    victim.chance.shuffle(keys)
    bad = {place for place in range(inputs) if victim.chance.random() < 0.005}
    victim.rows(
        ["email", "firstname", "hs_lead_status"],
        (
            [f"p{key}@example.com", str(place), "NO SUCH" if place in bad else "NEW"]
            for place, key in enumerate(keys)
        ),
    )

    with victim.sim as sim:
        sim.faults.chaos(0.1, WEATHER)
        victim.kill_and_go_on(KILLS, most=12)
        results, failures = victim.check(inputs)

    assert {place for place, status in failures.items() if status == "failed"} == bad
    written = {}
    for record in sim.store.all("contacts"):
        places = [int(value) for _, value in record.history("firstname")][::-1]
        key = int(record.properties["email"][1:].split("@")[0])
        written[key] = places
    rows_of = defaultdict(set)
    for place, key in enumerate(keys):
        rows_of[key].add(place)
    for key, places in written.items():
        assert {*places} <= rows_of[key] - bad
        # A row may be written twice, but never after a later row of its record.
        assert places == sorted(places)
    for place, line in results.items():
        assert place in written[keys[place]]
        assert line["input_id"] == f"p{keys[place]}@example.com"


@pytest.mark.timeout(600)
def test_creates_that_are_killed_are_never_doubled(tmp_path: Path) -> None:
    inputs = 10_000
    victim = Victim(tmp_path, 9, "create", "tickets")
    bad = {place for place in range(inputs) if victim.chance.random() < 0.005}
    victim.rows(
        ["id", "subject", "hs_pipeline_stage"],
        (
            [f"row-{place}", str(place), "77" if place in bad else "1"]
            for place in range(inputs)
        ),
    )

    with victim.sim as sim:
        sim.faults.chaos(0.1, WEATHER)
        victim.kill_and_go_on(KILLS, most=7)
        results, failures = victim.check(inputs)

    created: dict[int, str] = {}
    for record in sim.store.all("tickets"):
        place = int(record.properties["subject"])
        assert place not in created, "a create was doubled"
        created[place] = record.id
    for place, line in results.items():
        assert created[place] == line["id"]
        assert line["input_id"] == f"row-{place}"
    assert victim.doubted, "no kill met a request on its way"
    maybe = victim.doubted | lost(sim) | victim.cut
    for place, status in failures.items():
        if status == "unknown":
            assert place in maybe
        else:
            assert place not in created
    assert {place for place, status in failures.items() if status == "failed"} <= bad


@pytest.mark.timeout(400)
def test_creates_that_are_killed_and_can_be_looked_for_are_all_there(
    tmp_path: Path,
) -> None:
    inputs = 4_000
    victim = Victim(tmp_path, 10, "create", "contacts", "reconcile_by=email")
    victim.rows(
        ["email", "firstname"],
        ([f"c{place}@example.com", str(place)] for place in range(inputs)),
    )

    with victim.sim as sim:
        victim.kill_and_go_on(8, most=6)
        results, failures = victim.check(inputs)

    assert not failures
    assert len(victim.doubted) > 0
    there = {
        record.properties["firstname"]: record for record in sim.store.all("contacts")
    }
    assert len(there) == sim.store.count("contacts") == inputs
    for place, line in results.items():
        assert there[str(place)].id == line["id"]


def lost(sim: Simulator) -> set[int]:
    """Return the rows that were in a request that HubSpot did not clearly refuse."""
    places = set()
    for received in sim.requests:
        lost = received.status is None or received.status >= 500
        if lost and received.path.endswith("/batch/create"):
            for given in received.body["inputs"]:
                places.add(int(given["properties"]["subject"]))
    return places


def test_a_state_is_written_as_its_figure() -> None:
    """The numbers in existing journals must never change their meaning."""
    assert [(state.name, state.value) for state in RowState] == [
        ("OPEN", 0),
        ("SENT", 1),
        ("SUCCEEDED", 2),
        ("FAILED", 3),
        ("UNKNOWN", 4),
        ("NOT_SENT", 5),
    ]


@pytest.mark.timeout(600)
def test_records_that_are_added_to_a_list_by_jobs_that_are_killed_are_all_on_it(
    tmp_path: Path,
) -> None:
    inputs, people, strangers = 25_000, 24_000, 500
    victim = Victim(tmp_path, 9, "add", "lists.1", counted="/memberships/")
    store = victim.sim.store
    ids = [store.create("contacts", {}).id for _ in range(people)]
    newsletter = store.lists.add("Newsletter")
    former = {*ids[:1_000]}
    store.lists.put(newsletter, former)
    unknown = {str(10**15 + n) for n in range(strangers)}
    rows = [*ids, *unknown, *victim.chance.sample(ids, inputs - people - strangers)]
    victim.chance.shuffle(rows)
    victim.rows(["id"], ([record] for record in rows))

    with victim.sim as sim:
        sim.faults.chaos(0.2, WEATHER)
        victim.kill_and_go_on(KILLS, most=3)
        results, failures = victim.check(inputs)

    assert newsletter.members.keys() == {*ids}
    assert {rows[place] for place in failures} == unknown
    assert {*failures.values()} == {"failed"}
    for place, line in results.items():
        assert line["id"] == rows[place]
        # A record that was on the list before cannot have been added.
        assert not (rows[place] in former and line["changed"] == "true")

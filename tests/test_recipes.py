"""The recipes of the documentation, run as printed."""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import threading

from pathlib import Path

import pytest

from hubbatch.simulator import Simulator


PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"


def block(language: str, holding: str) -> str:
    """Return the only block of the page that contains the string."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [found] = [one for one in blocks if holding in one]
    return str(found)


class Night:
    """A folder with the script, which it can run."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        script = folder / "nightly.sh"
        script.write_text(block("sh", "nightly.sh"))
        script.chmod(0o700)
        (folder / "hubbatch.env").write_text(
            f"export HUBSPOT_ACCESS_TOKEN={simulator.token}\n"
            f"export HUBBATCH_BASE_URL={simulator.url}\n"
        )
        # The script that the wheel installs, for this interpreter.
        command = folder / "hubbatch"
        python = shlex.quote(sys.executable)
        code = "from hubbatch_entry import main; main()"
        command.write_text(f"#!/bin/sh\nexec {python} -c '{code}' \"$@\"\n")
        command.chmod(0o700)
        (folder / "inbox").mkdir()

    def put(self, name: str, *emails: str) -> None:
        (self.folder / "inbox" / name).write_text("\n".join(["email", *emails, ""]))

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 -- our own
            [self.folder / "nightly.sh"],
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_for_lock(self) -> None:
        with (self.folder / "nightly.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def run(self) -> tuple[int, str]:
        with self.start() as process:
            said, _ = process.communicate(timeout=120)
        return process.returncode, said


@pytest.fixture
def came() -> threading.Semaphore:
    return threading.Semaphore(0)


def test_night_that_is_killed_is_finished_by_the_next(
    tmp_path: Path, came: threading.Semaphore
) -> None:
    count = 8_000
    emails = [f"p{i}@example.com" for i in range(count)]
    sim = Simulator(limit=1_000_000, latency=0.05, on_request=lambda _: came.release())
    with sim:
        night = Night(tmp_path, sim)
        night.put("2026-11-23.csv", *emails)
        with night.start() as process:
            for _ in range(20):
                assert came.acquire(timeout=120)
            assert night.run() == (0, "")  # the other one has the lock
            os.killpg(process.pid, signal.SIGKILL)
        night.wait_for_lock()  # a killed process may still be exiting
        assert 0 < sim.store.count("contacts") < count
        assert night.run() == (0, "")
        assert sim.store.count("contacts") == count
        before = len(sim.requests)
        assert night.run() == (0, "")
        assert len(sim.requests) == before
    assert not [*(tmp_path / "inbox").iterdir()]
    ids = (tmp_path / "done" / "2026-11-23.ids.csv").read_text().splitlines()
    assert sorted(line.split(",")[1] for line in ids[1:]) == sorted(emails)


def test_night_with_rows_that_fail_and_a_file_that_is_none(
    tmp_path: Path, hubspot_simulator: Simulator
) -> None:
    """Both are reported, and only finished files are removed."""
    night = Night(tmp_path, hubspot_simulator)
    night.put("a.csv", "a@example.com", "no address")
    (tmp_path / "inbox" / "b.csv").write_text("name\nB\n")
    night.put("c.csv", "c@example.com")
    status, said = night.run()
    assert status == 2
    assert "no column" in said
    assert sorted(one.name for one in (tmp_path / "inbox").iterdir()) == ["b.csv"]
    assert hubspot_simulator.store.count("contacts") == 2
    assert "no address" in (tmp_path / "done" / "a.failed.jsonl").read_text()


# ---- a list that follows a file


def test_a_list_follows_a_file(hubspot_simulator: Simulator, tmp_path: Path) -> None:
    store = hubspot_simulator.store
    ids = [store.create("contacts", {}).id for _ in range(5)]
    on = store.lists.add("Paying customers")
    store.lists.put(on, ids[:3])
    program = tmp_path / "follow.py"
    program.write_text(block("python", "# follow.py"))
    rows = tmp_path / "customers.csv"
    rows.write_text("\n".join(["id,plan", *(f"{one},x" for one in [*ids[1:], "404"])]))

    def run() -> str:
        done = subprocess.run(  # noqa: S603 -- our own
            [sys.executable, program, "Paying customers", rows],
            env={
                **os.environ,
                "HUBSPOT_ACCESS_TOKEN": hubspot_simulator.token,
                "HUBBATCH_BASE_URL": hubspot_simulator.url,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    assert run().splitlines()[0] == "2 added, 1 removed"
    assert on.members.keys() == {*ids[1:]}
    first, failure = run().splitlines()
    assert first == "0 added, 0 removed"
    assert failure.startswith("404 ")


def test_old_tickets_are_closed(tmp_path: Path, hubspot_simulator: Simulator) -> None:
    create, year = hubspot_simulator.store.create, 366 * 86_400_000
    new, *old = (create("tickets", {"subject": "x"}) for _ in range(251))
    for record in old:
        record.created -= year
        record.properties["createdate"] = str(record.created)
    script = tmp_path / "close_old.py"
    script.write_text(block("python", "close_old.py"))
    environment = {
        **os.environ,
        "HUBSPOT_ACCESS_TOKEN": hubspot_simulator.token,
        "HUBBATCH_BASE_URL": hubspot_simulator.url,
    }

    said = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, script],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )

    assert said.stdout == "250 tickets closed\n"
    stage = "hs_pipeline_stage"
    assert {record.properties[stage] for record in old} == {"4"}
    assert new.properties[stage] != "4"

"""Signals, as a person or a scheduler sends them: to a process of its own."""

import os
import signal
import subprocess
import sys
import time

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest

from hubbatch.simulator import Fault, When

from .conftest import Shell
from .test_verbs import UPSERT, orders


HUBBATCH = [sys.executable, "-c", "from hubbatch.cli import main; main()"]
JOURNAL = ("--journal", "run.db", "--failures", "f.jsonl")


@contextmanager
def begun(shell: Shell, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command until its first request is under way."""
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *words], stdout=pipe, stderr=pipe, text=True, env={**os.environ}
    ) as process:
        while not shell.sent:
            assert process.poll() is None
            time.sleep(0.01)
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_once_drains_and_the_same_command_goes_on(
    shell: Shell, number: signal.Signals, status: int
) -> None:
    orders(shell, 30_000)
    shell.sim.faults.add(Fault("delay", seconds=1.0, when=When(verb="upsert"), times=1))

    with begun(shell, *UPSERT, *JOURNAL, "--json", "--rate-limit", "20") as process:
        running = shell("status", "run.db", "--json")
        assert (running.status, running.json["running"]) == (0, True)
        assert "running" in shell("status", "run.db").out
        locked = shell(*UPSERT, *JOURNAL)
        assert locked.status == 2
        assert "run.db is locked" in locked.err

        process.send_signal(number)
        out, err = process.communicate(timeout=120)

    assert process.returncode == status
    told = orjson.loads(out)
    assert told["unknown"] == 0
    assert 0 < told["succeeded"] == shell.sim.store.count("tickets") < 30_000
    assert (told["resumable"], told["exit_status"]) == (True, status)
    lines = err.splitlines()
    assert lines[1] == (
        "Stopping when what is under way is answered. Once more to stop at once."
    )
    assert lines[2] == "Stopped."
    assert lines[-1] == "The same command goes on from here."
    assert "stopped; the same command goes on" in shell("status", "run.db").out


def test_twice_stops_at_once(shell: Shell) -> None:
    orders(shell, 100)
    shell.sim.faults.add(Fault("delay", seconds=60, when=When(verb="upsert")))

    with begun(shell, *UPSERT, *JOURNAL, "--json") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "Once more" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)

    assert process.returncode == 130
    told = orjson.loads(out)
    assert (told["unknown"], told["exit_status"]) == (100, 130)
    assert (told["ended"], told["resumable"]) == ("cancelled", True)
    assert err.splitlines()[-1] == (
        "Stopped at once. The same command goes on from here."
    )
    assert "stopped at once; the same" in shell("status", "run.db").out
    shell.sim.faults.clear()
    assert shell(*UPSERT, *JOURNAL).status == 0


def test_before_anything_was_sent_once_is_enough(shell: Shell) -> None:
    orders(shell, 100)
    shell.sim.faults.add(Fault("delay", seconds=60, when=When(path="account-info")))
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT], stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        while not shell.sim.requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)

    assert process.returncode == 143
    assert err == (
        "Stopped at once. It kept no journal, so the same command would begin again.\n"
    )


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_while_it_waits_for_the_next_day_once_is_enough(
    shell: Shell, number: signal.Signals, status: int
) -> None:
    orders(shell, 100)
    shell.sim.faults.add(
        Fault("status", status=429, policy="DAILY", when=When(verb="upsert"))
    )

    with begun(shell, *UPSERT, *JOURNAL, "--wait", "--json") as process:
        assert process.stderr is not None
        while "Waiting" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=120)

    assert process.returncode == status
    told = orjson.loads(out)
    assert (told["ended"], told["resumable"]) == ("cancelled", True)
    assert (told["inputs"], told["not_sent"]) == (100, 100)
    assert err == "Stopped at once. The same command goes on from here.\n"
    assert shell(*UPSERT, *JOURNAL).status == 0

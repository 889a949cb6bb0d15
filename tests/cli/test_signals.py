"""Signals, as a person or a scheduler sends them: to a process of its own."""

import os
import signal
import subprocess
import sys
import time

from collections import Counter
from contextlib import suppress
from itertools import product
from pathlib import Path

import msgspec
import pytest

from hubbatch.simulator import Fault, When
from tests.processes import untraced

from .conftest import Shell
from .processes import HUBBATCH, begun, terminal, until_in_charge, until_sent
from .test_job_commands import UPSERT, orders


pytestmark = pytest.mark.slow


JOURNAL = ("--journal", "run.db", "--failures", "f.jsonl")
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]


@pytest.mark.parametrize(("number", "status"), SIGNALS)
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
    told = msgspec.json.decode(out)
    assert told["unknown"] == 0
    assert 0 < told["succeeded"] == shell.sim.store.count("tickets") < 30_000
    assert (told["resumable"], told["exit_status"]) == (True, status)
    lines = err.splitlines()
    assert lines[1] == (
        "Stopping when the requests in flight are answered. Interrupt again to stop at "
        "once."
    )
    assert lines[2] == "Stopped."
    assert lines[-1] == "Run the same command to resume."
    assert "stopped; run it again to resume" in shell("status", "run.db").out


def test_twice_stops_at_once(shell: Shell) -> None:
    orders(shell, 100)
    shell.sim.faults.add(Fault("delay", seconds=60, when=When(verb="upsert")))

    with begun(shell, *UPSERT, *JOURNAL, "--json") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "Interrupt again" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)

    assert process.returncode == 130
    told = msgspec.json.decode(out)
    assert (told["unknown"], told["exit_status"]) == (100, 130)
    assert (told["ended"], told["resumable"]) == ("cancelled", True)
    assert err.splitlines()[-1] == ("Stopped at once. Run the same command to resume.")
    assert "stopped at once; run it again" in shell("status", "run.db").out
    shell.sim.faults.clear()
    assert shell(*UPSERT, *JOURNAL).status == 0


def test_before_anything_was_sent_once_is_enough(shell: Shell) -> None:
    orders(shell, 100)
    shell.sim.faults.add(Fault("delay", seconds=60, when=When(path="account-info")))
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT], stderr=subprocess.PIPE, text=True, env=untraced()
    ) as process:
        while not shell.sim.requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)

    assert process.returncode == 143
    assert err == (
        "Stopped at once. There is no journal, so the same command would start over.\n"
    )


@pytest.mark.parametrize(("number", "status"), SIGNALS)
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
    told = msgspec.json.decode(out)
    assert (told["ended"], told["resumable"]) == ("cancelled", True)
    assert (told["inputs"], told["not_sent"]) == (100, 100)
    assert err == "Stopped at once. Run the same command to resume.\n"
    assert shell(*UPSERT, *JOURNAL).status == 0


# ---- a terminal that is closed


def test_a_closed_terminal_drains_and_the_same_command_goes_on(shell: Shell) -> None:
    orders(shell, 5_000)
    shell.sim.faults.add(Fault("delay", seconds=1.0, when=When(verb="upsert"), times=1))

    with terminal(*UPSERT, *JOURNAL, "--json", "--rate-limit", "10") as window:
        until_sent(shell, window)
        window.close()
        assert window.process.wait(120) == 143

    told = shell("status", "run.db", "--json").json
    assert (told["ended"], told["in_doubt"], told["unknown"]) == ("stopped", 0, 0)
    assert 0 < told["succeeded"] == shell.sim.store.count("tickets") < 5_000
    assert shell(*UPSERT, *JOURNAL).status == 0
    assert shell.sim.store.count("tickets") == 5_000


def test_a_hangup_that_comes_many_times_still_drains(shell: Shell) -> None:
    """The kernel sends it, then the shell; systemd sends it after its SIGTERM."""
    orders(shell, 100)
    shell.sim.faults.add(Fault("delay", seconds=1.5, when=When(verb="upsert")))

    with begun(shell, *UPSERT, *JOURNAL, "--json") as process:
        process.send_signal(signal.SIGTERM)
        for _ in range(10):
            time.sleep(0.02)
            process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=120)

    told = msgspec.json.decode(out)
    assert (told["succeeded"], told["unknown"]) == (100, 0)
    assert process.returncode == told["exit_status"] == 143


def test_what_is_ignored_at_the_start_stays_ignored(shell: Shell) -> None:
    orders(shell, 300)
    shell.sim.faults.add(Fault("delay", seconds=1.0, when=When(verb="upsert"), times=1))

    with begun(shell, *UPSERT, *JOURNAL, command=["nohup", *HUBBATCH]) as process:
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=120)

    assert process.returncode == 0
    assert "Stop" not in err
    assert shell.sim.store.count("tickets") == 300


def test_ctrl_c_on_a_terminal(shell: Shell) -> None:
    orders(shell, 20_000)
    shell.sim.faults.add(Fault("delay", seconds=1.0, when=When(verb="upsert"), times=1))

    with terminal(*UPSERT, *JOURNAL, "--json", "--rate-limit", "20") as shown:
        until_sent(shell, shown)
        shown.type(b"\x03")
        said = shown.read()
        assert shown.process.wait(120) == 130

    assert "Stopping when the requests in flight are answered." in said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")  # the cursor is back
    assert msgspec.json.decode(said.splitlines()[-1])["exit_status"] == 130


# ---- more than twice


def test_a_process_that_is_stuck_ends_with_the_third_signal(shell: Shell) -> None:
    orders(shell, 100)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    while True:
        try:
            os.write(theirs, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(theirs, True)
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT, *JOURNAL], stderr=theirs, env=untraced()
    ) as process:
        os.close(theirs)
        while not shell.sim.requests:  # it asks for the portal, then says which it is
            assert process.poll() is None
            time.sleep(0.01)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT) * 20:
            process.send_signal(number)
            time.sleep(0.1)
            if process.poll() is not None:
                break
        assert process.wait(60) == 130
    os.close(ours)


def test_a_terminal_that_is_held_does_not_hold_the_exit(shell: Shell) -> None:
    """The JSON goes to standard output all the same, not to the bar on the terminal."""
    orders(shell, 100)
    shell.sim.faults.add(Fault("delay", seconds=60, when=When(verb="upsert")))
    ours, theirs = os.openpty()
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT, "--json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=untraced(TERM="xterm"),
    ) as process:
        until_sent(shell, process)
        os.write(ours, b"\x13")  # Ctrl-S: to say that it stops, it has to wait
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            time.sleep(0.3)
            process.send_signal(number)
        try:
            assert process.wait(30) == 130
        finally:
            process.kill()
        assert process.stdout is not None
        assert msgspec.json.decode(process.stdout.read())["exit_status"] == 130
    os.close(theirs)
    os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_last_line_that_blocks_does_not_hold_the_exit(
    shell: Shell, number: signal.Signals
) -> None:
    orders(shell, 100)
    ours, theirs = os.openpty()
    os.set_blocking(theirs, False)
    with suppress(BlockingIOError):
        while True:
            os.write(theirs, b"x")
    os.set_blocking(theirs, True)
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT, *JOURNAL, "--json"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        env=untraced(),
    ) as process:
        assert process.stderr is not None
        while "100 rows: 100" not in process.stderr.readline():
            assert process.poll() is None
        try:
            with pytest.raises(subprocess.TimeoutExpired):  # the line blocks
                process.wait(1)
            process.send_signal(number)
            assert process.wait(5) == 0
        finally:
            process.kill()
    os.close(theirs)
    os.close(ours)
    assert shell("status", "run.db", "--json").json["finished"]


# ---- at any instant


def test_nothing_heavy_is_imported_before_signals_are_taken() -> None:
    said = subprocess.run(  # noqa: S603 -- our own command
        [
            *(sys.executable, "-c"),
            (
                "import sys; before = {*sys.modules}; import hubbatch_entry; "
                "print(*({*sys.modules} - before))"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert {*said.split()} <= {"hubbatch_entry", "_signal"}


# In milliseconds after its first instruction: while it imports, reads its options, asks
# whose portal it is, reads the source, sends.
INSTANTS = (
    0,
    20,
    40,
    60,
    80,
    120,
    160,
    240,
    320,
    400,
    480,
    560,
    640,
    800,
    1_000,
    1_200,
)


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_at_any_instant_without_a_traceback_and_nothing_doubled(
    shell: Shell, number: signal.Signals, status: int
) -> None:
    rows = 6_000
    shell.write("t.csv", "id,subject", *(f"row-{n},s{n}" for n in range(rows)))
    shell.sim.faults.add(
        Fault("delay", seconds=0.1, when=When(verb="create"), times=None)
    )
    command = ("create", "tickets", "t.csv", *JOURNAL, "--results", "r.csv", "--json")
    pipe = subprocess.PIPE

    for instant in INSTANTS:
        with subprocess.Popen(  # noqa: S603 -- our own command
            [*HUBBATCH, *command, "--max-concurrency", "1"],
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=untraced(),
        ) as process:
            until_in_charge(process)
            time.sleep(instant / 1000)
            process.send_signal(number)
            out, err = process.communicate(timeout=120)
        assert process.returncode == status, (instant, err)
        assert "Traceback" not in err
        assert "Exception" not in err
        if out:
            assert msgspec.json.decode(out)["exit_status"] == status
    shell.sim.faults.clear()

    assert shell(*command).status == 0
    made = Counter(one.properties["subject"] for one in shell.sim.store.all("tickets"))
    assert made == Counter(f"s{n}" for n in range(rows))
    assert len(Path("r.csv").read_text().splitlines()) == rows + 1


@pytest.mark.parametrize(
    ("number", "status", "instant"),
    [
        *((signal.SIGINT, 130, instant) for instant in (0, 5, 20, 60)),
        *((signal.SIGTERM, 143, instant) for instant in (0, 10)),
    ],
)
def test_when_it_is_over_it_says_what_it_exits_with(
    shell: Shell, number: signal.Signals, status: int, instant: int
) -> None:
    orders(shell, 100)
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT, *JOURNAL, "--report", "page.html", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=untraced(),
    ) as process:
        assert process.stderr is not None
        while "100 rows: 100" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(instant / 1000)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)

    assert err == ""
    assert msgspec.json.decode(out)["exit_status"] == process.returncode
    assert process.returncode in (0, status)
    assert shell("status", "run.db", "--json").json["finished"]


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        *product(
            [("whoami",), ("check", *UPSERT[1:]), (*UPSERT, "--dry-run")],
            [0, 200, 600],
        ),
        *product([("--help",)], [1, 20, 60]),
    ],
)
def test_commands_that_send_no_rows_end_at_once(
    shell: Shell, words: tuple[str, ...], instant: int
) -> None:
    orders(shell, 20)
    shell.sim.faults.add(Fault("delay", seconds=5, when=When(), times=None))
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *words], stdout=-1, stderr=-1, text=True, env=untraced()
    ) as process:
        until_in_charge(process)
        time.sleep(instant / 1000)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=4)

    # Python's own shutdown takes the handler away: then the signal itself ends it,
    # which shells call 130 as well.
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert process.returncode or instant
    assert "Traceback" not in err


@pytest.mark.parametrize("instant", [0, 300, 600, 900, 1_500])
def test_ctrl_c_ends_a_demo_and_its_hubspot(instant: int) -> None:
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, "demo", "--records", "50000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        until_in_charge(process)
        time.sleep(instant / 1000)
        os.killpg(process.pid, signal.SIGINT)
        # To its end: the simulator has the same pipe, and is gone as well.
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in out

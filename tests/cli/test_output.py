"""Whatever becomes of the output: the job is done, and the exit status is its own."""

import os
import re
import shlex
import sqlite3
import subprocess
import time

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from hubbatch.simulator import Fault, When
from tests.processes import untraced

from .conftest import Shell
from .processes import HUBBATCH, terminal, until_sent
from .test_job_commands import UPSERT, orders


pytestmark = pytest.mark.slow


FILES = ("--journal", "run.db", "--results", "r.csv", "--failures", "f.jsonl")
REDIRECTIONS = (
    "2>&1 | head -1",
    "2>&1 | true",
    "| true",
    ">/dev/full",
    "2>/dev/full",
    ">/dev/full 2>&1",
    ">&-",
    "2>&-",
    ">&- 2>&-",
    "<&- >&- 2>&-",
)
BROKEN = ("Traceback", "Exception ignored", "Errno", "lost sys.std")


def redirected(words: tuple[str, ...], redirection: str) -> tuple[int, str]:
    """Run a command in a shell; return its own exit status, and what could be read."""
    command = shlex.join([*HUBBATCH, *words])
    done = subprocess.run(  # noqa: S602 -- redirections are the shell's
        f"{{ {command}; echo $? >status.txt; }} {redirection}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
        env=untraced(),
    )
    said = done.stdout + done.stderr
    assert not [word for word in BROKEN if word in said], said
    status = int(Path("status.txt").read_text())
    Path("status.txt").unlink()
    return status, said


def check_files(rows: int, failed: int) -> None:
    """Check that journal, results and failures hold what is theirs and nothing else."""
    with closing(sqlite3.connect("run.db")) as journal:
        assert [*journal.execute("PRAGMA integrity_check")] == [("ok",)]
    header, *lines = Path("r.csv").read_text().splitlines()
    assert header == "index,input_id,id,new"
    assert all(re.fullmatch(r"\d+,A-\d+,\d+,true", line) for line in lines)
    failures = [
        msgspec.json.decode(line) for line in Path("f.jsonl").read_bytes().splitlines()
    ]
    assert (len(lines), len(failures)) == (rows - failed, failed)


@pytest.mark.parametrize(
    ("redirection", "bad"),
    [*((one, ()) for one in REDIRECTIONS), ("2>&1 | true", (7,)), (">&- 2>&-", (7,))],
)
def test_a_job_is_done_whoever_reads(
    shell: Shell, redirection: str, bad: tuple[int, ...]
) -> None:
    orders(shell, 250, *bad)

    status, _ = redirected((*UPSERT, *FILES, "--json"), redirection)

    assert status == len(bad)
    assert shell.sim.store.count("tickets") == 250 - len(bad)
    check_files(250, len(bad))


@pytest.mark.parametrize(
    ("words", "redirection", "expected"),
    [
        ((*UPSERT, "--dry-run", "--json"), "2>&1 | true", 0),
        ((*UPSERT, "--dry-run"), "2>&-", 0),
        (("check", *UPSERT[1:], "--json"), ">/dev/full", 1),
        (("check", *UPSERT[1:]), ">&- 2>&-", 1),
        (("whoami",), "| true", 0),
        (("whoami", "--json"), ">&-", 0),
        (("completion", "bash"), "| true", 0),
        (("--help",), ">/dev/full", 0),
        (("upsert", "tickets", "missing.csv"), "2>&1 | true", 2),
        (("upsert", "--no-such-option"), "2>/dev/full", 2),
        (("demo", "--records", "100"), "2>&1 | head -1", 0),
        (("demo", "--records", "100", "--json"), ">&- 2>&-", 0),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_other_commands_keep_their_status(
    shell: Shell, words: tuple[str, ...], redirection: str, expected: int
) -> None:
    orders(shell, 20, 3)

    assert redirected(words, redirection)[0] == expected


def test_status_and_report_keep_their_status(shell: Shell) -> None:
    orders(shell, 20)
    assert shell(*UPSERT, *FILES).status == 0

    for redirection in ("| true", ">/dev/full", ">&-"):
        assert redirected(("status", "run.db"), redirection)[0] == 0
    report = ("report", "run.db", "-o", "page.html")
    assert redirected(report, ">&- 2>&-")[0] == 0
    # The data of a command is another matter: it has not been written.
    status, said = redirected(("report", "run.db", "-o", "/dev/full"), "")
    assert status == 2
    assert "/dev/full" in said


def test_what_is_lost_on_a_full_disk_is_said_once(shell: Shell) -> None:
    orders(shell, 20)

    status, said = redirected((*UPSERT, "--json"), ">/dev/full")

    assert status == 0
    assert said.count("standard output could not be written: No space left") == 1


def test_files_of_the_job_still_raise(shell: Shell) -> None:
    orders(shell, 20)
    Path("full.csv").symlink_to("/dev/full")

    status, said = redirected((*UPSERT, "--results", "full.csv"), "")

    assert status == 2
    assert "full.csv" in said


def test_a_closed_stream_is_never_the_number_of_a_file(shell: Shell) -> None:
    orders(shell, 300)
    shell.sim.faults.add(Fault("delay", seconds=1, when=When(verb="upsert"), times=1))
    command = shlex.join([*HUBBATCH, *UPSERT, *FILES])
    with subprocess.Popen(  # noqa: S602 -- redirections are the shell's
        f"exec {command} <&- >&- 2>&-", shell=True, executable="/bin/bash", text=True
    ) as process:
        until_sent(shell, process)
        numbers = {
            path.name: str(path.readlink())
            for path in Path(f"/proc/{process.pid}/fd").iterdir()
        }

    assert [numbers[one] for one in "012"] == ["/dev/null"] * 3
    assert any(name.endswith("run.db") for name in numbers.values())
    assert process.returncode == 0
    check_files(300, 0)


def test_a_reader_that_leaves_in_the_middle(shell: Shell) -> None:
    orders(shell, 3_000)
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT, *FILES, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=untraced(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Portal")
        process.stdout.close()

    assert process.returncode == 0
    check_files(3_000, 0)


def test_a_terminal_that_disappears_without_a_signal(shell: Shell) -> None:
    orders(shell, 3_000)
    shell.sim.faults.add(Fault("delay", seconds=1, when=When(verb="upsert"), times=1))
    ours, theirs = os.openpty()
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, *UPSERT, *FILES, "--json"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,  # it is not the controlling terminal
        env={**untraced(), "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        until_sent(shell, process)
        os.close(ours)

    assert process.returncode == 0
    check_files(3_000, 0)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_knows_few_letters(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    orders(shell, 20)
    name = "Aufträge-\N{GREEK SMALL LETTER ALPHA}-\udce9.csv"
    Path("t.csv").rename(name)

    run = subprocess.run(  # noqa: S603 -- our own command
        [*HUBBATCH, "upsert", "tickets", name, *UPSERT[3:], "--json"],
        capture_output=True,
        check=False,
    )
    gone = subprocess.run(  # noqa: S603 -- our own command
        [*HUBBATCH, "upsert", "tickets", f"no-{name}", *UPSERT[3:], "--json"],
        capture_output=True,
        check=False,
    )

    assert run.returncode == 0
    expected = {
        "ascii": b"Auftr\\xe4ge-\\u03b1-\\udce9.csv",
        "latin-1": "Aufträge-\\u03b1-\\udce9.csv".encode("latin-1"),
        "utf-8": "Aufträge-\N{GREEK SMALL LETTER ALPHA}-\\udce9.csv".encode(),
    }[encoding]
    assert b"from " + expected + b", 20 rows" in run.stderr
    assert msgspec.json.decode(run.stdout)["succeeded"] == 20
    assert gone.returncode == 2
    assert expected in gone.stderr
    assert (
        "Aufträge-\N{GREEK SMALL LETTER ALPHA}-\\udce9.csv"
        in msgspec.json.decode(gone.stdout)["error"]
    )


def test_a_terminal_that_is_held_does_not_hold_the_job(shell: Shell) -> None:
    orders(shell, 1_000)
    shell.sim.faults.add(
        Fault("delay", seconds=0.4, when=When(verb="upsert"), times=None)
    )
    with terminal(*UPSERT, "--max-concurrency", "1") as shown:
        until_sent(shell, shown)
        shown.type(b"\x13")  # Ctrl-S
        while shell.sim.store.count("tickets") < 1_000:
            assert shown.process.poll() is None
            time.sleep(0.05)
        shown.type(b"\x11")  # Ctrl-Q
        assert "1,000 rows: 1,000 succeeded." in shown.read()
        assert shown.process.wait(60) == 0


def test_output_looks_as_it_should(shell: Shell) -> None:
    orders(shell, 250)
    with terminal(*UPSERT, "--json") as shown:
        said = shown.read()

    lines = said.replace("\r\n", "\n").splitlines()
    assert shown.process.wait(60) == 0
    assert "Portal 62515: upsert tickets from t.csv, 250 rows" in said
    assert msgspec.json.decode(lines[-1])["succeeded"] == 250
    assert "\x1b[2K" in said  # a progress bar, drawn and taken away
    assert "\\x1b" not in said

import subprocess

from pathlib import Path

import msgspec
import pytest

from hubbatch import ConfigurationError
from hubbatch.simulator import Fault

from .conftest import Shell
from .test_job_commands import UPSERT, orders


JOURNAL = ("--journal", "run.db", "--results", "r.csv")


def rows(out: str) -> dict[str, str]:
    """Read a table of names and values."""
    return {line[:14].strip(): line[14:].strip() for line in out.splitlines()}


def test_status_of_a_finished_job(shell: Shell) -> None:
    orders(shell, 250, 1)
    shell(*UPSERT, *JOURNAL)

    shown = rows(shell("status", "run.db").out)

    assert shown["job"] == "upsert tickets from t.csv"
    assert shown["portal"] == "62515"
    assert shown["state"] == "finished"
    assert (shown["succeeded"], shown["failed"]) == ("249", "1")
    assert shown["requests"] == "3, 0 of them retries"
    assert shown["running time"].endswith(" in 1 run")
    assert shown["results"] == "r.csv"
    told = msgspec.json.decode(shell("status", "run.db", "--json").out)
    assert (told["inputs"], told["finished"], told["running"]) == (250, True, False)


def test_status_of_a_job_that_ended_early(shell: Shell) -> None:
    orders(shell, 250, *range(10))
    shell(*UPSERT, *JOURNAL, "--max-failures", "1")

    shown = rows(shell("status", "run.db").out)

    assert shown["state"] == "ended early: TooManyFailures; run it again to resume"
    assert shown["why"] == "more records failed than max_failures allows"


@pytest.mark.parametrize("name", ["nowhere.db", "t.csv"])
def test_status_of_what_is_no_journal(shell: Shell, name: str) -> None:
    orders(shell, 1)

    done = shell("status", name)

    assert (done.status, done.out) == (2, "")
    assert name in done.err
    assert done.err.startswith("error: ")


def test_whoami(shell: Shell) -> None:
    assert "62515" in shell("whoami").out
    assert msgspec.json.decode(shell("whoami", "--json").out)["portal_id"] == 62515
    assert shell("whoami", "--account", "62515").status == 0

    other = shell("whoami", "--account", "5")
    assert other.status == 2
    assert other.err == "error: this is not account 5\n"


def test_whoami_that_nobody_answers(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.sim.faults.add(Fault("status", status=403, times=None))
    assert shell("whoami").status == 3

    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")
    assert shell("whoami").status == 2


def test_completion_is_a_script_that_the_shell_can_read(shell: Shell) -> None:
    done = shell("completion", "bash")

    assert "_HUBBATCH_COMPLETE=bash_complete" in done.out
    checked = subprocess.run(
        ["/bin/bash", "-n"], input=done.out, text=True, check=False
    )
    assert checked.returncode == 0
    for name in ("zsh", "fish"):
        assert f"_HUBBATCH_COMPLETE={name}_complete" in shell("completion", name).out


def test_help_names_every_command_under_a_heading(shell: Shell) -> None:
    shown = shell("--help").out

    assert shown.startswith("Usage: hubbatch ")
    for name in (
        *("update", "upsert", "create", "read", "archive", "replay", "status"),
        *("whoami", "demo", "simulate", "completion"),
    ):
        assert f"\n  {name} " in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", ["update", "upsert", "create", "read", "archive"])
def test_help_of_a_verb_has_its_options_under_headings(shell: Shell, name: str) -> None:
    shown = shell(name, "--help").out

    headings = ["Source:", "Output:", "Safety and speed:", "Account:"]
    places = [shown.index(f"\n{heading}\n") for heading in headings]
    assert all(places)
    assert max(map(len, shown.splitlines())) <= 80
    assert ("--legacy" in shown) == (name != "upsert")
    assert ("--output" in shown) == (name == "read")


def test_report_of_a_journal(shell: Shell) -> None:
    """Values are shown when asked for, and only then."""
    shell.write("t.csv", "subject,hs_ticket_priority", "a,HIGH", "b,private")
    files = ("--journal", "run.db", "--failures", "f.jsonl", "--report", "r.html")
    assert shell("create", "tickets", "t.csv", *files).status == 1

    plain = Path("r.html").read_text()
    assert shell("report", "run.db", "-o", "v.html", "--values").status == 0
    full = Path("v.html").read_text()

    for page in (plain, full):
        assert "Finished; 1 of 2 rows did not succeed" in page
        assert "hubbatch replay f.jsonl" in page
    assert "private" not in plain
    assert "private was not one of the allowed options" in full


def test_a_report_that_cannot_be_made(shell: Shell) -> None:
    shell.write("t.csv", "subject", "a")
    shell.write("mine.html", "mine")

    needs = shell("create", "tickets", "t.csv", "--report", "r.html")
    mine = ("--journal", "run.db", "--report", "mine.html")
    taken = shell("create", "tickets", "t.csv", *mine)
    none = shell("report", "none.db", "-o", "r.html")

    assert [one.status for one in (needs, taken, none)] == [2, 2, 2]
    assert "needs --journal FILE" in needs.err
    assert "is not a report" in taken.err
    assert shell.sent == []


def test_a_report_that_fails_in_the_end_undoes_nothing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write("t.csv", "subject", "a")

    def full(*_: object) -> None:
        raise ConfigurationError("r.html cannot be written: full.")

    monkeypatch.setattr("hubbatch.cli.run_job.write_report", full)
    files = ("--journal", "run.db", "--report", "r.html")
    done = shell("create", "tickets", "t.csv", *files)

    assert done.status == 0
    assert done.lines[-1] == "error: r.html cannot be written: full."

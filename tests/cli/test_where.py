"""`read --where` and `count`."""

import csv
import subprocess
import time

from pathlib import Path
from random import Random

import pytest

from hubbatch.simulator import Fault, When
from tests.processes import untraced

from .conftest import Shell
from .processes import HUBBATCH


FIRE = ("--where", "subject = fire")
OUT = ("--property", "subject", "-o", "fire.csv")


def seed(shell: Shell, count: int) -> list[str]:
    """Have HubSpot know tickets, and return the ids of those about fire, in order."""
    create = shell.sim.store.create
    subjects = ["fire", "water"] * count
    made = [(create("tickets", {"subject": each}).id, each) for each in subjects]
    return sorted((key for key, each in made if each == "fire"), key=int)


def rows() -> list[dict[str, str]]:
    with Path("fire.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


# ---- count


def test_count_prints_a_number(shell: Shell) -> None:
    seed(shell, 3)

    assert shell("count", "tickets").out == "6\n"
    assert shell("count", "tickets", *FIRE).out == "3\n"
    assert shell("count", "tickets", *FIRE, "--where", "subject=water").out == "0\n"
    assert shell("count", "tickets", "--where", "subject=water or has subject").out == (
        "6\n"
    )
    assert shell("count", "tickets", *FIRE, "--json").json == {
        "object_type": "tickets",
        "count": 3,
    }


def test_count_in_a_time_zone(shell: Shell) -> None:
    shell.sim.store.create("contacts", {"createdate": "2026-01-31T23:30:00Z"})
    day = ("count", "contacts", "--where", "createdate = 2026-01-31")

    assert shell(*day).out == "1\n"
    assert shell(*day, "--timezone", "Europe/Berlin").out == "0\n"
    assert shell(*day, "--timezone", "America/New_York").out == "1\n"


def test_count_refuses_another_account(shell: Shell) -> None:
    done = shell("count", "tickets", "--account", "5")

    assert (done.status, done.out) == (2, "")
    assert "belongs to account 62515, not 5" in done.err
    assert shell("count", "tickets", "--account", "62515").out == "0\n"


def test_count_of_what_hubspot_refuses(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = shell("count", "widgets")
    assert (done.status, done.out) == (3, "")
    assert "no such object type" in done.err

    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")
    done = shell("count", "tickets")
    assert done.status == 2
    assert "no access token" in done.err.lower()


# ---- what is wrong with a condition


@pytest.mark.parametrize("command", [("count", "tickets"), ("read", "tickets", *OUT)])
def test_what_is_wrong_is_marked(shell: Shell, command: tuple[str, ...]) -> None:
    done = shell(*command, "--where", "subject = on fire")
    assert done.status == 2
    message, *marked = done.lines
    assert message.startswith("error: Expected `and`, `or` or the end. Put a value ")
    assert message.endswith(' in quotes: "on fire".')
    assert marked == ["  subject = on fire", "               ^^^^"]
    assert not shell.sim.requests

    done = shell(*command, "--where", "subjekt = fire")
    assert done.status == 2
    assert done.lines == [
        "error: The property subjekt does not exist. Did you mean subject?",
        "  subjekt = fire",
        "  ^^^^^^^",
    ]
    assert not Path("fire.csv").exists()


@pytest.mark.parametrize(
    ("condition", "shown", "marks"),
    [
        ("content = 火 x", "  content = 火 x", "               ^"),
        ("content = \x1b[2J x", "  content = \\x1b[2J x", f"{20 * ' '}^"),
        ("content = [bold] x", "  content = [bold] x", "                   ^"),
        ("content =", "  content =", "           ^"),
    ],
)
def test_the_marks_are_below_what_is_shown(
    shell: Shell, condition: str, shown: str, marks: str
) -> None:
    done = shell("count", "tickets", "--where", condition)

    assert done.lines[1:] == [shown, marks]


def test_an_empty_condition(shell: Shell) -> None:
    done = shell("count", "tickets", "--where", "")

    assert done.status == 2
    assert done.lines == [
        "error: The condition is empty: write one like `amount > 100`."
    ]


def test_json_has_the_error_with_its_place(shell: Shell) -> None:
    done = shell("read", "tickets", *OUT, "--where", "subject = on fire", "--json")

    assert done.json["exit_status"] == 2
    assert "(at character 14 of: subject = on fire)" in done.json["error"]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("--all",), "--where reads all records that match: remove --all"),
        (("t.csv",), "--where finds the records by itself: remove t.csv, or remove"),
        (("--archived",), "use --archived with --all only"),
        (("--results", "r.csv"), "--where takes no --results"),
        (("--failures", "f.jsonl"), "--where takes no --failures"),
        (("--id-property", "x"), "--where takes no --id-property"),
        (("--legacy",), "--where takes no --legacy"),
        (("--timezone", "Mars"), "known time zone 'Mars'"),
    ],
)
def test_options_that_do_not_go_together(
    shell: Shell, words: tuple[str, ...], advice: str
) -> None:
    shell.write("t.csv", "id", "1")

    done = shell("read", "tickets", *words, *FIRE, *OUT)

    assert done.status == 2
    assert advice in done.err
    assert not shell.sim.requests


def test_without_a_source_the_ways_to_name_one_are_said(shell: Shell) -> None:
    done = shell("read", "tickets", *OUT)

    assert done.lines == [
        "error: SOURCE is missing: name a file, or use --all or --where."
    ]


# ---- read


def test_the_records_that_match_are_written(shell: Shell) -> None:
    matching = seed(shell, 3)

    done = shell("read", "tickets", *FIRE, *OUT)

    assert done.status == 0
    assert done.lines[0] == "Portal 62515: read matching tickets, 3 rows"
    assert done.lines[1].startswith("3 rows: 3 succeeded. 1 request, ")
    assert rows() == [{"id": key, "subject": "fire"} for key in matching]


def test_a_read_resumes_and_a_finished_one_sends_nothing(shell: Shell) -> None:
    matching = seed(shell, 450)
    command = ("read", "tickets", *FIRE, *OUT, "--journal", "run.db")
    refused = Fault("status", status=403, when=When(verb="search", skip=2), times=1)
    shell.sim.faults.add(refused)

    first = shell(*command)
    assert first.status == 3
    assert "Run the same command to resume." in first.err
    assert "450 rows" in first.lines[0]
    second = shell(*command)
    assert second.status == 0
    assert "read matching tickets, 450 rows; 200 done already" in second.lines[0]
    assert [row["id"] for row in rows()] == matching

    sent = len(shell.sim.requests)
    third = shell(*command)
    assert third.status == 0
    assert "the job was finished already; nothing was sent" in third.err
    assert len(shell.sim.requests) == sent
    other = shell(*command, "--where", "has content")
    assert other.status == 2
    assert "is the journal of another job: where was" in other.err


def test_an_end_without_a_journal_says_how_many_were_not_read(shell: Shell) -> None:
    seed(shell, 250)
    shell.sim.faults.add(Fault("status", status=403, when=When(verb="search", skip=2)))

    done = shell("read", "tickets", *FIRE, *OUT)

    assert done.status == 3
    assert "The last 50 rows of the source were never reached." in done.err


def test_a_dry_run_counts(shell: Shell) -> None:
    seed(shell, 450)

    done = shell("read", "tickets", *FIRE, *OUT, "--dry-run", "--json")

    assert done.status == 0
    [line] = done.lines
    assert line.startswith(
        "read matching tickets: 450 rows. Reading them takes 3 calls"
    )
    assert line.endswith(" and 0.6 s or more, at 5 per 1 s. Nothing was written.")
    assert (
        done.json.items()
        >= {
            "inputs": 450,
            "not_sent": 450,
            "calls": 3,
            "portal": 62515,
            "dry_run": True,
            "seconds_at_limit": 0.6,
        }.items()
    )
    assert not Path("fire.csv").exists()
    limited = shell("read", "tickets", *FIRE, *OUT, "--dry-run", "--limit", "7")
    assert limited.lines[0].startswith("read matching tickets: 7 rows. ")
    other = shell("read", "tickets", *FIRE, *OUT, "--dry-run", "--account", "5")
    assert other.status == 2


@pytest.mark.slow
def test_a_read_that_is_killed_again_and_again_has_each_record_once(
    shell: Shell,
) -> None:
    """Real processes, killed while they wait, read or write."""
    matching = seed(shell, 2_100)
    chance = Random(26)
    command = [*HUBBATCH, "read", "tickets", *FIRE, *OUT, "--journal", "run.db"]
    kills = 0
    while True:
        # A run counts the records, and reads at most four of the eleven pages.
        enough = searches(shell) + chance.randint(1, 4)
        with subprocess.Popen(  # noqa: S603 -- our own command
            command, stderr=subprocess.PIPE, text=True, env=untraced()
        ) as process:
            while process.poll() is None and searches(shell) < enough:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -9
        kills += 1

    assert kills >= 2
    assert [row["id"] for row in rows()] == matching


def searches(shell: Shell) -> int:
    return sum(path.endswith("/search") for path in shell.sent)

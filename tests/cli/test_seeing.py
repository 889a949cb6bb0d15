"""What a command shows of an outage, of a log and of a job that is not finished."""

import json
import re
import signal

from pathlib import Path

import pytest

from hubbatch.simulator import Fault, When
from hubbatch_entry.options import parse_duration

from .conftest import Shell
from .processes import begun, terminal


JOB = ("update", "tickets", "t.csv", "--journal", "j", "--rate-limit", "20")


def tickets(shell: Shell, count: int) -> None:
    ids = shell.tickets(count)
    shell.write("t.csv", "id,subject", *(f"{one},new" for one in ids))


# ---- outages


def test_a_job_with_patience_outlives_an_outage(shell: Shell) -> None:
    tickets(shell, 300)
    shell.sim.faults.add(Fault("status", status=503, times=None))
    with terminal(*JOB, "--patience", "5m", columns=80) as shown:
        shown.read(b"--patience")
        shell.sim.faults.clear()
        text = " ".join(shown.read().split())
        assert shown.process.wait() == 0
    assert "HubSpot is down (503 Service Unavailable). Waiting up to " in text
    assert "HubSpot is up again, after " in text
    assert "300 rows: 300 succeeded." in text
    assert shell("status", "j", "--json").json["succeeded"] == 300


def test_an_interrupt_ends_the_wait_at_once(shell: Shell) -> None:
    tickets(shell, 300)
    shell.sim.faults.add(
        Fault("status", status=503, times=None, when=When(verb="update"))
    )
    with terminal(*JOB, "--patience", "1h") as shown:
        shown.read(b"next request")
        shown.process.send_signal(signal.SIGINT)
        text = shown.read()
        assert shown.process.wait() == 130
    assert "Run the same command to resume." in text
    shell.sim.faults.clear()
    assert shell(*JOB).status == 0
    assert shell("status", "j", "--json").json["succeeded"] == 300


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("1d", 86_400)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(None, None, text) == seconds  # type: ignore[arg-type] # unused


@pytest.mark.parametrize("text", ["30", "m", "30x", "-5m", "5 m", "", "1h 2"])
def test_a_duration_needs_its_unit(shell: Shell, text: str) -> None:
    shell.write("t.csv", "id,subject", "1,x")
    done = shell("update", "tickets", "t.csv", "--patience", text)
    assert done.status == 2
    assert "Expected a duration such as 90s, 30m or 1h30m." in done.err


# ---- how much is printed


def test_quiet_prints_only_what_went_wrong(shell: Shell) -> None:
    tickets(shell, 3)
    done = shell("update", "tickets", "t.csv", "-q")
    assert (done.status, done.out, done.err) == (0, "", "")
    shell.write("t.csv", "id,subject", "77,new")
    failed = shell("update", "tickets", "t.csv", "-q")
    assert failed.status == 1
    assert failed.lines[0].startswith("1 row: 0 succeeded, 1 failed.")
    assert shell("update", "tickets", "none.csv", "-q").lines[0].startswith("error: ")


def test_verbose_prints_retries_and_requests(shell: Shell) -> None:
    tickets(shell, 3)
    shell.sim.faults.add(Fault("status", status=503, when=When(verb="update")))
    done = shell("update", "tickets", "t.csv", "-v")
    assert "3 inputs from index 0 are retried in " in done.err
    assert "were sent, attempt" not in done.err
    assert "were sent, attempt 1" in shell("update", "tickets", "t.csv", "-vv").err
    assert "are retried" not in shell("update", "tickets", "t.csv").err


def test_the_log_file_has_times_and_no_values(shell: Shell) -> None:
    tickets(shell, 3)
    for _ in range(2):
        assert shell("update", "tickets", "t.csv", "--log-file", "log").status == 0
    lines = Path("log").read_text().splitlines()
    stamp = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO "
    assert all(re.match(stamp, line) for line in lines)
    assert sum("update tickets from t.csv, 3 rows" in line for line in lines) == 2
    assert sum("finished. 3 rows: 3 succeeded." in line for line in lines) == 2
    monkey = shell("update", "tickets", "none.csv", "--log-file", "log")
    assert monkey.status == 2
    refused = shell("update", "tickets", "t.csv", "--log-file", "no/log")
    assert refused.status == 2
    assert "--log-file no/log cannot be written: No such file" in refused.err


def test_the_log_file_names_an_error_by_its_class(shell: Shell) -> None:
    tickets(shell, 3)
    wrong = shell("update", "tickets", "t.csv", "--account", "1", "--log-file", "log")
    assert wrong.status == 2
    assert Path("log").read_text().endswith(" ERROR ConfigurationError\n")


# ---- the status


def test_status_knows_the_total_and_says_what_counts_mean(shell: Shell) -> None:
    tickets(shell, 10_000)
    with begun(shell, *JOB) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    done = shell("status", "j")
    found = shell("status", "j", "--json").json
    assert found["total"] == 10_000
    assert f"{found['settled']:,} of 10,000 (" in done.out
    left = 10_000 - found["inputs"]
    assert f"The last {left:,} rows of the source were never reached." in err
    assert f"{left:,}  (not read from the source yet)" in done.out
    assert f"{found['open']:,}  (read from the source, but not sent yet)" in done.out


def test_status_is_watched_until_the_job_ends(shell: Shell) -> None:
    tickets(shell, 3_000)
    with begun(shell, *JOB), terminal("status", "j", "--watch") as shown:
        shown.read(b"running")
        text = shown.read()
        assert shown.process.wait() == 0
    assert "finished" in text
    assert "3,000 of 3,000 (100%)" in text
    again = shell("status", "j", "--watch", "--json")
    assert json.loads(again.out)["finished"] is True
    assert "3,000 of 3,000" in shell("status", "j", "--watch").out


# ---- a source that has changed


def test_a_changed_source_and_another_one(shell: Shell) -> None:
    tickets(shell, 3)
    assert shell(*JOB).status == 0
    other = Path("t.csv").read_text().replace("new", "newer")
    Path("u.csv").write_text(other)
    words = ["u.csv" if word == "t.csv" else word for word in JOB]
    assert "is the journal of a job with t.csv, and the content" in shell(*words).err
    Path("t.csv").write_text(other)
    changed = shell(*JOB)
    assert changed.status == 2
    assert "t.csv has changed since the job of j finished." in changed.err
    assert "use another journal; the rows that succeeded before are sent again" in (
        changed.err
    )
    both = shell(*JOB, "--limit", "2").err
    assert "of another job: the content of the source t.csv has changed; limit" in both


def test_a_changed_source_of_a_create_that_is_not_finished(shell: Shell) -> None:
    shell.write("c.csv", "subject", *(f"s{number}" for number in range(300)))
    shell.sim.faults.add(Fault("status", status=403, when=When(verb="create")))
    words = ("create", "tickets", "c.csv", "--journal", "c")
    assert shell(*words).status == 3
    shell.write("c.csv", "subject", "other")
    changed = shell(*words).err
    assert "To finish that job, restore the source as it was." in changed
    assert "would be created a second time: remove them first" in changed

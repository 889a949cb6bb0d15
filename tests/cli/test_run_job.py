import re
import sqlite3

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attrs import evolve

from hubbatch import DailyLimitReached, HubBatchError
from hubbatch.cli import run_job
from hubbatch.cli.job_spec import JobSpec
from hubbatch.jobs import JobReport
from hubbatch.jobs.journal import store
from hubbatch.simulator import Fault, When

from .conftest import Shell
from .test_job_commands import UPSERT, orders


REPORT = JobReport(
    inputs=1,
    succeeded=0,
    failed=0,
    unknown=0,
    not_sent=1,
    requests=1,
    retries=0,
    throttled=1,
    warnings=0,
    seconds=1.0,
    portal_id=None,
    ended="DailyLimitReached",
    error=None,
    resumed=False,
    already_finished=False,
    resumable=True,
)


def waiting(error: HubBatchError | None, *, wait: bool = True) -> float | None:
    options: dict[str, Any] = {"wait": wait, "journal": "run.db", "limit": None}
    spec = JobSpec(
        verb="update", object_type="tickets", source=None, call={}, options=options
    )
    return run_job._seconds_to_wait(spec, evolve(REPORT, error=error))


def reached(after: timedelta | None) -> DailyLimitReached:
    error = DailyLimitReached("You have reached your daily limit.")
    error.resets_at = None if after is None else datetime.now(UTC) + after
    return error


def test_it_waits_until_the_day_is_over() -> None:
    seconds = waiting(reached(timedelta(hours=1)))
    assert seconds is not None
    assert 3_500 < seconds <= 3_600
    assert waiting(reached(timedelta(hours=-1))) == 1.0


def test_it_waits_for_nothing_else() -> None:
    assert waiting(reached(timedelta(hours=1)), wait=False) is None
    assert waiting(reached(None)) is None
    assert waiting(HubBatchError("another")) is None
    assert waiting(None) is None


def test_the_next_day_it_goes_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = iter([0.01, None])
    monkeypatch.setattr(
        run_job, "_seconds_to_wait", lambda _order, _report: next(waits)
    )
    orders(shell, 150)
    shell.sim.faults.add(
        Fault("status", status=429, policy="DAILY", when=When(verb="upsert"))
    )

    done = shell(*UPSERT, *JOURNAL, "--wait", "--json")

    assert (done.status, done.json["succeeded"]) == (0, 150)
    assert done.lines[1] == (
        "The daily calls are used up. Waiting for the reset, in under 0.1 s."
    )
    assert shell.sim.store.count("tickets") == 150


def test_the_days_limit_ends_it(shell: Shell) -> None:
    orders(shell, 150)
    shell.sim.faults.add(
        Fault("status", status=429, policy="DAILY", when=When(verb="upsert"))
    )

    done = shell(*UPSERT, *JOURNAL, "--json")

    assert (done.status, done.json["ended"]) == (3, "DailyLimitReached")
    assert done.json["succeeded"] + done.json["not_sent"] == 150
    assert re.fullmatch(
        r"Run the same command to resume after \d{4}-\d\d-\d\d 00:00 UTC, or add "
        "--wait to wait until then.",
        done.lines[-1],
    )


def test_reasons_are_of_this_run_and_say_so(shell: Shell) -> None:
    """The counts above them are of all runs."""
    orders(shell, 150, 0, 1, 149)
    shell.sim.faults.add(
        Fault("status", status=403, when=When(verb="upsert", skip=1), times=1)
    )
    words = (*UPSERT, *JOURNAL, "--max-concurrency", "1")

    first, second = shell(*words), shell(*words)

    assert (first.status, second.status) == (3, 1)
    assert "In this run:" not in first.err
    place = second.lines.index("In this run:")
    assert second.lines[place - 1].startswith("150 rows: 147 succeeded, 3 failed")
    assert second.lines[place + 1].startswith("  1 x ")


def test_ctrl_c_while_the_source_is_looked_at(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hubbatch.cli.arguments.open_source", interrupted)

    assert shell(*UPSERT).status == 130


# ---- a journal that cannot be written now


JOURNAL = ("--journal", "run.db", "--failures", "failures.jsonl")


def interrupted(shell: Shell, status: int) -> None:
    """Leave a journal whose rows were not sent, because of such an answer."""
    orders(shell, 300)
    fault = Fault("status", status=status, when=When(verb="upsert"), times=None)
    shell.sim.faults.add(fault)
    assert shell(*UPSERT, *JOURNAL).status == 3
    shell.sim.faults.clear()


def test_a_journal_that_is_being_read_ends_it_early(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PATIENCE", 0)
    interrupted(shell, 401)
    sent = shell.sent
    with closing(sqlite3.connect("run.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM job").fetchall()
        done = shell(*UPSERT, *JOURNAL, "--json")
    assert done.status == 3
    assert "another program is reading it" in done.err
    assert "moved" not in done.err
    told = done.json
    assert (told["ended"], told["resumable"]) == ("JournalError", True)
    known = sum(told[name] for name in ("succeeded", "failed", "unknown", "not_sent"))
    assert known == told["inputs"]
    assert shell.sent == sent
    assert shell(*UPSERT, *JOURNAL).status == 0


def test_a_file_that_cannot_be_written_ends_it_early(shell: Shell) -> None:
    interrupted(shell, 401)
    sent = shell.sent
    failures = Path("failures.jsonl")
    failures.unlink()
    failures.symlink_to("nowhere/failures.jsonl")
    done = shell(*UPSERT, *JOURNAL, "--json")
    assert done.status == 3
    assert "cannot be written: [Errno 2]" in done.err
    assert "Run the same command to resume." in done.err
    told = done.json
    assert (told["exit_status"], told["ended"]) == (3, "JournalError")
    known = sum(told[name] for name in ("succeeded", "failed", "unknown", "not_sent"))
    assert known == told["inputs"]
    assert shell.sent == sent
    failures.unlink()
    assert shell(*UPSERT, *JOURNAL).status == 0

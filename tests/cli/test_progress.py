import io
import re

from collections.abc import Callable
from typing import Any

import pytest

from attrs import define, field
from rich.console import Console

from hubbatch import BatchBegun, ChunkAnswered, Event, Summary
from hubbatch._wire.endpoints import operation_for
from hubbatch.cli.progress import (
    Latency,
    Progress,
    count_of,
    duration,
    progress_of,
)


UPDATE = operation_for("objects", "update", "tickets", api_version="v3")


@define
class FakeLimits:
    max_requests: int = 190
    interval: float = 10.0
    used: int = 95
    families: dict[str, "FakeLimits"] = field(factory=dict)


@define
class FakeHub:
    limits: FakeLimits = field(factory=FakeLimits)


@define
class FakeJob:
    summary: Summary
    family: str = UPDATE.call.family
    rows_per_request: int = UPDATE.max_inputs


def progress(
    total: int | None = 20_000,
    *,
    terminal: bool = False,
    width: int = 80,
    max_in_flight: int = 200,
    outage: Callable[[], str | None] = lambda: None,
) -> tuple[Progress, FakeJob, list[float]]:
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=width, highlight=False
    )
    now = [0.0]
    made = Progress(
        console,
        FakeHub(),  # type: ignore[arg-type] # all that is looked at
        "update tickets",
        total,
        Latency(),
        max_in_flight,
        outage,
        clock=lambda: now[0],
    )
    job = FakeJob(Summary(inputs=1_000, succeeded=1_000, requests=10))
    made.start(job)  # type: ignore[arg-type] # likewise
    return made, job, now


def printed(made: Progress) -> str:
    file: Any = made.console.file
    text: str = file.getvalue()
    return text


def test_figures_are_of_this_run_and_time_left_is_from_the_limit() -> None:
    made, job, now = progress()
    job.summary = Summary(
        inputs=11_500, succeeded=10_990, failed=10, requests=120, retries=4
    )
    now[0] = 5.0

    figures = made.figures()

    assert (figures.done, figures.rate, figures.failed) == (11_000, 2_000.0, 10)
    # 9,000 rows in 110 requests per 10,000 rows, at 19 requests a second.
    assert figures.seconds_left == pytest.approx(9_000 * 0.011 / 19)
    assert figures.line() == (
        "11,000 of 20,000 (55%), 2,000 rows/s, 5.2 s left · 50% of the limit · "
        "10 failed · 4 retried"
    )


def test_before_the_first_answer_full_chunks_are_expected() -> None:
    made, _, _ = progress()

    assert made.figures().seconds_left == pytest.approx(19_000 / 100 / 19)


def test_time_left_is_from_the_latency_if_few_requests_may_be_in_flight() -> None:
    """8 at a time, which take 4 s, are 2 requests a second."""
    made, _, _ = progress(max_in_flight=8)
    made.latency.listen(answered(8.0))
    made.latency.listen(answered(0.0))
    assert made.figures().seconds_left == pytest.approx(19_000 / 100 / 2)
    for _ in range(200):
        made.latency.listen(answered(0.2))
    made.latency.listen(begun())
    assert made.figures().seconds_left == pytest.approx(19_000 / 100 / 19, rel=0.01)


def answered(seconds: float) -> Event:
    return ChunkAnswered(
        operation="tickets.update",
        account=None,
        batch=1,
        first_index=0,
        inputs=100,
        attempt=1,
        status=200,
        seconds=seconds,
        daily_remaining=None,
    )


def begun() -> Event:
    return BatchBegun(operation="tickets.update", account=None, batch=1, lane="bulk")


def test_without_a_total_there_is_no_time_left() -> None:
    made, job, _ = progress(None)

    assert made.figures().seconds_left is None
    assert "left" not in made.figures().line()
    assert made.figures().line().startswith("1,000 rows, 0 rows/s · ")
    job.summary = Summary(succeeded=1)
    assert made.figures().line().startswith("1 row, ")


def test_without_a_terminal_a_line_every_ten_seconds() -> None:
    made, _, now = progress()
    for second in range(25):
        now[0] = float(second)
        made.update()
        made.update()
    made.stop()

    lines = printed(made).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("1,000 of 20,000 (5%), 0 rows/s, ")
    assert " left · 50% of the limit · " in lines[0]


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("total", [10_000_000, None])
def test_on_a_terminal_a_bar_that_fits(width: int, total: int | None) -> None:
    made, job, now = progress(total, terminal=True, width=width)
    job.summary = Summary(inputs=10**7, succeeded=9_876_543, failed=1_234, retries=999)
    now[0] = 1_000.0
    made.update()
    made.stop()

    console = Console(file=io.StringIO(), width=width)
    console.print(made.__rich__())
    file: Any = console.file
    lines = file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    assert lines[0].startswith("update tickets ")
    assert ("━" in lines[0]) == (total is not None)
    assert "1,234 failed · 999 retried" in " ".join(lines[1:])
    assert "9,877,777" in printed(made)
    made.stop()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "under 0.1 s"),
        (0.05, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "0:10"),
        (83.4, "1:23"),
        (3599.6, "1:00:00"),
        (360_000, "100:00:00"),
    ],
)
def test_a_time_is_written_as_it_is_read(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_one_is_not_many() -> None:
    assert [count_of(n, "row") for n in (0, 1, 1_000)] == [
        "0 rows",
        "1 row",
        "1,000 rows",
    ]


def test_what_may_have_been_written_is_not_called_failed() -> None:
    made, job, _ = progress()
    job.summary = Summary(
        inputs=2_000, succeeded=1_590, failed=9, unknown=300, not_sent=101
    )

    words = made.figures().line()

    assert " · 9 failed · 300 unknown · 101 not sent · 0 retried" in words


@pytest.mark.parametrize(
    ("done", "total", "rate", "left", "line"),
    [
        (
            95_201,
            200_000,
            1583.2,
            66.0,
            "95,201 of 200,000 (47%), 1,583 rows/s, 1:06 left",
        ),
        (
            199_999,
            200_000,
            1583.2,
            0.1,
            "199,999 of 200,000 (99%), 1,583 rows/s, 0.1 s left",
        ),
        (200_000, 200_000, 1583.2, 0.0, "200,000 of 200,000 (100%), 1,583 rows/s"),
        (0, 0, None, None, "0 of 0 (0%)"),
        (12, None, 4.0, None, "12 rows, 4 rows/s"),
        (12, 10, None, 0.0, "12 of 10 (100%)"),
    ],
)
def test_how_far_a_job_is(
    done: int, total: int | None, rate: float | None, left: float | None, line: str
) -> None:
    assert progress_of(done, total, rate, left) == line


def test_while_hubspot_is_down_no_time_is_promised() -> None:
    made, job, _ = progress(outage=lambda: "HubSpot is down")
    job.summary = Summary(inputs=2_000, succeeded=2_000)
    made.update()
    line = made.figures().line(down=made.outage())
    assert line == "2,000 of 20,000 (10%) · HubSpot is down · 0 failed · 0 retried"


class Screen:
    """A terminal that wraps its lines again when its width changes."""

    def __init__(self) -> None:
        self.rows: list[str] = [""]

    def write(self, text: str) -> None:
        for part in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|[^\x1b]", text):
            match part[-1] if part.startswith("\x1b") else part:
                case "\n":
                    self.rows.append("")
                case "\r":
                    self.returned = True
                case "A":
                    self.rows.pop()
                case "K":
                    self.rows[-1] = ""
                case _ if not part.startswith("\x1b"):
                    self.rows[-1] += part
                case _:
                    pass

    def narrow(self, width: int) -> None:
        """Wrap the lines at a smaller width."""
        self.rows = [
            row[at : at + width]
            for row in self.rows
            for at in range(0, max(len(row), 1), width)
        ]


@pytest.mark.parametrize("width", [79, 60, 40, 20])
def test_a_terminal_that_becomes_narrower_keeps_no_stale_lines(width: int) -> None:
    made, job, now = progress(terminal=True)
    screen, file = Screen(), made.console.file
    assert isinstance(file, io.StringIO)

    def show() -> None:
        screen.write(file.getvalue())
        file.seek(0)
        file.truncate()

    job.summary = Summary(inputs=12_000, succeeded=11_000, failed=1_000, retries=99)
    made.console.print("a line before")
    made.update()
    show()
    screen.narrow(width)
    made.console.width = width
    now[0] = 3.0
    made.update()
    show()
    rows = [row.rstrip() for row in screen.rows]
    assert rows[0] == "a line before"
    assert sum("update tickets" in row for row in rows) == 1
    assert " ".join(rows).count("rows/s") == 1
    made.stop()
    show()
    assert [row for row in screen.rows if row.strip()] == ["a line before"]

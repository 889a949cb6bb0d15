"""Prints the progress of a job: a bar on a terminal, else a line every ten seconds."""

import time

from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segment
from rich.table import Table
from rich.text import Text

from hubbatch import ChunkAnswered, Event, HubBatch, Summary
from hubbatch._escapes import visible
from hubbatch.jobs import Export, Job
from hubbatch_entry.streams import Stream


# Seconds between two lines when there is no bar.
LINE_INTERVAL = 10.0
# Below this many seconds, tenths are printed.
_TENTHS_UNTIL = 9.95
# A shorter time would be printed as 0.0 s.
_SHORTEST = 0.05
# How many answers the latency is averaged over.
_AVERAGED = 20


@define
class Figures:
    """The progress of a job at one moment.

    Attributes:
        done: rows that have an outcome.
        total: all rows; None if unknown.
        rate: rows per second of this run.
        used: requests in the last window of the rate limit.
        allowed: the maximum number of requests in a window.
        seconds_left: seconds until the end, at the rate limit and the latency so far;
            None if unknown.
    """

    done: int
    total: int | None
    rate: float
    used: int
    allowed: int
    failed: int
    unknown: int
    not_sent: int
    retries: int
    seconds_left: float | None

    def line(self, *, down: str | None = None) -> str:
        """Return all of it: `950 of 2,000 (47%), 95 rows/s, 0:11 left · 0 failed ...`.

        `down` says that HubSpot is down, in place of the time that is left.
        """
        parts = [
            progress_of(
                self.done,
                self.total,
                None if down else self.rate,
                None if down else self.seconds_left,
            ),
            down or f"{self.share}% of the limit",
            f"{self.failed:,} failed",
        ]
        if self.unknown:
            parts.append(f"{self.unknown:,} unknown")
        if self.not_sent:
            parts.append(f"{self.not_sent:,} not sent")
        parts.append(f"{self.retries:,} retried")
        return " · ".join(parts)

    @property
    def share(self) -> int:
        """The share of the rate limit that is used, in percent."""
        return round(100 * self.used / max(self.allowed, 1))


@define
class Latency:
    """Averages how long HubSpot takes to answer, over the latest requests.

    Attributes:
        seconds: the average; 0 before the first answer.
    """

    seconds: float = 0.0
    _answers: int = field(default=0, init=False)

    def listen(self, event: Event) -> None:
        """Take an event of the client into account."""
        if isinstance(event, ChunkAnswered):
            self._answers = min(self._answers + 1, _AVERAGED)
            self.seconds += (event.seconds - self.seconds) / self._answers


@define
class Progress:
    """Prints the progress of a job.

    Args:
        console: where to print.
        hub: the client, for its rate limit.
        title: the job in a few words.
        total: the number of rows; None if unknown.
        latency: how long HubSpot takes to answer.
        max_in_flight: the maximum number of requests in flight.
        outage: returns a few words while HubSpot is down, and None while it is up.
        clock: returns monotonic seconds.
    """

    console: Console
    hub: HubBatch
    title: str
    total: int | None
    latency: Latency
    max_in_flight: int
    outage: Callable[[], str | None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    _job: Job | Export | None = field(default=None, init=False)
    _first: Summary = field(factory=Summary, init=False)
    _started: float = field(default=0.0, init=False)
    _printed: float = field(default=0.0, init=False)
    _live: Live | None = field(default=None, init=False)
    # The width of the terminal, and of each line on it, when the bar was drawn last.
    _width: int = field(default=0, init=False)
    _widths: list[int] = field(factory=list, init=False)

    def start(self, job: Job | Export) -> None:
        """Start printing the progress of a job."""
        self._job, self._first = job, job.summary
        self._started = self._printed = self.clock()
        if self.console.is_terminal:
            # `update` draws it: the counts belong to the thread of the event loop.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()

    def update(self) -> None:
        """Print the progress if it is due and can be printed without blocking."""
        file = self.console.file
        if isinstance(file, Stream) and not file.has_room():
            # Ctrl-S or a pager may block output: requests must not wait for it.
            return
        if self._live is not None:
            self._erase_wrapped()
            self._live.update(self, refresh=True)
            self._width = self.console.width
            lines = self.console.render_lines(self, pad=False)
            self._widths = [Segment.get_line_length(line) for line in lines]
        elif self.clock() - self._printed >= LINE_INTERVAL:
            self._printed += LINE_INTERVAL
            self.console.print(self._line(), highlight=False, soft_wrap=True)

    def _line(self) -> str:
        return self.figures().line(down=self.outage())

    def _erase_wrapped(self) -> None:
        """Erase the rows that the bar takes in addition, if the terminal is narrower.

        A terminal wraps its lines again when its width changes. `Live` then knows of
        fewer rows than there are.
        """
        width = max(self.console.width, 1)
        if width < self._width:
            more = sum(max(-(-one // width), 1) - 1 for one in self._widths)
            erase = (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)
            self.console.control(Control(*erase * more))

    def stop(self) -> None:
        """Remove the bar."""
        if self._live is not None:
            self._erase_wrapped()
            self._live.stop()
            self._live = None

    def figures(self) -> Figures:
        """Return the progress now."""
        assert self._job is not None  # noqa: S101 -- `start` was called
        summary, limits = self._job.summary, self.hub.limits
        limits = limits.families.get(self._job.family, limits)
        seconds = max(self.clock() - self._started, 0.001)
        done = summary.settled - self._first.settled
        seconds_left = None
        if self.total is not None:
            # With the requests per row of this run so far. Either the rate limit
            # decides when the next one leaves, or the number in flight does.
            per_row = 1 / self._job.rows_per_request
            requests = summary.requests - self._first.requests
            if done > 0:
                per_row = max(per_row, requests / done)
            ahead = max(self.total - summary.settled, 0) * per_row
            gap = max(
                limits.interval / max(limits.max_requests, 1),
                self.latency.seconds / self.max_in_flight,
            )
            seconds_left = ahead * gap
        return Figures(
            done=summary.settled,
            total=self.total,
            rate=done / seconds,
            used=limits.used,
            allowed=limits.max_requests,
            failed=summary.failed,
            unknown=summary.unknown,
            not_sent=summary.not_sent,
            retries=summary.retries,
            seconds_left=seconds_left,
        )

    def __rich__(self) -> RenderableType:
        """Return the bar, with the figures below it."""
        figures = self.figures()
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_column(ratio=1)
        bar: RenderableType = Text("")
        if figures.total is not None:
            bar = ProgressBar(total=max(figures.total, 1), completed=figures.done)
        line.add_row(Text(visible(self.title), "bold"), bar)
        return Group(line, Text(self._line(), "dim"))


def duration(seconds: float) -> str:
    """Return a duration as a string: 1.2 s; from ten seconds on 0:12, 1:23, 2:03:04."""
    if seconds < _SHORTEST:
        return "under 0.1 s"
    if seconds < _TENTHS_UNTIL:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count_of(count: int, word: str) -> str:
    """Return a number and its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def progress_of(
    done: int, total: int | None, rate: float | None, seconds_left: float | None
) -> str:
    """Return how far a job is: `95,201 of 200,000 (48%), 1,583 rows/s, 1:06 left`.

    What is unknown is left out. 100% means that no row is left.
    """
    if total is None:
        parts = [count_of(done, "row")]
    else:
        share = min(100 * done // max(total, 1), 100)
        parts = [f"{done:,} of {total:,} ({share}%)"]
    if rate is not None:
        parts.append(f"{rate:,.0f} rows/s")
    if seconds_left is not None and (total is None or done < total):
        parts.append(f"{duration(seconds_left)} left")
    return ", ".join(parts)


def table_of(rows: Iterable[tuple[str, Any]]) -> Table:
    """Return a table of names and values, without rules."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(visible(name)), Text(visible(str(value))))
    return table

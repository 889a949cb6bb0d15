"""How far a job is: a bar on a terminal, elsewhere a line each ten seconds."""

import time

from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hubbatch import HubBatch, Summary
from hubbatch.core.visible import visible
from hubbatch.jobs import Export, Job

from .streams import Stream


# Seconds between two plain lines.
EVERY = 10.0
# Below so many seconds a tenth of one is worth saying.
_SHORT = 9.95
# Below this it would be none at all.
_TENTH = 0.05


@define
class Figures:
    """What there is to say of a job at a moment.

    Attributes:
        done: rows that have their outcome.
        total: rows there are, where that is known.
        rate: rows a second of this run.
        used: requests in the last window.
        allowed: requests that a window may have.
        failed: rows that were refused.
        unknown: rows that may have been written.
        not_sent: rows that were not sent, although tried.
        again: requests that repeated another.
        left: seconds to go at the rate limit, where that can be told.
    """

    done: int
    total: int | None
    rate: float
    used: int
    allowed: int
    failed: int
    unknown: int
    not_sent: int
    again: int
    left: float | None

    def words(self) -> str:
        """Say all but how many rows there are."""
        share = round(100 * self.used / max(self.allowed, 1))
        parts = [
            f"{self.rate:,.0f} rows/s",
            f"{share}% of the limit",
            f"{self.failed:,} failed",
        ]
        if self.unknown:
            parts.append(f"{self.unknown:,} unknown")
        if self.not_sent:
            parts.append(f"{self.not_sent:,} not sent")
        parts.append(f"{self.again:,} retried")
        if self.left is not None:
            parts.append(f"{clock(self.left)} left")
        return " · ".join(parts)

    def rows(self) -> str:
        """Say how many rows are done."""
        if self.total is None:
            return many(self.done, "row")
        return f"{self.done:,} of {self.total:,} rows"


@define
class Progress:
    """Looks at a job and says how far it is.

    Args:
        console: where.
        hub: whose limit is used.
        title: what is being done.
        total: how many rows there are, where that is known.
    """

    console: Console
    hub: HubBatch
    title: str
    total: int | None
    clock: Callable[[], float] = time.monotonic
    _job: Job | Export | None = field(default=None, init=False)
    _first: Summary = field(factory=Summary, init=False)
    _began: float = field(default=0.0, init=False)
    _said: float = field(default=0.0, init=False)
    _live: Live | None = field(default=None, init=False)

    def begin(self, job: Job | Export) -> None:
        """Begin to show a job."""
        self._job, self._first = job, job.summary
        self._began = self._said = self.clock()
        if self.console.is_terminal:
            # Drawn by `look`, in the loop that the figures belong to.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()

    def look(self) -> None:
        """Say how far it is, if it is time to."""
        file = self.console.file
        if isinstance(file, Stream) and not file.has_room():
            # Ctrl-S, or a pager that is not scrolled: requests must not wait for it.
            return
        if self._live is not None:
            self._live.update(self, refresh=True)
        elif self.clock() - self._said >= EVERY:
            self._said += EVERY
            figures = self.figures()
            self.console.print(
                f"{figures.rows()} · {figures.words()}",
                highlight=False,
                soft_wrap=True,
            )

    def end(self) -> None:
        """Show it no more."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def figures(self) -> Figures:
        """Tell how far it is now."""
        assert self._job is not None  # noqa: S101 -- it has begun
        summary, limits = self._job.summary, self.hub.limits
        seconds = max(self.clock() - self._began, 0.001)
        done = summary.settled - self._first.settled
        left = None
        if self.total is not None:
            # From the limit, with as many requests a row as it took until now.
            per_row = 1 / self._job.operation.max_inputs
            requests = summary.requests - self._first.requests
            if done > 0:
                per_row = max(per_row, requests / done)
            ahead = max(self.total - summary.settled, 0) * per_row
            left = ahead * limits.interval / max(limits.max_requests, 1)
        return Figures(
            done=summary.settled,
            total=self.total,
            rate=done / seconds,
            used=limits.used,
            allowed=limits.max_requests,
            failed=summary.failed,
            unknown=summary.unknown,
            not_sent=summary.not_sent,
            again=summary.retries,
            left=left,
        )

    def __rich__(self) -> RenderableType:
        """Draw the bar, and the figures under it."""
        figures = self.figures()
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar: RenderableType = Text("")
        if figures.total is not None:
            bar = ProgressBar(total=max(figures.total, 1), completed=figures.done)
        line.add_row(Text(visible(self.title), "bold"), bar, Text(figures.rows()))
        return Group(line, Text(figures.words(), "dim"))


def clock(seconds: float) -> str:
    """Write a time: 1.2 s, and from ten seconds on as a clock does, 1:23, 2:03:04."""
    if seconds < _TENTH:
        return "under 0.1 s"
    if seconds < _SHORT:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def many(count: int, word: str) -> str:
    """Write a number of things."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def aligned(rows: Iterable[tuple[str, Any]]) -> Table:
    """Lay out names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(visible(name)), Text(visible(str(value))))
    return table

"""How a job ended: the last lines, and the exit status."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from enum import IntEnum
from shlex import quote
from typing import Any

from attrs import asdict, frozen

from hubbatch import DailyLimitReached
from hubbatch.jobs import JobReport
from hubbatch.jobs.journal import describe_loss

from .orders import Order
from .progress import clock, many


# So many reasons are named.
_REASONS = 5


class Status(IntEnum):
    """The exit statuses; 128 and the number of a signal are the others."""

    ALL_SUCCEEDED = 0
    SOME_DID_NOT = 1
    BAD_USAGE = 2
    ENDED_EARLY = 3


@frozen
class Ending:
    """The end of a job.

    Attributes:
        order: what was asked for.
        report: what became of it; None if it was stopped at once.
        number: the signal that stopped it, if one did.
    """

    order: Order
    report: JobReport | None
    number: int | None

    @property
    def status(self) -> int:
        """The exit status."""
        report = self.report
        if report is None or report.ended == "stopped":
            return 128 + (self.number or 0)
        if report.ended != "finished":
            return Status.ENDED_EARLY
        if report.succeeded < report.inputs:
            return Status.SOME_DID_NOT
        return Status.ALL_SUCCEEDED

    def lines(self, reasons: Counter[str]) -> Iterator[str]:
        """Say what became of the rows, why, and how to go on."""
        report = self.report
        if report is None:
            yield f"Stopped at once. {self._further()}"
            return
        if report.already_finished:
            journal = self.order.options["journal"]
            yield f"{journal}: finished before; nothing was sent."
        elif report.ended == "stopped":
            yield "Stopped."
        elif report.error is not None:
            yield f"Ended early: {' '.join(str(report.error).split())}"
        yield count_words(asdict(report, recurse=False))
        if report.unwritten:
            yield f"{describe_loss(report.unwritten, self.order.options['journal'])}."
        if reasons and report.resumed:
            yield "In this run:"  # the counts above are of all runs
        for reason, count in reasons.most_common(_REASONS):
            yield f"  {count:,} x {reason}"
        if report.ended == "finished":
            yield from self._failures(report)
        else:
            yield self._further()
            if self.order.options["journal"] is None and self.order.options["failures"]:
                yield from self._failures(report)

    def _failures(self, report: JobReport) -> Iterator[str]:
        if report.succeeded == report.inputs:
            return
        failures = self.order.options["failures"]
        if failures is None:
            yield "Which ones, --failures PATH writes down."
            return
        again = f"hubbatch replay {quote(str(failures))}"
        why = ""
        if report.unknown and self.order.creates:
            again += (
                f" --reconcile-by {self.order.options.get('reconcile_by') or 'NAME'}"
            )
            why = ", and looks for what may be there already"
        yield f"{failures} has what did not succeed; `{again}` sends it again{why}."

    def _further(self) -> str:
        """Say how to go on."""
        if self.order.options["journal"] is not None:
            return f"The same command goes on from here{self._from_when()}."
        read = 0 if self.report is None else self.report.inputs
        total = self.order.total
        said = "It kept no journal, so the same command would begin again."
        if self.report is not None and total is not None and total > read:
            said += f" {many(total - read, 'row')} not read."
        return said

    def _from_when(self) -> str:
        """Say from when on it does, where it would end again until then."""
        error = None if self.report is None else self.report.error
        if not isinstance(error, DailyLimitReached) or error.resets_at is None:
            return ""
        when = error.resets_at.astimezone(UTC)
        return f" after {when:%Y-%m-%d %H:%M} UTC; with --wait it waits until then"


def count_words(counts: Mapping[str, Any]) -> str:
    """Say how many rows there were, what became of them, and what it took."""
    parts = [f"{counts['succeeded']:,} succeeded"]
    parts += [
        f"{counts[name]:,} {name.replace('_', ' ')}"
        for name in ("failed", "unknown", "not_sent")
        if counts[name]
    ]
    warned = ""
    if counts.get("warnings"):
        warned = f" {many(counts['warnings'], 'warning')} from HubSpot."
    return (
        f"{many(counts['inputs'], 'row')}: {', '.join(parts)}.{warned} "
        f"{many(counts['requests'], 'request')}, {counts['retries']:,} of them "
        f"retries, in {clock(counts['seconds'])}."
    )

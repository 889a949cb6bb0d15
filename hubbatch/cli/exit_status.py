"""The result of a job: its last lines of output, and its exit status."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from enum import IntEnum
from shlex import quote
from typing import Any

from attrs import asdict, frozen

from hubbatch import DailyLimitReached
from hubbatch.jobs import JobReport
from hubbatch.jobs.journal.journal import describe_loss

from .job_spec import JobSpec
from .progress import count_of, duration


# The number of reasons that are printed.
_REASONS = 5


class ExitStatus(IntEnum):
    """The exit statuses; a signal adds 128 to its number."""

    ALL_SUCCEEDED = 0
    SOME_DID_NOT = 1
    BAD_USAGE = 2
    ENDED_EARLY = 3


@frozen
class Ending:
    """How a job ended.

    Attributes:
        report: its report; None if it was stopped at once.
        signal: the number of the signal that stopped it, if one did.
    """

    spec: JobSpec
    report: JobReport | None
    signal: int | None

    @property
    def status(self) -> int:
        """The exit status."""
        report = self.report
        if report is None or report.ended == "stopped":
            return 128 + (self.signal or 0)
        if report.ended != "finished":
            return ExitStatus.ENDED_EARLY
        if report.succeeded < report.inputs:
            return ExitStatus.SOME_DID_NOT
        return ExitStatus.ALL_SUCCEEDED

    def lines(self, reasons: Counter[str]) -> Iterator[str]:
        """Return a summary: the rows' outcomes, the reasons, and the next step."""
        report = self.report
        if report is None:
            yield f"Stopped at once. {self._how_to_resume()}"
            return
        if report.already_finished:
            journal = self.spec.options["journal"]
            yield f"{journal}: the job was finished already; nothing was sent."
        elif report.ended == "stopped":
            yield "Stopped."
        elif report.error is not None:
            yield f"Ended early: {' '.join(str(report.error).split())}"
        yield outcome_counts(asdict(report, recurse=False)) + self._unreached(report)
        if report.unwritten:
            yield f"{describe_loss(report.unwritten, self.spec.options['journal'])}."
        if reasons and report.resumed:
            yield "In this run:"  # the counts above are those of all runs
        for reason, count in reasons.most_common(_REASONS):
            yield f"  {count:,} x {reason}"
        if report.ended == "finished":
            yield from self._how_to_replay(report)
        else:
            yield self._how_to_resume()
            if self.spec.options["journal"] is None and self.spec.options["failures"]:
                yield from self._how_to_replay(report)

    def _how_to_replay(self, report: JobReport) -> Iterator[str]:
        if report.succeeded == report.inputs:
            return
        failures = self.spec.options["failures"]
        if failures is None:
            yield "Add --failures FILE to list them."
            return
        if (
            "confirm" in self.spec.options
        ):  # `replay` does not send what is irreversible
            yield f"{failures} has the rows that did not succeed."
            return
        command = f"hubbatch replay {quote(str(failures))}"
        lookup = ""
        if report.unknown and self.spec.creates:
            command += (
                f" --reconcile-by {self.spec.options.get('reconcile_by') or 'NAME'}"
            )
            lookup = ", after looking up those that may exist"
        yield (
            f"{failures} has the rows that did not succeed; `{command}` sends them "
            f"again{lookup}."
        )

    def _unreached(self, report: JobReport) -> str:
        left = (self.spec.total or 0) - report.inputs
        if left <= 0 or report.ended == "finished":
            return ""
        verb = "was" if left == 1 else "were"
        return f" The last {count_of(left, 'row')} of the source {verb} never reached."

    def _how_to_resume(self) -> str:
        if self.spec.options["journal"] is not None:
            return f"Run the same command to resume{self._when_to_resume()}."
        return "There is no journal, so the same command would start over."

    def _when_to_resume(self) -> str:
        # Until the daily limit is reset, the job would only end again.
        error = None if self.report is None else self.report.error
        if not isinstance(error, DailyLimitReached) or error.resets_at is None:
            return ""
        when = error.resets_at.astimezone(UTC)
        return f" after {when:%Y-%m-%d %H:%M} UTC, or add --wait to wait until then"


def outcome_counts(counts: Mapping[str, Any]) -> str:
    """Return the counts of a job as a sentence: rows by outcome, requests, time."""
    parts = [f"{counts['succeeded']:,} succeeded"]
    parts += [
        f"{counts[name]:,} {name.replace('_', ' ')}"
        for name in ("failed", "unknown", "not_sent")
        if counts[name]
    ]
    warnings = ""
    if counts.get("warnings"):
        warnings = f" {count_of(counts['warnings'], 'warning')} from HubSpot."
    return (
        f"{count_of(counts['inputs'], 'row')}: {', '.join(parts)}.{warnings} "
        f"{count_of(counts['requests'], 'request')}, {counts['retries']:,} of them "
        f"retries, in {duration(counts['seconds'])}."
    )

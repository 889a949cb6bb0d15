"""Measurements of a run for its report: response times, and reasons for failures.

They contain no property values and no messages from HubSpot, which quote values.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import floor, log2
from typing import Any

from attrs import define, field, frozen

from hubbatch._outcomes.outcome import Outcome, OutcomeStatus
from hubbatch.jobs.sources.row_source import Row


# Used as a status: HubSpot's warnings are about rows that succeeded.
WARNING = "warning"
# The number of example rows of one reason in one run.
EXAMPLES = 5
# Histogram steps are powers of the fourth root of two: 19 % wide.
STEPS_AN_OCTAVE = 4


@frozen
class Reason:
    """A reason for failed rows. A field is empty if HubSpot did not specify it.

    Attributes:
        status: The status of their outcomes; `WARNING` for a warning from HubSpot.
        category: HubSpot's category, or hubbatch's.
        code: HubSpot's code for the problem with a property.
        property_name: That property.
    """

    status: str
    category: str = ""
    code: str = ""
    property_name: str = ""


@frozen
class Example:
    """One row that did not succeed.

    Attributes:
        place: Its index.
        line: The line of the file on which it begins, if any.
        correlation_id: HubSpot's id of the request, for its support.
    """

    place: int
    line: int | None
    correlation_id: str | None


@define
class Measured:
    """The measurements since the last write.

    Attributes:
        allowed: Rows per second that the rate limit allows now.
        answers: The number of answers by histogram step (see `octave`).
        reasons: The number of rows by reason.
        examples: Some of those rows.
    """

    allowed: float = 0.0
    answers: Counter[int] = field(factory=Counter)
    reasons: Counter[Reason] = field(factory=Counter)
    examples: list[tuple[Reason, Example]] = field(factory=list)

    def then(self, later: "Measured") -> "Measured":
        """Return these measurements merged with later ones."""
        return Measured(
            later.allowed,
            self.answers + later.answers,
            self.reasons + later.reasons,
            self.examples + later.examples,
        )


@define
class Measures:
    """Measures one run.

    A request is identified by the index of its first input.

    Attributes:
        clock: Returns monotonic seconds.
        allowed: Returns the rows per second that the rate limit allows.
    """

    clock: Callable[[], float] = lambda: 0.0
    allowed: Callable[[], float] = lambda: 0.0
    _measured: Measured = field(factory=Measured, init=False)
    _sent_at: dict[int, float] = field(factory=dict, init=False)
    _example_counts: Counter[Reason] = field(factory=Counter, init=False)

    def sent(self, index: int) -> None:
        """Note that a request is being sent."""
        self._sent_at[index] = self.clock()

    def answered(self, index: int) -> None:
        """Note that a request was answered."""
        sent_at = self._sent_at.pop(index, None)
        if sent_at is not None:
            self._measured.answers[octave(self.clock() - sent_at)] += 1

    def forget(self, index: int) -> None:
        """Forget a request that will not be answered."""
        self._sent_at.pop(index, None)

    def count_warnings(self, warnings: Iterable[Mapping[str, Any]]) -> None:
        """Count HubSpot's warnings, ignoring the values that they quote."""
        for warning in warnings:
            context = warning.get("context")
            names = context.get("propertyName") if isinstance(context, dict) else None
            name = names[0] if isinstance(names, list) and names else names
            category = warning.get("category")
            reason = Reason(
                WARNING,
                category if isinstance(category, str) else "",
                property_name=name if isinstance(name, str) else "",
            )
            self._measured.reasons[reason] += 1

    def count_outcome(self, outcome: Outcome[object], row: Row) -> None:
        """Count the final outcome of a row."""
        if outcome.status is OutcomeStatus.SUCCEEDED:
            return
        error, measured = outcome.error, self._measured
        reason = Reason(
            str(outcome.status),
            (error and error.category) or "",
            (error and error.code) or "",
            (error and error.property_name) or "",
        )
        measured.reasons[reason] += 1
        self._example_counts[reason] += 1
        if self._example_counts[reason] <= EXAMPLES:
            correlation_id = None if error is None else error.correlation_id
            example = Example(row.index, row.line, correlation_id)
            measured.examples.append((reason, example))

    def take(self) -> Measured:
        """Return the measurements since the last call, and start afresh."""
        measured, self._measured = self._measured, Measured()
        measured.allowed = self.allowed()
        return measured


def octave(seconds: float) -> int:
    """Return the histogram step of a duration: 0 at one millisecond, four per doubling.

    `from_octave` returns where a step begins.
    """
    return floor(STEPS_AN_OCTAVE * log2(max(seconds, 0.001) * 1000))


def from_octave(step: int) -> float:
    """Return the seconds at which a step begins."""
    return float(2 ** (step / STEPS_AN_OCTAVE) / 1000)

"""What a run measures on its way, for the report: answers, waits, and reasons.

No value of a property and no sentence of HubSpot's is in it: those quote values.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import floor, log2
from typing import Any

from attrs import define, field, frozen

from hubbatch.core.outcomes import Outcome, OutcomeStatus

from .rows import Row


# In the place of a status: HubSpot's warnings are of rows that succeeded.
WARNING = "warning"
# So many rows are named as examples of one reason, in one run.
EXAMPLES = 5
# Answers are counted by powers of the fourth root of two: 19 % wide.
STEPS_AN_OCTAVE = 4


@frozen
class Reason:
    """Why rows did not succeed; what HubSpot did not say is empty.

    Attributes:
        status: that of their outcomes; `WARNING` for what HubSpot warns of.
        category: HubSpot's word, or ours.
        code: HubSpot's code of what is wrong with a property.
        property_name: that property.
    """

    status: str
    category: str = ""
    code: str = ""
    property_name: str = ""


@frozen
class Example:
    """One row of a reason.

    Attributes:
        place: its index.
        line: the line of the file on which it begins, if it has one.
        correlation_id: by which HubSpot's support finds the request.
    """

    place: int
    line: int | None
    correlation_id: str | None


@define
class Measured:
    """What was measured since it was written last.

    Attributes:
        allowed: rows a second that the rate limit allows now.
        answers: how many answers took how long, by `octave`.
        reasons: how many rows did not succeed, by why.
        examples: some of these rows.
    """

    allowed: float = 0.0
    answers: Counter[int] = field(factory=Counter)
    reasons: Counter[Reason] = field(factory=Counter)
    examples: list[tuple[Reason, Example]] = field(factory=list)

    def then(self, later: "Measured") -> "Measured":
        """Return this together with what was measured after it."""
        return Measured(
            later.allowed,
            self.answers + later.answers,
            self.reasons + later.reasons,
            self.examples + later.examples,
        )


@define
class Measures:
    """Measures one run.

    Attributes:
        clock: seconds that only grow.
        allowed: gives the rows a second that the rate limit allows.
    """

    clock: Callable[[], float] = lambda: 0.0
    allowed: Callable[[], float] = lambda: 0.0
    _measured: Measured = field(factory=Measured, init=False)
    _left: dict[int, float] = field(factory=dict, init=False)
    _shown: Counter[Reason] = field(factory=Counter, init=False)

    def left(self, index: int) -> None:
        """Note that a request leaves; it is known by the index of its first input."""
        self._left[index] = self.clock()

    def answered(self, index: int) -> None:
        """Note that it was answered."""
        left = self._left.pop(index, None)
        if left is not None:
            self._measured.answers[octave(self.clock() - left)] += 1

    def lost(self, index: int) -> None:
        """Forget a request that came to nothing."""
        self._left.pop(index, None)

    def warned(self, warnings: Iterable[Mapping[str, Any]]) -> None:
        """Count HubSpot's warnings, without the values that they quote."""
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

    def final(self, outcome: Outcome[object], row: Row) -> None:
        """Note the outcome of a row that is final."""
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
        self._shown[reason] += 1
        if self._shown[reason] <= EXAMPLES:
            correlation_id = None if error is None else error.correlation_id
            example = Example(row.index, row.line, correlation_id)
            measured.examples.append((reason, example))

    def take(self) -> Measured:
        """Give what was measured since this was asked last."""
        measured, self._measured = self._measured, Measured()
        measured.allowed = self.allowed()
        return measured


def octave(seconds: float) -> int:
    """Sort a time in: 0 for a millisecond, and four steps for every doubling.

    `from_octave` gives the least time of a step.
    """
    return floor(STEPS_AN_OCTAVE * log2(max(seconds, 0.001) * 1000))


def from_octave(step: int) -> float:
    """Give the least seconds of a step."""
    return float(2 ** (step / STEPS_AN_OCTAVE) / 1000)

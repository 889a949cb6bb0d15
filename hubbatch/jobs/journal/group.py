"""The data that a journal writes in one transaction."""

from collections import Counter

from attrs import define, field

from .measurements import Measured
from .row_states import Notes
from .states import RowState


@define
class Group:
    """The data to write in one transaction.

    Attributes:
        notes: New states of rows, in order.
        requests: The number of requests that left since the last group, or leave as
            soon as this one is on disk.
        lines: Lines to append to the output files, by role.
        line_counts: The number of those lines, by role.
        inputs: The number of rows read.
        progress: Requests, retries, 429 answers and seconds of this run.
        measured: The other measurements.
        cursor: The cursor of an export's next page, if it has changed.
        refused: The lines that could not be appended to an output file. The journal
            keeps them until they can.
    """

    notes: list[Notes] = field(factory=list)
    requests: int = 0
    lines: dict[str, list[bytes]] = field(factory=dict)
    line_counts: Counter[str] = field(factory=Counter)
    inputs: int = 0
    progress: tuple[int, int, int, float] = (0, 0, 0, 0.0)
    measured: Measured = field(factory=Measured)
    cursor: str | None = None
    refused: dict[str, list[bytes]] = field(factory=dict)

    def counts(self) -> Counter[RowState]:
        """Return how many rows each state was noted for.

        No row is noted twice with a final state.
        """
        counts: Counter[RowState] = Counter()
        for notes in self.notes:
            counts[notes.state] += len(notes.places)
        return counts

    @property
    def answered(self) -> int:
        """The number of rows that HubSpot has answered."""
        counts = self.counts()
        return counts[RowState.SUCCEEDED] + counts[RowState.FAILED]

    def then(self, later: "Group") -> "Group":
        """Return this group merged with a later one."""
        lines = {name: [*more] for name, more in self.lines.items()}
        for name, more in later.lines.items():
            lines.setdefault(name, []).extend(more)
        return Group(
            self.notes + later.notes,
            self.requests + later.requests,
            lines,
            self.line_counts + later.line_counts,
            max(self.inputs, later.inputs),
            later.progress,
            self.measured.then(later.measured),
            self.cursor if later.cursor is None else later.cursor,
        )

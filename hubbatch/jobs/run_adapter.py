"""Between a run of the engine and the journal: rows in, outcomes out.

Success and refusal are final at once. That an input may have been written, or was not
sent, is final only when the job is over: until then another run may find out, or send
it. Those are held back, unless a later row for the same record overtakes them: then
sending them again would undo what that row wrote.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from attrs import define, evolve, field

from hubbatch.core.encoding import encoder
from hubbatch.core.operations import Operation, Repeats
from hubbatch.core.outcomes import Outcome, OutcomeStatus, all_succeeded
from hubbatch.core.planning import Chunk
from hubbatch.core.settling import Settlement

from .journal import Journal
from .rows import Row, digest
from .states import FINAL, RowState


# So many outcomes are held back; beyond that the oldest become final.
MOST_HELD = 10_000


@define(eq=False)
class Tally:
    """The outcomes of a job, over all its passages and what earlier runs have settled.

    Attributes:
        journal: where they are written.
        operation: the call.
        counts: how many rows ended how, so far.
        inputs: how many rows are known.
        given_up: how many of them have another final outcome than success.
    """

    journal: Journal
    operation: Operation
    counts: Counter[OutcomeStatus] = field(factory=Counter)
    inputs: int = 0
    given_up: int = 0
    _held: dict[int, tuple[Outcome[Any], Row, str | None]] = field(
        factory=dict, init=False
    )
    _keys: dict[str, list[int]] = field(factory=dict, init=False)

    @property
    def pending(self) -> int:
        """How many rows that were read have no final outcome."""
        return self.inputs - self.counts[OutcomeStatus.SUCCEEDED] - self.given_up

    def read(self, row: Row) -> None:
        """Note that a row came from the source."""
        if row.index >= self.inputs:
            self.inputs = row.index + 1
            self.journal.read(self.inputs)

    def final(self, outcome: Outcome[Any], row: Row, key: int | None = None) -> None:
        """Write down the outcome of a row, for good."""
        self.given_up += outcome.status is not OutcomeStatus.SUCCEEDED
        self.journal.measures.final(outcome, row)
        self.journal.note(row.index, FINAL[outcome.status], key)
        for output in self.journal.outputs.values():
            line = output.sink.encode(outcome, row)
            self.journal.say(output.sink.name, line)

    def leave(self, outcome: Outcome[Any], row: Row, key: int) -> None:
        """Leave a row to another run, if there may be one."""
        if self.journal.path is None:
            self.final(outcome, row)
        else:
            self._note(outcome, row, key)

    def hold(self, outcome: Outcome[Any], row: Row, key: int | None = None) -> None:
        """Hold an outcome back until the job is over."""
        self._note(outcome, row, key)
        name = self._record(row)
        if name is not None:
            self._keys.setdefault(name, []).append(row.index)
        self._held[row.index] = outcome, row, name
        if len(self._held) > MOST_HELD:
            self._let_go(next(iter(self._held)))

    def overtaken(self, names: Iterable[str | None]) -> None:
        """Make final what is held back of these records: a later row leaves now."""
        if self._keys:
            for name in names:
                for place in self._keys.get(name or "", ())[:]:
                    self._let_go(place)

    def finish(self) -> None:
        """Make all final that is held back."""
        for place in [*self._held]:
            self._let_go(place)

    def _note(self, outcome: Outcome[Any], row: Row, key: int | None) -> None:
        unknown = outcome.status is OutcomeStatus.UNKNOWN
        self.journal.note(row.index, RowState.SENT if unknown else RowState.OPEN, key)

    def _let_go(self, place: int) -> None:
        outcome, row, name = self._held.pop(place)
        if name is not None:
            self._keys[name].remove(place)
            if not self._keys[name]:
                del self._keys[name]
        self.final(outcome, row)

    def _record(self, row: Row) -> str | None:
        """Name the record whose writes must keep their order, as the engine does."""
        if self.operation.call.repeats is not Repeats.WAITS:
            return None
        return encoder(self.operation)(row.index, row.input)[0]


class RunAdapter:
    """One run of the engine: its rows, and where its outcomes go.

    It is both the run's `Emit` and its journal.

    Attributes:
        failure: what the source raised.
        ended: says whether the run has ended before its source did.
    """

    def __init__(self, tally: Tally) -> None:
        self.failure: BaseException | None = None
        self.ended: Callable[[], bool] = lambda: False
        self._tally = tally
        self._journal = tally.journal
        self._taken = 0
        self._rows: dict[int, tuple[Row, int]] = {}

    # ---- rows

    def inputs(self, rows: Iterator[Row]) -> Iterator[Any]:
        """Give the rows' inputs to the engine; it counts them as they come."""
        try:
            for row in rows:
                yield self._admit(row)
        except Exception as error:
            self.failure = error
            raise

    async def inputs_later(self, rows: AsyncIterator[Row]) -> AsyncIterator[Any]:
        """Do the same with rows that may keep us waiting."""
        try:
            async for row in rows:
                yield self._admit(row)
        except Exception as error:
            self.failure = error
            raise

    def _admit(self, row: Row) -> Any:
        self._rows[self._taken] = row, digest(row)
        self._taken += 1
        self._tally.read(row)
        return row.input

    # ---- what leaves

    async def leaving(self, chunk: Chunk) -> None:
        """Have it on the disk that these rows leave."""
        self._tally.overtaken(chunk.keys)
        self._note(chunk, RowState.SENT)
        await self._journal.safe()
        self._journal.measures.left(chunk.indices[0])

    def not_written(self, chunk: Chunk) -> None:
        """Note that what left has come to nothing."""
        self._journal.measures.lost(chunk.indices[0])
        self._note(chunk, RowState.OPEN)
        self._journal.flush()

    def _note(self, chunk: Chunk, state: RowState) -> None:
        for index, _, _ in chunk.everyone():
            row, key = self._rows[index]
            self._journal.note(row.index, state, key)

    # ---- what comes back

    def took(self, inputs: list[Any]) -> None:
        """Keep nothing: the rows are known."""

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """Note that an answer came; nothing of the envelope is kept."""
        self._journal.measures.answered(chunk.indices[0])
        self._journal.measures.warned(settlement.warnings)

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Write down a chunk's successes."""
        tally, outputs = self._tally, self._journal.outputs
        tally.counts[OutcomeStatus.SUCCEEDED] += chunk.count
        for outcome in all_succeeded(tally.operation.call, chunk, results):
            row, key = self._rows.pop(outcome.index)
            if outputs:
                outcome.index, outcome.input = row.index, row.input
                tally.final(outcome, row, key)
            else:
                self._journal.note(row.index, RowState.SUCCEEDED, key)
        self._journal.flush()

    def failed(self, outcomes: Iterable[Outcome[Any]]) -> None:
        """Write down what did not succeed, or hold it back."""
        for given in outcomes:
            row, key = self._rows.pop(given.index)
            self._journal.measures.lost(given.index)
            outcome = evolve(given, index=row.index)
            self._tally.counts[outcome.status] += 1
            if _is_final(outcome):
                self._tally.final(outcome, row, key)
            elif self.ended():  # not a word about the row itself
                self._tally.leave(outcome, row, key)
            else:
                self._tally.hold(outcome, row, key)
        self._journal.flush()


def _is_final(outcome: Outcome[Any]) -> bool:
    error = outcome.error
    # A read that HubSpot was too busy for has failed, and may succeed another time.
    return outcome.status is OutcomeStatus.FAILED and not (
        error is not None
        and error.origin == "hubbatch"
        and error.category == "UNAVAILABLE"
    )

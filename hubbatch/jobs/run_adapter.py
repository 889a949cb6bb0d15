"""Connects a run of the engine to the journal: rows go in, outcomes come out.

Successes and refusals are final immediately. The outcomes `unknown` and `not_sent`
become final only when the job has finished, because the next run may recover or send
those rows. They are held back until then, unless a later row for the same record is
sent: sending the held-back row after it would undo the later row's changes.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import define, evolve, field

from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import Outcome, OutcomeStatus, all_succeeded
from hubbatch._outcomes.queue import Chunk
from hubbatch._wire.endpoints import Operation, Repeats
from hubbatch._wire.inputs import encoder

from .journal.journal import Journal
from .journal.states import FINAL, RowState
from .sources.row_source import Row, digest


# The maximum number of outcomes held back; beyond it, the oldest become final.
MAX_HELD = 10_000


@define(eq=False)
class Tally:
    """The outcomes of a job, over all of its batches and earlier runs.

    Invariant: a row index is in `_held` if and only if its outcome is held back.
    `_keys` maps a record key to the indices in `_held` that write the record, for calls
    in which the order of a record's writes matters; no key has an empty list.

    Attributes:
        journal: The journal to record outcomes in.
        operation: The call that the job makes.
        counts: The number of rows by outcome, so far.
        inputs: The number of rows read.
        given_up: The number of rows with a final outcome other than success.
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
        """The number of rows that were read and have no final outcome."""
        return self.inputs - self.counts[OutcomeStatus.SUCCEEDED] - self.given_up

    def note_read(self, row: Row) -> None:
        """Note that a row, and all rows before it, were read from the source."""
        if row.index >= self.inputs:
            self.inputs = row.index + 1
            self.journal.note_inputs(self.inputs)

    def succeed(
        self,
        outcomes: Sequence[Outcome[Any]],
        rows: Sequence[Row],
        keys: Sequence[bytes],
    ) -> None:
        """Record the successes of rows, which are final."""
        self.counts[OutcomeStatus.SUCCEEDED] += len(rows)
        places = [row.index for row in rows]
        self.journal.note_states(places, RowState.SUCCEEDED, keys)
        for name, output in self.journal.outputs.items():
            self.journal.append_lines(name, *output.encode_successes(outcomes, rows))

    def give_up(
        self, outcome: Outcome[Any], row: Row, keys: Sequence[bytes] = ()
    ) -> None:
        """Record that a row will not succeed, as final."""
        self.given_up += 1
        self.journal.measures.count_outcome(outcome, row)
        self.journal.note_states([row.index], FINAL[outcome.status], keys)
        for name, output in self.journal.outputs.items():
            self.journal.append_lines(name, output.sink.encode(outcome, row))

    def keep_for_next_run(
        self, outcome: Outcome[Any], row: Row, keys: Sequence[bytes]
    ) -> None:
        """Leave a row to the next run; without a journal its outcome is final."""
        if self.journal.path is None:
            self.give_up(outcome, row)
        else:
            self._note(outcome, row, keys)

    def hold(self, outcome: Outcome[Any], row: Row, keys: Sequence[bytes] = ()) -> None:
        """Hold an outcome back until the job has finished."""
        self._note(outcome, row, keys)
        name = self._record(row)
        if name is not None:
            self._keys.setdefault(name, []).append(row.index)
        self._held[row.index] = outcome, row, name
        if len(self._held) > MAX_HELD:
            self._release(next(iter(self._held)))

    def release_overtaken(self, names: Iterable[str | None]) -> None:
        """Finalize held-back outcomes of records that a later row is about to write."""
        if self._keys:
            for name in names:
                for place in self._keys.get(name or "", ())[:]:
                    self._release(place)

    def finish(self) -> None:
        """Finalize every held-back outcome."""
        for place in [*self._held]:
            self._release(place)

    def _note(self, outcome: Outcome[Any], row: Row, keys: Sequence[bytes]) -> None:
        unknown = outcome.status is OutcomeStatus.UNKNOWN
        state = RowState.SENT if unknown else RowState.OPEN
        self.journal.note_states([row.index], state, keys)

    def _release(self, place: int) -> None:
        outcome, row, name = self._held.pop(place)
        if name is not None:
            self._keys[name].remove(place)
            if not self._keys[name]:
                del self._keys[name]
        self.give_up(outcome, row)

    def _record(self, row: Row) -> str | None:
        """Return the key of the record whose writes must stay in order, or None."""
        if self.operation.call.repeats is not Repeats.WAITS:
            return None
        return encoder(self.operation)(row.index, row.input)[0]


class RunAdapter:
    """One run of the engine: the source of its inputs, outcome sink and journal hook.

    Attributes:
        failure: The exception that the source raised, if any.
        ended: Returns whether the run ended before its source did.
    """

    def __init__(self, tally: Tally, *, maybe_sent: bool = False) -> None:
        self.failure: BaseException | None = None
        self.ended: Callable[[], bool] = lambda: False
        self._tally = tally
        self._journal = tally.journal
        self._maybe_sent = maybe_sent  # by an earlier run or job
        # Invariant: `_rows` has the row of each input that the engine has taken and
        # that has no outcome yet, by the engine's index. The engine numbers inputs from
        # 0; a row's own index counts from the beginning of the source.
        self._rows: dict[int, Row] = {}

    # ---- rows

    def inputs(self, rows: Iterator[Row]) -> Iterator[Any]:
        """Yield the rows' inputs to the engine, which numbers them as they arrive."""
        taken = self._rows
        try:
            for number, row in enumerate(rows):
                taken[number] = row
                yield row.input
        except Exception as error:
            self.failure = error
            raise

    async def inputs_async(self, rows: AsyncIterator[Row]) -> AsyncIterator[Any]:
        """Yield the inputs of an async iterator of rows."""
        number = 0
        try:
            async for row in rows:
                self._rows[number] = row
                number += 1
                yield row.input
        except Exception as error:
            self.failure = error
            raise

    # ---- requests

    async def leaving(self, chunk: Chunk) -> None:
        """Record on disk that these rows are SENT, before their request leaves."""
        self._tally.release_overtaken(chunk.keys)
        rows = [self._rows[index] for index in _indices(chunk)]
        places = [row.index for row in rows]
        self._journal.note_states(places, RowState.SENT, [*map(digest, rows)])
        await self._journal.wait_written()
        self._journal.measures.sent(chunk.indices[0])

    def not_written(self, chunk: Chunk) -> None:
        """Note that HubSpot has certainly not written these rows."""
        self._journal.measures.forget(chunk.indices[0])
        places = [self._rows[index].index for index in _indices(chunk)]
        self._journal.note_states(places, RowState.OPEN)
        self._journal.flush()

    # ---- answers

    def took(self, inputs: list[Any]) -> None:
        """Note that the rows of these inputs were read."""
        if inputs:
            self._tally.note_read(self._rows[next(reversed(self._rows))])

    def answered(self, chunk: Chunk, matched: MatchedAnswer) -> None:
        """Measure an answer and count its warnings."""
        self._journal.measures.answered(chunk.indices[0])
        self._journal.measures.count_warnings(matched.warnings)

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Record the successes of a chunk."""
        outcomes = all_succeeded(self._tally.operation.call, chunk, results)
        rows = [self._rows.pop(outcome.index) for outcome in outcomes]
        for outcome, row in zip(outcomes, rows, strict=True):
            outcome.index = row.index
        # A row that was only looked up is new to the journal.
        keys = [*map(digest, rows)] if self._maybe_sent else ()
        self._tally.succeed(outcomes, rows, keys)
        self._journal.flush()

    def failed(self, outcomes: Iterable[Outcome[Any]]) -> None:
        """Record the outcomes that did not succeed, or hold them back."""
        for numbered in outcomes:
            row = self._rows.pop(numbered.index)
            keys = (digest(row),)
            self._tally.note_read(row)  # it may not have been taken
            self._journal.measures.forget(numbered.index)
            outcome = evolve(numbered, index=row.index)
            self._tally.counts[outcome.status] += 1
            if _is_final(outcome):
                self._tally.give_up(outcome, row, keys)
            elif self.ended():  # the outcome says nothing about the row itself
                self._tally.keep_for_next_run(outcome, row, keys)
            else:
                self._tally.hold(outcome, row, keys)
        self._journal.flush()


def _indices(chunk: Chunk) -> list[int]:
    """Return the indices of a chunk's inputs, duplicates included."""
    if not chunk.duplicates:
        return chunk.indices
    return [index for index, _, _ in chunk.rows()]


def _is_final(outcome: Outcome[Any]) -> bool:
    error = outcome.error
    # A read that failed because HubSpot was too busy may succeed in another run.
    return outcome.status is OutcomeStatus.FAILED and not (
        error is not None
        and error.origin == "hubbatch"
        and error.category == "UNAVAILABLE"
    )

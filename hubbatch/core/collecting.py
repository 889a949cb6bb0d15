"""The one response that a batch comes back with."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import compress, islice
from operator import eq
from types import NoneType
from typing import Any, Final, Generic, overload

from attrs import Factory, define, field

from hubbatch.errors import BatchFailed, RecordError
from hubbatch.models import BatchResponse, R, StandardError

from .calls import Operation
from .chunks import Chunk
from .codec import unstructure
from .merging import absorb_envelope, identity
from .outcomes import (
    Outcome,
    OutcomeStatus,
    Unsuccessful,
    lacks_answer,
    succeeded,
    unknown_error,
)
from .settling import Settlement
from .typed import as_record


# A group of more errors than this helps no reader, and takes long to print.
_RAISED = 1_000
# What is known of an input: an outcome is noted, never assumed.
_UNSETTLED, _HAS_RESULT, _NO_RESULT = range(3)
_ONLY_RESULTS: Final = bytes([0, 1, 0]).ljust(256, b"\0")


class Outcomes(Sequence[Outcome[R]]):  # noqa: PLW1641 -- unhashable, as a list is
    """One outcome per input, in the order of the inputs, made when it is looked at."""

    def __init__(self, collector: "Collector[R]") -> None:
        self._collector = collector
        self._parts: dict[OutcomeStatus, Failures[R]] = {}

    def of(self, status: OutcomeStatus) -> "Failures[R]":
        """Return those of one status of the unsuccessful ones."""
        return self._parts.setdefault(status, Failures(self._collector, status))

    def __len__(self) -> int:
        return self._collector.count

    @overload
    def __getitem__(self, index: int) -> Outcome[R]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Outcome[R]]: ...
    def __getitem__(self, index: int | slice) -> Outcome[R] | list[Outcome[R]]:
        indices = self._indices()[index]
        if isinstance(indices, int):
            return self._collector.outcome(indices)
        return [*map(self._collector.outcome, indices)]

    def __iter__(self) -> Iterator[Outcome[R]]:
        return map(self._collector.outcome, self._indices())

    def __eq__(self, other: object) -> bool:
        """Compare with a list too."""
        if not isinstance(other, Outcomes | list):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        return f"<{len(self)} outcomes>"

    def _indices(self) -> Sequence[int]:
        return range(len(self))


class Failures(Outcomes[R]):
    """The outcomes that did not succeed, or those of one status, in input order."""

    def __init__(
        self, collector: "Collector[R]", status: OutcomeStatus | None = None
    ) -> None:
        super().__init__(collector)
        self._status = status
        self._found: Sequence[int] | None = None

    def __len__(self) -> int:
        counts = self._collector.counts
        return counts.total() if self._status is None else counts[self._status]

    def _indices(self) -> Sequence[int]:
        if self._found is None:
            self._found = self._collector.unsuccessful_indices(self._status)
        return self._found


@define(eq=False)
class CombinedResponse(BatchResponse[R]):
    """The one response of a whole batch: HubSpot's envelope merged, and the outcomes.

    `succeeded + len(failures)` is the number of inputs taken from the source. `status`
    is CANCELED if any input is `unknown` or `not_sent`, or has got no answer.

    Attributes:
        outcomes: one per input; `outcomes[i]` is what became of input i.
        succeeded: how many inputs succeeded.
        failures: the outcomes that did not, in the order of the inputs.

    `outcomes`, `failures` and its parts `failed`, `unknown` and `not_sent` are
    sequences that make each outcome when it is looked at. Their lengths cost nothing.
    Inputs of a list that the batch never came to are `not_sent`, unchecked.
    """

    outcomes: Outcomes[R] = field(repr=False, kw_only=True)
    succeeded: int = field(kw_only=True)
    failures: Sequence[Outcome[R]] = field(kw_only=True)

    @property
    def failed(self) -> Sequence[Outcome[R]]:
        """The inputs that HubSpot refused, or that were invalid."""
        return self.outcomes.of(OutcomeStatus.FAILED)

    @property
    def unknown(self) -> Sequence[Outcome[R]]:
        """The inputs that may or may not have been written."""
        return self.outcomes.of(OutcomeStatus.UNKNOWN)

    @property
    def not_sent(self) -> Sequence[Outcome[R]]:
        """The inputs that were not written."""
        return self.outcomes.of(OutcomeStatus.NOT_SENT)

    @property
    def ok(self) -> bool:
        """Whether every input succeeded."""
        return len(self.failures) == 0

    def raise_for_failures(self) -> None:
        """Raise if any input did not succeed.

        Raises:
            BatchFailed: with the errors of the first 1,000 such inputs, each with a
                note of the input's index and id, and with their `total`.
        """
        if self.ok:
            return
        total = len(self.failures)
        told = f"{total:,} of {self.succeeded + total:,} records did not succeed"
        if total > _RAISED:
            told += f"; the first {_RAISED:,} of their errors are in this group"
        failed = BatchFailed(
            told,
            [
                _noted(outcome.error, outcome)
                for outcome in islice(self.failures, _RAISED)
                if outcome.error is not None
            ],
        )
        failed.total = total
        raise failed

    def to_dict(self) -> dict[str, Any]:
        """Give HubSpot's JSON shape again."""
        written: dict[str, Any] = unstructure(
            BatchResponse(
                self.status,
                [as_record(result) for result in self.results],
                self.num_errors,
                self.errors,
                self.requested_at,
                self.started_at,
                self.completed_at,
                self.links,
            )
        )
        return written


@define(eq=False)
class Collector(Generic[R]):
    """Gathers what becomes of a batch's inputs, in any order, into one response.

    Attributes:
        inputs: what was taken up.
        results: as many; None where there is no result.
        unsuccessful: by index, what did not succeed: each outcome, or the outcomes
            which it is one of.
        left_out: the outcomes of inputs that were not taken up; these come last.
        count: how many inputs there are.
        counts: how many did not succeed, by status.
        attempts: by index, where it took more than one.
        keys: by index, where there is no result.
    """

    operation: Operation
    inputs: list[Any] = Factory(list)
    results: list[Any] = Factory(list)
    unsuccessful: dict[int, Outcome[R] | Unsuccessful] = Factory(dict)
    left_out: list[Unsuccessful] = Factory(list)
    count: int = 0
    counts: Counter[OutcomeStatus] = Factory(Counter)
    attempts: dict[int, int] = Factory(dict)
    keys: dict[int, str | None] = Factory(dict)
    _states: bytearray = Factory(bytearray)  # an octet per input that was taken up
    _envelope: BatchResponse[R] = Factory(BatchResponse)
    # Distinct errors, with the place of the first chunk that had each.
    _errors: dict[object, tuple[int, StandardError]] = Factory(dict)
    _loose: list[tuple[int, list[R]]] = Factory(list)
    _incomplete: bool = False  # an input has no answer

    def took(self, inputs: Sequence[Any]) -> None:
        """Note inputs as they come from the source, in order."""
        self.count += len(inputs)
        self.inputs.extend(inputs)
        self.results.extend([None] * len(inputs))
        self._states.extend(bytes(len(inputs)))

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """Note what an answer says besides the outcomes of its inputs."""
        first = chunk.indices[0]
        absorb_envelope(self._envelope, settlement.part)
        for error in settlement.part.errors:
            same = identity(error)
            noted = self._errors.get(same)
            if noted is None or first < noted[0]:
                self._errors.pop(same, None)
                self._errors[same] = first, error
        if settlement.loose:
            self._loose.append((first, settlement.loose))

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Note that every input of a chunk succeeded, with these results."""
        indices = chunk.indices
        start, stop = indices[0], indices[-1] + 1
        if stop - start == len(indices) and indices == [*range(start, stop)]:
            self.results[start:stop] = results
            self._states[start:stop] = bytes([_HAS_RESULT]) * len(indices)
        else:
            for index, result in zip(indices, results, strict=True):
                self.results[index] = result
                self._states[index] = _HAS_RESULT
        if chunk.state.attempts != 1:
            self.attempts.update(dict.fromkeys(indices, chunk.state.attempts))
        if NoneType in map(type, results):  # `None in results` compares the fields
            self.keys.update(zip(indices, chunk.keys, strict=True))
            for index, result in zip(indices, results, strict=True):
                if result is None:
                    self._states[index] = _NO_RESULT
        for index, duplicates in chunk.duplicates.items():
            for duplicate, _ in duplicates:
                self.results[duplicate] = self.results[index]
                self._states[duplicate] = self._states[index]
                self.attempts[duplicate] = chunk.state.attempts
                if index in self.keys:
                    self.keys[duplicate] = self.keys[index]

    def failed(self, outcomes: Sequence[Outcome[R]]) -> None:
        """Note inputs that did not succeed."""
        if not isinstance(outcomes, Unsuccessful):
            for outcome in outcomes:
                self.unsuccessful[outcome.index] = outcome
                self._states[outcome.index] = _NO_RESULT
                self._count(outcome.status, outcome.error, 1)
            return
        self._count(outcomes.status, outcomes.error, len(outcomes))
        if isinstance(outcomes.indices, range):
            self.left_out.append(outcomes)
            self.count += len(outcomes)
            return
        self.unsuccessful.update(dict.fromkeys(outcomes.indices, outcomes))
        for index in outcomes.indices:
            self._states[index] = _NO_RESULT
        if outcomes.keys is not None:
            self.keys.update(zip(outcomes.indices, outcomes.keys, strict=True))

    def _count(
        self, status: OutcomeStatus, error: RecordError | None, count: int
    ) -> None:
        self.counts[status] += count
        missing = count > 0 and lacks_answer(status, error)
        self._incomplete = self._incomplete or missing

    def outcome(self, index: int) -> Outcome[R]:
        """Make the outcome of one input."""
        if index >= len(self.inputs):
            part = bisect_right(self.left_out, index, key=_first_index) - 1
            some = self.left_out[part]
            return some[index - _first_index(some)]
        given, key = self.inputs[index], self.keys.get(index)
        noted = self.unsuccessful.get(index)
        if isinstance(noted, Outcome):
            return noted
        if noted is not None:
            return noted.outcome(index, given, key)
        attempts = self.attempts.get(index, 1)
        result = self.results[index]
        return succeeded(self.operation.call, index, given, result, attempts, key)

    def unsuccessful_indices(self, status: OutcomeStatus | None) -> list[int]:
        """List the inputs that did not succeed, those of one status if it is given."""
        indices = sorted(
            index
            for index, outcome in self.unsuccessful.items()
            if status in (None, outcome.status)
        )
        for some in self.left_out:
            if status in (None, some.status):
                indices.extend(some.indices)
        return indices

    def response(self) -> CombinedResponse[R]:
        """Make the response of all that was noted; once.

        An input of which nothing was noted is `unknown`: that would be a mistake of
        ours, and the one thing it must not look like is a success.
        """
        if _UNSETTLED in self._states:
            self._note_lost()
        envelope = self._envelope
        # By the place of their chunks in the input, not by when they came.
        errors = [error for _, error in sorted(self._errors.values(), key=_place)]
        self._errors.clear()  # what they were compared by takes more than they do
        loose = [item for _, part in sorted(self._loose, key=_place) for item in part]
        with_result = self._states.translate(_ONLY_RESULTS)
        return CombinedResponse(
            # The parts that came say nothing of those that did not.
            "CANCELED" if self._incomplete else envelope.status,
            [*compress(self.results, with_result), *loose],
            envelope.num_errors,
            errors,
            envelope.requested_at,
            envelope.started_at,
            envelope.completed_at,
            envelope.links,
            outcomes=Outcomes(self),
            succeeded=len(self.inputs) - len(self.unsuccessful),
            failures=Failures(self),
        )

    def _note_lost(self) -> None:
        lost = [n for n, state in enumerate(self._states) if state == _UNSETTLED]
        self.failed(
            Unsuccessful(
                self.operation.call,
                lost,
                [self.inputs[index] for index in lost],
                None,
                OutcomeStatus.UNKNOWN,
                unknown_error("hubbatch lost sight of it; please report this"),
            )
        )


def _noted(error: RecordError, outcome: Outcome[Any]) -> RecordError:
    """Return a copy of an error with a note of the input that it is about."""
    noted = copy(error)
    which = f"input {outcome.index}"
    if outcome.id is not None:
        which += f", id {outcome.id}"
    # A copy shares the list of notes with the error that the outcome keeps.
    noted.__notes__ = [*getattr(error, "__notes__", ()), which]
    return noted


def _place(noted: tuple[int, Any]) -> int:
    return noted[0]


def _first_index(outcomes: Unsuccessful) -> int:
    return outcomes.indices[0]

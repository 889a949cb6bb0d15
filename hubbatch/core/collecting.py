"""The one response that a batch comes back with."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from itertools import islice
from types import NoneType
from typing import Any, Final, Generic, overload

from attrs import Factory, define, field

from hubbatch.errors import BatchFailed, RecordError
from hubbatch.models import BatchResponse, R, StandardError

from .calls import Operation
from .codec import unstructure
from .merging import absorb_envelope, union
from .outcomes import (
    Outcome,
    OutcomeStatus,
    lacks_answer,
    succeeded,
    unknown_error,
    unsuccessful,
)
from .planning import Chunk
from .settling import Settlement
from .typed import as_record


# A group of more errors than this helps no reader, and takes long to print.
_RAISED = 1_000
# Stands where an input has no outcome yet: an outcome is noted, never assumed.
_UNSETTLED: Final = object()


def _count(outcomes: Sequence[Outcome[Any]]) -> str:
    return f"<{len(outcomes)} outcomes>"


class Outcomes(Sequence[Outcome[R]]):
    """One outcome per input, in the order of the inputs, made when it is looked at."""

    def __init__(self, collector: "Collector[R]") -> None:
        self._collector = collector

    def __len__(self) -> int:
        return len(self._collector.inputs)

    @overload
    def __getitem__(self, index: int) -> Outcome[R]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Outcome[R]]: ...
    def __getitem__(self, index: int | slice) -> Outcome[R] | list[Outcome[R]]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self._collector.outcome(place) for place in places]
        return self._collector.outcome(places)

    def __iter__(self) -> Iterator[Outcome[R]]:
        return map(self._collector.outcome, range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} outcomes>"


@define(eq=False)
class CombinedResponse(BatchResponse[R]):
    """The one response of a whole batch: HubSpot's envelope merged, and the outcomes.

    `succeeded + len(failures)` is the number of inputs taken from the source. `status`
    is CANCELED if any input is `unknown` or `not_sent`, or has got no answer.

    Attributes:
        outcomes: one per input; `outcomes[i]` is what became of input i.
        succeeded: how many inputs succeeded.
        failures: the outcomes that did not, in the order of the inputs.
    """

    outcomes: Outcomes[R] = field(repr=False, kw_only=True)
    succeeded: int = field(kw_only=True)
    failures: list[Outcome[R]] = field(repr=_count, kw_only=True)

    @property
    def failed(self) -> list[Outcome[R]]:
        """The inputs that HubSpot refused, or that were invalid."""
        return self._with(OutcomeStatus.FAILED)

    @property
    def unknown(self) -> list[Outcome[R]]:
        """The inputs that may or may not have been written."""
        return self._with(OutcomeStatus.UNKNOWN)

    @property
    def not_sent(self) -> list[Outcome[R]]:
        """The inputs that were surely not written."""
        return self._with(OutcomeStatus.NOT_SENT)

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

    def _with(self, status: OutcomeStatus) -> list[Outcome[R]]:
        return [outcome for outcome in self.failures if outcome.status is status]


@define(eq=False)
class Collector(Generic[R]):
    """Gathers what becomes of a batch's inputs, in any order, into one response."""

    operation: Operation
    inputs: list[Any] = Factory(list)
    results: list[Any] = Factory(list)
    unsuccessful: dict[int, Outcome[R]] = Factory(dict)
    attempts: dict[int, int] = Factory(dict)  # where it took more than one
    keys: dict[int, str | None] = Factory(dict)  # where there is no result
    _envelope: BatchResponse[R] = Factory(BatchResponse)
    _errors: list[tuple[int, list[StandardError]]] = Factory(list)
    _loose: list[tuple[int, list[R]]] = Factory(list)
    _incomplete: bool = False  # an input has no answer

    def took(self, inputs: Sequence[Any]) -> None:
        """Note inputs as they come from the source, in order."""
        self.inputs.extend(inputs)
        self.results.extend([_UNSETTLED] * len(inputs))

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """Note what an answer says besides the outcomes of its inputs."""
        first = chunk.indices[0]
        absorb_envelope(self._envelope, settlement.part)
        if settlement.part.errors:
            self._errors.append((first, settlement.part.errors))
        if settlement.loose:
            self._loose.append((first, settlement.loose))

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Note that every input of a chunk succeeded, with these results."""
        indices = chunk.indices
        start, stop = indices[0], indices[-1] + 1
        if stop - start == len(indices) and indices == [*range(start, stop)]:
            self.results[start:stop] = results
        else:
            for index, result in zip(indices, results, strict=True):
                self.results[index] = result
        if chunk.attempts != 1:
            self.attempts.update(dict.fromkeys(indices, chunk.attempts))
        if NoneType in map(type, results):  # `None in results` compares the fields
            self.keys.update(zip(indices, chunk.keys, strict=True))
        for index, followers in chunk.followers.items():
            for follower, _ in followers:
                self.results[follower] = self.results[index]
                self.attempts[follower] = chunk.attempts
                if index in self.keys:
                    self.keys[follower] = self.keys[index]

    def failed(self, outcomes: Iterable[Outcome[R]]) -> None:
        """Note inputs that did not succeed."""
        for outcome in outcomes:
            self.unsuccessful[outcome.index] = outcome
            self._incomplete = self._incomplete or lacks_answer(outcome)
            self.results[outcome.index] = None

    def outcome(self, index: int) -> Outcome[R]:
        """Make the outcome of one input."""
        outcome = self.unsuccessful.get(index)
        if outcome is not None:
            return outcome
        given, result = self.inputs[index], self.results[index]
        attempts = self.attempts.get(index, 1)
        key = self.keys.get(index)
        return succeeded(self.operation.call, index, given, result, attempts, key)

    def response(self) -> CombinedResponse[R]:
        """Make the response of all that was noted.

        An input of which nothing was noted is `unknown`: that would be a mistake of
        ours, and the one thing it must not look like is a success.
        """
        lost = [
            unsuccessful(
                self.operation.call,
                index,
                self.inputs[index],
                unknown_error("hubbatch lost sight of it; please report this"),
                OutcomeStatus.UNKNOWN,
            )
            for index, result in enumerate(self.results)
            if result is _UNSETTLED
        ]
        self.failed(lost)
        envelope = self._envelope
        # By the place of their chunks in the input, not by when they came.
        errors = [
            error for _, part in sorted(self._errors, key=_place) for error in part
        ]
        loose = [item for _, part in sorted(self._loose, key=_place) for item in part]
        return CombinedResponse(
            # The parts that came say nothing of those that did not.
            "CANCELED" if self._incomplete else envelope.status,
            [result for result in self.results if result is not None] + loose,
            envelope.num_errors,
            union(errors),
            envelope.requested_at,
            envelope.started_at,
            envelope.completed_at,
            envelope.links,
            outcomes=Outcomes(self),
            succeeded=len(self.inputs) - len(self.unsuccessful),
            failures=[outcome for _, outcome in sorted(self.unsuccessful.items())],
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

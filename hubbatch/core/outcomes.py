"""What became of each input, and the one response that a batch comes back with."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from enum import StrEnum
from typing import Any, Generic, overload

from attrs import Factory, define, field

from hubbatch.errors import BatchFailed, OutcomeUnknown, RecordError
from hubbatch.models import (
    BatchResponse,
    LegacyObject,
    R,
    SimplePublicObject,
    StandardError,
)

from .codec import unstructure
from .encoding import encoder, id_property_of
from .merging import absorb_envelope, union
from .operations import Call, Operation
from .planning import Chunk
from .settling import Settlement


class OutcomeStatus(StrEnum):
    """How an input can end. Members are their own texts: `"succeeded"` and so on."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


@define
class Outcome(Generic[R]):
    """What became of one input.

    Attributes:
        index: its place in the input, from 0.
        input: the very object that was given.
        status: `succeeded`, `failed`, `unknown` (it may have been written) or
            `not_sent` (it surely was not).
        id: the record's id, where it is known.
        result: HubSpot's answer for it, if it gave one.
        error: why it did not succeed.
        attempts: how many requests carried it.
        safe_to_resend: whether giving it again cannot make a second record.
    """

    index: int
    input: Any
    status: OutcomeStatus
    id: str | None
    result: R | None
    error: RecordError | None
    attempts: int
    safe_to_resend: bool


def succeeded(
    call: Call, index: int, given: object, result: Any, attempts: int, key: str | None
) -> Outcome[Any]:
    """Make the outcome of an input that HubSpot answered for."""
    return Outcome(
        index,
        given,
        OutcomeStatus.SUCCEEDED,
        result_id(result) or known_id(key),
        result,
        None,
        attempts,
        call.repeatable,
    )


def unsuccessful(
    call: Call,
    index: int,
    given: object,
    error: RecordError,
    status: OutcomeStatus,
    *,
    attempts: int = 0,
    key: str | None = None,
) -> Outcome[Any]:
    """Make the outcome of any other input."""
    unknown = status is OutcomeStatus.UNKNOWN
    return Outcome(
        index,
        given,
        status,
        known_id(key),
        None,
        error,
        attempts,
        call.repeatable or not unknown,
    )


def result_id(result: Any) -> str | None:
    """Read the record's id from a result of any dialect."""
    if isinstance(result, SimplePublicObject):
        return result.id
    return str(result.object_id) if isinstance(result, LegacyObject) else None


def known_id(key: str | None) -> str | None:
    """Read the record's id from an input's key, unless a unique property names it."""
    return key if key is not None and id_property_of(key) is None else None


def unknown_error(reason: str) -> OutcomeUnknown:
    """Make the error of an input that may or may not have been written."""
    return OutcomeUnknown(reason, category="OUTCOME_UNKNOWN", origin="hubbatch")


def not_sent_error(reason: str) -> RecordError:
    """Make the error of an input that was surely not written."""
    return RecordError(reason, category="NOT_SENT", origin="hubbatch")


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

    `succeeded + len(failures)` is the number of inputs taken from the source.

    Attributes:
        outcomes: one per input; `outcomes[i]` is what became of input i.
        succeeded: how many inputs succeeded.
        failures: the outcomes that did not, in the order of the inputs.
    """

    outcomes: Outcomes[R] = field(repr=False, kw_only=True)
    succeeded: int = field(kw_only=True)
    failures: list[Outcome[R]] = field(repr=False, kw_only=True)

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

    def raise_for_failures(self) -> None:
        """Raise if any input did not succeed.

        Raises:
            BatchFailed: with the error of each.
        """
        if self.failures:
            total = self.succeeded + len(self.failures)
            raise BatchFailed(
                f"{len(self.failures)} of {total} records did not succeed",
                [copy(outcome.error) for outcome in self.failures if outcome.error],
            )

    def to_dict(self) -> dict[str, Any]:
        """Give HubSpot's JSON shape again."""
        written: dict[str, Any] = unstructure(
            BatchResponse(
                self.status,
                self.results,
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
    _envelope: BatchResponse[R] = Factory(BatchResponse)
    _errors: list[tuple[int, list[StandardError]]] = Factory(list)
    _loose: list[tuple[int, list[R]]] = Factory(list)

    def took(self, inputs: Sequence[Any]) -> None:
        """Note inputs as they come from the source, in order."""
        self.inputs.extend(inputs)
        self.results.extend([None] * len(inputs))

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
        for index, followers in chunk.followers.items():
            for follower, _ in followers:
                self.results[follower] = self.results[index]
                self.attempts[follower] = chunk.attempts

    def failed(self, outcomes: Iterable[Outcome[R]]) -> None:
        """Note inputs that did not succeed."""
        self.unsuccessful.update((outcome.index, outcome) for outcome in outcomes)

    def outcome(self, index: int) -> Outcome[R]:
        """Make the outcome of one input."""
        outcome = self.unsuccessful.get(index)
        if outcome is not None:
            return outcome
        given, result = self.inputs[index], self.results[index]
        key = None
        if result is None:
            key, _, _ = encoder(self.operation)(index, given)
        attempts = self.attempts.get(index, 1)
        return succeeded(self.operation.call, index, given, result, attempts, key)

    def response(self) -> CombinedResponse[R]:
        """Make the response of all that was noted."""
        envelope = self._envelope
        # By the place of their chunks in the input, not by when they came.
        errors = [
            error for _, part in sorted(self._errors, key=_place) for error in part
        ]
        loose = [item for _, part in sorted(self._loose, key=_place) for item in part]
        return CombinedResponse(
            envelope.status,
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


def _place(noted: tuple[int, Any]) -> int:
    return noted[0]


@define
class Summary:
    """Counts of a batch; they grow while it runs.

    Attributes:
        inputs: how many were taken from the source.
        succeeded, failed, unknown, not_sent: how many ended so.
        requests: how many were sent to HubSpot.
        retries: how many of them repeated an earlier one.
        throttled: how many were answered with 429.
        isolating: how many only searched for the bad records of a refused chunk.
        seconds: how long it ran.
    """

    inputs: int = 0
    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    isolating: int = 0
    seconds: float = 0.0

    @property
    def settled(self) -> int:
        """How many inputs have their outcome."""
        return self.succeeded + self.failed + self.unknown + self.not_sent

    def count(self, status: OutcomeStatus) -> None:
        """Note that one more input did not succeed."""
        setattr(self, status.value, getattr(self, status.value) + 1)

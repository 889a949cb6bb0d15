"""Collects the outcomes of a batch in one response, and merges HubSpot's envelopes."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import compress, islice
from operator import eq, itemgetter
from types import NoneType
from typing import Any, Final, Generic, overload

from attrs import Factory, field, fields

from hubbatch._classes import define
from hubbatch._wire.calls import Operation
from hubbatch._wire.records import unstructure
from hubbatch._wire.user_classes import as_record
from hubbatch.errors import BatchFailed, RecordError
from hubbatch.models import BatchResponse, R, StandardError

from .chunk import Chunk
from .matching import MatchedAnswer
from .outcome import (
    Outcome,
    OutcomeStatus,
    Unsuccessful,
    lacks_answer,
    succeeded,
    unknown_error,
)


# In ascending order of the attention they need. An unlisted status, which HubSpot has
# added since, ranks above all of them.
_RANKS = {"COMPLETE": 0, "PENDING": 1, "PROCESSING": 2, "CANCELED": 3}


def merge(parts: Iterable[BatchResponse[R]]) -> BatchResponse[R]:
    """Merge partial responses into one; without parts, return an empty response.

    The merged response has the greatest `status` (COMPLETE < PENDING < PROCESSING <
    CANCELED), all `results` in order, the sum of `num_errors`, the distinct `errors`,
    all `links` (of two with the same name, the smaller), the earliest `requested_at`
    and `started_at`, and the latest `completed_at`.

    The operation is associative, and the empty response is its identity.
    """
    merged: BatchResponse[R] = BatchResponse()
    errors: list[StandardError] = []
    for part in parts:
        absorb_envelope(merged, part)
        merged.results.extend(part.results)
        errors.extend(part.errors)
    merged.errors = union(errors)
    return merged


def absorb_envelope(merged: BatchResponse[Any], part: BatchResponse[Any]) -> None:
    """Merge a part into a response in place, except its results and errors."""
    if part.status != merged.status:
        merged.status = max(merged.status, part.status, key=_rank)
    merged.num_errors += part.num_errors
    merged.requested_at = _pick(min, merged.requested_at, part.requested_at)
    merged.started_at = _pick(min, merged.started_at, part.started_at)
    merged.completed_at = _pick(max, merged.completed_at, part.completed_at)
    # Keep the smaller of two links with one name: the order of the parts is arbitrary.
    for name, link in part.links.items():
        merged.links[name] = min(link, merged.links.get(name, link))


def union(errors: Iterable[StandardError]) -> list[StandardError]:
    """Return the distinct errors, in the order of their first occurrence."""
    distinct: dict[object, StandardError] = {}
    for error in errors:
        distinct.setdefault(identity(error), error)
    return [*distinct.values()]


def _rank(status: str) -> tuple[int, str]:
    return _RANKS.get(status, len(_RANKS)), status


def _pick(
    choose: Callable[[datetime, datetime], datetime],
    left: datetime | None,
    right: datetime | None,
) -> datetime | None:
    return choose(left, right) if left and right else left or right


def identity(error: StandardError) -> object:
    """Return a hashable value that is equal for equal errors.

    An error itself is not hashable: its context holds lists and mappings.
    """
    return tuple(
        _hashable(getattr(error, attribute.name)) for attribute in fields(StandardError)
    )


def _hashable(value: Any) -> object:
    if isinstance(value, Mapping):
        return frozenset((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    if hasattr(type(value), "__attrs_attrs__"):
        names = [attribute.name for attribute in fields(type(value))]
        return tuple(_hashable(getattr(value, name)) for name in names)
    return value


# A larger exception group would not help a reader and would take long to print.
_MAX_ERRORS = 1_000
# The values of `Collector._states`. An outcome is recorded, never assumed.
_UNSETTLED, _HAS_RESULT, _NO_RESULT = range(3)
# Translates states into selectors for `compress`: 1 for _HAS_RESULT, otherwise 0.
_ONLY_RESULTS: Final = bytes([0, 1, 0]).ljust(256, b"\0")
_get_position = itemgetter(0)


class Outcomes(Sequence[Outcome[R]]):  # noqa: PLW1641 -- unhashable, as a list is
    """The outcomes of all inputs, in input order; each is created on access."""

    def __init__(self, collector: "Collector[R]") -> None:
        self._collector = collector
        self._parts: dict[OutcomeStatus, Failures[R]] = {}

    @property
    def operation(self) -> Operation:
        """The call that the inputs were sent with."""
        return self._collector.operation

    def of(self, status: OutcomeStatus) -> "Failures[R]":
        """Return the unsuccessful outcomes that have this status."""
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
        """Compare the outcomes with those of another sequence or a list."""
        if not isinstance(other, Outcomes | list):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        return f"<{len(self)} outcomes>"

    def _indices(self) -> Sequence[int]:
        return range(len(self))


class Failures(Outcomes[R]):
    """The unsuccessful outcomes, all or those with one status, in input order."""

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
    """The response of a whole batch: HubSpot's envelopes merged, and the outcomes.

    `status` is `"CANCELED"` if any input is `unknown` or `not_sent`, or failed because
    HubSpot's answer for it was incomplete. `results` are in input order. Results that
    HubSpot does not assign to an input come last.

    `succeeded + len(failures)` is the number of inputs taken from the source.
    `outcomes`, `failures` and its parts `failed`, `unknown` and `not_sent` are
    sequences that create each outcome on access; their `len()` takes constant time. If
    a batch ends early, the inputs of a list that it did not reach are `not_sent`, and
    were not validated.
    """

    outcomes: Outcomes[R] = field(repr=False, kw_only=True)
    """One outcome per input; `outcomes[i]` belongs to the input at index i."""
    succeeded: int = field(kw_only=True)
    """The number of inputs that succeeded."""
    failures: Sequence[Outcome[R]] = field(kw_only=True)
    """The outcomes that did not succeed, in input order: `outcome.input` with the
    reason in `outcome.error`."""

    def __repr__(self) -> str:
        others = {
            "failed": len(self.failed),
            "unknown": len(self.unknown),
            "not sent": len(self.not_sent),
        }
        counts = [f"{self.succeeded:,} succeeded"]
        counts += [f"{number:,} {name}" for name, number in others.items() if number]
        inputs = f"{len(self.outcomes):,} inputs"
        return f"<CombinedResponse of {inputs}: {', '.join(counts)}>"

    @property
    def failed(self) -> Sequence[Outcome[R]]:
        """The outcomes of inputs that HubSpot refused, or that were invalid."""
        return self.outcomes.of(OutcomeStatus.FAILED)

    @property
    def unknown(self) -> Sequence[Outcome[R]]:
        """The outcomes of inputs that may or may not have been written."""
        return self.outcomes.of(OutcomeStatus.UNKNOWN)

    @property
    def not_sent(self) -> Sequence[Outcome[R]]:
        """The outcomes of inputs that were not written."""
        return self.outcomes.of(OutcomeStatus.NOT_SENT)

    @property
    def ok(self) -> bool:
        """Whether every input succeeded."""
        return len(self.failures) == 0

    def raise_for_failures(self) -> None:
        """Raise if any input did not succeed.

        Raises:
            BatchFailed: A group of the errors of the first 1,000 such inputs, each with
                a note that names the input's index and id. Its `total` counts all of
                them.
        """
        if self.ok:
            return
        total = len(self.failures)
        message = f"{total:,} of {self.succeeded + total:,} records did not succeed"
        if total > _MAX_ERRORS:
            message += f"; this group has the first {_MAX_ERRORS:,} errors"
        failed = BatchFailed(
            message,
            [
                _with_note(outcome.error, outcome)
                for outcome in islice(self.failures, _MAX_ERRORS)
                if outcome.error is not None
            ],
        )
        failed.total = total
        raise failed

    def to_arrow(self, *, prefix: str = "outcome_") -> Any:
        """Return a `pyarrow.Table` with one row per input, in input order.

        Its columns are those of the input (`id` and the properties, if it is not a row)
        and `outcome_index`, `outcome_status`, `outcome_id` (the record's),
        `outcome_new`, `outcome_attempts`, `outcome_category`, `outcome_message` and
        `outcome_property_name`; of a read also `outcome_properties`, a struct. A column
        whose values have no common Arrow type has strings.

        `prefix`: what the names of the outcome's columns begin with.

        Raises:
            ConfigurationError: If pyarrow is not installed (the extra `parquet`).
            ValueError: If an input has a column of the same name.
        """
        from .outcome_tables import outcome_table  # noqa: PLC0415 -- seldom needed

        call = self.outcomes.operation.call
        return outcome_table(self.outcomes, prefix, records=call.verb == "read")

    def to_dict(self) -> dict[str, Any]:
        """Return the response in HubSpot's JSON shape, without the outcomes."""
        document: dict[str, Any] = unstructure(
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
        return document


@define(eq=False)
class Collector(Generic[R]):
    """Collects the outcomes of a batch, in any order, and builds the response.

    Attributes:
        inputs: the inputs that were taken from the source, in order.
        results: the result of each of them, or None.
        unsuccessful: by index, the outcome of an input that did not succeed, or the
            `Unsuccessful` that has it.
        left_out: the outcomes of inputs that were never taken.
        count: the number of inputs, those left out included.
        counts: the number of unsuccessful inputs, by status.
        attempts: by index, the number of attempts if it is not 1.
        keys: by index, the key of an input without a result, for the outcome's id.
    """

    # Invariant: `inputs`, `results` and `_states` are columns of equal length, with one
    # entry per input that was taken. `_states[i]` is
    #   _UNSETTLED   until the outcome of input i is recorded;
    #   _HAS_RESULT  if it succeeded with `results[i]`;
    #   _NO_RESULT   if it succeeded without a result (an archive), or if i is a key of
    #                `unsuccessful`.
    # The inputs left out follow: the ranges of `left_out` ascend without a gap from
    # len(inputs) to `count`. `counts.total()` is len(unsuccessful) + their lengths.
    # `attempts` and `keys` are dicts, because few inputs of a usual batch need them.

    operation: Operation
    inputs: list[Any] = Factory(list)
    results: list[Any] = Factory(list)
    unsuccessful: dict[int, Outcome[R] | Unsuccessful] = Factory(dict)
    left_out: list[Unsuccessful] = Factory(list)
    count: int = 0
    counts: Counter[OutcomeStatus] = Factory(Counter)
    attempts: dict[int, int] = Factory(dict)
    keys: dict[int, str | None] = Factory(dict)
    _states: bytearray = Factory(bytearray)
    _envelope: BatchResponse[R] = Factory(BatchResponse)
    # By identity: each distinct error, with the lowest first index of its chunks.
    _errors: dict[object, tuple[int, StandardError]] = Factory(dict)
    # Results whose input is uncertain, with the first index of the chunk.
    _loose: list[tuple[int, list[R]]] = Factory(list)
    _incomplete: bool = False  # whether an input lacks a whole answer

    def took(self, inputs: Sequence[Any]) -> None:
        """Add inputs that were taken from the source, in order."""
        self.count += len(inputs)
        self.inputs.extend(inputs)
        self.results.extend([None] * len(inputs))
        self._states.extend(bytes(len(inputs)))

    def answered(self, chunk: Chunk, matched: MatchedAnswer) -> None:
        """Record the envelope, the errors and the loose results of an answer."""
        first = chunk.indices[0]
        absorb_envelope(self._envelope, matched.part)
        for error in matched.part.errors:
            key = identity(error)
            known = self._errors.get(key)
            if known is None or first < known[0]:
                self._errors.pop(key, None)
                self._errors[key] = first, error
        if matched.loose:
            self._loose.append((first, matched.loose))

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Record the results of a chunk whose inputs all succeeded."""
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
        if NoneType in map(type, results):  # `None in results` would compare fields
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
        """Record the outcomes of inputs that did not succeed."""
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
        """Return the outcome of the input at an index."""
        if index >= len(self.inputs):
            at = bisect_right(self.left_out, index, key=_first_index) - 1
            outcomes = self.left_out[at]
            return outcomes[index - _first_index(outcomes)]
        value, key = self.inputs[index], self.keys.get(index)
        recorded = self.unsuccessful.get(index)
        if isinstance(recorded, Outcome):
            return recorded
        if recorded is not None:
            return recorded.outcome(index, value, key)
        attempts = self.attempts.get(index, 1)
        result = self.results[index]
        return succeeded(self.operation.call, index, value, result, attempts, key)

    def unsuccessful_indices(self, status: OutcomeStatus | None) -> list[int]:
        """Return the indices of unsuccessful inputs in order; None means any status."""
        indices = sorted(
            index
            for index, outcome in self.unsuccessful.items()
            if status in (None, outcome.status)
        )
        for outcomes in self.left_out:
            if status in (None, outcomes.status):
                indices.extend(outcomes.indices)
        return indices

    def response(self) -> CombinedResponse[R]:
        """Return the response of the whole batch.

        Can be called only once. An input without a recorded outcome becomes `unknown`.
        That would be a bug in hubbatch, and it must not look like a success.
        """
        if _UNSETTLED in self._states:
            self._fail_unsettled()
        envelope = self._envelope
        # In input order, whichever answer came first.
        by_position = sorted(self._errors.values(), key=_get_position)
        errors = [error for _, error in by_position]
        self._errors.clear()  # its keys take more memory than the errors
        parts = sorted(self._loose, key=_get_position)
        loose = [result for _, part in parts for result in part]
        with_result = self._states.translate(_ONLY_RESULTS)
        return CombinedResponse(
            # The status of the answers says nothing about requests without an answer.
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

    def _fail_unsettled(self) -> None:
        lost = [i for i, state in enumerate(self._states) if state == _UNSETTLED]
        self.failed(
            Unsuccessful(
                self.operation.call,
                lost,
                [self.inputs[index] for index in lost],
                None,
                OutcomeStatus.UNKNOWN,
                unknown_error("hubbatch lost track of this input; please report this"),
            )
        )


def _with_note(error: RecordError, outcome: Outcome[Any]) -> RecordError:
    """Return a copy of an error with a note that says which input it is about."""
    copied = copy(error)
    note = f"input {outcome.index}"
    if outcome.id is not None:
        note += f", id {outcome.id}"
    # `add_note` would change the outcome's error too: `copy` shares the list of notes.
    copied.__notes__ = [*getattr(error, "__notes__", ()), note]
    return copied


def _first_index(outcomes: Unsuccessful) -> int:
    return outcomes.indices[0]

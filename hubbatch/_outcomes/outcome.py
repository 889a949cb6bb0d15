"""The outcome of each input, and the counts of a batch."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import repeat
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, overload

from attrs import evolve

from hubbatch._classes import define
from hubbatch._wire.calls import Call
from hubbatch._wire.inputs import ends_of, id_property_of
from hubbatch._wire.records import listed_warnings
from hubbatch._wire.user_classes import has_no_id, typed_id
from hubbatch.account_models import ListChange
from hubbatch.errors import OutcomeUnknown, RecordError
from hubbatch.models import (
    ConnectionStatus,
    DealToDealSplits,
    LegacyObject,
    ObjectSchema,
    PublicAssociationMulti,
    PublicAssociationMultiWithLabel,
    R,
    RecordIdWithMemberships,
    SimplePublicObject,
    SimplePublicUpsertObject,
)

from .chunk import Chunk


_RECORDS = {SimplePublicObject, SimplePublicUpsertObject}
_id_of = attrgetter("id")
# hubbatch's own categories for inputs that failed for lack of a complete answer.
_UNANSWERED = frozenset({"UNAVAILABLE", "PAGING"})


class OutcomeStatus(StrEnum):
    """The four possible outcomes of an input. Members are strings: `"failed"` etc."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


@define
class Outcome(Generic[R]):
    """The outcome of one input."""

    index: int
    """The position of the input in the source, from 0."""
    input: Any
    """The object that the caller passed, not a copy."""
    status: OutcomeStatus
    """`succeeded`, `failed` (HubSpot refused it, or it is invalid), `unknown` (it may
    have been written) or `not_sent` (it was not written)."""
    id: str | None
    """The record's id; None if it is not known."""
    result: R | None
    """HubSpot's result for the input; None if it has none."""
    error: RecordError | None
    """Why the input did not succeed; None if it did."""
    attempts: int
    """The number of requests for the input, with lookups; 0 if it was not sent."""
    safe_to_resend: bool
    """Whether sending the input again cannot create a second record."""

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """HubSpot's warnings about what it wrote, as HubSpot's JSON objects.

        An example is `PROPERTY_VALUE_NORMALIZED`: HubSpot stored another value than
        the one that was sent, and `context` has both. API versions before 2026-09
        return no warnings.
        """
        return listed_warnings(getattr(self.result, "warnings", None))


def succeeded(
    call: Call, index: int, value: object, result: Any, attempts: int, key: str | None
) -> Outcome[Any]:
    """Return the outcome of an input that succeeded."""
    return Outcome(
        index,
        value,
        OutcomeStatus.SUCCEEDED,
        _result_id_or_key(result, key),
        result,
        None,
        attempts,
        call.retry_safe,
    )


def all_succeeded(call: Call, chunk: Chunk, results: list[Any]) -> list[Outcome[Any]]:
    """Return the outcomes of a chunk whose inputs all succeeded.

    Raises:
        ValueError: If the number of results is not the number of inputs.
    """
    if len(results) != len(chunk):
        raise ValueError(f"{len(results)} results for {len(chunk)} inputs")
    if {*map(type, results)} <= _RECORDS:
        ids: Iterable[str | None] = map(_id_of, results)
    else:
        ids = map(_result_id_or_key, results, chunk.keys)
    # One per record, so speed counts: `map` calls a class faster than a loop does.
    outcomes = [
        *map(
            Outcome,
            chunk.indices,
            chunk.inputs,
            repeat(OutcomeStatus.SUCCEEDED),
            ids,
            results,
            repeat(None),
            repeat(chunk.state.attempts),
            repeat(call.retry_safe),
        )
    ]
    if chunk.duplicates:
        outcomes += [
            evolve(outcome, index=index, input=value)
            for outcome in outcomes
            for index, value in chunk.duplicates.get(outcome.index, ())
        ]
    return outcomes


def unsuccessful(
    call: Call,
    index: int,
    value: object,
    error: RecordError,
    status: OutcomeStatus,
    *,
    attempts: int = 0,
    key: str | None = None,
) -> Outcome[Any]:
    """Return the outcome of an input that did not succeed."""
    unknown = status is OutcomeStatus.UNKNOWN
    return Outcome(
        index,
        value,
        status,
        known_id(key),
        None,
        error,
        attempts,
        call.retry_safe or not unknown,
    )


@define(eq=False)
class Unsuccessful(Sequence[Outcome[Any]]):
    """The outcomes of inputs that share a status and an error, created on access.

    Attributes:
        indices: the index of each input in the batch.
        inputs: the objects that the caller passed.
        keys: their keys; None if the inputs were not encoded.
    """

    # Invariant: `indices`, `inputs` and `keys` (if any) have the same length.
    # `indices` is a range if and only if the batch ended before its inputs were taken:
    # then they follow every input that was taken, and `keys` is None. A sink needs to
    # tell the two apart, because it has not seen these inputs yet (see
    # `Collector.failed`). A range also represents any number of inputs in constant
    # time.

    call: Call
    indices: Sequence[int]
    inputs: Sequence[Any]
    keys: Sequence[str | None] | None
    status: OutcomeStatus
    error: RecordError
    attempts: int = 0

    @classmethod
    def of(
        cls, call: Call, chunk: Chunk, status: OutcomeStatus, error: RecordError
    ) -> "Unsuccessful":
        """Return the outcomes of all inputs of a chunk, duplicates included."""
        indices, inputs, keys = chunk.indices, chunk.inputs, chunk.keys
        if chunk.duplicates:
            indices, inputs, keys = map(list, zip(*chunk.rows(), strict=True))
        return cls(call, indices, inputs, keys, status, error, chunk.state.attempts)

    def outcome(self, index: int, value: object, key: str | None) -> Outcome[Any]:
        """Return the outcome of one of the inputs."""
        return unsuccessful(
            self.call,
            index,
            value,
            self.error,
            self.status,
            attempts=self.attempts,
            key=key,
        )

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, position: int) -> Outcome[Any]: ...
    @overload
    def __getitem__(self, position: slice) -> "Unsuccessful": ...
    def __getitem__(self, position: int | slice) -> "Outcome[Any] | Unsuccessful":
        keys = self.keys
        if isinstance(position, slice):
            return evolve(
                self,
                indices=self.indices[position],
                inputs=self.inputs[position],
                keys=keys and keys[position],
            )
        key = None if keys is None else keys[position]
        return self.outcome(self.indices[position], self.inputs[position], key)

    def __iter__(self) -> Iterator[Outcome[Any]]:
        keys = repeat(None) if self.keys is None else self.keys
        return map(self.outcome, self.indices, self.inputs, keys)


def result_id(result: Any) -> str | None:
    """Return the record id of a result of any type; None if the type has no id."""
    match result:
        case SimplePublicObject() | DealToDealSplits():
            return result.id
        case ObjectSchema():
            return result.object_type_id
        case LegacyObject():
            return str(result.object_id)
        case RecordIdWithMemberships() | ListChange():
            return result.record_id
        case ConnectionStatus():
            return result.user_id
        case PublicAssociationMultiWithLabel() | PublicAssociationMulti():
            return result.from_
        case _:
            return typed_id(result)


def lack_ids(results: Iterable[Any]) -> bool:
    """Return whether some of the results are None, or have no field for their id."""
    kinds = {*map(type, results)}
    return NoneType in kinds or any(map(has_no_id, kinds))


def _result_id_or_key(result: Any, key: str | None) -> str | None:
    return result_id(result) or known_id(key)


def known_id(key: str | None) -> str | None:
    """Return a key if it is a record's id, not a unique value or a pair of ids."""
    if key is None or id_property_of(key) is not None or len(ends_of(key)) > 1:
        return None
    return key


def unknown_error(reason: str, correlation_id: str | None = None) -> OutcomeUnknown:
    """Return the error of an input that may or may not have been written."""
    return OutcomeUnknown(
        reason,
        category="OUTCOME_UNKNOWN",
        correlation_id=correlation_id,
        origin="hubbatch",
    )


def not_sent_error(reason: str, correlation_id: str | None = None) -> RecordError:
    """Return the error of an input that was not written."""
    return RecordError(
        reason, category="NOT_SENT", correlation_id=correlation_id, origin="hubbatch"
    )


def unanswered_error(reason: str, correlation_id: str | None = None) -> RecordError:
    """Return the error of an input of a read that HubSpot did not answer."""
    return RecordError(
        reason, category="UNAVAILABLE", correlation_id=correlation_id, origin="hubbatch"
    )


def lacks_answer(status: OutcomeStatus, error: RecordError | None) -> bool:
    """Return whether an unsuccessful input got no answer, or only part of one."""
    if status is not OutcomeStatus.FAILED:
        return True
    return error is not None and error.category in _UNANSWERED


@define
class Summary:
    """The counts of a batch. They grow while the batch runs.

    Attributes:
        inputs: inputs that were taken from the source; it is
            `succeeded + failed + unknown + not_sent` once the batch has ended.
        succeeded: inputs that succeeded.
        failed: inputs that HubSpot refused, or that were invalid.
        unknown: inputs that may or may not have been written.
        not_sent: inputs that were not written.
        requests: requests that were sent to HubSpot, lookups included.
        retries: requests that repeated an earlier one.
        throttled: requests that HubSpot answered with 429.
        isolating: parts of refused chunks, each sent in a request of its own.
        warnings: warnings that HubSpot returned with its results.
        seconds: the duration of the run, set when it ends.
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
    warnings: int = 0
    seconds: float = 0.0

    @property
    def settled(self) -> int:
        """The number of inputs that have their outcome."""
        return self.succeeded + self.failed + self.unknown + self.not_sent

    def count(self, status: OutcomeStatus, inputs: int) -> None:
        """Add inputs that did not succeed to the count of their status."""
        setattr(self, status.value, getattr(self, status.value) + inputs)

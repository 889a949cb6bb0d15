"""What became of each input, and how many ended how."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import repeat
from operator import attrgetter
from typing import Any, Generic, overload

from attrs import define, evolve

from hubbatch.errors import OutcomeUnknown, RecordError
from hubbatch.models import (
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

from .calls import Call
from .chunks import Chunk
from .codec import listed_warnings
from .encoding import ends_of, id_property_of
from .typed import typed_id


_RECORDS = {SimplePublicObject, SimplePublicUpsertObject}
_id_of = attrgetter("id")
# The categories of inputs that failed for lack of an answer; HubSpot has no such words.
_UNANSWERED = frozenset({"UNAVAILABLE", "PAGING"})


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

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """HubSpot's warnings about what it has written, as it sent them.

        `PROPERTY_VALUE_NORMALIZED`, for example: the value that HubSpot stored is not
        the one that was sent; `context` has both. Versions before 2026-09 have none.
        """
        return listed_warnings(getattr(self.result, "warnings", None))


def succeeded(
    call: Call, index: int, given: object, result: Any, attempts: int, key: str | None
) -> Outcome[Any]:
    """Make the outcome of an input that HubSpot answered for."""
    return Outcome(
        index,
        given,
        OutcomeStatus.SUCCEEDED,
        _result_id_or_key(result, key),
        result,
        None,
        attempts,
        call.retry_safe,
    )


def all_succeeded(call: Call, chunk: Chunk, results: list[Any]) -> list[Outcome[Any]]:
    """Make the outcomes of a chunk whose inputs HubSpot answered for, each one.

    Raises:
        ValueError: if there are not as many results as inputs.
    """
    if len(results) != len(chunk):
        raise ValueError(f"{len(results)} results for {len(chunk)} inputs")
    if {*map(type, results)} <= _RECORDS:
        ids: Iterable[str | None] = map(_id_of, results)
    else:
        ids = map(_result_id_or_key, results, chunk.keys)
    # There is one per record: a class is called sooner by map than by a loop.
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
            evolve(outcome, index=index, input=given)
            for outcome in outcomes
            for index, given in chunk.duplicates.get(outcome.index, ())
        ]
    return outcomes


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
        call.retry_safe or not unknown,
    )


@define(eq=False)
class Unsuccessful(Sequence[Outcome[Any]]):
    """The outcomes of inputs that share a status and an error, made when looked at.

    Attributes:
        indices: each input's place in the whole batch.
        inputs: the objects that the caller passed, as many as indices.
        keys: their keys, as many as indices; None if the inputs were never encoded.
    """

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
        """Make the outcomes of all inputs of a chunk, duplicates included."""
        indices, inputs, keys = chunk.indices, chunk.inputs, chunk.keys
        if chunk.duplicates:
            indices, inputs, keys = map(list, zip(*chunk.rows(), strict=True))
        return cls(call, indices, inputs, keys, status, error, chunk.state.attempts)

    def outcome(self, index: int, given: object, key: str | None) -> Outcome[Any]:
        """Make the outcome of one input."""
        return unsuccessful(
            self.call,
            index,
            given,
            self.error,
            self.status,
            attempts=self.attempts,
            key=key,
        )

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, place: int) -> Outcome[Any]: ...
    @overload
    def __getitem__(self, place: slice) -> "Unsuccessful": ...
    def __getitem__(self, place: int | slice) -> "Outcome[Any] | Unsuccessful":
        keys = self.keys
        if isinstance(place, slice):
            return evolve(
                self,
                indices=self.indices[place],
                inputs=self.inputs[place],
                keys=keys and keys[place],
            )
        key = None if keys is None else keys[place]
        return self.outcome(self.indices[place], self.inputs[place], key)

    def __iter__(self) -> Iterator[Outcome[Any]]:
        keys = repeat(None) if self.keys is None else self.keys
        return map(self.outcome, self.indices, self.inputs, keys)


def result_id(result: Any) -> str | None:
    """Read the record's id from a result of any family that has one."""
    match result:
        case SimplePublicObject() | DealToDealSplits():
            return result.id
        case ObjectSchema():
            return result.object_type_id
        case LegacyObject():
            return str(result.object_id)
        case RecordIdWithMemberships():
            return result.record_id
        case PublicAssociationMultiWithLabel() | PublicAssociationMulti():
            return result.from_
        case _:
            return typed_id(result)


def _result_id_or_key(result: Any, key: str | None) -> str | None:
    return result_id(result) or known_id(key)


def known_id(key: str | None) -> str | None:
    """Read the record's id from a key that is one: of no value, and of no pair."""
    if key is None or id_property_of(key) is not None or len(ends_of(key)) > 1:
        return None
    return key


def unknown_error(reason: str, correlation_id: str | None = None) -> OutcomeUnknown:
    """Make the error of an input that may or may not have been written."""
    return OutcomeUnknown(
        reason,
        category="OUTCOME_UNKNOWN",
        correlation_id=correlation_id,
        origin="hubbatch",
    )


def not_sent_error(reason: str, correlation_id: str | None = None) -> RecordError:
    """Make the error of an input that was surely not written."""
    return RecordError(
        reason, category="NOT_SENT", correlation_id=correlation_id, origin="hubbatch"
    )


def unanswered_error(reason: str, correlation_id: str | None = None) -> RecordError:
    """Make the error of an input that was asked for and got no answer."""
    return RecordError(
        reason, category="UNAVAILABLE", correlation_id=correlation_id, origin="hubbatch"
    )


def lacks_answer(status: OutcomeStatus, error: RecordError | None) -> bool:
    """Whether an input that did not succeed has no answer, or none that is whole."""
    if status is not OutcomeStatus.FAILED:
        return True
    return error is not None and error.category in _UNANSWERED


@define
class Summary:
    """Counts of a batch; they grow while it runs.

    Attributes:
        inputs: how many were taken from the source.
        succeeded: how many HubSpot answered for.
        failed: how many were refused, or invalid.
        unknown: how many may or may not have been written.
        not_sent: how many were surely not written.
        requests: how many were sent to HubSpot.
        retries: how many of them repeated an earlier one.
        throttled: how many were answered with 429.
        isolating: how many only searched for the bad records of a refused chunk.
        warnings: how many warnings HubSpot added to what it has written.
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
    warnings: int = 0
    seconds: float = 0.0

    @property
    def settled(self) -> int:
        """How many inputs have their outcome."""
        return self.succeeded + self.failed + self.unknown + self.not_sent

    def count(self, status: OutcomeStatus, inputs: int) -> None:
        """Note that more inputs did not succeed."""
        setattr(self, status.value, getattr(self, status.value) + inputs)

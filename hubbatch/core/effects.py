"""What a run has to do after a verdict: values that the resolver returns."""

from typing import Any, TypeAlias

from attrs import frozen

from hubbatch.errors import APIError, HubBatchError, RecordError

from .chunks import Chunk
from .outcomes import OutcomeStatus
from .planning import Place
from .settling import Settlement
from .verdicts import EndpointNotFound, Retryable, Throttled, Unauthorized


@frozen
class Answer:
    """HubSpot answered a chunk, `seconds` after it was sent. The outcomes follow."""

    chunk: Chunk
    settlement: Settlement
    seconds: float


@frozen
class Succeed:
    """Every input of a chunk succeeded; `results` are theirs, by position."""

    chunk: Chunk
    results: list[Any]


@frozen
class Fail:
    """No input of a chunk succeeded; all have this status and error."""

    chunk: Chunk
    status: OutcomeStatus
    error: RecordError


@frozen
class Drop:
    """A chunk is not sent again, because the batch has ended.

    Its inputs are `unknown` if they may have been written, or else `not_sent`.
    """

    chunk: Chunk


@frozen
class Split:
    """A refused chunk is cut into this many parts. They are requeued next."""

    chunk: Chunk
    error: APIError
    parts: int


@frozen
class Requeue:
    """Chunks are sent again, when their place in the queue comes.

    Once the batch has ended they are not: their inputs are `unknown` with the error
    `otherwise`, or are dropped if it is None; see `ended_instead`.
    """

    chunks: list[Chunk]
    place: Place = Place.NEXT
    otherwise: RecordError | None = None


@frozen
class Unpark:
    """HubSpot has read a call: the parked chunks are sent next."""


@frozen
class Wait:
    """The same worker sends a chunk again after so many seconds."""

    chunk: Chunk
    seconds: float
    verdict: Throttled | Unauthorized | Retryable | EndpointNotFound


@frozen
class HoldAll:
    """No request of the account may leave for so many seconds.

    `throttled` is the answer that says so; its time may be longer.
    """

    chunk: Chunk
    seconds: float
    throttled: Throttled


@frozen
class LimitInputs:
    """Chunks have this many inputs at most from now on."""

    max_inputs: int


@frozen
class LimitBytes:
    """Chunks have this many bytes of inputs at most from now on."""

    max_bytes: int


@frozen
class EndBatch:
    """The batch ends with an error: nothing that has not left is sent."""

    error: HubBatchError


OutcomeEffect: TypeAlias = Answer | Succeed | Fail | Drop
QueueEffect: TypeAlias = Requeue | Unpark | LimitInputs | LimitBytes
Effect: TypeAlias = OutcomeEffect | QueueEffect | Split | Wait | HoldAll | EndBatch


def ended_instead(requeue: Requeue, chunk: Chunk) -> Fail | Drop:
    """Return what becomes of a chunk to requeue if the batch has ended."""
    if requeue.otherwise is None:
        return Drop(chunk)
    return Fail(chunk, OutcomeStatus.UNKNOWN, requeue.otherwise)

"""Effects: the values that the resolver returns for a verdict and the run applies."""

from typing import Any, TypeAlias

from hubbatch._classes import immutable
from hubbatch.errors import APIError, HubBatchError, RecordError

from .chunk import Chunk
from .matching import MatchedAnswer
from .outcome import OutcomeStatus
from .queue import Place
from .verdicts import EndpointNotFound, Retryable, Throttled, Unauthorized


@immutable
class NoteAnswer:
    """HubSpot answered a chunk, `seconds` after it was sent; its outcomes follow."""

    chunk: Chunk
    matched: MatchedAnswer
    seconds: float


@immutable
class Succeed:
    """All inputs of a chunk succeeded; `results` holds their results by position."""

    chunk: Chunk
    results: list[Any]


@immutable
class Fail:
    """No input of a chunk succeeded: all have this status and error."""

    chunk: Chunk
    status: OutcomeStatus
    error: RecordError


@immutable
class Drop:
    """A chunk is not sent again, because the batch has ended.

    Its inputs are `unknown` if they may have been written, otherwise `not_sent`.
    """

    chunk: Chunk


@immutable
class NoteSplit:
    """A refused chunk is split into this many parts, which the next effects requeue."""

    chunk: Chunk
    error: APIError
    parts: int


@immutable
class Requeue:
    """Chunks return to the queue, to be sent again.

    If the batch has ended they are not sent: their inputs become `unknown` with the
    error `error_if_ended`, or are dropped if it is None (see `ended_instead`).
    """

    chunks: list[Chunk]
    place: Place = Place.NEXT
    error_if_ended: RecordError | None = None


@immutable
class Unpark:
    """The parked chunks are sent next, because HubSpot was able to read a call."""


@immutable
class Wait:
    """The same worker sends a chunk again after `seconds`.

    If the batch has ended it does not; see `Requeue` for `error_if_ended`.
    """

    chunk: Chunk
    seconds: float
    verdict: Throttled | Unauthorized | Retryable | EndpointNotFound
    error_if_ended: RecordError | None = None

    def requeued(self) -> Requeue:
        """Return the effect of another worker sending the chunk, after fresh ones."""
        return Requeue([self.chunk], Place.BEHIND, self.error_if_ended)


@immutable
class WaitOut:
    """HubSpot is down: the next request of the batch is sent after `seconds`.

    Until HubSpot answers, only one request at a time is sent.

    Attributes:
        left: for how many seconds the batch would wait from now on.
        error: the error of the request that showed it.
        repeats: whether the inputs of that request are sent again.
    """

    seconds: float
    left: float
    error: APIError
    repeats: bool


@immutable
class HoldAll:
    """No request of the account may be sent for `seconds`.

    HubSpot's answer `throttled` asked for the wait; its `retry_after` may be longer,
    because the policy caps it.
    """

    chunk: Chunk
    seconds: float
    throttled: Throttled


@immutable
class LimitInputs:
    """Chunks have at most `max_inputs` inputs from now on."""

    max_inputs: int


@immutable
class LimitBytes:
    """Chunks have at most `max_bytes` bytes of inputs from now on."""

    max_bytes: int


@immutable
class EndBatch:
    """The batch ends with an error: only requests in flight are finished."""

    error: HubBatchError


OutcomeEffect: TypeAlias = NoteAnswer | Succeed | Fail | Drop
QueueEffect: TypeAlias = Requeue | Unpark | LimitInputs | LimitBytes
Effect: TypeAlias = (
    OutcomeEffect | QueueEffect | NoteSplit | Wait | WaitOut | HoldAll | EndBatch
)


def ended_instead(effect: Requeue | Wait, chunk: Chunk) -> Fail | Drop:
    """Return the effect that replaces resending a chunk once the batch has ended."""
    if effect.error_if_ended is None:
        return Drop(chunk)
    return Fail(chunk, OutcomeStatus.UNKNOWN, effect.error_if_ended)


def chunks_of(effect: Effect) -> list[Chunk]:
    """Return the chunks whose inputs an effect settles or sends again."""
    match effect:
        case Succeed() | Fail() | Drop() | Wait():
            return [effect.chunk]
        case Requeue():
            return effect.chunks
        case _:
            return []


def settles(effect: Effect) -> bool:
    """Return whether an effect is an outcome that HubSpot's answer decided."""
    failed = isinstance(effect, Fail) and effect.status is OutcomeStatus.FAILED
    return failed or isinstance(effect, Succeed)

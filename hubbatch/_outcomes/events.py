"""The events of a batch: one vocabulary for logs, metrics and progress.

Events never contain property values, HubSpot's messages (they quote values) or tokens.
"""

from hubbatch._classes import frozen

from .outcome import Summary


@frozen(kw_only=True)
class Event:
    """The base class of all events.

    Attributes:
        account: the portal id; None if the client does not know it.
        operation: the object type and the verb, e.g. `tickets.update`.
        batch: the number of the batch, unique in this process.
    """

    account: str | None
    operation: str
    batch: int = 0


@frozen(kw_only=True)
class BatchBegun(Event):
    """A batch begins. Its other events follow, in the same task or in its child tasks.

    Attributes:
        lane: `bulk`, or `single` for calls on single records that share requests.
    """

    lane: str


@frozen(kw_only=True)
class ChunkEvent(Event):
    """The base class of events about a chunk: the inputs that share a request.

    Attributes:
        first_index: the index of its first input in the batch.
        inputs: the number of its inputs, duplicates included.
    """

    first_index: int
    inputs: int


@frozen(kw_only=True)
class ChunkCut(ChunkEvent):
    """A worker has taken a new chunk and will send it next."""


@frozen(kw_only=True)
class ChunkSent(ChunkEvent):
    """A request is about to be sent.

    Attributes:
        attempt: the number of the attempt to send this chunk, from 1.
        waited: the seconds that it waited for the rate limit, or because the maximum
            number of concurrent requests was in flight.
        method: the HTTP method.
        path: the path of the URL; it contains no record's id.
    """

    attempt: int
    waited: float = 0.0
    method: str = ""
    path: str = ""


@frozen(kw_only=True)
class ChunkAnswered(ChunkEvent):
    """A request has ended, with or without an answer, or because it was cancelled.

    The event is emitted in the same task as the `ChunkSent`.

    Attributes:
        attempt: the number of the attempt to send this chunk, from 1.
        status: the HTTP status; None if no complete answer came.
        seconds: the duration of the request, without the wait before it.
        daily_remaining: the requests left of the account's daily limit, from the header
            `X-HubSpot-RateLimit-Daily-Remaining`; None if the answer has none.
    """

    attempt: int
    status: int | None
    seconds: float
    daily_remaining: int | None


@frozen(kw_only=True)
class ChunkSettled(ChunkEvent):
    """HubSpot answered a chunk.

    Attributes:
        succeeded: the inputs that succeeded.
        failed: the inputs that HubSpot refused; the others have no outcome yet.
        seconds: from the beginning of the last attempt to its answer.
    """

    succeeded: int
    failed: int
    seconds: float


@frozen(kw_only=True)
class ChunkRetried(ChunkEvent):
    """A chunk is sent again after a wait.

    Attributes:
        wait: the seconds until it may be sent; the rate limit may take longer.
        status: the HTTP status of the failed attempt; None if it got no answer.
        category: the `category` of HubSpot's error, if it has one.
        correlation_id: HubSpot's id of the failed request, if it has one.
    """

    wait: float
    status: int | None
    category: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class ChunkThrottled(ChunkEvent):
    """HubSpot answered a chunk with 429, so the requests of the account wait.

    Attributes:
        retry_after: the wait that HubSpot requests, in seconds.
        policy: HubSpot's name for the limit, e.g. `TEN_SECONDLY_ROLLING`; None if the
            answer names none.
    """

    retry_after: float
    policy: str | None = None


@frozen(kw_only=True)
class ChunkIsolated(ChunkEvent):
    """HubSpot refused a chunk or failed on it, so the chunk is sent again in parts.

    Attributes:
        parts: the number of parts.
        status: the HTTP status of the refusal; None if it got no answer.
        category: the `category` of HubSpot's error, if it has one.
        correlation_id: HubSpot's id of the refused request, if it has one.
    """

    parts: int
    status: int | None
    category: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class HubSpotDown(Event):
    """HubSpot is down, and a batch with `patience` waits for it.

    The event is emitted after each request that shows it. Then the next one is sent
    after a wait, and no other until it has ended.

    Attributes:
        wait: the seconds until the next request.
        left: for how many seconds the batch would wait from now on.
        status: the HTTP status of the last request; None if it got no answer.
        category: the `category` of HubSpot's error, if it has one.
        correlation_id: HubSpot's id of the last request, if it has one.
    """

    wait: float
    left: float
    status: int | None
    category: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class InputFailed(Event):
    """An input did not succeed.

    Inputs that are not sent because the batch has ended have no event, because there
    may be millions of them. `BatchEnded.summary.not_sent` counts them.

    Attributes:
        index: the position of the input in the source, from 0.
        status: the status of its outcome: `failed`, `unknown` or `not_sent`.
        category: the `category` of its error, HubSpot's or hubbatch's.
        code: HubSpot's error code, if it has one.
        property_name: the property at fault, if it is known.
        correlation_id: HubSpot's id of the request, if it is known.
    """

    index: int
    status: str
    category: str | None
    code: str | None
    property_name: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class JournalWritten(Event):
    """A job has written its journal to disk; it may come after the last `BatchEnded`.

    Attributes:
        pending: the rows that were read and have no final outcome yet.
    """

    pending: int


@frozen(kw_only=True)
class BatchEnded(Event):
    """A batch has ended: every input that was taken has its outcome.

    Attributes:
        lane: `bulk` or `single`, as in `BatchBegun`.
        summary: a copy of the final counts.
        error: the class name of the exception that ended the batch early, if any.
    """

    lane: str = "bulk"
    summary: Summary
    error: str | None

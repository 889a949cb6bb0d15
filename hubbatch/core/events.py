"""What happens in a batch, as values: one vocabulary for logs, metrics and progress.

None of them holds a property's value, HubSpot's message (it quotes values) or a token.
"""

from attrs import frozen

from .outcomes import Summary


@frozen(kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        account: the portal id, where the client knows it.
        operation: the object type and the verb, e.g. `tickets.update`.
        batch: a number that all events of one batch have, and of no other in this
            process.
    """

    account: str | None
    operation: str
    batch: int = 0


@frozen(kw_only=True)
class BatchBegun(Event):
    """A batch begins; its other events follow, in this task or in tasks of it.

    Attributes:
        lane: `bulk`, or `single` for calls on single records that ride together.
    """

    lane: str


@frozen(kw_only=True)
class ChunkEvent(Event):
    """Something that happened to a chunk.

    Attributes:
        first_index: the index of its first input.
        inputs: how many inputs it has.
    """

    first_index: int
    inputs: int


@frozen(kw_only=True)
class ChunkCut(ChunkEvent):
    """Inputs were put into a chunk that may leave now."""


@frozen(kw_only=True)
class ChunkSent(ChunkEvent):
    """A request leaves.

    Attributes:
        attempt: which of the chunk's, from 1.
        waited: seconds that it waited for leave: for the rate limit, or for a place
            among the requests that may be under way.
        method: HTTP's.
        path: HubSpot's; it names no record.
    """

    attempt: int
    waited: float = 0.0
    method: str = ""
    path: str = ""


@frozen(kw_only=True)
class ChunkAnswered(ChunkEvent):
    """A request is over, whatever it came to; told in the task that sent it.

    Attributes:
        attempt: which of the chunk's, from 1.
        status: the HTTP status; None if no whole answer came.
        seconds: from when it left.
        daily_remaining: what HubSpot says is left of the account's day, if it does.
    """

    attempt: int
    status: int | None
    seconds: float
    daily_remaining: int | None


@frozen(kw_only=True)
class ChunkSettled(ChunkEvent):
    """HubSpot answered for the inputs of a chunk; it took so many seconds."""

    succeeded: int
    failed: int
    seconds: float


@frozen(kw_only=True)
class ChunkRetried(ChunkEvent):
    """A chunk goes out again, `wait` seconds from now at the earliest."""

    wait: float
    status: int | None
    category: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class ChunkThrottled(ChunkEvent):
    """HubSpot answered 429: nobody sends for so many seconds.

    `policy` is HubSpot's name of the limit, e.g. `TEN_SECONDLY_ROLLING`.
    """

    retry_after: float
    policy: str | None = None


@frozen(kw_only=True)
class ChunkIsolated(ChunkEvent):
    """HubSpot refused a chunk, or failed on it, and it is sent again in `parts`."""

    parts: int
    status: int | None
    category: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class InputFailed(Event):
    """An input did not succeed; `status` is that of its outcome.

    Inputs that are not sent because the batch has ended have no such event: there may
    be a million of them. `BatchEnded.summary.not_sent` counts them.
    """

    index: int
    status: str
    category: str | None
    code: str | None
    property_name: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class JournalWritten(Event):
    """What a job has noted is on the disk; told after its last batch ended, too.

    Attributes:
        pending: how many rows that were read have no final outcome yet.
    """

    pending: int


@frozen(kw_only=True)
class BatchEnded(Event):
    """A batch is over; `error` names what ended it before its source did."""

    lane: str = "bulk"
    summary: Summary
    error: str | None

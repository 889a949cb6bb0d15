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
    """

    account: str | None
    operation: str


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
    """A request leaves; `attempt` counts from 1."""

    attempt: int


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
    """HubSpot answered 429: nobody sends for so many seconds."""

    retry_after: float


@frozen(kw_only=True)
class ChunkIsolated(ChunkEvent):
    """HubSpot refused a chunk, and its inputs are sent again in so many parts."""

    parts: int
    status: int | None
    category: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class InputFailed(Event):
    """An input did not succeed; `status` is that of its outcome."""

    index: int
    status: str
    category: str | None
    code: str | None
    property_name: str | None
    correlation_id: str | None


@frozen(kw_only=True)
class BatchEnded(Event):
    """A batch is over; `error` names what ended it before its source did."""

    summary: Summary
    error: str | None

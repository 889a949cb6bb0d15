"""What an answer, or the lack of one, means for a chunk: a closed union."""

from typing import Literal, TypeAlias, assert_never

from attrs import frozen

from hubbatch.errors import APIError, HubBatchError, ProxyError

from .settling import Settlement


@frozen
class Answered:
    """HubSpot accepted the request; the settlement says what became of each input."""

    settlement: Settlement


@frozen
class Refused:
    """HubSpot refused the whole request for what is in it.

    `because` is `"duplicates"`, `"inputs"` (too many) or `"bytes"` (too large) where no
    record is at fault, and `"syntax"` where HubSpot cannot read the request: one value
    of one record, or all of it. `written`: HubSpot may have written a part of it
    nevertheless. `wordless`: the answer does not say what is wrong, and may be a
    proxy's.
    """

    error: APIError
    because: Literal["records", "duplicates", "inputs", "bytes", "syntax"] = "records"
    written: bool = False
    wordless: bool = False


@frozen
class Throttled:
    """The request was over a rate limit and was not processed.

    `policy` is HubSpot's name of the limit, where the answer has one.
    """

    retry_after: float
    policy: str | None = None


@frozen
class Retryable:
    """The request failed for a passing reason.

    `arrived`: HubSpot may have processed it. `strange`: the answer may be to another
    request.
    """

    error: APIError
    arrived: bool
    retry_after: float = 0.0
    strange: bool = False


@frozen
class Unauthorized:
    """HubSpot does not accept the token; it may accept a new one."""

    error: APIError


@frozen
class EndpointNotFound:
    """A 404 for the path: it is wrong, unless other chunks were answered on it."""

    error: APIError


@frozen
class Blocked:
    """A proxy refused the request: for good, unless other chunks were answered.

    `arrived`: HubSpot may have processed it. Some proxies replace an answer by a page
    of their own.
    """

    error: ProxyError
    arrived: bool


@frozen
class Fatal:
    """No chunk of this batch can succeed."""

    error: HubBatchError


Verdict: TypeAlias = (
    Answered
    | Refused
    | Throttled
    | Retryable
    | Unauthorized
    | EndpointNotFound
    | Blocked
    | Fatal
)


def is_strange(verdict: Verdict) -> bool:
    """Whether an answer, or a part of it, may be to another request."""
    if isinstance(verdict, Answered):
        return verdict.settlement.strange
    return isinstance(verdict, Retryable) and verdict.strange


def may_have_written(verdict: Verdict) -> bool:
    """Whether HubSpot may have processed the request that a verdict is about."""
    match verdict:
        case Answered():
            return True
        case Refused():
            return verdict.written
        case Retryable() | Blocked():
            return verdict.arrived
        case Throttled() | Unauthorized() | EndpointNotFound() | Fatal():
            return False
        case _:
            assert_never(verdict)

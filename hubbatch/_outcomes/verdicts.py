"""Verdicts: the meaning of an answer, or of its absence, for a chunk."""

from typing import Literal, TypeAlias, assert_never

from hubbatch._classes import immutable
from hubbatch.errors import APIError, HubBatchError, ProxyError

from .matching import MatchedAnswer


@immutable
class Answered:
    """HubSpot accepted the request; `matched` has the result of each input."""

    matched: MatchedAnswer


@immutable
class Refused:
    """HubSpot refused the whole request because of its content.

    Attributes:
        because: the part that is wrong. `"records"`: some of the records.
            `"duplicates"`, `"inputs"` (too many) and `"bytes"` (too large): the chunk,
            but no record. `"syntax"`: HubSpot cannot parse one value of one record, or
            any request.
        written: whether HubSpot may have written some of it nevertheless.
        wordless: whether the answer does not say what is wrong; it may be a proxy's.
    """

    error: APIError
    because: Literal["records", "duplicates", "inputs", "bytes", "syntax"] = "records"
    written: bool = False
    wordless: bool = False


@immutable
class Throttled:
    """The request exceeded a rate limit and was not processed.

    Attributes:
        retry_after: the wait that HubSpot requests, in seconds.
        policy: HubSpot's name of the limit; None if the answer names none.
    """

    retry_after: float
    policy: str | None = None


@immutable
class Retryable:
    """The request failed for a temporary reason.

    Attributes:
        maybe_processed: whether HubSpot may have processed it.
        retry_after: the wait that HubSpot requests, in seconds.
        strange: whether the answer may belong to another request.
    """

    error: APIError
    maybe_processed: bool
    retry_after: float = 0.0
    strange: bool = False


@immutable
class Unauthorized:
    """HubSpot does not accept the token; it may accept a new one."""

    error: APIError


@immutable
class EndpointNotFound:
    """HubSpot answered 404 for the path.

    The path is wrong, unless HubSpot has answered other chunks on it.
    """

    error: APIError


@immutable
class Blocked:
    """A proxy refused the request: permanently, unless other chunks got an answer.

    Attributes:
        maybe_processed: whether HubSpot may have processed it. Some proxies replace
            HubSpot's answer with a page of their own.
    """

    error: ProxyError
    maybe_processed: bool


@immutable
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
    """Return whether any part of the answer may belong to another request."""
    if isinstance(verdict, Answered):
        return verdict.matched.strange
    return isinstance(verdict, Retryable) and verdict.strange


def may_have_written(verdict: Verdict) -> bool:
    """Return whether HubSpot may have processed the request."""
    match verdict:
        case Answered():
            return True
        case Refused():
            return verdict.written
        case Retryable() | Blocked():
            return verdict.maybe_processed
        case Throttled() | Unauthorized() | EndpointNotFound() | Fatal():
            return False
        case _:
            assert_never(verdict)


Temporary: TypeAlias = Retryable | EndpointNotFound | Throttled
"""The verdicts after which a chunk may be sent again unchanged."""

_NO_PERMIT = (
    "HubSpot's rate limit allowed no request within the time of the RetryPolicy"
)


def cause_of(verdict: Temporary) -> APIError:
    """Return the error of the last request of a chunk that is given up."""
    if isinstance(verdict, Throttled):
        return APIError(_NO_PERMIT, status=429)
    return verdict.error


def reason_of(verdict: Temporary) -> tuple[str, str | None]:
    """Return why a chunk is given up, and the correlation id of its last request."""
    if isinstance(verdict, Throttled):
        return _NO_PERMIT, None
    return str(verdict.error), verdict.error.correlation_id

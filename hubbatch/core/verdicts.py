"""What an answer, or the lack of one, means for a chunk: a closed union."""

from typing import Literal, TypeAlias, assert_never

from attrs import frozen

from hubbatch.errors import APIError, HubBatchError, ProxyError

from .settling import Settlement


@frozen
class Answered:
    """HubSpot took the chunk; the settlement says what became of each input."""

    settlement: Settlement


@frozen
class Refused:
    """HubSpot refused the whole chunk for what is in it.

    `because` is `"duplicates"`, `"inputs"` (too many) or `"bytes"` (too large) where no
    record is to blame, and `"syntax"` where HubSpot cannot read the call: one value of
    one record, or all of it. `written` is whether HubSpot may have written a part of it
    all the same. `wordless` is whether nothing says what is wrong: it may be a proxy's
    word, and not HubSpot's.
    """

    error: APIError
    because: Literal["records", "duplicates", "inputs", "bytes", "syntax"] = "records"
    written: bool = False
    wordless: bool = False


@frozen
class Throttled:
    """Over the rate limit: everybody waits, nothing was processed.

    `policy` is HubSpot's name of the limit, where it gave one.
    """

    retry_after: float
    policy: str | None = None


@frozen
class Again:
    """It failed for a passing reason.

    `arrived` is whether HubSpot may have processed it. `strange` is whether an answer
    came that may be to another request.
    """

    error: APIError
    arrived: bool
    retry_after: float = 0.0
    strange: bool = False


@frozen
class Unauthorized:
    """The token is not accepted; another one may be."""

    error: APIError


@frozen
class Missing:
    """A 404 for the path: wrong, unless other chunks have been answered on it."""

    error: APIError


@frozen
class Blocked:
    """Something on the way refused it: for good, unless other chunks were answered.

    `arrived` is whether HubSpot may have processed it: some proxies replace an answer
    that they do not like by a page of their own.
    """

    error: ProxyError
    arrived: bool


@frozen
class Ended:
    """No chunk of this batch can succeed any more."""

    error: HubBatchError


Verdict: TypeAlias = (
    Answered | Refused | Throttled | Again | Unauthorized | Missing | Blocked | Ended
)


def is_strange(verdict: Verdict) -> bool:
    """Whether an answer, or a part of it, may be to another request."""
    if isinstance(verdict, Answered):
        return verdict.settlement.strange
    return isinstance(verdict, Again) and verdict.strange


def may_have_written(verdict: Verdict) -> bool:
    """Whether HubSpot may have processed the request that a verdict is about."""
    match verdict:
        case Answered():
            return True
        case Refused():
            return verdict.written
        case Again() | Blocked():
            return verdict.arrived
        case Throttled() | Unauthorized() | Missing() | Ended():
            return False
        case _:
            assert_never(verdict)

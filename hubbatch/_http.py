"""The values of an HTTP exchange, which can be interpreted without IO."""

from collections.abc import Mapping, Sequence

from attrs import Factory, field

from hubbatch._immutable import immutable


# An answer's report of its app's window, and of the account's daily limit if it has one
# ("Usage guidelines").
WINDOW_LIMIT = "X-HubSpot-RateLimit-Max"
WINDOW_REMAINING = "X-HubSpot-RateLimit-Remaining"
DAILY_LIMIT = "X-HubSpot-RateLimit-Daily"
DAILY_REMAINING = "X-HubSpot-RateLimit-Daily-Remaining"

_MAX_DIGITS = 16  # `int` refuses thousands of digits


@immutable
class Request:
    """An HTTP request. Its repr omits the headers, because they contain the token."""

    method: str
    path: str
    query: Mapping[str, str | Sequence[str]] = Factory(dict)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@immutable
class Response:
    """A complete HTTP response. Lookups in `headers` ignore case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@immutable
class NoAnswer:
    """No complete response came.

    Attributes:
        sent: whether the request may have reached HubSpot.
        reason: the cause, for an error message.
        untrusted: the host whose certificate is not trusted, if that is the reason.
        proxy_status: the status with which a proxy refused to connect, if that is the
            reason.
    """

    sent: bool
    reason: str
    untrusted: str | None = None
    proxy_status: int | None = None


Answer = Response | NoAnswer


def whole_number(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header as a whole number; None if it is missing or not a number."""
    value = headers.get(name, "")
    return int(value) if len(value) < _MAX_DIGITS and value.isdecimal() else None

"""One HTTP exchange as values, so that what it means can be decided without IO."""

from collections.abc import Mapping, Sequence

from attrs import Factory, field, frozen


# What an answer reports of its app's window, and of the account's day, where it has one
# ("Usage guidelines").
WINDOW_LIMIT = "X-HubSpot-RateLimit-Max"
WINDOW_REMAINING = "X-HubSpot-RateLimit-Remaining"
DAILY_LIMIT = "X-HubSpot-RateLimit-Daily"
DAILY_REMAINING = "X-HubSpot-RateLimit-Daily-Remaining"

_SENSIBLE = 16  # digits; Python refuses to read numbers of thousands


@frozen
class Request:
    """What is sent. Headers stay out of the repr: one of them is the token."""

    method: str
    path: str
    query: Mapping[str, str | Sequence[str]] = Factory(dict)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@frozen
class Response:
    """What came back, read to its end. Header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@frozen
class NoAnswer:
    """No answer came, or not a whole one.

    Attributes:
        sent: whether the request may have reached HubSpot.
        untrusted: the host whose certificate is not trusted, if that is why.
        proxy_status: the status by which a proxy refused to connect, if that is why.
    """

    sent: bool
    reason: str
    untrusted: str | None = None
    proxy_status: int | None = None


Answer = Response | NoAnswer


def whole_number(headers: Mapping[str, str], name: str) -> int | None:
    """Read a header that is a number of a sensible length; None if it is not."""
    text = headers.get(name, "")
    return int(text) if len(text) < _SENSIBLE and text.isdecimal() else None

"""Requests, answers and refusals as plain values."""

import functools

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import quote

import attrs
import msgspec


JSON = "application/json;charset=utf-8"

VALIDATION_ERROR: Final = "VALIDATION_ERROR"

# Jetty's page, recorded in 2024; header and page disagree about the charset.
HTML = "text/html;charset=iso-8859-1"
_PAGE = (
    "<html>\n<head>\n"
    '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
    "<title>Error {status} {reason}</title>\n"
    "</head>\n<body><h2>HTTP ERROR {status}</h2>\n"
    "<p>{text}</p>\n</body>\n</html>\n"
)


def seeded_random(seed: object) -> Random:
    """Return a random generator with the same sequence for equal seeds."""
    return Random(str(seed))  # noqa: S311 -- reproducible, not cryptographic


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@functools.lru_cache(maxsize=4096)
def iso(milliseconds: int) -> str:
    """Return an instant in HubSpot's format: UTC with `Z`.

    Recorded of all properties and dates: "2026-03-12T10:00:00Z", without milliseconds
    if they are zero, as Java prints instants.
    """
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    timespec = "milliseconds" if milliseconds % 1000 else "seconds"
    return instant.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def correlation_id(now: int, rng: Random) -> str:
    """Return a version 7 UUID, as recorded since early 2026."""
    tail = f"{rng.getrandbits(74):019x}"
    head = f"{now:012x}"
    variant = "89ab"[int(tail[3], 16) & 3]
    return f"{head[:8]}-{head[8:]}-7{tail[:3]}-{variant}{tail[4:7]}-{tail[7:19]}"


@attrs.frozen
class Request:
    """A request with its undecoded body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    kept: bool = False  # Whether its connection has carried a request before.
    origin: str = "https://api.hubapi.com"  # The scheme and the host, with its port.

    @property
    def url(self) -> str:
        """The URL without its query."""
        return f"{self.origin}{quote(self.path)}"

    @property
    def token(self) -> str | None:
        """The bearer token; None if the request has none."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None


@attrs.frozen
class Answer:
    """A status, a body and its type, and further headers."""

    status: int
    content: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def below(self, headers: Mapping[str, str]) -> "Answer":
        """Return the answer with further headers, which its own ones replace."""
        # Not attrs.evolve, which takes ten times as long: every answer gets some.
        merged = {**headers, **self.headers}
        return Answer(self.status, self.content, self.content_type, merged)


def as_json(status: int, value: object, headers: Mapping[str, str] = {}) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, msgspec.json.encode(value), JSON, headers)


def html_page(status: int, reason: str, text: str) -> Answer:
    """Return the HTML page of the server in front of the API."""
    html = _PAGE.format(status=status, reason=reason, text=text)
    headers = {"Cache-Control": "must-revalidate,no-cache,no-store"}
    if status == 404:  # noqa: PLR2004
        headers["X-HubSpot-NotFound"] = "true"
    return Answer(status, html.encode("latin-1"), HTML, headers)


_COMMON_HEADERS: Final = {
    "Server": "cloudflare",
    "CF-Cache-Status": "DYNAMIC",
    "Vary": "origin, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}


def with_common_headers(answer: Answer, correlation: str) -> Answer:
    """Add the correlation id and the headers that all answers have."""
    headers = {
        **_COMMON_HEADERS,
        "X-HubSpot-Correlation-Id": correlation,
        "X-Request-Id": correlation,
    }
    return answer.below(headers)


@attrs.define
class Refusal(Exception):
    """HubSpot refuses a whole request.

    Attributes:
        status: The HTTP status.
        message: The message; None leaves the key out of the body.
        category: The category; None leaves the key out of the body.
        fields: The keys between `correlationId` and `category`.
        headers: Further headers of the answer.
        first: The keys before `status`.
        last: The keys after `category`.
    """

    status: int
    message: str | None
    category: str | None = None
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    first: Mapping[str, Any] = attrs.field(factory=dict)
    last: Mapping[str, Any] = attrs.field(factory=dict)

    def answer(self, correlation: str) -> Answer:
        """Return the answer, with its keys in the recorded order."""
        body = {
            **self.first,
            "status": "error",
            "message": self.message,
            "correlationId": correlation,
            **self.fields,
        }
        if self.message is None:
            del body["message"]
        if self.category is not None:
            body["category"] = self.category
        body |= self.last
        return as_json(self.status, body, self.headers)

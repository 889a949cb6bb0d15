"""What crosses the wire, as plain values: requests, answers and refusals."""

import functools

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import attrs
import orjson


JSON = "application/json;charset=utf-8"

# As recorded in 2024: the page is Jetty's, and its charset is not the body's.
HTML = "text/html;charset=iso-8859-1"
_PAGE = (
    "<html>\n<head>\n"
    '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
    "<title>Error {status} {reason}</title>\n"
    "</head>\n<body><h2>HTTP ERROR {status}</h2>\n"
    "<p>{text}</p>\n</body>\n</html>\n"
)


def dice(seed: object) -> Random:
    """Return a source of chance that repeats itself for a seed."""
    return Random(str(seed))  # noqa: S311  # to be repeated, not to be secret


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@functools.lru_cache(maxsize=4096)
def iso(milliseconds: int) -> str:
    """Write an instant as HubSpot does: UTC, three digits, `Z`."""
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    return instant.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def correlation_id(now: int, chance: Random) -> str:
    """Make an id like a version 7 UUID, the kind seen since early 2026."""
    tail = f"{chance.getrandbits(74):019x}"
    head = f"{now:012x}"
    variant = "89ab"[int(tail[3], 16) & 3]
    return f"{head[:8]}-{head[8:]}-7{tail[:3]}-{variant}{tail[4:7]}-{tail[7:19]}"


@attrs.frozen
class Request:
    """One request as it came in, before anybody looked at its body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    kept: bool = False  # not the first one on its connection

    @property
    def token(self) -> str | None:
        """The bearer token, if one was sent."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None


@attrs.frozen
class Answer:
    """A status, headers and the bytes of a body."""

    status: int
    content: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)


def as_json(status: int, value: object, headers: Mapping[str, str] = {}) -> Answer:
    """Answer with JSON."""
    return Answer(status, orjson.dumps(value), JSON, headers)


def page(status: int, reason: str, text: str) -> Answer:
    """Answer with the page that the server in front of the API shows."""
    html = _PAGE.format(status=status, reason=reason, text=text)
    headers = {"Cache-Control": "must-revalidate,no-cache,no-store"}
    if status == 404:  # noqa: PLR2004
        headers["X-HubSpot-NotFound"] = "true"
    return Answer(status, html.encode("latin-1"), HTML, headers)


_USUAL: Final = {
    "Server": "cloudflare",
    "CF-Cache-Status": "DYNAMIC",
    "Vary": "origin, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}


def with_usual_headers(answer: Answer, correlation: str) -> Answer:
    """Add what every answer has: its id twice, and those of the server in front."""
    headers = {
        **_USUAL,
        "X-HubSpot-Correlation-Id": correlation,
        "X-Request-Id": correlation,
        **answer.headers,
    }
    return attrs.evolve(answer, headers=headers)


@attrs.define
class Refusal(Exception):  # it refuses; nothing went wrong
    """HubSpot's answer to a whole request that it does not take."""

    status: int
    message: str | None
    category: str | None = None
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    first: Mapping[str, Any] = attrs.field(factory=dict)

    def answer(self, correlation: str) -> Answer:
        """Write it down in the order of keys that was recorded."""
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
        return as_json(self.status, body, self.headers)

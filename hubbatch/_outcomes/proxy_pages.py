"""Detects answers from proxies, firewalls and gateways instead of HubSpot."""

from collections.abc import Mapping
from typing import Any

from hubbatch._http import Response
from hubbatch.errors import ProxyError


# HubSpot's error objects have at least one of these ("Handling errors"); a gateway's
# JSON usually has only a message.
_OWN_FIELDS = (
    "category",
    "context",
    "correlationId",
    "errorType",
    "errors",
    "validationResults",
)
_OWN_HEADERS = ("X-HubSpot-Correlation-Id", "X-HubSpot-Auth-Failure")

_READ_BYTES = 16_384  # a page begins with its title
_LONGEST_TITLE = 100


def is_hubspots(response: Response, payload: Mapping[str, Any]) -> bool:
    """Return whether an error comes from HubSpot; `payload` is its JSON object."""
    if payload:
        return payload.get("status") == "error" or any(
            name in payload for name in _OWN_FIELDS
        )
    # An empty body is HubSpot's if the headers are. A page never is: a proxy that
    # replaces the body may keep HubSpot's headers.
    return not response.body and any(name in response.headers for name in _OWN_HEADERS)


def proxy_error(response: Response) -> ProxyError:
    """Return the error of an answer that does not come from HubSpot."""
    page = response.body[:_READ_BYTES].decode("utf-8", "replace")
    found = _title(page)
    title = _one_line(page if found is None else found)
    if found is not None:
        what = f"a page titled {title!r}"
    else:
        what = f"it begins with {title!r}" if title else "it is empty"
    if response.status >= 500:  # noqa: PLR2004 -- HTTP's own figures
        advice = "HubSpot's front end or a proxy answered instead of its API."
    else:
        advice = (
            "A proxy, a firewall or a gateway answered instead of HubSpot. Check "
            "base_url and the proxy settings (HTTPS_PROXY), or ask your network "
            "administrator."
        )
    error = ProxyError(
        f"The answer is not HubSpot's JSON: {what}",
        advice=advice,
        status=response.status,
        correlation_id=response.headers.get("X-HubSpot-Correlation-Id"),
    )
    error.title = title or None
    return error


def _title(page: str) -> str | None:
    """Return the title of a page; None if it has none."""
    lower = page.lower()
    tag = lower.find("<title")
    begin = lower.find(">", tag) if tag >= 0 else -1
    end = lower.find("</title", begin) if begin >= 0 else -1
    return page[begin + 1 : end] if end >= 0 else None


def connect_error(status: int, reason: str) -> ProxyError:
    """Return the error of a proxy that refuses to connect to HubSpot."""
    title = _one_line(reason)
    error = ProxyError(
        f"The proxy refuses to connect to HubSpot: {title or status}",
        advice="Check HTTPS_PROXY, which may hold a login "
        "(http://user:password@proxy:3128), and NO_PROXY.",
        status=status,
    )
    error.title = title or None
    return error


def _one_line(text: str) -> str:
    """Return the start of a page, without markup, line breaks or control codes."""
    from html import unescape  # noqa: PLC0415 -- it loads a large table

    words = " ".join(unescape(text).split())
    return "".join(letter for letter in words if letter.isprintable())[:_LONGEST_TITLE]

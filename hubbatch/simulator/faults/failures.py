"""The answers of failing requests: throttled, locked, migrating or broken."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from random import Random
from typing import Final
from uuid import UUID

import attrs

from hubbatch.simulator.crm.accounts import invalid_token, missing_scopes
from hubbatch.simulator.crm.property_types import Problem
from hubbatch.simulator.faults.faults import Fault
from hubbatch.simulator.wire import (
    HTML,
    VALIDATION_ERROR,
    Answer,
    Refusal,
    as_json,
    html_page,
)


REASONS: Final = {
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
    525: "SSL handshake failed",
    526: "Invalid SSL certificate",
}

# Cloudflare's template; HubSpot's own 502 page was never published.
_CLOUDFLARE = (
    "<!DOCTYPE html>\n<html>\n<head>\n<title>api.hubapi.com | {status}: {reason}"
    "</title>\n</head>\n<body>\n<h1>Error {status}</h1>\n<p>The web server reported "
    "a {reason} error.</p>\n</body>\n</html>\n"
)

# nginx's page, as a reverse proxy in front of HubSpot would send it.
_NGINX = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
    "<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)

# "account migrating between data centres ... Retry-After, typically up to 24 hours"
MIGRATION_SECONDS: Final = 24 * 3600

TOO_MANY_REQUESTS: Final = 429

_DAY_LEFT: Final = {"X-HubSpot-RateLimit-Daily-Remaining"}
_WINDOW_LEFT: Final = {
    "X-HubSpot-RateLimit-Remaining",
    "X-HubSpot-RateLimit-Secondly-Remaining",
}


def throttled(policy: str, correlation: str, group: str, rng: Random) -> Answer:
    """Return the 429 of a policy."""
    words = {"DAILY": "daily", "SECONDLY": "secondly"}
    body: dict[str, object] = {
        "status": "error",
        "message": f"You have reached your {words.get(policy, policy.lower())} limit.",
    }
    if policy == "SECONDLY":
        # 69 recordings: a category, and neither errorType nor policyName.
        body |= {"correlationId": correlation, "category": "RATE_LIMITS"}
    elif policy == "DAILY":
        request = str(UUID(int=rng.getrandbits(128), version=4))
        body |= {"errorType": "RATE_LIMIT", "correlationId": correlation}
        body |= {"policyName": policy, "requestId": request}
    else:
        body |= {"errorType": "RATE_LIMIT", "correlationId": correlation}
        body |= {"policyName": policy, "groupName": group}
    return as_json(429, body)


def limits(headers: Mapping[str, str], policy: str) -> dict[str, str]:
    """Return the rate-limit headers of a 429 of this policy."""
    if policy == "SECONDLY":
        # Recorded with the daily headers only.
        return {name: value for name, value in headers.items() if "Daily" in name}
    zeroed = _DAY_LEFT if policy == "DAILY" else _WINDOW_LEFT
    return {name: "0" if name in zeroed else value for name, value in headers.items()}


def proxy(fault: Fault) -> Answer:
    """Return the answer of a proxy in front of HubSpot, without HubSpot's headers."""
    if fault.empty:
        answer = Answer(fault.status)
    elif fault.body is not None and not isinstance(fault.body, str):
        answer = as_json(fault.status, fault.body)
    else:
        phrases = {status.value: status.phrase for status in HTTPStatus}
        title = f"{fault.status} {phrases.get(fault.status, 'Error')}"
        html = fault.body or _NGINX.format(title=title)
        answer = Answer(fault.status, html.encode(), "text/html")
    headers = {"Server": "nginx", **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after).removesuffix(".0")
    return attrs.evolve(answer, headers=headers)


def scripted(
    fault: Fault,
    correlation: str,
    group: str,
    rng: Random,
    scopes: Collection[str] = (),
) -> Answer:
    """Return the answer that a fault of kind `status` describes."""
    if fault.empty:
        answer = Answer(fault.status)
    elif isinstance(fault.body, str):
        answer = Answer(fault.status, fault.body.encode(), HTML)
    elif fault.body is not None:
        answer = as_json(fault.status, fault.body)
    else:
        answer = _default_answer(fault, correlation, group, rng, scopes)
    headers = {**answer.headers, **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after).removesuffix(".0")
    elif fault.status == 477:  # noqa: PLR2004
        headers["Retry-After"] = str(MIGRATION_SECONDS)
    return attrs.evolve(answer, headers=headers)


def _default_answer(
    fault: Fault,
    correlation: str,
    group: str,
    rng: Random,
    scopes: Collection[str],
) -> Answer:
    status = fault.status
    if status in _REFUSED:
        return _refused(status, scopes).answer(correlation)
    match status:
        case 429:
            return throttled(fault.policy, correlation, group, rng)
        case 404:
            return html_page(404, "Not Found", "Resource not found")
        case status if status in REASONS:
            html = _CLOUDFLARE.format(status=status, reason=REASONS[status])
            return Answer(status, html.encode(), "text/html; charset=UTF-8")
        case 423:
            return Refusal(423, "The record is locked.", "LOCKED").answer(correlation)
        case 477:
            message = "This account is being migrated. Please retry later."
            return Refusal(477, message, "MIGRATION_IN_PROGRESS").answer(correlation)
        case 500:
            return Refusal(500, "internal error").answer(correlation)
        case _:
            return Refusal(status, f"Error {status}").answer(correlation)


_REFUSED: Final = (400, 401, 403, 409)


def _refused(status: int, scopes: Collection[str]) -> Refusal:
    # 401, 403 and 409 were recorded; the 400 is the error handling guide's example.
    match status:
        case 401:
            return invalid_token()
        case 403:
            return missing_scopes(scopes)
        case 409:
            return Refusal(409, "Contact already exists", "CONFLICT")
        case _:
            name, reason = "discount", "discount was not a valid number"
            detail = Problem(name, "INVALID_INTEGER", reason).detail()
            message = (
                "This will be a human readable message with details about the error."
            )
            return Refusal(400, message, VALIDATION_ERROR, {"errors": [detail]})

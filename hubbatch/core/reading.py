"""What an answer means: (operation, chunk, answer) -> verdict.

Sources: HubSpot's guide "Handling errors" for the statuses, its recorded answers for
the bodies. Every field of a body may be missing, and any body may be a proxy's HTML.
"""

import re

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, TypeVar

from hubbatch.errors import (
    APIError,
    AuthenticationError,
    CertificateError,
    DailyLimitReached,
    InvalidRequestError,
    PermissionDeniedError,
)
from hubbatch.models import BatchResponse, ErrorDetail

from .answers import Answer, NoAnswer, Response, whole_number
from .blaming import is_half_written
from .calls import Operation
from .chunk_state import Role
from .chunks import Chunk
from .codec import (
    converter,
    optional_text,
    read_json,
    structure_context,
    valid_text,
)
from .dialects.grants import refused_grant
from .pages import connect_error, is_hubspots, proxy_error
from .settling import make_into, settle, settle_without_results
from .verdicts import (
    Answered,
    Blocked,
    EndpointNotFound,
    Fatal,
    Refused,
    Retryable,
    Throttled,
    Unauthorized,
    Verdict,
)


E = TypeVar("E", bound=APIError)

# Seconds to wait after a 429 that does not say how long.
_BURST_WAIT = 10.0  # the window that HubSpot counts in
_SECONDLY_WAIT = 1.0
# "Handling errors": locks last 2 seconds.
_LOCK_WAIT = 2.0

# The words by which HubSpot refuses a call whatever records are in it. They begin the
# message: further on it may quote a record's values, which may be any words.
_CALL_REFUSALS = re.compile(
    r"Unable to infer object type|Unable to \S+ \S+ by non-unique .* property"
)
# A 400 since 2026-09, for a user who may not do what the call is for.
_PERMISSION_REFUSALS = re.compile(r"Missing '[^']+' permission")
# The call as a whole, or one value of one record: HubSpot does not say which.
_SYNTAX_REFUSALS = re.compile(r"Invalid input JSON")
# Where an error says what is wrong; v1 has words of its own.
_WORDS = ("message", "category", "errors", "errorType", "validationResults")
# So the token endpoint refuses, 400 for all that RFC 6749 names.
_GRANT_REFUSALS = {400, 401, 403}
# By these a proxy refuses to connect at all; its 502 or 504 may pass.
_PROXY_REFUSALS = {401, 403, 407}
_CORRELATION_ID = "X-HubSpot-Correlation-Id"
_TOO_MANY = re.compile(r"maximum number of inputs supported")
_DUPLICATES = re.compile(r"Duplicate IDs found in batch input")


def read(operation: Operation, chunk: Chunk, answer: Answer) -> Verdict:
    """Say what an answer to a chunk means."""
    if isinstance(answer, NoAnswer):
        return _read_nothing(answer)
    try:
        return _read(operation, chunk, answer)
    except RecursionError:
        return _distrust(answer, "the answer is nested too deeply to be read")


def _read(operation: Operation, chunk: Chunk, answer: Response) -> Verdict:
    if 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's own figures
        return _read_success(operation, chunk, answer)
    payload = _payload(answer)
    grant = operation.call.verb == "token" and answer.status in _GRANT_REFUSALS
    if grant and (payload or answer.status == 400):  # noqa: PLR2004
        correlation_id = _correlation_id(answer, payload)
        return Fatal(refused_grant(answer.status, payload, correlation_id))
    if answer.status in _READERS:
        return _READERS[answer.status](operation, answer, payload)
    if answer.status >= 500 or answer.status == 408:  # noqa: PLR2004
        error = _api_error(APIError, answer, payload)
        if answer.body and not is_hubspots(answer, payload):
            error = proxy_error(answer)
        return Retryable(error, arrived=True, retry_after=_retry_after(answer))
    return Fatal(_api_error(InvalidRequestError, answer, payload))


def _read_nothing(answer: NoAnswer) -> Verdict:
    if answer.untrusted is not None:
        return Fatal(
            CertificateError(
                f"the certificate of {answer.untrusted} is not trusted "
                f"({answer.reason}), so nothing was sent. If a proxy of your company "
                "inspects TLS, set the environment variable SSL_CERT_FILE to a PEM "
                "file with the company's CA certificate before Python starts"
            )
        )
    if answer.proxy_status is None:
        return Retryable(APIError(answer.reason), arrived=answer.sent)
    error = connect_error(answer.proxy_status, answer.reason)
    if answer.proxy_status in _PROXY_REFUSALS:
        return Blocked(error, arrived=False)
    return Retryable(error, arrived=False)


def _read_success(operation: Operation, chunk: Chunk, response: Response) -> Verdict:
    call = operation.call
    if response.status == 204 and call.silent:  # noqa: PLR2004
        return Answered(settle_without_results(chunk, BatchResponse()))
    shape = call.results
    try:
        # An answer without results may be an empty body too, whatever its status.
        raw = read_json(response.body or (b"{}" if call.silent else b""))
        structure = shape.structure if shape else _as_they_are
        part = call.dialect.parts(raw, structure)
        settlement = settle(operation, chunk, part)
        # The errors of a 207 have no correlation id; its headers do.
        for error in settlement.failed.values():
            if error.origin == "hubspot":
                error.correlation_id = _correlation_id(response, {})
    except (AttributeError, LookupError, TypeError, ValueError):
        return _distrust(response, "the answer is cut short, or not what was asked for")
    # An input that is asked for once more alone may well get an answer without it.
    if not settlement.trustworthy and (
        settlement.strange or chunk.state.role is not Role.ALONE
    ):
        return _distrust(response, "the answer accounts for none of its inputs")
    if operation.into is not None:
        make_into(operation.into, settlement)
    return Answered(settlement)


def _as_they_are(results: list[Any]) -> list[Any]:
    """Leave the results of a call that has none: they are an answer to another."""
    return results


def _distrust(response: Response, reason: str) -> Retryable:
    error = APIError(
        reason, status=response.status, correlation_id=_correlation_id(response, {})
    )
    return Retryable(error, arrived=True, strange=True)


def _read_refusal(
    operation: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    error = _api_error(APIError, response, payload)
    if response.body and not payload:
        error = proxy_error(response)
    # A call without inputs has no record that could be to blame.
    if _PERMISSION_REFUSALS.match(error.message):
        return Fatal(_api_error(PermissionDeniedError, response, payload))
    if not operation.call.has_inputs or _CALL_REFUSALS.match(error.message):
        return Fatal(_api_error(InvalidRequestError, response, payload))
    if _SYNTAX_REFUSALS.match(error.message):
        error = _api_error(InvalidRequestError, response, payload)
        return Refused(error, because="syntax")
    if response.status == 413:  # noqa: PLR2004
        return Refused(error, because="bytes", wordless=not _has_words(payload))
    if _TOO_MANY.search(error.message):
        return Refused(error, because="inputs")
    if _DUPLICATES.search(error.message):
        return Refused(error, because="duplicates")
    return _refused(operation, error, payload)


def _refused(
    operation: Operation, error: APIError, payload: Mapping[str, Any]
) -> Refused:
    # HubSpot writes nothing when it refuses a chunk in its own words, but for one.
    wordless = not _has_words(payload)
    half_written = wordless or is_half_written(error.message)
    written = operation.call.writes and half_written
    return Refused(error, written=written, wordless=wordless)


def _read_unauthorized(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    if not is_hubspots(response, payload):
        return Blocked(proxy_error(response), arrived=True)
    error = _api_error(AuthenticationError, response, payload)
    error.message += " The access token may be wrong, expired or of another account."
    return Unauthorized(error)


def _read_forbidden(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    if not is_hubspots(response, payload):
        return Blocked(proxy_error(response), arrived=True)
    error = _api_error(PermissionDeniedError, response, payload)
    error.scopes = _scopes(error)
    if error.scopes:
        error.message += f" Missing: {', '.join(error.scopes)}."
    return Fatal(error)


def _read_proxy_login(_: Operation, response: Response, _payload: object) -> Verdict:
    return Blocked(proxy_error(response), arrived=False)


def _read_missing(
    operation: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    if payload and operation.call.missing:
        return _refused(operation, _api_error(APIError, response, payload), payload)
    error = _api_error(InvalidRequestError, response, payload)
    if not payload:
        error.message = (
            f"HubSpot has nothing at {operation.path}; are base_url, api_version and "
            "the object type right?"
        )
    return EndpointNotFound(error)


def _read_locked(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    wait = max(_LOCK_WAIT, _retry_after(response))
    error = _api_error(APIError, response, payload)
    return Retryable(error, arrived=False, retry_after=wait)


def _read_passing(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    error = _api_error(APIError, response, payload)
    return Retryable(error, arrived=False, retry_after=_retry_after(response))


def _read_throttled(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    policy = str(payload.get("policyName") or payload.get("message") or "").lower()
    if "daily" in policy:
        error = _api_error(DailyLimitReached, response, payload)
        error.message += " The account takes no more calls until its next day begins."
        return Fatal(error)
    wait = _retry_after(response)
    if not wait and "secondly" in policy and "ten_secondly" not in policy:
        wait = _SECONDLY_WAIT
    seconds = wait or _interval(response) or _BURST_WAIT
    return Throttled(seconds, optional_text(payload.get("policyName")))


_Reader = Callable[[Operation, Response, Mapping[str, Any]], Verdict]
_READERS: Mapping[int, _Reader] = {
    400: _read_refusal,
    401: _read_unauthorized,
    403: _read_forbidden,
    404: _read_missing,
    407: _read_proxy_login,
    409: _read_refusal,
    413: _read_refusal,
    422: _read_refusal,
    423: _read_locked,
    429: _read_throttled,
    477: _read_passing,
}


def _payload(response: Response) -> Mapping[str, Any]:
    """Read an error's JSON object; anything else is as good as none."""
    try:
        payload = read_json(response.body)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _has_words(payload: Mapping[str, Any]) -> bool:
    """Whether an error says anything of what is wrong."""
    return any(payload.get(name) for name in _WORDS)


def _api_error(cls: type[E], response: Response, payload: Mapping[str, Any]) -> E:
    details = payload.get("errors") or payload.get("validationResults")
    message = payload.get("message") or _first_cause(details) or _bare_message(response)
    return cls(
        str(message),
        status=response.status,
        category=optional_text(payload.get("category") or payload.get("errorType")),
        correlation_id=_correlation_id(response, payload),
        errors=[
            _detail(item)
            for item in (details if isinstance(details, list) else ())
            if isinstance(item, Mapping)
        ],
        context=structure_context(payload.get("context")),
    )


def _first_cause(details: object) -> str | None:
    """Read the message of the first cause; a cause may be a text itself."""
    first = details[0] if isinstance(details, list) and details else None
    if isinstance(first, Mapping):
        first = first.get("message")
    return optional_text(first) or None


def _detail(item: Mapping[str, Any]) -> ErrorDetail:
    """Read a detail; crm-objects/v1 has words of its own for one."""
    if "name" in item and "error" in item:
        context = {"propertyName": [item["name"]]}
        item = {"code": item["error"], "context": context, **item}
    detail: ErrorDetail = converter.structure(item, ErrorDetail)
    return detail


def _bare_message(response: Response) -> str:
    told = f"HubSpot answered with status {response.status}"
    if 300 <= response.status < 400:  # noqa: PLR2004
        told += ", a redirect, which is not followed; is base_url right?"
    return told


def _correlation_id(response: Response, payload: Mapping[str, Any]) -> str | None:
    told = payload.get("correlationId") or response.headers.get(_CORRELATION_ID)
    # aiohttp decodes headers as UTF-8 and keeps invalid bytes as surrogates.
    return None if told is None else valid_text(str(told))


def _retry_after(response: Response) -> float:
    """Read Retry-After in seconds; zero if there is none that can be read."""
    text = response.headers.get("Retry-After", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, response.headers.get("Date", ""))
    return max(0.0, seconds) if isfinite(seconds) else 0.0


def _seconds_until(instant: str, now: str) -> float:
    """Take two dates of HTTP apart; by the answer's own clock, so none is read here."""
    try:
        until = parsedate_to_datetime(instant) - parsedate_to_datetime(now)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return until.total_seconds()


def _interval(response: Response) -> float:
    name = "X-HubSpot-RateLimit-Interval-Milliseconds"
    return (whole_number(response.headers, name) or 0) / 1000


def _scopes(error: APIError) -> list[str]:
    """Collect the scopes named in either of the places where HubSpot puts them."""
    contexts = [error.context, *(detail.context for detail in error.errors)]
    return [
        scope
        for context in contexts
        if isinstance(context, Mapping)
        for name in ("requiredGranularScopes", "requiredScopes")
        for scope in context.get(name, ())
    ]

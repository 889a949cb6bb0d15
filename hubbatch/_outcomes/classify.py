"""Classifies answers: (operation, chunk, answer) -> verdict.

Sources: HubSpot's guide "Handling errors" for the statuses, its recorded answers for
the bodies. Any field of a body may be missing, and any body may be a proxy's HTML.
"""

import re

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, TypeVar

from hubbatch._http import Answer, NoAnswer, Response, whole_number
from hubbatch._wire.calls import Call, Operation
from hubbatch._wire.codecs.oauth import refused_grant
from hubbatch._wire.records import (
    converter,
    optional_text,
    read_json,
    structure_context,
    valid_text,
)
from hubbatch.errors import (
    APIError,
    AuthenticationError,
    CertificateError,
    DailyLimitReached,
    InvalidRequestError,
    PermissionDeniedError,
)
from hubbatch.models import BatchResponse, ErrorDetail

from .chunk import Chunk
from .chunk_state import Role
from .id_property_advice import id_property_advice
from .matching import make_into, match_answer, match_without_results
from .proxy_pages import connect_error, is_hubspots, proxy_error
from .record_errors import is_half_written
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

# Seconds to wait after a 429 that does not specify a time.
_BURST_WAIT = 10.0  # the window that HubSpot counts in
_SECONDLY_WAIT = 1.0
# "Handling errors": locks last 2 seconds.
_LOCK_WAIT = 2.0

# Messages by which HubSpot refuses a call regardless of its records. They are matched
# at the beginning only: further on, a message may quote a record's values.
_CALL_REFUSALS: Mapping[re.Pattern[str], Callable[[Operation, str], str]] = {
    re.compile(r"Unable to infer object type"): lambda _operation, _message: (
        "The account has no such object type."
    ),
    re.compile(r"Unable to \S+ \S+ by non-unique .* property"): id_property_advice,
}
# A 400 since 2026-09, for a user without a permission that the call needs.
_PERMISSION_REFUSALS = re.compile(r"Missing '[^']+' permission")
# Concerns either the whole call or one value of one record: HubSpot does not say which.
_SYNTAX_REFUSALS = re.compile(r"Invalid input JSON")
# The fields of an error that say what is wrong; the last two are v1's.
_WORDS = ("message", "category", "errors", "errorType", "validationResults")
# The token endpoint's refusals: 400 for all of RFC 6749's errors.
_GRANT_REFUSALS = {400, 401, 403}
# With these, a proxy permanently refuses to connect; its 502 or 504 may be temporary.
_PROXY_REFUSALS = {401, 403, 407}
_NO_REDIRECTS = "Check base_url: it leads to a redirect, which is not followed."
_CORRELATION_ID = "X-HubSpot-Correlation-Id"
_NOT_FOUND = "X-HubSpot-NotFound"
_TOO_MANY = re.compile(r"maximum number of inputs supported")
_DUPLICATES = re.compile(r"Duplicate IDs found in batch input")


def classify(operation: Operation, chunk: Chunk, answer: Answer) -> Verdict:
    """Return the verdict of an answer to a chunk."""
    if isinstance(answer, NoAnswer):
        return _classify_no_answer(answer)
    try:
        return _classify(operation, chunk, answer)
    except RecursionError:
        return _distrust(answer, "the answer is nested too deeply to be read")


def _classify(operation: Operation, chunk: Chunk, answer: Response) -> Verdict:
    if 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's own figures
        return _classify_success(operation, chunk, answer)
    payload = _payload(answer)
    grant = operation.call.verb == "token" and answer.status in _GRANT_REFUSALS
    if grant and (payload or answer.status == 400):  # noqa: PLR2004
        correlation_id = _correlation_id(answer, payload)
        return Fatal(refused_grant(answer.status, payload, correlation_id))
    if answer.status in _CLASSIFIERS:
        return _CLASSIFIERS[answer.status](operation, answer, payload)
    # A 501 in JSON is the simulator's, for a call that it lacks: retrying is no use.
    lacking = answer.status == 501 and bool(payload)  # noqa: PLR2004
    if answer.status == 408 or (answer.status >= 500 and not lacking):  # noqa: PLR2004
        error = _api_error(APIError, answer, payload)
        if answer.body and not is_hubspots(answer, payload):
            error = proxy_error(answer)
        return Retryable(error, maybe_processed=True, retry_after=_retry_after(answer))
    return Fatal(_api_error(InvalidRequestError, answer, payload))


def _classify_no_answer(answer: NoAnswer) -> Verdict:
    if answer.untrusted is not None:
        return Fatal(
            CertificateError(
                "If a proxy of your company inspects TLS, set the environment variable "
                "SSL_CERT_FILE to a PEM file with the company's CA certificate before "
                f"Python starts. The certificate of {answer.untrusted} is not trusted "
                f"({answer.reason}), so nothing was sent."
            )
        )
    if answer.proxy_status is None:
        return Retryable(APIError(answer.reason), maybe_processed=answer.sent)
    error = connect_error(answer.proxy_status, answer.reason)
    if answer.proxy_status in _PROXY_REFUSALS:
        return Blocked(error, maybe_processed=False)
    return Retryable(error, maybe_processed=False)


def _classify_success(
    operation: Operation, chunk: Chunk, response: Response
) -> Verdict:
    call = operation.call
    if response.status == 204 and call.may_be_empty:  # noqa: PLR2004
        return Answered(match_without_results(chunk, BatchResponse()))
    try:
        part = _read_answer(call, response.body)
        matched = match_answer(operation, chunk, part)
        # The errors of a 207 have no correlation id; its headers do.
        for error in matched.failed.values():
            if error.origin == "hubspot":
                error.correlation_id = _correlation_id(response, {})
    except (AttributeError, LookupError, TypeError, ValueError):
        return _distrust(response, "the answer is truncated or not for this request")
    # When an input is sent again by itself, the answer may not contain it.
    if not matched.trustworthy and (
        matched.strange or Role.ALONE not in chunk.state.roles
    ):
        return _distrust(response, "the answer accounts for none of its inputs")
    if operation.into is not None:
        make_into(operation.into, matched)
    return Answered(matched)


def _read_answer(call: Call, body: bytes) -> BatchResponse[Any]:
    """Return HubSpot's response; raise one of `UNREADABLE` if it cannot be read."""
    codec, shape = call.codec, call.results
    if codec.decode is not None and (usual := codec.decode(body)) is not None:
        return usual
    # Calls without results may answer with an empty body and any status.
    raw = read_json(body or (b"{}" if call.may_be_empty else b""))
    return codec.parts(raw, shape.structure if shape else _as_they_are)


def _as_they_are(results: list[Any]) -> list[Any]:
    """Return the results unparsed: this call has none, so they answer another call."""
    return results


def _distrust(response: Response, reason: str) -> Retryable:
    error = APIError(
        reason, status=response.status, correlation_id=_correlation_id(response, {})
    )
    return Retryable(error, maybe_processed=True, strange=True)


def _classify_refusal(
    operation: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    error = _api_error(APIError, response, payload)
    if response.body and not payload:
        error = proxy_error(response)
    if _PERMISSION_REFUSALS.match(error.message):
        return Fatal(_api_error(PermissionDeniedError, response, payload))
    for refusal, advice in _CALL_REFUSALS.items():
        if refusal.match(error.message):
            invalid = _api_error(InvalidRequestError, response, payload)
            invalid.advice = advice(operation, error.message)
            return Fatal(invalid)
    if not operation.call.has_inputs:  # no record can be the cause
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
    # HubSpot has written nothing if its refusal says why, except in one case.
    wordless = not _has_words(payload)
    half_written = wordless or is_half_written(error.message)
    written = operation.call.writes and half_written
    return Refused(error, written=written, wordless=wordless)


def _classify_unauthorized(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    if not is_hubspots(response, payload):
        return Blocked(proxy_error(response), maybe_processed=True)
    error = _api_error(AuthenticationError, response, payload)
    error.advice = "The access token may be wrong, expired or from another account."
    return Unauthorized(error)


def _classify_forbidden(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    if not is_hubspots(response, payload):
        return Blocked(proxy_error(response), maybe_processed=True)
    error = _api_error(PermissionDeniedError, response, payload)
    error.scopes = _scopes(error)
    if error.scopes:
        these = "one of these scopes" if len(error.scopes) > 1 else "this scope"
        error.advice = (
            f"The access token lacks a scope. Add {these} to the app or service key: "
            f"{', '.join(error.scopes)}."
        )
    return Fatal(error)


def _classify_proxy_login(
    _: Operation, response: Response, _payload: object
) -> Verdict:
    return Blocked(proxy_error(response), maybe_processed=False)


def _classify_not_found(
    operation: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    if payload and operation.call.not_found_is_record:
        return _refused(operation, _api_error(APIError, response, payload), payload)
    if operation.max_inputs == 1 and response.headers.get(_NOT_FOUND) == "true":
        # Recorded for calls on one record: a page in HTML, which has this header if the
        # path is right.
        error = _api_error(APIError, response, {"message": "There is no such record."})
        return Refused(error)
    error = _api_error(InvalidRequestError, response, payload)
    if not payload:
        error.advice = (
            f"HubSpot has nothing at {operation.path}. Check base_url, api_version and "
            "the object type."
        )
    return EndpointNotFound(error)


def _classify_locked(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    wait = max(_LOCK_WAIT, _retry_after(response))
    error = _api_error(APIError, response, payload)
    return Retryable(error, maybe_processed=False, retry_after=wait)


def _classify_migration(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    error = _api_error(APIError, response, payload)
    return Retryable(error, maybe_processed=False, retry_after=_retry_after(response))


def _classify_throttled(
    _: Operation, response: Response, payload: Mapping[str, Any]
) -> Verdict:
    policy = str(payload.get("policyName") or payload.get("message") or "").lower()
    if "daily" in policy:
        error = _api_error(DailyLimitReached, response, payload)
        error.advice = "The account accepts no more calls until its next day begins."
        return Fatal(error)
    wait = _retry_after(response)
    if not wait and "secondly" in policy and "ten_secondly" not in policy:
        wait = _SECONDLY_WAIT
    seconds = wait or _interval(response) or _BURST_WAIT
    return Throttled(seconds, optional_text(payload.get("policyName")))


_Classifier = Callable[[Operation, Response, Mapping[str, Any]], Verdict]
_CLASSIFIERS: Mapping[int, _Classifier] = {
    400: _classify_refusal,
    401: _classify_unauthorized,
    403: _classify_forbidden,
    404: _classify_not_found,
    407: _classify_proxy_login,
    409: _classify_refusal,
    413: _classify_refusal,
    422: _classify_refusal,
    423: _classify_locked,
    429: _classify_throttled,
    477: _classify_migration,
}


def _payload(response: Response) -> Mapping[str, Any]:
    """Return an error's JSON object; an empty dict for anything else."""
    try:
        payload = read_json(response.body)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _has_words(payload: Mapping[str, Any]) -> bool:
    """Return whether an error says what is wrong."""
    return any(payload.get(name) for name in _WORDS)


def _api_error(cls: type[E], response: Response, payload: Mapping[str, Any]) -> E:
    details = payload.get("errors") or payload.get("validationResults")
    message = payload.get("message") or _first_cause(details)
    redirects = 300 <= response.status < 400  # noqa: PLR2004 -- HTTP's own figures
    return cls(
        str(message or "HubSpot did not say why"),
        advice=_NO_REDIRECTS if redirects else "",
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
    """Return the first cause's message; a cause may also be a bare string."""
    first = details[0] if isinstance(details, list) and details else None
    if isinstance(first, Mapping):
        first = first.get("message")
    return optional_text(first) or None


def _detail(item: Mapping[str, Any]) -> ErrorDetail:
    """Return a detail of an error; crm-objects/v1 names its fields differently."""
    if "name" in item and "error" in item:
        context = {"propertyName": [item["name"]]}
        item = {"code": item["error"], "context": context, **item}
    detail: ErrorDetail = converter.structure(item, ErrorDetail)
    return detail


def _correlation_id(response: Response, payload: Mapping[str, Any]) -> str | None:
    reported = payload.get("correlationId") or response.headers.get(_CORRELATION_ID)
    # aiohttp decodes headers as UTF-8 and keeps invalid bytes as surrogates.
    return None if reported is None else valid_text(str(reported))


def _retry_after(response: Response) -> float:
    """Return Retry-After in seconds; zero if it is missing or unreadable."""
    header = response.headers.get("Retry-After", "0")
    try:
        seconds = float(header)
    except ValueError:
        seconds = _seconds_until(header, response.headers.get("Date", ""))
    return max(0.0, seconds) if isfinite(seconds) else 0.0


def _seconds_until(instant: str, now: str) -> float:
    """Return the seconds between two HTTP dates, both on the server's clock."""
    try:
        until = parsedate_to_datetime(instant) - parsedate_to_datetime(now)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return until.total_seconds()


def _interval(response: Response) -> float:
    name = "X-HubSpot-RateLimit-Interval-Milliseconds"
    return (whole_number(response.headers, name) or 0) / 1000


def _scopes(error: APIError) -> list[str]:
    """Return the scopes that an error names, in its context or in a detail's."""
    contexts = [error.context, *(detail.context for detail in error.errors)]
    return [
        scope
        for context in contexts
        if isinstance(context, Mapping)
        for name in ("requiredGranularScopes", "requiredScopes")
        for scope in context.get(name, ())
    ]

"""FastAPI: one client per process, and hubbatch errors as HTTP responses.

Example::

    app = FastAPI(lifespan=lifespan(HubBatch), responses=ERROR_RESPONSES)
    add_exception_handlers(app)

    @app.patch("/tickets/{id}")
    async def update(
        id: str, properties: dict[str, str], hub: Hub
    ) -> SimplePublicObject:
        return await hub.single.tickets.update(id, properties)

A route can return HubSpot's results, with or without an annotation: its response is
HubSpot's JSON.
"""

import asyncio
import logging

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Any, NotRequired, cast

from attrs import asdict

from hubbatch._escapes import visible
from hubbatch._outcomes.outcome import Summary
from hubbatch.accounts import Accounts
from hubbatch.client import HubBatch
from hubbatch.errors import (
    APIError,
    AuthenticationError,
    BatchFailed,
    CertificateError,
    CheckFailed,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    ListError,
    OutcomeUnknown,
    PermissionDeniedError,
    ProxyError,
    ReconnectRequired,
    RecordConflict,
    RecordError,
    RecordNotFound,
    SourceError,
    TooManyFailures,
)


try:
    from fastapi import Depends, FastAPI
    from fastapi.requests import HTTPConnection
    from fastapi.responses import JSONResponse
    from typing_extensions import TypedDict  # pydantic refuses typing's before 3.12
except ImportError as _missing:
    raise ImportError(
        "This integration needs FastAPI: pip install 'hubbatch[fastapi]'"
    ) from _missing

from ._fastapi.results import (  # it needs FastAPI
    ErrorDescription,
    SummaryBody,
    description,
)


Opening = Callable[[], AbstractAsyncContextManager[HubBatch | Accounts]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]

_STATE = "hubbatch"
_UNPROCESSABLE, _BAD_GATEWAY = 422, 502
_RETRIED = (429, 503)  # the statuses that have Retry-After
# Values of Retry-After, in seconds: when a queue is full, when HubSpot is down, and
# when the daily limit is reached and its end is not known.
_SOON, _LATER, _MUCH_LATER = 1, 30, 3600
_LISTED = 100  # errors of a batch in a response, at most
_CHECK_TIMEOUT = 10.0  # seconds; a start does not wait longer for HubSpot

_logger = logging.getLogger("hubbatch")


def lifespan(opening: Opening, *, check: bool = False) -> Lifespan:
    """Return a lifespan for an application with one client, or with `Accounts`.

    The lifespan enters `opening()` with `async with` when a process starts, and sets
    `request.state.hubbatch` to the result. When the process stops, it waits for the
    batches in flight. To combine it with your own lifespan, enter it there and yield
    its state: `async with lifespan(HubBatch)(app) as state: yield state`.

    Args:
        opening: Returns the client or the `Accounts`; e.g. the class `HubBatch`.
        check: Whether to ask HubSpot for the client's account first. The process does
            not start if HubSpot refuses the access token. If HubSpot is unavailable or
            does not answer within 10 s, the process starts and logs a warning. Not for
            `Accounts`: one account's token must not stop the others.

    Raises:
        TypeError: If `opening` is a client instead of a function that opens one.
    """
    if not callable(opening):
        raise TypeError(
            "lifespan() takes a function that opens the client in each process, not "
            f"{type(opening).__name__}. Write `lifespan(HubBatch)`, or with options "
            "`lifespan(lambda: HubBatch(...))`."
        )

    @asynccontextmanager
    async def of_app(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with opening() as opened:
            if check:
                await _check_token(opened)
            yield {_STATE: opened}

    return of_app


async def _check_token(opened: HubBatch | Accounts) -> None:
    if not isinstance(opened, HubBatch):
        raise ConfigurationError(
            "lifespan(check=True) needs one client, but Accounts opens a client when a "
            "request names its account. Leave check out, and check the accounts that "
            "you know in a readiness route: `await (await accounts.get(id)).account()`."
        )
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT):
            await opened.account()
    except ConfigurationError:
        raise
    except (AuthenticationError, PermissionDeniedError) as error:
        error.add_note(
            "The application does not start, because HubSpot refuses its access token. "
            + _hint(error, opened)
        )
        raise
    except (HubBatchError, TimeoutError) as error:
        _logger.warning(
            "The access token could not be checked (%s). The application starts "
            "without the check.",
            type(error).__name__,
        )


async def client(connection: HTTPConnection) -> HubBatch:
    """Return the client of the process, as a dependency; `Hub` is a shorthand for it.

    Raises:
        RuntimeError: If the application has `Accounts` or no hubbatch lifespan.
    """
    opened = _opened(connection)
    if isinstance(opened, HubBatch):
        return opened
    raise RuntimeError(
        "The application has Accounts, so a route must name the account. Depend on "
        "client_of(...), not on Hub."
    )


Hub = Annotated[HubBatch, Depends(client)]


def client_of(account: Callable[..., Any]) -> Callable[..., Awaitable[HubBatch]]:
    """Return a dependency that provides the client of a request's account.

    Args:
        account: A dependency that returns the account's id, e.g. from the path, a
            header or the session. It must check that the caller may act on behalf of
            the account.
    """

    async def client(
        connection: HTTPConnection, found: Annotated[str | int, Depends(account)]
    ) -> HubBatch:
        opened = _opened(connection)
        if isinstance(opened, Accounts):
            return await opened.get(found)
        raise RuntimeError(
            "The application has one client, so a route names no account. Depend on "
            "Hub, not on client_of(...)."
        )

    return client


def _opened(connection: HTTPConnection) -> object:
    opened = _stated(connection)
    if opened is None:
        raise RuntimeError(
            "The application has no client. Pass lifespan=lifespan(...) to FastAPI, "
            "and check that the server runs lifespans."
        )
    return opened


def _stated(connection: HTTPConnection) -> object:
    return getattr(connection.state, _STATE, None)


# ---- errors


def add_exception_handlers(app: FastAPI) -> None:
    """Turn the errors of hubbatch into HTTP responses.

    * 404: `RecordNotFound`
    * 409: `RecordConflict`
    * 422: `RecordInvalid`, other refusals of a record, `TooManyFailures`,
      `SourceError`, `CheckFailed`
    * 429, with `Retry-After`: `DailyLimitReached`
    * 502: HubSpot does not accept the token or the call (a mistake of the backend), or
      a proxy or a certificate is in the way
    * 503, with `Retry-After`: `HubSpotUnavailable`, `OverloadedError`, records that
      were not sent
    * 504, without `Retry-After`: `OutcomeUnknown`, and `HubSpotUnavailable` with
      `maybe_written`. The data may have been written, so do not repeat the request
      blindly.
    * the highest of these: `BatchFailed`

    The body has `detail` (a sentence), `error` (the class) and, if known, `category`,
    `code`, `property` and `correlation_id`. For an error that ended a batch it also has
    its `summary`; for `BatchFailed` the first 100 `errors` and their total `count`. It
    never contains values, HubSpot's messages (they quote values) or tokens.
    `ConfigurationError` is raised to the server, and so is any error of a WebSocket,
    which has no HTTP response.

    Args:
        app: The application.
    """
    app.add_exception_handler(HubBatchError, _answer)


async def _answer(connection: HTTPConnection, error: Exception) -> JSONResponse:
    if not isinstance(error, HubBatchError) or isinstance(error, ConfigurationError):
        raise error
    if connection.scope["type"] != "http":  # a WebSocket
        raise error
    status = _status(error)
    if status == _BAD_GATEWAY:
        _log(error, _stated(connection))
    body: ErrorBody = {"detail": _DETAILS[status], **description(error)}  # type: ignore[typeddict-item] # mypy misses keys that may be absent
    if isinstance(error.summary, Summary):
        body["summary"] = cast("SummaryBody", asdict(error.summary))
    if isinstance(error, BatchFailed):
        errors = [*_leaves(error)]
        body["count"] = len(errors)
        body["errors"] = [description(item) for item in errors[:_LISTED]]
    return JSONResponse(body, status, _headers(error, status))


def _log(error: HubBatchError, opened: object) -> None:
    """Log an error that the operator of the application has to resolve."""
    described = description(error)
    status = getattr(error, "status", None)
    facts = [f"{status} {described['error']}" if status else described["error"]]
    if "category" in described:
        facts.append(f"category {visible(described['category'])}")
    if "correlation_id" in described:
        facts.append(f"correlation id {visible(described['correlation_id'])}")
    account = "" if error.account is None else f" of account {visible(error.account)}"
    _logger.error(
        "A call%s to HubSpot failed: %s. %s",
        account,
        ", ".join(facts),
        _hint(error, opened),
        extra={**described, "status": status, "account": error.account},
    )


def _hint(error: HubBatchError, opened: object) -> str:
    """Return what the operator of the application can do about an error."""
    if isinstance(error, ReconnectRequired):
        return "The account must install the app again."
    if isinstance(error, AuthenticationError) and isinstance(opened, Accounts):
        return "Check the access token that the function `load` returns for it."
    if isinstance(error, PermissionDeniedError) and error.scopes:
        named = visible(" or ".join(error.scopes))
        return f"Add a scope that the access token lacks: {named}."
    for kind, hint in _HINTS.items():
        if isinstance(error, kind):
            return hint
    if isinstance(error, APIError) and error.correlation_id:
        return "Quote the correlation id to HubSpot's support."
    return "Check HubSpot's status at https://status.hubspot.com."


_HINTS: Mapping[type[HubBatchError], str] = {
    AuthenticationError: (
        "Check the access token: the environment variable HUBSPOT_ACCESS_TOKEN, or "
        "what the application passes instead."
    ),
    PermissionDeniedError: (
        "Check the scopes of the access token, and its user's permissions."
    ),
    InvalidRequestError: "Check the object type, the id property and the API version.",
    ProxyError: "A proxy or firewall answered instead of HubSpot.",
    CertificateError: (
        "Behind a proxy that inspects TLS, set SSL_CERT_FILE to a PEM file with its CA "
        "certificate."
    ),
    ListError: "HubSpot's pages of a list or search do not end. Try a smaller one.",
}

_DETAILS: Mapping[int, str] = {
    404: "HubSpot has no such record.",
    409: "Another record has a value that must be unique.",
    422: "HubSpot does not accept the data.",
    429: "The HubSpot account has used up its calls for today.",
    _BAD_GATEWAY: "HubSpot does not accept calls from this service.",
    503: "HubSpot cannot be reached, or is too busy: try again later.",
    504: "HubSpot did not answer: the data may or may not have been written.",
}


def _status(error: HubBatchError) -> int:
    match error:
        case BatchFailed():
            return max(_status(leaf) for leaf in _leaves(error))
        case RecordNotFound():
            return 404
        case RecordConflict():
            return 409
        case OutcomeUnknown() | HubSpotUnavailable(maybe_written=True):
            return 504
        case RecordError(category="NOT_SENT" | "UNAVAILABLE"):
            return 503
        case RecordError() | TooManyFailures() | SourceError() | CheckFailed():
            return 422
        case DailyLimitReached():
            return 429
        case APIError() if not isinstance(error, HubSpotUnavailable):
            return _BAD_GATEWAY
        case CertificateError() | ListError():
            return _BAD_GATEWAY
        case _:
            return 503


def _leaves(group: ExceptionGroup[RecordError]) -> Iterator[RecordError]:
    for error in group.exceptions:
        if isinstance(error, RecordError):
            yield error
        else:
            yield from _leaves(error)


def _headers(error: HubBatchError, status: int) -> dict[str, str]:
    if status not in _RETRIED or isinstance(error, BatchFailed):
        return {}  # part of the batch may have been written
    seconds = _SOON
    if isinstance(error, DailyLimitReached):
        seconds = _MUCH_LATER
        if error.resets_at is not None:
            wait = error.resets_at - datetime.now(UTC)
            seconds = max(_SOON, ceil(wait.total_seconds()))
    elif isinstance(error, HubSpotUnavailable):
        seconds = _LATER
    return {"Retry-After": str(seconds)}


class ErrorBody(ErrorDescription):
    """The body of the response to an error of hubbatch."""

    detail: str
    summary: NotRequired[SummaryBody]
    count: NotRequired[int]
    errors: NotRequired[list[ErrorDescription]]


class ValidationError(TypedDict):
    """One reason why a request is not valid."""

    # The names of this class and the next are FastAPI's own. It then refers to these
    # classes in the routes that have its usual 422 alone.

    loc: list[str | int]
    msg: str
    type: str


class HTTPValidationError(TypedDict):
    """FastAPI's response to a request that is not valid."""

    detail: NotRequired[list[ValidationError]]


def _documented(status: int) -> dict[str, Any]:
    documented: dict[str, Any] = {"model": ErrorBody, "description": _DETAILS[status]}
    if status == _UNPROCESSABLE:
        documented["model"] = ErrorBody | HTTPValidationError
        documented["description"] += " Or FastAPI does not accept the request."
    if status in _RETRIED:
        seconds = {"type": "integer", "minimum": 1}
        described = "The seconds to wait before the request is repeated."
        documented["headers"] = {
            "Retry-After": {"description": described, "schema": seconds}
        }
    return documented


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: _documented(status) for status in _DETAILS
}
"""The responses of `add_exception_handlers`, for the OpenAPI document.

Pass it to the application or to a router: `FastAPI(responses=ERROR_RESPONSES)`.
"""


def describe(error: HubBatchError) -> dict[str, Any]:
    """Return the parts of an error that a client may see, e.g. to end a stream with.

    The keys are `error` (its class) and, if known, `category`, `code`, `property` and
    `correlation_id`.
    """
    return {**description(error)}

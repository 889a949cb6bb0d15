"""FastAPI: one client per process, and hubbatch errors as HTTP responses.

Example::

    app = FastAPI(lifespan=lifespan(HubBatch))
    add_exception_handlers(app)

    @app.patch("/tickets/{id}")
    async def update(id: str, properties: dict[str, str], hub: Hub): ...
"""

import logging

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Any

from attrs import asdict

from hubbatch._outcomes.outcome import Summary
from hubbatch.accounts import Accounts
from hubbatch.client import HubBatch
from hubbatch.errors import (
    APIError,
    BatchFailed,
    CertificateError,
    CheckFailed,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    ListError,
    OutcomeUnknown,
    RecordConflict,
    RecordError,
    RecordNotFound,
    SourceError,
    TooManyFailures,
)


try:
    from fastapi import Depends, FastAPI
    from fastapi.requests import HTTPConnection, Request
    from fastapi.responses import JSONResponse
except ImportError as _missing:
    raise ImportError(
        "this integration needs FastAPI: pip install 'hubbatch[fastapi]'"
    ) from _missing


Opening = Callable[[], AbstractAsyncContextManager[HubBatch | Accounts]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]

_STATE = "hubbatch"
_BAD_GATEWAY = 502
# Values of Retry-After, in seconds: when a queue is full, when HubSpot is down, and
# when the daily limit is reached and its end is not known.
_SOON, _LATER, _MUCH_LATER = 1, 30, 3600
_LISTED = 100  # errors of a batch in a response, at most

_logger = logging.getLogger("hubbatch")


def lifespan(opening: Opening) -> Lifespan:
    """Return a lifespan for an application with one client, or with `Accounts`.

    The lifespan enters `opening()` with `async with` when a process starts, and sets
    `request.state.hubbatch` to the result. When the process stops, it waits for the
    batches in flight. To combine it with your own lifespan, enter it there and yield
    its state: `async with lifespan(HubBatch)(app) as state: yield state`.

    Args:
        opening: Returns the client or the `Accounts`; e.g. the class `HubBatch`.
    """

    @asynccontextmanager
    async def of_app(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with opening() as opened:
            yield {_STATE: opened}

    return of_app


async def client(connection: HTTPConnection) -> HubBatch:
    """Return the client of the process, as a dependency; `Hub` is a shorthand for it.

    Raises:
        RuntimeError: If the application has `Accounts` or no hubbatch lifespan.
    """
    opened = _opened(connection)
    if isinstance(opened, HubBatch):
        return opened
    raise RuntimeError(
        "the application has Accounts: depend on client_of(...), not on Hub"
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
            "the application has one client: depend on Hub, not on client_of(...)"
        )

    return client


def _opened(connection: HTTPConnection) -> object:
    opened = getattr(connection.state, _STATE, None)
    if opened is None:
        raise RuntimeError(
            "there is no client: pass lifespan=lifespan(...) to FastAPI, and check "
            "that the server runs lifespans"
        )
    return opened


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
    `ConfigurationError` is raised to the server.

    Args:
        app: The application.
    """
    app.add_exception_handler(HubBatchError, _answer)


async def _answer(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HubBatchError) or isinstance(error, ConfigurationError):
        raise error
    status = _status(error)
    if status == _BAD_GATEWAY:
        described = describe(error)
        _logger.error(
            "HubSpot refused a call: %s, category %s, correlation id %s",
            described["error"],
            described.get("category"),
            described.get("correlation_id"),
            extra=described,
        )
    body = {"detail": _DETAILS[status], **describe(error)}
    if isinstance(error.summary, Summary):
        body["summary"] = asdict(error.summary)
    if isinstance(error, BatchFailed):
        errors = [*_leaves(error)]
        body["count"] = len(errors)
        body["errors"] = [describe(item) for item in errors[:_LISTED]]
    return JSONResponse(body, status, _headers(error, status))


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
    if status not in (429, 503) or isinstance(error, BatchFailed):
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


def describe(error: HubBatchError) -> dict[str, Any]:
    """Return the parts of an error that a client may see, e.g. to end a stream with.

    The keys are `error` (its class) and, if known, `category`, `code`, `property` and
    `correlation_id`.
    """
    fields = {
        "error": type(error).__name__,
        "category": getattr(error, "category", None),
        "code": getattr(error, "code", None),
        "property": getattr(error, "property_name", None),
        "correlation_id": getattr(error, "correlation_id", None),
    }
    return {name: value for name, value in fields.items() if value is not None}

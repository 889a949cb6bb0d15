"""FastAPI: clients that live as long as the process, and errors as answers.

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

from hubbatch.accounts import Accounts
from hubbatch.client import HubBatch
from hubbatch.core.outcomes import Summary
from hubbatch.errors import (
    APIError,
    BatchFailed,
    CertificateError,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    OutcomeUnknown,
    RecordConflict,
    RecordError,
    RecordNotFound,
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
# Seconds after which to try again: after a queue has had time to drain, after HubSpot
# was found to be down, and after a day's limit of which nobody knows the end.
_SOON, _LATER, _MUCH_LATER = 1, 30, 3600
_LISTED = 100  # errors of a batch that an answer shows

_logger = logging.getLogger("hubbatch")


def lifespan(opening: Opening) -> Lifespan:
    """Make the lifespan of an application that has a client, or `Accounts`.

    `opening` is entered with `async with` when a process starts, and what it gives is
    `request.state.hubbatch`; when the process stops, the batches under way are waited
    for. To combine it with a lifespan of your own, enter it there and yield its state:
    `async with lifespan(HubBatch)(app) as state: yield state`.
    """

    @asynccontextmanager
    async def of_app(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with opening() as opened:
            yield {_STATE: opened}

    return of_app


async def client(connection: HTTPConnection) -> HubBatch:
    """Depend on the client of the process; `Hub` is short for that."""
    opened = _opened(connection)
    if isinstance(opened, HubBatch):
        return opened
    raise RuntimeError("there are many accounts here: depend on client_of(...)")


Hub = Annotated[HubBatch, Depends(client)]


def client_of(account: Callable[..., Any]) -> Callable[..., Awaitable[HubBatch]]:
    """Make a dependency on the client of the account of a request.

    `account` is a dependency of its own and finds the account's id, in the path, a
    header or the session. Check there whether the caller may act for the account.
    """

    async def client(
        connection: HTTPConnection, found: Annotated[str | int, Depends(account)]
    ) -> HubBatch:
        opened = _opened(connection)
        if isinstance(opened, Accounts):
            return await opened.get(found)
        raise RuntimeError("there is one client here: depend on Hub")

    return client


def _opened(connection: HTTPConnection) -> object:
    opened = getattr(connection.state, _STATE, None)
    if opened is None:
        raise RuntimeError(
            "there is no client: give FastAPI lifespan=lifespan(...), and see that "
            "the server runs it"
        )
    return opened


# ---- errors


def add_exception_handlers(app: FastAPI) -> None:
    """Let the errors of hubbatch become answers.

    * 404: `RecordNotFound`
    * 409: `RecordConflict`
    * 422: `RecordInvalid`, what else HubSpot refuses in a record, `TooManyFailures`
    * 429, with `Retry-After`: `DailyLimitReached`
    * 502: HubSpot does not accept the token or the call, a mistake of the backend
    * 503, with `Retry-After`: `HubSpotUnavailable`, `OverloadedError`, not sent
    * 504: `OutcomeUnknown`, it may have been written
    * the highest of its errors: `BatchFailed`

    The body has `detail`, a sentence, `error`, the class, and where they are known
    `category`, `code`, `property` and `correlation_id`; that of an error that ended a
    batch has its `summary`, that of `BatchFailed` its first 100 `errors` and their
    `count`. There is never a value, a message of HubSpot (it quotes values) or a token.
    `ConfigurationError` is left to the server.
    """
    app.add_exception_handler(HubBatchError, _answer)


async def _answer(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HubBatchError) or isinstance(error, ConfigurationError):
        raise error
    status = _status(error)
    if status == _BAD_GATEWAY:
        told = describe(error)
        _logger.error(
            "HubSpot refuses a call: %s, category %s, correlation id %s",
            told["error"],
            told.get("category"),
            told.get("correlation_id"),
            extra=told,
        )
    body = {"detail": _DETAILS[status], **describe(error)}
    if isinstance(error.summary, Summary):
        body["summary"] = asdict(error.summary)
    if isinstance(error, BatchFailed):
        errors = [*_leaves(error)]
        body["count"] = len(errors)
        body["errors"] = [describe(one) for one in errors[:_LISTED]]
    return JSONResponse(body, status, _headers(error, status))


_DETAILS: Mapping[int, str] = {
    404: "HubSpot has no such record.",
    409: "Another record has a value that must be unique.",
    422: "HubSpot does not accept what was given.",
    429: "The HubSpot account takes no more calls today.",
    _BAD_GATEWAY: "HubSpot does not accept the calls of this service.",
    503: "HubSpot, or the way to it, is too busy: try again later.",
    504: "HubSpot gave no answer: it may or may not have been written.",
}


def _status(error: HubBatchError) -> int:
    match error:
        case BatchFailed():
            return max(_status(one) for one in _leaves(error))
        case RecordNotFound():
            return 404
        case RecordConflict():
            return 409
        case OutcomeUnknown():
            return 504
        case RecordError(category="NOT_SENT" | "UNAVAILABLE"):
            return 503
        case RecordError() | TooManyFailures():
            return 422
        case DailyLimitReached():
            return 429
        case CertificateError():
            return _BAD_GATEWAY
        case APIError() if not isinstance(error, HubSpotUnavailable):
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
        return {}  # much of a batch may have been written: it is not to be repeated
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
    """Say of an error what may be told to anybody, e.g. in the middle of a stream.

    `error`, its class, and where they are known `category`, `code`, `property` and
    `correlation_id`.
    """
    told = {
        "error": type(error).__name__,
        "category": getattr(error, "category", None),
        "code": getattr(error, "code", None),
        "property": getattr(error, "property_name", None),
        "correlation_id": getattr(error, "correlation_id", None),
    }
    return {name: value for name, value in told.items() if value is not None}

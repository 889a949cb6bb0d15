"""The tree of errors: drawn once, and each of them fit to travel."""

import copy
import inspect
import pickle

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from hubbatch import errors
from hubbatch.errors import (
    APIError,
    AuthenticationError,
    BatchFailed,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    OutcomeUnknown,
    PermissionDeniedError,
    ProxyError,
    ReconnectRequired,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.models import ErrorDetail


API_ERRORS = (
    APIError,
    AuthenticationError,
    ReconnectRequired,
    PermissionDeniedError,
    InvalidRequestError,
    DailyLimitReached,
    ProxyError,
    HubSpotUnavailable,
)
RECORD_ERRORS = (
    RecordError,
    RecordInvalid,
    RecordNotFound,
    RecordConflict,
    OutcomeUnknown,
)


def drawn(cls: type[BaseException], indent: str = "") -> Iterator[str]:
    yield f"{indent}{cls.__name__}"
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from drawn(child, f"{indent}  ")


def test_the_tree() -> None:
    assert [*drawn(HubBatchError)] == [
        "HubBatchError",
        "  ConfigurationError",
        "  APIError",
        "    AuthenticationError",
        "      ReconnectRequired",
        "    PermissionDeniedError",
        "    InvalidRequestError",
        "    DailyLimitReached",
        "    ProxyError",
        "    HubSpotUnavailable",
        "  CertificateError",
        "  TooManyFailures",
        "  RecordError",
        "    RecordInvalid",
        "    RecordNotFound",
        "    RecordConflict",
        "    OutcomeUnknown",
        "  BatchFailed",
        "  OverloadedError",
        "  JournalError",
    ]
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(BatchFailed, ExceptionGroup)


def test_the_tree_is_drawn_in_the_module() -> None:
    picture = inspect.getdoc(errors) or ""

    assert all(name.strip() in picture for name in drawn(HubBatchError))


def api_error(cls: type[APIError]) -> APIError:
    error = cls(
        "no",
        status=403,
        category="MISSING_SCOPES",
        correlation_id="c-1",
        errors=[ErrorDetail("m", "C", context={"a": ["b"]})],
        context={"ids": ["5"]},
    )
    error.message += " way"
    if isinstance(error, PermissionDeniedError):
        error.scopes = ["tickets"]
    if isinstance(error, ProxyError):
        error.title = "Access denied"
    if isinstance(error, DailyLimitReached):
        error.resets_at = datetime(2026, 3, 1, tzinfo=UTC)
    error.response, error.summary = ["response"], {"inputs": 5}
    return error


def record_error(cls: type[RecordError]) -> RecordError:
    error = cls(
        "no",
        category="VALIDATION_ERROR",
        code="INVALID_LONG",
        property_name="amount",
        correlation_id="c-2",
        context="text",
        origin="hubbatch",
    )
    if isinstance(error, RecordConflict):
        error.existing_id = "171"
    return error


EVERY = [
    ConfigurationError("no token"),
    *(api_error(cls) for cls in API_ERRORS),
    *(record_error(cls) for cls in RECORD_ERRORS),
]


def by_pickle(error: HubBatchError) -> HubBatchError:
    again: HubBatchError = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own
    return again


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [by_pickle, copy.copy, copy.deepcopy])
def test_an_error_travels_with_all_that_it_has(
    error: HubBatchError, again: Callable[[HubBatchError], HubBatchError]
) -> None:
    other = again(error)

    assert other is not error
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)
    assert other.args == error.args
    assert (other.response, other.summary) == (error.response, error.summary)


@pytest.mark.parametrize("again", [by_pickle, copy.copy, copy.deepcopy])
def test_a_group_travels_too(
    again: Callable[[HubBatchError], HubBatchError],
) -> None:
    group = BatchFailed("2 of 3", [record_error(RecordConflict), RecordInvalid("b")])
    group.summary = 5
    other = again(group)

    assert isinstance(other, BatchFailed)
    assert [vars(error) for error in other.exceptions] == [
        vars(error) for error in group.exceptions
    ]
    assert (str(other), other.summary) == (str(group), 5)


def test_a_group_can_be_split() -> None:
    group = BatchFailed("2 of 3", [RecordNotFound("a"), RecordInvalid("b")])
    found, rest = group.split(RecordNotFound)

    assert isinstance(found, BatchFailed)
    assert isinstance(rest, BatchFailed)
    assert [str(error) for error in (*found.exceptions, *rest.exceptions)] == ["a", "b"]


def test_except_star_takes_a_group_apart() -> None:
    seen = []
    try:
        raise BatchFailed("2 of 3", [RecordNotFound("a"), RecordInvalid("b")])
    except* RecordNotFound as group:
        seen += [str(error) for error in group.exceptions]
    except* RecordInvalid as group:
        seen += [str(error) for error in group.exceptions]

    assert seen == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (APIError("no"), "no"),
        (APIError("no", status=500), "500: no"),
        (APIError("no", category="X"), "X: no"),
        (APIError("no", correlation_id="c"), "no (correlation id c)"),
        (
            APIError("no", status=400, category="X", correlation_id="c"),
            "400 X: no (correlation id c)",
        ),
        (RecordError("no"), "no"),
        (RecordError("no", category="X"), "X: no"),
        (ConfigurationError("no token"), "no token"),
    ],
)
def test_messages(error: HubBatchError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("cls", API_ERRORS)
def test_what_hubspot_did_not_say_is_empty(cls: type[APIError]) -> None:
    error = cls("no")

    assert vars(error) == {
        "message": "no",
        "status": None,
        "category": None,
        "correlation_id": None,
        "errors": (),
        "context": None,
    }
    assert (error.response, error.summary) == (None, None)


def test_defaults_of_their_own() -> None:
    assert PermissionDeniedError("no").scopes == ()
    assert DailyLimitReached("no").resets_at is None
    assert RecordConflict("no").existing_id is None
    assert RecordError("no").origin == "hubspot"

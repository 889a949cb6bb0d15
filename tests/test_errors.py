"""The tree of errors: drawn once, and each of them fit to travel."""

import ast
import builtins
import copy
import inspect
import pickle

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import hubbatch

from hubbatch import errors
from hubbatch.errors import (
    APIError,
    AuthenticationError,
    BatchFailed,
    CheckFailed,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    LoadFailed,
    OutcomeUnknown,
    PermissionDeniedError,
    ProxyError,
    ReconnectRequired,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
    WhereError,
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
        if child.__module__ == hubbatch.__name__:
            yield from drawn(child, f"{indent}  ")


def test_the_tree() -> None:
    assert [*drawn(HubBatchError)] == [
        "HubBatchError",
        "  ConfigurationError",
        "    WhereError",
        "  APIError",
        "    AuthenticationError",
        "      ReconnectRequired",
        "    PermissionDeniedError",
        "    InvalidRequestError",
        "    DailyLimitReached",
        "    ProxyError",
        "    HubSpotUnavailable",
        "  CertificateError",
        "  ListError",
        "  TooManyFailures",
        "  RecordError",
        "    RecordInvalid",
        "    RecordNotFound",
        "    RecordConflict",
        "    OutcomeUnknown",
        "  BatchFailed",
        "  OverloadedError",
        "  JournalError",
        "  SourceError",
        "  CheckFailed",
        "  LimiterUnavailable",
        "  LoadFailed",
    ]
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(BatchFailed, ExceptionGroup)


def test_the_tree_is_drawn_in_the_module() -> None:
    picture = inspect.getdoc(errors) or ""

    assert all(name.strip() in picture for name in drawn(HubBatchError))


def every_class(cls: type[HubBatchError] = HubBatchError) -> Iterator[type[Any]]:
    yield cls
    for child in cls.__subclasses__():
        yield from every_class(child)


# The exceptions outside the tree, and why each may stay there. Control flow is raised
# and caught inside hubbatch, so that no caller sees it.
PRIVATE = {
    "BadRow": "control flow: the reader of the file raises a SourceError with the row",
    "InvalidInput": "control flow: becomes the RecordInvalid of one outcome",
    "NothingToDo": "control flow: the command line ends with a message and status 0",
    "Stopped": "control flow: ends a job whose caller asked it to stop",
    "_ClientClosed": "control flow: ends the refresh of a client that is closed",
    "_NotUniform": "control flow: a block of inputs is encoded input by input",
}
# The simulator shares no code with the client, so that it cannot share a mistake.
SIMULATOR = {
    "Refusal": "control flow: becomes an answer of the simulated server",
    "OAuthRefusal": "control flow: becomes an answer of the token endpoint",
    "InvalidJSON": "control flow: becomes a Refusal or a ScriptError; a ValueError",
    "ScriptError": "a file of faults or records is wrong; a ValueError",
}
PACKAGE = Path(errors.__file__).parent
PUBLIC = ("hubbatch", "hubbatch.jobs", "hubbatch.simulator")


def exceptions_by_file() -> dict[Path, set[str]]:
    """Find the exception classes of the package, by the names of their bases.

    The source is read, because modules with optional dependencies cannot be imported.
    """
    classes = [
        (path, node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    known = {
        name
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    found: dict[Path, set[str]] = {}
    grows = True
    while grows:  # until no class has a base that was found only now
        grows = False
        for path, node in classes:
            bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
            names = {base.rpartition(".")[2] for base in bases}
            theirs = any(name.endswith(("Error", "Exception")) for name in names)
            if (theirs or names & known) and node.name not in found.get(path, set()):
                found.setdefault(path, set()).add(node.name)
                known.add(node.name)
                grows = True
    return found


def test_every_exception_class_is_in_the_tree_or_private() -> None:
    by_file = exceptions_by_file()
    tree = by_file.pop(PACKAGE / "errors.py")
    simulator = {path for path in by_file if "simulator" in path.parts}

    # A warning is raised by nothing but a filter.
    assert tree == {cls.__name__ for cls in every_class()} | {"HubSpotDeprecation"}
    assert set().union(*(by_file.pop(path) for path in simulator)) == {*SIMULATOR}
    assert set().union(*by_file.values()) == {*PRIVATE}


def test_no_private_exception_is_exported() -> None:
    exported = {name for face in PUBLIC for name in import_module(face).__all__}

    assert not exported & {*PRIVATE, *SIMULATOR}


def test_every_error_is_imported_from_wherever_it_was() -> None:
    """Each from `hubbatch` and `hubbatch.errors`, some from where they are raised."""
    raised = {
        "hubbatch.jobs": ("CheckFailed", "SourceError"),
        "hubbatch.integrations.redis": ("LimiterUnavailable",),
    }
    for module, names in raised.items():
        for name in names:
            assert getattr(import_module(module), name) is getattr(errors, name)


def test_every_error_is_exported() -> None:
    for cls in every_class():
        assert getattr(hubbatch, cls.__name__) is cls


def an_error_with_everything(cls: type[Any]) -> Any:
    """Make an error, and set each attribute that its class documents to some value."""
    if issubclass(cls, BatchFailed):
        error = cls("2 of 3", [RecordInvalid("a"), RecordConflict("b")])
        error.exceptions[0].add_note("input 0")
    else:
        error = cls("no")
    documented = {
        name.strip().removesuffix(":")
        for base in cls.__mro__
        for name in (inspect.getdoc(base) or "").partition("Attributes:")[2].split()
        if name.endswith(":") and base.__module__ == hubbatch.__name__
    }
    for name in sorted(documented):
        if hasattr(error, name):
            setattr(error, name, ["any", name])
    error.add_note("a note")
    return error


@pytest.mark.parametrize("cls", [*every_class()], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_can_be_pickled(cls: type[HubBatchError], protocol: int) -> None:
    error = an_error_with_everything(cls)
    again: Any = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 -- our own

    assert (type(again), str(again)) == (cls, str(error))
    assert again.args[:1] == error.args[:1]
    assert {**vars(again), "__notes__": ["a note"]} == vars(again) == vars(error)
    if issubclass(cls, BatchFailed):
        assert [vars(one) for one in again.exceptions] == [
            vars(one) for one in error.exceptions
        ]


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
    WhereError("amount is a number", "amount > x", 9, 10),
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
    group.total = 2
    found, rest = group.split(RecordNotFound)

    assert isinstance(found, BatchFailed)
    assert isinstance(rest, BatchFailed)
    assert (found.total, rest.total) == (2, 2)
    assert [str(error) for error in (*found.exceptions, *rest.exceptions)] == [
        "a.",
        "b.",
    ]


def test_except_star_takes_a_group_apart() -> None:
    seen = []
    try:
        raise BatchFailed("2 of 3", [RecordNotFound("a"), RecordInvalid("b")])
    except* RecordNotFound as group:
        seen += [str(error) for error in group.exceptions]
    except* RecordInvalid as group:
        seen += [str(error) for error in group.exceptions]

    assert seen == ["a.", "b."]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (APIError("no"), "no."),
        (APIError("no", status=500), "500: no."),
        (APIError("no", category="X"), "X: no."),
        (APIError("no", correlation_id="c"), "No (correlation id c)."),
        (
            APIError("no", status=400, category="X", correlation_id="c"),
            "400 X: no (correlation id c).",
        ),
        (RecordError("no"), "no."),
        (RecordError("no", category="X"), "X: no."),
        (ConfigurationError("no token"), "No token."),
        (ConfigurationError("limit must be 1."), "limit must be 1."),
        (ConfigurationError("base_url is wrong"), "base_url is wrong."),
        (
            WhereError("expected a number", "n > x", 4, 5),
            "Expected a number (at character 5 of: n > x).",
        ),
        (
            WhereError("expected a value", "n >", 3, 3),
            "Expected a value (at the end of: n >).",
        ),
        (
            APIError("No.", status=400, correlation_id="c", advice="Look at it."),
            "Look at it. 400: No (correlation id c).",
        ),
        (
            RecordError("400: no (correlation id c)", correlation_id="c"),
            "400: no (correlation id c).",
        ),
    ],
)
def test_messages(error: HubBatchError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("cls", API_ERRORS)
def test_what_hubspot_did_not_say_is_empty(cls: type[APIError]) -> None:
    error = cls("no")

    assert vars(error) == {
        "message": "no",
        "advice": "",
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
    assert HubSpotUnavailable("no").maybe_written is False
    assert LoadFailed("no").passing is False
    assert CheckFailed("no").report is None
    assert BatchFailed("no", [RecordError("no")]).total == 0
    assert RecordError("no").origin == "hubspot"

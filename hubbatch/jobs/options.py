"""What a job can be told, checked before anything happens."""

import os

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hubbatch.client import HubBatch
from hubbatch.core.operations import Operation
from hubbatch.errors import ConfigurationError
from hubbatch.net.batch import Batch

from .outputs import Sink, SinkOrPath
from .parquet import ENDING, ParquetOutput, lines_of
from .sinks import Failures, Pairs, Records, Results


# What each verb can be told, besides max_failures.
_OPTIONS: Mapping[str, frozenset[str]] = {
    "create": frozenset({"reconcile_by"}),
    "read": frozenset({"id_property", "properties"}),
    "update": frozenset({"id_property"}),
    "upsert": frozenset({"id_property"}),
    "archive": frozenset(),
    "create_default": frozenset(),
    "archive_labels": frozenset(),
}
# How the object type of a job begins that is about pairs of records.
PAIRS = "associations."
_OBJECT_VERBS = ("create", "read", "update", "upsert", "archive")
_PAIR_VERBS = ("read", "create", "create_default", "archive", "archive_labels")
# The same of `crm-objects/v1`.
_LEGACY_OPTIONS: Mapping[str, frozenset[str]] = {
    "create": frozenset(),
    "read": frozenset({"properties"}),
    "update": frozenset(),
    "archive": frozenset(),
}
# Of these, what must be the same when a job goes on. `reconcile_by` only decides what
# is done about creates whose answers were lost, and may come to mind after that.
MEANING = frozenset({"id_property", "properties"})


def find_verb(
    hub: HubBatch, verb: str, object_type: str, *, legacy: bool
) -> Callable[..., Batch[Any]]:
    """Give the method of the client that a job calls.

    Raises:
        ConfigurationError: if there is none.
    """
    if object_type.startswith(PAIRS):
        return _pair_verb(hub, verb, object_type)
    if verb not in _OBJECT_VERBS:
        raise ConfigurationError(
            f"verb must be one of {[*_OBJECT_VERBS]}, not {verb!r}"
        )
    if not legacy:
        return getattr(hub.objects(object_type), verb)  # type: ignore[no-any-return] # one of its verbs
    types = vars(hub.legacy)
    if verb not in _LEGACY_OPTIONS or object_type not in types:
        raise ConfigurationError(
            f"crm-objects/v1 has {', '.join(_LEGACY_OPTIONS)} of "
            f"{', '.join(sorted(types))}; not {verb} of {object_type}"
        )
    return getattr(types[object_type], verb)  # type: ignore[no-any-return] # its verb


def _pair_verb(hub: HubBatch, verb: str, name: str) -> Callable[..., Batch[Any]]:
    source, _, target = name.removeprefix(PAIRS).partition(".")
    if verb not in _PAIR_VERBS or not source or not target:
        raise ConfigurationError(
            f"{name}.{verb}: expected {PAIRS}FROM.TO, and one of {[*_PAIR_VERBS]}"
        )
    return getattr(hub.associations(source, target), verb)  # type: ignore[no-any-return] # one of its verbs


def fitting(verb: str, options: Mapping[str, Any], *, legacy: bool) -> dict[str, Any]:
    """Give the options of a verb that are set.

    Raises:
        ConfigurationError: if it has no such option.
    """
    given = {name: value for name, value in options.items() if value is not None}
    known = (_LEGACY_OPTIONS if legacy else _OPTIONS)[verb]
    for name in given:
        if name not in known:
            of = "crm-objects/v1" if legacy else verb
            raise ConfigurationError(f"{of} has no option {name}")
    return given


def check_limit(limit: Any) -> int | None:
    """Give a number of rows back.

    Raises:
        ConfigurationError: if it is none.
    """
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ConfigurationError(f"limit must be a number above zero, not {limit!r}")
    return limit


def check_account(account: Any) -> int | None:
    """Read a portal id, given as a number or as its text.

    Raises:
        ConfigurationError: if it is none.
    """
    if account is None:
        return None
    text = str(account)
    if not (text.isascii() and text.isdecimal()):
        raise ConfigurationError(f"account must be a portal id, not {account!r}")
    return int(text)


def make_sink(
    role: str, given: SinkOrPath, operation: Operation, *, legacy: bool
) -> Sink:
    """Make the sink of a role out of a path; one that was made already stays itself.

    Raises:
        ConfigurationError: for a path that the role or the operation cannot have.
    """
    if not isinstance(given, str | os.PathLike):
        return given
    if role == "results":
        return Results(given)
    path = Path(given)
    if role == "output" and path.suffix.lower() == ENDING:
        return ParquetOutput(path, _output(lines_of(path), operation))
    if role == "output":
        return _output(path, operation)
    return Failures(given, operation, legacy=legacy)


def _output(path: Path, operation: Operation) -> Pairs | Records:
    if operation.object_type.startswith(PAIRS):
        return Pairs(path)
    return Records(path, operation)


def check_paths(journal: Path | None, sinks: Iterable[Sink]) -> None:
    """Make sure that no file is to be two things at once.

    Raises:
        ConfigurationError: if one is.
    """
    paths = [sink.path.absolute() for sink in sinks]
    if journal is not None:
        paths.append(journal.absolute())
    for path, count in Counter(paths).items():
        if count > 1:
            raise ConfigurationError(f"{path} cannot be two files at once")


def seen_from(journal: Path | None, path: Path) -> str:
    """Name a file so that the journal and it can be moved together."""
    if journal is None:
        return str(path)
    try:
        beside = Path(os.path.realpath(journal)).parent
        return os.path.relpath(Path(os.path.realpath(path.parent), path.name), beside)
    except ValueError:  # on another drive
        return str(path.absolute())


def as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Write options as they come back from JSON; what is not set is left out."""
    return {
        name: [*value] if isinstance(value, tuple) else value
        for name, value in options.items()
        if value not in (None, False)
    }

"""Checks of a job's arguments before anything is sent."""

import os

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

from hubbatch._net.batch import Batch
from hubbatch._wire.endpoints import Operation
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError

from .outputs.output_files import Sink, SinkOrPath
from .outputs.parquet import SUFFIX, ParquetOutput, lines_of
from .outputs.rows_to_fix import RowsToFix
from .outputs.sinks import Failures, Pairs, Records, Results


# The options of each verb, except max_failures.
_OPTIONS: Mapping[str, frozenset[str]] = {
    "create": frozenset({"reconcile_by", "timezone"}),
    "read": frozenset({"id_property", "properties"}),
    "update": frozenset({"id_property", "timezone"}),
    "upsert": frozenset({"id_property", "timezone"}),
    "archive": frozenset(),
    "merge": frozenset(),
    "gdpr_delete": frozenset({"id_property"}),
    "create_default": frozenset(),
    "archive_labels": frozenset(),
    "add": frozenset(),
    "remove": frozenset(),
}
# The verbs that send times. Those for pairs have none.
TIMED_VERBS = ("create", "update", "upsert")
# The prefix of a job's object type when its rows are pairs of records.
PAIRS = "associations."
# The prefix of a job's object type when its rows are records of a list.
LISTS = "lists."
_LIST_VERBS = ("add", "remove")
_OBJECT_VERBS = (
    "create",
    "read",
    "update",
    "upsert",
    "archive",
    "merge",
    "gdpr_delete",
)
_PAIR_VERBS = ("read", "create", "create_default", "archive", "archive_labels")
# The options of each verb in `crm-objects/v1`.
_LEGACY_OPTIONS: Mapping[str, frozenset[str]] = {
    "create": frozenset({"timezone"}),
    "read": frozenset({"properties"}),
    "update": frozenset({"timezone"}),
    "archive": frozenset(),
}
# The options that must not change when a job resumes. `reconcile_by` may: it only
# determines how creates with lost answers are recovered, and a user may add it after
# losing some.
IDENTITY_OPTIONS = ("id_property", "properties", "timezone")


def check_client(hub: object, job: str) -> None:
    """Check that a job has the async client.

    Raises:
        TypeError: If it has another client or none.
    """
    if not isinstance(hub, HubBatch):
        raise TypeError(
            f"{job} needs the async client, not {type(hub).__name__}. With the client "
            f"of HubBatch.sync(), write `hub.run(lambda hub: {job}(hub, ...).run())`."
        )


def find_verb(
    hub: HubBatch, verb: str, object_type: str, *, legacy: bool
) -> Callable[..., Batch[Any]]:
    """Return the method of the client that a job calls.

    Raises:
        ConfigurationError: If the object type has no such verb.
    """
    if object_type.startswith(PAIRS):
        return _pair_verb(hub, verb, object_type)
    if object_type.startswith(LISTS):
        return _list_verb(hub, verb, object_type)
    if verb not in _OBJECT_VERBS:
        raise ConfigurationError(
            f"verb must be one of {', '.join(_OBJECT_VERBS)}, not {verb!r}."
        )
    if verb == "gdpr_delete" and object_type != "contacts":
        raise ConfigurationError(
            f"HubSpot has a GDPR delete for contacts only, not for {object_type}."
        )
    if not legacy:
        return getattr(hub.objects(object_type), verb)  # type: ignore[no-any-return] # one of its verbs
    types = vars(hub.legacy)
    if verb not in _LEGACY_OPTIONS or object_type not in types:
        raise ConfigurationError(
            f"crm-objects/v1 cannot {verb} {object_type}: expected one of "
            f"{', '.join(_LEGACY_OPTIONS)}, and one of {', '.join(sorted(types))}"
        )
    return getattr(types[object_type], verb)  # type: ignore[no-any-return] # its verb


def _pair_verb(hub: HubBatch, verb: str, name: str) -> Callable[..., Batch[Any]]:
    source, _, target = name.removeprefix(PAIRS).partition(".")
    if verb not in _PAIR_VERBS or not source or not target:
        raise ConfigurationError(
            f"{name}.{verb}: expected {PAIRS}FROM.TO, and one of "
            f"{', '.join(_PAIR_VERBS)}."
        )
    return getattr(hub.associations(source, target), verb)  # type: ignore[no-any-return] # one of its verbs


def _list_verb(hub: HubBatch, verb: str, name: str) -> Callable[..., Batch[Any]]:
    list_id = name.removeprefix(LISTS)
    if verb not in _LIST_VERBS or not list_id.isdecimal():
        raise ConfigurationError(
            f"{name}.{verb}: expected {LISTS}ID, and one of {', '.join(_LIST_VERBS)}."
        )
    return getattr(hub.lists(list_id), verb)  # type: ignore[no-any-return] # one of its verbs


def check_options(
    verb: str, options: Mapping[str, Any], *, legacy: bool
) -> dict[str, Any]:
    """Return the options that are set.

    Raises:
        ConfigurationError: If the verb does not accept one of them.
    """
    chosen = {name: value for name, value in options.items() if value is not None}
    known = (_LEGACY_OPTIONS if legacy else _OPTIONS)[verb]
    for name in chosen:
        if name not in known:
            call = "crm-objects/v1" if legacy else verb
            raise ConfigurationError(f"The call {call} has no option {name}.")
    return chosen


def check_limit(limit: Any) -> int | None:
    """Return `limit`, the maximum number of rows.

    Raises:
        ConfigurationError: If it is not None or a positive int.
    """
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ConfigurationError(f"limit must be a number above zero, not {limit!r}")
    return limit


def check_account(account: Any) -> int | None:
    """Return a portal id as an int.

    Raises:
        ConfigurationError: If it is neither an int nor a string of digits.
    """
    if account is None:
        return None
    digits = str(account)
    if not (digits.isascii() and digits.isdecimal()):
        raise ConfigurationError(f"account must be a portal id, not {account!r}")
    return int(digits)


def check_patience(patience: Any) -> float:
    """Return how long HubSpot may be down, in seconds.

    Raises:
        ConfigurationError: If it is neither a `timedelta` nor a number of seconds, or
            below zero.
    """
    if patience is None:
        return 0.0
    value = patience.total_seconds() if isinstance(patience, timedelta) else patience
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not 0 <= value < inf:
        raise ConfigurationError(
            "patience must be a number of seconds or a timedelta, 0 or more, not "
            f"{patience!r}."
        )
    return float(value)


def make_sink(
    role: str,
    sink: SinkOrPath,
    operation: Operation,
    *,
    legacy: bool,
    source: object = None,
) -> Sink:
    """Return the sink of a role; a path becomes the sink that suits its suffix.

    `source` is needed for failures as a CSV, which have its columns.

    Raises:
        ConfigurationError: If such a file is not possible for the role or the
            operation.
    """
    if not isinstance(sink, str | os.PathLike):
        return sink
    if role == "results":
        flag = "changed" if operation.object_type.startswith(LISTS) else "new"
        return Results(sink, flag=flag)
    path = Path(sink)
    if role == "output" and path.suffix.lower() == SUFFIX:
        return ParquetOutput(path, _output(lines_of(path), operation))
    if role == "output":
        return _output(path, operation)
    if path.suffix.lower() == ".csv":
        return RowsToFix(path, operation, source)
    return Failures(sink, operation, legacy=legacy)


def _output(path: Path, operation: Operation) -> Pairs | Records:
    if operation.object_type.startswith(PAIRS):
        return Pairs(path)
    return Records(path, operation)


def check_paths(journal: Path | None, sinks: Iterable[Sink]) -> None:
    """Check that no two files have the same path.

    Raises:
        ConfigurationError: If two files have the same path.
    """
    paths = [sink.path.absolute() for sink in sinks]
    if journal is not None:
        paths.append(journal.absolute())
    for path, count in Counter(paths).items():
        if count > 1:
            raise ConfigurationError(
                f"{path} is named twice. Use a path of its own for each file."
            )


def relative_to_journal(journal: Path | None, path: Path) -> str:
    """Return a file's path relative to the journal's folder.

    This allows moving the journal and its files together.
    """
    if journal is None:
        return str(path)
    try:
        beside = Path(os.path.realpath(journal)).parent
        return os.path.relpath(Path(os.path.realpath(path.parent), path.name), beside)
    except ValueError:  # on another drive
        return str(path.absolute())


def as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are set, as they would come back from JSON."""
    return {
        name: [*value] if isinstance(value, tuple) else value
        for name, value in options.items()
        if value not in (None, False)
    }

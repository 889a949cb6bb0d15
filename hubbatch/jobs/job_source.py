"""The source of a job: a path, a `Source`, or any inputs."""

import os

from collections.abc import Iterable, Mapping
from typing import Any

from hubbatch._net.source import length
from hubbatch._tables.column_mapping import Columns, JobVerb
from hubbatch.errors import ConfigurationError

from .options import PAIRS
from .pairs import PairColumns
from .row_source import Inputs, is_source
from .sources import open_source


# The options of a path that say how its file is read; the others are of its columns.
_FILE_OPTIONS = frozenset({"encoding", "delimiter", "query", "timezone"})
# The verbs whose `properties` are those that HubSpot returns.
_BARE_IDS = ("read", "archive")


def open_job_source(
    source: Any,
    verb: JobVerb,
    object_type: str,
    *,
    id_property: str | None,
    properties: Mapping[str, str] | Iterable[str],
    reconcile_by: str | None,
    legacy: bool,
    **of_path: str | None,
) -> tuple[Any, dict[str, Any]]:
    """Return the source of a path, or anything else unchanged; and the verb's options.

    `of_path` are the options that only a path has, except `timezone`, which tables and
    inputs have too. A `Source` has its own.

    Raises:
        ConfigurationError: If an option cannot be used with the source, or differs from
            that of the source's columns.
    """
    if isinstance(properties, str):
        raise ConfigurationError(
            f"properties must be a collection of names, not {properties!r}."
        )
    chosen: dict[str, Any] = {n: v for n, v in of_path.items() if v is not None}
    call: dict[str, Any] = {"id_property": id_property, "reconcile_by": reconcile_by}
    if not isinstance(source, str | os.PathLike):
        if not is_source(source):
            call["timezone"] = chosen.pop("timezone", None)
        for name in chosen:
            raise ConfigurationError(
                f"The option {name} is for paths. Set it where you create the "
                f"{type(source).__name__} instead."
            )
        columns = getattr(source, "columns", None)
        if isinstance(columns, Columns):
            _agreed("verb", verb, columns.verb)
            call = {
                name: _agreed(name, value, getattr(columns, name))
                for name, value in call.items()
            }
        return source, {**call, "properties": tuple(properties) or None}
    file = {name: chosen.pop(name) for name in _FILE_OPTIONS & {*chosen}}
    if object_type.startswith(PAIRS) and verb != "read":
        for name in chosen:
            raise ConfigurationError(
                f"The option {name} is not for pairs. Pass a source with PairColumns."
            )
        return open_source(source, PairColumns(), **file), call
    if chosen.get("empty", "skip") not in ("skip", "clear"):
        raise ConfigurationError(
            f"empty must be 'skip' or 'clear', not {chosen['empty']!r}."
        )
    if verb in _BARE_IDS:
        call["properties"] = tuple(properties) or None
    else:
        chosen["properties"] = properties
    columns = Columns(
        verb=verb,
        id_property=id_property,
        reconcile_by=reconcile_by,
        legacy=legacy,
        **chosen,
    )
    return open_source(source, columns, **file), call


def _agreed(name: str, of_job: str | None, of_source: str | None) -> str | None:
    """Return an option that the job or the source's columns have set."""
    if None not in (of_job, of_source) and of_job != of_source:
        raise ConfigurationError(
            f"The job has {name}={of_job!r}, but the columns of its source have "
            f"{name}={of_source!r}. Set it in one place, or to the same value."
        )
    return of_source if of_job is None else of_job


def count_rows(source: Any) -> int | None:
    """Return the number of rows of a source; None if it is unknown."""
    if isinstance(source, Inputs):
        return length(source.inputs)
    count = getattr(source, "length", None)
    return None if count is None else count()

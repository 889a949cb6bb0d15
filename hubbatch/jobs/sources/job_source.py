"""The source of a job: a path, a `Source`, or any inputs."""

import os

from collections.abc import Iterable, Mapping
from typing import Any

from hubbatch._net.source import length
from hubbatch._tables.column_mapping import Columns, JobVerb
from hubbatch.errors import ConfigurationError
from hubbatch.jobs.options import PAIRS, TIMED_VERBS

from .files import open_source
from .merge_columns import MergeColumns
from .pairs import PairColumns
from .row_source import Inputs, is_source


# The verbs whose `properties` are those that HubSpot returns.
_BARE_IDS = ("read", "archive", "add", "remove", "gdpr_delete")


def open_job_source(
    source: Any,
    verb: JobVerb,
    object_type: str,
    *,
    call: Mapping[str, str | None],
    properties: Mapping[str, str] | Iterable[str],
    legacy: bool,
    columns: Mapping[str, Any],
    file: Mapping[str, str | None],
    timezone: str | None,
) -> tuple[Any, dict[str, Any]]:
    """Return the source of a path, or anything else unchanged; and the verb's options.

    Options that are None are not set.

    Args:
        source: A path, a `Source`, a table or inputs.
        verb: The verb of the job.
        object_type: Its object type, or pair of types.
        call: The options of the verb that `Columns` has too.
        properties: The properties to read, or the columns to send.
        legacy: Whether the inputs are for `crm-objects/v1`.
        columns: The other options of `Columns`. Only a path has these.
        file: The options of `open_source`. Only a path has these.
        timezone: The time zone of times without one.

    Raises:
        ConfigurationError: If an option cannot be used with the source, or differs from
            that of the source's columns.
    """
    if isinstance(properties, str):
        raise ConfigurationError(
            f"properties must be a collection of names, not {properties!r}."
        )
    if isinstance(source, str | os.PathLike):
        how = _set({**file, "timezone": timezone})
        if object_type.startswith(PAIRS) and verb != "read":
            _refuse(columns, "is not for pairs. Pass a source with PairColumns.")
            return open_source(source, PairColumns(), **how), dict(call)
        if verb == "merge":
            _refuse(columns, "is not for merges.")
            return open_source(source, MergeColumns(), **how), dict(call)
        ids_only = verb in _BARE_IDS
        mapping = Columns(
            verb=verb,
            properties=() if ids_only else properties,
            legacy=legacy,
            **_set({**call, **columns}),
        )
        returned = tuple(properties) if ids_only else ()
        options = {**call, "properties": returned or None}
        if not ids_only:
            options["timezone"] = timezone
        return open_source(source, mapping, **how), options
    if hasattr(source, "__arrow_c_stream__") and not is_source(source):
        columns = {**columns, "id_column": None}  # `as_source` takes it
    _refuse(
        {**columns, **file},
        f"is for paths. Set it where you create the {type(source).__name__} instead.",
    )
    timed = verb in TIMED_VERBS and not object_type.startswith(PAIRS)
    if timezone is None and timed and is_source(source):
        timezone = source.options.get("timezone")
    options = {**call, "timezone": timezone, "properties": tuple(properties) or None}
    known = getattr(source, "columns", None)
    if isinstance(known, Columns):
        _agreed("verb", verb, known.verb)
        for name in call:
            options[name] = _agreed(name, call[name], getattr(known, name))
    return source, options


def _set(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are set."""
    return {name: value for name, value in options.items() if value is not None}


def _refuse(options: Mapping[str, Any], why: str) -> None:
    """Check that no option is set."""
    unusable = _set(options)
    if unusable:
        raise ConfigurationError(f"The option {next(iter(unusable))} {why}")


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

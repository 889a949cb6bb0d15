"""Reads a command's arguments and options as the job to run."""

import asyncio

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hubbatch import ConfigurationError, HubBatch, RecordNotFound
from hubbatch._tables.column_mapping import JobVerb
from hubbatch.jobs import (
    ColumnMapping,
    Columns,
    FailuresSource,
    IdMap,
    MergeColumns,
    PairColumns,
    Where,
    by_label,
    find_type,
    open_source,
)
from hubbatch.jobs.journal.identity import Identity
from hubbatch.jobs.journal.journal_reader import look
from hubbatch.jobs.options import LISTS, PAIRS
from hubbatch.jobs.sources.failures_table import FailuresTable
from hubbatch.jobs.sources.file_source import ending_of
from hubbatch.models import AssociationSpecWithLabel

from .job_spec import AllRecords, JobSpec, NothingToDo, find_token, hub_options


# The value of --property that stands for all of them.
_ALL = "ALL"
# The verb's options, for commands that have none.
_PLAIN_CALL: dict[str, Any] = {"id_property": None, "properties": (), "legacy": False}


def verb_spec(verb: JobVerb, options: Mapping[str, Any]) -> JobSpec:
    """Return the job for a verb.

    Raises:
        ConfigurationError: If the options do not fit together.
        SourceError: If the source cannot be read.
    """
    properties = options.get("properties") or {}
    reading = verb == "read"
    everything = bool(options.get("everything") or options.get("where"))
    _check_origin(options)
    call: dict[str, Any] = {
        "id_property": options.get("id_property"),
        "properties": _requested(options) if reading else (),
        "legacy": bool(options.get("legacy")),
    }
    if everything:
        return _all_spec(options, call)
    columns = Columns(
        verb=verb,
        id_column=options["id_column"],
        id_property=options.get("id_property"),
        properties={} if reading else properties,
        empty=options.get("empty") or "skip",
        append=options.get("append") or (),
        legacy=call["legacy"],
        reconcile_by=options.get("reconcile_by"),
    )
    source = _open(options, columns)
    return JobSpec(
        verb=verb,
        object_type=options["object_type"],
        source=source,
        call=call,
        options=options,
    )


def _requested(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the properties to read, for `ALL` those of HubSpot.

    A job that resumes reads those that it began with: its files have these columns.
    """
    names = tuple(options.get("properties") or ())
    if _ALL not in names:
        return names
    journal = options.get("journal")
    if journal is not None and Path(journal).exists():
        begun = look(Path(journal), lambda read: read.is_new() or read.identity())
        if isinstance(begun, Identity) and begun.options.get("properties"):
            return tuple(begun.options["properties"])
    return asyncio.run(_ask_names(options))


async def _ask_names(options: Mapping[str, Any]) -> tuple[str, ...]:
    async with HubBatch(find_token(options), **hub_options(options)) as hub:
        defined = await hub.properties(options["object_type"]).list()
    return tuple(each.name for each in defined)


def _check_origin(options: Mapping[str, Any]) -> None:
    """Check that a command names one origin of its rows: a file, all or some."""
    source, where = options["source"], options.get("where")
    everything = options.get("everything")
    if where and everything:
        raise ConfigurationError(
            "--where reads all records that match: remove --all, or remove --where to "
            "read the others too"
        )
    if where and source is not None:
        raise ConfigurationError(
            f"--where finds the records by itself: remove {source}, or remove --where "
            "to read the records of that file"
        )
    if everything and source is not None:
        raise ConfigurationError("--all takes no SOURCE: remove one of the two")
    if not (source is not None or where or everything):
        raise ConfigurationError(
            "SOURCE is missing: name a file, or use --all or --where"
        )
    if options.get("archived") and where:
        raise ConfigurationError(
            "HubSpot cannot search archived records: use --archived with --all only"
        )
    if options.get("archived") and not everything:
        raise ConfigurationError("--archived needs --all")


def _all_spec(options: Mapping[str, Any], call: dict[str, Any]) -> JobSpec:
    where = None
    refused = ["id_property", "id_column", "query", "legacy", "results", "failures"]
    if options["where"]:
        where = Where(*options["where"], timezone=options["timezone"])
    else:
        refused.append("dry_run")  # HubSpot does not say how many records there are
    for name in refused:
        if options[name]:
            raise ConfigurationError(
                f"--{'all' if where is None else 'where'} takes no "
                f"--{name.replace('_', '-')}: remove one of the two"
            )
    return JobSpec(
        verb="read",
        object_type=options["object_type"],
        source=AllRecords(where),
        call=call,
        options=options,
    )


def merge_spec(options: Mapping[str, Any]) -> JobSpec:
    """Return the job for `merge`.

    Raises:
        SourceError: If the source cannot be read.
    """
    return JobSpec(
        verb="merge",
        object_type=options["object_type"],
        source=_open(options, MergeColumns()),
        call=_PLAIN_CALL,
        options=options,
    )


def gdpr_delete_spec(options: Mapping[str, Any]) -> JobSpec:
    """Return the job for `gdpr-delete`.

    Raises:
        SourceError: If the source cannot be read.
    """
    spec = verb_spec("gdpr_delete", options)
    if options["id_property"] == "email":
        spec.warning = (
            "HubSpot blocks an address that no contact has: no import and no form can "
            "create a contact with it"
        )
    return spec


def associations_spec(options: Mapping[str, Any]) -> JobSpec:
    """Return the job for `associations`.

    Raises:
        ConfigurationError: If the options do not fit together.
        SourceError: If the source cannot be read.
    """
    return JobSpec(
        verb="read",
        object_type=f"{PAIRS}{options['from_type']}.{options['to_type']}",
        source=_open(options, Columns(verb="read", id_column=options["id_column"])),
        call=_PLAIN_CALL,
        options=options,
    )


def associate_spec(options: Mapping[str, Any]) -> JobSpec:
    """Return the job for `associate`; looks up a label in HubSpot.

    Raises:
        ConfigurationError: If the options do not fit together, or the label does not
            exist.
        SourceError: If the source cannot be read.
        APIError: If HubSpot does not return the labels.
    """
    from_type, to_type = options["from_type"], options["to_type"]
    label, type_id, remove = (options[name] for name in ("label", "type_id", "remove"))
    column = options["label_column"]
    labeled = [value for value in (label, type_id, column) if value is not None]
    if len(labeled) > 1:
        raise ConfigurationError(
            "--label, --type-id and --label-column exclude each other: use one of them"
        )
    kinds = asyncio.run(_ask_kinds(options, from_type, to_type)) if labeled else ()
    types = []
    if labeled and column is None:
        types = [find_type(kinds, label=label, type_id=type_id)]
    columns = PairColumns(
        from_column=options["from_column"],
        to_column=options["to_column"],
        types=types,
        label_column=column,
        labels=by_label(kinds) if column is not None else {},
        from_map=IdMap.read(options["from_map"]) if options["from_map"] else None,
        to_map=IdMap.read(options["to_map"]) if options["to_map"] else None,
    )
    verbs: tuple[JobVerb, JobVerb] = ("create_default", "create")
    if remove:
        verbs = ("archive", "archive_labels")
    return JobSpec(
        verb=verbs[bool(labeled)],
        object_type=f"{PAIRS}{from_type}.{to_type}",
        source=_open(options, columns),
        call=_PLAIN_CALL,
        options=options,
    )


def enrol_spec(options: Mapping[str, Any]) -> JobSpec:
    """Return the job for `enrol`; looks up a list's name in HubSpot.

    Raises:
        ConfigurationError: If no list has the name, or several have it.
        SourceError: If the source cannot be read.
        APIError: If HubSpot does not return the lists.
    """
    verb: JobVerb = "remove" if options["remove"] else "add"
    source = _open(options, Columns(verb=verb, id_column=options["id_column"]))
    list_id = options["list_name"]
    if not (list_id.isascii() and list_id.isdecimal()):
        list_id = asyncio.run(_ask_list(options, list_id))
    return JobSpec(
        verb=verb,
        object_type=f"{LISTS}{list_id}",
        source=source,
        call=_PLAIN_CALL,
        options=options,
    )


async def _ask_list(options: Mapping[str, Any], name: str) -> str:
    try:
        async with HubBatch(find_token(options), **hub_options(options)) as hub:
            found = await hub.lists.find(name=name, object_type=options["object_type"])
            return found.list_id
    except RecordNotFound as error:
        raise ConfigurationError(error.message) from None
    except ValueError as error:  # e.g. of an unknown object type
        raise ConfigurationError(str(error)) from None


def _open(options: Mapping[str, Any], columns: ColumnMapping) -> Any:
    return open_source(
        options["source"],
        columns,
        encoding=options["encoding"],
        delimiter=options["delimiter"],
        query=options["query"],
        timezone=options["timezone"],
    )


async def _ask_kinds(
    options: Mapping[str, Any], from_type: str, to_type: str
) -> tuple[AssociationSpecWithLabel, ...]:
    try:
        async with HubBatch(find_token(options), **hub_options(options)) as hub:
            return await hub.associations(from_type, to_type).kinds()
    except ValueError as error:  # e.g. of an invalid object type
        raise ConfigurationError(str(error)) from None


def _failures(options: Mapping[str, Any]) -> FailuresSource | FailuresTable:
    path, reconcile_by = options["failed"], options["reconcile_by"]
    if ending_of(path) not in (".csv", ".tsv"):
        return FailuresSource(path, reconcile_by=reconcile_by)
    return FailuresTable(
        path,
        encoding=options["encoding"],
        delimiter=options["delimiter"],
        reconcile_by=reconcile_by,
    )


def replay_spec(options: Mapping[str, Any]) -> JobSpec:
    """Return the job for `replay`; the failures file determines the call.

    Raises:
        NothingToDo: If the file is empty.
        ConfigurationError: If the options do not fit the file.
        SourceError: If it is not a failures file, or has rows from several calls.
    """
    source = _failures(options)
    if source.length() == 0:  # the job had no failures
        raise NothingToDo(source.name)
    call = source.call()
    account = options["account"]
    if account is None and call.portal is None:
        raise ConfigurationError(
            f"{source.name} does not name its portal: add --account ID"
        )
    if account is not None and call.portal not in (None, account):
        raise ConfigurationError(
            f"{source.name} belongs to portal {call.portal}, not to {account}"
        )
    if options["reconcile_by"] is not None and call.verb != "create":
        raise ConfigurationError(f"--reconcile-by is only for creates, not for {call}")
    if call.verb == "read" and options["output"] is None:
        raise ConfigurationError(f"{source.name} is from {call}: add --output FILE")
    return JobSpec(
        verb=call.verb,
        object_type=call.object_type,
        source=source,
        call={
            "id_property": call.id_property,
            "properties": call.properties,
            "legacy": call.legacy,
        },
        options={**options, "account": call.portal if account is None else account},
    )

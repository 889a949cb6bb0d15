"""From the parameters of a command to the order that it gives."""

import asyncio

from collections.abc import Mapping
from typing import Any

from hubbatch import ConfigurationError, HubBatch
from hubbatch.jobs import (
    Columns,
    FailuresSource,
    IdMap,
    PairColumns,
    by_label,
    find_type,
    open_source,
)
from hubbatch.jobs.column_mapping import JobVerb
from hubbatch.jobs.options import PAIRS
from hubbatch.models import AssociationSpecWithLabel

from .orders import Everything, NothingToDo, Order, find_token, hub_options


def order_verb(verb: JobVerb, options: Mapping[str, Any]) -> Order:
    """Read the parameters of a verb's command.

    Raises:
        ConfigurationError, SourceError: if the source is none.
    """
    properties = options.get("properties") or {}
    reading = verb == "read"
    everything = bool(options.get("everything"))
    if everything == (options["source"] is not None):
        problem = "--all takes no SOURCE" if everything else "no SOURCE, and no --all"
        raise ConfigurationError(problem)
    if options.get("archived") and not everything:
        raise ConfigurationError("--archived needs --all")
    call: dict[str, Any] = {
        "id_property": options.get("id_property"),
        "properties": tuple(properties) if reading else (),
        "legacy": bool(options.get("legacy")),
    }
    if everything:
        return _order_everything(options, call)
    columns = Columns(
        verb=verb,
        id_column=options["id_column"],
        id_property=options.get("id_property"),
        properties={} if reading else properties,
        empty=options.get("empty") or "skip",
        legacy=call["legacy"],
        reconcile_by=options.get("reconcile_by"),
    )
    source = open_source(
        options["source"],
        columns,
        encoding=options["encoding"],
        delimiter=options["delimiter"],
        query=options["query"],
        timezone=options["timezone"],
    )
    return Order(
        verb=verb,
        object_type=options["object_type"],
        source=source,
        call=call,
        options={"no_journal": False, **options},
    )


def _order_everything(options: Mapping[str, Any], call: dict[str, Any]) -> Order:
    for name in ("id_property", "id_column", "results", "failures", "dry_run"):
        if options[name]:
            raise ConfigurationError(f"--all takes no --{name.replace('_', '-')}")
    return Order(
        verb="read",
        object_type=options["object_type"],
        source=Everything(),
        call=call,
        options={"no_journal": False, **options},
    )


def order_associations(options: Mapping[str, Any]) -> Order:
    """Read the parameters of `associations`.

    Raises:
        ConfigurationError, SourceError: if the source is none.
    """
    return Order(
        verb="read",
        object_type=f"{PAIRS}{options['from_type']}.{options['to_type']}",
        source=open_source(
            options["source"],
            Columns(verb="read", id_column=options["id_column"]),
            encoding=options["encoding"],
            delimiter=options["delimiter"],
            query=options["query"],
            timezone=options["timezone"],
        ),
        call={"id_property": None, "properties": (), "legacy": False},
        options={"no_journal": False, **options},
    )


def order_pairs(options: Mapping[str, Any]) -> Order:
    """Read the parameters of `associate`; a label is looked up at HubSpot.

    Raises:
        ConfigurationError, SourceError: if the source is none, or the label.
        APIError: if HubSpot does not tell the labels.
    """
    one, other = options["from_type"], options["to_type"]
    label, type_id, remove = (options[name] for name in ("label", "type_id", "remove"))
    column = options["label_column"]
    given = [said for said in (label, type_id, column) if said is not None]
    if len(given) > 1:
        raise ConfigurationError(
            "--label, --type-id and --label-column say it twice: give one of them"
        )
    kinds = asyncio.run(_ask_kinds(options, one, other)) if given else ()
    types = []
    if given and column is None:
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
    return Order(
        verb=verbs[bool(given)],
        object_type=f"{PAIRS}{one}.{other}",
        source=open_source(
            options["source"],
            columns,
            encoding=options["encoding"],
            delimiter=options["delimiter"],
            query=options["query"],
            timezone=options["timezone"],
        ),
        call={"id_property": None, "properties": (), "legacy": False},
        options={"no_journal": False, **options},
    )


async def _ask_kinds(
    options: Mapping[str, Any], one: str, other: str
) -> tuple[AssociationSpecWithLabel, ...]:
    try:
        async with HubBatch(find_token(options), **hub_options(options)) as hub:
            return await hub.associations(one, other).kinds()
    except ValueError as error:  # an object type that is none, say
        raise ConfigurationError(str(error)) from None


def order_replay(options: Mapping[str, Any]) -> Order:
    """Read the parameters of `replay`: what to do stands in the file.

    Raises:
        NothingToDo: if it has no line.
        ConfigurationError: if the options do not fit what the file says.
        SourceError: if it is no file of failures, or not of one call.
    """
    source = FailuresSource(options["failed"], reconcile_by=options["reconcile_by"])
    if source.length() == 0:  # a night on which nothing failed
        raise NothingToDo(source.name)
    call = source.call()
    account = options["account"]
    if account is None and call.portal is None:
        raise ConfigurationError(
            f"{source.name} does not say which portal it is of. Use --account ID"
        )
    if account is not None and call.portal not in (None, account):
        raise ConfigurationError(
            f"{source.name} is of portal {call.portal}, not of {account}"
        )
    if options["reconcile_by"] is not None and call.verb != "create":
        raise ConfigurationError(f"--reconcile-by is for creates, not for {call}")
    if call.verb == "read" and options["output"] is None:
        raise ConfigurationError(f"{source.name} is of {call}. Use --output PATH")
    return Order(
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

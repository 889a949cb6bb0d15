"""What a command line asks for, as the parts of a job."""

import asyncio
import os

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import define

from hubbatch import ConfigurationError, HubBatch
from hubbatch.core.operations import OBJECT_CALLS, Verb
from hubbatch.jobs import (
    Columns,
    Export,
    FailuresSource,
    IdMap,
    Job,
    PairColumns,
    find_type,
    open_source,
)
from hubbatch.jobs.options import PAIRS
from hubbatch.jobs.report import check_replaceable
from hubbatch.jobs.tables import need_pyarrow
from hubbatch.jobs.titles import title_of
from hubbatch.models import AssociationSpecWithLabel
from hubbatch.net.listening import Listener

from .progress import many


_HUB_OPTIONS = (
    "base_url",
    "api_version",
    "rate_limit",
    "max_concurrency",
    "daily_reserve",
)
_JOB_OPTIONS = (
    "journal",
    "results",
    "failures",
    "output",
    "max_failures",
    "account",
    "limit",
    "reconcile_by",
)


class Everything:
    """All that there is, in place of a source."""

    name = "all"

    def length(self) -> None:
        """Say that nobody knows how many records there are."""


@define(kw_only=True)
class Order:
    """One run of a verb.

    Attributes:
        verb: what to do.
        object_type: with what.
        source: with which rows.
        call: the options of the verb: `id_property`, `properties`, `legacy`.
        options: all other options, by the names of the parameters.
        total: how many rows there are, once they were counted and where that can be
            done.
    """

    verb: Verb
    object_type: str
    source: Any
    call: dict[str, Any]
    options: Mapping[str, Any]
    total: int | None = None

    def check(self) -> None:
        """Refuse what is better not begun, before the source is read.

        Raises:
            ConfigurationError: if an option is bad, or missing.
        """
        options = self.options
        if options["wait"] and not options["journal"]:
            raise ConfigurationError("--wait needs --journal PATH, to go on from")
        if options["wait"] and self.source.name == "-":
            raise ConfigurationError(
                "--wait needs a file: standard input cannot be read a second time"
            )
        if options.get("report"):
            if not options["journal"]:
                raise ConfigurationError("--report needs --journal PATH: it shows that")
            check_replaceable(options["report"])
        table, lines = options.get("table"), options.get("output")
        if table is not None and lines is not None:
            need_pyarrow()
            journal = options["journal"]
            begun = lines.exists() or (journal is not None and journal.exists())
            if table.exists() and not begun:
                raise ConfigurationError(
                    f"{table} exists already: remove it, or name another file"
                )
        try:
            self.job(self.rehearsal_hub() if options["dry_run"] else self.hub(()))
        except ValueError as error:  # an object type that is none, say
            raise ConfigurationError(str(error)) from None

    def count(self) -> None:
        """Read the source to its end, if it can be read again, and count its rows.

        Raises:
            SourceError: naming the row that is none.
            ConfigurationError: for more creates than are safe without a journal.
        """
        self.total = _total(self.source, self.options["limit"])
        options = self.options
        makes = self.verb == "create" and not self.object_type.startswith(PAIRS)
        if not makes or options["journal"] or options["no_journal"]:
            return
        most = OBJECT_CALLS["create"].max_inputs
        if self.total is None or self.total > most:
            raise ConfigurationError(
                f"a create of more than {most} rows wants --journal PATH, so that none "
                "is made twice if it is interrupted (or --no-journal)"
            )

    @property
    def title(self) -> str:
        """Say in a word what is done to what."""
        verb = "list" if isinstance(self.source, Everything) else self.verb
        return title_of(verb, self.object_type)

    def opening(self, job: Job | Export) -> str:
        """Say on which portal what is about to be done."""
        portal = job.portal_id or "unknown (the access token may not ask)"
        rows = "" if self.total is None else f", {many(self.total, 'row')}"
        by = self.call["id_property"]
        said = f"Portal {portal}: {self.title}{self._from()}{rows}"
        if by is not None:
            said += f", by {by}"
        settled = job.summary.settled
        return f"{said}; {settled:,} done already" if settled else said

    def _from(self) -> str:
        name = self.source.name
        if isinstance(self.source, Everything):
            return ""
        return " from standard input" if name == "-" else f" from {name}"

    def rehearsal_hub(self) -> HubBatch:
        """Make a client that is only asked what it would do; it needs no token."""
        return HubBatch("none", **hub_options(self.options))

    def hub(self, listeners: Iterable[Listener]) -> HubBatch:
        """Make the client.

        Raises:
            ConfigurationError: if there is no token, or an option is bad.
        """
        token = find_token(self.options)
        return HubBatch(token, listeners=listeners, **hub_options(self.options))

    def job(self, hub: HubBatch) -> Job | Export:
        """Make the job, as often as it is to be gone on with."""
        if isinstance(self.source, Everything):
            options = self.options
            return Export(
                hub,
                self.object_type,
                options["output"],
                properties=self.call["properties"],
                archived=options["archived"],
                **{name: options[name] for name in ("journal", "account", "limit")},
            )
        given: dict[str, Any] = {name: self.options.get(name) for name in _JOB_OPTIONS}
        given["preflight"] = bool(self.options.get("preflight"))
        return Job(hub, self.verb, self.object_type, self.source, **self.call, **given)


def order_verb(verb: Verb, options: Mapping[str, Any]) -> Order:
    """Read the parameters of a verb's command.

    Raises:
        ConfigurationError, SourceError: if the source is none.
    """
    options = _by_lines(options)
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
    )
    return Order(
        verb=verb,
        object_type=options["object_type"],
        source=source,
        call=call,
        options={"no_journal": False, **options},
    )


def _by_lines(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have records written as JSON lines, where they are to be Parquet in the end."""
    output: Path | None = options.get("output")
    if output is None or output.suffix.lower() != ".parquet":
        return options
    lines = output.with_name(f"{output.name}.jsonl")
    return {**options, "output": lines, "table": output}


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
    if label is not None and type_id is not None:
        raise ConfigurationError("--label and --type-id say it twice")
    types = []
    if label is not None or type_id is not None:
        kinds = asyncio.run(_ask_kinds(options, one, other))
        types = [find_type(kinds, label=label, type_id=type_id)]
    columns = PairColumns(
        from_column=options["from_column"],
        to_column=options["to_column"],
        types=types,
        from_map=IdMap.read(options["from_map"]) if options["from_map"] else None,
        to_map=IdMap.read(options["to_map"]) if options["to_map"] else None,
    )
    verbs: tuple[Verb, Verb] = ("create_default", "create")
    if remove:
        verbs = ("archive", "archive_labels")
    return Order(
        verb=verbs[bool(types)],
        object_type=f"{PAIRS}{one}.{other}",
        source=open_source(
            options["source"],
            columns,
            encoding=options["encoding"],
            delimiter=options["delimiter"],
            query=options["query"],
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
        ConfigurationError: if the options do not fit what the file says.
        SourceError: if it is no file of failures, or not of one call.
    """
    source = FailuresSource(options["failed"], reconcile_by=options["reconcile_by"])
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


def find_token(options: Mapping[str, Any]) -> str:
    """Read the access token from the environment.

    Raises:
        ConfigurationError: if there is none.
    """
    name: str = options["token_env"]
    token = os.environ.get(name)
    if not token:
        raise ConfigurationError(
            f"no access token: set {name}, or name another variable with --token-env"
        )
    return token


def hub_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the options of a command say of the client, but for its token."""
    return {
        name: options[name] for name in _HUB_OPTIONS if options.get(name) is not None
    }


def _total(source: Any, limit: int | None) -> int | None:
    length: int | None = source.length()
    return length if length is None or limit is None else min(length, limit)

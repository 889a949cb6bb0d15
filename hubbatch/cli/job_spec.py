"""The job that a command describes, checked before it starts."""

import os

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from hubbatch import ConfigurationError, HubBatch
from hubbatch._net.gate import MAX_IN_FLIGHT
from hubbatch._net.listeners import Listener
from hubbatch._tables.column_mapping import JobVerb
from hubbatch._wire.endpoints import OBJECT_CALLS
from hubbatch.jobs import Export, Job, Where
from hubbatch.jobs.options import PAIRS, TIMED_VERBS
from hubbatch.jobs.report.report_file import check_report_path
from hubbatch.jobs.titles import title_of

from .progress import count_of


_HUB_OPTIONS = (
    "base_url",
    "api_version",
    "rate_limit",
    "max_concurrency",
    "daily_reserve",
    "trust_env",
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
    "patience",
)


_EXPORT_OPTIONS = ("journal", "account", "limit", "patience")


class NothingToDo(Exception):
    """The source has no rows; the message is the source's name."""


@frozen
class AllRecords:
    """All records of a type, or those that match, as the source of a job."""

    where: Where | None = None
    name: str = field(default="all", init=False)

    def length(self) -> None:
        """Return None: their number is unknown."""


@define(kw_only=True)
class JobSpec:
    """The job that a command describes.

    Attributes:
        source: the rows.
        call: the options of the verb: `id_property`, `properties`, `legacy`.
        options: all other options, by the names of the parameters.
        total: the number of rows, once counted; None if they cannot be counted.
        warning: a warning to print before the job starts; empty for none.
    """

    verb: JobVerb
    object_type: str
    source: Any
    call: dict[str, Any]
    options: Mapping[str, Any]
    total: int | None = None
    warning: str = ""

    def check(self) -> None:
        """Check the options, before the source is read.

        Raises:
            ConfigurationError: If an option is invalid or missing.
        """
        options = self.options
        if options["wait"] and not options["journal"]:
            raise ConfigurationError("--wait needs --journal FILE: it resumes the job")
        if options["wait"] and self.source.name == "-":
            raise ConfigurationError(
                "--wait needs a file: standard input cannot be read a second time"
            )
        if options.get("report"):
            if not options["journal"]:
                raise ConfigurationError(
                    "--report needs --journal FILE: it shows the journal's data"
                )
            check_report_path(options["report"])
        try:
            self.job(self.offline_hub() if options["dry_run"] else self.hub(()))
        except ValueError as error:  # e.g. of an invalid object type
            raise ConfigurationError(str(error)) from None

    def count(self) -> None:
        """Count the rows of the source, if it can be read twice.

        Raises:
            SourceError: If a row is malformed.
            ConfigurationError: If the job creates too many records to run without a
                journal, or cannot be undone and its rows are not confirmed.
        """
        self._check_confirmed()
        self.total = _total(self.source, self.options["limit"])
        options = self.options
        if not self.creates or options["journal"] or options.get("no_journal"):
            return
        chunk = OBJECT_CALLS["create"].max_inputs
        if self.total is None or self.total > chunk:
            raise ConfigurationError(
                f"a create of more than {chunk} rows needs --journal FILE, so that no "
                "record is created twice if it is interrupted (or use --no-journal)"
            )

    def _check_confirmed(self) -> None:
        options, source = self.options, self.source
        if "confirm" not in options or options["dry_run"]:
            return
        rows = source.length()
        if rows is None:
            raise ConfigurationError(
                f"to {self.title} cannot be undone, so the rows are counted first. "
                "Those of standard input cannot be: put them into a file"
            )
        confirmed = options["confirm"]
        if confirmed != rows:
            wrong = "" if confirmed is None else f", not {confirmed:,}"
            raise ConfigurationError(
                f"{source.name} has {count_of(rows, 'row')}{wrong}. The command cannot "
                f"be undone: check the rows, and add --confirm {rows}"
            )

    @property
    def creates(self) -> bool:
        """Whether the job creates records, so that resending a row may duplicate it."""
        return self.verb == "create" and not self.object_type.startswith(PAIRS)

    @property
    def max_in_flight(self) -> int:
        """The maximum number of requests in flight."""
        if isinstance(self.source, AllRecords):
            return 1  # each page names the next one
        chosen: int | None = self.options["max_concurrency"]
        return chosen or MAX_IN_FLIGHT

    @property
    def title(self) -> str:
        """The job in a few words: `update tickets`."""
        verb: str = self.verb
        if isinstance(self.source, AllRecords):
            verb = "list" if self.source.where is None else "search"
        return title_of(verb, self.object_type)

    def first_line(self, job: Job | Export) -> str:
        """Return the line to print before a job starts: its portal, title and rows."""
        portal = job.portal_id or "unknown (the access token cannot read it)"
        rows = "" if self.total is None else f", {count_of(self.total, 'row')}"
        by = self.call["id_property"]
        line = f"Portal {portal}: {self.title}{self._from()}{rows}"
        if by is not None:
            line += f", by {by}"
        settled = job.summary.settled
        return f"{line}; {settled:,} done already" if settled else line

    def _from(self) -> str:
        name = self.source.name
        if isinstance(self.source, AllRecords):
            return ""
        return " from standard input" if name == "-" else f" from {name}"

    def offline_hub(self) -> HubBatch:
        """Return a client without a token, which must not send anything."""
        return HubBatch("none", **hub_options(self.options))

    def hub(self, listeners: Iterable[Listener]) -> HubBatch:
        """Return the client.

        Raises:
            ConfigurationError: If no token is found, or an option is invalid.
        """
        token = find_token(self.options)
        return HubBatch(token, listeners=listeners, **hub_options(self.options))

    def job(self, hub: HubBatch) -> Job | Export:
        """Return the job; a second one resumes from the journal of the first."""
        if isinstance(self.source, AllRecords):
            options = self.options
            return Export(
                hub,
                self.object_type,
                options["output"],
                filters=self.source.where,
                properties=self.call["properties"],
                archived=options["archived"],
                **{name: options[name] for name in _EXPORT_OPTIONS},
            )
        options = {name: self.options.get(name) for name in _JOB_OPTIONS}
        options["preflight"] = bool(self.options.get("preflight"))
        if self.verb in TIMED_VERBS and not self.object_type.startswith(PAIRS):
            options["timezone"] = self.options.get("timezone")
        return Job(
            hub, self.verb, self.object_type, self.source, **self.call, **options
        )


def find_token(options: Mapping[str, Any]) -> str:
    """Return the access token, from the environment.

    Raises:
        ConfigurationError: If no token is set.
    """
    name: str = options["token_env"]
    token = os.environ.get(name)
    if not token:
        raise ConfigurationError(
            f"no access token: set {name}, or name another variable with --token-env"
        )
    return token


def hub_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a command that belong to the client."""
    return {
        name: options[name] for name in _HUB_OPTIONS if options.get(name) is not None
    }


def _total(source: Any, limit: int | None) -> int | None:
    length: int | None = source.length()
    return length if length is None or limit is None else min(length, limit)

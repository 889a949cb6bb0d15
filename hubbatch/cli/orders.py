"""What a command line asks for: one run of a verb, checked before it is begun."""

import os

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define

from hubbatch import ConfigurationError, HubBatch
from hubbatch.core.operations import OBJECT_CALLS
from hubbatch.jobs import Export, Job
from hubbatch.jobs.column_mapping import JobVerb
from hubbatch.jobs.options import PAIRS
from hubbatch.jobs.report import check_replaceable
from hubbatch.jobs.titles import title_of
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


class NothingToDo(Exception):
    """What was asked for is done already, for want of rows; the text says of what."""


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

    verb: JobVerb
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
        if not self.creates or options["journal"] or options["no_journal"]:
            return
        most = OBJECT_CALLS["create"].max_inputs
        if self.total is None or self.total > most:
            raise ConfigurationError(
                f"a create of more than {most} rows wants --journal PATH, so that none "
                "is made twice if it is interrupted (or --no-journal)"
            )

    @property
    def creates(self) -> bool:
        """Whether it makes records: to send it twice may make them twice."""
        return self.verb == "create" and not self.object_type.startswith(PAIRS)

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

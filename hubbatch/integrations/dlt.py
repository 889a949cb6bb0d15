"""A dlt destination: pipelines that write to HubSpot.

Example::

    pipeline = dlt.pipeline("crm", destination=hubspot())
    pipeline.run(contacts())

The token is dlt's to find: `access_token` under `[destination.hubspot]` in
`secrets.toml`, or DESTINATION__HUBSPOT__ACCESS_TOKEN. Every load job is a job of
hubbatch with a journal, so one that dlt runs again goes on where it was.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from hubbatch.errors import ConfigurationError, LoadFailed
from hubbatch.jobs.job import Job

from ._dlt.background import background
from ._dlt.jobs import Load, LoadFiles, outcome_rows
from ._dlt.tables import HINT, WriteVerb, hint, read_table


try:
    import dlt

    from dlt.common.destination.exceptions import (
        DestinationTerminalException,
        DestinationTransientException,
    )
    from dlt.common.json import json
    from dlt.common.runtime import signals
    from dlt.common.storages import FileStorage
    from dlt.destinations.utils import get_resource_for_adapter
except ImportError as _missing:
    raise ImportError(
        "this integration needs dlt: pip install 'hubbatch[dlt]'"
    ) from _missing


__all__ = ["failures", "hubspot", "hubspot_adapter", "results"]


def hubspot(
    access_token: str | None = None,
    *,
    base_url: str | None = None,
    api_version: str | None = None,
    rate_limit: float | None = None,
    daily_reserve: str | None = None,
    max_failures: str | None = None,
    account: int | None = None,
    timezone: str | None = None,
    outcomes: str | None = None,
    **options: Any,
) -> Any:
    """Make the destination.

    Tables are upserted by their primary key, into the object type that they are named
    like; `hubspot_adapter` says otherwise. All tables of a token share one rate limit.
    What is not given here is taken from dlt's configuration by the same name.

    A row that HubSpot refuses fails nothing else: it is written to a file in
    `outcomes`, and its load job succeeds (see `failures`). What fails the load job is

    * an end that passes: the day's limit, HubSpot down, a signal. dlt runs the job
      again, a few times at once and then with the next run of the pipeline;
    * anything else: the token, a missing scope, an unknown property type, a table that
      HubSpot cannot have, more failures than `max_failures`. The pipeline raises and
      the package waits: mend it, and run the pipeline again.

    Either way the job goes on where it stopped, and nothing is sent twice that would
    make a second record.

    Args:
        access_token: as of `HubBatch`; better left to dlt's secrets.
        base_url: as of `HubBatch`.
        api_version: as of `HubBatch`.
        rate_limit: requests per 10 s, a ceiling.
        daily_reserve: calls of the day to leave to others: a number or `"5%"`.
        max_failures: more failed rows of one file than this, a number or a share
            (`"5%"`), fail its load job. `"auto"`, the default, does so when its first
            1,000 rows all fail for one reason; `"none"` never does.
        account: the portal id that the token must be of.
        timezone: the time zone, e.g. `Europe/Berlin`, of columns whose times have none
            (`timezone=False` in dlt's schema, as `sql_database` says of TIMESTAMP);
            without it they are refused. Other times without one are UTC to dlt.
        outcomes: the folder for journals and outcomes; by default `hubbatch` in the
            pipeline's working directory.
        options: what `dlt.destination` takes, e.g. `destination_name`, by which its
            section of the configuration is named.
    """
    given = {
        "access_token": None if access_token is None else _Secret(access_token),
        "base_url": base_url,
        "api_version": api_version,
        "rate_limit": rate_limit,
        "daily_reserve": daily_reserve,
        "max_failures": max_failures,
        "account": account,
        "timezone": timezone,
        "outcomes": outcomes,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return _destination(**given, **options)


class _Secret(str):
    """A token that is not shown: dlt shows what a destination was given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def hubspot_adapter(
    data: Any,
    *,
    verb: WriteVerb = "upsert",
    object_type: str | None = None,
    id_property: str | None = None,
    id_column: str | None = None,
    properties: Mapping[str, str] | Iterable[str] | None = None,
    reconcile_by: str | None = None,
) -> Any:
    """Say what is done with the rows of a resource.

    Args:
        data: a resource, a source with one resource, or data to make one of.
        verb: upsert, update, create or archive.
        object_type: e.g. `contacts`; by default the table's name.
        id_property: the unique property that the ids are values of. An upsert takes
            the table's primary key by default, an update HubSpot's own ids.
        id_column: the column of the ids; by default the primary key, if it is one
            column, else `id_property` or `id`.
        properties: the columns to send, if not all: names, or a mapping of columns to
            the names of properties.
        reconcile_by: for a create, which needs it: the unique property by which a
            record is looked for that may have been created already.

    Returns:
        The resource.

    Raises:
        ConfigurationError: if that can never be done.
    """
    told = hint(
        verb=verb,
        object_type=object_type,
        id_property=id_property,
        id_column=id_column,
        properties=properties,
        reconcile_by=reconcile_by,
    )
    resource = get_resource_for_adapter(data)
    resource.apply_hints(additional_table_hints={HINT: told})
    return resource


def failures(where: Any, *, load_ids: Collection[str] | None = None) -> Any:
    """Make a resource of the rows that did not succeed, to load them into a table.

    `hubspot_failures`, merged by `load_id`, `file_id` and `index`, so that loading the
    same again adds nothing: `table_name`, `input_id`, `input`, `status`, `category`,
    `message`, `property_name` and what else the files of failures have.

    Args:
        where: the pipeline that wrote to HubSpot, or its folder of `outcomes`.
        load_ids: of which loads; of all, if None.
    """
    return _resource("failures", where, load_ids, {"input": "json", "context": "json"})


def results(where: Any, *, load_ids: Collection[str] | None = None) -> Any:
    """Make a resource of the rows that succeeded, with the ids that HubSpot has given.

    `hubspot_results`, merged by `load_id`, `file_id` and `index`: `table_name`,
    `input_id` (the row's key), `id` and `new`.

    Args:
        where: the pipeline that wrote to HubSpot, or its folder of `outcomes`.
        load_ids: of which loads; of all, if None.
    """
    return _resource("results", where, load_ids, {})


def _resource(
    kind: str, where: Any, load_ids: Collection[str] | None, types: Mapping[str, str]
) -> Any:
    folder = Path(where) if isinstance(where, str | PathLike) else _outcomes(where)

    def rows() -> Iterator[dict[str, Any]]:
        yield from outcome_rows(folder, kind, load_ids)

    return dlt.resource(
        rows,
        name=f"hubspot_{kind}",
        primary_key=("load_id", "file_id", "index"),
        write_disposition="merge",
        columns={name: {"data_type": given} for name, given in types.items()},
    )


def _outcomes(pipeline: Any) -> Path:
    """Find the folder that a pipeline was given for outcomes, or else its own."""
    crm = pipeline.destination
    given = crm.config_params.get("outcomes") or dlt.config.get(
        f"destination.{crm.destination_name}.outcomes"
    )
    return Path(given) if given else Path(pipeline.working_dir) / "hubbatch"


# ---- the load job


def _load(
    items: str,
    table: Mapping[str, Any],
    access_token: dlt.TSecretStrValue = dlt.secrets.value,
    base_url: str | None = None,
    api_version: str | None = None,
    rate_limit: float | None = None,
    daily_reserve: str = "0",
    max_failures: str = "auto",
    account: int | None = None,
    timezone: str | None = None,
    outcomes: str | None = None,
) -> None:
    """Load one file; dlt calls this in a thread of its pool."""
    with _as_dlt_has_it():
        path = _path(items)
        pipeline = dlt.current.pipeline()
        folder = _outcomes(pipeline) if outcomes is None else Path(outcomes)
        load_id = dlt.current.load_package_state()["load_id"]
        load = Load(
            table=read_table(table, timezone),
            path=path,
            read=_rows,
            files=LoadFiles.of(folder, load_id, path),
            client={
                "access_token": access_token,
                "base_url": base_url,
                "api_version": api_version,
                "rate_limit": "auto" if rate_limit is None else rate_limit,
                "daily_reserve": _number_or_share(daily_reserve),
            },
            options={"max_failures": _most(max_failures), "account": account},
        )
        _run(load)


_load.__name__ = "hubspot"
_destination: Any = dlt.destination(
    _load,
    name="hubspot",
    batch_size=0,
    # Rows of one table may be of one record, and a file's are kept in order.
    loader_parallelism_strategy="table-sequential",
    max_table_nesting=0,
    skip_dlt_columns_and_tables=True,
)


@contextmanager
def _as_dlt_has_it() -> Iterator[None]:
    """Say with dlt's errors whether it makes sense to run a load job again."""
    try:
        yield
    except LoadFailed as failed:
        if failed.passing:
            raise DestinationTransientException(str(failed)) from None
        raise DestinationTerminalException(str(failed)) from None
    except ConfigurationError as error:
        raise DestinationTerminalException(str(error)) from None


def _path(items: object) -> Path:
    if not isinstance(items, str):
        raise ConfigurationError("batch_size must be 0: a file is sent as a whole")
    return Path(items)


def _run(load: Load) -> None:
    """Let it run in the background; a signal stops it as soon as it may be stopped."""
    loop = background()
    jobs: list[Job] = []

    def look() -> None:
        if jobs and signals.was_signal_received():
            loop.soon(jobs.pop().stop)

    loop.run(load.run(jobs.append), meanwhile=look)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Read the rows of dlt's own JSON lines, whose values have their types."""
    with FileStorage.open_zipsafe_ro(str(path)) as file:
        for line in file:
            found = json.typed_loads(line)
            if isinstance(found, Mapping):
                yield found
            else:
                yield from found


def _number_or_share(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _most(text: str) -> int | str | None:
    return None if text == "none" else _number_or_share(text)

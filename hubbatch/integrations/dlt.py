"""A dlt destination: pipelines that write to HubSpot.

Example::

    pipeline = dlt.pipeline("crm", destination=hubspot())
    pipeline.run(contacts())

dlt finds the token: `access_token` under `[destination.hubspot]` in `secrets.toml`, or
DESTINATION__HUBSPOT__ACCESS_TOKEN. Every dlt load job is a hubbatch job with a journal,
so a load job resumes when dlt runs it again.
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
    """Return the destination.

    A table is upserted by its primary key into the object type of the same name, unless
    `hubspot_adapter` says otherwise. All tables of a token share one rate limit.
    Arguments that are not set are read from dlt's configuration, under the same names.

    A row that HubSpot refuses does not fail its load job: it is written to a file in
    `outcomes` (see `failures`). A load job fails

    * for a temporary reason: the daily limit, an outage of HubSpot, a signal. dlt runs
      the job again, a few times immediately and then with the next run of the pipeline;
    * for any other reason: the token, a missing scope, an unknown object type, a table
      that HubSpot cannot store, more failures than `max_failures`. The pipeline raises
      and the package stays pending: fix the cause, and run the pipeline again.

    Either way the job resumes where it stopped, and no record is created twice.

    Args:
        access_token: As for `HubBatch`; better kept in dlt's secrets.
        base_url: As for `HubBatch`.
        api_version: As for `HubBatch`.
        rate_limit: The maximum number of requests per 10 s.
        daily_reserve: The daily calls to keep for other apps: a number or `"5%"`.
        max_failures: The number or share (`"5%"`) of rows of a file above which
            failures fail the load job. `"auto"`, the default, fails it if its first
            1,000 rows all fail for the same reason; `"none"` never does.
        account: The portal id that the token must belong to.
        timezone: The time zone, e.g. `Europe/Berlin`, of columns whose times have none
            (`timezone=False` in dlt's schema, which `sql_database` sets for TIMESTAMP).
            Without it they are refused. dlt treats other times without a zone as UTC.
        outcomes: The folder for journals and outcomes; by default `hubbatch` in the
            pipeline's working directory.
        options: The arguments of `dlt.destination`, e.g. `destination_name`, which also
            names its section of the configuration.

    Raises:
        TypeError: If dlt does not accept an option.
    """
    settings = {
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
    settings = {name: value for name, value in settings.items() if value is not None}
    return _destination(**settings, **options)


class _Secret(str):
    """A token that is hidden when dlt displays the arguments of a destination."""

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
    """Set the call to make with the rows of a resource.

    Args:
        data: A resource, a source with a single resource, or data to create a resource
            from.
        verb: upsert, update, create or archive.
        object_type: E.g. `contacts`; by default the table's name.
        id_property: The unique property that the ids are values of. The default is the
            table's primary key for an upsert, and HubSpot's ids for an update.
        id_column: The column of the ids; by default the primary key, if it is one
            column, else `id_property` or `id`.
        properties: The columns to send if not all: names, or a mapping from columns to
            the names of properties.
        reconcile_by: Required for a create: the unique property for looking up a record
            that may have been created already.

    Returns:
        The resource.

    Raises:
        ConfigurationError: If the arguments contradict each other.
    """
    settings = hint(
        verb=verb,
        object_type=object_type,
        id_property=id_property,
        id_column=id_column,
        properties=properties,
        reconcile_by=reconcile_by,
    )
    resource = get_resource_for_adapter(data)
    resource.apply_hints(additional_table_hints={HINT: settings})
    return resource


def failures(where: Any, *, load_ids: Collection[str] | None = None) -> Any:
    """Return a resource with the rows that did not succeed, to load into a table.

    The table is `hubspot_failures`, merged by `load_id`, `file_id` and `index`, so that
    loading the same rows again adds nothing. Its columns are `table_name`, `input_id`,
    `input`, `status`, `category`, `message`, `property_name` and the other fields of a
    failures file.

    Args:
        where: The pipeline that wrote to HubSpot, or its folder of `outcomes`.
        load_ids: The loads; None for all.
    """
    return _resource("failures", where, load_ids, {"input": "json", "context": "json"})


def results(where: Any, *, load_ids: Collection[str] | None = None) -> Any:
    """Return a resource with the rows that succeeded, and the ids of their records.

    The table is `hubspot_results`, merged by `load_id`, `file_id` and `index`. Its
    columns are `table_name`, `input_id` (the row's key), `id` and `new`.

    Args:
        where: The pipeline that wrote to HubSpot, or its folder of `outcomes`.
        load_ids: The loads; None for all.
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
        columns={name: {"data_type": value} for name, value in types.items()},
    )


def _outcomes(pipeline: Any) -> Path:
    """Return a pipeline's folder for outcomes, configured or by default."""
    crm = pipeline.destination
    configured = crm.config_params.get("outcomes") or dlt.config.get(
        f"destination.{crm.destination_name}.outcomes"
    )
    return Path(configured) if configured else Path(pipeline.working_dir) / "hubbatch"


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
    """Load one file. dlt calls this in a thread of its pool."""
    with _as_dlt_errors():
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
            options={"max_failures": _max_failures(max_failures), "account": account},
        )
        _run(load)


_load.__name__ = "hubspot"
_destination: Any = dlt.destination(
    _load,
    name="hubspot",
    batch_size=0,
    # Several rows of a table may write the same record: keep a file's rows in order.
    loader_parallelism_strategy="table-sequential",
    max_table_nesting=0,
    skip_dlt_columns_and_tables=True,
)


@contextmanager
def _as_dlt_errors() -> Iterator[None]:
    """Convert errors to dlt's, which are either temporary or terminal."""
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
        raise ConfigurationError("batch_size must be 0: a file is sent in one job")
    return Path(items)


def _run(load: Load) -> None:
    """Run a load in the background loop; on a signal, stop it."""
    loop = background()
    jobs: list[Job] = []

    def stop_on_signal() -> None:
        if jobs and signals.was_signal_received():
            loop.soon(jobs.pop().stop)

    loop.run(load.run(jobs.append), meanwhile=stop_on_signal)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of dlt's JSON lines, which have typed values."""
    with FileStorage.open_zipsafe_ro(str(path)) as file:
        for line in file:
            found = json.typed_loads(line)
            if isinstance(found, Mapping):
                yield found
            else:
                yield from found


def _number_or_share(value: str) -> int | str:
    return int(value) if value.isdecimal() else value


def _max_failures(value: str) -> int | str | None:
    return None if value == "none" else _number_or_share(value)

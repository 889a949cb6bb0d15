"""Ray: write a Dataset to HubSpot, and read records into one.

Example::

    portals = Portals(token_env="HUBSPOT_{portal}", redis_env="REDIS_URL")
    outcomes = write(
        tickets, "upsert", "tickets",
        portals=portals, portal_column="portal", id_property="ref",
        outcomes="s3://bucket/run-7",
    )
    outcomes.groupby("status").count().show()

Every actor has its own client and event loop; Redis shares the limit of a portal among
them. One process is enough to reach the limit of a portal: use more of them for many
portals, or if reading and transforming rows is the bottleneck.

When an actor dies, Ray runs its block again from the beginning. Therefore only
repeatable writes are allowed: `update`, `upsert`, `archive`, and `create` with a unique
property to reconcile by. A restarted actor treats all of its rows as possibly written:
a create is looked up before it is sent, and an upsert does not report a record as `new`
if the first attempt may have created it.
"""

import warnings

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import evolve

from hubbatch._tables.arrow import need_pyarrow
from hubbatch._tables.column_mapping import Columns
from hubbatch._validators import check_names
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError

from ._ray.actors import Sender
from ._ray.listing import list_records
from ._ray.portals import Portals, portal_name
from ._ray.tables import arrow_schema, outcome_schema
from ._ray.work import Work, plan


try:
    import ray

    from ray.data import ActorPoolStrategy
    from ray.data.datasource import SaveMode
except ImportError as _missing:
    raise ImportError(
        "this integration needs Ray: pip install 'hubbatch[ray]'"
    ) from _missing


__all__ = ["Dataset", "Portals", "read", "read_all", "write"]

# A `ray.data.Dataset`. Ray is half a gigabyte: too large to install for type checks.
Dataset: TypeAlias = Any

# An actor mostly waits, so several of them share a core.
_CPUS = 0.25
# Batches per block. A block is sent again when an actor dies.
_BATCHES = 10


def write(
    dataset: Dataset,
    verb: Literal["create", "update", "upsert", "archive"],
    object_type: str,
    *,
    portals: Portals,
    portal: str | int | None = None,
    portal_column: str | None = None,
    id_column: str | None = None,
    id_property: str | None = None,
    reconcile_by: str | None = None,
    properties: Mapping[str, str] | Iterable[str] | None = None,
    timezone: str | None = None,
    outcomes: str | None = None,
    actors: int = 2,
    batch_size: int = 1_000,
    num_cpus: float = _CPUS,
    **options: Any,
) -> Dataset:
    """Send the rows of a Dataset now, and return their outcomes as a Dataset.

    Outcomes are stored when this returns: reading them sends nothing again. Their
    columns are `portal`, `input_id` (the value of the id column), `status`, `id`,
    `new`, `attempts`, `category`, `message` and `property_name`. There is one for each
    row, in no particular order. If a portal fails because of its token, a scope or the
    daily limit, nothing is raised: its rows are `not_sent` with the reason, and other
    portals continue.

    Ray does not preserve the order. Two rows for the same record in different batches
    may be sent in any order, or at once: keep only the last one, e.g. with `groupby`.

    Args:
        dataset: The rows. Every column except the id and the portal is a property; a
            null leaves it out, an empty string clears it. Alternatively, a single
            column `properties` has all of them: select it and `id` to write back the
            result of `read`.
        verb: The verb to call with the rows.
        object_type: A name or id.
        portals: The tokens and limits of the portals.
        portal: The portal of all rows. A token for another portal is refused.
        portal_column: The column with the portal of each row.
        id_column: The column with the ids, or the values of `id_property`; by default
            the column of that name, or `id`. A create needs no such column and does not
            send it.
        id_property: The unique property that the ids are values of.
        reconcile_by: The unique property of a create; every row must have it.
        properties: The columns to send if not all: names, or a mapping from columns to
            the names of properties.
        timezone: The time zone for times without one, e.g. `UTC`, `Europe/Berlin`.
            Without it a column with such times is refused.
        outcomes: A new folder for the outcomes, as Parquet: a path that all machines
            see, or a URL such as `s3://...`. Outcomes are written as they arrive, and
            are kept if the run fails. Without it Ray holds them in memory.
        actors: The number of processes that send.
        batch_size: The number of rows that are sent together, and whose outcomes are
            returned together. If portals are mixed, 100 rows of each portal fill the
            requests. Memory holds four batches per actor.
        num_cpus: The share of a core that Ray reserves for each actor.
        options: Other options of the verb, such as `max_failures` or `isolate`. They
            apply to each batch.

    Returns:
        A Dataset of outcomes.

    Raises:
        ConfigurationError: If the arguments cannot work; raised before anything is
            sent. For example, a column is missing or has times without a zone, a create
            has no `reconcile_by`, or an upsert no `id_property`.
        TypeError, ValueError: If the verb does not accept an option.
    """
    if verb not in ("create", "update", "upsert", "archive"):
        raise ConfigurationError(
            f"verb must be create, update, upsert or archive, not {verb!r}"
        )
    columns = Columns(
        verb=verb,
        id_column=id_column,
        id_property=id_property,
        properties=properties,
        reconcile_by=reconcile_by,
    )
    named = {"id_property": id_property, "reconcile_by": reconcile_by}
    chosen = {name: value for name, value in named.items() if value is not None}
    work = plan(
        object_type,
        columns,
        portal,
        portal_column,
        {**chosen, **options},
        timezone=timezone,
    )
    sent = _send(dataset, work, portals, actors, batch_size, num_cpus)
    if outcomes is None:
        return sent.materialize()
    # Workers have another working directory than the driver.
    where = outcomes if "://" in outcomes else str(Path(outcomes).absolute())
    sent.write_parquet(where, mode=SaveMode.ERROR)
    try:
        return ray.data.read_parquet(where)
    except FileNotFoundError:
        if dataset.take(1):  # it is on another machine
            raise
        return ray.data.from_arrow(outcome_schema(need_pyarrow()).empty_table())


def read(
    dataset: Dataset,
    object_type: str,
    *,
    portals: Portals,
    properties: Iterable[str],
    portal: str | int | None = None,
    portal_column: str | None = None,
    id_column: str | None = None,
    id_property: str | None = None,
    archived: bool = False,
    actors: int = 2,
    batch_size: int = 1_000,
    num_cpus: float = _CPUS,
    **options: Any,
) -> Dataset:
    """Read the records that the rows of a Dataset name.

    This is lazy, and runs each time the result is consumed. There is one result for
    each row, in no particular order. Its columns are those of `write`, and `properties`
    (a struct with a string field for each), `createdAt`, `updatedAt` and `archived`.

    Args:
        dataset: Rows with the ids, or the values of a unique property.
        object_type: A name or id.
        portals: The tokens and limits of the portals.
        properties: The properties to read; required, because they make the columns.
        portal: The portal of all rows. A token for another portal is refused.
        portal_column: The column with the portal of each row.
        id_column: The column with the ids, or the values of `id_property`; by default
            the column of that name, or `id`.
        id_property: The unique property that the ids are values of.
        archived: Whether to read only archived records.
        actors: The number of processes that read.
        batch_size: The number of rows that are requested together; see `write`.
        num_cpus: The share of a core that Ray reserves for each actor.
        options: Other options of the verb, such as `max_failures`.

    Returns:
        A Dataset of records.

    Raises:
        ConfigurationError: If the arguments cannot work; raised before anything is
            sent.
        TypeError, ValueError: If the verb does not accept an option.
    """
    names = _names(properties)
    columns = Columns(
        verb="read",
        id_column=id_column,
        id_property=id_property,
    )
    chosen = {"properties": names, "id_property": id_property, "archived": archived}
    work = plan(object_type, columns, portal, portal_column, {**chosen, **options})
    work = evolve(work, properties=names)
    return _send(dataset, work, portals, actors, batch_size, num_cpus)


def read_all(
    object_type: str,
    *,
    portals: Portals,
    of: Iterable[str | int],
    properties: Iterable[str],
    archived: bool = False,
    num_cpus: float = _CPUS,
) -> Dataset:
    """Read all records of a type in some portals.

    This is lazy, and runs each time the result is consumed. Each page from HubSpot
    names the next one, so one process reads a portal, page by page; several portals are
    read at once. The columns are `portal`, `id`, `properties`, `createdAt`, `updatedAt`
    and `archived`. Errors are raised, because part of a portal would look like all of
    it.

    Args:
        object_type: A name or id.
        portals: The tokens and limits of the portals.
        of: The portals to read.
        properties: The properties to read; required, because they make the columns.
        archived: Whether to read only archived records.
        num_cpus: The share of a core that Ray reserves for each portal that is being
            read.

    Returns:
        A Dataset of records.

    Raises:
        ConfigurationError: If the arguments cannot work; raised before anything is
            sent.
        TypeError, ValueError: If `properties` or `of` is a string, or the object type
            is invalid.
    """
    names = _names(properties)
    HubBatch("unused").objects(object_type)  # to raise for an invalid type now
    if isinstance(of, str):
        raise TypeError(f"of must be a collection of portals, not {of!r}")
    found = dict.fromkeys(portal_name(each) for each in of)  # without duplicates
    chosen = [{"portal": name} for name in found]
    if not chosen:
        raise ConfigurationError("of must name the portals to read")
    return ray.data.from_items(chosen, override_num_blocks=len(chosen)).map_batches(
        list_records,
        fn_args=(portals, object_type, names),
        fn_kwargs={"archived": archived},
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=num_cpus,
    )


def _send(
    dataset: Dataset,
    work: Work,
    portals: Portals,
    actors: int,
    batch_size: int,
    num_cpus: float,
) -> Dataset:
    for name, number in (("actors", actors), ("batch_size", batch_size)):
        if type(number) is not int or number < 1:
            raise ConfigurationError(f"{name} must be a positive int, not {number!r}")
    schema = _schema_of(dataset)
    if schema is not None:
        work.check(schema)
    # Ray runs whole blocks again; its own blocks may have a million rows.
    blocks = dataset.repartition(target_num_rows_per_block=_BATCHES * batch_size)
    return blocks.map_batches(
        Sender,
        fn_constructor_args=(work, portals, actors, _restarted),
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=actors),
        num_cpus=num_cpus,
    )


def _restarted() -> bool:
    """Return whether this actor replaces one that died."""
    with warnings.catch_warnings():  # Ray warns about its own code
        warnings.simplefilter("ignore", DeprecationWarning)
        return bool(ray.get_runtime_context().was_current_actor_reconstructed)


def _schema_of(dataset: Dataset) -> Any:
    """Return the schema, if it is known without running anything."""
    schema = dataset.schema(fetch_if_missing=False)
    return None if schema is None else arrow_schema(need_pyarrow(), schema.base_schema)


def _names(properties: Iterable[str]) -> tuple[str, ...]:
    names = check_names(properties)
    if not names:
        raise ConfigurationError("properties must name the properties to read")
    return tuple(dict.fromkeys(names))

"""Ray: write a Dataset to HubSpot, and read records into one.

Example::

    portals = Portals(token_env="HUBSPOT_{portal}", redis_env="REDIS_URL")
    outcomes = write(
        tickets, "upsert", "tickets",
        portals=portals, portal_column="portal", id_property="ref",
        outcomes="s3://bucket/run-7",
    )
    outcomes.groupby("status").count().show()

Every actor is a client of its own with one event loop; Redis keeps the limit of a
portal among them. One process reaches the limit of a portal: more of them help where
there are many portals, or where reading and transforming the rows is the work.

Ray runs a block anew, from its beginning, when the actor dies that had it. So only
what may be repeated is sent: `update`, `upsert` and `archive`, and `create` with a
unique property to reconcile by. An actor that follows on one that died takes all its
rows for doubted: a create is looked for before it is made, and an upsert does not say
that a record was `new` if the first attempt may have made it.
"""

import warnings

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import evolve

from hubbatch.client import HubBatch
from hubbatch.core.arguments import check_names
from hubbatch.errors import ConfigurationError
from hubbatch.jobs.arrow import need_pyarrow
from hubbatch.jobs.column_mapping import Columns

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

# A `ray.data.Dataset`. Ray is half a gigabyte, too much for every check of types.
Dataset: TypeAlias = Any

# An actor is busy with waiting most of the time, and a core serves several of them.
_CPUS = 0.25
# Batches of a block: what is sent again when an actor dies.
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
    """Send the rows of a Dataset, now, and give what became of each.

    The outcomes are at rest when this returns: to look at them sends nothing again.
    Their columns are `portal`, `input_id` (the value of the id column), `status`,
    `id`, `new`, `attempts`, `category`, `message` and `property_name`; there is one
    for each row, and they have no order. A portal whose token, scope or day ends
    raises nothing: its rows are `not_sent` and say why, and other portals' go on.

    Ray has no order either. Two rows of one record in different batches may be sent
    in any order, or at once: leave the last of them, with a `groupby`, before.

    Args:
        dataset: the rows. Every column is a property, except the id and the portal; a
            null leaves one out, an empty text clears it. Or a column `properties`
            has them all: of what `read` gives, select it and `id`.
        verb: what to do with them.
        object_type: by name or id.
        portals: where the tokens and limits of the portals are.
        portal: the portal of all rows. A token of another portal is refused.
        portal_column: the column that says it, row by row.
        id_column: the column with the ids, or the values of `id_property`; by default
            the one that is named like it, or `id`. A create needs none, and does not
            send it.
        id_property: the unique property that the ids are values of.
        reconcile_by: the unique property of a create; every row has it.
        properties: the columns to send, if not all: names, or a mapping of columns to
            the names of properties.
        timezone: the time zone of times that have none, e.g. `UTC`, `Europe/Berlin`;
            without it such a column is refused.
        outcomes: a folder for the outcomes, as Parquet, which must not exist: a path
            that all machines see, or a URL such as `s3://...`. They
            are written as they come, and what was written stays if the run fails.
            Without it they are held by Ray.
        actors: how many processes send.
        batch_size: rows that are sent together, and of which the outcomes come back
            together. Where portals are mixed, 100 for each portal that a batch has
            rows of make full requests. Memory holds four batches for each actor.
        num_cpus: how much of a core Ray reserves for each actor.
        options: what else the verb takes, such as `max_failures` or `isolate`. They
            are of each batch.

    Raises:
        ConfigurationError: for what cannot work, before anything is sent: a column
            that is not there, or that has times without a zone, a create without
            `reconcile_by`, an upsert without `id_property`.
        TypeError, ValueError: for an option that the verb does not take.
    """
    if verb not in ("create", "update", "upsert", "archive"):
        raise ConfigurationError(f"verb is a verb that writes, not {verb!r}")
    columns = Columns(
        verb=verb,
        id_column=id_column,
        id_property=id_property,
        properties=properties,
        reconcile_by=reconcile_by,
    )
    named = {"id_property": id_property, "reconcile_by": reconcile_by}
    given = {name: value for name, value in named.items() if value is not None}
    work = plan(
        object_type,
        columns,
        portal,
        portal_column,
        {**given, **options},
        timezone=timezone,
    )
    sent = _send(dataset, work, portals, actors, batch_size, num_cpus)
    if outcomes is None:
        return sent.materialize()
    # A worker has another directory than the program that drives it.
    where = outcomes if "://" in outcomes else str(Path(outcomes).absolute())
    sent.write_parquet(where, mode=SaveMode.ERROR)
    try:
        return ray.data.read_parquet(where)
    except FileNotFoundError:
        if dataset.take(1):  # the machine that wrote it has it, and not this one
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

    It is done when the result is looked at, and anew each time. There is a row for
    each row, without order: the columns of `write`, and `properties` (one with a
    field for each, texts as HubSpot has them), `createdAt`, `updatedAt`, `archived`.

    Args:
        dataset: rows with the ids, or the values of a unique property.
        object_type: by name or id.
        portals: where the tokens and limits of the portals are.
        properties: which to read. They make the columns, so they are to be named.
        portal: the portal of all rows. A token of another portal is refused.
        portal_column: the column that says it, row by row.
        id_column: the column with the ids, or the values of `id_property`; by default
            the one that is named like it, or `id`.
        id_property: the unique property that the ids are values of.
        archived: whether to read only records that are archived.
        actors: how many processes read.
        batch_size: rows that are asked for together; see `write`.
        num_cpus: how much of a core Ray reserves for each actor.
        options: what else the verb takes, such as `max_failures`.

    Raises:
        ConfigurationError: for what cannot work, before anything is sent.
        TypeError, ValueError: for an option that the verb does not take.
    """
    names = _names(properties)
    columns = Columns(
        verb="read",
        id_column=id_column,
        id_property=id_property,
    )
    given = {"properties": names, "id_property": id_property, "archived": archived}
    work = plan(object_type, columns, portal, portal_column, {**given, **options})
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

    It is done when the result is looked at, and anew each time. HubSpot tells each
    page by the one before it, so a portal is read by one process, page by page, and
    portals are read side by side. The columns are `portal`, `id`, `properties`,
    `createdAt`, `updatedAt` and `archived`. What cannot be read raises: a part of a
    portal would look like all of it.

    Args:
        object_type: by name or id.
        portals: where the tokens and limits of the portals are.
        of: the portals to read.
        properties: which to read. They make the columns, so they are to be named.
        archived: whether to read only records that are archived.
        num_cpus: how much of a core Ray reserves for each portal that is being read.

    Raises:
        ConfigurationError: for what cannot work, before anything is sent.
        TypeError, ValueError: if properties or of is one text, or the type no object
            type.
    """
    names = _names(properties)
    HubBatch("unused").objects(object_type)  # to hear of a wrong type now
    if isinstance(of, str):
        raise TypeError(f"of is a collection of portals, not {of!r}")
    found = dict.fromkeys(portal_name(each) for each in of)  # each of them once
    chosen = [{"portal": name} for name in found]
    if not chosen:
        raise ConfigurationError("name the portals to read in of=")
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
            raise ConfigurationError(f"{name} must be above zero, not {number!r}")
    schema = _schema_of(dataset)
    if schema is not None:
        work.check(schema)
    # A block is what Ray runs anew; its own may have a million rows.
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
    """Whether this actor follows on one that died."""
    with warnings.catch_warnings():  # Ray's own, of what Ray does here
        warnings.simplefilter("ignore", DeprecationWarning)
        return bool(ray.get_runtime_context().was_current_actor_reconstructed)


def _schema_of(dataset: Dataset) -> Any:
    """Give the columns, if they are known without running anything."""
    schema = dataset.schema(fetch_if_missing=False)
    return None if schema is None else arrow_schema(need_pyarrow(), schema.base_schema)


def _names(properties: Iterable[str]) -> tuple[str, ...]:
    names = check_names(properties)
    if not names:
        raise ConfigurationError("name the properties to read")
    return tuple(dict.fromkeys(names))

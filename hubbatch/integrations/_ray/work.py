"""What is to be done with the rows of tables, and the rows as inputs of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, SourceError
from hubbatch.jobs.arrow import check_times, need_pyarrow, plain_rows
from hubbatch.jobs.column_mapping import BadRow, Columns
from hubbatch.jobs.tables import check_names
from hubbatch.jobs.zones import Zone
from hubbatch.net.batch import Batch

from .portals import portal_name


# Rows that are Python's at a time, between two turns of the event loop.
_SLICE = 500


@frozen(kw_only=True)
class Work:
    """What is to be done with rows; it travels to the actors and holds no secret.

    Attributes:
        object_type: the object type.
        columns: the verb, and what the columns mean.
        portal: the portal of all rows; None if a column says it.
        portal_column: the column that says it, which is not sent.
        options: what the verb takes besides its inputs.
        properties: those whose values a read gives; empty for every other verb.
        zone: the time zone of times that have none.
    """

    object_type: str
    columns: Columns
    portal: str | None = None
    portal_column: str | None = None
    options: Mapping[str, Any] = field(factory=dict)
    properties: tuple[str, ...] = ()
    zone: Zone | None = None

    def batch(self, hub: HubBatch, rows: Iterable[Any]) -> Batch[Any]:
        """Call the verb.

        Raises:
            TypeError, ValueError: if it does not take such options.
        """
        verb = getattr(hub.objects(self.object_type), self.columns.verb)
        batch: Batch[Any] = verb(rows, **self.options)
        return batch

    def check(self, schema: Any) -> None:
        """Look whether a table has the columns that are needed.

        Raises:
            ConfigurationError: if one of them is not there, or has times without a
                zone, and nobody said which it is; names it.
        """
        there = [*schema.names]
        sent = [name for name in there if name != self.portal_column]
        try:
            check_names("the table", there)
            used = self.columns.used(sent)
            if self.zone is None:
                check_times(need_pyarrow(), schema, used, "the table")
        except (BadRow, SourceError) as error:
            raise ConfigurationError(str(error)) from None
        columns, wanted = self.columns, [self.portal_column, self.columns.id_column]
        if "properties" not in there:
            wanted += columns.properties if not columns.only_ids else ()
        elif columns.verb in ("update", "upsert"):
            wanted.append("id")  # in HubSpot's shape
        for name in filter(None, wanted):
            if name not in there:
                raise ConfigurationError(
                    f'no column "{name}" (has: {", ".join(there)})'
                )


class Rows:
    """The rows of a table as inputs of a verb, made as they are asked for.

    Attributes:
        keys: what names each row to its owner, of as many as were asked for.
    """

    def __init__(self, table: Any, work: Work) -> None:
        self.keys: list[str | None] = []
        self._table = table
        self._columns = work.columns
        self._zone = work.zone

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[Any]:
        arrow, builder = need_pyarrow(), self._columns.of_fields()
        for batch in self._table.to_batches(max_chunksize=_SLICE):
            for record in plain_rows(arrow, batch, "the table", zone=self._zone):
                key, given = builder.build(record)
                if key is None and self._columns.reconcile_by is not None:
                    unique = given["properties"].get(self._columns.reconcile_by)
                    key = None if unique is None else str(unique)
                self.keys.append(key)
                yield given


def plan(
    object_type: str,
    columns: Columns,
    portal: str | int | None,
    portal_column: str | None,
    options: Mapping[str, Any],
    *,
    timezone: str | None = None,
) -> Work:
    """Say what is to be done, and try whether it can be.

    Raises:
        ConfigurationError: for what cannot work.
        TypeError, ValueError: if the verb does not take such options.
    """
    if (portal is None) is (portal_column is None):
        raise ConfigurationError("give portal or portal_column, one of them")
    if columns.verb == "create" and columns.reconcile_by is None:
        raise ConfigurationError(
            "rows may be sent twice: a create needs reconcile_by, a unique property"
        )
    if columns.verb == "upsert" and columns.id_property is None:
        raise ConfigurationError(
            "an upsert needs id_property, the unique property that the ids are of"
        )
    work = Work(
        object_type=object_type,
        columns=columns,
        portal=None if portal is None else portal_name(portal),
        portal_column=portal_column,
        options=options,
        zone=Zone.find(timezone),
    )
    work.batch(HubBatch("unused"), []).close()
    return work

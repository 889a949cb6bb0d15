"""The call to make with the rows of tables, and those rows as inputs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from hubbatch._net.batch import Batch
from hubbatch._tables.arrow import check_names, check_times, need_pyarrow, plain_rows
from hubbatch._tables.column_mapping import BadRow, Columns
from hubbatch._tables.zones import Zone
from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, SourceError

from .portals import portal_name


# The number of rows to convert between two turns of the event loop.
_SLICE = 500


@frozen(kw_only=True)
class Work:
    """The call to make with rows. It is sent to the actors and contains no secrets.

    Attributes:
        object_type: The object type.
        columns: The verb, and how to convert columns to inputs.
        portal: The portal of all rows; None if there is a portal column.
        portal_column: The column with the portal of each row; it is not sent.
        options: The options of the verb.
        properties: The properties that a read returns; empty for other verbs.
        zone: The time zone for times without one.
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
            TypeError, ValueError: If the verb does not accept the options.
        """
        verb = getattr(hub.objects(self.object_type), self.columns.verb)
        batch: Batch[Any] = verb(rows, **self.options)
        return batch

    def check(self, schema: Any) -> None:
        """Check that a table has the columns that are needed.

        Raises:
            ConfigurationError: If a column is missing, or has times without a zone and
                no zone is set; names it.
        """
        present = [*schema.names]
        sent = [name for name in present if name != self.portal_column]
        try:
            check_names("the table", present)
            used = self.columns.used(sent)
            if self.zone is None:
                check_times(need_pyarrow(), schema, used, "the table")
        except (BadRow, SourceError) as error:
            raise ConfigurationError(str(error)) from None
        columns, wanted = self.columns, [self.portal_column, self.columns.id_column]
        if "properties" not in present:
            wanted += columns.properties if not columns.only_ids else ()
        elif columns.verb in ("update", "upsert"):
            wanted.append("id")  # in HubSpot's shape
        for name in filter(None, wanted):
            if name not in present:
                raise ConfigurationError(
                    f'no column "{name}" (has: {", ".join(present)})'
                )


class Rows:
    """The rows of a table as inputs of a verb, built one by one.

    Attributes:
        keys: The keys of the rows built so far (`input_id` of outcomes).
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
            for record in plain_rows(arrow, batch):
                zone = self._zone
                key, item = builder.build(
                    record if zone is None else zone.localize(record)
                )
                if key is None and self._columns.reconcile_by is not None:
                    unique = item["properties"].get(self._columns.reconcile_by)
                    key = None if unique is None else str(unique)
                self.keys.append(key)
                yield item


def plan(
    object_type: str,
    columns: Columns,
    portal: str | int | None,
    portal_column: str | None,
    options: Mapping[str, Any],
    *,
    timezone: str | None = None,
) -> Work:
    """Return the call to make, after checking that it is possible.

    Raises:
        ConfigurationError: If it is not possible.
        TypeError, ValueError: If the verb does not accept the options.
    """
    if (portal is None) is (portal_column is None):
        raise ConfigurationError("set either portal or portal_column")
    if columns.verb == "create" and columns.reconcile_by is None:
        raise ConfigurationError(
            "rows may be sent twice: a create needs reconcile_by, a unique property"
        )
    if columns.verb == "upsert" and columns.id_property is None:
        raise ConfigurationError(
            "an upsert needs id_property, the unique property that the ids belong to"
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

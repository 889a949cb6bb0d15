"""Reads all records of a portal as tables, page by page, in a Ray task."""

import asyncio

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any

from hubbatch._tables.arrow import need_pyarrow

from .actors import check_portal
from .portals import Portals
from .tables import record_columns, record_schema


# Records per table.
_TABLE = 5_000


def list_records(
    table: Any,
    portals: Portals,
    object_type: str,
    properties: Sequence[str],
    *,
    archived: bool = False,
) -> Iterator[Any]:
    """Yield the records of the portals in the column `portal`, as tables.

    Raises:
        HubBatchError: If not all of them can be read.
    """
    arrow = need_pyarrow()
    schema = record_schema(arrow, properties)
    with asyncio.Runner() as runner:
        for portal in table.column("portal").to_pylist():
            found = _records(portal, portals, object_type, properties, archived)
            try:
                while records := runner.run(_next_records(found)):
                    columns = record_columns(records, properties)
                    columns["portal"] = [portal] * len(records)
                    columns["id"] = [record.id for record in records]
                    yield arrow.Table.from_pydict(columns, schema=schema)
            finally:
                runner.run(found.aclose())


async def _next_records(source: Any) -> list[Any]:
    records: list[Any] = []
    async for record in source:
        records.append(record)
        if len(records) >= _TABLE:
            break
    return records


async def _records(
    portal: str,
    portals: Portals,
    object_type: str,
    properties: Sequence[str],
    archived: bool,  # noqa: FBT001 -- an option of the caller
) -> Any:
    async with portals.open(1) as accounts:
        hub = await accounts.get(portal)
        await check_portal(hub, portal)
        records = hub.objects(object_type).list(
            properties=properties, archived=archived
        )
        async with aclosing(records):  # type: ignore[type-var] # it is a generator
            async for record in records:
                yield record

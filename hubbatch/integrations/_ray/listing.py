"""All records of a portal as tables, page by page: what a task of Ray does."""

import asyncio

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any

from hubbatch.jobs.arrow import need_pyarrow

from .actors import check_whose
from .portals import Portals
from .tables import record_columns, record_schema


# Records of a table: what is told to Ray at a time.
_TABLE = 5_000


def list_records(
    table: Any,
    portals: Portals,
    object_type: str,
    properties: Sequence[str],
    *,
    archived: bool = False,
) -> Iterator[Any]:
    """Give the records of the portals that the column `portal` names.

    Raises:
        HubBatchError: if not all of them can be had.
    """
    arrow = need_pyarrow()
    schema = record_schema(arrow, properties)
    with asyncio.Runner() as runner:
        for portal in table.column("portal").to_pylist():
            found = _records(portal, portals, object_type, properties, archived)
            try:
                while records := runner.run(_some(found)):
                    columns = record_columns(records, properties)
                    columns["portal"] = [portal] * len(records)
                    columns["id"] = [record.id for record in records]
                    yield arrow.Table.from_pydict(columns, schema=schema)
            finally:
                runner.run(found.aclose())


async def _some(found: Any) -> list[Any]:
    some: list[Any] = []
    async for record in found:
        some.append(record)
        if len(some) >= _TABLE:
            break
    return some


async def _records(
    portal: str,
    portals: Portals,
    object_type: str,
    properties: Sequence[str],
    archived: bool,  # noqa: FBT001 -- an option of the caller's
) -> Any:
    async with portals.open(1) as accounts:
        hub = await accounts.get(portal)
        await check_whose(hub, portal)
        records = hub.objects(object_type).list(
            properties=properties, archived=archived
        )
        async with aclosing(records):  # type: ignore[type-var] # it is a generator
            async for record in records:
                yield record

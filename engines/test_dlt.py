"""Real pipelines of dlt, from DuckDB to the simulator."""

import datetime as dt

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from hubbatch.integrations.dlt import failures, hubspot, hubspot_adapter, results
from hubbatch.simulator import Fault, Simulator


def pipeline(name: str = "crm", **options: Any) -> Any:
    return dlt.pipeline(name, destination=hubspot(**options))


def query(sql: str) -> Iterator[dict[str, Any]]:
    """Give the rows of a query, as the page of the recipe does."""
    cursor = duckdb.connect().execute(sql)
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(1_000):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


PEOPLE = (
    "SELECT 'p' || i || '@example.com' AS email, 'Person ' || i AS firstname "
    "FROM range({}) t(i)"
)


def people(count: int) -> Any:
    return dlt.resource(
        query(PEOPLE.format(count)),
        name="contacts",
        primary_key="email",
        write_disposition="merge",
    )


def table(name: str, rows: Any) -> Any:
    """Load rows into a warehouse, and give what is in its table then."""
    warehouse = dlt.pipeline("warehouse", destination=dlt.destinations.duckdb("w.db"))
    for _ in range(2):  # loading the same again adds nothing
        warehouse.run(rows(), dataset_name="crm")
    with duckdb.connect("w.db") as connection:
        found = connection.execute(f"SELECT * FROM crm.{name} ORDER BY index")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_table_is_upserted_by_its_primary_key(account: Simulator) -> None:
    for _ in range(2):
        pipeline().run(people(1_234))
    contacts = [*account.store.all("contacts")]
    assert len(contacts) == 1_234
    assert {one.properties["firstname"] for one in contacts} == {
        f"Person {i}" for i in range(1_234)
    }

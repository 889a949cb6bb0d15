"""What a new user writes first: a data frame to HubSpot, and the outcomes back."""

import csv
import io

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hubbatch import HubBatch
from hubbatch.jobs import ArrowSource, Columns, Job
from hubbatch.simulator import Property, Simulator


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        sim.store.define("contacts", [Property("seats", "number")])
        yield sim


@pytest.fixture
async def hub(sim: Simulator) -> AsyncIterator[HubBatch]:
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        yield hub


def contacts(sim: Simulator) -> dict[str, Any]:
    """Return the properties of HubSpot's contacts by e-mail address."""
    records = sim.store.all("contacts")
    return {record.properties["email"]: record.properties for record in records}


# ---- pandas


async def test_upsert_from_pandas(hub: HubBatch, sim: Simulator) -> None:
    df = pd.DataFrame(
        {
            "email": ["ada@example.com", "bob@example.com", "not an address"],
            "firstname": ["Ada", None, "Cy"],
            "seats": [5, np.nan, 12],
            "date_of_birth": [date(1990, 12, 10), None, None],
        }
    )

    response = await hub.contacts.upsert(df, id_property="email")

    assert response.succeeded == 2
    ada, bob = contacts(sim)["ada@example.com"], contacts(sim)["bob@example.com"]
    assert ada["firstname"] == "Ada"
    assert ada["seats"] == "5"
    assert ada["date_of_birth"] == "1990-12-10"
    assert not bob.get("firstname")  # a missing value leaves the property alone
    assert not bob.get("seats")

    outcomes = response.to_arrow().to_pandas()
    failed = outcomes[outcomes["outcome_status"] != "succeeded"]
    assert [*failed["email"]] == ["not an address"]
    assert "is invalid" in failed["outcome_message"].iloc[0]


async def test_a_missing_value_changes_nothing(hub: HubBatch, sim: Simulator) -> None:
    [ada] = [sim.store.create("contacts", {"email": "ada@x.example", "city": "Rome"})]
    missing = [np.nan, None, pd.NA, pd.NaT]

    for value in missing:
        df = pd.DataFrame({"id": [ada.id], "city": [value], "firstname": ["Ada"]})
        assert (await hub.contacts.update(df, timezone="UTC")).ok
        rows = [{"id": ada.id, "city": value, "firstname": "Ada"}]
        assert (await hub.contacts.update(rows)).ok

    assert contacts(sim)["ada@x.example"]["city"] == "Rome"
    assert contacts(sim)["ada@x.example"]["firstname"] == "Ada"
    df = pd.DataFrame({"id": [ada.id], "city": [""]})
    assert (await hub.contacts.update(df)).ok
    assert not contacts(sim)["ada@x.example"].get("city")  # "" clears it


async def test_times_without_a_zone_need_one(hub: HubBatch) -> None:
    df = pd.DataFrame(
        {
            "subject": ["Fuse", "Cable", "Never"],
            "closed_date": pd.to_datetime(
                ["2026-01-31 12:00", None, "2026-03-29 02:30"]
            ),
        }
    )

    with pytest.raises(ValueError, match="'closed_date' have no time zone"):
        hub.tickets.create(df)
    response = await hub.tickets.create(df, timezone="Europe/Berlin")

    fuse, cable = (outcome.result for outcome in response.outcomes[:2])
    assert fuse is not None
    assert cable is not None
    assert fuse.properties["closed_date"] == "2026-01-31T11:00:00Z"
    assert not cable.properties.get("closed_date")
    [never] = response.failures  # the clocks skip that hour
    assert never.error is not None
    assert never.error.property_name == "closed_date"

    records = df.to_dict("records")
    response = await hub.tickets.create(records, timezone="Europe/Berlin")
    assert response.succeeded == 2
    assert response.outcomes[0].input is records[0]
    response = await hub.tickets.create(records)
    assert 'timezone="Europe/Berlin"' in str(response.failures[0].error)


async def test_numpy_values_are_values(hub: HubBatch) -> None:
    when = np.datetime64("2026-01-31T12:00:00", "ns")
    row = {"subject": np.str_("Fuse"), "closed_date": when, "content": np.float64(0.5)}

    response = await hub.tickets.create(
        [row, {**row, "closed_date": np.datetime64("NaT")}], timezone="Europe/Berlin"
    )

    fuse, other = response.results
    assert fuse.properties["closed_date"] == "2026-01-31T11:00:00Z"
    assert fuse.properties["content"] == "0.5"
    assert not other.properties.get("closed_date")


async def test_the_index_is_a_column_if_it_has_a_name(
    hub: HubBatch, sim: Simulator
) -> None:
    df = pd.DataFrame({"email": ["b@x.example", "a@x.example"], "city": ["B", "A"]})

    by_index = await hub.contacts.upsert(df.set_index("email"), id_property="email")
    sorted_ = await hub.contacts.upsert(df.sort_values("city"), id_property="email")

    assert by_index.ok
    assert sorted_.ok
    assert contacts(sim)["a@x.example"]["city"] == "A"


async def test_the_index_may_be_a_plain_range(hub: HubBatch, sim: Simulator) -> None:
    """Evenly spaced ids are one, and Arrow leaves it out."""
    ids = [int(sim.store.create("contacts", {"city": "A"}).id) for _ in "12"]
    df = pd.DataFrame({"id": range(ids[0], ids[1] + 1, ids[1] - ids[0]), "city": "B"})
    df = df.set_index("id")
    assert isinstance(df.index, pd.RangeIndex)

    response = await hub.contacts.update(df)
    keys = [row.key for row in ArrowSource(df, Columns(verb="update"))]

    assert response.ok
    assert sim.store.get("contacts", str(ids[1])).properties["city"] == "B"  # type: ignore[union-attr] # it is there
    assert keys == [str(one) for one in ids]


def test_the_levels_of_an_index_are_columns() -> None:
    df = pd.DataFrame({"id": [1, 2], "team": ["x", "y"], "n": [1, "a"]})
    df = df.set_index(["id", "team"]).set_index(pd.Index([5, 6]), append=True)

    rows = [row.input for row in ArrowSource(df, Columns(verb="update"))]

    assert rows == [
        {"id": 1, "properties": {"team": "x", "n": 1}},
        {"id": 2, "properties": {"team": "y", "n": "a"}},
    ]


async def test_an_index_with_the_name_of_a_column_is_refused(hub: HubBatch) -> None:
    df = pd.DataFrame({"id": [1], "city": ["B"]})

    with pytest.raises(ValueError, match="are named 'id'"):
        hub.contacts.update(df.set_index("id", drop=False))


async def test_a_column_of_several_types_is_sent(hub: HubBatch, sim: Simulator) -> None:
    """As pandas reads one from a sheet of Excel."""
    df = pd.DataFrame(
        {"email": ["a@x.example", "b@x.example"], "phone": [491, "+49 30 1"]}
    )

    assert (await hub.contacts.upsert(df, id_property="email")).ok

    phones = [contacts(sim)[email]["phone"] for email in df["email"]]
    assert phones == ["491", "+49 30 1"]


async def test_ids_that_became_floats_fail_with_a_hint(hub: HubBatch) -> None:
    df = pd.DataFrame({"id": [512, np.nan], "subject": ["a", "b"]})

    response = await hub.tickets.update(df)

    [whole, missing] = [str(outcome.error) for outcome in response.failures]
    assert ".astype('Int64')" in whole
    assert "id is missing" in missing


async def test_read_by_a_column(hub: HubBatch, sim: Simulator) -> None:
    one = sim.store.create("contacts", {"email": "a@x.example"})
    df = pd.DataFrame({"id": [one.id], "email": ["a@x.example"]})

    for ids, options in (
        (df["id"], {}),
        (df, {}),
        (df["email"], {"id_property": "email"}),
        (df, {"id_property": "email"}),
        (pl.Series([one.id]), {}),
        (pa.chunked_array([[one.id]]), {}),
    ):
        response = await hub.contacts.read(ids, properties=["email"], **options)
        [record] = response.to_arrow().to_pylist()
        assert record["outcome_properties"]["email"] == "a@x.example"


# ---- polars and DuckDB


async def test_upsert_from_polars(hub: HubBatch, sim: Simulator) -> None:
    df = pl.DataFrame(
        {
            "email": ["ada@x.example", "bob@x.example"],
            "seats": [5.0, float("nan")],
            "date_of_birth": [date(1990, 12, 10), None],
        }
    )

    response = await hub.contacts.upsert(df, id_property="email")

    assert response.ok
    assert contacts(sim)["ada@x.example"]["date_of_birth"] == "1990-12-10"
    assert not contacts(sim)["bob@x.example"].get("seats")
    outcomes = pl.DataFrame(response.to_arrow())
    assert outcomes.filter(pl.col("outcome_new"))["email"].to_list() == [*df["email"]]


async def test_upsert_from_a_duckdb_query(hub: HubBatch, sim: Simulator) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE people (mail TEXT, city TEXT)")
    connection.execute(
        "INSERT INTO people VALUES ('a@x.example', 'Rome'), ('b', 'Oslo')"
    )
    query = connection.sql("SELECT mail AS email, city FROM people WHERE city = 'Rome'")

    batch = hub.contacts.upsert(query, id_property="email")
    connection.execute("SELECT 1").fetchall()  # the query runs when the batch does
    response = await batch

    assert response.ok
    assert contacts(sim)["a@x.example"]["city"] == "Rome"
    connection.register("outcomes", response.to_arrow())
    new = connection.sql("SELECT email FROM outcomes WHERE outcome_new")
    assert new.fetchall() == [("a@x.example",)]


async def test_stream_a_large_frame(hub: HubBatch) -> None:
    df = pl.DataFrame({"subject": [f"Ticket {n}" for n in range(2_500)]})

    async with hub.tickets.create(df) as outcomes:
        subjects = {outcome.input["subject"] async for outcome in outcomes}

    assert subjects == {*df["subject"]}


# ---- rows of other kinds


async def test_upsert_from_a_csv_file(hub: HubBatch, sim: Simulator) -> None:
    file = io.StringIO("email,city\na@x.example,Rome\nb@x.example,Oslo\n")

    response = await hub.contacts.upsert(csv.DictReader(file), id_property="email")

    assert response.ok
    assert contacts(sim)["b@x.example"]["city"] == "Oslo"


async def test_contacts_companies_and_their_associations(hub: HubBatch) -> None:
    people = pd.DataFrame({"email": ["a@x.example", "b@y.example"]})
    firms = pd.DataFrame({"domain": ["x.example", "y.example"], "name": ["X", "Y"]})

    people["from"] = [
        one.id
        for one in (await hub.contacts.upsert(people, id_property="email")).outcomes
    ]
    firms["to"] = [one.id for one in (await hub.companies.create(firms)).outcomes]
    people["domain"] = people["email"].str.split("@").str[1]
    pairs = people.merge(firms, on="domain")[["from", "to"]]
    response = await hub.associations("contacts", "companies").create_default(pairs)

    assert response.ok
    assert response.succeeded == 2


# ---- what is almost right


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            pd.DataFrame({"ID": [1], "city": ["x"]}),
            r'no column "id" .*it has: ID, city',
        ),
        (pl.DataFrame({"city": ["x"]}), 'no column "id"'),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "[Dd]uplicate|Two columns"),
        (pl.DataFrame({"id": [1]}).lazy(), r"Call its collect\(\) first"),
        (pd.DataFrame({"id": [1], "city": ["x"]}).to_dict("list"), "Pass a table"),
    ],
)
def test_a_table_that_cannot_be_sent_is_refused_at_once(
    hub: HubBatch, table: Any, problem: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        hub.contacts.update(table)


# ---- jobs


async def test_a_job_takes_a_frame_or_rows(
    hub: HubBatch, sim: Simulator, tmp_path: Any
) -> None:
    df = pd.DataFrame(
        {
            "email": ["a@x.example", "b@x.example"],
            "closedate": pd.to_datetime(["2026-01-31 12:00", None]),
        }
    )
    options: dict[str, Any] = {"id_property": "email", "timezone": "Europe/Berlin"}

    for number, source in enumerate([df, pl.DataFrame(df), df.to_dict("records")]):
        results = tmp_path / f"{number}.csv"
        job = Job(hub, "upsert", "contacts", source, results=results, **options)
        report = await job.run()
        assert report.succeeded == 2
        assert "a@x.example" in results.read_text()

    assert contacts(sim)["a@x.example"]["closedate"] == "2026-01-31T11:00:00Z"
    assert not contacts(sim)["b@x.example"].get("closedate")

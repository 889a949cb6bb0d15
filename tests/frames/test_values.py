"""Each value of a frame is sent as it is, or fails alone, or its column is refused."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from hubbatch import AuthenticationError, HubBatch
from hubbatch.jobs import ArrowSource, Columns, Job, SourceError
from hubbatch.simulator import Simulator


AWARE = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAIVE = datetime(2026, 1, 31, 12)  # noqa: DTZ001 -- a time without a zone
BERLIN = {"timezone": "Europe/Berlin"}


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        yield sim


@pytest.fixture
async def hub(sim: Simulator) -> AsyncIterator[HubBatch]:
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        yield hub


async def sent(hub: HubBatch, values: Any, **options: Any) -> list[str | None]:
    """Return what a column of pandas becomes; None for a value that failed."""
    frame = values if hasattr(values, "iloc") else pd.Series(values, dtype=object)
    response = await hub.tickets.create(pd.DataFrame({"content": frame}), **options)
    return [
        outcome.result and outcome.result.properties["content"]
        for outcome in response.outcomes
    ]


# ---- columns of objects


async def test_times_with_and_without_a_zone_are_not_shifted(hub: HubBatch) -> None:
    found = await sent(hub, [AWARE, NAIVE], **BERLIN)
    assert found == ["2026-01-31T12:00:00.000Z", "2026-01-31T11:00:00.000Z"]

    found = await sent(hub, [NAIVE, AWARE])
    assert found == [None, "2026-01-31T12:00:00.000Z"]


async def test_dates_do_not_cut_the_times_behind_them(hub: HubBatch) -> None:
    found = await sent(hub, [date(2026, 1, 30), AWARE])

    assert found == ["2026-01-30", "2026-01-31T12:00:00.000Z"]


async def test_bytes_fail_their_own_row(hub: HubBatch) -> None:
    assert await sent(hub, ["a", b"b", "c"]) == ["a", None, "c"]


async def test_the_categories_of_a_column_may_be_objects_too(hub: HubBatch) -> None:
    found = await sent(hub, pd.Series(pd.Categorical([date(2026, 1, 30), "x", 7])))

    assert found == ["2026-01-30", "x", "7"]


async def test_arrays_are_lists(hub: HubBatch) -> None:
    """pandas reads the lists of a Parquet file as arrays."""
    found = await sent(hub, [np.array(["a", "b"]), np.array([1]), ["c", "d"]])

    assert found == ["a;b", "1", "c;d"]


async def test_a_job_takes_them_by_the_same_rules(hub: HubBatch) -> None:
    frame = pd.DataFrame({"content": [date(2026, 1, 30), AWARE, NAIVE, b"x", "a"]})
    sources: list[Any] = [frame, ArrowSource(frame, Columns(verb="create"))]

    for source in sources:
        report = await Job(hub, "create", "tickets", source).run()
        assert (report.succeeded, report.failed) == (3, 2)


def test_an_index_of_objects_is_a_column() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["512", 513], name="id"))

    rows = [*ArrowSource(frame, Columns(verb="update"))]

    assert [row.input["id"] for row in rows] == ["512", 513]


# ---- types that are not a property's


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Series(pd.period_range("2026-01", periods=1, freq="M")), "period"),
        (
            pd.Series(pd.period_range("2026-01", periods=1, freq="M")).astype(
                "category"
            ),
            "period",
        ),
        (pd.Series([pd.Interval(1, 2)]), "interval"),
        (pd.Series([timedelta(1)]), "duration"),
        (pd.Series(pd.arrays.SparseArray([1.0])), "Sparse.* Cast it first"),
    ],
    ids=["period", "category of periods", "interval", "duration", "sparse"],
)
def test_a_pandas_column_that_no_property_can_have_is_refused(
    hub: HubBatch, column: Any, kind: str
) -> None:
    frame = pd.DataFrame({"id": ["512"], "content": column})

    with pytest.raises(ValueError, match=f"[Cc]olumn 'content' .*{kind}"):
        hub.tickets.update(frame)
    with pytest.raises(SourceError, match=f"data: [Cc]olumn 'content' .*{kind}"):
        next(iter(ArrowSource(frame, Columns(verb="update"))))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("INTERVAL 1 DAY", "month_day_nano_interval"),
        ("TIME '12:00'", "time64"),
        ("MAP {'a': 1}", "map"),
        ("union_value(k := 1)", "union"),
        ("[INTERVAL 1 DAY]", "interval"),
    ],
)
def test_a_duckdb_column_that_no_property_can_have_is_refused(
    hub: HubBatch, value: str, kind: str
) -> None:
    query = duckdb.connect().sql(f"SELECT '512' AS id, {value} AS content")

    with pytest.raises(ValueError, match=f"[Cc]olumn 'content' .*{kind}"):
        hub.tickets.update(query)
    hub.tickets.archive(query).close()  # that column is not used


@pytest.mark.parametrize("kind", [pl.Int128, pl.Object, pl.Time, pl.Duration])
def test_a_polars_column_that_no_property_can_have_is_refused(
    hub: HubBatch, kind: Any
) -> None:
    frame = pl.DataFrame({"id": ["512"], "content": pl.Series([None], dtype=kind)})

    with pytest.raises(ValueError, match=r"[Cc]olumn 'content' .*Cast it"):
        hub.tickets.update(frame)


# ---- numbers and days


@pytest.mark.parametrize(
    "make",
    [
        lambda values: pd.DataFrame({"content": np.array(values, dtype="float32")}),
        lambda values: pd.DataFrame({"content": pd.array(values, dtype="Float32")}),
        lambda values: pd.DataFrame(
            {"content": pd.Categorical(np.array(values, dtype="float32"))}
        ),
        lambda values: pl.DataFrame({"content": pl.Series(values, dtype=pl.Float32)}),
        lambda values: [{"content": np.float32(value)} for value in values],
    ],
    ids=["numpy", "nullable", "categories", "polars", "rows"],
)
async def test_a_float_of_32_bits_has_its_own_digits(
    hub: HubBatch, make: Callable[[list[float]], Any]
) -> None:
    response = await hub.tickets.create(make([0.1, 1e-7, 16777216, float("nan")]))

    found = [record.properties.get("content") for record in response.results]
    assert found[:3] == ["0.1", "0.0000001", "16777216"]
    assert not found[3]


@pytest.mark.parametrize("options", [{}, BERLIN])
async def test_a_numpy_day_is_a_date(hub: HubBatch, options: Any) -> None:
    rows = [{"content": np.datetime64("2026-01-31")}]

    response = await hub.tickets.create(rows, **options)

    assert response.results[0].properties["content"] == "2026-01-31"


async def test_a_numpy_day_beyond_python_s_fails(hub: HubBatch) -> None:
    rows = [{"content": np.datetime64("20260-01-31")}, {"content": "a"}]

    response = await hub.tickets.create(rows, **BERLIN)

    [failure] = response.failures
    assert "'content' is not in the years 1 to 9999" in str(failure.error)


async def test_integers_of_a_database_are_ids(hub: HubBatch) -> None:
    one = (await hub.tickets.create([{"content": "a"}])).results[0]
    query = duckdb.connect().sql(f"SELECT {one.id}::HUGEINT AS id, 'b' AS content")

    assert (await hub.tickets.update(query)).ok


# ---- times that Python does not have


LATE = pd.Series(
    np.array(["2026-01-31", "12026-01-31", "9999-12-31T23:59:59"], "datetime64[s]")
).dt.tz_localize("UTC")


def duckdb_times() -> Any:
    return duckdb.connect().sql(
        "SELECT * FROM (VALUES ('2026-01-31'::TIMESTAMPTZ), ('infinity'), "
        "('-infinity')) AS t(content)"
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame({"content": LATE.dt.tz_convert("Europe/Berlin")}),
        lambda: pl.DataFrame(
            {"content": pl.Series([0, 10**15, 10**15]).cast(pl.Datetime("ms", "UTC"))}
        ),
        lambda: pl.DataFrame(
            {"content": pl.Series([0, 10**8, 10**8], dtype=pl.Int32).cast(pl.Date)}
        ),
        duckdb_times,
    ],
    ids=["pandas", "polars", "polars date", "duckdb"],
)
async def test_a_time_that_python_does_not_have_fails_its_row(
    hub: HubBatch, make: Callable[[], Any]
) -> None:
    response = await hub.tickets.create(make())

    assert response.succeeded == 1
    for failure in response.failures:
        assert failure.error is not None
        assert failure.error.property_name == "content"
        assert "Python cannot represent" in str(failure.error)
    outcomes = response.to_arrow()["outcome_status"].to_pylist()
    assert outcomes == ["succeeded", "failed", "failed"]

    report = await Job(hub, "create", "tickets", make()).run()
    assert (report.succeeded, report.failed) == (1, 2)


# ---- connections


async def test_a_stream_that_is_left_frees_its_connection(hub: HubBatch) -> None:
    connection = duckdb.connect()
    batch = hub.tickets.create(many_rows(connection))

    async with batch as outcomes:
        async for _ in outcomes:
            break

    assert connection.execute("SELECT 1").fetchone() == (1,)
    assert batch.summary.inputs < MANY


async def test_a_batch_that_an_error_ends_frees_its_connection(sim: Simulator) -> None:
    connection = duckdb.connect()
    async with HubBatch("wrong", base_url=sim.url) as hub:
        batch = hub.tickets.create(many_rows(connection))

        with pytest.raises(AuthenticationError) as ended:
            await batch

    assert connection.execute("SELECT 1").fetchone() == (1,)
    assert ended.value.response is batch.response


MANY = 20_000


def many_rows(connection: Any) -> Any:
    return connection.sql(f"SELECT range::TEXT AS content FROM range({MANY})")

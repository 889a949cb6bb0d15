"""Frames of pandas, polars and DuckDB as they are, sent to a simulated HubSpot.

They are heavy, so they stand apart from the tests: `nox -s frames`.
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from hubbatch import HubBatch
from hubbatch.jobs import (
    ArrowSource,
    Columns,
    Job,
    ParquetSource,
    SourceError,
)
from hubbatch.simulator import Simulator


TIMES = ["2026-05-31T12:00", None]


def by_pandas(ids: list[str], **columns: list[Any]) -> Any:
    times = pd.to_datetime(pd.Series(TIMES), format="ISO8601")
    return pd.DataFrame({"id": ids, **columns, "closed_date": times})


def by_polars(ids: list[str], **columns: list[Any]) -> Any:
    times = [None if text is None else datetime.fromisoformat(text) for text in TIMES]
    frame = pl.DataFrame({"id": ids, **columns, "closed_date": times}, strict=False)
    return frame.with_columns(pl.col("hs_ticket_priority").cast(pl.Categorical))


def by_duckdb(ids: list[str], **columns: list[Any]) -> Any:
    frame = by_pandas(ids, **columns)
    connection = duckdb.connect()
    connection.register("frame", frame)
    return connection.sql("SELECT * FROM frame ORDER BY id")


LIBRARIES = pytest.mark.parametrize("make", [by_pandas, by_polars, by_duckdb])


@LIBRARIES
async def test_what_is_no_value_is_left_out(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    """NULL, NaN and NaT change nothing, an empty text clears, and all else is sent."""
    async with Simulator() as sim, HubBatch(sim.token, base_url=sim.url) as hub:
        old = {"content": "old", "hs_ticket_priority": "LOW"}
        ids = sorted(sim.store.create("tickets", old).id for _ in "12")
        frame = make(
            ids,
            subject=["new", "other"],
            content=["", None],
            source_type=[None, None] if make is by_polars else [None, float("nan")],
            hs_ticket_priority=["HIGH", None],
        )
        columns = Columns(verb="update")
        with pytest.raises(SourceError, match='"closed_date" have no time zone'):
            await Job(hub, "update", "tickets", ArrowSource(frame, columns)).run()
        assert not any("/batch/" in one.path for one in sim.requests)
        source = ArrowSource(frame, columns, timezone="Europe/Berlin")

        journal = tmp_path / "run.db"
        done = await Job(hub, "update", "tickets", source, journal=journal).run()
        again = await Job(hub, "update", "tickets", source, journal=journal).run()

        assert (done.succeeded, again.already_finished) == (2, True)
        full, empty = (sim.store.get("tickets", one) for one in ids)
        assert full is not None
        assert empty is not None
        assert full.properties["subject"] == "new"
        assert not full.properties.get("content")
        assert full.properties["hs_ticket_priority"] == "HIGH"
        assert full.properties["closed_date"].startswith("2026-05-31T10:00:00")
        assert empty.properties["subject"] == "other"
        assert {name: empty.properties[name] for name in old} == old
        assert not empty.properties.get("closed_date")


def rows(frame: Any, **options: Any) -> list[dict[str, Any]]:
    source = ArrowSource(frame, Columns(verb="update"), **options)
    return [row.input["properties"] for row in source]


def test_what_pandas_has_besides(tmp_path: Path) -> None:
    """The index of a frame that was filtered or sorted is no property."""
    frame = pd.DataFrame(
        {
            "id": ["1", "2", "3"],
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "real": [0.5, np.nan, 2.0],
            "flag": pd.array([True, None, False], dtype="boolean"),
            "text": pd.array(["a", pd.NA, ""], dtype="string"),
            "kind": pd.Categorical(["x", None, "y"]),
        }
    )
    chosen = frame.sort_values("id", ascending=False)

    found = rows(chosen)

    assert found[2] == {
        "whole": 1,
        "real": 0.5,
        "flag": True,
        "text": "a",
        "kind": "x",
    }
    assert {*found[1].values()} == {None}
    assert found[0]["text"] == ""
    path = tmp_path / "f.parquet"
    chosen.to_parquet(path)
    columns = Columns(verb="update")
    assert [row.input["properties"] for row in ParquetSource(path, columns)] == found
    assert rows(frame.set_index("id")) == [*reversed(found)]


def test_a_pandas_column_of_several_types_is_sent_value_by_value() -> None:
    """Arrow has no type for it; a sheet of Excel is often read as such a column."""
    mixed = pd.DataFrame({"x": pd.Series([1, "a", None, 2.5], dtype=object)})
    mixed.index = pd.Index([1, 2, 3, 4], name="id")

    source = ArrowSource(mixed, Columns(verb="update"))

    assert [row.key for row in source] == ["1", "2", "3", "4"]
    assert [row.input["properties"]["x"] for row in source] == [1, "a", None, 2.5]


def test_what_polars_has_besides() -> None:
    frame = pl.DataFrame(
        {
            "id": ["1", "2"],
            "real": [0.5, float("nan")],
            "day": [date(2026, 5, 31), None],
            "several": [["a", "b"], None],
            "price": pl.Series(["1.50", None]).cast(pl.Decimal(10, 2)),
            "kind": pl.Series(["x", None], dtype=pl.Enum(["x"])),
        }
    )

    full, empty = rows(frame)

    assert str(full.pop("price")) == "1.50"
    assert full == {
        "real": 0.5,
        "day": date(2026, 5, 31),
        "several": ["a", "b"],
        "kind": "x",
    }
    assert {*empty.values()} == {None}
    assert rows(frame.lazy().collect())[0]["kind"] == "x"


async def test_what_no_property_can_hold_fails_alone(tmp_path: Path) -> None:
    """DuckDB's blobs, say."""
    async with Simulator() as sim, HubBatch(sim.token, base_url=sim.url) as hub:
        one, other = (sim.store.create("tickets", {}).id for _ in "12")
        relation = duckdb.connect().sql(
            f"SELECT '{one}' AS id, 'x' AS subject, NULL::BLOB AS content "
            f"UNION ALL SELECT '{other}', 'y', 'b'::BLOB"
        )
        source = ArrowSource(relation, Columns(verb="update"))

        failed = tmp_path / "f.jsonl"
        done = await Job(hub, "update", "tickets", source, failures=failed).run()

        assert (done.succeeded, done.failed) == (1, 1)
        assert '"property_name":"content"' in failed.read_text()

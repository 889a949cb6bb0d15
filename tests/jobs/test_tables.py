import sqlite3

from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hubbatch.jobs import (
    ArrowSource,
    Columns,
    ParquetSource,
    SourceError,
    SqliteSource,
)


UPDATE = Columns(verb="update")


def inputs(source: Any) -> list[dict[str, Any]]:
    return [row.input["properties"] for row in source]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "old crm?.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (ref TEXT, n INT, x REAL, b BLOB)")
        rows = [("A", 1, 0.5, None), ("B", None, None, b"x")]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    return path


def test_rows_of_a_query(database: Path) -> None:
    columns = Columns(verb="upsert", id_property="ref")
    query = "SELECT ref, n AS size, x FROM t ORDER BY ref"

    source = SqliteSource(database, query, columns)

    assert inputs(source) == [{"size": 1, "x": 0.5}, {"size": None, "x": None}]
    assert [row.key for row in source] == ["A", "B"]
    assert source.length() == 2
    assert source.options["query"] == query
    found = source.fingerprint()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE t SET n = 2 WHERE ref = 'A'")
    assert SqliteSource(database, query, columns).fingerprint() != found


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT missing FROM t", "no such column: missing"),
        ("DELETE FROM t", "readonly database"),
        ("", "the query is not a SELECT"),
    ],
)
def test_queries_that_give_nothing(database: Path, query: str, words: str) -> None:
    """The database is only read."""
    with pytest.raises(SourceError, match=words):
        SqliteSource(database, query, UPDATE).fingerprint()


def test_tables_without_rows(database: Path, tmp_path: Path) -> None:
    """They send nothing, which is not an error."""
    nothing = pa.table({"id": pa.array([], pa.string())})
    where = tmp_path / "e.parquet"
    pq.write_table(nothing, where)
    columns = Columns(verb="update", properties=["n"])
    sources = (
        SqliteSource(database, "SELECT ref AS id FROM t WHERE 0", columns),
        ParquetSource(where, columns),
        ArrowSource(nothing, columns),
    )

    for source in sources:
        assert [*source] == []
        assert source.length() == 0
        assert len(source.fingerprint() or "") == 64


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unable to open"):
        SqliteSource(tmp_path / "none.db", "SELECT 1 AS id", UPDATE).length()
    assert [*tmp_path.iterdir()] == []


def test_columns_of_one_name_of_a_query_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table p (id, name)")
        connection.execute("insert into p values (1, 'a')")
        connection.commit()
    query = "select p.*, q.* from p join p as q"
    with pytest.raises(SourceError, match="two columns are named 'id'"):
        inputs(SqliteSource(path, query, UPDATE))

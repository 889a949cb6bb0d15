import builtins
import sqlite3
import stat

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hubbatch import ConfigurationError
from hubbatch.jobs import (
    ArrowSource,
    Columns,
    ParquetSource,
    SourceError,
    SqliteSource,
    open_source,
    write_parquet,
)

from .conftest import Desk


UPDATE = Columns(verb="update")
UPSERT = Columns(verb="upsert", id_property="ref", properties=["ref", "n"])
NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


def table(count: int = 2, **more: Any) -> Any:
    ids = [str(n) for n in range(1, count + 1)]
    return pa.table({"id": ids, **more})


def write(path: Path, given: Any) -> Path:
    pq.write_table(given, path)
    return path


def inputs(source: Any) -> list[dict[str, Any]]:
    return [row.input["properties"] for row in source]


class Frame:
    """What pandas and polars are to us."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.asked = 0

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        self.asked += 1
        return self.data.__arrow_c_stream__(requested_schema)


class SizedFrame(Frame):
    def __len__(self) -> int:
        return int(self.data.num_rows)


def test_values_come_as_pythons_own(tmp_path: Path) -> None:
    """NULL, NaN and NaT are left out later on, as null is; all else is a value."""
    data = table(
        text=["a", None],
        number=pa.array([1.5, float("nan")]),
        small=pa.array([0.5, float("nan")], pa.float32()),
        when=pa.array([NOON, None], pa.timestamp("ns", "UTC")),
        day=pa.array([date(2026, 5, 31), None]),
        flag=[True, None],
        several=[["a", "b"], None],
    )
    parquet = ParquetSource(write(tmp_path / "t.parquet", data), UPDATE)

    for source in (parquet, ArrowSource(SizedFrame(data), UPDATE)):
        full, empty = inputs(source)
        assert full["when"].astimezone(UTC) == NOON
        assert {**full, "when": None} == {
            "text": "a",
            "number": 1.5,
            "small": 0.5,
            "when": None,
            "day": date(2026, 5, 31),
            "flag": True,
            "several": ["a", "b"],
        }
        assert set(empty.values()) == {None}
        assert source.length() == 2


def test_rows_have_their_places_and_keys(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", table(25_000))

    rows = [*ParquetSource(path, UPDATE)]

    assert [row.index for row in rows] == [*range(25_000)]
    assert rows[-1].key == "25000"


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    one, same = (write(tmp_path / name, table()) for name in ("a.parquet", "b.parquet"))
    other = write(tmp_path / "c.parquet", table(3))
    prints = [ParquetSource(path, UPDATE).fingerprint() for path in (one, same, other)]
    frames = [
        ArrowSource(SizedFrame(data), UPDATE).fingerprint()
        for data in (table(), table(), table(3))
    ]

    for found in (prints, frames):
        assert found[0] == found[1] != found[2]
    once = Frame(table())
    source = ArrowSource(once, UPDATE)
    assert (source.fingerprint(), source.length(), once.asked) == (None, None, 0)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    good = write(tmp_path / "cut.parquet", table(10_000, x=["x" * 9] * 10_000))
    content = bytearray(good.read_bytes())
    content[200:4000] = b"\0" * 3800
    good.write_bytes(content)

    for name, words in (
        ("none.parquet", "No such file"),
        ("bad.parquet", "no Parquet file"),
        ("cut.parquet", "damaged"),
    ):
        with pytest.raises(SourceError, match=words):
            ParquetSource(tmp_path / name, UPDATE).fingerprint()


def test_columns_that_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", table())

    for where, columns, words in (
        (path, UPSERT, 'no column "n"'),
        (path, Columns(verb="update", id_column="x"), 'row 1: no column "x"'),
    ):
        upsert = columns is UPSERT
        given = Columns(verb="update", properties=["n"]) if upsert else columns
        with pytest.raises(SourceError, match=words):
            ParquetSource(where, given).fingerprint()


def test_what_does_not_speak_arrow() -> None:
    with pytest.raises(TypeError, match="not list"):
        ArrowSource([], UPDATE)


def test_pyarrow_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the message says which."""

    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("hubbatch.jobs.tables.import_module", absent)
    with pytest.raises(ConfigurationError, match=r"hubbatch\[parquet\]"):
        open_source(tmp_path / "t.parquet", UPDATE)
    with pytest.raises(ConfigurationError, match=r"hubbatch\[parquet\]"):
        write_parquet(tmp_path / "t.jsonl", tmp_path / "t.parquet")
    assert builtins.__import__("pyarrow") is pa


async def test_a_frame_is_sent_and_gone_on_with(desk: Desk) -> None:
    """What is not there is not sent, so that it clears nothing."""
    ids = [desk.sim.store.create("tickets", {"subject": "old"}).id for _ in "123"]
    data = pa.table(
        {"id": ids, "subject": ["a", None, ""], "content": [None, "b", "c"]}
    )
    source = ArrowSource(SizedFrame(data), UPDATE)

    done = await desk.job("update", "tickets", source).run()
    again = await desk.job("update", "tickets", source).run()

    assert (done.succeeded, again.already_finished) == (3, True)
    stored = [desk.sim.store.get("tickets", one) for one in ids]
    subjects = [one.properties.get("subject") for one in stored if one]
    assert subjects == ["a", "old", None]


# ---- SQLite


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
        ("", "the query has no rows"),
    ],
)
def test_queries_that_give_nothing(database: Path, query: str, words: str) -> None:
    """The database is only read."""
    with pytest.raises(SourceError, match=words):
        SqliteSource(database, query, UPDATE).fingerprint()


def test_tables_without_rows(database: Path, tmp_path: Path) -> None:
    """They have nothing to send, and that is no mistake."""
    where = write(tmp_path / "e.parquet", table(0))
    columns = Columns(verb="update", properties=["n"])
    sources = (
        SqliteSource(database, "SELECT ref AS id FROM t WHERE 0", columns),
        ParquetSource(where, columns),
        ArrowSource(table(0), columns),
    )

    for source in sources:
        assert [*source] == []
        assert source.length() == 0
        assert len(source.fingerprint() or "") == 64


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unable to open"):
        SqliteSource(tmp_path / "none.db", "SELECT 1 AS id", UPDATE).length()
    assert [*tmp_path.iterdir()] == []


def test_the_source_of_a_path(tmp_path: Path, database: Path) -> None:
    path = write(tmp_path / "t.PARQUET", table())

    assert isinstance(open_source(path, UPDATE), ParquetSource)
    query = "SELECT ref AS id FROM t"
    assert isinstance(open_source(database, UPDATE, query=query), SqliteSource)
    assert repr(open_source(path, UPDATE)) == f"<ParquetSource {str(path)!r}>"


# ---- records as Parquet


def test_records_become_parquet(tmp_path: Path) -> None:
    records = [
        {"id": "1", "properties": {"a": "x", "id": "no"}, "archived": False},
        {
            "id": "2",
            "properties": {"b": None, "a": ""},
            "createdAt": "2026-05-31T12:00:00.000Z",
            "archived": False,
        },
    ]
    lines = tmp_path / "r.jsonl"
    lines.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in records))

    write_parquet(lines, tmp_path / "r.parquet")

    found = pq.read_table(tmp_path / "r.parquet")
    names = ["id", "a", "b", "createdAt", "updatedAt", "archived"]
    assert found.schema.names == names
    assert found["id"].to_pylist() == ["1", "2"]
    assert found["a"].to_pylist() == ["x", ""]
    assert found["createdAt"].to_pylist() == [None, NOON]
    assert stat.S_IMODE((tmp_path / "r.parquet").stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_parquet(lines, tmp_path / "none" / "r.parquet")
    # What was read can be sent back, as it can from the other kinds of files.
    columns = Columns(verb="update", properties=["a"])
    sent = inputs(ParquetSource(tmp_path / "r.parquet", columns))
    assert sent == [{"a": "x"}, {"a": ""}]


def test_columns_of_one_name_are_refused() -> None:
    """The second would hide the first, and an id of another table hit its record."""
    twice = pa.Table.from_arrays([pa.array(["1"]), pa.array(["9"])], ["id", "id"])
    with pytest.raises(SourceError, match="two columns are named 'id'"):
        inputs(ArrowSource(twice, UPDATE))


def test_columns_of_one_name_of_a_query_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table p (id, name)")
        connection.execute("insert into p values (1, 'a')")
        connection.commit()
    query = "select p.*, q.* from p join p as q"
    with pytest.raises(SourceError, match="two columns are named 'id'"):
        inputs(SqliteSource(path, query, UPDATE))

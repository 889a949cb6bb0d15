import builtins

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hubbatch import ConfigurationError, JournalError
from hubbatch._wire.property_values import Unsendable
from hubbatch.jobs import (
    ArrowSource,
    Columns,
    PairColumns,
    ParquetSource,
    SourceError,
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
    """Stands for a data frame of pandas or polars."""

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
    """NULL, NaN and NaT are left out later, like null; all else is a value."""
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
        ("bad.parquet", "not a Parquet file"),
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
    """The message names the column."""

    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("hubbatch._tables.arrow.import_module", absent)
    with pytest.raises(ConfigurationError, match=r"hubbatch\[parquet\]"):
        open_source(tmp_path / "t.parquet", UPDATE)
    with pytest.raises(ConfigurationError, match=r"hubbatch\[parquet\]"):
        write_parquet(tmp_path / "t.jsonl", tmp_path / "t.parquet")
    assert builtins.__import__("pyarrow") is pa


async def test_a_frame_is_sent_and_resumed(desk: Desk) -> None:
    """A missing value is not sent, so it clears nothing."""
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


def test_columns_of_one_name_are_refused() -> None:
    """The second would hide the first, and the id of another table would be used."""
    twice = pa.Table.from_arrays([pa.array(["1"]), pa.array(["9"])], ["id", "id"])
    with pytest.raises(SourceError, match="two columns are named 'id'"):
        inputs(ArrowSource(twice, UPDATE))


# ---- times without a zone


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


NAIVE = pa.array([local("2026-05-31 12:00"), None], pa.timestamp("us"))


@pytest.mark.parametrize(
    "column",
    [
        NAIVE,
        NAIVE.cast(pa.timestamp("ns")),
        pa.array([[local("2026-05-31 00:00")], None], pa.list_(pa.timestamp("ms"))),
        pa.array([{"at": local("2026-05-31 00:00")}, None]),
        NAIVE.dictionary_encode(),
    ],
    ids=["us", "ns", "list", "struct", "dictionary"],
)
def test_a_column_of_times_without_a_zone_is_refused(
    tmp_path: Path, column: Any
) -> None:
    """It is reported once for the source, before the first row."""
    data = table(closed=column)
    path = write(tmp_path / "t.parquet", data)

    for source in (ParquetSource(path, UPDATE), ArrowSource(SizedFrame(data), UPDATE)):
        with pytest.raises(SourceError, match=r'"closed" have no .*--timezone'):
            source.fingerprint()
        with pytest.raises(SourceError, match="closed"):
            next(iter(source))


@pytest.mark.parametrize("kind", [pa.duration("s"), pa.month_day_nano_interval()])
def test_a_column_with_a_type_that_no_property_has_is_refused(
    tmp_path: Path, kind: Any
) -> None:
    data = table(pause=pa.nulls(2, kind))
    sources: list[Any] = [ArrowSource(SizedFrame(data), UPDATE, timezone="UTC")]
    if kind == pa.duration("s"):  # Parquet has no intervals
        sources.append(ParquetSource(write(tmp_path / "t.parquet", data), UPDATE))

    for source in sources:
        with pytest.raises(SourceError, match="column 'pause' has the Arrow type"):
            source.fingerprint()


def test_a_time_that_python_does_not_have_fails_its_own_row() -> None:
    late = pa.array([0, 2**63 - 1], pa.timestamp("us", "UTC"))

    first, second = inputs(ArrowSource(table(closed=late), UPDATE, timezone="UTC"))

    assert first["closed"].year == 1970
    assert isinstance(second["closed"], Unsendable)


@pytest.mark.parametrize(
    "columns",
    [
        Columns(verb="update", properties=["text"]),
        Columns(verb="read"),
        Columns(verb="create", id_column="closed", properties=["text"]),
        PairColumns(from_column="id", to_column="text"),
    ],
    ids=["not chosen", "ids only", "own id of a create", "pairs"],
)
def test_a_column_that_is_not_sent_may_hold_anything(columns: Any) -> None:
    data = table(text=["a", "b"], closed=NAIVE)

    assert len([*ArrowSource(data, columns)]) == 2


def test_in_hubspots_shape_only_what_is_sent_must_have_a_zone() -> None:
    """Fields that HubSpot only returns are dropped, so their zone does not matter."""
    given = pa.array([{"at": local("2026-05-31 00:00")}, {"at": None}])
    fine = table(properties=pa.array([{"a": "x"}, {"a": "y"}]), createdAt=NAIVE)

    assert inputs(ArrowSource(fine, UPDATE)) == [{"a": "x"}, {"a": "y"}]
    with pytest.raises(SourceError, match='"properties"'):
        inputs(ArrowSource(table(properties=given), UPDATE))
    [one, _] = inputs(ArrowSource(table(properties=given), UPDATE, timezone="UTC"))
    assert one == {"at": datetime(2026, 5, 31, tzinfo=UTC)}


async def test_times_get_the_configured_zone(desk: Desk) -> None:
    one = desk.sim.store.create("tickets", {}).id
    times = pa.array([local("2026-07-01 02:00"), local("2026-10-25 02:30")])
    data = pa.table({"id": [one, one], "closed_date": times})
    source = ArrowSource(SizedFrame(data), UPDATE, timezone="Europe/Berlin")

    done = await desk.job("update", "tickets", source).run()

    assert (done.succeeded, done.failed) == (1, 1)
    stored = desk.sim.store.get("tickets", one)
    assert stored is not None
    instant = datetime(2026, 7, 1, tzinfo=UTC).timestamp() * 1000
    closed = stored.properties["closed_date"]
    assert closed in ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00.000Z", str(instant))
    other = ArrowSource(SizedFrame(data), UPDATE, timezone="UTC")
    with pytest.raises(JournalError, match="timezone was Europe/Berlin and is UTC"):
        await desk.job("update", "tickets", other).run()


async def test_nothing_is_sent_of_what_can_be_read_only_once(desk: Desk) -> None:
    """Without a fingerprint the columns are checked at the first row."""
    job = desk.job("update", "tickets", ArrowSource(table(closed=NAIVE), UPDATE))

    with pytest.raises(SourceError, match="closed"):
        await job.run()

    assert desk.sent() == []


def test_the_index_of_pandas_is_a_column_only_by_a_name() -> None:
    """A filtered frame has its row numbers as a column, which is not a property."""
    data = table(__index_level_0__=[3, 7])

    assert inputs(ArrowSource(data, UPDATE)) == [{}, {}]


def test_an_index_with_the_name_of_a_column_is_an_error_of_the_source() -> None:
    texts = SimpleNamespace(dtype="object", tolist=list)

    class Cut:
        def __getitem__(self, place: Any) -> Any:
            return texts if isinstance(place, tuple) else frame

    class Pandas(Frame):
        iloc = Cut()
        index = SimpleNamespace(names=["id"], get_level_values=lambda _: texts)
        columns = ("id", "subject")

        def __len__(self) -> int:
            return 1

    frame = Pandas(None)
    with pytest.raises(SourceError, match="data: two columns are named 'id'"):
        inputs(ArrowSource(frame, UPDATE))


def test_a_table_that_fails_midway_is_reported() -> None:
    class Broken(Frame):
        def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
            raise pa.ArrowInvalid("Could not convert 'a' to a number")

    with pytest.raises(SourceError, match="data: Could not convert"):
        inputs(ArrowSource(Broken(None), UPDATE))

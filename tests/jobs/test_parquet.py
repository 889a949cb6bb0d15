import stat

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hubbatch import ConfigurationError
from hubbatch.jobs import (
    Columns,
    Export,
    Pairs,
    ParquetSource,
    read_status,
    write_parquet,
)
from hubbatch.jobs.outputs.parquet import ParquetOutput

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


def test_records_become_parquet(tmp_path: Path) -> None:
    records = [
        {"id": "1", "properties": {"a": "x", "id": "no"}, "archived": False},
        {
            "id": "2",
            "properties": {"b": None, "a": ""},
            "createdAt": "2026-05-31T12:00:00.000Z",
            "archived": False,
        },
        {"objectId": 3, "properties": {"a": {"value": "v1"}}},
    ]
    lines = tmp_path / "r.jsonl"
    lines.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))

    write_parquet(lines, tmp_path / "r.parquet")

    found = pq.read_table(tmp_path / "r.parquet")
    assert found.to_pydict() == {
        "id": ["1", "2", "3"],
        "a": ["x", "", "v1"],
        "b": [None, None, None],
    }
    assert stat.S_IMODE((tmp_path / "r.parquet").stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_parquet(lines, tmp_path / "none" / "r.parquet")
    # What was read can be sent back, as from other kinds of files.
    assert inputs(ParquetSource(tmp_path / "r.parquet", UPDATE))[0] == {
        "a": "x",
        "b": None,
    }


def test_no_records_are_a_table_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").touch()

    write_parquet(tmp_path / "r.jsonl", tmp_path / "r.parquet")

    assert pq.read_table(tmp_path / "r.parquet").to_pydict() == {"id": []}


def test_its_first_columns_can_be_said_beforehand(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"id":"1","properties":{"b":"x"}}\n')

    write_parquet(tmp_path / "r.jsonl", tmp_path / "r.parquet", ["id", "a"])

    assert pq.read_table(tmp_path / "r.parquet").to_pydict() == {
        "id": ["1"],
        "a": [None],
        "b": ["x"],
    }


def everything(desk: Desk) -> Export:
    path = desk.where / "all.parquet"
    return Export(
        desk.hub, "tickets", path, properties=["subject"], journal=desk.journal
    )


async def test_an_export_ends_as_parquet(desk: Desk) -> None:
    one = desk.sim.store.create("tickets", {"subject": "x"}).id

    done = await everything(desk).run()

    assert done.ended == "finished"
    found = pq.read_table(desk.where / "all.parquet").to_pydict()
    assert found == {"id": [one], "subject": ["x"]}
    assert not (desk.where / "all.parquet.jsonl").exists()
    assert read_status(desk.journal).outputs == {"output": "all.parquet"}
    assert (await everything(desk).run()).already_finished


async def test_it_is_made_by_the_next_run_where_this_one_was_killed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the end of the journal and the conversion."""
    desk.sim.store.create("tickets", {"subject": "x"})
    killed: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(ParquetOutput, "make", lambda one: killed.append(one.name))
        await everything(desk).run()
    assert killed == ["output"]
    assert not (desk.where / "all.parquet").exists()
    asked = len(desk.sim.requests)

    done = await everything(desk).run()

    assert (done.already_finished, len(desk.sim.requests)) == (True, asked)
    assert pq.read_table(desk.where / "all.parquet")["subject"].to_pylist() == ["x"]
    assert not (desk.where / "all.parquet.jsonl").exists()


async def test_a_disk_that_is_full_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.sim.store.create("tickets", {"subject": "x"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        done = await everything(desk).run()

    assert (done.ended, done.resumable) == ("ConfigurationError", True)
    assert "No space left" in str(done.error)
    assert (await everything(desk).run()).already_finished
    assert (desk.where / "all.parquet").exists()


async def test_a_parquet_file_that_is_there_is_left_alone(desk: Desk) -> None:
    (desk.where / "all.parquet").write_bytes(b"mine")

    with pytest.raises(ConfigurationError, match="exists already"):
        await everything(desk).run()

    assert repr(ParquetOutput(Path("a.parquet"), Pairs("a.jsonl"))) == (
        "<ParquetOutput 'a.parquet'>"
    )

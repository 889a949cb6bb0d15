import stat

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hubbatch import ConfigurationError
from hubbatch.jobs import (
    Columns,
    ParquetSource,
    write_parquet,
)


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

"""Records that were read, as a Parquet file.

A file that ends in a directory of itself cannot be appended to and cut back, so a
read writes JSON lines in step with its journal, and these become Parquet in the end.
"""

import os

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from hubbatch.errors import ConfigurationError

from .arrow import need_pyarrow


# Rows of a row group, which are in memory at a time.
_BLOCK = 50_000
_DATES = ("createdAt", "updatedAt")


def write_parquet(
    records: str | os.PathLike[str], path: str | os.PathLike[str]
) -> None:
    """Make a Parquet file of the records that a read has written as JSON lines.

    Its columns are `id`, the properties (texts, as HubSpot has them), and
    `createdAt`, `updatedAt` and `archived`. The file is there when it is whole.

    Args:
        records: what `Records` wrote, `.jsonl`.
        path: the file to make.

    Raises:
        ConfigurationError: without pyarrow, or if the file cannot be written.
    """
    arrow = need_pyarrow()
    lines, where = Path(records), Path(path)
    names = {name for record in _read(lines) for name in record["properties"]}
    schema = arrow.schema(
        [("id", arrow.string())]
        + [(name, arrow.string()) for name in sorted(names - {"id"})]
        + [(name, arrow.timestamp("ms", "UTC")) for name in _DATES]
        + [("archived", arrow.bool_())]
    )
    part = where.with_name(f"{where.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            arrow.parquet.ParquetWriter(file, schema) as writer,
        ):
            for block in _blocks(_read(lines)):
                rows = [_flat(record) for record in block]
                writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
        part.replace(where)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def _blocks(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while block := [*islice(records, _BLOCK)]:
        yield block


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    dates = {name: _moment(record.get(name)) for name in _DATES}
    archived = record.get("archived")
    return {
        **record["properties"],
        **dates,
        "id": record["id"],
        "archived": archived,
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

"""The output of a read as a Parquet file.

A Parquet file ends with its own directory, so it cannot be appended to or truncated.
Therefore JSON lines are written next to it, in step with the journal, and converted
once the job has finished. They are kept until then: after a kill, rerunning the job
converts them.
"""

import os

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from hubbatch._outcomes.outcome import Outcome
from hubbatch._tables.arrow import need_pyarrow
from hubbatch.errors import ConfigurationError
from hubbatch.jobs.sources.row_source import Row

from .sinks import Pairs, Records


# Rows per row group, which are in memory at a time.
_BLOCK = 50_000
SUFFIX = ".parquet"


def lines_of(path: Path) -> Path:
    """Return the path of the JSON lines that a Parquet file is converted from."""
    return path.with_name(f"{path.name}.jsonl")


class ParquetOutput:
    """A sink whose JSON lines are finally converted to a Parquet file.

    Attributes:
        name: Its role: `output`.
        path: The file of JSON lines.
        product: The Parquet file.
    """

    def __init__(self, product: Path, lines: Records | Pairs) -> None:
        need_pyarrow()
        self.name: str = lines.name
        self.path: Path = lines.path
        self.product: Path = product
        self._lines = lines

    def __repr__(self) -> str:
        return f"<ParquetOutput {str(self.product)!r}>"

    def begin(self, first_line: bytes | None) -> bytes:
        """Return no bytes: JSON lines have no header."""
        return self._lines.begin(first_line)

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Return the lines of an outcome."""
        return self._lines.encode(outcome, row)

    def make(self) -> None:
        """Write the Parquet file, and delete the lines.

        Raises:
            ConfigurationError: If it cannot be written.
        """
        write_parquet(self.path, self.product, self._lines.columns)
        self.path.unlink()


def write_parquet(
    records: str | os.PathLike[str],
    path: str | os.PathLike[str],
    columns: Iterable[str] = (),
) -> None:
    """Convert the JSON lines of a read to a Parquet file.

    The columns are `id` and the properties, all of them strings, as in HubSpot; for
    associations they are those of the lines. The file appears only once it is complete.

    Args:
        records: The `.jsonl` that `Records` or `Pairs` wrote.
        path: The file to write.
        columns: The first columns, which are present even if no line has them: the next
            command needs them even in a file without rows.

    Raises:
        ConfigurationError: If pyarrow is missing, or the file cannot be written.
    """
    arrow = need_pyarrow()
    lines, where = Path(records), Path(path)
    found = (name for row in _rows(lines) for name in row)
    names = dict.fromkeys(chain(columns, found))
    schema = arrow.schema([(name, arrow.string()) for name in names or ["id"]])
    part = where.with_name(f"{where.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            arrow.parquet.ParquetWriter(file, schema) as writer,
        ):
            for block in _blocks(_rows(lines)):
                writer.write_table(arrow.Table.from_pylist(block, schema=schema))
            file.flush()
            os.fsync(descriptor)  # the lines are deleted next
        part.replace(where)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def _rows(path: Path) -> Iterator[dict[str, str | None]]:
    with path.open("rb") as file:
        for line in file:
            fields = msgspec.json.decode(line)
            if "properties" in fields:
                fields = dict(_record(fields))
            yield {name: _as_string(value) for name, value in fields.items()}


def _record(record: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    yield "id", record.get("id", record.get("objectId"))
    for name, value in record["properties"].items():
        if name != "id":
            yield name, value.get("value") if isinstance(value, dict) else value


def _as_string(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _blocks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while block := [*islice(rows, _BLOCK)]:
        yield block

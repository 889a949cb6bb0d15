"""The output of a read as a Parquet file.

A file that ends in a directory of itself cannot be appended to and cut back. So JSON
lines are written beside it, in step with the journal, and become Parquet when the job
is over. They stay until then: whenever it was killed, the same job makes the file.
"""

import os

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from hubbatch.core.outcomes import Outcome
from hubbatch.errors import ConfigurationError

from .arrow import need_pyarrow
from .rows import Row
from .sinks import Pairs, Records


# Rows of a row group, which are in memory at a time.
_BLOCK = 50_000
ENDING = ".parquet"


def lines_of(path: Path) -> Path:
    """Give the file of JSON lines that a Parquet file is made of."""
    return path.with_name(f"{path.name}.jsonl")


class ParquetOutput:
    """A sink whose lines become a Parquet file in the end.

    Attributes:
        name: its role: `output`.
        path: the file of lines.
        product: the Parquet file.
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
        """Give what the lines begin with."""
        return self._lines.begin(first_line)

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Give the lines of an outcome."""
        return self._lines.encode(outcome, row)

    def make(self) -> None:
        """Make the Parquet file, and let go of the lines.

        Raises:
            ConfigurationError: if it cannot be written.
        """
        write_parquet(self.path, self.product, self._lines.columns)
        self.path.unlink()


def write_parquet(
    records: str | os.PathLike[str],
    path: str | os.PathLike[str],
    columns: Iterable[str] = (),
) -> None:
    """Make a Parquet file of what a read has written as JSON lines.

    Its columns are `id` and the properties, which are texts, as HubSpot has them; of
    associations they are those of the lines. The file is there when it is whole.

    Args:
        records: what `Records` or `Pairs` wrote, `.jsonl`.
        path: the file to make.
        columns: the first columns, there even if no line has them: a file without a
            row must be what the next command expects, too.

    Raises:
        ConfigurationError: without pyarrow, or if the file cannot be written.
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
            os.fsync(descriptor)  # the lines are removed when it is there
        part.replace(where)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def _rows(path: Path) -> Iterator[dict[str, str | None]]:
    with path.open("rb") as file:
        for line in file:
            given = orjson.loads(line)
            if "properties" in given:
                given = dict(_record(given))
            yield {name: _text(value) for name, value in given.items()}


def _record(given: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    yield "id", given.get("id", given.get("objectId"))
    for name, value in given["properties"].items():
        if name != "id":
            yield name, value.get("value") if isinstance(value, dict) else value


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _blocks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while block := [*islice(rows, _BLOCK)]:
        yield block

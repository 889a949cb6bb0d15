"""What ids have become: those of another system, by the results of creates."""

import csv
import io
import os

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from attrs import field, frozen

from hubbatch.core.values import Unsendable
from hubbatch.errors import ConfigurationError


@frozen
class IdMap:
    """What ids have become, by the results of the jobs that created the records.

    All of it is kept in memory, some 200 bytes a record.

    Attributes:
        name: the names of its files.
        digest: of their content.
        ids: the new ids by the old ones (`input_id` in results).
    """

    name: str
    digest: str
    ids: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, paths: Iterable[str | os.PathLike[str]]) -> "IdMap":
        """Read files of results (`.csv` or `.jsonl`).

        Raises:
            ConfigurationError: if one cannot be read, has no `input_id` and `id`, or
                says two things of one id.
        """
        ids: dict[str, str] = {}
        names, digest = [], sha256()
        for path in map(Path, paths):
            names.append(path.name)
            try:
                content = path.read_bytes()
                digest.update(content)
                for old, new in _results(path, content):
                    if ids.setdefault(old, new) != new:
                        raise ConfigurationError(f"{path}: {old!r} became two records")
            except OSError as error:
                raise ConfigurationError(f"{path}: {error.strerror}") from None
            except (ValueError, LookupError, TypeError, csv.Error) as error:
                if isinstance(error, ConfigurationError):
                    raise
                raise ConfigurationError(
                    f"{path}: no results: expected the columns input_id and id"
                ) from None
        return cls(", ".join(names), digest.hexdigest(), ids)

    def __getitem__(self, old: str) -> str | Unsendable:
        """Give what an id has become."""
        new = self.ids.get(old)
        return new or Unsendable(f"{old!r} is not among the results in {self.name}")


def _results(path: Path, content: bytes) -> Iterator[tuple[str, str]]:
    text = content.decode("utf-8-sig")
    if path.suffix.lower() == ".csv":
        rows: Iterable[Mapping[str, Any]] = csv.DictReader(
            io.StringIO(text), strict=True
        )
    else:
        rows = map(orjson.loads, filter(str.strip, text.split("\n")))
    for row in rows:
        old, new = row["input_id"], row["id"]
        if old not in (None, "") and new:
            yield str(old), str(new)

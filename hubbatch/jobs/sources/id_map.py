"""Maps the ids of another system to HubSpot's, from the results of creates."""

import csv
import io
import os

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from attrs import field, frozen

from hubbatch._wire.property_values import Unsendable
from hubbatch.errors import ConfigurationError


@frozen
class IdMap:
    """Maps old ids to new ones, from the results of the jobs that created the records.

    It is kept in memory: about 200 bytes per record.

    Attributes:
        name: The names of its files.
        digest: The SHA-256 of their content.
        ids: The new ids by the old ones (`input_id` in results).
    """

    name: str
    digest: str
    ids: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, paths: Iterable[str | os.PathLike[str]]) -> "IdMap":
        """Read results files (`.csv` or `.jsonl`).

        Raises:
            ConfigurationError: If a file cannot be read, lacks `input_id` or `id`, or
                has two new ids for one old id.
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
                        raise ConfigurationError(f"{path}: {old!r} has two new ids")
            except OSError as error:
                raise ConfigurationError(f"{path}: {error.strerror}") from None
            except (
                ValueError,
                LookupError,
                TypeError,
                RecursionError,
                csv.Error,
            ) as error:
                if isinstance(error, ConfigurationError):
                    raise
                raise ConfigurationError(
                    f"{path}: not a results file: expected the columns input_id and id"
                ) from None
        return cls(", ".join(names), digest.hexdigest(), ids)

    def __getitem__(self, old: str) -> str | Unsendable:
        """Return the new id of an old one."""
        new = self.ids.get(old)
        return new or Unsendable(f"{old!r} has no new id in {self.name}")


def _results(path: Path, content: bytes) -> Iterator[tuple[str, str]]:
    decoded = content.decode("utf-8-sig")
    if path.suffix.lower() == ".csv":
        rows: Iterable[Mapping[str, Any]] = csv.DictReader(
            io.StringIO(decoded), strict=True
        )
    else:
        rows = map(msgspec.json.decode, filter(str.strip, decoded.split("\n")))
    for row in rows:
        old, new = row["input_id"], row["id"]
        if old not in (None, "") and new:
            yield str(old), str(new)

"""The base of files as sources: fingerprints, lengths, and compression.

A file is read twice, row by row: once to the end before anything is sent, to find
invalid lines and to compute the fingerprint, and again to send it.
"""

import gzip
import hashlib
import io
import os
import shutil
import tempfile
import zlib

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from hubbatch.errors import SourceError

from .lines import codec_of
from .row_source import Row


Tap: TypeAlias = Callable[[memoryview], object]
"""Receives the bytes of a file as they are read."""

COMPRESSED = ".gz"
_BLOCK = 64 * 1024
# What reading a damaged compressed file raises.
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


def ending_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a file's format in lower case, without that of gzip."""
    name = Path(os.fspath(path).lower())
    return Path(name.stem).suffix if name.suffix == COMPRESSED else name.suffix


def is_compressed(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is compressed by gzip, by its suffix."""
    return os.fspath(path).lower().endswith(COMPRESSED)


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is read in any order; decompress it into a temporary file."""
    if not is_compressed(path):
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as whole:
        with gzip.open(path) as file:
            shutil.copyfileobj(file, whole, _BLOCK)
        whole.seek(0)
        yield whole


class FileSource(ABC):
    """A file that can be read as often as needed."""

    def __init__(
        self, path: str | os.PathLike[str], options: Mapping[str, Any]
    ) -> None:
        self._path = Path(path)
        self.name: str = str(path)
        self.options: Mapping[str, Any] = options
        self._scanned: tuple[str, int] | None = None
        self._stamp: tuple[int, int] | None = None  # of the file when it was scanned

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def fingerprint(self) -> str:
        """Read the file to its end; return the SHA-256 of its bytes.

        Raises:
            SourceError: If the file cannot be read, or a line is not a row; names the
                line.
        """
        return self._scan()[0]

    def length(self) -> int:
        """Return the number of rows.

        Raises:
            SourceError: If the file cannot be read, or a line is not a row.
        """
        return self._scan()[1]

    def __iter__(self) -> Iterator[Row]:
        return self._read(lambda _data: None)

    def _scan(self) -> tuple[str, int]:
        stamp = _stamp(self._path)
        if self._scanned is None or stamp != self._stamp:
            self._stamp = stamp
            if self._path.is_fifo():  # the second reading would wait forever
                raise SourceError(
                    f"{self.name}: a pipe, but a file is read twice. Pass JSON lines "
                    "on standard input, as -"
                )
            digest = hashlib.sha256()
            count = sum(1 for _ in self._read(digest.update))
            self._scanned = digest.hexdigest(), count
        return self._scanned

    def _read(self, tap: Tap) -> Iterator[Row]:
        try:
            yield from self._file_rows(tap)
        except DAMAGED as error:  # some are OSErrors without an error number
            problem = "not compressed by gzip, or damaged"
            raise SourceError(f"{self.name}: {problem}: {error}.") from None
        except OSError as error:
            raise SourceError(f"{self.name}: {error.strerror or error}.") from None

    @abstractmethod
    def _file_rows(self, tap: Tap) -> Iterator[Row]:
        """Yield the rows of the file, and pass all its bytes to `tap`."""


class TextFile(FileSource):
    """A file of text, which may be compressed."""

    def __init__(
        self, path: str | os.PathLike[str], options: Mapping[str, Any], encoding: str
    ) -> None:
        self._encoding = codec_of(encoding)
        super().__init__(path, {**options, "encoding": self._encoding})

    def _file_rows(self, tap: Tap) -> Iterator[Row]:
        try:
            with _Tapped(self._path, tap) as raw:
                content: Any = io.BufferedReader(raw, _BLOCK)
                if is_compressed(self._path):
                    content = io.BufferedReader(
                        cast("io.RawIOBase", gzip.GzipFile(fileobj=content)), _BLOCK
                    )
                lines = io.TextIOWrapper(
                    content, self._encoding, "surrogateescape", newline=""
                )
                with lines:
                    yield from self._rows(lines)
        except UnicodeError as error:  # surrogateescape fails, as in UTF-16
            raise SourceError(f"{self.name}: not {self._encoding}: {error}.") from None

    @abstractmethod
    def _rows(self, lines: io.TextIOBase) -> Iterator[Row]:
        """Yield the rows of a file's lines."""


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return a value that changes with a file's content; None if it is missing."""
    try:
        found = path.stat()
    except OSError:  # reading it reports why
        return None
    return found.st_mtime_ns, found.st_size


class _Tapped(io.FileIO):
    """A file that passes its bytes to a function as they are read."""

    def __init__(self, path: Path, tap: Tap) -> None:
        super().__init__(path)
        self._tap = tap

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        if count:
            self._tap(memoryview(buffer)[:count])
        return count

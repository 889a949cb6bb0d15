"""The files that a job writes, kept in step with its journal.

A `Sink` formats the outcome of a row as bytes and does no IO. An `Output` is the file
of a sink: it appends lines, flushes them to disk before the journal records them, and
truncates the file to the recorded length after a kill.
"""

import os

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

from hubbatch._outcomes.outcome import Outcome
from hubbatch.errors import ConfigurationError, JournalError
from hubbatch.jobs.sources.row_source import Row


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line endings


class Sink(Protocol):
    """The format of one output file.

    Attributes:
        name: Its role: `results`, `failures` or `output`.
        path: The file.
    """

    name: str
    path: Path

    def begin(self, first_line: bytes | None) -> bytes:
        """Return the first bytes of a new file (a CSV's header, for example), if any.

        Args:
            first_line: The first line of the file, if the job resumes and the file has
                one. In that case return nothing, but take over a header that was not
                known beforehand.
        """
        ...

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Return the lines of an outcome, each with its newline; empty if it has none.

        Called once for each row, in any order, when its outcome is final.
        `outcome.index` is the index of the row.
        """
        ...


class BlockSink(Sink, Protocol):
    """A sink that formats the successes of a whole chunk at once, which is cheaper."""

    def encode_successes(
        self, outcomes: Sequence[Outcome[Any]], rows: Sequence[Row]
    ) -> bytes:
        """Return the lines of `encode` for each of these successes.

        Either each of them has one line, or none has any.
        """
        ...


class StagedSink(Sink, Protocol):
    """A sink whose file is converted to another format once the job has finished.

    Attributes:
        product: The file that it is converted to.
    """

    product: Path

    def make(self) -> None:
        """Write `product`, and delete the staging file.

        Raises:
            ConfigurationError: If it cannot be written.
        """
        ...


SinkOrPath: TypeAlias = Sink | str | os.PathLike[str]
"""A sink, or the path of a file; its suffix selects the format."""
_EncodeSuccesses = Callable[[Sequence[Outcome[Any]], Sequence[Row]], bytes]


class Output:
    """The file of one sink. All IO except `check_new` is in the journal's thread.

    Invariant: the first `_length` bytes of the file are those that the journal has
    recorded (or is about to). Anything after them was not recorded; the next `append`,
    `close` or `open` overwrites it or cuts it off.
    """

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._staged: StagedSink | None = (
            cast("StagedSink", sink) if hasattr(sink, "product") else None
        )
        self._encode_successes: _EncodeSuccesses | None = getattr(
            sink, "encode_successes", None
        )
        self._file: FileIO | None = None
        self._length = 0

    @property
    def final(self) -> Path:
        """The file that exists once the job has finished."""
        return self.sink.path if self._staged is None else self._staged.product

    def encode_successes(
        self, outcomes: Sequence[Outcome[Any]], rows: Sequence[Row]
    ) -> tuple[bytes, int]:
        """Return the lines of successes, and how many of these rows have any."""
        if self._encode_successes is not None:
            return self._encode_successes(outcomes, rows), len(rows)
        lines = [*filter(None, map(self.sink.encode, outcomes, rows))]
        return b"".join(lines), len(lines)

    def check_new(self) -> None:
        """Check that a new job overwrites nothing.

        Raises:
            ConfigurationError: If the file has content, or cannot be created.
        """
        for path in dict.fromkeys((self.final, self.sink.path)):
            check_new(path)

    def check_finished(self, length: int) -> None:
        """Check that the file of a finished job exists; convert a staged one if needed.

        Args:
            length: The number of bytes that the journal has recorded.

        Raises:
            JournalError: If the file no longer exists.
            ConfigurationError: If it cannot be converted.
        """
        path = self.sink.path
        size = path.stat().st_size if path.exists() else -1
        if self._staged is not None and size >= length:  # killed before `make`
            self._staged.make()
        elif not self.final.exists():
            raise JournalError(
                f"{self.final} no longer exists, but the journal says that the job is "
                "finished. Read it again with another --journal"
            )

    def check_recorded(self, length: int) -> None:
        """Check that the file still has the bytes that the journal has recorded.

        Raises:
            JournalError: If the file has become shorter.
        """
        path = self.sink.path
        if length and (path.is_file() or not path.exists()):
            self._check_size(path.stat().st_size if path.exists() else 0, length)

    def _check_size(self, size: int, length: int) -> None:
        if size < length:
            raise JournalError(
                f"{self.sink.path} has {size} bytes and the journal has written "
                f"{length}: it was changed, and the missing lines cannot be written "
                "again. Restore the file"
            )

    @property
    def is_open(self) -> bool:
        """Whether lines can be appended."""
        return self._file is not None and not self._file.closed

    def open(self, length: int) -> None:
        """Open the file, and truncate it to the bytes that the journal has recorded.

        Raises:
            JournalError: If the file is shorter than that.
            OSError: If it cannot be opened.
        """
        path = self.sink.path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
        # Unbuffered, so that no buffer repeats a failed write later.
        self._file = file = os.fdopen(descriptor, "r+b", buffering=0)
        path.chmod(0o600)
        self._length = size = file.seek(0, os.SEEK_END)
        self._check_size(size, length)
        file.truncate(length)
        self._length = length
        file.seek(0)
        head = self.sink.begin(file.readline() if length else None)
        if head:
            self.keep(self.append([head], durable=False))

    def append(self, lines: Iterable[bytes], *, durable: bool) -> int:
        """Write lines after the kept bytes; return the length including them.

        The next `append` overwrites them unless `keep` is called with that length. If
        `durable`, they are on disk when this returns.

        Raises:
            OSError: If not all of them could be written.
        """
        assert self._file is not None  # noqa: S101 -- set by `open`
        rest = memoryview(b"".join(lines))
        self._file.seek(self._length)
        length = self._length + len(rest)
        while rest:
            rest = rest[self._file.write(rest) :]
        if durable:
            os.fsync(self._file.fileno())
        return length

    def keep(self, length: int) -> None:
        """Keep the bytes up to this length."""
        self._length = length

    def close(self) -> None:
        """Close the file if it is open, and cut off any bytes that were not kept."""
        if self._file is not None and not self._file.closed:
            with suppress(OSError):  # the next run does this too
                self._file.truncate(self._length)
            self._file.close()

    def finish(self) -> None:
        """Close the file; convert a staged one.

        Raises:
            ConfigurationError: If the converted file cannot be written.
        """
        self.close()
        if self._staged is not None:
            self._staged.make()


def check_new(path: Path) -> None:
    """Check that a file can be created without overwriting anything.

    Raises:
        ConfigurationError: If it has content, or cannot be created.
    """
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size):
            raise ConfigurationError(
                f"{path} exists already: delete it, or name another file"
            )
        if not path.parent.is_dir():
            raise ConfigurationError(f"there is no directory {path.parent}")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from None

"""The files that a job writes, kept in step with its journal.

A sink says what a row's outcome looks like, as bytes; it opens and writes nothing.
An `Output` is the file: it appends, gets the bytes onto the disk before the journal
says that they are there, and after a kill is cut back to what the journal knows.
"""

import os

from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Protocol, cast

from hubbatch.core.outcomes import Outcome
from hubbatch.errors import ConfigurationError, JournalError

from .rows import Row


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends


class Sink(Protocol):
    """What one file of outcomes looks like.

    Attributes:
        name: its role: `results`, `failures` or `output`.
        path: the file.
    """

    name: str
    path: Path

    def begin(self, first_line: bytes | None) -> bytes:
        """Give the bytes that a new file begins with (a CSV's header), or none.

        `first_line` is that of the file when a job goes on and the file has one;
        then nothing may be given, and a header that is not known beforehand is taken
        from it.
        """
        ...

    def encode(self, outcome: Outcome[Any], row: Row) -> bytes:
        """Give the line of an outcome, with its newline; empty if it is not wanted.

        `outcome.index` is the row's. Called once for each row, in any order, when
        its outcome is final.
        """
        ...


class StagedSink(Sink, Protocol):
    """A sink whose file is only what another one is made of, when the job is over.

    Attributes:
        product: the file that is made.
    """

    product: Path

    def make(self) -> None:
        """Make it, and remove what it was made of.

        Raises:
            ConfigurationError: if it cannot be written.
        """
        ...


SinkOrPath = Sink | str | os.PathLike[str]


class Output:
    """The file of one sink. All but `check_new` runs in the journal's thread."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._staged: StagedSink | None = (
            cast("StagedSink", sink) if hasattr(sink, "product") else None
        )
        self._file: FileIO | None = None
        self._length = 0

    @property
    def final(self) -> Path:
        """The file that there is when the job is over."""
        return self.sink.path if self._staged is None else self._staged.product

    def check_new(self) -> None:
        """Make sure that a job which begins overwrites nothing.

        Raises:
            ConfigurationError: if the file has content, or cannot be a file.
        """
        for path in dict.fromkeys((self.final, self.sink.path)):
            _check_new(path)

    def check_finished(self, length: int) -> None:
        """Make sure that what a finished job has written is there; make it if need be.

        `length` is how many bytes the journal knows of.

        Raises:
            JournalError: if it is not.
            ConfigurationError: if it cannot be made.
        """
        path = self.sink.path
        size = path.stat().st_size if path.exists() else -1
        if self._staged is not None and size >= length:  # killed before it was made
            self._staged.make()
        elif not self.final.exists():
            raise JournalError(
                f"{self.final} is not there any more, and the journal says that it was "
                "finished: with another --journal it is read anew"
            )

    def check_kept(self, length: int) -> None:
        """Make sure that the file has the bytes that the journal knows of.

        Raises:
            JournalError: If it has become shorter.
        """
        path = self.sink.path
        if length and (path.is_file() or not path.exists()):
            self._check_size(path.stat().st_size if path.exists() else 0, length)

    def _check_size(self, size: int, length: int) -> None:
        if size < length:
            raise JournalError(
                f"{self.sink.path} has {size} bytes and the journal has written "
                f"{length}: it was changed, and what is missing cannot be written again"
            )

    @property
    def is_open(self) -> bool:
        """Whether lines can be written to the file."""
        return self._file is not None and not self._file.closed

    def open(self, length: int) -> None:
        """Open the file, cut back to the bytes that the journal knows of.

        Raises:
            JournalError: if it has become shorter than that.
            OSError: if it cannot be opened.
        """
        path = self.sink.path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
        # Without a buffer: what could not be written must not be tried again later.
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
        """Write lines after what is kept, and return the length that this makes.

        Until `keep` has that length, the next lines replace these. If `durable`, they
        are on the disk when this comes back.

        Raises:
            OSError: If the file does not take all of them.
        """
        assert self._file is not None  # noqa: S101 -- it was opened
        rest = memoryview(b"".join(lines))
        self._file.seek(self._length)
        length = self._length + len(rest)
        while rest:
            rest = rest[self._file.write(rest) :]
        if durable:
            os.fsync(self._file.fileno())
        return length

    def keep(self, length: int) -> None:
        """Keep the file up to this length."""
        self._length = length

    def close(self) -> None:
        """Close it, if it was opened; what is not kept is cut off."""
        if self._file is not None and not self._file.closed:
            with suppress(OSError):  # the next run does it too
                self._file.truncate(self._length)
            self._file.close()

    def finish(self) -> None:
        """Close it, and make of it what it is for.

        Raises:
            ConfigurationError: if that cannot be written.
        """
        self.close()
        if self._staged is not None:
            self._staged.make()


def _check_new(path: Path) -> None:
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size):
            raise ConfigurationError(
                f"{path} exists already: remove it, or name another file"
            )
        if not path.parent.is_dir():
            raise ConfigurationError(f"there is no directory {path.parent}")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from None

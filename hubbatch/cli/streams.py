"""Standard output and standard error, on which nothing that is printed can fail."""

import errno
import io
import os
import select
import sys

from typing import Any, TextIO, cast

from hubbatch.core.visible import visible


class Stream(io.TextIOBase):
    """A text stream to a file descriptor; writing to it never raises.

    The reader of the output may leave, the disk may be full, the terminal may be gone
    or have an encoding without the character: none of that is a reason to stop a job.
    A failed write is dropped, and the next one is tried (a disk can have room again).
    Characters that the encoding lacks are written as escapes.

    Nothing is buffered: the interpreter has nothing to flush when it exits, and a
    signal handler can print.

    Attributes:
        failure: the last error of a write, if there was one.
    """

    def __init__(self, raw: Any, encoding: str) -> None:
        self.failure: OSError | None = None
        self._raw = raw
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # typeshed has a variable
        """The encoding of the bytes."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override, mutable-override] # typeshed has a variable
        """What becomes of characters that the encoding lacks."""
        return "backslashreplace"

    def writable(self) -> bool:
        """Whether it can be written to; always."""
        return True

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self.fileno())

    def fileno(self) -> int:
        """Return the file descriptor."""
        number: int = self._raw.fileno()
        return number

    def has_room(self) -> bool:
        """Whether a few lines can be written without waiting for the reader."""
        try:
            return bool(select.select([], [self._raw], [], 0)[1])
        except OSError:  # on Windows, select supports sockets only
            return True

    def write(self, text: str) -> int:
        """Write text, or drop what cannot be written; return its length."""
        left = memoryview(text.encode(self.encoding, self.errors))
        try:
            while left:
                written = self._raw.write(left)
                if written is None:  # it does not block, and has no room now
                    select.select([], [self._raw], [])
                else:
                    left = left[written:]
        except OSError as error:
            self.failure = error
        return len(text)


class Screened(Stream):
    """A stream on which control characters are shown as escapes.

    Everything that prints uses it (tracebacks, warnings, logs, usage errors), except
    a `Screen`, whose own sequences have to arrive: it takes `plain`.
    """

    def __init__(self, raw: Any, encoding: str) -> None:
        super().__init__(raw, encoding)
        self.plain: Stream = Stream(raw, encoding)

    def write(self, text: str) -> int:
        """Write text with its control characters as escapes; return its length."""
        super().write(visible(text, keep="\n\t"))
        return len(text)


def install() -> None:
    """Put such streams in place of `sys.stdout` and `sys.stderr`."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:  # it was closed when the interpreter started
            raw: Any = io.FileIO(number, "w", closefd=False)
            encoding = "utf-8"
        else:
            raw = getattr(stream.buffer, "raw", stream.buffer)
            encoding = stream.encoding
        setattr(sys, name, cast("TextIO", Screened(raw, encoding)))


def warn_of_loss() -> None:
    """Say on standard error if standard output could not be written.

    A reader that left (`| head`) has what it wants; a full disk is worth a line.
    """
    out = sys.stdout
    if isinstance(out, Screened):
        failure = out.failure or out.plain.failure
        if failure is not None and failure.errno != errno.EPIPE:
            sys.stderr.write(
                f"warning: standard output could not be written: {failure.strerror}\n"
            )

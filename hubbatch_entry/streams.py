"""Standard output and standard error streams that never raise."""

import errno
import io
import os
import select
import sys

from typing import Any, TextIO, cast

from .escapes import visible


class Stream(io.TextIOBase):
    """A text stream to a file descriptor; writing to it never raises.

    The reader may close the pipe, the disk may be full, the terminal may be gone or
    lack a character: none of these is a reason to stop a job. A failed write is
    dropped, but later ones are attempted, because a disk can regain free space.
    Characters that the encoding lacks are written as escapes.

    Nothing is buffered, so that the interpreter has nothing to flush when it exits and
    a signal handler can print.

    Attributes:
        failure: the error of the last write that failed, if any.
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
        """How characters that the encoding lacks are written."""
        return "backslashreplace"

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self.fileno())

    def fileno(self) -> int:
        """Return the file descriptor."""
        number: int = self._raw.fileno()
        return number

    def has_room(self) -> bool:
        """Return whether a few lines can be written without waiting for the reader."""
        try:
            return bool(select.select([], [self._raw], [], 0)[1])
        except OSError:  # on Windows, select supports sockets only
            return True

    def write(self, text: str) -> int:
        """Write a string, dropping whatever cannot be written; return its length."""
        left = memoryview(text.encode(self.encoding, self.errors))
        try:
            while left:
                written = self._raw.write(left)
                if written is None:  # non-blocking, and full
                    select.select([], [self._raw], [])
                else:
                    left = left[written:]
        except OSError as error:
            self.failure = error
        return len(text)


class EscapingStream(Stream):
    """A stream on which control characters are shown as escapes.

    Everything that prints uses it (tracebacks, warnings, logs, usage errors), except
    `EscapingConsole`, which writes its own escape sequences to `plain`.
    """

    def __init__(self, raw: Any, encoding: str) -> None:
        super().__init__(raw, encoding)
        self.plain: Stream = Stream(raw, encoding)

    def write(self, text: str) -> int:
        """Write a string with its control characters escaped; return its length."""
        super().write(visible(text, keep="\n\t"))
        return len(text)


def install() -> None:
    """Replace `sys.stdout` and `sys.stderr`."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:  # it was closed when the interpreter started
            raw: Any = io.FileIO(number, "w", closefd=False)
            encoding = "utf-8"
        else:
            raw = getattr(stream.buffer, "raw", stream.buffer)
            encoding = stream.encoding
        setattr(sys, name, cast("TextIO", EscapingStream(raw, encoding)))


def warn_of_loss() -> None:
    """Print a warning if standard output could not be written.

    There is no warning if the reader closed the pipe (`| head`).
    """
    out = sys.stdout
    if isinstance(out, EscapingStream):
        failure = out.failure or out.plain.failure
        if failure is not None and failure.errno != errno.EPIPE:
            sys.stderr.write(
                f"warning: standard output could not be written: {failure.strerror}\n"
            )

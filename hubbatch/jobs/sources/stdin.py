"""Standard input as a source of rows."""

import asyncio
import codecs
import os
import threading

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from hubbatch._tables.column_mapping import ColumnMapping
from hubbatch.errors import SourceError

from .lines import LineParser, codec_of
from .row_source import Row


_BLOCK = 64 * 1024
_STDIN = 0


class StandardInput:
    """JSON lines on standard input, read once, as they are needed.

    A line that is not a row ends the job when it arrives. Rows sent before it stay
    sent.

    Args:
        columns: How to convert the fields of a line to inputs.
        encoding: A Python codec.

    Raises:
        ConfigurationError: If the encoding is unknown.
    """

    name: str = "-"

    def __init__(self, columns: ColumnMapping, *, encoding: str = "utf-8") -> None:
        self._encoding = codec_of(encoding)
        self.options: Mapping[str, Any] = {
            **columns.options(),
            "encoding": self._encoding,
        }
        self.columns: ColumnMapping = columns
        self._begun = False

    def __repr__(self) -> str:
        return "<StandardInput>"

    def fingerprint(self) -> None:
        """Return None: standard input can be read only once."""

    def length(self) -> None:
        """Return None: the number of rows is not known."""

    async def __aiter__(self) -> AsyncIterator[Row]:
        if self._begun:
            raise SourceError("standard input cannot be read a second time")
        self._begun = True
        builder = self.columns.of_fields()
        parser = LineParser("standard input", builder, self._encoding)
        decoder = codecs.getincrementaldecoder(self._encoding)("surrogateescape")
        rest, ended = "", False
        while not ended:
            data = await self._read_some()
            ended = not data
            *lines, rest = (rest + self._decoded(decoder, data)).split("\n")
            for line in [*lines, rest] if ended else lines:
                row = parser.parse(line)
                if row is not None:
                    yield row
        if not parser.rows:  # most likely the program before the pipe failed
            raise SourceError("standard input: empty.")
        parser.end()

    def _decoded(self, decoder: codecs.IncrementalDecoder, data: bytes) -> str:
        try:
            return decoder.decode(data, not data)
        except UnicodeError as error:
            raise SourceError(
                f"standard input: not {self._encoding}: {error}."
            ) from None

    async def _read_some(self) -> bytes:
        try:
            return await _read_some(_STDIN)
        except OSError as error:
            raise SourceError(f"standard input: {error.strerror or error}.") from None


async def _read_some(descriptor: int) -> bytes:
    """Read the available bytes, in a daemon thread that does not delay the exit."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[bytes] = loop.create_future()

    def deliver(outcome: bytes | OSError) -> None:
        if arrived.done():
            return
        if isinstance(outcome, OSError):
            arrived.set_exception(outcome)
        else:
            arrived.set_result(outcome)

    def read() -> None:
        outcome: bytes | OSError
        try:
            outcome = os.read(descriptor, _BLOCK)
        except OSError as error:
            outcome = error
        with suppress(RuntimeError):  # the loop is closed: the data is not needed
            loop.call_soon_threadsafe(deliver, outcome)

    threading.Thread(target=read, daemon=True).start()
    return await arrived

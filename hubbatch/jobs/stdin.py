"""Standard input as a source of rows."""

import asyncio
import codecs
import os
import threading

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from hubbatch.errors import SourceError

from .column_mapping import ColumnMapping
from .lines import LineParser, codec_of
from .rows import Row


_BLOCK = 64 * 1024
_STDIN = 0


class StandardInput:
    """JSON lines as they come on standard input; read once, and never ahead of need.

    A line that is none ends the job when it comes: what left before it stays sent.
    """

    name: str = "-"

    def __init__(self, columns: ColumnMapping, *, encoding: str = "utf-8") -> None:
        self._encoding = codec_of(encoding)
        self.options: Mapping[str, Any] = {
            **columns.options(),
            "encoding": self._encoding,
        }
        self._columns = columns
        self._begun = False

    def __repr__(self) -> str:
        return "<StandardInput>"

    def fingerprint(self) -> None:
        """Say that it cannot be read a second time."""

    def length(self) -> None:
        """Say that nobody knows how many rows will come."""

    async def __aiter__(self) -> AsyncIterator[Row]:
        if self._begun:
            raise SourceError("standard input cannot be read a second time")
        self._begun = True
        builder = self._columns.of_fields()
        parser = LineParser("standard input", builder, self._encoding)
        decoder = codecs.getincrementaldecoder(self._encoding)("surrogateescape")
        rest, over = "", False
        while not over:
            data = await self._read_some()
            over = not data
            *lines, rest = (rest + self._decoded(decoder, data)).split("\n")
            for line in [*lines, rest] if over else lines:
                row = parser.parse(line)
                if row is not None:
                    yield row
        if not parser.rows:  # whatever should have written to it has most likely failed
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
    """Read what there is, in a thread that nobody has to wait for in the end."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[bytes] = loop.create_future()

    def tell(outcome: bytes | OSError) -> None:
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
        with suppress(RuntimeError):  # the loop is closed: nobody wants it any more
            loop.call_soon_threadsafe(tell, outcome)

    threading.Thread(target=read, daemon=True).start()
    return await arrived

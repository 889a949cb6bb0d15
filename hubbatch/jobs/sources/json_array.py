"""A file with one JSON array of objects, read piece by piece."""

import io
import json
import os

from collections.abc import Iterator
from typing import Any, NoReturn

from hubbatch._tables.column_mapping import BadRow, ColumnMapping
from hubbatch.errors import SourceError

from .file_source import TextFile
from .lines import check_decoded
from .row_source import Row


_BLOCK = 64 * 1024
# A record is far smaller. A bracket that is never closed must not fill the memory.
_LONGEST_ITEM = 16 * 1024 * 1024
_IN_NUMBERS = ".eE+-0123456789"  # and the empty string is in any string
_SPACE = " \t\r\n"
_START = 20  # characters of malformed JSON that a message shows


class JsonArraySource(TextFile):
    """A file with one JSON array: of flat objects, or of objects in HubSpot's shape.

    One item at a time is in memory. For the verbs that take ids, items may be bare ids.

    Args:
        path: The file.
        columns: How the fields of its objects become inputs.
        encoding: A Python codec. A byte order mark is skipped.

    Raises:
        ConfigurationError: If the encoding is unknown.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: ColumnMapping,
        *,
        encoding: str = "utf-8",
    ) -> None:
        super().__init__(path, columns.options(), encoding)
        self.columns: ColumnMapping = columns

    def _rows(self, lines: io.TextIOBase) -> Iterator[Row]:
        builder = self.columns.of_fields()
        items = _Items(lines, self._encoding)
        index = -1
        try:
            for index, item in enumerate(items):
                key, value = builder.build(item)
                yield Row(index, key, value, items.line, builder.doubted)
        except BadRow as error:
            raise error.at(f"{self.name}: line {items.line}") from None
        if index >= 0 and builder.unseen:
            raise SourceError(f'{self.name}: no item has "{builder.unseen[0]}".')


class _Items:
    """The items of an array in a file.

    Attributes:
        line: The line on which the last item begins.
    """

    # Invariant: `_text[_at:]` is what has been read and not been consumed, and `_at` is
    # on `_line_at`, a line of the file.

    def __init__(self, file: io.TextIOBase, encoding: str) -> None:
        self.line: int = 1
        self._file = file
        self._encoding = encoding
        self._decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self._text = ""
        self._at = 0
        self._line_at = 1
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        self._begin()
        if self._next() == "]":
            self._take()
        else:
            yield self._item()
            while self._next() == ",":
                self._take()
                yield self._item()
            self._expect("]", "a comma or the end of the array")
        if self._next():
            self._fail("more after the end of the array")

    def _begin(self) -> None:
        first = self._next()
        if not first:
            raise BadRow("empty")
        if first == "{":
            raise BadRow(
                "an object, not an array. Write an array of objects, or name a file "
                "with one object per line .jsonl"
            )
        self._expect("[", "an array of objects")

    def _expect(self, mark: str, what: str) -> None:
        found = self._next()
        if found != mark:
            if not found:
                raise BadRow("the file ends within the array")
            self._fail(f"expected {what}")
        self._take()

    def _item(self) -> Any:
        """Return the item at the next character, and consume it."""
        self._next()
        self.line = self._line_at
        size = _BLOCK
        while (found := self._decoded()) is None:
            self._read(size)
            size *= 2  # the item is decoded from its start each time
        value, end = found
        for line in self._text[self._at : end].split("\n"):
            check_decoded(line, self._encoding)
            self.line += 1
        self.line = self._line_at
        self._advance(end)
        return value

    def _decoded(self) -> tuple[Any, int] | None:
        """Return an item and its end; None if not all of it has been read."""
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
        except RecursionError:
            raise BadRow("not JSON: nested too deeply") from None
        except ValueError as error:
            if self._ended:
                raise BadRow(f"not JSON: {_problem(error)}") from None
            if len(self._text) - self._at > _LONGEST_ITEM:
                raise BadRow(
                    f"not JSON, or an item that is too long: {_problem(error)}"
                ) from None
            return None
        # A number may continue in what has not been read: 1, 1.5, 1.5e3.
        if not self._ended and self._text[end : end + 1] in _IN_NUMBERS:
            return None
        return value, end

    def _next(self) -> str:
        """Return the next character other than space; "" at the end of the file."""
        while True:
            at = self._at
            while at < len(self._text) and self._text[at] in _SPACE:
                at += 1
            self._advance(at)
            if at < len(self._text):
                return self._text[at]
            if self._ended:
                return ""
            self._read(_BLOCK)

    def _take(self) -> None:
        self._at += 1

    def _advance(self, at: int) -> None:
        self._line_at += self._text.count("\n", self._at, at)
        self._at = at

    def _read(self, size: int) -> None:
        block = self._file.read(size)
        self._ended = not block
        self._text = self._text[self._at :] + block
        self._at = 0

    def _fail(self, what: str) -> NoReturn:
        self.line = self._line_at
        rest = self._text[self._at :][:_START].split("\n")[0]
        raise BadRow(f"not JSON: {what}, not {rest!r}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _problem(error: ValueError) -> str:
    """Return the message of a decoder, without a position in what was read."""
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)

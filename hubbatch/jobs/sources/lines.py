"""Parses JSON lines as rows, and reports invalid lines."""

import codecs
import json
import re

import msgspec

from hubbatch._tables.column_mapping import BadRow, InputBuilder
from hubbatch.errors import ConfigurationError, SourceError

from .row_source import Row


_BYTE = re.compile(r"JSON is malformed: (?P<problem>.*) \(byte (?P<byte>\d+)\)")
_UNDECODABLE = re.compile("[\udc80-\udcff]")


class LineParser:
    """Builds rows from JSON lines, one after the other.

    Attributes:
        rows: The number of rows built so far.
    """

    def __init__(self, name: str, builder: InputBuilder, encoding: str) -> None:
        self.rows: int = 0
        self._name = name
        self._builder = builder
        self._encoding = encoding
        self._line = 0

    def parse(self, content: str) -> Row | None:
        """Return the row of a line; None for a blank one.

        Raises:
            SourceError: If it is not a row; names the line.
        """
        self._line += 1
        if not content.strip():
            return None
        try:
            check_decoded(content, self._encoding)
            key, item = self._builder.build(_loads(content))
            doubted = self._builder.doubted
        except BadRow as error:
            raise error.at(f"{self._name}: line {self._line}") from None
        row = Row(self.rows, key, item, self._line, doubted)
        self.rows += 1
        return row

    def end(self) -> None:
        """Check that every requested column occurred in some line.

        Raises:
            SourceError: If one did not occur in any line.
        """
        missing = self._builder.unseen
        if self.rows and missing:
            raise SourceError(f'{self._name}: no line has "{missing[0]}".')


def _loads(line: str) -> object:
    try:
        return msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        if line.lstrip()[:1] in ("[", "{") and len(line.strip()) == 1:
            raise BadRow(
                "not a complete JSON value. Write one object per line, or name the "
                "file .json"
            ) from None
        raise BadRow(f"not JSON: {_problem(line, error)}") from None


def _problem(line: str, error: Exception) -> str:
    """Return msgspec's message, with a column instead of a byte."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    message = str(error).partition(" - at ")[0]
    found = _BYTE.fullmatch(message)
    if found is None and "truncated" in message:
        # msgspec also says so of half a surrogate pair near the end. `json` takes it.
        complete = _is_json_to_python(line)
        return "half a surrogate pair" if complete else "it ends within a value"
    if found is None:
        return message
    before = line.encode()[: int(found["byte"])].decode(errors="ignore")
    return f"{found['problem']} (column {len(before) + 1})"


def _is_json_to_python(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def check_decoded(line: str, encoding: str) -> None:
    """Check that a line has no bytes outside its encoding (decoded to surrogates).

    Raises:
        BadRow: If it does; names the first such byte.
    """
    if line.isascii():
        return
    bad = _UNDECODABLE.search(line)
    if bad is not None:
        value = ord(bad.group()) - 0xDC00
        plain = encoding.removesuffix("-sig")  # it would encode its mark again
        before = line[: bad.start()].encode(plain, "surrogateescape")
        name = plain.upper()
        hint = "utf-16" if value in (0xFE, 0xFF) and not before else "cp1252"
        raise BadRow(
            f"not {name} (byte {len(before) + 1} of the line is 0x{value:02x})",
            option=("encoding", hint),
        )


def codec_of(encoding: str) -> str:
    """Return the name of an encoding's codec.

    For UTF-8, the codec skips a byte order mark.

    Raises:
        ConfigurationError: If Python does not know the encoding.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise ConfigurationError(
            f"unknown encoding {encoding!r}: use a Python codec, e.g. utf-8 or cp1252"
        ) from None
    return "utf-8-sig" if name == "utf-8" else name

"""Lines of text as rows: decoded, parsed, and each that is none is named."""

import codecs
import re

import orjson

from hubbatch.errors import ConfigurationError, SourceError

from .column_mapping import BadRow, InputBuilder
from .rows import Row


_UNDECODABLE = re.compile("[\udc80-\udcff]")


class LineParser:
    """Makes rows of JSON lines, one after the other, and says which one is none.

    Attributes:
        rows: how many it has made.
    """

    def __init__(self, name: str, builder: InputBuilder, encoding: str) -> None:
        self.rows: int = 0
        self._name = name
        self._builder = builder
        self._encoding = encoding
        self._line = 0

    def parse(self, text: str) -> Row | None:
        """Make the row of a line; None for a blank one.

        Raises:
            SourceError: naming the line.
        """
        self._line += 1
        if not text.strip():
            return None
        try:
            check_decoded(text, self._encoding)
            key, given = self._builder.build(_loads(text))
            doubted = self._builder.doubted
        except BadRow as error:
            where = f"{self._name}: line {self._line}"
            raise SourceError(f"{where}: {error}.") from None
        row = Row(self.rows, key, given, self._line, doubted)
        self.rows += 1
        return row

    def end(self) -> None:
        """Look back at the whole.

        Raises:
            SourceError: if a column was asked for in vain.
        """
        missing = self._builder.unseen
        if self.rows and missing:
            raise SourceError(f'{self._name}: no line has "{missing[0]}".')


def _loads(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if text.lstrip()[:1] in ("[", "{") and len(text.strip()) == 1:
            raise BadRow("not a whole JSON value. Write one object a line") from None
        raise BadRow(f"not JSON: {error.msg} (column {error.colno})") from None


def check_decoded(line: str, encoding: str) -> None:
    """Look for bytes that are not of the encoding; they were kept as surrogates.

    Raises:
        BadRow: naming the first of them.
    """
    if line.isascii():
        return
    bad = _UNDECODABLE.search(line)
    if bad is not None:
        value = ord(bad.group()) - 0xDC00
        plain = encoding.removesuffix("-sig")  # which would write its mark again
        before = line[: bad.start()].encode(plain, "surrogateescape")
        name = plain.upper()
        hint = "utf-16" if value in (0xFE, 0xFF) and not before else "cp1252"
        raise BadRow(
            f"not {name} (byte {len(before) + 1} of the line is 0x{value:02x}). "
            f"Use --encoding, e.g. {hint}"
        )


def codec_of(encoding: str) -> str:
    """Check the name of an encoding; UTF-8 may begin with a byte order mark.

    Raises:
        ConfigurationError: if Python does not know it.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise ConfigurationError(f"unknown encoding {encoding!r}") from None
    return "utf-8-sig" if name == "utf-8" else name

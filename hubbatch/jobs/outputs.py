"""The files that a job writes, kept in step with its journal.

A sink says what a row's outcome looks like, as bytes; it opens and writes nothing.
An `Output` is the file: it appends, gets the bytes onto the disk before the journal
says that they are there, and after a kill is cut back to what the journal knows.
"""

from os import PathLike
from pathlib import Path
from typing import Any, Protocol

from hubbatch.core.outcomes import Outcome

from .rows import Row


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


SinkOrPath = Sink | str | PathLike[str]

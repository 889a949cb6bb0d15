"""Rows: the inputs of a job, each with its place in the source."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Protocol

from attrs import define


@define
class Row:
    """One input of a job.

    Attributes:
        index: its place in the source, from 0. Rows come in this order, none missing.
        key: what names the row to its owner (`input_id` in results): its id, or the
            value of the column that identifies it. None if it has nothing of the kind.
        input: what is sent: a mapping in HubSpot's shape, an input class, or an id.
        line: the line of the file on which it begins, from 1; None if there is none.
    """

    index: int
    key: str | None
    input: Any
    line: int | None = None


class Source(Protocol):
    """Where the rows of a job come from.

    It also has `__iter__` (of Rows) or `__aiter__`, each time from the first row on.

    Attributes:
        name: what to call it: a file's name, `-` for standard input.
        options: whatever changes how the content becomes rows (encoding, delimiter,
            the id column ...), as JSON values; compared by name when a job goes on.
    """

    name: str
    options: Mapping[str, Any]

    def fingerprint(self) -> str | None:
        """Give a digest of the content; None if it cannot be read a second time."""
        ...


class RowIterable(Source, Protocol):
    """A source that is read without waiting."""

    def __iter__(self) -> Iterator[Row]: ...


class AsyncRowIterable(Source, Protocol):
    """A source that may keep us waiting."""

    def __aiter__(self) -> AsyncIterator[Row]: ...

"""Rows: the inputs of a job, each with its index in the source."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from typing import Any, Protocol, TypeAlias

import msgspec

from attrs import define, evolve, field

from hubbatch._net.source import check_source
from hubbatch._tables.column_mapping import ColumnMapping
from hubbatch._wire.calls import Operation
from hubbatch._wire.property_values import InvalidInput, Unsendable
from hubbatch._wire.rows import pair_shaper


@define
class Row:
    """One input of a job.

    Attributes:
        index: Its position in the source, from 0. Rows come in this order, without
            gaps.
        key: The row's identifier for the user (`input_id` in results): its id, or the
            value of its id column; None if it has neither.
        input: The input to send: a mapping in HubSpot's shape, an input class, or an
            id.
        line: The line of the file on which it begins, from 1, if any.
        doubted: Whether an earlier job may have sent it. A source with such rows has
            the index of the last one as `last_doubted`.
        cells: All its cells, if it comes from a file with columns.
    """

    index: int
    key: str | None
    input: Any
    line: int | None = None
    doubted: bool = False
    cells: Sequence[Any] | None = field(default=None, repr=False, eq=False)


class Source(Protocol):
    """A source of rows for a job.

    It also has `__iter__` or `__aiter__`, which yields Rows and starts at the first row
    each time.

    Attributes:
        name: Its name in messages: a file's name, `-` for standard input.
        options: Everything that affects how the content becomes rows (encoding,
            delimiter, id column ...), as JSON values. A resumed job compares them by
            name.
    """

    name: str
    options: Mapping[str, Any]

    def fingerprint(self) -> str | None:
        """Return a digest of the content; None if it can be read only once."""
        ...


class RowIterable(Source, Protocol):
    """A source that is read without waiting."""

    def __iter__(self) -> Iterator[Row]: ...


class AsyncRowIterable(Source, Protocol):
    """A source whose rows have to be awaited."""

    def __aiter__(self) -> AsyncIterator[Row]: ...


AnySource: TypeAlias = RowIterable | AsyncRowIterable
"""A source of rows."""


def is_source(inputs: object) -> bool:
    """Return whether an object is a `Source`."""
    return callable(getattr(inputs, "fingerprint", None))


def as_source(
    inputs: Any,
    operation: Operation,
    *,
    timezone: str | None = None,
    id_column: str | None = None,
) -> AnySource:
    """Return a source unchanged; wrap a table, or an iterable of inputs, in one.

    `timezone` is the time zone of the times without one in a table, and `id_column` the
    column of a table with the ids.

    Raises:
        TypeError: If it is neither a table nor an iterable or async iterable.
    """
    if is_source(inputs):
        return inputs  # type: ignore[no-any-return] # it has the protocol's method
    if hasattr(inputs, "__arrow_c_stream__"):
        from hubbatch._tables.table_inputs import columns_of, is_table  # noqa: PLC0415

        # These import this module.
        from .arrow import ArrowSource  # noqa: PLC0415
        from .merge_columns import MergeColumns  # noqa: PLC0415
        from .pairs import PairColumns  # noqa: PLC0415

        if is_table(inputs):
            pairs = operation.call.codec.rows is pair_shaper
            columns: ColumnMapping
            if pairs:
                columns = PairColumns()
            elif operation.call.verb == "merge":
                columns = MergeColumns()
            else:
                columns = evolve(columns_of(operation), id_column=id_column)
            return ArrowSource(inputs, columns, timezone=timezone)
    rows = check_source(
        inputs,
        "Job() expects a path, a Source, a table, or an iterable or async iterable of "
        "inputs",
        operation,
    )
    to_row = _RowMaker(operation)
    if isinstance(rows, AsyncIterable):
        return AsyncInputs(rows, to_row)
    return Inputs(rows, to_row)


class _RowMaker:
    """Makes rows from inputs; flat mappings become inputs in HubSpot's shape."""

    def __init__(self, operation: Operation) -> None:
        rows = operation.call.codec.rows
        self._shape = None if rows is None else rows(operation)

    def __call__(self, index: int, item: Any) -> Row:
        value = item
        if self._shape is not None:
            # An invalid row fails alone, when it is encoded.
            with suppress(InvalidInput):
                value = self._shape(item)
        key = _key_of(value)
        return Row(index, _key_of(item) if key is None else key, value)


@define
class Inputs:
    """Any iterable of inputs. A resumed job compares it row by row."""

    inputs: Iterable[Any]
    to_row: Callable[[int, Any], Row]
    name: str = "inputs"
    options: Mapping[str, Any] = field(factory=dict)

    def fingerprint(self) -> str | None:
        """Return None: a generator can be read only once."""
        return None

    def __iter__(self) -> Iterator[Row]:
        return map(self.to_row, count(), self.inputs)


@define
class AsyncInputs:
    """Any async iterable of inputs. A resumed job compares it row by row."""

    inputs: AsyncIterable[Any]
    to_row: Callable[[int, Any], Row]
    name: str = "inputs"
    options: Mapping[str, Any] = field(factory=dict)

    def fingerprint(self) -> str | None:
        """Return None: it can be read only once."""
        return None

    async def __aiter__(self) -> AsyncIterator[Row]:
        index = 0
        async for item in self.inputs:
            yield self.to_row(index, item)
            index += 1


def _key_of(item: Any) -> str | None:
    if isinstance(item, str | int):
        return str(item)
    if isinstance(item, Mapping):
        key = item.get("id", item.get("objectId"))
    else:
        key = getattr(item, "id", getattr(item, "object_id", None))
    return None if key is None or isinstance(key, Unsendable) else str(key)


def digest(row: Row) -> bytes:
    """Return 8 bytes that identify a row without revealing it.

    They are a hash of its key, or of the whole input if it has none.
    """
    hashed = _HASH.copy()  # faster than a new one
    key = row.key
    if key is not None:
        hashed.update(key.encode("utf-8", "surrogatepass"))
        return hashed.digest()
    try:
        data = _SORTED.encode(row.input)
    except (UnicodeEncodeError, TypeError):  # UTF-8 or JSON cannot encode it
        data = repr(row.input).encode(errors="surrogatepass")
    hashed.update(data)
    return hashed.digest()


_HASH = blake2b(digest_size=8)
_SORTED = msgspec.json.Encoder(order="sorted", enc_hook=repr)

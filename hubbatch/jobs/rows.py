"""Rows: the inputs of a job, each with its place in the source."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from attrs import define, field


@define
class Row:
    """One input of a job.

    Attributes:
        index: its place in the source, from 0. Rows come in this order, none missing.
        key: what names the row to its owner (`input_id` in results): its id, or the
            value of the column that identifies it. None if it has nothing of the kind.
        input: what is sent: a mapping in HubSpot's shape, an input class, or an id.
        line: the line of the file on which it begins, from 1; None if there is none.
        doubted: whether it may have been sent already, by an earlier job; its source
            then has the index of the last such row as `last_doubted`.
    """

    index: int
    key: str | None
    input: Any
    line: int | None = None
    doubted: bool = False


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


AnySource = RowIterable | AsyncRowIterable


def as_source(given: Any) -> AnySource:
    """Give a source back, or make one of any iterable or async iterable of inputs.

    Raises:
        TypeError: if it is neither.
    """
    if callable(getattr(given, "fingerprint", None)):
        return given  # type: ignore[no-any-return] # a protocol, taken at its word
    if isinstance(given, str | bytes | Mapping) or not isinstance(
        given, Iterable | AsyncIterable
    ):
        raise TypeError(
            "expected a source, or an iterable or async iterable of inputs, "
            f"not {type(given).__name__}"
        )
    if isinstance(given, AsyncIterable):
        return AsyncInputs(given)
    return Inputs(given)


@define
class Inputs:
    """Any iterable of inputs; whether it has changed is only known row by row."""

    inputs: Iterable[Any]
    name: str = "inputs"
    options: Mapping[str, Any] = field(factory=dict)

    def fingerprint(self) -> str | None:
        """Give nothing: it may be a generator."""
        return None

    def __iter__(self) -> Iterator[Row]:
        for index, given in enumerate(self.inputs):
            yield Row(index, _key_of(given), given)


@define
class AsyncInputs:
    """Any asynchronous iterable of inputs."""

    inputs: AsyncIterable[Any]
    name: str = "inputs"
    options: Mapping[str, Any] = field(factory=dict)

    def fingerprint(self) -> str | None:
        """Give nothing: it comes once."""
        return None

    async def __aiter__(self) -> AsyncIterator[Row]:
        index = 0
        async for given in self.inputs:
            yield Row(index, _key_of(given), given)
            index += 1


def _key_of(given: Any) -> str | None:
    if isinstance(given, str | int):
        return str(given)
    if isinstance(given, Mapping):
        named = given.get("id", given.get("objectId"))
    else:
        named = getattr(given, "id", getattr(given, "object_id", None))
    return None if named is None else str(named)


def digest(row: Row) -> int:
    """Give 64 bits that tell a row from another one, without saying what it is.

    Of its key; of the whole input if it has none.
    """
    if row.key is not None:
        data = row.key.encode(errors="surrogatepass")
    else:
        try:
            data = orjson.dumps(row.input, default=repr, option=_ANY_KEY)
        except orjson.JSONEncodeError:  # text that is not UTF-8, say
            data = repr(row.input).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), signed=True)


_ANY_KEY = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS

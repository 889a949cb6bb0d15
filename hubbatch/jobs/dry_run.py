"""What a job would send, found out without sending anything."""

import asyncio

from collections.abc import AsyncIterable, AsyncIterator
from itertools import islice

from attrs import define, field

from hubbatch.core.encoding import encoder
from hubbatch.core.operations import Operation
from hubbatch.core.values import InvalidInput

from .rows import AsyncRowIterable, Row, RowIterable


# So many bad rows are shown as examples.
_SHOWN = 10
# The event loop has a turn after so many rows, so that it can be told to stop.
_TURN = 1_000


@define
class Rehearsal:
    """What a job would send.

    Attributes:
        rows: how many rows were read.
        invalid: how many of them would not be sent, because they cannot be.
        examples: the first of those rows, each with what is wrong with it.
        calls: the least number of requests; refusals and repeated keys need more.
    """

    rows: int = 0
    invalid: int = 0
    examples: list[tuple[Row, str]] = field(factory=list)
    calls: int = 0


async def rehearse(
    source: RowIterable | AsyncRowIterable,
    operation: Operation,
    limit: int | None = None,
) -> Rehearsal:
    """Read and encode every row as a job would.

    Raises:
        SourceError: if the source cannot be read.
    """
    rehearsal = Rehearsal()
    encode = encoder(operation)
    async for row in first_rows(source, limit):
        rehearsal.rows += 1
        try:
            encode(row.index, row.input)
        except InvalidInput as error:
            rehearsal.invalid += 1
            if rehearsal.invalid <= _SHOWN:
                rehearsal.examples.append((row, str(error)))
    valid = rehearsal.rows - rehearsal.invalid
    rehearsal.calls = -(-valid // operation.max_inputs)
    return rehearsal


async def first_rows(
    source: RowIterable | AsyncRowIterable, limit: int | None
) -> AsyncIterator[Row]:
    """Give the first rows of any source, and the event loop its turns."""
    if not isinstance(source, AsyncIterable):
        for row in islice(source, limit):
            yield row
            if row.index % _TURN == 0:
                await asyncio.sleep(0)
        return
    if limit == 0:
        return
    async for row in source:
        yield row
        if limit is not None and row.index + 1 >= limit:
            return

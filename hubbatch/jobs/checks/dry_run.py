"""Reads and encodes the rows of a job without sending anything."""

import asyncio

from collections.abc import AsyncIterable, AsyncIterator
from itertools import islice

from attrs import define, field

from hubbatch._wire.endpoints import Operation
from hubbatch._wire.inputs import encoder
from hubbatch._wire.property_values import InvalidInput
from hubbatch.jobs.sources.row_source import AsyncRowIterable, Row, RowIterable


# The number of invalid rows that are kept as examples.
_SHOWN = 10
# The number of rows after which the event loop gets a turn, so that the run can be
# cancelled.
_TURN = 1_000


@define
class Rehearsal:
    """A summary of what a job would send.

    Attributes:
        rows: The number of rows read.
        invalid: How many of them cannot be encoded and would not be sent.
        examples: The first such rows, each with a description of its problem.
        calls: The minimum number of requests. Refusals and repeated keys add to it.
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
    """Read and encode every row as a job would; send nothing.

    Args:
        source: The rows.
        operation: The call to make with them (`Job.operation`).
        limit: The maximum number of rows to take.

    Raises:
        SourceError: If the source cannot be read.
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
    """Yield the first rows of any source, letting the event loop run in between."""
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

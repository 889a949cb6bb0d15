"""Finds the rows of a source that a resumed job still has to send."""

import asyncio

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress

from attrs import frozen

from hubbatch.errors import JournalError

from .journal.journal import Journal
from .journal.row_states import KnownRow
from .journal.states import RowState
from .sources.row_source import AsyncRowIterable, Row, Source, digest


# The number of rows without IO after which the event loop gets a turn.
_TURN = 200


@frozen
class Resumption:
    """Finds the rows of a source that still have to be sent.

    Attributes:
        journal: The recorded states of the rows.
        source: The source.
        check_stopping: Called after each known row; it raises to stop.
    """

    journal: Journal
    source: Source
    check_stopping: Callable[[], None]

    async def skip_known(self, rows: AsyncIterator[Row]) -> tuple[list[Row], list[Row]]:
        """Skip the rows that are recorded in the journal, comparing each with it.

        Return the rows that may have been written, and those that were not sent. Both
        have to be sent, the former first. `rows` continues after the last known row.

        Raises:
            JournalError: If a row differs from the journal's: the source has changed.
        """
        in_doubt: list[Row] = []
        not_sent: list[Row] = []

        def keep(row: Row) -> None:
            (in_doubt if row.doubted else not_sent).append(row)

        place = -1
        async for place, state, key in self._known():
            row = await self._row_at(place, rows, keep)
            if key is not None and digest(row) != key:
                raise JournalError(
                    f"row {place + 1}{_line(row)} of {self.source.name} is not the "
                    f"row in {self.journal.path}: the source has changed"
                )
            if state is RowState.SENT:
                in_doubt.append(row)
            elif state is RowState.OPEN:
                keep(row)
            self.check_stopping()
        last = getattr(self.source, "last_doubted", None)
        if last is not None and last > place:
            with suppress(JournalError):  # `limit` may end the rows before it
                keep(await self._row_at(last, rows, keep))
        return in_doubt, not_sent

    async def _known(self) -> AsyncIterator[KnownRow]:
        first = 0
        while block := await self.journal.block(first):
            for known in block:
                yield known
            first = block[-1][0] + 1

    async def _row_at(
        self, place: int, rows: AsyncIterator[Row], keep: Callable[[Row], None]
    ) -> Row:
        async for row in rows:
            if row.index == place:
                return row
            keep(row)
        raise JournalError(
            f"{self.source.name} has fewer rows than {self.journal.path}: the source "
            "has changed"
        )


def _line(row: Row) -> str:
    return "" if row.line is None else f" (line {row.line})"


async def with_loop_turns(rows: Iterator[Row]) -> AsyncGenerator[Row, None]:
    """Yield rows from a synchronous iterator, letting the event loop run in between."""
    for count, row in enumerate(rows, 1):
        yield row
        if count % _TURN == 0:
            await asyncio.sleep(0)


async def take_async(
    source: AsyncRowIterable, limit: int | None
) -> AsyncGenerator[Row, None]:
    """Yield the first rows of a source, and close it."""
    rows = aiter(source)
    try:
        count = 0
        while limit is None or count < limit:
            try:
                row = await anext(rows)
            except StopAsyncIteration:
                return
            count += 1
            yield row
    finally:
        close = getattr(rows, "aclose", None)
        if close is not None:
            await close()


async def chain_async(
    first: Iterable[Row], rest: AsyncIterator[Row]
) -> AsyncGenerator[Row, None]:
    """Yield rows that are in memory, then those of an async iterator."""
    for row in first:
        yield row
    async for row in rest:
        yield row

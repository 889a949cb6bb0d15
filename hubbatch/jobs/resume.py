"""Where a job goes on: the rows that its journal knows are passed by, and compared."""

import asyncio

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress

from attrs import frozen

from hubbatch.errors import JournalError

from .journal import Journal
from .rows import AsyncRowIterable, Row, Source, digest
from .states import RowState


# The event loop has a turn after so many rows that need nothing done.
_TURN = 200


@frozen
class Resumption:
    """Finds in a source the rows that are left to be done.

    Attributes:
        journal: what is known of them.
        source: where they come from.
        look_up: called after each known row; raises to give up.
    """

    journal: Journal
    source: Source
    look_up: Callable[[], None]

    async def pass_by(self, rows: AsyncIterator[Row]) -> tuple[list[Row], list[Row]]:
        """Pass by the rows that the journal knows; give the doubted and the open."""
        doubted: list[Row] = []
        left: list[Row] = []

        def open_up(row: Row) -> None:
            (doubted if row.doubted else left).append(row)

        place = -1
        async for place, state, key in self._known():
            row = await self._row_at(place, rows, open_up)
            if key is not None and digest(row) != key:
                raise JournalError(
                    f"row {place + 1}{_line(row)} of {self.source.name} is not the "
                    f"one that {self.journal.path} knows: the source has changed"
                )
            if state == RowState.SENT:
                doubted.append(row)
            elif state == RowState.OPEN:
                open_up(row)
            self.look_up()
        last = getattr(self.source, "last_doubted", None)
        if last is not None and last > place:
            with suppress(JournalError):  # it is not there, because of a limit
                open_up(await self._row_at(last, rows, open_up))
        return doubted, left

    async def _known(self) -> AsyncIterator[tuple[int, int, int | None]]:
        first = 0
        while block := await self.journal.block(first):
            for known in block:
                yield known
            first = block[-1][0] + 1

    async def _row_at(
        self, place: int, rows: AsyncIterator[Row], open_up: Callable[[Row], None]
    ) -> Row:
        async for row in rows:
            if row.index == place:
                return row
            open_up(row)
        raise JournalError(
            f"{self.source.name} has fewer rows than {self.journal.path} knows: the "
            "source has changed"
        )


def _line(row: Row) -> str:
    return "" if row.line is None else f" (line {row.line})"


async def unhurried(rows: Iterator[Row]) -> AsyncGenerator[Row, None]:
    """Give rows that do not keep us waiting, and the event loop its turns."""
    for count, row in enumerate(rows, 1):
        yield row
        if count % _TURN == 0:
            await asyncio.sleep(0)


async def first_later(
    source: AsyncRowIterable, most: int | None
) -> AsyncGenerator[Row, None]:
    """Give the first rows of a source, and leave the others alone."""
    rows = aiter(source)
    try:
        count = 0
        while most is None or count < most:
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


async def then_later(
    first: Iterable[Row], rest: AsyncIterator[Row]
) -> AsyncGenerator[Row, None]:
    """Give rows that are here, and then those that may keep us waiting."""
    for row in first:
        yield row
    async for row in rest:
        yield row

"""Which rows of a source are left to send, and in which order."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubbatch.errors import JournalError
from hubbatch.jobs.job_report import Stopped
from hubbatch.jobs.journal.journal import Journal
from hubbatch.jobs.journal.row_states import KnownRow
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.resume import Resumption, chain_async, take_async, with_loop_turns
from hubbatch.jobs.sources.row_source import Row, digest
from tests.jobs.conftest import Table


class Known(Journal):
    """A journal that knows some rows, and returns them in blocks of two."""

    def __init__(self, states: dict[int, RowState], rows: list[Row]) -> None:
        super().__init__(None)
        self.rows: list[KnownRow] = [
            (n, s, digest(rows[n])) for n, s in sorted(states.items())
        ]

    async def block(self, first: int, _most: int = 2) -> list[KnownRow]:
        return [row for row in self.rows if row[0] >= first][:2]


def go_on() -> None:
    """Never stop."""


def table(count: int, doubted: tuple[int, ...] = ()) -> list[Row]:
    return [Row(n, f"k{n}", {}, None, n in doubted) for n in range(count)]


async def left(
    states: dict[int, RowState], rows: list[Row]
) -> tuple[list[int], list[int], list[int]]:
    given = with_loop_turns(iter(rows))
    resumption = Resumption(Known(states, rows), Table([]), go_on)
    doubted, open_ = await resumption.skip_known(given)
    rest = [row.index async for row in given]
    return [row.index for row in doubted], [row.index for row in open_], rest


async def test_final_rows_are_passed_by_and_the_others_are_not() -> None:
    states = {
        0: RowState.SUCCEEDED,
        1: RowState.FAILED,
        2: RowState.SENT,
        # 3 and 4 were read but never sent: the journal has no entry for them.
        5: RowState.OPEN,
        6: RowState.UNKNOWN,
        7: RowState.NOT_SENT,
    }
    assert await left(states, table(9)) == ([2], [3, 4, 5], [8])
    assert await left({}, table(3)) == ([], [], [0, 1, 2])


async def test_a_known_row_that_its_source_doubts_is_only_sent_after_a_look() -> None:
    """Unknown creates, as in a replay of failures."""

    class Doubtful(Table):
        last_doubted = 5

    rows = table(8, doubted=(1, 5))
    given = with_loop_turns(iter(rows))
    resumption = Resumption(
        Known({0: RowState.OPEN, 1: RowState.OPEN}, rows), Doubtful([]), go_on
    )
    doubted, open_ = await resumption.skip_known(given)

    assert [row.index for row in doubted] == [1, 5]
    assert [row.index for row in open_] == [0, 2, 3, 4]
    assert [row.index async for row in given] == [6, 7]

    short = with_loop_turns(iter(rows[:3]))  # without the last one, as with a limit
    resumption = Resumption(Known({}, rows), Doubtful([]), go_on)
    doubted, open_ = await resumption.skip_known(short)
    assert [row.index for row in doubted] == [1]
    assert [row.index for row in open_] == [0, 2]


async def test_a_source_that_ends_too_early_or_holds_other_rows_is_refused() -> None:
    rows = table(3)
    resumption = Resumption(Known({2: RowState.SENT}, rows), Table([]), go_on)
    with pytest.raises(JournalError, match="fewer rows"):
        await resumption.skip_known(with_loop_turns(iter(rows[:2])))
    other = [*rows[:2], Row(2, "another", {}, 4)]
    with pytest.raises(JournalError, match=r"Row 3 \(line 4\) of table is not the row"):
        await resumption.skip_known(with_loop_turns(iter(other)))


async def test_resuming_can_be_stopped() -> None:
    def give_up() -> None:
        raise Stopped

    rows = table(3)
    resumption = Resumption(Known({0: RowState.SENT}, rows), Table([]), give_up)
    with pytest.raises(Stopped):
        await resumption.skip_known(with_loop_turns(iter(rows)))


async def test_rows_come_first_and_then_later() -> None:
    class Later:
        """Its iterator has no `aclose`."""

        def __aiter__(self) -> AsyncIterator[Row]:
            return Bare(table(3))

    class Bare:
        def __init__(self, rows: list[Row]) -> None:
            self.rows = iter(rows)

        def __aiter__(self) -> "Bare":
            return self

        async def __anext__(self) -> Row:
            for row in self.rows:
                return row
            raise StopAsyncIteration

    source: Any = Later()
    assert [row.index async for row in take_async(source, 2)] == [0, 1]
    rest = take_async(source, None)
    both = chain_async(table(1), rest)
    assert [row.index async for row in both] == [0, 0, 1, 2]

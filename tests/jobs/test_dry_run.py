from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from attrs import define

from hubbatch._wire.endpoints import operation_for
from hubbatch.jobs import Row, rehearse


UPDATE = operation_for("objects", "update", "tickets", api_version="v3")


@define
class Rows:
    count: int
    bad: frozenset[int] = frozenset()
    name: str = "rows"
    options: Any = None
    pulled: int = 0

    def fingerprint(self) -> None: ...

    def __iter__(self) -> Iterator[Row]:
        for index in range(self.count):
            self.pulled += 1
            record_id = "" if index in self.bad else str(index)
            yield Row(index, None, {"id": record_id, "properties": {}}, index + 2)


@define
class LaterRows:
    rows: Rows
    name: str = "rows"
    options: Any = None

    def fingerprint(self) -> None: ...

    async def __aiter__(self) -> AsyncIterator[Row]:
        for row in self.rows:
            yield row


@pytest.mark.parametrize(
    ("count", "limit", "calls", "pulled"),
    [(0, None, 0, 0), (100, None, 1, 100), (101, None, 2, 101), (101, 100, 1, 100)],
)
async def test_calls_are_counted(
    count: int, limit: int | None, calls: int, pulled: int
) -> None:
    for later in (False, True):
        rows = Rows(count)
        source = LaterRows(rows) if later else rows

        rehearsal = await rehearse(source, UPDATE, limit)

        assert (rehearsal.rows, rehearsal.calls) == (min(count, limit or count), calls)
        assert rows.pulled == pulled


async def test_rows_that_cannot_be_sent_are_shown() -> None:
    rehearsal = await rehearse(Rows(50, frozenset(range(20, 40))), UPDATE)

    assert (rehearsal.rows, rehearsal.invalid, rehearsal.calls) == (50, 20, 1)
    assert [row.line for row, _ in rehearsal.examples] == [*range(22, 32)]
    assert rehearsal.examples[0][1] == "id is empty: ''"

"""Which outcomes are final at once, which are held back, and for how long."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hubbatch._outcomes.outcome import Outcome, OutcomeStatus
from hubbatch._outcomes.queue import Chunk
from hubbatch._wire.bodies import Bodies
from hubbatch._wire.endpoints import operation_for
from hubbatch.errors import RecordError
from hubbatch.jobs import run_adapter
from hubbatch.jobs.journal.journal import Journal
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.run_adapter import RunAdapter, Tally
from hubbatch.jobs.sources.row_source import Row, digest


class Notes(Journal):
    """A journal that only remembers calls."""

    def __init__(self, path: Path | None = Path("run.db")) -> None:
        super().__init__(path)
        self.states: dict[int, RowState] = {}
        self.keys: dict[int, bytes] = {}
        self.leaving: list[dict[int, RowState]] = []

    def note_states(
        self, places: list[int], state: RowState, keys: Sequence[bytes] = ()
    ) -> None:
        self.states |= dict.fromkeys(places, state)
        if keys:
            self.keys |= dict(zip(places, keys, strict=True))

    async def wait_written(self) -> None:
        self.leaving.append(dict(self.states))

    def flush(self) -> None:
        """Write nothing."""


UPSERT = operation_for(
    "objects", "upsert", "contacts", api_version="v3", id_property="email"
)


def rows(*names: str) -> list[Row]:
    return [
        Row(place, name, {"id": name, "properties": {"a": "b"}})
        for place, name in enumerate(names)
    ]


def begun(journal: Notes, given: list[Row], operation: Any = UPSERT) -> RunAdapter:
    adapter = RunAdapter(Tally(journal, operation))
    assert [*adapter.inputs(iter(given))] == [row.input for row in given]
    return adapter


def outcome(index: int, status: str, category: str = "NOT_SENT") -> Outcome[Any]:
    error = RecordError("no", category=category, origin="hubbatch")
    return Outcome(index, {}, OutcomeStatus(status), None, None, error, 1, False)  # noqa: FBT003 -- as the engine does


async def test_rows_are_recorded_as_sent_first_and_as_open_if_nothing_was_written() -> (
    None
):
    journal = Notes()
    given = rows("a", "b", "c")
    adapter = begun(journal, given)
    keys: list[str | None] = ["email\0a", "email\0c"]
    chunk = Chunk([0, 2], [{}, {}], keys, Bodies([b"", b""]), duplicates={2: [(1, {})]})

    await adapter.leaving(chunk)
    assert journal.leaving == [dict.fromkeys((0, 2, 1), RowState.SENT)]
    assert journal.keys == {row.index: digest(row) for row in given}
    adapter.not_written(chunk)
    assert journal.states == dict.fromkeys((0, 1, 2), RowState.OPEN)


@pytest.mark.parametrize(
    ("status", "category", "expected"),
    [
        ("failed", "INVALID_INPUT", RowState.FAILED),
        ("failed", "VALIDATION_ERROR", RowState.FAILED),
        ("failed", "UNAVAILABLE", RowState.OPEN),
        ("not_sent", "NOT_SENT", RowState.OPEN),
        ("unknown", "OUTCOME_UNKNOWN", RowState.SENT),
    ],
)
def test_only_a_refusal_is_final_at_once(
    status: str, category: str, expected: RowState
) -> None:
    journal = Notes()
    adapter = begun(journal, rows("a"))
    adapter.failed([outcome(0, status, category)])
    assert journal.states == {0: expected}

    adapter._tally.finish()
    final = {"failed": RowState.FAILED, "not_sent": RowState.NOT_SENT}
    assert journal.states == {0: final.get(status, RowState.UNKNOWN)}


async def test_what_is_held_is_final_once_its_record_is_written_again() -> None:
    journal = Notes()
    adapter = begun(journal, rows("a", "b", "A"))
    adapter.failed([outcome(0, "unknown"), outcome(1, "not_sent")])
    again = Chunk([2], [{}], ["email\0a"], Bodies([b""]))

    await adapter.leaving(again)
    assert journal.leaving == [
        {0: RowState.UNKNOWN, 1: RowState.OPEN, 2: RowState.SENT}
    ]
    await adapter.leaving(again)  # no outcome is released twice
    adapter._tally.finish()
    assert journal.states == {
        0: RowState.UNKNOWN,
        1: RowState.NOT_SENT,
        2: RowState.SENT,
    }


async def test_two_that_are_held_for_one_record_are_overtaken_together() -> None:
    journal = Notes()
    adapter = begun(journal, rows("a", "a", "a"))
    adapter.failed([outcome(0, "unknown"), outcome(1, "unknown")])

    await adapter.leaving(Chunk([2], [{}], ["email\0a"], Bodies([b""])))
    assert [*journal.states.values()] == [
        RowState.UNKNOWN,
        RowState.UNKNOWN,
        RowState.SENT,
    ]


async def test_creates_are_never_overtaken() -> None:
    journal = Notes()
    operation = operation_for("objects", "create", "tickets", api_version="v3")
    adapter = begun(journal, rows("a", "b"), operation)
    adapter.failed([outcome(0, "unknown")])

    await adapter.leaving(Chunk([1], [{}], [None], Bodies([b""])))
    assert journal.states == {0: RowState.SENT, 1: RowState.SENT}


def test_only_so_many_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_adapter, "MAX_HELD", 2)
    journal = Notes()
    adapter = begun(journal, rows("a", "b", "c"))
    adapter.failed([outcome(place, "unknown") for place in range(3)])

    assert journal.states == {0: RowState.UNKNOWN, 1: RowState.SENT, 2: RowState.SENT}


@pytest.mark.parametrize(
    ("path", "expected"),
    [(Path("run.db"), RowState.OPEN), (None, RowState.NOT_SENT)],
)
def test_what_the_end_of_a_run_left_is_another_runs_if_there_may_be_one(
    path: Path | None, expected: RowState
) -> None:
    journal = Notes(path)
    adapter = begun(journal, rows("a"))
    adapter.ended = lambda: True
    adapter.failed([outcome(0, "not_sent")])

    assert journal.states == {0: expected}
    adapter._tally.finish()
    assert journal.states == {0: expected}

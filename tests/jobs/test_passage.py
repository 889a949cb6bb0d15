"""What is final at once, what is held back, and for how long."""

from pathlib import Path
from typing import Any

import pytest

from hubbatch.core.operations import create_operation, object_operation
from hubbatch.core.outcomes import Outcome, OutcomeStatus
from hubbatch.core.planning import Chunk
from hubbatch.errors import RecordError
from hubbatch.jobs import passage as passage_module
from hubbatch.jobs.journal import Journal
from hubbatch.jobs.passage import Passage, Tally
from hubbatch.jobs.rows import Row, digest
from hubbatch.jobs.states import State


class Notes(Journal):
    """A journal that only remembers what it was told."""

    def __init__(self, path: Path | None = Path("run.db")) -> None:
        super().__init__(path)
        self.states: dict[int, State] = {}
        self.keys: dict[int, int | None] = {}
        self.leaving: list[dict[int, State]] = []

    def note(self, place: int, state: State, key: int | None = None) -> None:
        self.states[place] = state
        self.keys.setdefault(place, key)

    async def safe(self) -> None:
        self.leaving.append(dict(self.states))

    def flush(self) -> None:
        """Write nothing."""


UPSERT = object_operation("upsert", "contacts", api_version="v3", id_property="email")


def rows(*names: str) -> list[Row]:
    return [
        Row(place, name, {"id": name, "properties": {"a": "b"}})
        for place, name in enumerate(names)
    ]


def begun(journal: Notes, given: list[Row], operation: Any = UPSERT) -> Passage:
    passage = Passage(Tally(journal, operation))
    assert [*passage.inputs(iter(given))] == [row.input for row in given]
    return passage


def outcome(index: int, status: str, category: str = "NOT_SENT") -> Outcome[Any]:
    error = RecordError("no", category=category, origin="hubbatch")
    return Outcome(index, {}, OutcomeStatus(status), None, None, error, 1, False)  # noqa: FBT003 -- as the engine does


async def test_rows_are_sent_before_they_leave_and_open_when_it_came_to_nothing() -> (
    None
):
    journal = Notes()
    given = rows("a", "b", "c")
    passage = begun(journal, given)
    keys: list[str | None] = ["email\0a", "email\0c"]
    chunk = Chunk([0, 2], [{}, {}], keys, [b"", b""], duplicates={2: [(1, {})]})

    await passage.leaving(chunk)
    assert journal.leaving == [dict.fromkeys((0, 2, 1), State.SENT)]
    assert journal.keys == {row.index: digest(row) for row in given}
    passage.not_written(chunk)
    assert journal.states == dict.fromkeys((0, 1, 2), State.OPEN)


@pytest.mark.parametrize(
    ("status", "category", "expected"),
    [
        ("failed", "INVALID_INPUT", State.FAILED),
        ("failed", "VALIDATION_ERROR", State.FAILED),
        ("failed", "UNAVAILABLE", State.OPEN),
        ("not_sent", "NOT_SENT", State.OPEN),
        ("unknown", "OUTCOME_UNKNOWN", State.SENT),
    ],
)
def test_only_a_refusal_is_final_at_once(
    status: str, category: str, expected: State
) -> None:
    journal = Notes()
    passage = begun(journal, rows("a"))
    passage.failed([outcome(0, status, category)])
    assert journal.states == {0: expected}

    passage._tally.finish()
    final = {"failed": State.FAILED, "not_sent": State.NOT_SENT}
    assert journal.states == {0: final.get(status, State.UNKNOWN)}


async def test_what_is_held_is_final_once_its_record_is_written_again() -> None:
    journal = Notes()
    passage = begun(journal, rows("a", "b", "A"))
    passage.failed([outcome(0, "unknown"), outcome(1, "not_sent")])
    again = Chunk([2], [{}], ["email\0a"], [b""])

    await passage.leaving(again)
    assert journal.leaving == [{0: State.UNKNOWN, 1: State.OPEN, 2: State.SENT}]
    await passage.leaving(again)  # nobody is overtaken twice
    passage._tally.finish()
    assert journal.states == {0: State.UNKNOWN, 1: State.NOT_SENT, 2: State.SENT}


async def test_two_that_are_held_for_one_record_are_overtaken_together() -> None:
    journal = Notes()
    passage = begun(journal, rows("a", "a", "a"))
    passage.failed([outcome(0, "unknown"), outcome(1, "unknown")])

    await passage.leaving(Chunk([2], [{}], ["email\0a"], [b""]))
    assert [*journal.states.values()] == [State.UNKNOWN, State.UNKNOWN, State.SENT]


async def test_creates_are_never_overtaken() -> None:
    journal = Notes()
    operation = create_operation("tickets", api_version="v3")
    passage = begun(journal, rows("a", "b"), operation)
    passage.failed([outcome(0, "unknown")])

    await passage.leaving(Chunk([1], [{}], [None], [b""]))
    assert journal.states == {0: State.SENT, 1: State.SENT}


def test_only_so_many_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage_module, "MOST_HELD", 2)
    journal = Notes()
    passage = begun(journal, rows("a", "b", "c"))
    passage.failed([outcome(place, "unknown") for place in range(3)])

    assert journal.states == {0: State.UNKNOWN, 1: State.SENT, 2: State.SENT}


@pytest.mark.parametrize(
    ("path", "expected"),
    [(Path("run.db"), State.OPEN), (None, State.NOT_SENT)],
)
def test_what_the_end_of_a_run_left_is_another_runs_if_there_may_be_one(
    path: Path | None, expected: State
) -> None:
    journal = Notes(path)
    passage = begun(journal, rows("a"))
    passage.ended = lambda: True
    passage.failed([outcome(0, "not_sent")])

    assert journal.states == {0: expected}
    passage._tally.finish()
    assert journal.states == {0: expected}

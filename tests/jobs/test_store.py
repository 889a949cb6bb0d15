"""The file: what is a journal, and what a transaction writes."""

import sqlite3

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status
from hubbatch.jobs.identity import Identity
from hubbatch.jobs.states import RowState
from hubbatch.jobs.store import Group, Store


JOB = Identity(
    verb="create",
    object_type="2-3456",
    source="Zürich 100%.csv",
    fingerprint=None,
    options={"limit": 5, "the source's empty": "skip", "properties": ["a", "b"]},
    outputs={"results": "results.csv"},
)
STATES = st.dictionaries(st.integers(0, 30), st.sampled_from(RowState), max_size=12)


def begun(path: Path) -> Store:
    store = Store.open(path)
    assert store.is_new()
    store.create(JOB, None)
    store.begin_run(62515)
    return store


def test_what_a_job_is_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a name?with#marks%20.db"
    begun(path).close()

    with closing(Store.open(path)) as store:
        assert not store.is_new()
        assert store.identity() == JOB
        assert (store.portal_id(), store.finished()) == (62515, False)
        store.begin_run(777)
        assert store.portal_id() == 62515
    assert read_status(path).source == "Zürich 100%.csv"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STATES, st.integers(0, 40)), max_size=6))
def test_states_add_up_to_what_was_read(
    groups: list[tuple[dict[int, RowState], int]],
) -> None:
    folder = TemporaryDirectory()
    store = begun(Path(folder.name) / "run.db")
    known: dict[int, RowState] = {}
    keys: dict[int, int] = {}
    read = 0
    for states, inputs in groups:
        group = Group(states, {place: -place for place in states}, inputs=inputs)
        store.write(group, {})
        known |= states
        keys = {place: -place for place in states} | keys
        read = max(read, inputs)
    read = max([read, *(place + 1 for place in known)])

    counts = store.counts()
    assert sum(counts.values()) == store.inputs() == read
    for state in RowState:
        listed = sum(1 for one in known.values() if one is state)
        unlisted = read - len(known) if state is RowState.OPEN else 0
        assert counts[state] == listed + unlisted
    assert store.block(0, 99) == [
        (place, known[place], keys[place]) for place in sorted(known)
    ]
    assert store.block(7, 2) == store.block(7, 99)[:2]
    store.close()
    folder.cleanup()


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with closing(begun(tmp_path / "run.db")) as store:
        with pytest.raises(sqlite3.Error):
            store.write(Group({1: RowState.SENT}), {"results": None})  # type: ignore[dict-item] # not a length
        assert store.block(0, 9) == []
        store.write(Group({1: RowState.SENT}), {"results": 5})
        assert store.lengths() == {"results": 5}


def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "tickets.csv"
    text.write_text("id,subject\n1,a\n" * 500)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    before = text.read_bytes(), other.read_bytes()

    for look in (Store.open, Store.read_only):
        with pytest.raises(JournalError, match=r"tickets\.csv is not a journal: file"):
            look(text)
        with pytest.raises(
            JournalError, match="another SQLite database, not a journal"
        ):
            look(other)
    assert (text.read_bytes(), other.read_bytes()) == before


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"nowhere.* cannot be opened: "):
        Store.open(tmp_path / "nowhere" / "run.db")
    with pytest.raises(JournalError, match="cannot be opened"):
        Store.open(tmp_path)
    with pytest.raises(JournalError, match="cannot be opened"):
        read_status(tmp_path / "run.db")
    assert not [*tmp_path.iterdir()]


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    begun(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalError, match=r"format 9; this one reads format 2"):
        Store.open(path)


def test_it_survives_the_machine() -> None:
    """Every commit waits for the disk."""
    store = Store(Path("memory"), sqlite3.connect(":memory:", isolation_level=None))
    store.create(JOB, None)
    [[full]] = store._connection.execute("PRAGMA synchronous")
    assert full == 2
    store.close()

"""The file: what is a journal, and what a transaction writes."""

import sqlite3

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status
from hubbatch.jobs.journal import store as store_module
from hubbatch.jobs.journal.group import Group
from hubbatch.jobs.journal.identity import Identity
from hubbatch.jobs.journal.row_states import BLOCK, Notes
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.journal.store import Store


JOB = Identity(
    verb="create",
    object_type="2-3456",
    source="Zürich 100%.csv",
    fingerprint=None,
    options={"limit": 5, "the source's empty": "skip", "properties": ["a", "b"]},
    outputs={"results": "results.csv"},
)
STATES = st.dictionaries(st.integers(0, 30), st.sampled_from(RowState), max_size=12)


def noted(states: Mapping[int, RowState], **fields: Any) -> Group:
    notes = [Notes([place], state) for place, state in states.items()]
    return Group(notes, **fields)


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


def key(place: int) -> bytes:
    return (place + 1).to_bytes(8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STATES, st.integers(0, 40)), max_size=6))
def test_states_add_up_to_what_was_read(
    groups: list[tuple[dict[int, RowState], int]],
) -> None:
    folder = TemporaryDirectory()
    store = begun(Path(folder.name) / "run.db")
    known: dict[int, RowState] = {}
    keys: dict[int, bytes] = {}
    read = 0
    for states, inputs in groups:
        notes = [Notes([place], state, [key(place)]) for place, state in states.items()]
        store.write(Group(notes, inputs=inputs), {})
        known |= states
        keys |= {place: key(place) for place in states}
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
            store.write(noted({1: RowState.SENT}), {"results": None})  # type: ignore[dict-item] # not a length
        assert store.block(0, 9) == []
        store.write(noted({1: RowState.SENT}), {"results": 5})
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
    with pytest.raises(JournalError, match="There is no journal"):
        read_status(tmp_path / "run.db")
    assert not [*tmp_path.iterdir()]


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    begun(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalError, match=r"format 9; this one reads formats 2 and 3"):
        Store.open(path)


def test_it_survives_the_machine() -> None:
    """Every commit waits for the disk."""
    store = Store(Path("memory"), sqlite3.connect(":memory:", isolation_level=None))
    store.create(JOB, None)
    [[full]] = store._connection.execute("PRAGMA synchronous")
    assert full == 2
    store.close()


# ---- the format before states were packed


def test_a_journal_of_the_format_before_is_read_and_then_converted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.db"
    write_old_journal(path, {0: (2, -5), 3: (1, 7), 1000: (0, None)}, fingerprint=None)
    before = path.read_bytes()
    rows = [
        (0, RowState.SUCCEEDED, (-5).to_bytes(8, signed=True)),
        (3, RowState.SENT, (7).to_bytes(8)),
        (1000, RowState.OPEN, None),
    ]
    status = read_status(path)
    assert (status.inputs, status.succeeded, status.in_doubt) == (1001, 1, 1)
    with closing(Store.open(path)) as store:
        assert store.block(0, 9) == rows
        assert store.block(1, 1) == rows[1:2]
        assert store.seconds_ago() == []
    assert path.read_bytes() == before

    with closing(Store.open(path)) as store:
        store.begin_run(62515)
        store.write(noted({3: RowState.FAILED}, requests=2), {})
        store._departures.senders = (7,)  # those of another client
        assert len(store.seconds_ago()) == 2
    with closing(Store.open(path)) as store:
        assert store.block(0, 9) == [rows[0], (3, RowState.FAILED, rows[1][2]), rows[2]]
        assert store.counts()[RowState.OPEN] == 999
    with closing(sqlite3.connect(path)) as connection:
        assert [*connection.execute("PRAGMA user_version")] == [(3,)]


def test_a_fingerprint_replaces_the_digests_of_the_format_before(
    tmp_path: Path,
) -> None:
    """The digest of a row without an id was that of its JSON in another encoding."""
    path = tmp_path / "run.db"
    write_old_journal(path, {0: (2, -5)}, fingerprint="f")
    with closing(Store.open(path)) as store:
        assert store.block(0, 9) == [(0, RowState.SUCCEEDED, None)]


def write_old_journal(
    path: Path, rows: Mapping[int, tuple[int, int | None]], *, fingerprint: str | None
) -> None:
    """Write a journal as the version before did: with a table of rows."""
    begun(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE block; DROP TABLE departure;"
            "CREATE TABLE input (place INTEGER PRIMARY KEY, state INT, key INT);"
            "PRAGMA user_version = 2"
        )
        connection.executemany(
            "INSERT INTO input VALUES (?, ?, ?)",
            [(place, *row) for place, row in rows.items()],
        )
        connection.execute("UPDATE job SET fingerprint = ?", (fingerprint,))
        connection.commit()


def test_a_block_that_was_not_written_is_read_again(tmp_path: Path) -> None:
    with closing(begun(tmp_path / "run.db")) as store:
        store.write(noted({0: RowState.SENT}), {})
        with pytest.raises(sqlite3.Error):
            store.write(noted({0: RowState.OPEN}), {"results": None})  # type: ignore[dict-item] # not a length
        store.write(noted({1: RowState.SENT}), {})
        assert store.block(0, 9) == [
            (0, RowState.SENT, None),
            (1, RowState.SENT, None),
        ]


def test_more_blocks_than_are_kept_or_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_CACHED", 2)
    monkeypatch.setattr(store_module, "_INSERTED_AT_ONCE", 2)
    places = range(0, 9 * BLOCK, BLOCK // 2)
    with closing(begun(tmp_path / "run.db")) as store:
        store.write(noted(dict.fromkeys(places, RowState.SENT)), {})
        assert len(store._blocks) == 2
        store.write(noted(dict.fromkeys(places[::2], RowState.FAILED)), {})
        assert [state for _, state, _ in store.block(0, 99)] == [
            (RowState.SENT, RowState.FAILED)[at % 2 == 0] for at in range(len(places))
        ]

"""A journal and its `-wal` belong together, whichever is copied, and whenever."""

import sqlite3

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest

from attrs import frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status
from hubbatch.jobs.journal import store
from hubbatch.jobs.journal.identity import Identity
from hubbatch.jobs.journal.journal_reader import Reader, look
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.journal.store import Store
from hubbatch.jobs.journal.wal import salt_of, wal_of

from .test_store import noted


pytestmark = pytest.mark.slow


JOB = Identity(
    verb="create",
    object_type="tickets",
    source="rows.csv",
    fingerprint="f",
    options={},
    outputs={},
)
Known = dict[int, RowState]


@frozen
class Moment:
    """The files on disk at one moment, and what has been committed."""

    main: bytes
    wal: bytes | None
    known: Known

    def put(self, where: Path, wal: bytes | None) -> Path:
        """Copy its file to a new directory, with this `-wal` or none."""
        where.mkdir()
        path = where / "run.db"
        path.write_bytes(self.main)
        if wal is not None:
            wal_of(path).write_bytes(wal)
        return path


class Observed:
    """A journal whose files are copied before each statement that it executes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: Known = {}
        self.moments: list[Moment] = []
        self.at_look: Callable[[], None] = lambda: None
        self.store = self._opened()
        self._begun = False

    def _opened(self) -> Store:
        opened = Store.open(self.path)
        opened._connection.set_trace_callback(lambda _: self.look())
        return opened

    def look(self) -> None:
        self.at_look()
        wal = wal_of(self.path)
        there = wal.read_bytes() if wal.exists() else None
        moment = Moment(self.path.read_bytes(), there, {**self.known})
        if self.moments[-1:] != [moment]:
            self.moments.append(moment)

    def begin(self) -> None:
        self._begun = True
        if self.store.is_new():
            self.store.create(JOB, None)
        self.store.begin_run(None)

    def write(self, states: Known) -> None:
        if not self._begun:
            self.begin()
        self.store.write(noted(states), {})
        self.known |= states
        self.look()

    def reopen(self) -> None:
        self._begun = False
        self.store.close()
        self.look()
        self.store = self._opened()
        self.look()


def known(path: Path) -> Known:
    return look(path, lambda one: {p: RowState(s) for p, s, _ in one.block(0, 10_000)})


def found(path: Path) -> Known | None:
    """Return what a journal knows; None if it is refused. Must change nothing."""
    before = {one: one.read_bytes() for one in path.parent.iterdir()}
    try:
        seen: Known | None = known(path)
    except JournalError as error:
        if "not a journal yet" in str(error):
            return {}
        seen = None
    for one, content in before.items():
        assert one.read_bytes() == content
    return seen


def resumed(path: Path) -> Known | None:
    """Return what a resuming job knows; check that it stays complete after closing."""
    try:
        opened = Store.open(path)
    except JournalError:
        return None
    states = {}
    if not opened.is_new():
        states = {p: RowState(s) for p, s, _ in opened.block(0, 10_000)}
    opened.close()
    assert salt_of(path) is None
    assert found(path) == states
    return states


# What another program may do to a journal, through a connection of its own.
CHECKPOINTS = [
    f"PRAGMA wal_checkpoint({mode})"
    for mode in ("PASSIVE", "FULL", "RESTART", "TRUNCATE")
]
OTHERS = [*CHECKPOINTS, "ANALYZE", "PRAGMA user_version = 3"]


def interfere(path: Path, statement: str) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other,
        suppress(sqlite3.OperationalError),  # locked at the moment
    ):
        other.execute(statement).fetchall()


OPERATIONS = st.lists(
    st.one_of(
        st.dictionaries(st.integers(0, 400), st.sampled_from(RowState), min_size=1),
        st.sampled_from(["run again", "reopen", "fold", *OTHERS]),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a new directory for each call."""
    root = tmp_path_factory.mktemp("journals")
    return iter(root / str(number) for number in range(10**9))


def observed(
    places: Iterator[Path],
    operations: list[object],
    at_look: Callable[[Path], None] = lambda _: None,
) -> Observed:
    where = next(places)
    where.mkdir()
    one = Observed(where / "run.db")
    one.begin()
    one.at_look = partial(at_look, one.path)
    for operation in operations:
        if isinstance(operation, dict):
            one.write(operation)
        elif operation == "fold":
            one.store._checkpoint()
        elif operation in OTHERS:
            interfere(one.path, str(operation))
            one.look()
        else:
            one.reopen()
            if operation == "run again":
                one.begin()
    one.store.close()
    one.look()
    return one


@settings(max_examples=8, deadline=None)
# Closing starts the -wal over twice.
@example(operations=["reopen", "ANALYZE", "PRAGMA wal_checkpoint(PASSIVE)"])
@given(OPERATIONS)
def test_a_file_alone_is_refused_or_whole(
    places: Iterator[Path], operations: list[object]
) -> None:
    one = observed(places, operations)
    refused = 0
    for moment in one.moments:
        assert resumed(moment.put(next(places), moment.wal)) == moment.known
        for wal in (None, b"", b"\0" * 5_000):
            path = moment.put(next(places), wal)
            seen = found(path)
            if wal and seen is None:
                continue
            assert resumed(path) == seen
            assert seen in (None, moment.known)
            refused += seen is None
    assert refused or not one.known


@settings(max_examples=15, deadline=None)
@given(OPERATIONS, st.randoms(use_true_random=False))
def test_other_programs_interfere_at_any_instant(
    places: Iterator[Path], operations: list[object], chance: Random
) -> None:
    """Before each statement of a run, a journal is refused or complete."""

    def at_look(path: Path) -> None:
        if chance.random() < 0.3:
            interfere(path, chance.choice(OTHERS))

    one = observed(places, [{1: RowState.SENT}, *operations], at_look)
    for moment in one.moments:
        assert resumed(moment.put(next(places), None)) in (None, moment.known)
        pair = resumed(moment.put(next(places), moment.wal))
        assert pair in (None, moment.known)
    last = one.moments[-1]
    assert resumed(last.put(next(places), None)) == last.known


@pytest.mark.parametrize("statement", OTHERS)
def test_no_other_program_makes_the_file_of_a_run_look_whole(
    tmp_path: Path, statement: str
) -> None:
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SENT})
    with closing(sqlite3.connect(one.path, isolation_level=None)) as other:
        other.execute(statement).fetchall()
        for place in range(1, 4):
            one.write({place: RowState.SENT})
        number = iter(range(100))
        for moment in one.moments:
            if moment.known:
                where = tmp_path / str(next(number))
                assert resumed(moment.put(where, None)) is None
                assert resumed(moment.put(where / "pair", moment.wal)) == moment.known
    one.store.close()


@pytest.mark.parametrize("begins", [None, "BEGIN"])
def test_a_journal_that_was_closed_is_whole_while_others_have_it_open(
    tmp_path: Path, begins: str | None
) -> None:
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SUCCEEDED})
    with closing(sqlite3.connect(one.path, isolation_level=None)) as other:
        other.execute("SELECT * FROM job").fetchall()
        if begins:
            other.execute(begins)  # has not read yet
        one.store.close()
        one.look()
        assert resumed(one.moments[-1].put(tmp_path / "alone", None)) == one.known


@settings(max_examples=6, deadline=None)
@given(OPERATIONS, st.randoms(use_true_random=False))
def test_a_strange_wal_is_refused_or_a_moment_that_was(
    places: Iterator[Path], operations: list[object], chance: Random
) -> None:
    """A file and a `-wal` from different moments are refused."""
    one = observed(places, operations)
    other = observed(places, [{399: RowState.FAILED}, "reopen", {7: RowState.FAILED}])
    for _ in range(40):
        main, later = chance.choice(one.moments), chance.choice(one.moments)
        if later.wal:
            seen = found(main.put(next(places), later.wal))
            assert seen in (None, main.known, later.known)
        strange = chance.choice(other.moments)
        if strange.wal and main.known:
            path = main.put(next(places), strange.wal)
            assert resumed(path) in (None, main.known)
            if found(path) is None:  # it must not change
                wal_of(path).write_bytes(main.wal or b"")
                assert path.read_bytes() == main.main


# ---- readers


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observed]:
    """A journal of one run, with a reader that holds an old view."""
    monkeypatch.setattr(store, "_PATIENCE", 0)
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SENT})
    with closing(Reader.read_only(one.path)) as reader:
        assert reader.counts()[RowState.SENT] == 1
        one.write({0: RowState.SUCCEEDED, 1: RowState.SENT})
        yield one
        assert reader.counts()[RowState.SENT] == 1


def test_no_run_begins_while_the_file_cannot_say_so(pinned: Observed) -> None:
    with pytest.raises(JournalError, match="another program is reading it"):
        pinned.store.begin_run(None)
    pinned.store.close()
    assert known(pinned.path) == pinned.known


def test_a_reader_keeps_only_the_wal_from_being_moved(
    pinned: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LARGEST_WAL", 0)
    for place in range(2, 30):
        pinned.write({place: RowState.SUCCEEDED})
    assert known(pinned.path) == pinned.known
    pinned.store.close()
    assert wal_of(pinned.path).exists()
    assert resumed_beside(pinned) == pinned.known


def resumed_beside(one: Observed) -> Known | None:
    pair = Moment(one.path.read_bytes(), wal_of(one.path).read_bytes(), one.known)
    path = pair.put(one.path.parent / "beside", pair.wal)
    return resumed(path)


def test_the_wal_is_moved_when_it_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LARGEST_WAL", 60_000)
    one = Observed(tmp_path / "run.db")
    one.begin()
    sizes = []
    for place in range(60):
        one.write({place: RowState.SUCCEEDED})
        sizes.append(wal_of(one.path).stat().st_size)
    assert max(sizes) < 120_000
    assert one.path.stat().st_size > 4_096
    assert known(one.path) == one.known
    one.store.close()


def test_reading_a_closed_journal_creates_no_files(tmp_path: Path) -> None:
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SUCCEEDED})
    one.store.close()
    before = one.path.read_bytes()

    assert read_status(one.path).succeeded == 1
    assert [*tmp_path.iterdir()] == [one.path]
    assert one.path.read_bytes() == before


# ---- what is said


def test_what_is_missing_or_strange_is_named(tmp_path: Path) -> None:
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SENT})
    wal = wal_of(one.path).read_bytes()
    [main] = {one.path.read_bytes()}
    pair = Moment(main, wal, one.known)
    for number, (beside, told) in enumerate(
        [
            (
                None,
                r"run\.db is not complete: its run has not ended, and \S*run\.db-wal, ",
            ),
            (None, r"is missing\. Was it moved or copied alone\? Put both files"),
            (b"", "is empty or damaged"),
            (b"no WAL" * 100, "is empty or damaged"),
            (wal[:16] + b"salt" + wal[20:], "does not belong to"),
        ]
    ):
        path = pair.put(tmp_path / str(number), beside)
        for call in (Store.open, read_status):
            with pytest.raises(JournalError, match=told):
                call(path)
    one.store.close()


def test_a_wal_without_its_journal_is_not_removed(tmp_path: Path) -> None:
    one = Observed(tmp_path / "run.db")
    one.begin()
    wal = wal_of(one.path).read_bytes()
    for name, main in (("gone", None), ("empty", b"")):
        path = tmp_path / name
        if main is not None:
            path.write_bytes(main)
        wal_of(path).write_bytes(wal)
        with pytest.raises(JournalError, match=r"holds data of a run, but .* missing"):
            Store.open(path)
        assert wal_of(path).read_bytes() == wal
    one.store.close()


def test_a_full_disk_keeps_both_files(tmp_path: Path) -> None:
    """If the -wal cannot be moved, it stays and is complete."""
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SENT})
    one.store._connection.execute("PRAGMA query_only = 1")
    one.store.close()
    assert wal_of(one.path).stat().st_size > 0
    assert known(one.path) == one.known
    assert resumed(one.path) == one.known


def test_a_pair_that_cannot_be_opened_is_not_called_strange(tmp_path: Path) -> None:
    one = Observed(tmp_path / "run.db")
    one.begin()
    one.write({0: RowState.SENT})
    moment = one.moments[-1]
    one.store.close()
    path = moment.put(tmp_path / "copy", moment.wal)
    shared = path.with_name("run.db-shm")
    shared.symlink_to(tmp_path / "nowhere" / "run.db-shm")
    for call in (Store.open, read_status):
        with pytest.raises(
            JournalError,
            match=r"run\.db cannot be read together with run\.db-wal: unable to open",
        ):
            call(path)
    shared.unlink()
    assert resumed(path) == moment.known

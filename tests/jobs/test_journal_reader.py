"""Reading a file that may not be a journal, or not yet."""

import sqlite3

from contextlib import closing
from pathlib import Path

import pytest

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status, write_report
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.journal.store import Store

from .test_store import begun, noted


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    path.touch()
    with pytest.raises(JournalError, match="not a journal yet"):
        read_status(path)
    begun(path).close()
    assert read_status(path).portal_id == 62515


def test_a_journal_that_is_damaged_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    begun(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE block")
        connection.commit()
    with pytest.raises(JournalError, match="cannot be read: no such table"):
        read_status(path)


def test_a_journal_that_sqlite_cannot_open_may_well_be_one(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    begun(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    (tmp_path / "run.db-journal").mkdir()
    with pytest.raises(JournalError, match=r"run\.db cannot be read: \w+"):
        Store.open(path)


@pytest.mark.parametrize("name", ["run.db", "j\udcff.db", "a%ff?b#c&d.db"])
@pytest.mark.parametrize("folder", ["d", "d\udcff", "50%ff"])
def test_a_path_need_not_be_text(tmp_path: Path, folder: str, name: str) -> None:
    path = tmp_path / folder / name
    path.parent.mkdir()
    store = begun(path)
    store.write(noted({0: RowState.SENT}), {})
    assert read_status(path).in_doubt == 1  # with its -wal
    store.close()
    assert read_status(path).in_doubt == 1
    write_report(path, tmp_path / "page.html")
    with closing(Store.open(path)) as resumed:
        resumed.begin_run(62515)
        assert read_status(path).runs == 2
    assert [*path.parent.iterdir()] == [path]

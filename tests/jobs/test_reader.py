"""Looking into a journal that may be none, or none yet."""

import sqlite3

from contextlib import closing
from pathlib import Path

import pytest

from hubbatch.errors import JournalError
from hubbatch.jobs import read_status

from .test_store import begun


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
        connection.execute("DROP TABLE input")
        connection.commit()
    with pytest.raises(JournalError, match="cannot be read: no such table"):
        read_status(path)

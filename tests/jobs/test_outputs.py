"""Output files: new, cut back, or refused."""

import stat

from pathlib import Path

import pytest

from hubbatch.errors import ConfigurationError, JournalError
from hubbatch.jobs.outputs.output_files import Output
from tests.jobs.conftest import Lines


HEAD = b"place status\n"


def output(path: Path) -> Output:
    return Output(Lines(path))


def test_a_new_file_has_its_head_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch(mode=0o644)
    file = output(path)
    file.check_new()
    file.open(0)

    length = file.append([b"1\n", b"2\n"], durable=True)
    file.keep(length)
    assert length == len(HEAD) + 4
    assert path.read_bytes() == HEAD + b"1\n2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert file.append([b"3\n"], durable=False) == path.stat().st_size
    file.close()


def test_a_file_is_cut_back_to_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(HEAD + b"1\n2\nhalf a li")
    file = output(path)
    file.open(len(HEAD) + 2)
    file.keep(file.append([b"3\n"], durable=True))
    file.close()

    assert path.read_bytes() == HEAD + b"1\n3\n"


def test_lines_that_are_not_kept_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    file = output(path)
    file.open(0)
    file.append([b"lost and long\n"], durable=True)
    file.keep(file.append([b"1\n"], durable=True))
    file.append([b"half a li"], durable=False)
    file.close()

    assert path.read_bytes() == HEAD + b"1\n"


def test_what_was_never_committed_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(HEAD + b"1\n")
    file = output(path)
    file.open(0)
    file.append([], durable=True)
    file.close()

    assert path.read_bytes() == HEAD


def test_a_file_that_lost_something_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    file = output(path)
    with pytest.raises(JournalError, match="has 5 bytes and the journal has written 6"):
        file.open(6)
    file.close()
    assert path.read_bytes() == b"12345"


def test_foreign_files_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    for where, told in (
        (path, "exists already: delete it, or name another file"),
        (tmp_path, "exists already"),
        (tmp_path / "no" / "b", "There is no directory"),
        (path / "b", "There is no directory|cannot be used"),
        (tmp_path / ("n" * 300), "cannot be used"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            output(where).check_new()
    output(tmp_path / "new").check_new()
    output(path).close()  # never opened


def test_what_a_finished_job_has_written_must_be_there(tmp_path: Path) -> None:
    """The user may have edited it since."""
    path = tmp_path / "a"
    with pytest.raises(JournalError, match=r"no longer exists.*another --journal"):
        output(path).check_finished(5)
    path.write_bytes(b"ab")
    output(path).check_finished(5)

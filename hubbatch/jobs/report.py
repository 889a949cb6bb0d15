"""The report of a job: one page that can be mailed, printed and kept."""

import os

from pathlib import Path

from hubbatch.errors import ConfigurationError

from .page import MARK, render
from .review import read_report


def write_report(
    journal: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    values: bool = False,
) -> None:
    """Write the report of a journal's job: one HTML file, readable by you alone.

    An older report is written anew; any other file is left alone.

    Args:
        journal: the journal.
        path: the file to write.
        values: as of `read_report`.

    Raises:
        JournalError: if there is no journal at this path.
        ConfigurationError: if the file is no report, or cannot be written.
    """
    where = Path(path)
    page = render(read_report(journal, values=values), str(journal)).encode()
    check_replaceable(where)
    try:
        descriptor = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            where.chmod(0o600)
            file.write(page)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be written: {error}") from None


def check_replaceable(path: Path) -> None:
    """Make sure that a report can be written here, and that nothing else is.

    Raises:
        ConfigurationError: if it cannot.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no directory {path.parent}")
    try:
        with path.open("rb") as file:
            begins = file.read(len(MARK))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from None
    if begins not in (b"", MARK.encode()):
        raise ConfigurationError(
            f"{path} exists already, and is no report: name another file"
        )

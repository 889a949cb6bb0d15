"""The report of a job: one HTML file that can be mailed, printed and archived."""

import os

from pathlib import Path

from hubbatch.errors import ConfigurationError

from .page import MARK, environment, render
from .review import read_report


def write_report(
    journal: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    values: bool = False,
) -> None:
    """Write the report of a job from its journal: one HTML file that only you can read.

    An existing report is overwritten; any other file is not. Needs the extra `jobs`.

    Args:
        journal: the path of the journal.
        path: the file to write.
        values: whether to show row ids and HubSpot's messages, which quote values, from
            the job's failures file.

    Raises:
        JournalError: If there is no journal at this path.
        ConfigurationError: If the file exists and is not a report, if it cannot be
            written, or if Jinja2 is not installed.
    """
    where = Path(path)
    page = render(read_report(journal, values=values), str(journal)).encode()
    check_report_path(where)
    try:
        descriptor = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            where.chmod(0o600)
            file.write(page)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be written: {error}") from None


def check_report_path(path: Path) -> None:
    """Check, before a job starts, that its report can be written to a path.

    Raises:
        ConfigurationError: If the file exists and is not a report, if its directory
            does not exist, or if Jinja2 is not installed.
    """
    environment()
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"{path} cannot be written: the directory {path.parent} does not exist"
        )
    try:
        with path.open("rb") as file:
            start = file.read(len(MARK))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}") from None
    if start not in (b"", MARK.encode()):
        raise ConfigurationError(
            f"{path} exists and is not a report: choose another file"
        )

"""Writes the log of a command: on the terminal (-v), and into a file (--log-file)."""

import logging
import time

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from hubbatch import ConfigurationError

from .console import console_markup


_ROOT = logging.getLogger("hubbatch")
# What the command prints anyway. Like all logs, it has no message of HubSpot, which may
# quote values.
printed: logging.Logger = logging.getLogger("hubbatch.cli")


class _ConsoleHandler(logging.Handler):
    """Prints records above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless the command has printed it."""
        if record.name != printed.name:
            line = console_markup(self.format(record))
            self._console.print(f"[dim]{line}[/]", soft_wrap=True)


class _Formatter(logging.Formatter):
    """Starts each line with the time in UTC and the level."""

    converter = time.gmtime  # type: ignore[assignment] # typeshed has a method
    default_time_format = "%Y-%m-%dT%H:%M:%SZ"
    default_msec_format = None  # type: ignore[mutable-override] # as documented


@contextmanager
def logging_to(options: Mapping[str, Any], console: Console) -> Iterator[None]:
    """Log as the options say while in the `with` block.

    Raises:
        ConfigurationError: If the file cannot be written.
    """
    level = logging.DEBUG if options.get("verbose", 0) > 1 else logging.INFO
    handlers: list[logging.Handler] = []
    if options.get("verbose"):
        handlers.append(_ConsoleHandler(console))
    path: Path | None = options.get("log_file")
    if path is not None:
        try:
            file = logging.FileHandler(
                path, encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            raise ConfigurationError(
                f"--log-file {path} cannot be written: {error.strerror}"
            ) from None
        file.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(file)
    before = _ROOT.level
    for handler in handlers:
        _ROOT.addHandler(handler)
    if handlers:
        _ROOT.setLevel(level)
    try:
        yield
    finally:
        _ROOT.setLevel(before)
        for handler in handlers:
            _ROOT.removeHandler(handler)
            handler.close()

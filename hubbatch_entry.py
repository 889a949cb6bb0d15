"""The command `hubbatch`, from its first instruction on; nothing heavy is imported.

A module beside the package: a module inside it imports the whole client first, and
that takes long enough to be interrupted, or to open a file where standard output
should be.
"""

import os
import select
import signal

from collections.abc import Callable
from contextlib import suppress
from types import FrameType


# Windows has no SIGHUP.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SHOW_CURSOR = b"\x1b[?25h\n"


class Signals:
    """What SIGINT, SIGTERM and SIGHUP do to the command.

    No handler ever raises: an exception at an arbitrary instruction can be swallowed
    by a destructor, print a traceback, or leave half of a file. A signal goes to
    `respond`; without one, or where that has nothing left to stop, the process ends.

    A closed terminal sends SIGHUP several times (the kernel, then the shell, and
    systemd right after its SIGTERM), so a SIGHUP after another signal changes nothing.
    A signal that was ignored at the start (nohup, a background job) stays ignored.

    Attributes:
        number: the first signal that came; SIGTERM for a SIGHUP.
        respond: takes a signal, and returns whether the process is to live on.
        last_words: called with the exit status before a signal ends the process.
        status: the exit status, once no signal can change it any more.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.respond: Callable[[], bool] | None = None
        self.last_words: Callable[[int], None] | None = None
        self.status: int | None = None
        self._taken: set[int] = set()

    def listen(self) -> None:
        """Take the signals from now on."""
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._taken.add(number)
            signal.signal(number, self._take)

    def ignore(self) -> None:
        """Let no signal change the exit status: all that is left is to exit."""
        for number in self._taken:
            signal.signal(number, signal.SIG_IGN)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        hangup = number == getattr(signal, "SIGHUP", None)
        if self.number is None:
            self.number = signal.SIGTERM if hangup else number
        elif hangup:
            return
        if self.respond is None or not self.respond():
            self._exit(128 + self.number)

    def _exit(self, status: int) -> None:
        if self.status is not None:
            status = self.status
        try:
            _show_cursor()
            # Once: where it blocks, the next signal goes past it.
            words, self.last_words = self.last_words, None
            if words is not None:
                words(status)
        finally:
            # Not `sys.exit`, which raises. Nothing is lost: a journal survives any
            # kill, and the streams hold nothing back.
            os._exit(status)


signals: Signals = Signals()


def begin() -> None:
    """Take the signals, and make sure that 0, 1 and 2 are open.

    Where standard output is closed (`>&-`), the next file that is opened becomes file
    descriptor 1: what is printed would be written into a journal.
    """
    signals.listen()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, so this one; for child processes too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003


def main() -> None:
    """Run the command line."""
    begin()
    from hubbatch.cli import main as run  # noqa: PLC0415 -- takes a while

    run()


def _show_cursor() -> None:
    """Show the cursor again, which a progress bar has hidden."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return
    for number in (2, 1):
        if os.isatty(number):
            with suppress(OSError):  # the terminal is gone
                # One that is held (Ctrl-S) would hold the exit as well.
                if select.select([], [number], [], 0)[1]:
                    os.write(number, _SHOW_CURSOR)
            return

"""The command `hubbatch`: its options and help, until a command runs.

A package beside `hubbatch`: a module inside that would import the whole client first,
and `--help` and completion should not wait for it. What a command does is in
`hubbatch.cli`, which the command imports when it runs.

This module imports nothing heavy: until it takes the signals, they end the process with
a traceback, and a file may open where standard output should be.
"""

import _signal  # type: ignore[import-not-found] # `signal` imports enum and functools
import os
import sys


TYPE_CHECKING = False  # `typing` takes a while
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# Imported by every command when it runs, or before.
_EXTRA = ("click", "cloup", "rich")
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
            number = getattr(_signal, name, None)
            if number is None or _signal.getsignal(number) == _signal.SIG_IGN:
                continue
            self._taken.add(number)
            _signal.signal(number, self._take)

    def settle(self, status: int) -> None:
        """Exit with this status, whatever comes: only the last line is left to print.

        Where that can be printed, a signal has nothing left to do. Where it blocks,
        as on a terminal that is held, the signal ends the process.
        """
        self.status = status
        self.last_words = None
        self.respond = _has_room

    def ignore(self) -> None:
        """Let no signal end the process: all is said, and it exits by itself.

        The interpreter puts the system's own handlers back before it ends.
        """
        for number in self._taken:
            _signal.signal(number, _signal.SIG_IGN)

    def _take(self, number: int, _frame: "FrameType | None") -> None:
        hangup = number == getattr(_signal, "SIGHUP", None)
        if self.number is None:
            self.number = _signal.SIGTERM if hangup else number
        elif hangup and self.respond is not _has_room:
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
    """Run the command line, or explain how to install its dependencies."""
    begin()
    try:
        _run()
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.exit('The command line needs its extra: pip install "hubbatch[cli]"')


def _run() -> None:
    from .commands import hubbatch  # noqa: PLC0415 -- after `begin`, it takes a while
    from .streams import install, warn_of_loss  # noqa: PLC0415 -- after `begin`

    # A shell reads completions, which click writes as bytes.
    if "_HUBBATCH_COMPLETE" not in os.environ:
        install()
    try:
        hubbatch(prog_name="hubbatch")
    finally:
        warn_of_loss()


def _has_room() -> bool:
    """Return whether standard output and error take a few lines without blocking."""
    import select  # noqa: PLC0415 -- after the signals are taken

    try:
        return len(select.select([], [1, 2], [], 0)[1]) == 2  # noqa: PLR2004
    except OSError:  # Windows knows only of sockets
        return True


def _show_cursor() -> None:
    """Show the cursor again, which a progress bar has hidden."""
    import select  # noqa: PLC0415 -- after the signals are taken

    if os.environ.get("TERM", "dumb") == "dumb":
        return
    for number in (2, 1):
        if os.isatty(number):
            try:
                # One that is held (Ctrl-S) would hold the exit as well.
                if select.select([], [number], [], 0)[1]:
                    os.write(number, _SHOW_CURSOR)
            except OSError:  # the terminal is gone
                pass
            return

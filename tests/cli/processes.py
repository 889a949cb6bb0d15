"""The command as a process of its own, as a shell starts it."""

import os
import pty
import select
import subprocess
import sys
import termios
import time

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from tests.processes import untraced

from .conftest import Shell


HUBBATCH = [sys.executable, "-c", "from hubbatch_entry import main; main()"]
# As the leader of a session, whose terminal is standard input.
_LEADER = (
    "import fcntl, os, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "from hubbatch_entry import main; main()"
)
# What rich writes on a terminal by itself: colors, cursor up, cursor on, clear a line.
OWN_SEQUENCES = r"\x1b\[[0-9;]*m|\x1b\[[0-9]*[AK]|\x1b\[\?25[hl]"


@attrs.define
class Terminal:
    """A process on a terminal."""

    process: subprocess.Popen[bytes]
    master: int
    said: bytes = b""

    def read(self, until: bytes = b"") -> str:
        """Read what it shows until a text is there, or to its end."""
        while not until or until not in self.said:
            ready, _, _ = select.select([self.master], [], [], 60)
            assert ready, self.said
            try:
                self.said += os.read(self.master, 65_536)
            except OSError:  # the process, and all it started, are gone
                break
        return self.said.decode()

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def close(self) -> None:
        """Close the window."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@contextmanager
def terminal(*words: str, columns: int = 100) -> Iterator[Terminal]:
    """Run a command on a terminal of its own."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (30, columns))
    environ = {**untraced(), "TERM": "xterm-256color"}
    environ.pop("COLUMNS", None)
    with subprocess.Popen(  # noqa: S603 -- our own command
        [sys.executable, "-c", _LEADER, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environ,
    ) as process:
        os.close(slave)
        made = Terminal(process, master)
        try:
            yield made
        finally:
            process.kill()
            made.close()


@contextmanager
def begun(
    shell: Shell, *words: str, command: Sequence[str] = HUBBATCH
) -> Iterator[subprocess.Popen[str]]:
    """Run a command until its first request is under way."""
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*command, *words], stdout=pipe, stderr=pipe, text=True, env=untraced()
    ) as process:
        until_sent(shell, process)
        try:
            yield process
        finally:
            process.kill()


def until_sent(shell: Shell, process: subprocess.Popen[Any] | Terminal) -> None:
    """Wait until a first request is under way."""
    running = process.process if isinstance(process, Terminal) else process
    while not shell.sent:
        assert running.poll() is None
        time.sleep(0.01)


def until_in_charge(process: subprocess.Popen[str]) -> None:
    """Wait until the command takes SIGTERM: its first instruction, after Python's.

    A command as short as `--help` may end before that is seen.
    """
    bit = 1 << 14
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status") as file:  # noqa: PTH123
            caught = next(line for line in file if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) & bit:
            return
        time.sleep(0.001)

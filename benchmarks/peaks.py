"""The most memory that a process has had."""

import re

from pathlib import Path


def peak() -> float:
    """Give the high-water mark of this process, in MB.

    Not `getrusage`: to Linux that of a child begins with that of its parent.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024

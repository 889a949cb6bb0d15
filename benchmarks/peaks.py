"""The peak memory of this process."""

import re

from pathlib import Path


def peak() -> float:
    """Return the high-water mark of this process, in MB.

    `getrusage` does not do: on Linux, a child's mark starts at that of its parent.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024

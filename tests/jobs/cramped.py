"""One run of a job in a process whose files must not grow beyond a limit.

    python -m tests.jobs.cramped URL TOKEN DIRECTORY VERB OBJECT_TYPE BYTES RETURNS \
        JOURNAL

It is `tests.jobs.worker`, and prints the report as JSON. RETURNS: `later` lifts the
limit when the last request was answered, before the job closes its files; `never`.
JOURNAL: its name, or `none`.
"""

import asyncio
import resource
import sys

from pathlib import Path

import attrs
import msgspec

from hubbatch import BatchEnded, Event
from tests.jobs.worker import work


def limit(size: int) -> None:
    """Limit the size of files. Python ignores the signal, so writing fails."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


def lift(event: Event) -> None:
    if isinstance(event, BatchEnded) and event.operation.startswith("tickets."):
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


if __name__ == "__main__":
    url, token, where, verb, kind, size, returns, journal = sys.argv[1:]
    limit(int(size))
    report = asyncio.run(
        work(
            url,
            token,
            Path(where),
            verb,
            kind,
            listeners=[lift] if returns == "later" else [],
            journal=None if journal == "none" else journal,
        )
    )
    said = attrs.asdict(report, recurse=False) | {"error": str(report.error)}
    sys.stdout.write(msgspec.json.encode(said).decode())

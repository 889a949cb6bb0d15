"""One run of a job in a process of its own, to be killed.

    python -m tests.jobs.worker URL TOKEN DIRECTORY VERB OBJECT_TYPE [OPTION=VALUE ...]

It reads `rows.csv` of the directory and writes `run.db`, `results.csv` and
`failures.jsonl` there. Exit status 0: the job is finished.
"""

import asyncio
import sys

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hubbatch import Event, HubBatch, RateLimit, RetryPolicy
from hubbatch._tables.column_mapping import Columns
from hubbatch.jobs import Job, JobReport, MergeColumns
from hubbatch.jobs.sources.files import CsvSource


# The default waits, a thousand times shorter.
QUICK = RetryPolicy(base=0.005, max_delay=0.02, max_retry_after=0.02)


async def work(
    url: str,
    token: str,
    where: Path,
    verb: Any,
    kind: str,
    *,
    listeners: Sequence[Callable[[Event], None]] = (),
    journal: str | None = "run.db",
    **options: Any,
) -> JobReport:
    merges = verb == "merge"
    columns = MergeColumns() if merges else Columns(verb=verb, **options)
    async with HubBatch(
        token,
        base_url=url,
        retry=QUICK,
        max_concurrency=8,
        rate_limit=RateLimit(100_000, burst=100_000),
        listeners=listeners,
    ) as hub:
        job = Job(
            hub,
            verb,
            kind,
            CsvSource(where / "rows.csv", columns),
            **options,
            max_failures=None,
            journal=None if journal is None else where / journal,
            results=where / "results.csv",
            failures=where / "failures.jsonl",
        )
        return await job.run()


if __name__ == "__main__":
    url, token, where, verb, kind, *rest = sys.argv[1:]
    given: dict[str, Any] = dict(text.split("=", 1) for text in rest)
    report = asyncio.run(work(url, token, Path(where), verb, kind, **given))
    print(report)  # noqa: T201
    sys.exit(report.ended != "finished")

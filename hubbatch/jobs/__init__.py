"""Bulk migrations: one job from a source to HubSpot, durable and resumable.

    from hubbatch.jobs import Job

    job = Job(hub, "upsert", "tickets", rows, id_property="ref", journal="run.db")
    report = await job.run()

Needs the extra `jobs` (`pip install 'hubbatch[jobs]'`) where a journal is kept.
"""

from .job import Job, JobReport
from .rows import Row, Source
from .status import JobStatus, read_status


__all__ = ["Job", "JobReport", "JobStatus", "Row", "Source", "read_status"]

"""What a run reports of requests before they leave, for a journal."""

from typing import Protocol

from hubbatch.core.chunks import Chunk


class Journal(Protocol):
    """Is called before every request that carries writes leaves.

    What became of the inputs arrives at the outcome sink.
    """

    async def leaving(self, chunk: Chunk) -> None:
        """Return once it is recorded that these inputs may have left.

        Raises:
            HubBatchError: If it cannot be recorded. The request is not sent, and the
                batch ends.
        """
        ...

    def not_written(self, chunk: Chunk) -> None:
        """Note that HubSpot did not process the request."""
        ...


class NoJournal:
    """Records nothing."""

    async def leaving(self, chunk: Chunk) -> None:
        """Return at once."""

    def not_written(self, chunk: Chunk) -> None:
        """Do nothing."""

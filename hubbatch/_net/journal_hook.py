"""The hook that a run calls before each request, for a journal."""

from typing import Protocol

from hubbatch._outcomes.chunk import Chunk


class JournalHook(Protocol):
    """Is called before every request with inputs, except lookups of lost creates.

    The outcomes of the inputs go to the outcome sink, not here.
    """

    async def leaving(self, chunk: Chunk) -> None:
        """Record that these inputs may have been sent; return once that is safe.

        Raises:
            HubBatchError: If it cannot be recorded. The request is not sent, and the
                batch ends.
        """
        ...

    def not_written(self, chunk: Chunk) -> None:
        """Record that HubSpot did not process the request."""
        ...


class NoJournalHook:
    """Records nothing."""

    async def leaving(self, chunk: Chunk) -> None:
        """Return at once."""

    def not_written(self, chunk: Chunk) -> None:
        """Do nothing."""

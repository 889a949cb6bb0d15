"""What a run tells of requests that leave, to somebody who writes it down."""

from typing import Protocol

from hubbatch.core.planning import Chunk


class Journal(Protocol):
    """Hears of every request that carries writes, before it leaves.

    What became of the inputs it learns where the outcomes go.
    """

    async def leaving(self, chunk: Chunk) -> None:
        """Come back when it is safe to say that these inputs have left.

        Raises:
            HubBatchError: if it cannot be written down; then they do not leave, and
                the batch ends.
        """
        ...

    def not_written(self, chunk: Chunk) -> None:
        """The request has come to nothing: HubSpot surely did not process it."""
        ...


class NoJournal:
    """Nothing is written down."""

    async def leaving(self, chunk: Chunk) -> None:
        """Let them leave."""

    def not_written(self, chunk: Chunk) -> None:
        """Forget it."""

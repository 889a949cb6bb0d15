"""The verbs for deal splits."""

from __future__ import annotations

from typing import Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs
from ._wire.arguments import Id, Inputs
from ._wire.endpoints import operation_for
from .models import DealSplitsInput, DealToDealSplits, Record


class DealSplits(Verbs):
    """Batch verbs for how deals are split between users.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def read(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[DealToDealSplits]:
        """Read the splits of deals, by deal id.

        Example::

            response = await hub.deal_splits.read(["301"])

        Args:
            ids: Record ids of deals.
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        operation = operation_for("deal_splits", "read", api_version=self._api_version)
        return self._batch(operation, ids, options)

    def upsert(
        self, inputs: Inputs[DealSplitsInput | Record], **options: Unpack[Options]
    ) -> Batch[DealToDealSplits]:
        """Set the splits of deals, replacing the existing ones.

        Example::

            halves = [DealSplit(owner_id=1, percentage=50), DealSplit(2, 50)]
            response = await hub.deal_splits.upsert([DealSplitsInput("301", halves)])

        Args:
            inputs: `DealSplitsInput` objects, or dicts in HubSpot's shape.
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        operation = operation_for(
            "deal_splits", "upsert", api_version=self._api_version
        )
        return self._batch(operation, inputs, options)

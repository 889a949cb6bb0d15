"""The verbs for deal splits."""

from collections.abc import AsyncIterable, Iterable
from typing import Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs
from ._wire.endpoints import operation_for
from .models import DealSplitsInput, DealToDealSplits, Record
from .objects import Ids


Splits = Iterable[DealSplitsInput | Record] | AsyncIterable[DealSplitsInput | Record]


class DealSplits(Verbs):
    """Batch verbs for how deals are split between users.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def read(self, ids: Ids, **options: Unpack[Options]) -> Batch[DealToDealSplits]:
        """Read the splits of deals, by deal id."""
        operation = operation_for("deal_splits", "read", api_version=self._api_version)
        return self._batch(operation, ids, options)

    def upsert(
        self, inputs: Splits, **options: Unpack[Options]
    ) -> Batch[DealToDealSplits]:
        """Set the splits of deals, replacing the existing ones."""
        operation = operation_for(
            "deal_splits", "upsert", api_version=self._api_version
        )
        return self._batch(operation, inputs, options)

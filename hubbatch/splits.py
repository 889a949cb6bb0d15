"""The verbs for deal splits."""

from typing import Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs
from ._wire.endpoints import operation_for
from .models import DealSplitsInput, DealToDealSplits, Record
from .objects import Id, Inputs


class DealSplits(Verbs):
    """Batch verbs for how deals are split between users.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def read(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[DealToDealSplits]:
        """Read the splits of deals, by deal id."""
        operation = operation_for("deal_splits", "read", api_version=self._api_version)
        return self._batch(operation, ids, options)

    def upsert(
        self, inputs: Inputs[DealSplitsInput | Record], **options: Unpack[Options]
    ) -> Batch[DealToDealSplits]:
        """Set the splits of deals, replacing the existing ones."""
        operation = operation_for(
            "deal_splits", "upsert", api_version=self._api_version
        )
        return self._batch(operation, inputs, options)

"""The verbs of the deal splits."""

from collections.abc import AsyncIterable, Iterable
from typing import Unpack

from .core.operations import look_up
from .models import DealSplitsInput, DealToDealSplits, Record
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, call, takes_options
from .objects import Ids


Splits = Iterable[DealSplitsInput | Record] | AsyncIterable[DealSplitsInput | Record]


class DealSplits:
    """Batch calls on who has which share of a deal.

    Every verb takes the keywords of `hubbatch.Options` too, and gives a `Batch`; see
    `Objects`. HubSpot does not say how many inputs it takes a call; 100 are sent.
    """

    def __init__(self, engine: Engine, *, api_version: str) -> None:
        self._engine = engine
        self._api_version = api_version

    def __repr__(self) -> str:
        return "<DealSplits>"

    @takes_options
    def read(self, ids: Ids, **options: Unpack[Options]) -> Batch[DealToDealSplits]:
        """Read the splits of deals, by the deals' ids.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        operation = look_up("deal_splits", "read", api_version=self._api_version)
        return call(self._engine, operation, ids, options)

    @takes_options
    def upsert(
        self, inputs: Splits, **options: Unpack[Options]
    ) -> Batch[DealToDealSplits]:
        """Say how deals are split; what was said before is replaced.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = look_up("deal_splits", "upsert", api_version=self._api_version)
        return call(self._engine, operation, inputs, options)

"""The verb that merges records."""

from __future__ import annotations

from typing import Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs
from ._wire.arguments import Inputs
from ._wire.endpoints import operation_for
from ._write_inputs import MergeInput
from .models import Record, SimplePublicObject


class Merges(Verbs):
    """The verb to merge records of one object type."""

    def merge(
        self,
        pairs: Inputs[MergeInput | tuple[str | int, str | int] | Record],
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]:
        """Merge pairs of records, the second one into the first. It cannot be undone.

        Example::

            pairs = [MergeInput(primary_object_id="101", object_id_to_merge="102")]
            response = await hub.contacts.merge(pairs)
            survivors = [outcome.id for outcome in response.outcomes]

        HubSpot usually creates a new record: take its id from the outcome. Reads of
        either old id return the new record. A merge whose answer was lost is not sent
        again: its outcome is `unknown`.

        HubSpot merges one pair in each call. Pairs that share a record are sent one
        after the other, also if they only share one after the merges before them. Each
        names the records that these merges left. HubSpot merges contacts, companies,
        deals, tickets and custom objects (since 2026-09 all types).

        Args:
            pairs: `MergeInput` objects, pairs of ids such as `("101", "102")`, or dicts
                in HubSpot's shape: `{"primaryObjectId": ..., "objectIdToMerge": ...}`.
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
            "merges", "merge", *self._object_types, api_version=self._api_version
        )
        return self._batch(operation, pairs, options)

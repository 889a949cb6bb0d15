"""The verbs for the lists that records are on."""

from __future__ import annotations

from typing import Unpack

from ._net.batch import Batch
from ._net.client_state import ClientState
from ._verbs import Options, Verbs
from ._wire.arguments import Id, Inputs
from ._wire.endpoints import operation_for
from ._wire.object_types import type_id
from .models import RecordIdWithMemberships


class ListMemberships(Verbs):
    """Batch verbs for the lists that records of one object type are on.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def __init__(
        self, state: ClientState, object_type: str, *, api_version: str
    ) -> None:
        super().__init__(state, object_type, api_version=api_version)
        # Looked up here to refuse a type without a known id before a verb is called.
        self._operation = operation_for(
            "memberships", "read", type_id(object_type), api_version=api_version
        )

    def read(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[RecordIdWithMemberships]:
        """Read the lists that each record is on, by record id.

        Example::

            response = await hub.list_memberships("contacts").read(["101"])
            lists = [one.list_id for one in response.results[0].record_list_memberships]

        Args:
            ids: Record ids.
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
        return self._batch(self._operation, ids, options)

"""The verbs for calling apps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs
from ._wire.arguments import Id, Inputs
from ._wire.endpoints import operation_for
from .models import ConnectionStatus


class ConnectionStatuses(Verbs):
    """Batch verbs for the connections of users to calling apps.

    HubSpot publishes the path of this call and describes neither its request nor its
    answer. hubbatch sends user ids as other calls send the ids of records, 100 per
    call.
    """

    def read(
        self, users: Inputs[Id | Mapping[str, Any]], **options: Unpack[Options]
    ) -> Batch[ConnectionStatus]:
        """Read whether users are connected to a calling app, by user id.

        Example::

            response = await hub.connection_statuses.read([2506672])
            statuses = {one.user_id: one.details for one in response.results}

        A user that is missing from the answer fails with `RecordNotFound`.

        Args:
            users: Ids of users (`user_id` of an owner, not its `id`). A mapping with an
                `id` or a `userId` is sent as it is.
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
            "connection_statuses", "read", api_version=self._api_version
        )
        return self._batch(operation, users, options)

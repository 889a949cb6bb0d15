"""The verbs for contacts: those of all objects, and one more."""

from __future__ import annotations

from typing import Unpack

from ._net.batch import Batch
from ._validators import check_name
from ._verbs import Options
from ._wire.arguments import Id, Inputs
from ._wire.endpoints import operation_for
from .models import SimplePublicObject
from .objects import Objects


class Contacts(Objects):
    """Batch verbs for contacts: those of `Objects`, and the deletion for good."""

    def gdpr_delete(
        self,
        ids: Inputs[Id],
        *,
        id_property: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]:
        """Delete contacts and their content for good, as the GDPR demands.

        Example::

            response = await hub.contacts.gdpr_delete(["101"])

        It cannot be undone. HubSpot deletes the data within 30 days; there are no
        results.

        Warning: With `id_property="email"`, HubSpot also accepts an address that no
        contact has. It then blocks the address: no contact can be created with it by an
        import or a form. The answer is the same, so check the spelling first.

        HubSpot deletes one contact in each call.

        Args:
            ids: Record ids, or values of `id_property`.
            id_property: The unique property (`"email"`) that `ids` are values of.
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
            "gdpr_deletes",
            "gdpr_delete",
            *self._object_types,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        return self._batch(operation, ids, options)

"""The verbs for the schemas of object types."""

from __future__ import annotations

from typing import Unpack

from ._net.batch import Batch
from ._validators import check_flag
from ._verbs import Options, Verbs
from ._wire.arguments import Inputs
from ._wire.endpoints import operation_for
from .models import ObjectSchema


class Schemas(Verbs):
    """Batch verbs for the schemas of object types: names, properties, associations.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def read(
        self,
        object_types: Inputs[str],
        *,
        include_association_definitions: bool = True,
        include_audit_metadata: bool = True,
        include_property_definitions: bool = True,
        **options: Unpack[Options],
    ) -> Batch[ObjectSchema]:
        """Read schemas by object type.

        Example::

            response = await hub.schemas.read(["tickets", "contacts"])
            ids = [schema.object_type_id for schema in response.results]

        A type that is missing from the answer fails with `RecordNotFound`.

        Args:
            object_types: Ids or fully qualified names of object types.
            include_association_definitions: Whether to fill in `associations`.
            include_audit_metadata: Whether to include who changed the schema, and when.
            include_property_definitions: Whether to fill in `properties`.
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
        included: dict[str, object] = {
            "includeAssociationDefinitions": check_flag(
                "include_association_definitions", include_association_definitions
            ),
            "includeAuditMetadata": check_flag(
                "include_audit_metadata", include_audit_metadata
            ),
            "includePropertyDefinitions": check_flag(
                "include_property_definitions", include_property_definitions
            ),
        }
        operation = operation_for(
            "schemas", "read", api_version=self._api_version, options=included
        )
        return self._batch(operation, object_types, options)

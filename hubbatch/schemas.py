"""The verbs for the schemas of object types."""

from typing import Unpack

from ._net.batch import Batch
from ._validators import check_flag
from ._verbs import Options, Verbs
from ._wire.endpoints import operation_for
from .models import ObjectSchema
from .objects import Inputs


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

        A type that is missing from the answer fails with `RecordNotFound`.

        Args:
            object_types: Ids or fully qualified names of object types.
            include_association_definitions: Whether to fill in `associations`.
            include_audit_metadata: Whether to include who changed the schema, and when.
            include_property_definitions: Whether to fill in `properties`.
            **options: See `Options`.
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

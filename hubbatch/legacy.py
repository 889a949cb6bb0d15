"""The verbs for `crm-objects/v1`, a legacy API that HubSpot ends in September 2027."""

from collections.abc import AsyncIterable, Iterable
from typing import Unpack

from ._net.batch import Batch
from ._net.client_state import ClientState
from ._validators import check_flag, check_names
from ._verbs import Options, Table, Verbs, zone_of
from ._wire.calls import Operation, Query, Verb
from ._wire.endpoints import operation_for
from ._wire.user_classes import Typed
from .models import (
    CreateInput,
    LegacyCreateInput,
    LegacyObject,
    LegacyUpdateInput,
    Record,
    UpdateInput,
)
from .objects import Ids


LegacyCreate = LegacyCreateInput | CreateInput | Record | list[Record] | Typed
LegacyCreates = Table | Iterable[LegacyCreate] | AsyncIterable[LegacyCreate]
LegacyUpdate = LegacyUpdateInput | UpdateInput | Record | Typed
LegacyUpdates = Table | Iterable[LegacyUpdate] | AsyncIterable[LegacyUpdate]


class LegacyObjects(Verbs):
    """Batch verbs of `crm-objects/v1` for one object type.

    They accept this API's own inputs, those of v3, and records of your own classes.
    Dates are sent as milliseconds since 1970, as this API expects. Its answers have no
    envelope, so a response counts as COMPLETE and has no timestamps.
    """

    def create(
        self,
        inputs: LegacyCreates,
        *,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[LegacyObject]:
        """Create records.

        This API's answers identify a record only by the values that were written. If
        several inputs have the same values, each succeeds, but it is unknown which id
        belongs to which input.
        """
        return self._batch(
            self._operation("create", timezone=timezone), inputs, options
        )

    def read(
        self,
        ids: Ids,
        *,
        properties: Iterable[str] = (),
        properties_with_history: Iterable[str] = (),
        include_deletes: bool = False,
        **options: Unpack[Options],
    ) -> Batch[LegacyObject]:
        """Read records by id.

        Args:
            ids: Record ids.
            properties: Names of the properties to return. Without them, this API
                returns little more than ids.
            properties_with_history: Names of the properties to return with their
                earlier values.
            include_deletes: Whether to also return deleted records. A record that is
                missing from the answer fails with `RecordNotFound`.
            **options: See `Options`.
        """
        parameters = {
            "properties": check_names(properties),
            "propertiesWithHistory": check_names(properties_with_history),
            "includeDeletes": ("true",)
            if check_flag("include_deletes", include_deletes)
            else (),
        }
        operation = self._operation(
            "read", {name: values for name, values in parameters.items() if values}
        )
        return self._batch(operation, ids, options)

    def update(
        self,
        inputs: LegacyUpdates,
        *,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[LegacyObject]:
        """Set properties of existing records."""
        return self._batch(
            self._operation("update", timezone=timezone), inputs, options
        )

    def archive(self, ids: Ids, **options: Unpack[Options]) -> Batch[LegacyObject]:
        """Delete records. According to HubSpot, this cannot be undone."""
        return self._batch(self._operation("archive"), ids, options)

    def _operation(
        self,
        verb: Verb,
        parameters: Query | None = None,
        timezone: str | None = None,
    ) -> Operation:
        [object_type] = self._object_types
        return operation_for(
            "legacy",
            verb,
            object_type,
            parameters=parameters or {},
            properties=tuple((parameters or {}).get("properties", ())),
            zone=zone_of(timezone),
        )


class Legacy:
    """The object types of `crm-objects/v1`, each with its batch verbs."""

    def __init__(self, state: ClientState) -> None:
        self.tickets: LegacyObjects = _objects(state, "tickets")
        self.products: LegacyObjects = _objects(state, "products")
        self.line_items: LegacyObjects = _objects(state, "line_items")


def _objects(state: ClientState, object_type: str) -> LegacyObjects:
    return LegacyObjects(state, object_type, api_version="v1")

"""The verbs for `crm-objects/v1`, a legacy API that HubSpot ends in September 2027."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from ._net.batch import Batch
from ._net.client_state import ClientState
from ._validators import check_flag, check_names
from ._verbs import Options, Verbs, zone_of
from ._wire.arguments import Id, Inputs
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


class LegacyObjects(Verbs):
    """Batch verbs of `crm-objects/v1` for one object type.

    They accept this API's own inputs, those of v3, and records of your own classes.
    Dates are sent as milliseconds since 1970, as this API expects. Its answers have no
    envelope, so a response counts as COMPLETE and has no timestamps.
    """

    def create(
        self,
        inputs: Inputs[LegacyCreateInput | CreateInput | Record | list[Record] | Typed],
        *,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[LegacyObject]:
        """Create records.

        Example::

            records = [{"properties": {"subject": "Printer"}}]
            response = await hub.legacy.tickets.create(records)

        This API's answers identify a record only by the values that were written. If
        several inputs have the same values, each succeeds, but it is unknown which id
        belongs to which input.

        Args:
            inputs: Dicts as above, `LegacyCreateInput`, `CreateInput`, this API's lists
                of properties, or instances of your own class.
            timezone: The IANA zone of datetimes without one, e.g. "Europe/Berlin".
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
        return self._batch(
            self._operation("create", timezone=timezone), inputs, options
        )

    def read(
        self,
        ids: Inputs[Id],
        *,
        properties: Iterable[str] = (),
        properties_with_history: Iterable[str] = (),
        include_deletes: bool = False,
        **options: Unpack[Options],
    ) -> Batch[LegacyObject]:
        """Read records by id.

        Example::

            response = await hub.legacy.tickets.read([512], properties=["subject"])
            subjects = [one.properties["subject"].value for one in response.results]

        Args:
            ids: Record ids.
            properties: Names of the properties to return. Without them, this API
                returns little more than ids.
            properties_with_history: Names of the properties to return with their
                earlier values.
            include_deletes: Whether to also return deleted records. A record that is
                missing from the answer fails with `RecordNotFound`.
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
        inputs: Inputs[LegacyUpdateInput | UpdateInput | Record | Typed],
        *,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[LegacyObject]:
        """Set properties of existing records.

        Example::

            records = [{"id": 512, "properties": {"subject": "Printer"}}]
            response = await hub.legacy.tickets.update(records)

        Args:
            inputs: Dicts as above, `LegacyUpdateInput`, `UpdateInput`, or instances of
                your own class.
            timezone: The IANA zone of datetimes without one, e.g. "Europe/Berlin".
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
        return self._batch(
            self._operation("update", timezone=timezone), inputs, options
        )

    def archive(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[LegacyObject]:
        """Delete records. According to HubSpot, this cannot be undone.

        Example::

            response = await hub.legacy.tickets.archive([512])

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

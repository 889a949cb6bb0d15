"""The verbs for the property definitions of an object type."""

from __future__ import annotations

from typing import Literal, TypeAlias, Unpack

from ._net.batch import Batch
from ._validators import check_flag
from ._verbs import Options, Verbs
from ._wire.arguments import Inputs
from ._wire.calls import Operation, Verb
from ._wire.endpoints import operation_for
from .models import Property, PropertyCreate, Record


DataSensitivity: TypeAlias = Literal["non_sensitive", "sensitive", "highly_sensitive"]
"""HubSpot's levels of sensitive data."""
_SENSITIVITIES = ("non_sensitive", "sensitive", "highly_sensitive")


class Properties(Verbs):
    """Batch verbs for the property definitions of one object type.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def create(
        self, inputs: Inputs[PropertyCreate | Record], **options: Unpack[Options]
    ) -> Batch[Property]:
        """Define properties.

        Example::

            response = await hub.properties("tickets").create(
                [PropertyCreate("ref", "Ref", "ticketinformation", "string", "text")]
            )

        If an answer is lost, the outcome is `unknown` and the input is not sent again:
        HubSpot would refuse it if the property exists by then.

        Args:
            inputs: `PropertyCreate` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("create"), inputs, options)

    def read(
        self,
        names: Inputs[str | Record],
        *,
        archived: bool = False,
        data_sensitivity: DataSensitivity = "non_sensitive",
        **options: Unpack[Options],
    ) -> Batch[Property]:
        """Read definitions by name.

        Example::

            response = await hub.properties("tickets").read(["subject", "content"])
            types = {found.name: found.type for found in response.results}

        Args:
            names: Inputs[str | Record] of properties.
            archived: Whether to read archived properties instead of active ones.
            data_sensitivity: Read only properties with this sensitivity.
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
        if data_sensitivity not in _SENSITIVITIES:
            raise ValueError(
                f"data_sensitivity must be one of {', '.join(_SENSITIVITIES)}, "
                f"not {data_sensitivity!r}."
            )
        body: dict[str, object] = {
            "archived": check_flag("archived", archived),
            "dataSensitivity": data_sensitivity,
        }
        return self._batch(self._operation("read", body), names, options)

    def archive(
        self, names: Inputs[str | Record], **options: Unpack[Options]
    ) -> Batch[Property]:
        """Archive properties. A name that does not exist succeeds too.

        Example::

            response = await hub.properties("tickets").archive(["my_property"])

        Args:
            names: Names of properties.
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
        return self._batch(self._operation("archive"), names, options)

    async def list(self) -> tuple[Property, ...]:
        """Return the definitions of all properties of the object type.

        Example::

            names = [found.name for found in await hub.properties("tickets").list()]

        Raises:
            APIError: If HubSpot refuses the request or is unavailable.
            RuntimeError: If the client is closed.
        """
        self._state.check_open()
        operation = operation_for(
            "property_lists", "read", *self._object_types, api_version=self._api_version
        )
        return tuple(await self._ask(operation))

    def _operation(
        self, verb: Verb, options: dict[str, object] | None = None
    ) -> Operation:
        return operation_for(
            "properties",
            verb,
            *self._object_types,
            api_version=self._api_version,
            options=options or {},
        )

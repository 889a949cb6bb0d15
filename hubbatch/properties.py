"""The verbs for the property definitions of an object type."""

from collections.abc import AsyncIterable, Iterable
from typing import Literal, Unpack

from ._net.batch import Batch
from ._validators import check_flag
from ._verbs import Options, Verbs
from ._wire.calls import Operation, Verb
from ._wire.endpoints import operation_for
from .models import Property, PropertyCreate, Record


Names = Iterable[str | Record] | AsyncIterable[str | Record]
PropertyCreates = (
    Iterable[PropertyCreate | Record] | AsyncIterable[PropertyCreate | Record]
)
DataSensitivity = Literal["non_sensitive", "sensitive", "highly_sensitive"]
_SENSITIVITIES = ("non_sensitive", "sensitive", "highly_sensitive")


class Properties(Verbs):
    """Batch verbs for the property definitions of one object type.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def create(
        self, inputs: PropertyCreates, **options: Unpack[Options]
    ) -> Batch[Property]:
        """Define properties.

        If an answer is lost, the outcome is `unknown` and the input is not sent again:
        HubSpot would refuse it if the property exists by then.
        """
        return self._batch(self._operation("create"), inputs, options)

    def read(
        self,
        names: Names,
        *,
        archived: bool = False,
        data_sensitivity: DataSensitivity = "non_sensitive",
        **options: Unpack[Options],
    ) -> Batch[Property]:
        """Read definitions by name.

        Args:
            names: Names of properties.
            archived: Whether to read archived properties instead of active ones.
            data_sensitivity: Read only properties with this sensitivity.
            **options: See `Options`.
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

    def archive(self, names: Names, **options: Unpack[Options]) -> Batch[Property]:
        """Archive properties. A name that does not exist succeeds too."""
        return self._batch(self._operation("archive"), names, options)

    async def list(self) -> tuple[Property, ...]:
        """Return the definitions of all properties of the object type.

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

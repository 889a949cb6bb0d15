"""The verbs of the definitions of an object type's properties."""

from collections.abc import AsyncIterable, Iterable
from typing import Literal, Unpack

from .core.arguments import check_flag, check_object_type
from .core.calls import Operation, Verb
from .core.operations import look_up
from .models import Property, PropertyCreate, Record
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, ask, call, takes_options


Names = Iterable[str | Record] | AsyncIterable[str | Record]
PropertyCreates = (
    Iterable[PropertyCreate | Record] | AsyncIterable[PropertyCreate | Record]
)
DataSensitivity = Literal["non_sensitive", "sensitive", "highly_sensitive"]
_SENSITIVITIES = ("non_sensitive", "sensitive", "highly_sensitive")


class Properties:
    """Batch calls on the properties that an object type has.

    Every verb takes the keywords of `hubbatch.Options` too, and gives a `Batch`; see
    `Objects`. HubSpot does not say how many inputs it takes a call; 100 are sent.
    """

    def __init__(self, engine: Engine, object_type: str, *, api_version: str) -> None:
        self._engine = engine
        self._object_type = check_object_type(object_type)
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"<Properties {self._object_type!r}>"

    @takes_options
    def create(
        self, inputs: PropertyCreates, **options: Unpack[Options]
    ) -> Batch[Property]:
        """Define properties.

        One whose answer was lost is `unknown`: sent again, it would be refused for
        being there.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("create"), inputs, options)

    @takes_options
    def read(
        self,
        names: Names,
        *,
        archived: bool = False,
        data_sensitivity: DataSensitivity = "non_sensitive",
        **options: Unpack[Options],
    ) -> Batch[Property]:
        """Read definitions by name.

        Raises:
            TypeError: if `names` is no collection of names.
            ValueError: for a sensitivity that HubSpot does not know.
        """
        if data_sensitivity not in _SENSITIVITIES:
            raise ValueError(
                f"data_sensitivity is one of {_SENSITIVITIES}, not {data_sensitivity!r}"
            )
        body: dict[str, object] = {
            "archived": check_flag("archived", archived),
            "dataSensitivity": data_sensitivity,
        }
        return call(self._engine, self._operation("read", body), names, options)

    @takes_options
    def archive(self, names: Names, **options: Unpack[Options]) -> Batch[Property]:
        """Archive properties; HubSpot answers the same for names that there are not.

        Raises:
            TypeError: if `names` is no collection of names.
        """
        return call(self._engine, self._operation("archive"), names, options)

    async def list(self) -> tuple[Property, ...]:
        """Ask for the definitions of all the properties that the type has.

        Raises:
            APIError: if HubSpot refuses to answer, or cannot.
            RuntimeError: if the client is closed.
        """
        self._engine.check_open()
        operation = look_up(
            "property_lists", "read", self._object_type, api_version=self._api_version
        )
        return tuple(await ask(self._engine, operation))

    def _operation(
        self, verb: Verb, options: dict[str, object] | None = None
    ) -> Operation:
        return look_up(
            "properties",
            verb,
            self._object_type,
            api_version=self._api_version,
            options=options or {},
        )

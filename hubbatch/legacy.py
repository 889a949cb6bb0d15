"""The legacy `crm-objects/v1` calls, until HubSpot ends them in September 2027."""

from collections.abc import AsyncIterable, Iterable
from typing import Unpack

from .core.arguments import check_flag, check_names
from .core.operations import look_up
from .core.typed import Typed
from .models import (
    CreateInput,
    LegacyCreateInput,
    LegacyObject,
    LegacyUpdateInput,
    Record,
    UpdateInput,
)
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, call, takes_options
from .objects import Ids


LegacyCreate = LegacyCreateInput | CreateInput | Record | list[Record] | Typed
LegacyCreates = Iterable[LegacyCreate] | AsyncIterable[LegacyCreate]
LegacyUpdate = LegacyUpdateInput | UpdateInput | Record | Typed
LegacyUpdates = Iterable[LegacyUpdate] | AsyncIterable[LegacyUpdate]


class LegacyObjects:
    """Batch calls of `crm-objects/v1` on one object type.

    They take inputs of their own, those of v3 and records of your own classes, and work
    like those of `Objects`.
    Dates are sent as milliseconds since 1970, as this API wants them. Its answers
    have no envelope, so a response counts as COMPLETE and has no timestamps.
    """

    def __init__(self, engine: Engine, object_type: str) -> None:
        self._engine = engine
        self._object_type = object_type

    def __repr__(self) -> str:
        return f"<LegacyObjects {self._object_type!r}>"

    @takes_options
    def create(
        self, inputs: LegacyCreates, **options: Unpack[Options]
    ) -> Batch[LegacyObject]:
        """Create records.

        This API gives nothing back by which a result could be told from another but
        the values that were written: of records that are equal in all of them, each
        has succeeded, and which id is whose is not said.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = look_up("legacy", "create", self._object_type)
        return call(self._engine, operation, inputs, options)

    @takes_options
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

        Without `properties` this API answers little more than ids. A record that its
        answer leaves out has failed with `RecordNotFound`; deleted ones are in it
        with `include_deletes`.

        Raises:
            TypeError: if `ids` is no collection of ids, or properties is one text.
        """
        names = check_names(properties)
        parameters = {
            "properties": names,
            "propertiesWithHistory": check_names(properties_with_history),
            "includeDeletes": ("true",)
            if check_flag("include_deletes", include_deletes)
            else (),
        }
        operation = look_up(
            "legacy",
            "read",
            self._object_type,
            properties=names,
            parameters={name: value for name, value in parameters.items() if value},
        )
        return call(self._engine, operation, ids, options)

    @takes_options
    def update(
        self, inputs: LegacyUpdates, **options: Unpack[Options]
    ) -> Batch[LegacyObject]:
        """Set properties of existing records.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = look_up("legacy", "update", self._object_type)
        return call(self._engine, operation, inputs, options)

    @takes_options
    def archive(self, ids: Ids, **options: Unpack[Options]) -> Batch[LegacyObject]:
        """Delete records; HubSpot says of this API that it cannot be undone.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        operation = look_up("legacy", "archive", self._object_type)
        return call(self._engine, operation, ids, options)


class Legacy:
    """The object types that `crm-objects/v1` has."""

    def __init__(self, engine: Engine) -> None:
        self.tickets: LegacyObjects = LegacyObjects(engine, "tickets")
        self.products: LegacyObjects = LegacyObjects(engine, "products")
        self.line_items: LegacyObjects = LegacyObjects(engine, "line_items")

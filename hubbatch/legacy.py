"""The legacy `crm-objects/v1` calls, until HubSpot ends them in September 2027."""

from collections.abc import AsyncIterable, Iterable

from .core.operations import legacy_operation
from .models import LegacyObject, LegacyUpdateInput, Record
from .net.batch import LINGER, Batch
from .net.engine import Engine


LegacyUpdates = (
    Iterable[LegacyUpdateInput | Record] | AsyncIterable[LegacyUpdateInput | Record]
)


class LegacyObjects:
    """Batch calls of `crm-objects/v1` on one object type."""

    def __init__(self, engine: Engine, object_type: str) -> None:
        self._engine = engine
        self._object_type = object_type

    def __repr__(self) -> str:
        return f"<LegacyObjects {self._object_type!r}>"

    def update(
        self,
        inputs: LegacyUpdates,
        *,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[LegacyObject]:
        """Set properties of existing records.

        Dates are sent as milliseconds since 1970, as this API wants them. Its answers
        have no envelope, so the response counts as COMPLETE and has no timestamps.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = legacy_operation("update", self._object_type)
        return Batch(
            self._engine,
            operation,
            inputs,
            isolate=isolate,
            max_failures=max_failures,
            linger=linger,
        )


class Legacy:
    """The object types that `crm-objects/v1` has."""

    def __init__(self, engine: Engine) -> None:
        self.tickets: LegacyObjects = LegacyObjects(engine, "tickets")
        self.products: LegacyObjects = LegacyObjects(engine, "products")
        self.line_items: LegacyObjects = LegacyObjects(engine, "line_items")

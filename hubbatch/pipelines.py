"""The pipelines of an object type."""

from __future__ import annotations

from ._verbs import Face
from ._wire.endpoints import operation_for
from .account_models import Pipeline


class Pipelines(Face):
    """The pipelines of one object type, and their stages."""

    async def list(self) -> tuple[Pipeline, ...]:
        """Return the pipelines, each with its stages.

        Example::

            [pipeline, *_] = await hub.pipelines("tickets").list()
            stages = {stage.label: stage.id for stage in pipeline.stages}

        Raises:
            APIError: If HubSpot refuses the request or is unavailable.
            RuntimeError: If the client is closed.
        """
        self._state.check_open()
        operation = operation_for(
            "pipelines", "list", *self._object_types, api_version=self._api_version
        )
        page = await self._ask(operation)
        return tuple(page.items)

"""The lists that records are on."""

from typing import Unpack

from .core.object_types import type_id
from .core.operations import look_up
from .models import RecordIdWithMemberships
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, call, takes_options
from .objects import Ids


class ListMemberships:
    """Which lists the records of one object type are on.

    It takes the keywords of `hubbatch.Options` too, and gives a `Batch`; see
    `Objects`. HubSpot does not say how many inputs it takes a call; 100 are sent.
    """

    def __init__(self, engine: Engine, object_type: str, *, api_version: str) -> None:
        self._engine = engine
        self._object_type = object_type
        self._operation = look_up(
            "memberships", "read", type_id(object_type), api_version=api_version
        )

    def __repr__(self) -> str:
        return f"<ListMemberships {self._object_type!r}>"

    @takes_options
    def read(
        self, ids: Ids, **options: Unpack[Options]
    ) -> Batch[RecordIdWithMemberships]:
        """Read the lists that records are on, by the records' ids.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        return call(self._engine, self._operation, ids, options)
